"""Whole configurations: frames, overlaps of all pairs, starts from files."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from deepglass.errors import InvalidInput
from simulate import Protocol, run
from simulate.data import load
from simulate.systems.thermal_machine import ThermalMachine

PROTOCOL = Protocol(
    depth=4, width=4, patterns=15, steps=120, waiting_time=(10, 50), samples=2, replicas=3, temperature=1e-3,
    frames_per_decade=2, matrix_times=(10, 100), extra_times=(10, 100), replicas_per_chunk=3,
    precision="float64",
)  # fmt: skip


@pytest.fixture(scope="module")
def measured() -> xr.Dataset:
    return run(PROTOCOL)


def test_frames_are_the_configurations_that_were_measured(measured):
    """Energies and overlaps recomputed from stored spins and weights."""
    data = load("digits", patterns=15, seed=0, width=4, depth=4)
    m = ThermalMachine(data.inputs, data.outputs, 4, 4)
    assert measured.t_frame.values.tolist() == [0, 1, 3, 10, 32, 100]
    for t_w, since in ((10, 10), (10, 100), (50, 10)):
        frame = measured.sel(t_w=t_w, t_frame=since)
        weights = [frame.J_first, *(frame.J_hidden.isel(inner_layer=i) for i in range(2)), frame.J_last]
        for s in range(2):
            for a in range(3):
                below, energies = m.inputs.numpy().astype(float), []
                targets = [*frame.S[s, a].values, m.outputs.numpy().astype(float)]
                for j, here in zip(weights, targets, strict=True):
                    energies.append(np.linalg.norm(here - np.tanh(j[s, a].values @ below)))
                    below = here
                if t_w + since in measured.t:
                    stored = measured.E_layer.sel(t_w=t_w, t=t_w + since)[s, a]
                    np.testing.assert_allclose(energies, stored, rtol=1e-6)
        overlap = (frame.S.isel(replica=0) * frame.S.isel(replica=2)).mean(["neuron", "pattern"])
        raw = measured.q_raw.sel(t_w=t_w, t=since).isel(pair=1, neuron_layer=slice(1, -1))
        np.testing.assert_allclose(overlap, raw, rtol=1e-10)
    beyond = measured.S.sel(t_w=50, t_frame=100)  # 150 is past the end
    assert np.isnan(beyond).all()


def test_matrices_hold_every_pair_and_agree_with_the_pairs_of_a_sample(measured):
    for name, raw in (("Q_matrix_raw", measured.Q_raw), ("q_matrix_raw", measured.q_raw)):
        layers = raw.dims[-1]
        matrix = measured[name].sel(t_w=10, t_matrix=100).transpose(..., "machine", "machine_b").values
        np.testing.assert_allclose(matrix, matrix.swapaxes(1, 2), rtol=1e-14)
        assert matrix.shape[1:] == (6, 6)
        inner = raw.isel({layers: slice(1, -1)}) if layers == "neuron_layer" else raw
        for k, (a, b) in enumerate(((0, 1), (0, 2), (1, 2))):
            for s in range(2):
                stored = inner.sel(t_w=10, t=100).isel(sample=s, pair=k)
                np.testing.assert_allclose(matrix[:, 3 * s + a, 3 * s + b], stored, rtol=1e-10)
    first = measured.J_first.sel(t_w=10, t_frame=100)
    across = (first[0, 2] * first[1, 0]).mean()
    found = measured.Q_matrix_raw.sel(t_w=10, t_matrix=100, weight_layer=1)[2, 3]
    assert found == pytest.approx(float(across))
    assert measured.machine_sample.values.tolist() == [0, 0, 0, 1, 1, 1]
    assert np.isnan(measured.Q_matrix_raw.sel(t_w=50, t_matrix=100)).all()


def test_global_overlaps_take_all_layers_as_one(measured):
    frame = measured.sel(t_w=10, t_frame=100)
    a, b = frame.S[1, 0].values.ravel(), frame.S[1, 2].values.ravel()
    expected = a @ b / np.sqrt(a @ a * (b @ b))
    assert measured.q_global.sel(t_w=10, t=100).isel(sample=1, pair=1) == pytest.approx(expected, rel=1e-10)
    weights = [frame.J_first, frame.J_hidden, frame.J_last]
    a, b = (np.concatenate([w[1, r].values.ravel() for w in weights]) for r in (0, 2))
    expected = a @ b / np.sqrt(a @ a * (b @ b))
    assert measured.Q_global.sel(t_w=10, t=100).isel(sample=1, pair=1) == pytest.approx(expected, rel=1e-10)


def test_overlap_of_the_network_on_test_patterns(measured):
    data = load("digits", patterns=15, seed=0, width=4, depth=4)
    frame = measured.sel(t_w=10, t_frame=100)
    states = []
    for a in (0, 2):
        y, layers = data.test_inputs.T.astype(float), []
        weights = [frame.J_first, *(frame.J_hidden.isel(inner_layer=i) for i in range(2)), frame.J_last]
        for j in weights:
            y = np.tanh(j[1, a].values @ y)
            layers.append(y.ravel())
        states.append(layers)
    found = measured.q_test.sel(t_w=10, t=100).isel(sample=1, pair=1)
    for layer, (x, y) in enumerate(zip(*states, strict=True), start=1):
        assert found[layer] == pytest.approx(x @ y / np.sqrt(x @ x * (y @ y)), rel=1e-9)
    assert found[0] == 1


def test_start_from_an_array_and_from_a_run(measured, tmp_path):
    short = replace(PROTOCOL, steps=20, waiting_time=5, matrix_times=(), frames_per_decade=0)
    run(PROTOCOL, out=tmp_path / "run.nc")
    again = run(replace(short, start=str(tmp_path / "run.nc")))
    last = measured.isel(t=-1, t_w=-1, replica=0).E
    np.testing.assert_allclose(again.E.isel(t=0, t_w=0, replica=0), last, rtol=1e-12)
    rows = measured.state_r.isel(t_w=-1, replica=0).values
    np.save(tmp_path / "rows.npy", rows)
    np.save(tmp_path / "row.npy", rows[1])
    from_rows = run(replace(short, start=str(tmp_path / "rows.npy")))
    np.testing.assert_array_equal(from_rows.E, again.E)
    from_row = run(replace(short, start=str(tmp_path / "row.npy")))
    np.testing.assert_allclose(from_row.E.isel(t=0, t_w=0, replica=0), float(last[1]), rtol=1e-12)
    later = run(replace(short, samples=1, first_sample=1, start=str(tmp_path / "rows.npy")))
    np.testing.assert_allclose(later.E.isel(t=0), again.E.isel(t=0)[:, 1:], rtol=1e-12)
    assert again.attrs["start_sha256"]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 5)), "5 particles"),
        (np.zeros(5), "5 particles"),
        (np.zeros((1, 476)), "1 rows, sample 1"),
        (np.zeros((2, 2, 2)), "shape"),
        (np.zeros((2, 5), int), "floats"),
        (np.full((2, 476), 1.5), "outside"),
        (np.full((2, 476), np.nan), "outside"),
    ],
)
def test_bad_start_arrays_are_refused_before_work(tmp_path, monkeypatch, array, message):
    monkeypatch.setattr("simulate.chunk.ChunkRun.run", lambda self: pytest.fail("work was begun"))
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(InvalidInput, match=message):
        run(replace(PROTOCOL, start=str(tmp_path / "x.npy")), out=tmp_path / "run.nc")
    with pytest.raises(InvalidInput, match="absent"):
        run(replace(PROTOCOL, start=str(tmp_path / "absent.npy")))
    assert [p.name for p in tmp_path.iterdir()] == ["x.npy"]


def test_a_run_without_its_state_is_small_and_cannot_go_on(tmp_path):
    from simulate import resume

    out = tmp_path / "run.nc"
    bare = run(replace(PROTOCOL, keep_state=False, frames_per_decade=0), out=out)
    assert "state_r" not in bare
    with pytest.raises(InvalidInput, match="keep_state"):
        resume(out, more=10)
    with pytest.raises(InvalidInput, match="keep_state"):
        run(replace(PROTOCOL, start=str(out)))
