"""A whole run: seeds, batches, replicas, measurement times, what is stored."""

from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from deepglass import schema
from deepglass.errors import Diverged, InvalidInput
from simulate import Protocol, noise, overlaps, run
from simulate.data import load
from simulate.dynamics import advance
from simulate.dynamics.langevin import Langevin
from simulate.noise import Member
from simulate.systems.thermal_machine import ThermalMachine
from simulate.thermal.experiment import ThermalExperiment

SMALL = Protocol(
    depth=3, width=4, patterns=20, steps=60, waiting_time=25, samples=3, replicas=3, precision="float64"
)


@pytest.fixture(scope="module")
def small() -> xr.Dataset:
    return run(SMALL).isel(t_w=0)


def measure(protocol: Protocol) -> xr.Dataset:
    """A run with one waiting time."""
    return run(protocol).isel(t_w=0)


def changed(**values: object) -> Protocol:
    from dataclasses import replace

    return replace(SMALL, **values)


def test_batch_equals_single_runs():
    """Six machines at once and one by one: 1e-12 after 100 steps in float64, noise bit for bit."""
    rng = np.random.default_rng(0)
    x = rng.choice([-1, 1], (30, 9)).astype(np.int8)
    members = [(s, a) for s in range(3) for a in range(2)]
    law, temperature = Langevin(), 1e-3

    def evolve(part):
        m = ThermalMachine(x, x[:, :2], depth=5, width=4, dtype=torch.float64)
        r = torch.cat([m.start("uniform", 7, range(s, s + 1)) for s, _ in part])
        v = torch.zeros_like(r)
        advance("eager", m, law, noise.keys(7, part))(r, v, 0, np.full(100, temperature))
        return r, v

    together = evolve(members)
    for i, member in enumerate(members):
        alone = evolve([member])
        for a, b in zip(together, alone, strict=True):
            assert (a[i] - b[0]).abs().max() < 1e-12
        batched = noise.normal(noise.keys(7, members), 42, 500)[i]
        assert torch.equal(batched, noise.normal(noise.keys(7, [member]), 42, 500)[0])
    assert (together[0][0] - together[0][1]).abs().max() > 1e-3  # replicas have their own noise


def test_one_sample_of_many_is_the_same_sample_alone(small):
    alone = measure(changed(samples=1))
    xr.testing.assert_allclose(small.E.isel(sample=[0]), alone.E, rtol=1e-11)
    xr.testing.assert_allclose(small.q.isel(sample=[0]), alone.q, rtol=1e-10)


def test_same_seed_same_numbers_other_seed_others(small):
    again = measure(SMALL)
    for name in small.data_vars:
        np.testing.assert_array_equal(small[name], again[name], err_msg=str(name))
    other = measure(changed(seed=1))
    assert not np.isclose(small.E.sel(t=60), other.E.sel(t=60)).any()


def test_samples_differ_and_replicas_separate_after_t_w(small):
    energy = small.E
    assert (energy.sel(t=0).std("sample") > 1e-3).all()
    before = energy.where(energy.t < SMALL.waiting_time, drop=True)
    assert (before == before.isel(replica=0)).all()
    assert (energy.sel(t=60).std("replica") > 1e-9).all()


def test_replicas_share_positions_and_have_fresh_maxwell_velocities():
    """Variance of the velocities and memory of the noise at 4 sigma: false alarm 1.3e-4."""
    protocol = changed(temperature=0.02, replicas=2, patterns=200, width=10, depth=4)
    data = load("digits", patterns=200, seed=0, width=10, depth=4)
    experiment = ThermalExperiment(protocol, data, "eager")
    m = experiment.machine
    r, _ = experiment.start([Member(s) for s in range(3)])
    members = [Member(s, a, 25) for s in range(3) for a in range(2)]
    positions, velocities = experiment.split(r, members)
    for s in range(3):
        assert torch.equal(positions[2 * s], r[s])
        assert torch.equal(positions[2 * s + 1], r[s])
    assert (velocities[0] != velocities[1]).double().mean() > 0.99
    assert abs(velocities.square().mean().item() / 0.02 - 1) < 4 * np.sqrt(2 / velocities.numel())
    # Their stream is not that of the first thermal kick, which would remember them.
    kick = noise.normal(noise.keys(protocol.seed, members), 25, m.particles)
    correlation = np.corrcoef(velocities.numpy().ravel(), kick.numpy().ravel())[0, 1]
    assert abs(correlation) < 4 / np.sqrt(velocities.numel())


def test_overlaps_start_at_one_and_boundaries_stay_there(small):
    start = small.sel(t=0)
    for name in ("c", "C", "q", "Q"):
        np.testing.assert_allclose(start[name], 1, atol=1e-14)
        assert (abs(small[name]).max() <= 1 + 1e-12).all()
    late = small.sel(t=35)
    assert (late.q.isel(neuron_layer=[0, -1]) == 1).all()
    assert (late.q.isel(neuron_layer=1) < 1).all()
    # raw / normalised: <S S> at t_w over the normalised 1 is the mean square.
    np.testing.assert_allclose(start.c_raw.values[..., 1:-1], small.S2.sel(t=25).values[..., 1:-1])
    np.testing.assert_allclose(start.C_raw, small.J2.sel(t=25))


