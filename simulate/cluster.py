"""Where the points of a sweep are worked on: in this process, in local ones, or on dask.distributed.

A pool takes a function and items and gives back each item with its outcome, in the order in which they end.
A worker may die at any instant: its item is begun again elsewhere, and given up as :class:`Lost` when its
workers died :data:`DEATHS` times.
"""

import logging
import multiprocessing
import os
import queue
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol, TypeVar

from deepglass import checks
from deepglass.errors import DeepglassError, InvalidInput
from simulate.progress import LogBesideBar

T = TypeVar("T")
R = TypeVar("R")

log = logging.getLogger(__name__)

DEATHS = 3
"""Workers that an item may cost."""

PAUSE = 1.0
"""Seconds between two looks at what is going on."""

ANSWER = 20.0
"""Seconds a scheduler has to answer."""

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Lost:
    """No outcome: the workers died, or could not begin."""

    reason: str


class Pool(Protocol):
    """Workers. ``here``: the function runs in this process, one item after another."""

    here: bool

    def each(
        self, work: Callable[[T], R], items: Sequence[T], tick: Callable[[], None]
    ) -> Iterator[tuple[T, R | Lost]]:
        """Work on all items; ``tick`` is called about once a second while others work."""
        ...


def pool(workers: int | None = None, cluster: str | None = None) -> AbstractContextManager[Pool]:
    """The workers asked for; leaving the context ends them, whatever they are doing.

    ``workers``: local processes (None or 1: this one). ``cluster``: the address of a dask scheduler, or
    "local" for one that is started here with so many workers. Raises InvalidInput for what cannot be, for a
    scheduler that does not answer, and without dask where it is asked for.
    """
    if workers is not None:
        checks.integer("workers", workers, 1)
    if cluster is None:
        return Here() if workers in (None, 1) else Processes(workers or 1)
    if cluster != "local" and workers is not None:
        raise InvalidInput(f"workers = {workers}: the cluster {cluster} has its own; leave it out")
    return Dask(cluster, workers or 1)


class Here:
    """This process."""

    here = True

    def __enter__(self) -> "Here":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def each(
        self, work: Callable[[T], R], items: Sequence[T], tick: Callable[[], None]
    ) -> Iterator[tuple[T, R | Lost]]:
        """One after another."""
        for item in items:
            yield item, work(item)


class Processes:
    """Local processes, each with its own pipe.

    Not concurrent.futures: when one of its workers dies it ends all others too, and cannot say on which item.
    """

    here = False

    def __init__(self, count: int):
        self.count = count
        self._workers: dict[Connection, multiprocessing.process.BaseProcess] = {}

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *error: object) -> None:
        for connection in list(self._workers):
            self._end(connection)

    def each(
        self, work: Callable[[T], R], items: Sequence[T], tick: Callable[[], None]
    ) -> Iterator[tuple[T, R | Lost]]:
        """As many at a time as there are processes; they are started as they are needed."""
        waiting = deque(range(len(items)))
        busy: dict[Connection, int] = {}
        deaths: Counter[int] = Counter()
        while waiting or busy:
            while waiting and len(busy) < self.count:
                idle = [connection for connection in self._workers if connection not in busy]
                connection = idle[0] if idle else self._start()
                busy[connection] = waiting.popleft()
                with suppress(OSError):  # if it died, the pipe says so below
                    connection.send((work, items[busy[connection]]))
            for ready in wait(list(busy), PAUSE):
                connection = next(known for known in busy if known is ready)
                index = busy.pop(connection)
                try:
                    outcome: R | Lost = connection.recv()
                except (EOFError, OSError):
                    code = self._end(connection)
                    log.warning("a worker died (exit code %s); another goes on with what it did", code)
                    deaths[index] += 1
                    if deaths[index] < DEATHS:
                        waiting.appendleft(index)
                        continue
                    outcome = Lost(f"its worker died {DEATHS} times")
                yield items[index], outcome
            tick()

    def _start(self) -> Connection:
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        process = spawn.Process(target=_serve, args=(theirs,), daemon=True)
        with _for_children():
            process.start()
        theirs.close()  # so that the pipe ends when the worker does
        self._workers[ours] = process
        return ours

    def _end(self, connection: Connection) -> int | None:
        process = self._workers.pop(connection)
        connection.close()
        process.join(0.2)  # one that dies says why by its exit code
        process.kill()  # what it works on can be killed at any instant
        process.join()
        return process.exitcode


@contextmanager
def _for_children() -> Iterator[None]:
    """What processes started now inherit: one thread each, and Ctrl-C is their parent's business alone."""
    added = {name: "1" for name in THREADS if name not in os.environ}
    os.environ.update(added)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for name in added:
            del os.environ[name]


def _serve(connection: Connection) -> None:
    """A worker's life: until its parent closes the pipe, or dies."""
    threading.Thread(target=_die_with_parent, daemon=True).start()
    logging.getLogger("simulate").addHandler(LogBesideBar())
    while True:
        try:
            work, item = connection.recv()
        except EOFError:
            return
        connection.send(work(item))


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


class Dask:
    """dask.distributed: its scheduler gives what a dead worker did to another one."""

    here = False

    def __init__(self, address: str, workers: int):
        self.address, self.workers = address, workers

    def __enter__(self) -> "Dask":
        try:
            import distributed  # an optional extra
        except ImportError as error:
            raise InvalidInput("--cluster needs the extra: pip install 'deepglass[cluster]'") from error
        with ExitStack() as stack:
            target: Any = self.address
            if target == "local":
                with _for_children():
                    target = stack.enter_context(
                        distributed.LocalCluster(
                            n_workers=self.workers, processes=True, threads_per_worker=1,
                            host="127.0.0.1", dashboard_address=None, worker_dashboard_address=None,
                        )
                    )  # fmt: skip
            try:
                self._client = stack.enter_context(
                    distributed.Client(target, timeout=ANSWER, set_as_default=False)
                )
            except (OSError, ValueError, TypeError) as error:
                raise InvalidInput(
                    f"cluster = {self.address!r}: no dask scheduler answers there ({error}); give"
                    " tcp://HOST:PORT, or local"
                ) from error
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        if self.address == "local" and error[0] is not None:
            # What dask says of work that is cut off would bury the reason.
            with suppress(Exception):
                self._client.run(logging.disable)
            logging.getLogger("distributed").setLevel(logging.CRITICAL)
        self._stack.close()

    def each(
        self, work: Callable[[T], R], items: Sequence[T], tick: Callable[[], None]
    ) -> Iterator[tuple[T, R | Lost]]:
        """All are given to the scheduler at once; those not yet begun are taken back if this ends early."""
        ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        futures = {self._client.submit(work, item, pure=False): item for item in items}
        for future in futures:
            future.add_done_callback(ended.put)
        try:
            while futures:
                try:
                    future = ended.get(timeout=PAUSE)
                except queue.Empty:
                    pass
                else:
                    yield futures.pop(future), self._outcome(future)
                tick()
        finally:
            self._client.cancel(list(futures))

    def _outcome(self, future: Any) -> Any:
        if future.status == "cancelled":
            raise DeepglassError(f"the cluster {self.address} went away; call again to go on with the rest")
        error = future.exception()
        if error is None:
            return future.result()
        if type(error).__name__ == "KilledWorker":
            return Lost("its workers died, one after another")
        return Lost(f"its worker could not begin: {type(error).__name__}: {error}")
