"""A sweep: every point of a grid becomes a file in one folder, on one machine or many, in one go or several.

All that is known about a sweep is in its folder: ``NAME.nc`` is a point that is done, ``NAME.nc.partial`` one
that is on its way or was interrupted, ``NAME.failed.json`` one that failed, and why. So any number of
processes may work on the same folder; the lock of a partial folder keeps two of them off the same point.
"""

import json
import logging
import os
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache, partial
from pathlib import Path
from typing import Any

from deepglass import files, schema
from deepglass.errors import Diverged, InUse, InvalidInput
from simulate import cluster as clusters
from simulate import segments
from simulate.cluster import Lost, pool
from simulate.grid import Point, expand, load, pick, share
from simulate.run import resume, run

__all__ = ["Point", "Result", "State", "expand", "load", "pick", "run_sweep", "share", "survey"]


class State(StrEnum):
    """How far a point is."""

    todo = "to do"
    unfinished = "unfinished"
    done = "done"
    failed = "failed"
    elsewhere = "running elsewhere"


@dataclass(frozen=True)
class Result:
    """How far a point is; ``reason`` says why it failed, or what a finished run warns of."""

    point: Point
    state: State
    reason: str = ""
    replica_steps: int = 0


def survey(points: Sequence[Point], folder: str | Path) -> list[Result]:
    """How far every point is, from the folder alone; nothing is changed.

    Raises InvalidInput if a file of the folder cannot be read or holds a run of other parameters.
    """
    return [_look(point, Path(folder)) for point in points]