def test_missing_where_nothing_was_measured(small):
    two_time = small.q
    assert np.isnan(two_time.where(two_time.t > 35, drop=True)).all()
    assert np.isfinite(two_time.where(two_time.t <= 35, drop=True)).all()
    assert np.isfinite(small.E).all()
    assert np.isnan(small.S2.isel(neuron_layer=[0, -1])).all()


def test_q_star_is_mean_over_pairs_then_samples_with_standard_error(small):
    late = small.q.sel(t=35).mean("pair")
    np.testing.assert_allclose(small.q_star, late.mean("sample"))
    np.testing.assert_allclose(small.q_star_error, late.std("sample", ddof=1) / np.sqrt(3))
    one = measure(changed(samples=1, steps=30))
    assert np.isnan(one.q_star_error).all()
    assert np.isfinite(one.q_star).all()
    lonely = measure(changed(replicas=1, steps=30))
    assert lonely.sizes["pair"] == 0
    assert np.isnan(lonely.q_star[1]).all()
    assert np.isfinite(lonely.c.sel(t=5)).all()


def test_overlaps_against_a_plain_loop():
    rng = np.random.default_rng(3)
    layer = torch.tensor(rng.standard_normal((6, 50)))
    other = torch.tensor(rng.standard_normal((6, 7)))
    found = overlaps.Correlation.between_replicas([layer, other], replicas=3)
    for s in range(2):
        for k, (a, b) in enumerate([(0, 1), (0, 2), (1, 2)]):
            x, y = layer[3 * s + a].numpy(), layer[3 * s + b].numpy()
            assert found.raw[s, k, 0] == pytest.approx(np.mean(x * y), rel=1e-13)
            assert found.normalised[s, k, 0] == pytest.approx(x @ y / np.sqrt(x @ x * (y @ y)), rel=1e-13)
            x, y = (np.append(z, other[3 * s + i]) for z, i in ((x, a), (y, b)))
            assert found.all_layers[s, k] == pytest.approx(x @ y / np.sqrt(x @ x * (y @ y)), rel=1e-13)
    past = overlaps.Correlation.with_past([layer], [layer.flip(0)])
    np.testing.assert_allclose(past.raw[:, 0], (layer * layer.flip(0)).mean(1))


@pytest.mark.parametrize(("steps", "t_w"), [(1, 0), (2, 1), (60, 25), (1_000, 999), (500_000, 50_000)])
def test_times_hold_what_both_clocks_need(steps, t_w):
    times = changed(steps=steps, waiting_time=t_w).times()
    assert (np.diff(times) > 0).all()
    assert times[0] == 0
    assert times[-1] == steps
    assert {t_w, steps - t_w} <= set(times.tolist())
    assert len(times) < 60


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_every_depth_runs_and_reads_back_as_written(depth, tmp_path):
    measured = run(changed(depth=depth, steps=12, waiting_time=4, precision="float32"))
    path = schema.write(measured, tmp_path / "run.nc", "run")
    read = schema.read(path, "run")
    xr.testing.assert_equal(read, measured)
    for name, value in measured.attrs.items():
        assert read.attrs[name] == value, name
    assert read.attrs["code_version"]
    assert {"seed", "alpha", "data_sha256", "device", "wall_time_s", "system"} <= set(read.attrs)
    assert [p.name for p in tmp_path.iterdir()] == ["run.nc"]


def test_training_lowers_the_energy_and_learns():
    measured = measure(
        Protocol(depth=3, width=8, patterns=100, steps=4_000, waiting_time=3_000, samples=2, replicas=2)
    )
    energy = measured.E.mean(["sample", "replica"])
    assert energy.sel(t=4_000) < 0.3 * energy.sel(t=2)
    assert measured.A_tanh.sel(t=4_000).mean() > 0.9


def test_null_control_random_labels_are_not_predicted():
    """1600 fresh random signs: chance 1/2 within 4.5 sigma of one machine, false alarm below 1e-5."""
    measured = measure(changed(data="random", steps=400, waiting_time=200, samples=2, replicas=2))
    assert abs(measured.A_tanh.sel(t=400).mean() - 0.5) < 4.5 * 0.5 / np.sqrt(400 * 4)


def test_too_long_a_time_step_is_reported_and_escape_stops_the_run():
    hot = measure(changed(steps=200, waiting_time=100, temperature=1e-9))
    assert "hotter than 1.5 T" in hot.attrs["warnings"]
    with pytest.raises(Diverged, match=r"step .*sample 0"):
        run(changed(temperature=1e6, steps=50, dt=1.0, waiting_time=10))


def test_zero_temperature_cools():
    measured = measure(changed(temperature=0.0, eta=0.05, steps=600, waiting_time=500))
    assert measured.kinetic.sel(t=600).mean() < 0.1 * measured.kinetic.max()
    assert measured.attrs["warnings"] == ""


