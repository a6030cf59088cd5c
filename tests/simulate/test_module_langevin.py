"""Langevin dynamics around trained modules: exact covariance of a quadratic loss, runs of the engine."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

from compare.relaxation import relaxation_times
from deepglass.cli import main
from deepglass.errors import Diverged, InvalidInput
from simulate import inspection, resume, run
from simulate.cli import app
from simulate.copies import Model, Training, load, train
from simulate.copies import loss as losses
from simulate.module.experiment import ModuleExperiment
from simulate.module.network import FlatModule
from simulate.module.protocol import ModuleProtocol
from simulate.module.system import ModuleSystem
from simulate.noise import Member
from simulate.validation import of_finished


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Data of a linear problem, and two trained perceptrons."""
    where = tmp_path_factory.mktemp("module")
    random = np.random.default_rng(0)
    x = random.standard_normal((50, 3)) * np.array([1.5, 1.0, 0.6])
    y = x @ np.array([[1.0], [-2.0], [0.5]]) + 0.3 * random.standard_normal((50, 1))
    np.savez(where / "linear.npz", inputs=x, targets=y)
    data = load("digits", patterns=120, test_patterns=40)
    model = Model("simulate.copies.networks:mlp", {"width": 8, "depth": 3})
    train(model, data, Training(copies=2, epochs=30, rate=1e-2, batch=40)).save(where)
    return where


def linear(folder, **values) -> ModuleProtocol:
    given = {
        "model": "torch.nn:Linear", "model_args": ("in_features=3", "out_features=1"), "loss": "squares",
        "data": str(folder / "linear.npz"), "patterns": 50, "test_patterns": 0, "precision": "float64",
        "temperature": 0.02, "eta": 0.25, "lambda_": 0.1, "steps": 10,
    }  # fmt: skip
    return ModuleProtocol.of(**{**given, **values})


@pytest.mark.parametrize("eta", [0.1, 0.6])
def test_the_covariance_of_a_linear_network_is_exact(folder, eta):
    """U = (theta - theta_0) H (theta - theta_0)/2: mean theta_0, covariance T H^-1 (1 - eta H/2)^-1, of 1500
    machines. Whitened by it, 10 entries of a Wishart matrix: off-diagonal ones at 5 standard deviations of
    1/sqrt(n), diagonal ones of sqrt(2/n); false alarm 1e-5. Without the correction of the finite step the
    largest would be off by 1/(1 - eta h/2): seen at eta = 0.6, which is the control."""
    n = 1500
    protocol = linear(folder, eta=eta)
    system = ModuleSystem()
    experiment = ModuleExperiment(protocol, system.load(protocol), "eager")
    x = np.column_stack([experiment.x.numpy(), np.ones(50)])
    h = x.T @ x / 50 + 0.1 * np.eye(4)
    slow = np.linalg.eigvalsh(h)[0]
    members = [Member(0, k, 0) for k in range(n)]
    r, v = experiment.start(members)
    steps = math.ceil(9 / (eta * slow))  # what is left of the start: e^-9
    experiment.advance(members)(r, v, 0, experiment.temperatures(0, steps))
    centre = np.linalg.solve(h, x.T @ experiment.y.numpy()[:, 0] / 50)

    def whitened(expected: np.ndarray) -> np.ndarray:
        root = np.linalg.cholesky(np.linalg.inv(expected))
        return (r.numpy() - centre) @ root

    exact = 0.02 * np.linalg.inv(h @ (np.eye(4) - eta * h / 2))
    z = whitened(exact)
    assert np.abs(z.mean(0)).max() < 5 / math.sqrt(n)
    off = z.T @ z / n - np.eye(4)
    assert np.abs(off[~np.eye(4, dtype=bool)]).max() < 5 / math.sqrt(n)
    assert np.abs(np.diag(off)).max() < 5 * math.sqrt(2 / n)
    naive = whitened(0.02 * np.linalg.inv(h))
    wrong = np.abs(naive.T @ naive / n - np.eye(4)).max()
    assert eta < 0.6 or wrong > 20 * math.sqrt(2 / n)


