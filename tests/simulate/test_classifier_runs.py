"""Classifiers as runs of the engine: seeds, resuming, nulls, frozen layers, drawn configurations."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
import xarray as xr
from runs import same

from deepglass import schema
from deepglass.cli import main
from deepglass.errors import Diverged, InvalidInput
from simulate import inspection, resume, run
from simulate.classifier.draws import canonical_orders, draws, loaded, packed, reordered, unpacked
from simulate.classifier.protocol import ClassifierProtocol
from simulate.cli import app
from simulate.systems.binary_network import BinaryNetwork
from simulate.validation import of_finished

PROTOCOL = ClassifierProtocol(
    patterns=300, test_patterns=200, components=8, width=5, steps=60, samples=5, batch=50, draws=2,
    checkpoint_every=20, frames_per_decade=1,
)  # fmt: skip


@pytest.fixture(scope="module")
def whole() -> xr.Dataset:
    return run(PROTOCOL)


def test_it_is_sound_and_says_what_it_is(whole, tmp_path, capsys):
    out = tmp_path / "run.nc"
    same(run(PROTOCOL, out=out), whole)
    assert of_finished(whole) == []
    assert whole.attrs["weights"] == 8 * 5 + 5 * 5 + 5 * 10
    assert main(app, ["validate", str(out)]) == 0
    assert main(app, ["inspect", str(out)]) == 0
    assert "classifiers 8-5-5-10 of binary weights on digits: P = 300" in capsys.readouterr().out


def test_what_is_measured_is_what_drawn_networks_do(whole):
    """Drawn again from the state, answers by matrices, costs by hand."""
    data, network = loaded(PROTOCOL), BinaryNetwork(PROTOCOL.sizes)
    last = whole.isel(t_w=0).sel(t=PROTOCOL.steps)
    found = draws(whole)
    weights = found.weights.values.reshape(5, 2, -1)
    for sample, number in ((0, 0), (4, 1)):
        w = torch.from_numpy(weights[sample, number].astype(float))[None]
        a, b, c = (x[0].numpy() for x in network.layers(w))
        for inputs, labels, prefix in (
            (data.inputs, data.labels, ""), (data.test_inputs, data.test_labels, "test_")
        ):  # fmt: skip
            leaky = [inputs]
            for layer in (a, b):
                z = layer @ leaky[-1]
                leaky.append(np.where(z > 0, z, 0.1 * z) / np.sqrt(layer.shape[1]))
            z = c @ leaky[-1]
            right = (z.argmax(0) == labels).mean()
            cost = np.log(np.exp(z - z.max(0)).sum(0)) + z.max(0) - z[labels.astype(int), range(z.shape[1])]
            at = last.isel(sample=sample, replica=0, draw=number)
            assert at[f"{prefix}accuracy"].item() == pytest.approx(right, abs=0.011)  # float32 ties
            assert at[f"{prefix}cost"].item() == pytest.approx(cost.mean(), rel=1e-4)
    np.testing.assert_allclose(
        found.accuracy.values.reshape(5, 2), last.test_accuracy.isel(replica=0), atol=0.011
    )
    mu = np.tanh(whole.state_r.values[0, :, 0, : network.weights] / 2)
    np.testing.assert_allclose(
        last.mu2.isel(replica=0, weight_layer=0), np.square(mu[:, :40]).mean(1), rtol=1e-5
    )


def test_killed_at_any_write_it_goes_on_bit_for_bit(whole, tmp_path, killed_at_write):
    for number in range(0, 60, 4):
        out = tmp_path / f"{number}.nc"
        if not killed_at_write(number, partial(run, PROTOCOL, out=out)):
            break
        same(resume(out) if out.with_name(f"{number}.nc.partial").exists() else run(PROTOCOL, out=out), whole)
    assert number > 4


def test_chunks_and_first_sample_do_not_change_a_network(whole):
    wide = replace(PROTOCOL, precision="float64")
    one = run(wide)
    for other in (run(replace(wide, replicas_per_chunk=2)), run(replace(wide, first_sample=3, samples=2))):
        for name in ("cost", "mu2", "theta"):
            np.testing.assert_allclose(other[name], one[name].sel(sample=other.sample), rtol=1e-7, atol=1e-10)


def test_learning_and_its_null():
    """Own labels are learnt, shuffled ones say nothing about the test: chance is 0.1 on 200 images that all
    networks share, five standard errors of 0.021 above it."""
    more = replace(PROTOCOL, depth=1, components=20, steps=200, samples=20, draws=1)
    own, shuffled = run(more), run(replace(more, labels="shuffled"))
    assert float(own.test_accuracy.isel(t_w=0, t=-1).mean()) > 0.4
    assert float(shuffled.test_accuracy.isel(t_w=0, t=-1).mean()) < 0.1 + 5 * 0.021
    assert float(shuffled.accuracy.isel(t_w=0, t=-1).mean()) > 0.11
    assert (np.sort(loaded(more).labels) == np.sort(loaded(replace(more, labels="shuffled")).labels)).all()


def test_frozen_layers_are_fair_signs_that_stay(whole):
    found = run(replace(PROTOCOL, frozen=(2,), samples=40))
    theta = found.theta.isel(t_w=0, replica=0).values  # (t_frame, sample, weight)
    interior = theta[..., 40:65]
    assert set(np.unique(interior)) == {-10.0, 10.0}
    assert (interior == interior[:1]).all()
    assert abs(interior[0].mean() / 10) < 5 / np.sqrt(40 * 25)  # five standard errors: 6e-7
    assert (theta[0, ..., :40] != theta[-1, ..., :40]).all()


def test_real_weights(whole):
    found = run(replace(PROTOCOL, synapses="real", eta=0.01, batch=300, steps=150))
    assert of_finished(found) == []
    assert found.sizes["draw"] == 1
    cost = found.cost.isel(t_w=0, draw=0, replica=0)
    assert (cost.isel(t=-1) < 0.5 * cost.isel(t=0)).all()
    spread = found.theta.isel(t_w=0, t_frame=0, replica=0).values
    assert np.var(spread[:, :40]) == pytest.approx(1 / 8, rel=0.5)  # 200 deviates: five standard errors
    with pytest.raises(InvalidInput, match="synapses = real of the run must be binary"):
        draws(found)
    assert not packed(found).variables


def test_samples_are_the_networks_that_are_drawn_from():
    found = run(replace(PROTOCOL, replicas=2, samples=1, steps=2))
    with pytest.raises(InvalidInput, match="replicas = 2 of the run must be 1"):
        draws(found)


def test_draws_have_the_means_of_their_fields(whole):
    """800 draws of each weight: chi^2 of all of them within five standard deviations (6e-7)."""
    count = 800
    found = draws(whole, count).weights.values.reshape(5, count, -1).astype(float)
    mu = np.tanh(whole.state_r.values[0, :, 0, : found.shape[2]].astype(float) / 2)
    sure = 1 - mu**2 > 0.02
    z2 = count * (found.mean(1) - mu)[sure] ** 2 / (1 - mu**2)[sure]
    assert abs(z2.sum() - sure.sum()) < 5 * np.sqrt(2 * sure.sum() * 1.1)
    np.testing.assert_array_equal(found[:, :2], draws(whole).weights.values.reshape(5, 2, -1))


def test_canonical_order_is_the_same_function_sorted(whole):
    found = draws(whole)
    network, data = BinaryNetwork(PROTOCOL.sizes), loaded(PROTOCOL)
    x = torch.from_numpy(data.test_inputs)
    raw, sorted_ = (torch.from_numpy(found[name].values.astype(float)) for name in ("weights", "canonical"))
    torch.testing.assert_close(network.outputs(raw, x), network.outputs(sorted_, x))
    ones = torch.from_numpy(data.test_labels == 1)
    for z in network.fields(sorted_, x)[:-1]:
        assert (z[..., ones].mean(2).diff(dim=1) <= 1e-12).all()


def test_relabelled_networks_have_the_same_canonical_form():
    """Where no two units have the same weights, which would be a tie."""
    network, generator = BinaryNetwork((20, 15, 15, 10)), np.random.default_rng(0)
    weights = generator.choice([-1, 1], (10, network.weights)).astype(np.int8)
    x = torch.from_numpy(generator.standard_normal((20, 30)))
    other = np.stack([np.concatenate([generator.permutation(15) for _ in range(2)]) for _ in range(10)])
    moved = reordered(weights, network, other)
    assert (moved != weights).any(axis=1).all()
    forms = [
        reordered(w, network, canonical_orders(network, torch.from_numpy(w.astype(float)), x))
        for w in (weights, moved)
    ]
    np.testing.assert_array_equal(*forms)


def test_packed_and_unpacked(whole):
    found, again = draws(whole), unpacked(packed(whole), PROTOCOL.sizes)
    for name in ("weights", "canonical", "sample", "draw"):
        np.testing.assert_array_equal(again[name].values, found[name].values)
    assert again.weights.dtype == found.weights.dtype == np.int8


def test_draws_from_the_command_line(tmp_path, capsys):
    path, out = tmp_path / "run.nc", tmp_path / "draws.nc"
    options = ["--patterns", "200", "--test-patterns", "0", "--steps", "10", "--samples", "3", "--depth", "1"]
    assert main(app, ["run", "--system", "classifier", "--out", str(path), *options]) == 0
    assert main(app, ["draws", str(path), "--out", str(out), "--count", "4"]) == 0
    found = schema.read(out, "weights")
    assert found.weights.shape == (12, 200)
    assert "accuracy" not in found
    assert "canonical" not in found
    assert main(app, ["draws", str(path), "--out", str(out)]) == 2
    assert "exists" in capsys.readouterr().err
    assert inspection.problems(path) == []


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("synapses", ["binary", "real"])
def test_a_gpu_follows_the_cpu(synapses):
    short = replace(PROTOCOL, steps=20, precision="float64", synapses=synapses, eta=0.01)
    there, here = run(replace(short, device="cuda")), run(replace(short, device="cpu"))
    for name in ("cost", "test_cost", "mu2", "theta"):
        np.testing.assert_allclose(there[name], here[name], rtol=1e-6, atol=1e-8)


def test_what_its_invariants_forbid_is_named(whole):
    for change, problem in (
        (lambda d: d.cost.values.__setitem__((0, 3), -1.0), "cost is negative"),
        (lambda d: d.accuracy.values.__setitem__((0, 3), 1.5), "accuracy is not between 0 and 1"),
        (lambda d: d.mu2.values.__setitem__((0, 3), np.nan), "mu2 is missing"),
        (lambda d: d.theta.values.__setitem__((0, 0, 0, 0, 0), np.inf), "theta: a particle is not a finite"),
    ):
        damaged = whole.copy(deep=True)
        change(damaged)
        assert any(line.startswith(problem) for line in of_finished(damaged)), problem


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"data": "nothing"}, "data = 'nothing' must be one of digits"),
        ({"frozen": (1, 2, 3)}, "leaves no layer to learn"),
        ({"frozen": (4,)}, "frozen"),
        ({"synapses": "ternary"}, "synapses"),
        ({"eta": 0.0}, "eta"),
        ({"draws": 0}, "draws"),
    ],
)
def test_bad_parameters(values, message):
    with pytest.raises(InvalidInput, match=message):
        replace(PROTOCOL, **values)


def test_bad_data(tmp_path):
    for values, message in (
        ({"outputs": 3}, "outputs = 3 must be 10"),
        ({"components": 65}, "components = 65"),
        ({"patterns": 1700}, "exceed the pool"),
        ({"data": "zou2021", "data_dir": str(tmp_path)}, "No such file"),
    ):
        with pytest.raises(InvalidInput, match=message):
            run(replace(PROTOCOL, **values))
    file = tmp_path / "mnist_test_pca50.npz"
    file.write_bytes(b"PK damaged")
    with pytest.raises(InvalidInput, match="is damaged"):
        run(replace(PROTOCOL, data="zou2021", data_dir=str(tmp_path)))
    np.savez(file, other=np.zeros((2, 51)))
    with pytest.raises(InvalidInput, match="has no array data"):
        run(replace(PROTOCOL, data="zou2021", data_dir=str(tmp_path)))


def test_too_large_a_step_is_said():
    with pytest.raises(Diverged, match="eta = 1e\\+30 is too large a step"):
        run(replace(PROTOCOL, eta=1e30, synapses="real"))