def run_sweep(
    points: Sequence[Point],
    folder: str | Path,
    *,
    workers: int | None = None,
    cluster: str | None = None,
    retry: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> list[Result]:
    """Work on all points that are not done, and say how far each is then.

    Args:
        points: of :func:`simulate.grid.load`, all or some.
        folder: of their files; made if it is missing.
        workers, cluster: see :func:`simulate.cluster.pool`.
        retry: work also on points that failed before: a run that diverged starts anew, others resume.
        progress: called with replica-steps done and in all, what was done before included.

    A point that fails keeps no other from running; its reason is in its result and in the folder. Raises
    InvalidInput before any work as :func:`survey` does, for a folder that cannot be written, and as
    :func:`simulate.cluster.pool` does; DeepglassError if the cluster goes away.
    """
    workplace = pool(workers, cluster)
    place = Path(folder).resolve()  # workers may stand elsewhere
    results = {result.point.index: result for result in survey(points, place)}
    files.check_target(place / "sweep.nc", overwrite=True)
    for result in results.values():
        if result.state is State.done:
            _tidy(result.point.file(place))
    wanted = {State.todo, State.unfinished} | ({State.failed} if retry else set())
    items = [point for point in points if results[point.index].state in wanted]
    meter = _Meter(results.values(), place, progress)
    if not items:
        return list(results.values())
    with workplace as where:
        place.mkdir(parents=True, exist_ok=True)
        meter.poll()  # what was done before is no progress of this call
        work = partial(attempt, folder=place, retry=retry, progress=meter.report if where.here else None)
        for point, outcome in where.each(work, items, meter.poll):
            if isinstance(outcome, Lost):
                outcome = _failure(point, place, outcome.reason, "WorkerDied", "")
            results[point.index] = outcome
            meter.report(point.index, outcome.replica_steps)
    for index, result in results.items():
        if result.state is State.elsewhere:  # it may have ended since
            now = _look(result.point, place)
            results[index] = now if now.state in (State.done, State.failed) else result
    return list(results.values())


def attempt(
    point: Point, folder: Path, retry: bool, progress: Callable[[int, int], None] | None = None
) -> Result:
    """Work on one point until it is done or fails; why it fails is written beside it.

    ``progress`` is called with the point's index and the replica-steps done.
    """
    try:
        with _named(point):
            try:
                return _work(point, folder, retry, progress)
            except InvalidInput as error:
                if not isinstance(error, InUse) and not point.file(folder).exists():
                    raise
                # Another process has it, has just finished it, or has just died and holds its lock for an
                # instant longer.
                time.sleep(1)
                return _work(point, folder, retry, progress)
    except Exception as error:  # whatever it is, it is this point's: the others go on
        if isinstance(error, InUse):
            return Result(point, State.elsewhere)
        last = traceback.extract_tb(error.__traceback__)[-1]
        reason = " ".join(str(error).split()) or type(error).__name__
        place = f"{last.filename}:{last.lineno} in {last.name}"
        return _failure(point, folder, reason, type(error).__name__, place)


_AT_WORK: ContextVar[str] = ContextVar("point at work", default="")


@contextmanager
def _named(point: Point) -> Iterator[None]:
    """What is logged of a run, in this thread, begins with the name of its point."""
    _name_records()
    token = _AT_WORK.set(point.name)
    try:
        yield
    finally:
        _AT_WORK.reset(token)


@cache
def _name_records() -> None:
    """Once in a process: the factory of log records asks whose they are."""
    make = logging.getLogRecordFactory()

    def named(*arguments: Any, **more: Any) -> logging.LogRecord:
        record = make(*arguments, **more)
        if _AT_WORK.get() and record.name.startswith("simulate."):
            record.msg = f"{_AT_WORK.get()}: {record.msg}"
        return record

    logging.setLogRecordFactory(named)


def _work(point: Point, folder: Path, retry: bool, progress: Callable[[int, int], None] | None) -> Result:
    file = point.file(folder)
    found = _look(point, folder)
    if found.state is State.done or (found.state is State.failed and not retry):
        return found
    record = _record_of(file)
    diverged = (_read_record(file) or {}).get("type") == Diverged.__name__
    # Gone before the work begins: should this process be killed, the point is unfinished, not failed.
    record.unlink(missing_ok=True)
    report = None if progress is None else lambda done, total: progress(point.index, done)
    if (segments.partial_of(file) / segments.MANIFEST).exists() and not diverged:
        dataset = resume(file, progress=report)
    else:
        dataset = run(point.protocol, report, out=file, overwrite=diverged)
    return Result(point, State.done, str(dataset.attrs.get("warnings", "")), point.replica_steps)


def _look(point: Point, folder: Path) -> Result:
    file = point.file(folder)
    unfinished = segments.partial_of(file)
    done = 0
    if not file.exists() and (unfinished / segments.MANIFEST).exists():
        try:
            _same(unfinished, point)
            done = segments.progress_of(unfinished)[0]
        except InvalidInput:
            if not file.exists():  # else it was finished, and the folder removed, while we looked
                raise
    if file.exists():
        _same(file, point)
        return Result(point, State.done, "", point.replica_steps)
    record = _read_record(file)
    if record is not None and record.get("protocol") in (None, json.loads(point.protocol.to_json())):
        return Result(point, State.failed, str(record.get("reason")), done)
    begun = (unfinished / segments.MANIFEST).exists()
    return Result(point, State.unfinished if begun else State.todo, "", done)


def _tidy(file: Path) -> None:
    """Remove the folder of a run that was killed when its file was written and the folder not yet gone."""
    path = segments.partial_of(file)
    if not path.exists():
        return
    try:
        folder = segments.Folder(path, {})  # half removed: without a manifest it is of no value
        if (path / segments.MANIFEST).exists():
            folder = segments.Folder.open(path)
            if folder.manifest.get("run_id") != schema.read(file, "run").attrs.get("run_id", ""):
                return
        folder.acquire()
        folder.remove()
    except InvalidInput:
        pass  # its owner is just doing this


def _same(path: Path, point: Point) -> None:
    """Raise InvalidInput unless ``path`` holds the run that the point asks for."""
    there, here = ({"system": x.system, **asdict(x)} for x in (segments.protocol_of(path), point.protocol))
    for name, value in here.items():
        if there[name] != value:  # of another system it is the first
            raise InvalidInput(
                f"{path} belongs to another run: {name} = {there[name]!r} there, {value!r} in point"
                f" {point.index} of this sweep; name another folder, or move that one away"
            )


def _record_of(file: Path) -> Path:
    return file.with_name(f"{file.name.removesuffix('.nc')}.failed.json")


def _read_record(file: Path) -> Mapping[str, Any] | None:
    """What is written about a failure; None if there is nothing."""
    record = _record_of(file)
    try:
        content = json.loads(record.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        content = error
    return content if isinstance(content, dict) else {"reason": f"unknown, {record.name} is damaged"}


def _failure(point: Point, folder: Path, reason: str, kind: str, place: str) -> Result:
    """Write down why a point failed."""
    file = point.file(folder)
    content = {
        "reason": reason,
        "type": kind,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "where": place,
        "protocol": json.loads(point.protocol.to_json()),
    }
    try:
        files.write_bytes(_record_of(file), json.dumps(content, indent=1).encode(), overwrite=True)
    except InvalidInput as error:  # a full disk fails many points, and their records too
        reason = f"{reason} (not written down: {error})"
    try:
        done = segments.progress_of(file)[0]
    except InvalidInput:
        done = 0
    return Result(point, State.failed, reason, done)


class _Meter:
    """Replica-steps of the whole sweep; those of other processes are read from the folder."""

    def __init__(self, results: Any, folder: Path, progress: Callable[[int, int], None] | None):
        found = list(results)
        self._done = {result.point.index: result.replica_steps for result in found}
        self._total = sum(result.point.replica_steps for result in found)
        self._open = {f"{r.point.name}.nc": r.point.index for r in found if r.state is not State.done}
        self._folder, self._progress = folder, progress
        self._next = 0.0

    def report(self, index: int, done: int) -> None:
        """One point is so far."""
        self._done[index] = done
        if self._progress is not None:
            self._progress(sum(self._done.values()), self._total)

    def poll(self) -> None:
        """Look at the points on their way; not more often than once a pause, nor for a tenth of the time."""
        started = time.monotonic()
        if self._progress is None or started < self._next:
            return
        for name in os.listdir(self._folder):
            index = self._open.get(name.removesuffix(segments.SUFFIX))
            if index is not None and name.endswith(segments.SUFFIX):
                try:
                    self._done[index] = segments.progress_of(self._folder / name)[0]
                except InvalidInput:
                    continue  # it is being finished
        self._progress(sum(self._done.values()), self._total)
        now = time.monotonic()
        self._next = now + max(clusters.PAUSE, 10 * (now - started))