def test_float32_follows_float64(small):
    """To a few units of float32's rounding after 60 steps; energies and overlaps are reduced in float64."""
    single = measure(changed(precision="float32"))
    for name in ("E", "E_layer", "S2", "J2", "c", "q", "Q_raw"):
        np.testing.assert_allclose(single[name], small[name], rtol=3e-5, atol=1e-7, err_msg=name)
    assert (single.E != small.E).any()


def test_threads_are_set_for_the_run_only():
    before = torch.get_num_threads()
    run(changed(steps=2, waiting_time=1, threads=1))
    assert torch.get_num_threads() == before


def test_paths_and_lists_become_what_a_file_can_hold(tmp_path):
    protocol = changed(data=Path("x.npz"), data_dir=tmp_path, classes=[0, 1], steps=np.int64(60))
    assert (protocol.data, protocol.data_dir, protocol.classes) == ("x.npz", str(tmp_path), (0, 1))
    assert type(protocol.steps) is int


def test_all_images_for_training_leaves_accuracy_missing_and_says_so():
    measured = measure(changed(patterns=360, steps=4, waiting_time=2))
    assert np.isnan(measured.A_tanh).all()
    assert "no test accuracy" in measured.attrs["warnings"]


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"samples": 10**9}, "GiB"),
        ({"data": "random", "width": 10**6}, "GiB"),
        ({"depth": 10**8}, "GiB"),
        ({"steps": 10**30}, "steps"),
        ({"seed": 2**63}, "seed"),
        ({"threads": 100_000}, "threads"),
        ({"dt": 1e300}, "dt"),
        ({"classes": "01"}, "classes"),
        ({"depth": 0}, "depth"),
        ({"width": 0}, "width"),
        ({"patterns": 0}, "patterns"),
        ({"patterns": 10_000}, "10000"),
        ({"temperature": -1.0}, "temperature"),
        ({"temperature": np.inf}, "temperature"),
        ({"steps": 0}, "steps"),
        ({"waiting_time": 60}, "waiting_time"),
        ({"waiting_time": -1}, "waiting_time"),
        ({"samples": 0}, "samples"),
        ({"replicas": 0}, "replicas"),
        ({"seed": -1}, "seed"),
        ({"start": "warm"}, "start"),
        ({"c_scale": "2"}, "c_scale"),
        ({"dt": 0.0}, "dt"),
        ({"eta": 2.0}, "eta"),
        ({"device": "tpu"}, "device"),
        ({"data": "letters"}, "letters"),
    ],
)
def test_bad_parameters_are_named(values, word):
    with pytest.raises(InvalidInput, match=word):
        run(changed(**values))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_without_a_device_is_refused():
    protocol = changed(device="cuda")  # it may be read here, not run
    with pytest.raises(InvalidInput, match="cuda"):
        run(protocol)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_follows_the_cpu(small):
    """The noise is the same bit for bit, so 60 float64 steps agree to rounding."""
    on_gpu = measure(changed(device="cuda"))
    np.testing.assert_allclose(on_gpu.E, small.E, rtol=1e-10)
    np.testing.assert_allclose(on_gpu.q, small.q, rtol=1e-9)


def test_every_replica_can_be_replayed_alone(small):
    """Start, force, step, noise and split by hand, one machine at a time, against the stored run."""
    data = load("digits", patterns=20, seed=0, width=4, depth=3)
    m = ThermalMachine(data.inputs, data.outputs, 3, 4, dtype=torch.float64)
    law, temperature, t_w = SMALL.law(), SMALL.temperature, SMALL.waiting_time
    for sample, replica in ((0, 0), (1, 2), (2, 1)):
        r = m.start("small", 0, range(sample, sample + 1))
        v = torch.zeros_like(r)
        keys = noise.keys(0, [(sample, 0)])
        for t in range(60):
            if t == t_w:
                keys = noise.keys(0, [(sample, replica, t_w)])
                fresh = noise.keys(0, [(sample, replica, t_w)], noise.VELOCITY)
                v = noise.normal(fresh, t_w, m.particles).double() * np.sqrt(temperature)
                past = r.clone()
            advance("eager", m, law, keys)(r, v, t, np.array([temperature]))
        stored = small.sel(t=60, sample=sample, replica=replica)
        assert m.energy(r).sum().item() == pytest.approx(float(stored.E), rel=1e-10)
        for layer, (x, old, w) in enumerate(
            zip(m.weight_layers(r), m.weight_layers(past), m.weight_layers(v), strict=True), start=1
        ):
            here = stored.sel(weight_layer=layer)
            assert w.square().mean().item() == pytest.approx(float(here.kinetic_J), rel=1e-8)
            assert x.square().mean().item() == pytest.approx(float(here.J2), rel=1e-10)
            raw = small.C_raw.sel(t=35, sample=sample, replica=replica, weight_layer=layer)
            assert (x * old).mean().item() == pytest.approx(float(raw), rel=1e-9)
        for layer, w in enumerate(m.neuron_layers(v), start=1):
            kinetic = stored.kinetic_S.sel(neuron_layer=layer)
            assert w.square().mean().item() == pytest.approx(float(kinetic), rel=1e-8)
