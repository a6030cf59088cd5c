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
from simulate.start import positions
from simulate.systems.thermal_machine import ThermalMachine

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


CHANGES = {
    "E is missing": lambda d: d.E.values.__setitem__((0, 3, 0, 0), np.nan),
    "E is not the sum": lambda d: d.E.values.__setitem__((0, 3, 0, 0), 0.5),
    "E is negative": lambda d: d.E.values.__setitem__((0, 3, 0, 0), -0.5),
    "c is infinite": lambda d: d.c.values.__setitem__((0, 0, 0, 0, 1), np.inf),
    "q exceeds 1": lambda d: d.q.values.__setitem__((0, 0, 0, 0, 1), 1.1),
    "J2 exceeds 1": lambda d: d.J2.values.__setitem__((0, 0, 0, 0, 1), 1.1),
    "state_r": lambda d: d.state_r.values.__setitem__((0, 0, 0, 5), -1.01),
    "state_v": lambda d: d.state_v.values.__setitem__((0, 0, 0, 5), np.nan),
    "kinetic at the last step": lambda d: d.state_v.values.__imul__(1.01),
    "spins 1 are hotter": lambda d: d.kinetic_S[:, -1, :, :, 1].values.fill(1.0),
    "weights 1 are at": lambda d: d.kinetic_J[:, -1, :, :, 0].values.fill(1e-5),
    "coordinate t ": lambda d: d.assign_coords(t=d.t + 1),
    "variable Q_raw is missing": lambda d: d.drop_vars("Q_raw"),
    "variable A_sgn is along": lambda d: d.assign(A_sgn=d.A_sgn.isel(t_w=0)),
}


@pytest.mark.parametrize("problem", CHANGES)
def test_every_broken_invariant_is_named(finished, tmp_path, problem):
    damaged = schema.read(finished, "run")
    changed = CHANGES[problem](damaged)
    path = tmp_path / "run.nc"
    schema.write(changed if isinstance(changed, xr.Dataset) else damaged, path, "run")
    found = inspection.problems(path)
    assert any(line.startswith(problem) for line in found), found


def test_a_run_without_enough_friction_to_be_thermal_is_not_called_cold(tmp_path):
    run(replace(PROTOCOL, eta=1e-3, steps=30, waiting_time=10), out=tmp_path / "run.nc")
    assert inspection.problems(tmp_path / "run.nc") == []


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
    for _ in range(12):
        path.write_bytes(damage(content, rng))
        for reader in (lambda p: schema.read(p, "run"), protocol_of, inspection.contents, resume):
            try:
                reader(path)
            except InvalidInput as error:
                assert str(path) in str(error)  # noqa: PT017
                refused += 1
        inspection.problems(path)
    assert refused > 20


@pytest.mark.parametrize("seed", [0, *(pytest.param(s, marks=pytest.mark.slow) for s in range(1, 9))])
def test_fuzzed_folders_raise_the_documented_error_or_end_right(unfinished, finished, tmp_path, seed):
    """A damaged segment or state is done again; a damaged manifest or configuration is an error."""
    rng = np.random.default_rng(seed)
    whole = schema.read(finished, "run")
    out = tmp_path / "run.nc"
    ended = 0
    for _ in range(6):
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
    for _ in range(25):
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