def test_correlations_of_a_linear_network_decay_as_they_should(folder):
    """At stationarity <d(t) d(0)> = (1 - eta H)^t Sigma: of the deviations from theta_0, 1000 machines, each
    eigenvector of H, 5 standard deviations of 1/sqrt(n)."""
    n, t, protocol = 1000, 6, linear(folder)
    experiment = ModuleExperiment(protocol, ModuleSystem().load(protocol), "eager")
    x = np.column_stack([experiment.x.numpy(), np.ones(50)])
    h = x.T @ x / 50 + 0.1 * np.eye(4)
    centre = np.linalg.solve(h, x.T @ experiment.y.numpy()[:, 0] / 50)
    members = [Member(0, k, 0) for k in range(n)]
    r, v = experiment.start(members)
    move = experiment.advance(members)
    move(r, v, 0, experiment.temperatures(0, 120))
    begun = r.numpy() - centre
    move(r, v, 120, experiment.temperatures(0, t))
    values, vectors = np.linalg.eigh(h)
    first, last = begun @ vectors, (r.numpy() - centre) @ vectors
    found = (first * last).mean(0) / np.sqrt((first**2).mean(0) * (last**2).mean(0))
    np.testing.assert_allclose(found, (1 - 0.25 * values) ** t, atol=5 / math.sqrt(n))


@pytest.mark.parametrize("name", ["mlp", "ConvNet", "Transformer"])
def test_gradient_is_autograd_s(name):
    """Of three states at once, against torch.autograd on single modules; answers and weights too."""
    small = {"mlp": {"width": 5, "depth": 3}, "ConvNet": {"channels": 3}, "Transformer": {"width": 8}}[name]
    model = Model(f"simulate.copies.networks:{name}", small)
    data = load("digits", patterns=20, test_patterns=5)
    x, y = torch.from_numpy(data.inputs).double(), torch.from_numpy(data.labels)
    modules = [model.build(k).double().eval() for k in range(3)]
    from simulate.module.network import layer_names

    flat = FlatModule(model.build(9).double(), losses.cross_entropy, layer_names(modules[0], x))
    r = torch.stack([torch.cat([p.detach().reshape(-1) for p in m.parameters()]) for m in modules])
    found, neurons, weights = flat.gradient(r, x, y), flat.neurons(r, x), flat.layers(r)
    for k, module in enumerate(modules):
        out = module(x)
        expected = torch.autograd.grad(losses.cross_entropy(out, y), list(module.parameters()))
        torch.testing.assert_close(found[k], torch.cat([g.reshape(-1) for g in expected]))
        torch.testing.assert_close(neurons[-1][k], out.detach().reshape(-1))
        torch.testing.assert_close(flat.outputs(r, x)[k], out.detach())
    if name == "Transformer":
        place = flat.names.index("blocks.0.attention.key")
        expected = modules[1].blocks[0].attention.in_proj_weight[8:16].reshape(-1)
        torch.testing.assert_close(weights[place][1], expected.detach())
    if name == "mlp":
        torch.testing.assert_close(weights[1][2], modules[2][2].weight.detach().reshape(-1))


def around(folder, **values) -> ModuleProtocol:
    given = {
        "model_args": ("width=8", "depth=3"), "patterns": 120, "test_patterns": 40, "steps": 60,
        "weights": tuple(str(folder / f"copy-0{k}.pt") for k in (0, 1)), "waiting_time": (0, 20),
        "samples": 2, "replicas": 3, "temperature": 1e-4, "eta": 0.02, "checkpoint_every": 15,
        "frames_per_decade": 1, "matrix_times": (40,), "probes": 30,
    }  # fmt: skip
    return ModuleProtocol.of(**{**given, **values})


@pytest.fixture(scope="module")
def whole(folder) -> xr.Dataset:
    return run(around(folder))


def test_a_run_is_sound_and_says_what_it_is(whole, folder, tmp_path, capsys):
    out = tmp_path / "run.nc"
    again = run(around(folder), out=out)
    for name in whole.variables:
        np.testing.assert_array_equal(whole[name].values, again[name].values, err_msg=str(name))
    assert of_finished(whole) == []
    assert whole.attrs["depth"] == 3
    assert whole.attrs["width"] == 8
    assert whole.attrs["layer_names"] == "0,2,4"
    assert main(app, ["validate", str(out)]) == 0
    assert main(app, ["inspect", str(out)]) == 0
    assert "Langevin dynamics of simulate.copies.networks:mlp on digits: L = 3" in capsys.readouterr().out


