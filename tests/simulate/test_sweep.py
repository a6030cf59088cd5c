"""Sweeps: what the folder remembers, what survives failures, interruptions and second calls."""

import json

import pytest
import xarray as xr
from runs import assert_same_run, states

from deepglass import schema
from deepglass.cli import main
from deepglass.errors import InvalidInput
from simulate import Protocol, run, sweep
from simulate.cli import app
from simulate.grid import expand, load
from simulate.segments import Folder, partial_of
from simulate.sweep import run_sweep, survey

RUN = {
    "data": "random", "depth": 3, "patterns": 20, "steps": 60, "waiting_time": 20, "samples": 2,
    "replicas": 2, "device": "cpu", "checkpoint_every": 10,
}  # fmt: skip
WIDTHS = {"run": RUN, "grid": {"width": [3, 4]}}
HALF_BAD = {"run": RUN, "points": [{"temperature": 1e6, "dt": 1.0}, {"temperature": 1e-4, "dt": 0.01}]}
"""The first point leaves its walls at once."""


def toml(table: dict) -> str:
    """The few kinds of tables that are used here."""
    run_, grid, points = table.get("run", {}), table.get("grid", {}), table.get("points", [])
    lines = ["[run]", *(f"{k} = {json.dumps(v)}" for k, v in run_.items())]
    lines += ["[grid]"] * bool(grid) + [f"{k} = {json.dumps(v)}" for k, v in grid.items()]
    for point in points:
        lines += ["[[points]]", *(f"{k} = {json.dumps(v)}" for k, v in point.items())]
    return "\n".join(lines)


def test_a_sweep_is_direct_runs_and_done_points_are_skipped(tmp_path, monkeypatch):
    points = expand(WIDTHS)
    seen = []
    results = run_sweep(points, tmp_path / "out", progress=lambda *done: seen.append(done))
    assert states(results) == ["done", "done"]
    total = 2 * 2 * (20 + 2 * 40)
    assert seen[0] == (0, total)
    assert seen[-1] == (total, total)
    for point in points:
        assert_same_run(tmp_path / "out" / f"{point.name}.nc", point.protocol)
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    assert {path.name for path in files} == {"width=3.nc", "width=4.nc"}

    grown = expand({"run": RUN, "grid": {"width": [3, 4, 5]}})
    seen.clear()
    assert (
        states(run_sweep(grown, tmp_path / "out", progress=lambda *done: seen.append(done))) == ["done"] * 3
    )
    assert seen[0] == (total, total * 3 // 2)  # what was done before counts
    assert {path: path.stat().st_mtime_ns for path in files} == files


def test_samples_in_several_files_are_those_of_one_run(tmp_path):
    points = expand({"run": {**RUN, "samples": 3}, "samples_per_file": 2})
    run_sweep(points, tmp_path)
    parts = [schema.read(point.file(tmp_path), "run").q for point in points]
    whole = run(Protocol(**{**RUN, "samples": 3})).q
    joined = xr.combine_by_coords(parts).q  # by their coordinate, as docs/sweeps.md does
    xr.testing.assert_allclose(joined, whole, rtol=1e-4)  # batches differ by rounding


def test_a_point_of_other_parameters_is_never_taken_for_done(tmp_path):
    run_sweep(expand({"run": RUN, "grid": {"width": [3]}}), tmp_path)
    other = expand({"run": {**RUN, "seed": 9}, "grid": {"width": [3]}})
    before = (tmp_path / "width=3.nc").read_bytes()
    with pytest.raises(InvalidInput, match=r"width=3\.nc belongs to another run: seed = 0 there, 9 in"):
        run_sweep(other, tmp_path)
    assert (tmp_path / "width=3.nc").read_bytes() == before
    (tmp_path / "width=3.nc").write_text("not a run")
    with pytest.raises(InvalidInput, match=r"width=3\.nc is not a readable"):
        survey(other, tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match="Not a directory"):
        run_sweep(other, tmp_path / "file")


def test_a_failing_point_stops_no_other_and_is_tried_again_on_request_only(tmp_path, capsys):
    path, out = tmp_path / "sweep.toml", tmp_path / "out"
    path.write_text(toml(HALF_BAD))
    arguments = ["sweep", str(path), "--out", str(out)]
    name = "dt=1.0_temperature=1000000.0"
    assert main(app, arguments) == 1
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0] == "2 points: 1 done, 1 failed"
    assert [line for line in printed.out.splitlines() if name in line and "left (-1, 1)" in line]
    assert "error: 1 of 2 points failed; --retry tries them again" in printed.err
    record = out / f"{name}.failed.json"
    content = json.loads(record.read_text())
    assert content["type"] == "Diverged"
    assert "left (-1, 1)" in content["reason"]
    assert "health.py" in content["where"]

    written = record.stat().st_mtime_ns
    assert main(app, arguments) == 1
    assert record.stat().st_mtime_ns == written  # listed, not tried
    assert "left (-1, 1)" in capsys.readouterr().out
    assert main(app, [*arguments, "--retry", "--format", "json"]) == 1
    assert record.stat().st_mtime_ns > written
    answer = json.loads(capsys.readouterr().out)
    assert [point["state"] for point in answer["points"]] == ["failed", "done"]
    assert answer["points"][0]["parameters"] == {"dt": 1.0, "temperature": 1e6}

    record.write_text("damaged")
    assert "damaged" in survey(load(path), out)[0].reason


