"""Sweeps: what a file asks for, what the folder remembers, what survives kills, failures, second calls."""

import json
import multiprocessing
import os
import signal
import sys
from pathlib import Path

import pytest
import xarray as xr

from deepglass import schema
from deepglass.cli import main
from deepglass.errors import DeepglassError, InvalidInput
from simulate import Protocol, cluster, run, sweep
from simulate.cli import app
from simulate.grid import expand, load, pick, share
from simulate.segments import Folder, partial_of
from simulate.sweep import State, run_sweep, survey

RUN = {
    "data": "random", "depth": 3, "patterns": 20, "steps": 60, "waiting_time": 20, "samples": 2,
    "replicas": 2, "device": "cpu", "checkpoint_every": 10,
}  # fmt: skip
WIDTHS = {"run": RUN, "grid": {"width": [3, 4]}}
HALF_BAD = {"run": RUN, "points": [{"temperature": 1e6, "dt": 1.0}, {"temperature": 1e-4, "dt": 0.01}]}
"""The first point leaves its walls at once."""
HUGE = "[grid]\n" + "\n".join(f"{name} = {list(range(1, 101))}" for name in ("width", "depth", "seed"))


def toml(table: dict) -> str:
    """The few kinds of tables that are used here."""
    run_, grid, points = table.get("run", {}), table.get("grid", {}), table.get("points", [])
    lines = ["[run]", *(f"{k} = {json.dumps(v)}" for k, v in run_.items())]
    lines += ["[grid]"] * bool(grid) + [f"{k} = {json.dumps(v)}" for k, v in grid.items()]
    for point in points:
        lines += ["[[points]]", *(f"{k} = {json.dumps(v)}" for k, v in point.items())]
    return "\n".join(lines)


def states(results) -> list[str]:
    return [str(result.state) for result in results]


def assert_same_run(path: Path, protocol: Protocol) -> None:
    """The file holds bit for bit what a direct run measures."""
    stored, direct = schema.read(path, "run"), run(protocol)
    for name in direct.data_vars:
        xr.testing.assert_identical(stored[name].drop_attrs(), direct[name].drop_attrs())


# What a file asks for


def test_grid_times_points_times_parts_of_the_samples(tmp_path):
    path = tmp_path / "sweep.toml"
    path.write_text(
        """
        samples_per_file = 4
        [run]
        samples = 6
        first_sample = 10
        [grid]
        width = [5, 10]
        temperature = [1e-5, 1]
        [[points]]
        waiting_time = [100, 1000]
        [[points]]
        waiting_time = 7
        patterns = 250
        """
    )
    points = load(path)
    assert [point.index for point in points] == list(range(16))
    assert points[0].name == "temperature=1e-05_waiting_time=100-1000_width=5.samples=10-13"
    assert points[15].name == "patterns=250_temperature=1.0_waiting_time=7_width=10.samples=14-15"
    assert [(p.protocol.first_sample, p.protocol.samples) for p in points[:2]] == [(10, 4), (14, 2)]
    assert points[0].protocol == Protocol(
        width=5, temperature=1e-5, waiting_time=(100, 1000), samples=4, first_sample=10
    )
    assert points[0].values == {"temperature": 1e-5, "waiting_time": (100, 1000), "width": 5}
    # Two t_w: the trunk to the later one, then both branches.
    assert points[0].replica_steps == 4 * (1000 + 4 * (19_900 + 19_000))