def test_it_starts_where_training_ended_and_layers_drift(whole, folder):
    """Loss and accuracy of the checkpoints at t = 0; overlaps fall from 1, relaxation times follow; replicas
    share their sample at t_w and nothing of the noise."""
    model = Model("simulate.copies.networks:mlp", {"width": 8, "depth": 3})
    data = load("digits", patterns=120, test_patterns=40)
    x, y = torch.from_numpy(data.inputs), torch.from_numpy(data.labels)
    for sample in range(2):
        with torch.no_grad():
            out = model.load(folder / f"copy-0{sample}.pt")(x)
        at = whole.isel(t_w=0, sample=sample, replica=0).sel(t=0)
        assert at["loss"].item() == pytest.approx(nn.functional.cross_entropy(out, y).item(), rel=1e-5)
        assert at["accuracy"].item() == pytest.approx((out.argmax(1) == y).double().mean().item())
    for name in ("q", "Q", "c", "C"):
        values = whole[name].isel(t_w=0).sel(t=[0, 10, 60])
        assert (values.diff("t") < 0).all()
    theta = whole["theta"].sel(t_w=20)
    assert (theta.isel(t_frame=0).max("replica") == theta.isel(t_frame=0).min("replica")).all()
    assert (theta.isel(t_frame=-1).std("replica") > 0).all()
    tau = relaxation_times(whole, "Q", level=0.999)
    assert tau.dims == ("sample", "weight_layer")


def test_overlaps_are_those_of_the_parameters(whole, folder):
    last = whole.isel(t_w=0)
    module = Model("simulate.copies.networks:mlp", {"width": 8, "depth": 3}).build()
    rows = torch.from_numpy(last["state_r"].values)[1]
    data = load("digits", patterns=120, test_patterns=40)
    weights, answers = [], []
    for row in rows[:2]:
        nn.utils.vector_to_parameters(row, module.parameters())
        weights.append(module[2].weight.detach().double().numpy().copy())
        with torch.no_grad():
            answers.append(module[:3](torch.from_numpy(data.inputs[:30])).double().numpy())
    for name, layer, (a, b) in (("Q", "weight_layer", weights), ("q", "answer_layer", answers)):
        found = last[name].sel({"t": 60, layer: 2}).isel(sample=1, pair=0).item()
        assert found == pytest.approx(np.sum(a * b) / np.linalg.norm(a) / np.linalg.norm(b), rel=1e-5)


def test_resumed_and_longer_it_is_one_run(whole, folder, tmp_path):
    out = tmp_path / "run.nc"
    short = replace(around(folder), steps=40)
    run(short, out=out)
    longer = resume(out, more=20)
    expected = run(replace(around(folder), extra_times=(20, 40)))
    for name in ("q", "Q", "loss", "state_r"):
        np.testing.assert_array_equal(longer[name].sel(t_w=0), expected[name].sel(t_w=0), err_msg=name)
    assert inspection.problems(out) == []


def test_without_temperature_nothing_parts_the_replicas(folder):
    cold = run(around(folder, temperature=0.0, waiting_time=0, frames_per_decade=0, matrix_times=()))
    np.testing.assert_allclose(cold["Q"], 1, rtol=1e-12)
    assert (cold["U"].isel(t_w=0).diff("t") <= 1e-7).all()


def test_without_forces_the_weights_walk_freely(folder):
    """<|dtheta|^2> = 2 T eta t: the mean of all parameters, at 5 standard errors; with lambda they decay."""
    walk = run(around(folder, forces="decay", waiting_time=0, frames_per_decade=0, matrix_times=()))
    moved = walk["state_r"].values - walk["state_split"].values[:, :, None]
    expected = 2 * 1e-4 * 0.02 * 60
    assert np.square(moved).mean() == pytest.approx(expected, rel=5 * math.sqrt(2 / moved.size))
    assert of_finished(walk) == []
    well = around(
        folder, forces="decay", lambda_=0.5, temperature=0.0, waiting_time=0, frames_per_decade=0,
        matrix_times=(),
    )  # fmt: skip
    norms = run(well)["norm2"].isel(t_w=0, replica=0)
    np.testing.assert_allclose(norms.sel(t=60), norms.sel(t=0) * (1 - 0.02 * 0.5) ** 120, rtol=1e-4)


