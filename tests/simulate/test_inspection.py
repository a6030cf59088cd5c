"""``inspect`` and ``validate``, and what the readers make of damaged, truncated and foreign files."""

import contextlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from deepglass import schema
from deepglass.arrays import read_archive
from deepglass.cli import main
from deepglass.errors import InvalidInput
from simulate import Protocol, inspection, resume, run
from simulate.cli import app
from simulate.data import load
from simulate.segments import MANIFEST, Folder, partial_of, protocol_of
from simulate.systems.thermal_machine import ThermalMachine
from simulate.thermal.start import positions
from simulate.validation import of_finished

PROTOCOL = Protocol(
    depth=3, width=3, patterns=12, steps=300, waiting_time=(20, 100), samples=2, replicas=2, eta=0.05,
    temperature=1e-3, frames_per_decade=1, matrix_times=(10,), checkpoint_every=40,
)  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "run.nc"
    run(PROTOCOL, out=out)
    return out


@pytest.fixture(scope="module")
def whole(finished) -> xr.Dataset:
    """The same in memory, not to be changed."""
    return schema.read(finished, "run")


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory) -> Path:
    """A run whose folder was left when its last chunk ended."""
    out = tmp_path_factory.mktemp("runs") / "run.nc"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(schema, "write", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(PROTOCOL, out=out)
    return out


def test_inspect_says_what_a_run_is(finished, capsys):
    assert main(app, ["inspect", str(finished)]) == 0
    text = capsys.readouterr().out
    for word in ("finished", "L = 3", "N = 3", "M = 12", "t_w (20, 100)", "q_matrix_raw", "t_frame"):
        assert word in text
    assert main(app, ["inspect", str(finished), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["state"] == "finished"
    assert found["dimensions"]["replica"] == 2
    assert found["parameters"]["waiting_time"] == [20, 100]
    assert found["variables"]["E"] == ["t_w", "t", "sample", "replica"]


@pytest.mark.parametrize("name", ["run.nc", "run.nc.partial"])
def test_inspect_says_how_far_an_unfinished_run_is(unfinished, name):
    found = inspection.contents(unfinished.with_name(name))
    assert found["state"] == "unfinished"
    assert found["replica_steps"] == {"done": 200 + 4 * 280 + 4 * 200, "all": 200 + 4 * 280 + 4 * 200}
    assert [c["step"] for c in found["chunks"]] == [100, 300, 300]
    assert "(100%)" in inspection.describe(unfinished.with_name(name))


def test_a_sound_run_is_valid(finished, unfinished, capsys):
    assert main(app, ["validate", str(finished)]) == 0
    assert capsys.readouterr().out.strip() == f"{finished}: valid"
    assert main(app, ["validate", str(unfinished)]) == 1
    assert capsys.readouterr().out.startswith("unfinished")
    assert main(app, ["validate", "absent.nc"]) == 2


def put(name: str, where: tuple, value: float):
    """Change a part of a variable."""
    return lambda d: d[name].values.__setitem__(where, value)


ALL = (slice(None),)
CHANGES = {
    "E is missing": put("E", (0, 3, 0, 0), np.nan),
    "E is not the sum": put("E", (0, 3, 0, 0), 0.5),
    "E is negative": put("E", (0, 3, 0, 0), -0.5),
    "c is infinite": put("c", (0, 0, 0, 0, 1), np.inf),
    "q exceeds 1": put("q", (0, 0, 0, 0, 1), 1.1),
    "c goes on beyond the end of t_w = 100": put("c", (1, -1), 0.5),
    "q_raw is missing at some time of t_w = 100": put("q_raw", (1, 3, 1, 0, 2), np.nan),
    "J2 exceeds 1": put("J2", (0, 0, 0, 0, 1), 1.1),
    "S2 is missing": put("S2", ALL, np.nan),
    "kinetic_S is missing": put("kinetic_S", ALL, np.nan),
    "kinetic is missing at some time of t_w = 100": put("kinetic", (1, -1), np.nan),
    "A_tanh is missing": put("A_tanh", ALL, np.nan),
    "A_tanh exceeds 1": put("A_tanh", ALL, 7),
    "A_sgn is negative": put("A_sgn", (0, 0, 0, 0), -0.1),
    "A_tanh is there without test patterns": lambda d: d.assign_attrs(test_patterns=0),
    "q_test is missing": put("q_test", ALL, np.nan),
    "q_star is not that of q": put("q_star", ALL, 5),
    "Q_star is not that of Q": put("Q_star", (1, 0), np.nan),
    "q_star_error is not": put("q_star_error", (0, 1), 0),
    "Q_star_error is not": put("Q_star_error", (0, 1), 1),
    "state_r: a particle": put("state_r", (0, 0, 0, 5), -1.01),
    "state_v: a velocity": put("state_v", (0, 0, 0, 5), np.nan),
    "state_split: a particle": put("state_split", ALL, 9),
    "S: a particle": put("S", ALL, 9),
    "J_first: a particle is outside (-1, 1) or missing at t_w = 20": put("J_first", (0, 1, 1), np.nan),
    "J_hidden: a particle": put("J_hidden", (0, 0, 0, 0, 0, 0, 0), -1.5),
    "Q_matrix_raw exceeds 1": put("Q_matrix_raw", ALL, 9),
    "q_matrix_raw is missing": put("q_matrix_raw", (0, 0, 0, 0, 1), np.nan),
    "q_matrix_raw is not symmetric": put("q_matrix_raw", (0, 0, 0, 0, 1), 0.9),
    "kinetic at the last step": lambda d: d.state_v.values.__imul__(1.01),
    "spins 1 are hotter": lambda d: d.kinetic_S[:, -1, :, :, 1].values.fill(1.0),
    "weights 1 of sample 1, replica 0, t_w 20 are hotter": put("kinetic_J", (0, -1, 1, 0, 0), 0.1),
    "weights 2 are hotter than 1.5 T at step 237": lambda d: d.kinetic_J[:, -3, ..., 1].values.fill(0.1),
    "weights 1 are at": lambda d: d.kinetic_J[:, -1, :, :, 0].values.fill(1e-5),
    "coordinate t ": lambda d: d.assign_coords(t=d.t + 1),
    "coordinate t_frame": lambda d: d.assign_coords(t_frame=d.t_frame + 1),
    "coordinate machine_replica": lambda d: d.drop_vars("machine_replica"),
    "variable Q_raw is missing": lambda d: d.drop_vars("Q_raw"),
    "variable q_matrix_raw is missing": lambda d: d.drop_vars("q_matrix_raw"),
    "variable S is missing": lambda d: d.drop_vars(["S", "J_first"]),
    "variable state_split is missing": lambda d: d.drop_vars("state_split"),
    "variable A_sgn is along": lambda d: d.assign(A_sgn=d.A_sgn.isel(t_w=0)),
    "variable state_r has the shape": lambda d: d.isel(particle=slice(50)),
    "variable E holds int64": lambda d: d.assign(E=d.E.fillna(0).astype(int)),
    "attribute inputs": lambda d: d.assign_attrs(inputs="many"),
    "attribute steps": lambda d: d.assign_attrs(steps=301),
    "attribute warnings": lambda d: d.attrs.pop("warnings") and None,
}


@pytest.mark.parametrize("problem", CHANGES)
def test_every_broken_invariant_is_named(whole, problem):
    damaged = whole.copy(deep=True)
    changed = CHANGES[problem](damaged)
    found = of_finished(changed if isinstance(changed, xr.Dataset) else damaged)
    assert any(line.startswith(problem) for line in found), found


@pytest.mark.parametrize("asked", [{"keep_state": False}, {"frames_per_decade": 0}, {"matrix_times": ()}])
def test_what_the_protocol_does_not_ask_for_must_not_be_there(whole, asked):
    found = of_finished(whole.assign_attrs(protocol=replace(PROTOCOL, **asked).to_json()))
    assert found
    assert all("does not ask for it" in line for line in found)


def test_runs_of_every_kind_are_valid():
    """One layer, no pairs, nothing kept, no test patterns, layers that are exactly zero."""
    short = replace(PROTOCOL, steps=30, waiting_time=(0, 10))
    for changes in (
        {"depth": 1, "matrix_times": ()}, {"depth": 1}, {"depth": 2, "replicas": 1}, {"samples": 1},
        {"keep_state": False, "frames_per_decade": 0, "matrix_times": (29, 500)}, {"patterns": 360},
        {"temperature": 0.0, "precision": "float64"}, {"first_sample": 3, "extra_times": (4, 14, 24)},
    ):  # fmt: skip
        assert of_finished(run(replace(short, **changes))) == [], changes


def test_a_start_at_zero_is_valid(tmp_path):
    """The direction of a layer of zeros, and its overlap, are missing."""
    data = load("digits", patterns=12, seed=0, width=3, depth=3)
    start = tmp_path / "zero.npy"
    np.save(start, np.zeros(ThermalMachine(data.inputs, data.outputs, 3, 3).particles))
    measured = run(replace(PROTOCOL, steps=30, waiting_time=(0, 10), start=str(start)))
    assert np.isnan(measured.c.sel(t_w=0, t=0, neuron_layer=1)).all()
    assert of_finished(measured) == []


def test_longer_runs_are_valid_and_lack_nothing_else(tmp_path):
    """Frames, matrices and several t_w: what was missing in the shorter run is not in the longer one."""
    out = tmp_path / "run.nc"
    short = replace(
        PROTOCOL, steps=60, waiting_time=(10, 20, 50), matrix_times=(8, 45, 80), checkpoint_every=0
    )
    run(short, out=out)
    for more in (15, 40):
        longer = resume(out, more=more)
        assert inspection.problems(out) == []
    assert longer.sizes["t_matrix"] == 3
    became_special = {end - t_w for end in (75, 115) for t_w in short.waiting_times}
    for t in set(longer.t.values.tolist()) - became_special:
        damaged = longer.copy(deep=True)
        damaged.E.loc[{"t": t}] = np.nan
        assert any(line.startswith("E is missing") for line in of_finished(damaged)), t


def test_nothing_is_measured_beyond_the_end():
    measured = run(
        replace(PROTOCOL, steps=60, waiting_time=(10, 50), matrix_times=(8, 45), frames_per_decade=3)
    )
    for name in ("c", "J_last", "Q_matrix_raw"):
        damaged = measured.copy(deep=True)
        damaged[name].values[1, -1] = 0
        assert any(
            line.startswith(f"{name} goes on beyond the end of t_w = 50") for line in of_finished(damaged)
        )


def test_a_run_without_enough_friction_to_be_thermal_is_not_called_cold(tmp_path):
    run(replace(PROTOCOL, eta=1e-3, steps=30, waiting_time=10), out=tmp_path / "run.nc")
    assert inspection.problems(tmp_path / "run.nc") == []


@pytest.mark.parametrize("schedule", ["quench", "anneal"])
def test_late_heating_and_cooling_are_valid(schedule):
    """The age counts from the end of the schedule, and heat left over from before has its true cause."""
    late = {"schedule": schedule, "schedule_steps": 280, "waiting_time": (20, 270)}
    assert of_finished(run(replace(PROTOCOL, temperature=1e-2, initial_temperature=1e-4, **late))) == []
    cooled = run(replace(PROTOCOL, temperature=1e-5, initial_temperature=1e-2, **late))
    assert of_finished(cooled) == []
    assert "at step 300" in cooled.attrs["warnings"]
    assert cooled.attrs["warnings"].endswith("not yet thermal since step 280")


def test_a_run_made_elsewhere_is_inspected_here(whole, tmp_path, monkeypatch):
    """On a GPU and with 64 threads, of which this machine needs neither."""
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    elsewhere = {"device": "cuda", "backend": "captured", "threads": 64}
    protocol = json.dumps({**json.loads(whole.attrs["protocol"]), **elsewhere})
    path = tmp_path / "run.nc"
    schema.write(whole.assign_attrs(protocol=protocol, **elsewhere), path, "run")
    assert inspection.problems(path) == []
    assert inspection.contents(path)["parameters"]["threads"] == 64
    assert "finished" in inspection.describe(path)


def test_an_unfinished_run_made_elsewhere_is_inspected_here(unfinished, tmp_path):
    out = tmp_path / "run.nc"
    shutil.copytree(partial_of(unfinished), partial_of(out))
    manifest = json.loads((partial_of(out) / MANIFEST).read_text())
    manifest["protocol"] |= {"device": "cuda", "backend": "captured", "threads": 4096}
    (partial_of(out) / MANIFEST).write_text(json.dumps(manifest))
    assert len(inspection.problems(out)) == 1
    assert "unfinished" in inspection.describe(out)


def test_damaged_configurations_of_a_folder_are_named(unfinished, tmp_path):
    out = tmp_path / "run.nc"
    shutil.copytree(partial_of(unfinished), partial_of(out))
    folder = partial_of(out)
    assert len(inspection.problems(out)) == 1
    split, frame, matrix = (
        folder / f"{name}.npz" for name in ("split-20.sample-1", "chunk-0001.frame-0", "chunk-0002.frame-10")
    )
    split.write_bytes(split.read_bytes()[:-30])
    np.savez(frame, r=np.full((4, 10), 1.5))
    matrix.unlink()
    found = inspection.problems(out)
    for name in (split, frame, matrix):
        assert any(name.stem in line for line in found), name
    np.savez(frame, r=np.array(["x"]))
    assert any("holds no numbers" in line for line in inspection.problems(out))


def damage(content: bytes, rng: np.random.Generator) -> bytes:
    """Cut short, a few bits flipped, a stretch overwritten, or another kind of file altogether."""
    kind = rng.integers(4)
    if kind == 0:
        return content[: rng.integers(len(content))]
    if kind == 1:
        flipped = bytearray(content)
        for place in rng.integers(len(content), size=rng.integers(1, 8)):
            flipped[place] ^= 1 << rng.integers(8)
        return bytes(flipped)
    if kind == 2:
        begin = int(rng.integers(len(content)))
        length = int(rng.integers(1, 200))
        return content[:begin] + rng.bytes(length) + content[begin + length :]
    foreign = [b"", b"{}", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", b"\x93NUMPY\x01\x00", rng.bytes(500)]
    return foreign[rng.integers(len(foreign))]


@pytest.mark.parametrize("seed", [0, *(pytest.param(s, marks=pytest.mark.slow) for s in range(1, 9))])
def test_fuzzed_runs_raise_the_documented_error_only(finished, tmp_path, seed):
    rng = np.random.default_rng(seed)
    content, path = finished.read_bytes(), tmp_path / "run.nc"
    refused = 0
    for _ in range(8):
        path.write_bytes(damage(content, rng))
        for reader in (lambda p: schema.read(p, "run"), protocol_of, inspection.contents, resume):
            try:
                reader(path)
            except InvalidInput as error:
                assert str(path) in str(error)  # noqa: PT017
                refused += 1
        inspection.problems(path)
    assert refused > 12


@pytest.mark.parametrize("seed", [0, *(pytest.param(s, marks=pytest.mark.slow) for s in range(1, 9))])
def test_fuzzed_folders_raise_the_documented_error_or_end_right(unfinished, finished, tmp_path, seed):
    """A damaged segment or state is done again; a damaged manifest or configuration is an error."""
    rng = np.random.default_rng(seed)
    whole = schema.read(finished, "run")
    out = tmp_path / "run.nc"
    ended = 0
    for _ in range(5):
        shutil.copytree(partial_of(unfinished), partial_of(out), dirs_exist_ok=True)
        files = sorted(p for p in partial_of(out).iterdir() if p.name != "lock")
        victim = files[rng.integers(len(files))]
        victim.write_bytes(damage(victim.read_bytes(), rng))
        inspection_works = victim.name != MANIFEST
        if inspection_works:
            inspection.problems(out)
        try:
            again = resume(out)
        except InvalidInput as error:
            assert str(tmp_path) in str(error) or victim.name == MANIFEST  # noqa: PT017
        else:
            ended += 1
            for name in whole.data_vars:
                np.testing.assert_array_equal(again[name], whole[name], err_msg=f"{victim.name} {name}")
            out.unlink()
        shutil.rmtree(partial_of(out), ignore_errors=True)
    assert ended > 0


@pytest.mark.parametrize("seed", [0])
def test_fuzzed_archives_and_start_files(unfinished, finished, tmp_path, seed):
    rng = np.random.default_rng(seed)
    archive = next(partial_of(unfinished).glob("*.state-*"))
    with np.load(archive) as loaded:
        row = loaded["r"][0].astype(float)
    np.save(tmp_path / "row.npy", row)
    data = load("digits", patterns=12, seed=0, width=3, depth=3)
    machine = ThermalMachine(data.inputs, data.outputs, 3, 3)
    assert np.array_equal(positions(str(tmp_path / "row.npy"), machine, 0, range(2))[1], row.astype("f4"))
    for _ in range(12):
        path = tmp_path / "x.npz"
        path.write_bytes(damage(archive.read_bytes(), rng))
        with contextlib.suppress(InvalidInput):
            read_archive(path)
        for source in (tmp_path / "row.npy", finished):
            path = tmp_path / f"start{source.suffix}"
            path.write_bytes(damage(source.read_bytes(), rng))
            try:
                positions(str(path), machine, 0, range(2))
            except InvalidInput as error:
                assert str(path) in str(error)  # noqa: PT017


def test_foreign_folders(tmp_path):
    (tmp_path / "x.nc.partial").mkdir()
    with pytest.raises(InvalidInput, match="no run"):
        resume(tmp_path / "x.nc")
    with pytest.raises(InvalidInput, match="holds no unfinished run"):
        Folder.open(tmp_path / "x.nc.partial")
    for content in ("[]", "3", '{"format": 1}', '{"format": 1, "protocol": []}', "\udcff"):
        (tmp_path / "x.nc.partial" / MANIFEST).write_bytes(content.encode(errors="surrogateescape"))
        for reader in (resume, inspection.contents, inspection.problems, protocol_of):
            if reader is inspection.problems:
                assert len(reader(tmp_path / "x.nc")) == 1
            else:
                with pytest.raises(InvalidInput):
                    reader(tmp_path / "x.nc")
