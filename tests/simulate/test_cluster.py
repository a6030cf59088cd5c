"""Workers of a sweep: their death, their absence, and that results do not depend on them."""

import multiprocessing
import os
import signal
import sys
from pathlib import Path

import pytest
from runs import assert_same_run, states

from deepglass.errors import DeepglassError, InvalidInput
from simulate import cluster, sweep
from simulate.grid import expand
from simulate.sweep import State, run_sweep, survey

RUN = {
    "data": "random", "depth": 3, "patterns": 20, "steps": 60, "waiting_time": 20, "samples": 2,
    "replicas": 2, "device": "cpu", "checkpoint_every": 10,
}  # fmt: skip
WIDTHS = {"run": RUN, "grid": {"width": [3, 4]}}


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
