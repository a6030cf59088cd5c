"""ReLU networks as runs of the engine: seeds, resuming, distances, soundness, command line."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
import xarray as xr
from runs import same

from deepglass.cli import main
from deepglass.errors import Diverged, InvalidInput
from simulate import inspection, resume, run
from simulate.cli import app
from simulate.relu.protocol import ReluProtocol
from simulate.relu.system import ReluSystem
from simulate.validation import of_finished

PROTOCOL = ReluProtocol(
    data="gaussian", depth=3, width=4, patterns=40, components=5, test_patterns=20, train_steps=60,
    train_fine=10, steps=120, waiting_time=(30, 80), samples=3, replicas=2, temperatures=(0.0, 1e-2, 1.0),
    factors=(10.0, 100.0), batch=10, lambda_=0.01, matrix_times=(40,), frames_per_decade=1,
    checkpoint_every=25,
)  # fmt: skip


@pytest.fixture(scope="module")
def whole() -> xr.Dataset:
    return run(PROTOCOL)


def spread(values: xr.DataArray, dim: str) -> xr.DataArray:
    return values.max(dim) - values.min(dim)


def test_it_is_sound_and_says_what_it_is(whole, tmp_path, capsys):
    out = tmp_path / "run.nc"
    same(run(PROTOCOL, out=out), whole)
    assert of_finished(whole) == []
    np.testing.assert_array_equal(whole.temperature, [0, 1e-2, 1])
    np.testing.assert_array_equal(whole.factor, [10, 100])
    assert whole.attrs["weights"] == PROTOCOL.network.weights == 4 * (5 + 4 + 1)
    assert whole.attrs["alpha"] == 1.0
    assert main(app, ["validate", str(out)]) == 0
    assert main(app, ["inspect", str(out)]) == 0
    assert "N/P = 1), lambda = 0.01, T = 0, 0.01, 1" in capsys.readouterr().out


def test_copies_are_one_network_while_it_is_trained_and_apart_after(whole):
    weights = whole.W.sel(t_w=80)
    u = whole.U.isel(t_w=-1)
    assert (spread(u.sel(t=slice(0, 60)), "temperature") == 0).all()
    assert (spread(u.sel(t=80), "temperature") > 0).all()
    assert (spread(weights.isel(t_frame=-1), "temperature") > 0).all()
    # Replicas at T = 0 take the same way after the training, as the law has no noise.
    assert (spread(weights.isel(t_frame=-1, temperature=0), "replica") == 0).all()
    assert (spread(weights.isel(t_frame=-1, temperature=2), "replica") > 0).all()


def test_what_is_measured_is_what_the_weights_say(whole):
    """Displacements, overlaps and distances from the configurations, one by one."""
    branch = whole.sel(t_w=80)
    then, now = branch.state_split.values, branch.state_r.values
    n, copies = PROTOCOL.network.weights, 3
    for sample in range(3):
        for copy in range(copies):
            past = then[sample, copy * n : (copy + 1) * n]
            moved = now[sample, 1, copy * n : (copy + 1) * n] - past
            last = branch.sel(t=40).isel(sample=sample, replica=1, temperature=copy)
            assert last.msd.item() == pytest.approx(np.square(moved).mean())
            expected = np.power(moved, 4).mean() / (3 * np.square(moved).mean() ** 2) - 1
            assert last.alpha2.item() == pytest.approx(expected)
            for factor in PROTOCOL.factors:
                near = np.abs(moved) <= past.std() / factor
                assert last.overlap.sel(factor=factor).item() == pytest.approx(near.mean())
            bins = np.floor((np.log10(np.abs(moved)) + 12) * 10).astype(int)
            found = last.displacements.values
            np.testing.assert_allclose(found, np.bincount(bins, minlength=140) / n)
            at = whole.sel(t=80, t_w=80).isel(sample=sample, replica=0, temperature=copy)
            assert at.sigma.item() == pytest.approx(past.std())
            assert at.norm2.sum().item() == pytest.approx(np.square(past).sum())
    rows = branch.W.isel(t_frame=-1, temperature=2).values
    matrix = branch.distance.isel(t_matrix=0, temperature=2).values
    assert branch.t_frame[-1] == 10  # frames are of other times than matrices
    assert rows.shape == (3, 2, n)
    ends = now.reshape(6, copies, n)[:, 2]
    np.testing.assert_allclose(matrix, np.linalg.norm(ends[:, None] - ends[None], axis=2), atol=1e-12)
    aligned = branch.distance_aligned.isel(t_matrix=0, temperature=2).values
    assert (aligned <= matrix + 1e-12).all()
    assert (aligned < matrix).any()


def test_killed_at_any_write_it_goes_on_bit_for_bit(whole, tmp_path, killed_at_write):
    for number in range(0, 200, 7):
        out = tmp_path / f"{number}.nc"
        if not killed_at_write(number, partial(run, PROTOCOL, out=out)):
            break
        same(resume(out) if out.with_name(f"{number}.nc.partial").exists() else run(PROTOCOL, out=out), whole)
    assert number > 20


def test_chunks_and_first_sample_do_not_change_a_machine(whole):
    apart = run(replace(PROTOCOL, replicas_per_chunk=2))
    tail = run(replace(PROTOCOL, first_sample=2, samples=1, matrix_times=()))
    for name in ("U", "overlap", "msd", "W", "distance"):
        np.testing.assert_allclose(apart[name], whole[name], rtol=1e-9, atol=1e-12)
        if name != "distance":
            np.testing.assert_allclose(tail[name], whole[name].sel(sample=[2]), rtol=1e-9, atol=1e-12)


def test_longer_is_one_long_run(tmp_path):
    out = tmp_path / "run.nc"
    run(PROTOCOL, out=out)
    longer = resume(out, more=80)
    same(longer, run(replace(PROTOCOL, steps=200, extra_times=(40, 90, 120))))


def test_without_data_it_walks_and_only_after_the_training(whole):
    walk, held = (run(replace(PROTOCOL, forces=x, lambda_=0.0, waiting_time=80)) for x in ("decay", "all"))
    before, after = slice(0, 60), slice(61, 80)
    same(walk[["U"]].sel(t=before), held[["U"]].sel(t=before))
    assert (walk.U.sel(t=after, temperature=1.0) != held.U.sel(t=after, temperature=1.0)).all()
    still = walk.sel(temperature=0.0, t=slice(0, 40))
    assert (still.msd == 0).all()
    assert still.alpha2.isnull().all()
    assert (still.overlap == 1).all()
    assert of_finished(walk) == []


def test_what_its_invariants_forbid_is_named(whole):
    for change, problem in (
        (lambda d: d.U.values.__setitem__((0, 3), 9.0), "U is not loss + lambda"),
        (lambda d: d.msd.values.__setitem__((0, 3), 9.0), "msd is not the mean of its layers"),
        (lambda d: d.overlap.values.__setitem__((0, 3), 1.5), "overlap is not between 0 and 1"),
        (lambda d: d.alpha2.values.__setitem__((0, 3), np.nan), "alpha2 is missing"),
        (lambda d: d.W.values.__setitem__((0, 0, 0, 0, 0, 0), np.inf), "W: a particle is not a finite"),
        (lambda d: d.distance.values.__setitem__((0, 0, 0, 0, 1), 0.1), "distance is not symmetric"),
    ):
        damaged = whole.copy(deep=True)
        change(damaged)
        found = of_finished(damaged)
        assert any(line.startswith(problem) for line in found), (problem, found)


def test_a_step_too_large_is_said(whole):
    wild = replace(PROTOCOL, train_eta=50.0, train_fine=0, lambda_=1e4)
    with pytest.raises(Diverged, match=r"step \d+: weights of sample 0.*train_eta = 50 is too large a step"):
        run(wild)
    system = ReluSystem()
    experiment = system.experiment(PROTOCOL, system.load(PROTOCOL), "eager")
    assert experiment.warnings({"U": whole.U.values}) == []
    climbed = whole.U.values.copy()
    climbed[1, -1, 2, 1, 0] *= 10
    (line,) = experiment.warnings({"U": climbed})
    assert line.startswith("U has grown at T = 0 in 1 machines of t_w = 80: eta = 0.01 is too large")


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"data": "faces"}, "data = 'faces' must be one of gaussian, digits, mnist, cifar10"),
        ({"temperatures": ()}, r"temperatures = \(\) must be one or more"),
        ({"temperatures": (0.0, 0.0)}, "must be one or more different numbers"),
        ({"temperatures": (-1.0,)}, "temperatures = -1 must be finite and >= 0"),
        ({"factors": (0.0,)}, "factors = 0 must be finite and > 0"),
        ({"train_fine": 61}, "train_fine = 61 must be at most train_steps = 60"),
        ({"eta": 0.0}, "eta = 0 must be finite and > 0"),
        ({"lambda_": -0.1}, "lambda_ = -0.1"),
        ({"initial": "zero"}, "initial = 'zero' must be one of he, uniform"),
        ({"forces": "none"}, "forces = 'none' must be one of all, decay"),
        ({"batch": 0}, "batch = 0"),
    ],
)
def test_what_cannot_be_is_named(values, problem):
    with pytest.raises(InvalidInput, match=problem):
        replace(PROTOCOL, **values)


def test_the_paper_in_its_preset():
    """N, T, age and steps of arXiv:2405.13098 for U30; variance of the start 1/(3 fan-in)."""
    paper = ReluProtocol(**ReluSystem.presets["kerr-winter2025"])
    assert paper.network.weights == 4830
    assert paper.waiting_time - paper.train_steps == 20_000
    small = replace(PROTOCOL, initial="uniform", steps=1, waiting_time=0, width=60, samples=4)
    start = run(small).state_split.values[0][:, : small.network.weights]
    for layer, (_, fan_in) in zip(
        np.split(start, np.cumsum([a * b for a, b in small.network.shapes])[:-1], axis=1),
        small.network.shapes, strict=True,
    ):  # fmt: skip
        assert np.abs(layer).max() <= 1 / np.sqrt(fan_in)
        assert layer.var() == pytest.approx(1 / (3 * fan_in), rel=5 * np.sqrt(0.8 / layer.size))


def test_from_the_command_line(tmp_path, capsys):
    out = tmp_path / "run.nc"
    words = (
        "run --system relu-network --data digits --patterns 30 --width 3 --depth 3 --train-steps 20"
        " --train-fine 0 --steps 40 --waiting-time 25 --samples 1 --temperatures 0,0.1 --factors 10"
        " --lambda 0.02 --power 0"
    )
    assert main(app, [*words.split(), "--out", str(out)]) == 0
    assert "ReLU networks on digits: L = 3, w = 3, P = 30" in capsys.readouterr().out
    assert inspection.problems(out) == []
    assert xr.load_dataset(out, engine="h5netcdf").attrs["power"] == ""


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_run_on_a_gpu_follows_that_on_the_cpu():
    """To rounding: products are summed in another order. Killed and resumed as on the CPU."""
    cpu, gpu = (run(replace(PROTOCOL, device=device)) for device in ("cpu", "cuda"))
    assert of_finished(gpu) == []
    for name in ("U", "norm2", "msd", "distance"):
        np.testing.assert_allclose(gpu[name], cpu[name], rtol=1e-6, atol=1e-9)