def test_fresh_networks_and_other_losses(folder):
    found = run(around(
        folder, weights=(), loss="torch.nn.functional:cross_entropy", waiting_time=0, samples=2, steps=5,
        matrix_times=(), frames_per_decade=0,
    ))  # fmt: skip
    assert of_finished(found) == []
    at = found.isel(t_w=0, replica=0).sel(t=0)["loss"].values
    assert at[0] != at[1]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_run_on_a_gpu_follows_that_on_the_cpu(folder):
    """The same noise bit for bit; 60 steps in double precision to 1e-6, as products are summed in another
    order."""
    cpu, gpu = (run(around(folder, precision="float64", device=device)) for device in ("cpu", "cuda"))
    assert of_finished(gpu) == []
    for name in ("U", "loss", "norm2", "msd", "c", "C", "q", "Q", "q_test", "theta", "q_matrix_raw"):
        np.testing.assert_allclose(gpu[name], cpu[name], rtol=1e-6, atol=1e-9, err_msg=name)


class Normed(nn.Sequential):
    """With a buffer that training changes."""

    def __init__(self):
        super().__init__(nn.Linear(64, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 10))


def test_running_statistics_stay_and_are_one_of_a_run(folder, tmp_path):
    """They are no parameters: replicas keep those of the checkpoint, and two checkpoints have others."""
    data = load("digits", patterns=120, test_patterns=40)
    paths = train(Normed, data, Training(copies=2, epochs=5, batch=40)).save(tmp_path)
    given = {
        "model": f"{__name__}:Normed", "model_args": (), "waiting_time": 0, "steps": 5, "matrix_times": (),
        "frames_per_decade": 0,
    }  # fmt: skip
    found = run(around(folder, **given, samples=1, weights=(str(paths[1]),)))
    module = Model.of(Normed).load(paths[1])
    x, y = torch.from_numpy(data.inputs), torch.from_numpy(data.labels)
    with torch.no_grad():
        expected = nn.functional.cross_entropy(module(x), y).item()
    np.testing.assert_allclose(found["loss"].isel(t_w=0).sel(t=0), expected, rtol=1e-5)
    with pytest.raises(InvalidInput, match=r"sample 1 has another buffer 1.running_mean than sample 0"):
        run(around(folder, **given, weights=tuple(map(str, paths))))


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"samples": 3}, "2 weights for samples 0 to 2: one for each, or one for all"),
        ({"weights": ("none.pt",)}, "checkpoint none.pt does not exist"),
        ({"model_args": ("width=9", "depth=3")}, r"0.weight has shape \(8, 64\), the model wants \(9, 64\)"),
        ({"loss": "nothing"}, "loss = 'nothing' must be one of cross-entropy, squares"),
        ({"temperature": -1}, "temperature = -1"),
        ({"eta": 0}, "eta = 0"),
        ({"shape": (8, 9)}, r"inputs of shape \(64,\) cannot have the shape \(8, 9\)"),
        ({"shape": (8, 8)}, r"does not take probes of shape \(8, 8\)"),
    ],
)
def test_what_cannot_be_is_named(folder, values, problem):
    with pytest.raises(InvalidInput, match=problem):
        around(folder, **values)


def test_what_only_a_run_can_tell(folder):
    with pytest.raises(InvalidInput, match="depth = 4, but the network has 3"):
        run(replace(around(folder), depth=4))
    with pytest.raises(InvalidInput, match="loss = 'os:nothing': os has no nothing"):
        run(replace(around(folder), loss="os:nothing"))
    with pytest.raises(Diverged, match="are not finite; eta = 10 is too large"):
        run(linear(folder, eta=10.0, steps=2000))


def test_from_the_command_line(folder, tmp_path, capsys):
    out = tmp_path / "run.nc"
    words = (
        "run --system module-langevin --model-arg width=8 --model-arg depth=3 --patterns 120"
        " --test-patterns 40 --steps 10 --waiting-time 0 --replicas 2 --temperature 1e-4 --probes 20"
    )
    given = [*words.split(), "--weights", str(folder / "copy-00.pt"), "--out", str(out)]
    assert main(app, given) == 0
    assert "q*" in capsys.readouterr().out
    assert inspection.problems(out) == []