def test_data_that_do_not_fit_fail_their_point_and_a_retry_succeeds_once_they_do(tmp_path, monkeypatch):
    points = expand(WIDTHS)
    real = sweep.run

    def full_disk(protocol, *arguments, **options):
        if protocol.width == 3:
            raise OSError(28, "No space left on device")
        return real(protocol, *arguments, **options)

    monkeypatch.setattr(sweep, "run", full_disk)
    results = run_sweep(points, tmp_path)
    assert states(results) == ["failed", "done"]
    assert "No space left" in results[0].reason
    monkeypatch.undo()
    assert states(run_sweep(points, tmp_path)) == ["failed", "done"]
    assert states(run_sweep(points, tmp_path, retry=True)) == ["done", "done"]
    assert not list(tmp_path.glob("*.json"))


def test_an_interrupted_point_is_resumed_bit_for_bit(tmp_path, monkeypatch):
    points = expand(WIDTHS)

    def interrupt(done, total):
        if done > total // 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_sweep(points, tmp_path, progress=interrupt)
    found = survey(points, tmp_path)
    assert states(found) == ["unfinished", "to do"]
    assert 0 < found[0].replica_steps < points[0].replica_steps
    with monkeypatch.context() as patch:
        patch.setattr(sweep, "run", lambda *_, **__: pytest.fail("started anew"))
        assert states(run_sweep(points[:1], tmp_path)) == ["done"]
    assert states(run_sweep(points, tmp_path)) == ["done", "done"]
    for point in points:
        assert_same_run(point.file(tmp_path), point.protocol)

    foreign = expand({"run": {**RUN, "seed": 1}, "grid": {"width": [5]}})
    with pytest.raises(KeyboardInterrupt):
        run_sweep(foreign, tmp_path, progress=interrupt)
    with pytest.raises(InvalidInput, match=r"width=5\.nc\.partial belongs to another run: seed"):
        run_sweep(expand({"run": RUN, "grid": {"width": [5]}}), tmp_path)


def test_what_a_kill_between_file_and_folder_leaves_is_removed_and_nothing_else(tmp_path, monkeypatch):
    points = expand({"run": RUN, "grid": {"width": [3, 4, 5]}})
    with monkeypatch.context() as patch:
        patch.setattr(Folder, "remove", lambda folder: None)
        run_sweep(points, tmp_path)
    folders = [partial_of(point.file(tmp_path)) for point in points]
    manifest = json.loads((folders[1] / "run.json").read_text())
    (folders[1] / "run.json").write_text(json.dumps({**manifest, "run_id": "of another run"}))
    (folders[2] / "run.json").unlink()
    assert states(survey(points, tmp_path)) == ["done"] * 3
    assert all(folder.exists() for folder in folders)
    assert states(run_sweep(points, tmp_path)) == ["done"] * 3
    assert [folder.exists() for folder in folders] == [False, True, False]


def test_a_point_that_another_process_works_on_is_left_to_it(tmp_path, monkeypatch):
    points = expand(WIDTHS)

    def interrupt(done, total):
        if done > total // 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_sweep(points, tmp_path, progress=interrupt)
    monkeypatch.setattr(sweep.time, "sleep", lambda _: None)
    other = Folder.open(partial_of(points[0].file(tmp_path)))
    other.acquire()
    assert states(run_sweep(points, tmp_path)) == ["running elsewhere", "done"]
    assert not list(tmp_path.glob("*.json"))
    other.release()
    assert states(run_sweep(points, tmp_path)) == ["done", "done"]


def test_a_dry_run_lists_and_touches_nothing(tmp_path, capsys):
    path, out = tmp_path / "sweep.toml", tmp_path / "out"
    path.write_text(toml(HALF_BAD))
    arguments = ["sweep", str(path), "--out", str(out)]
    assert main(app, [*arguments, "--dry-run"]) == 0
    assert not out.exists()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["#", "point", "machines", "replica-steps", "state"]
    assert lines[2].split() == ["1", "dt=0.01_temperature=0.0001", "4", "200", "to", "do"]
    assert main(app, [*arguments, "--only", "0"]) == 1
    capsys.readouterr()
    before = sorted((p, p.stat().st_mtime_ns) for p in out.rglob("*"))
    assert main(app, [*arguments, "--dry-run", "--task", "0/2", "--format", "json"]) == 0
    assert [p["state"] for p in json.loads(capsys.readouterr().out)["points"]] == ["failed"]
    assert sorted((p, p.stat().st_mtime_ns) for p in out.rglob("*")) == before
    assert main(app, [*arguments, "--only", "0", "--task", "0/2"]) == 2
    assert "--only and --task" in capsys.readouterr().err