def test_names_do_not_depend_on_the_rest_of_the_grid_and_fit_every_file_system():
    one = expand({"grid": {"width": [4], "patterns": [20]}})
    more = expand({"grid": {"patterns": [10, 20], "width": [2, 4]}})
    assert one[0].name == "patterns=20_width=4"
    assert one[0].name in [point.name for point in more]
    awkward = {
        "data": ["a b/x.npz", "c/x.npz", "./x y"],
        "classes": [[0, 1], [-1, 1], [-1, -1]],
        "extra_times": [[], list(range(100, 200))],
    }
    names = [point.name for point in expand({"grid": awkward})]
    assert len(set(names)) == 18
    for name in names:
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-_=")
        assert len(name) <= 150
    assert [p.name for p in expand({"run": {"width": 3}})] == ["run"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[run", ["no TOML"]),
        ("[rum]\nwidth = 3", ["rum", "did you mean run"]),
        ("run = 3", ["[run]", "table"]),
        ("[run]\nwidht = 3", ["[run]", "widht", "width"]),
        ("[grid]\nwidht = [3]", ["[grid]", "widht", "width"]),
        ("[[points]]\nwidht = 3", ["[[points]] 0", "widht", "width"]),
        ("[run]\nwidth = 0", ["width = 0", ">= 1"]),
        ("[grid]\nwidth = [3, 0, -1]", ["point 1", "width = 0", "1 more"]),
        ("[grid]\nwidth = [3, '4']", ["point 1", "width = '4'"]),
        ("[grid]\nwidth = 3", ["[grid] width = 3", "list"]),
        ("[grid]\nwidth = []", ["[grid] width = []", "at least one"]),
        ("[grid]", ["[grid] is empty"]),
        ("points = []", ["[[points]]", "at least one"]),
        ("[[points]]", ["[[points]] 0 is empty"]),
        ("[grid]\nwidth = [3, 4, 3]", ["points 0 and 2 are the same", "width=3"]),
        ("[grid]\ntemperature = [1, 1.0]", ["points 0 and 1 are the same"]),
        ("[[points]]\nwidth = 10\n[[points]]\npatterns = 240", ["points 0 and 1 are the same"]),
        ("[run]\nwidth = 3\n[grid]\nwidth = [3]", ["width", "[run]", "[grid]"]),
        ("[grid]\nwidth = [3]\n[[points]]\nwidth = 3", ["width", "[grid]", "[[points]] 0"]),
        ("samples_per_file = 0", ["samples_per_file = 0"]),
        ("[grid]\nsteps = [10, 100_000]", ["point 0", "steps=10", "waiting_time"]),
        (HUGE, ["1,000,000 points"]),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_before_any_work_naming_file_and_value(tmp_path, capsys, text, words):
    path = tmp_path / "sweep.toml"
    path.write_text(text)
    assert main(app, ["sweep", str(path), "--out", str(tmp_path / "out")]) == 2
    message = capsys.readouterr().err
    assert len(message.strip().splitlines()) == 1
    for word in ["sweep.toml", *words]:
        assert word in message
    assert not (tmp_path / "out").exists()


def test_shares_hold_every_point_once():
    points = expand({"grid": {"seed": list(range(10))}})
    for count in (1, 3, 12):
        shares = [share(points, f"{i}/{count}") for i in range(count)]
        assert sorted(point.index for part in shares for point in part) == list(range(10))
    for wrong in ("3/3", "-1/3", "1", "a/b", "1/0", "1/2/3", "1/2\n"):
        with pytest.raises(InvalidInput, match="I/N"):
            share(points, wrong)
    assert [point.index for point in pick(points, [7, 2, 7])] == [2, 7]
    with pytest.raises(InvalidInput, match="only = 10"):
        pick(points, [10])


# What the folder remembers


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


# Workers


def kill_one_at_work(folder: Path, killed: list[int]) -> None:
    """Kill a child of this process that holds the lock of a point with at least one checkpoint."""
    for child in multiprocessing.active_children():
        for number in Path(f"/proc/{child.pid}/fd").iterdir():
            try:
                held = Path(os.readlink(number))
            except OSError:
                continue
            if held.name == "lock" and folder in held.parents and list(held.parent.glob("*.state-*.npz")):
                os.kill(child.pid, signal.SIGKILL)
                killed.append(child.pid)
                return


@pytest.mark.parametrize(
    "where", [{"workers": 2}, {"cluster": "local", "workers": 1}], ids=["processes", "dask"]
)
def test_the_death_of_a_worker_costs_nothing_but_time(tmp_path, monkeypatch, where):
    if "cluster" in where:
        pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "PAUSE", 0.05)
    long = {**RUN, "steps": 4000, "waiting_time": 500, "samples": 1, "checkpoint_every": 100}
    points = expand({"run": long, "grid": {"seed": [1, 2]}})
    killed: list[int] = []
    seen = []

    def progress(done: int, total: int) -> None:
        seen.append((done, total))
        if not killed:
            kill_one_at_work(tmp_path, killed)

    results = run_sweep(points, tmp_path, progress=progress, **where)
    assert len(killed) == 1
    assert states(results) == ["done", "done"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seed=1.nc", "seed=2.nc"]
    assert seen[0] == (0, 2 * (500 + 2 * 3500))
    assert any(0 < done < total for done, total in seen)
    assert seen[-1] == (seen[0][1], seen[0][1])
    for point in points:
        assert_same_run(point.file(tmp_path), point.protocol)
    assert not multiprocessing.active_children()


def test_an_item_whose_workers_all_die_is_given_up(monkeypatch, caplog):
    monkeypatch.setattr(cluster, "DEATHS", 1)
    with cluster.Processes(2) as pool:
        outcomes = dict(pool.each(os._exit, [7], lambda: None))
    assert outcomes == {7: cluster.Lost("its worker died 1 times")}
    assert "exit code 7" in caplog.text


def test_a_point_given_up_is_a_failed_one(tmp_path, monkeypatch):
    class Deadly(cluster.Here):
        here = False

        def each(self, work, items, tick):
            for item in items:
                yield item, cluster.Lost("its worker died 3 times")

    monkeypatch.setattr(sweep, "pool", lambda *_: Deadly())
    points = expand(WIDTHS)
    assert {result.reason for result in run_sweep(points, tmp_path)} == {"its worker died 3 times"}
    monkeypatch.undo()
    assert states(survey(points, tmp_path)) == ["failed", "failed"]
    assert states(run_sweep(points, tmp_path, retry=True)) == ["done", "done"]


def test_workers_that_cannot_be_are_refused(tmp_path, monkeypatch):
    points = expand(WIDTHS)
    with pytest.raises(InvalidInput, match="workers = 0"):
        run_sweep(points, tmp_path / "out", workers=0)
    with pytest.raises(InvalidInput, match="has its own"):
        run_sweep(points, tmp_path / "out", workers=2, cluster="tcp://127.0.0.1:1")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "distributed", None)
        with pytest.raises(InvalidInput, match=r"pip install 'deepglass\[cluster\]'"):
            run_sweep(points, tmp_path / "out", cluster="local")
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "ANSWER", 0.5)
    for address in ("tcp://127.0.0.1:1", "nonsense"):
        with pytest.raises(InvalidInput, match=f"cluster = '{address}': no dask scheduler answers"):
            run_sweep(points, tmp_path / "out", cluster=address)
    assert not (tmp_path / "out").exists()


def test_a_cluster_that_goes_away_ends_the_call_with_its_reason():
    class Future:
        status = "cancelled"

    with pytest.raises(DeepglassError, match="went away"):
        cluster.Dask("tcp://x:1", 1)._outcome(Future())


def test_states_read_as_words():
    assert [str(state) for state in State] == ["to do", "unfinished", "done", "failed", "running elsewhere"]
