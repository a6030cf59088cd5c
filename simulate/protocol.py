"""What a run of any system is, as data: ensemble, clock and machine room, checked once, and its times.

A system adds its own parameters in a subclass, such as :class:`simulate.thermal.protocol.Protocol`.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray

from deepglass import checks
from deepglass.errors import InvalidInput

__all__ = ["DEVICES", "PRECISIONS", "BaseProtocol"]

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = {"float32": torch.float32, "float64": torch.float64}


def device_here(name: str) -> torch.device:
    """The device of this name, one of DEVICES; raises InvalidInput if this machine has none."""
    checks.one_of("device", name, DEVICES)
    if name == "cuda" and not torch.cuda.is_available():
        raise InvalidInput("device = 'cuda' but this machine has no CUDA device; use cpu or auto")
    return torch.device(_fastest() if name == "auto" else name)


def _fastest() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


@dataclass(frozen=True)
class BaseProtocol:
    """Parameters that runs of every system have. Raises InvalidInput naming the value that cannot be.

    Lengths are in layers and neurons, times in steps.

    Attributes:
        depth, width, patterns: L, N, M.
        steps: all steps from 0.
        waiting_time: t_w, where each sample is split into replicas; several of them, each has its own.
        samples, replicas: independent starts, and copies of each at every t_w.
        first_sample: number of the first sample: a run of samples 4..7 continues one of 0..3.
        seed: of everything random.
        device: "auto" (CUDA where there is one), "cpu" or "cuda".
        backend: "auto", or another of :attr:`backends`.
        precision: of the particles, "float32" or "float64".
        threads: CPU threads that share a chunk, each with machines of its own (compiled backend), or
            those of torch (eager). One is the default: torch's, which meet several times a step, lose
            more than they win unless the layers are large and the cores idle.
        replicas_per_chunk: machines advanced together at most; None: as many as fit the memory.
        per_decade: measurement times per decade of t.
        extra_times: more of them, on both clocks.
        frames_per_decade: configurations kept per decade of steps since t_w (0: none).
        matrix_times: steps since t_w at which the overlaps of all pairs of machines are recorded.
        checkpoint_every: steps between two checkpoints; 0: one a minute.
        keep_state: whether the finished file holds what a longer run needs to go on.
    """

    system: ClassVar[str]
    """Its name in :mod:`simulate.registry`."""

    backends: ClassVar[tuple[str, ...]] = ("auto", "eager")

    depth: int = 10
    width: int = 10
    patterns: int = 240
    steps: int = 20_000
    waiting_time: int | tuple[int, ...] = 10_000
    samples: int = 4
    replicas: int = 4
    first_sample: int = 0
    seed: int = 0
    device: str = "auto"
    backend: str = "auto"
    precision: str = "float32"
    threads: int = 1
    replicas_per_chunk: int | None = None
    per_decade: int = 8
    extra_times: tuple[int, ...] = ()
    frames_per_decade: int = 0
    matrix_times: tuple[int, ...] = ()
    checkpoint_every: int = 0
    keep_state: bool = True

    def __post_init__(self) -> None:
        for name in ("depth", "width", "patterns", "steps", "samples", "replicas", "per_decade"):
            self._store(name, checks.integer(name, getattr(self, name), 1))
        for name in ("seed", "first_sample", "frames_per_decade", "checkpoint_every"):
            self._store(name, checks.integer(name, getattr(self, name), 0))
        for name in ("per_decade", "frames_per_decade"):
            checks.integer(name, getattr(self, name), 0, 1000)
        for name in ("samples", "replicas", "first_sample"):  # 32-bit words of the keys of the noise
            checks.integer(name, getattr(self, name), 0, 2**31)
        self._store("threads", checks.integer("threads", self.threads, 1))
        self._check_waiting_times()
        for name in ("extra_times", "matrix_times"):
            self._store(name, _ascending(name, getattr(self, name)))
        checks.one_of("device", self.device, DEVICES)
        checks.one_of("precision", self.precision, PRECISIONS)
        checks.one_of("backend", self.backend, self.backends)
        if not isinstance(self.keep_state, bool):
            raise InvalidInput(f"keep_state = {self.keep_state!r} must be true or false")
        self._check_chunk()
        if self.device != "auto":
            self.choose(self.backend, torch.device(self.device))

    def check_host(self) -> None:
        """Raise InvalidInput if this machine cannot run the protocol (it can always be read)."""
        checks.integer("threads", self.threads, 1, os.cpu_count() or 1)
        device_here(self.device)
        self.choose(self.backend, self.torch_device())

    @staticmethod
    def choose(backend: str, device: torch.device) -> str:
        """The backend that ``backend`` stands for on ``device``; InvalidInput where it cannot run."""
        return "eager"

    def _store(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _check_waiting_times(self) -> None:
        several = isinstance(self.waiting_time, Iterable) and not isinstance(self.waiting_time, str)
        given = list(self.waiting_time) if several else [self.waiting_time]  # type: ignore[arg-type]
        times = _ascending("waiting_time", given)
        if not times:
            raise InvalidInput("waiting_time = () must name at least one t_w")
        if len(times) < len(given):
            raise InvalidInput(f"waiting_time = {self.waiting_time!r} names a t_w twice")
        checks.integer("waiting_time", times[-1], 0, 2**32 - 1)
        if times[-1] >= self.steps:
            raise InvalidInput(
                f"waiting_time = {times[-1]} must be inside the run: 0 <= t_w < steps = {self.steps}"
            )
        self._store("waiting_time", times if several and len(times) > 1 else times[0])

    def _check_chunk(self) -> None:
        if self.replicas_per_chunk is None:
            return
        limit = checks.integer("replicas_per_chunk", self.replicas_per_chunk, 1)
        if limit < self.replicas:
            raise InvalidInput(
                f"replicas_per_chunk = {limit} must hold all replicas of a sample, {self.replicas}:"
                " their overlaps are measured while they run"
            )
        self._store("replicas_per_chunk", limit)

    @property
    def alpha(self) -> float:
        """Storage ratio M/N."""
        return self.patterns / self.width

    @property
    def keeps_velocities(self) -> bool:
        """Whether a sample's velocities at t_w are kept for its replicas."""
        return False

    @property
    def waiting_times(self) -> tuple[int, ...]:
        """All t_w, ascending."""
        return self.waiting_time if isinstance(self.waiting_time, tuple) else (self.waiting_time,)

    def torch_device(self) -> torch.device:
        """The device the run uses."""
        return torch.device(_fastest() if self.device == "auto" else self.device)

    def times(self) -> NDArray[np.int64]:
        """Log-spaced measurement times from 0 to ``steps``, strictly increasing.

        One grid serves both clocks: steps since the start (one-time observables) and steps since t_w
        (two-time ones); it therefore holds ``steps``, every ``t_w`` and ``steps - t_w``, and 1 and 2. The
        grid itself does not depend on ``steps``: a longer run measures where the shorter one did.
        """
        exact = [0, 1, 2, self.steps, *self.extra_times, *self.matrix_times]
        for t_w in self.waiting_times:
            exact += [t_w, self.steps - t_w]
        times = np.union1d(_log_spaced(self.steps, self.per_decade), exact)
        return times[times <= self.steps].astype(np.int64)

    def frame_times(self) -> NDArray[np.int64]:
        """Steps since t_w at which configurations are kept."""
        if not self.frames_per_decade:
            return np.array([], dtype=np.int64)
        times = _log_spaced(self.steps - self.waiting_times[0], self.frames_per_decade)
        return np.union1d(times, [0]).astype(np.int64)

    def matrix_times_reached(self) -> list[int]:
        """Those of ``matrix_times`` that lie before the end of the longest branch."""
        return [t for t in self.matrix_times if t <= self.steps - self.waiting_times[0]]

    def beyond_the_end(self) -> list[str]:
        """What was asked for and lies after the last step, one line each (a longer run may reach it)."""
        late = [t for t in self.matrix_times if t > self.steps - self.waiting_times[0]]
        return [f"matrix_times {', '.join(map(str, late))} are beyond the end"] if late else []

    def to_json(self) -> str:
        """All parameters, to be read back by :meth:`from_json`."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The protocol that :meth:`to_json` wrote; raises InvalidInput for anything else."""
        try:
            values = json.loads(text)
        except ValueError as error:
            raise InvalidInput("not a protocol: the text is no JSON") from error
        return cls.from_values(values)

    @classmethod
    def from_values(cls, values: object) -> Self:
        """From a mapping of parameter names, as JSON or TOML hold it; an unknown name raises InvalidInput."""
        if not isinstance(values, dict):
            raise InvalidInput("not a protocol: a table of parameters is needed")
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise InvalidInput(f"unknown parameter {unknown[0]!r}; known are {', '.join(sorted(known))}")
        lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        try:
            return cls(**{**values, **lists})
        except TypeError as error:
            raise InvalidInput(f"a parameter has the wrong type: {error}") from error


def _log_spaced(last: int, per_decade: int) -> NDArray[np.int64]:
    """round(10^(k/per_decade)), k = 0, 1, ..., up to ``last``."""
    count = int(np.log10(last) * per_decade) + 2
    grid = np.unique(np.rint(10 ** (np.arange(count) / per_decade)).astype(np.int64))
    return grid[grid <= last]


def _ascending(name: str, values: object) -> tuple[int, ...]:
    """Distinct integers >= 0 in order."""
    listed = list(values) if isinstance(values, Iterable) and not isinstance(values, str) else [values]
    return tuple(sorted({checks.integer(name, value, 0) for value in listed}))
