"""The loop: one batch from its first step to its last, measured, watched and checkpointed on the way."""

import logging
import signal
import time
from bisect import bisect_right
from collections.abc import Callable, Mapping

import torch

from deepglass.errors import Diverged
from simulate import signals
from simulate.contract import Array, Experiment
from simulate.plan import Chunk
from simulate.segments import Rows, State, Workspace, finished_of, frame_name, split_name

log = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 60.0

LOOK = {"cpu": 1e9, "cuda": 2e10}
"""Particle-steps (:attr:`simulate.contract.Experiment.work`) between two looks at a batch: some seconds."""

Report = Callable[[int], None]
"""Called now and then with the replica-steps of this chunk that are done."""


class ChunkRun:
    """Runs one chunk; everything that outlives it goes through the workspace."""

    def __init__(
        self, chunk: Chunk, experiment: Experiment, workspace: Workspace, report: Report | None = None
    ):
        self.chunk, self.experiment, self.workspace, self.report = chunk, experiment, workspace, report
        self.protocol = experiment.protocol
        self.members = chunk.members(self.protocol.first_sample)
        self.rows: Rows = {}
        self._times = {int(t) for t in self.protocol.times()}
        self._frames = {int(t) for t in self.protocol.frame_times()} | set(self.protocol.matrix_times)
        self._events = self._all_events()
        # Whole calls of the backends' inner loops, of 16 and 32 steps.
        looks = LOOK[experiment.device.type] / (chunk.machines * experiment.work) / 32
        self._look_every = 32 * int(min(max(looks, 1), 300))
        self._watch = experiment.watch(self.members)

    def run(self) -> None:
        """From the last checkpoint, or the start, to the end. Raises Diverged; checkpoints stay."""
        chunk = self.chunk
        self._begun = time.perf_counter()
        r, v, t, self._wall = self._enter()
        self.past = self._past()
        self._saved, saved_at = t, time.monotonic()
        if t < chunk.first:  # nothing is kept yet
            t, self._saved = chunk.first, chunk.first - 1
            self._arrive(r, v, t)
        advance = self.experiment.advance(self.members) if t < chunk.last else None
        while advance is not None and t < chunk.last:
            stop = self._next_stop(t)
            advance(r, v, t, self.experiment.temperatures(t, stop - t))
            t = stop
            self._look(r, v, t)
            self._arrive(r, v, t)
            if self._due(t, saved_at) or signals.requested():
                self._save(r, v, t)
                saved_at = time.monotonic()
            self._stop_if_asked(t)
        if self._saved < chunk.last:
            self._save(r, v, chunk.last)

    def _stop_if_asked(self, t: int) -> None:
        """Leave after a checkpoint, when a signal asked for it."""
        number = signals.requested()
        if number is not None:
            where = self.workspace.path
            how = f"; python -m simulate resume {finished_of(where)} goes on" if where else ""
            raise signals.Stopped(f"stopped at step {t} by {signal.Signals(number).name}{how}", number)

    def _all_events(self) -> list[int]:
        """Steps at which something is measured or kept, in order."""
        chunk = self.chunk
        events = self._times | set(self.protocol.waiting_times) | {chunk.last}
        if chunk.t_w is not None:
            events |= {chunk.t_w + since for since in self._times | self._frames}
        return sorted(t for t in events if t <= chunk.last)

    def _next_stop(self, t: int) -> int:
        """The next event, look at the health or checkpoint after step t."""
        stops = [self._events[bisect_right(self._events, t)], t - t % self._look_every + self._look_every]
        every = self.protocol.checkpoint_every
        return min(*stops, t - t % every + every) if every else min(stops)

    def _enter(self) -> tuple[torch.Tensor, torch.Tensor, int, float]:
        """Where the chunk is: from its checkpoint, or (at a step before its first) from its start."""
        state = self.workspace.state(self.chunk)
        self.workspace.rewind(self.chunk, self.chunk.first - 1 if state is None else state.t)
        if state is not None:
            return self.experiment.on_device(state.r), self.experiment.on_device(state.v), state.t, state.wall
        if self.chunk.t_w is None:
            r, v = self.experiment.start(self.members)
        else:
            kept = self._at_split(velocities=True) if self.protocol.keeps_velocities else None
            r, v = self.experiment.split(self._at_split(), self.members, kept)
        return r, v, self.chunk.first - 1, 0.0

    def _at_split(self, velocities: bool = False) -> torch.Tensor:
        """Positions or velocities (samples, P) of the trunks at t_w."""
        assert self.chunk.t_w is not None
        kept = [self.workspace.get(split_name(self.chunk.t_w, s, velocities)) for s in self.chunk.samples]
        return torch.stack([self.experiment.on_device(row) for row in kept])

    def _past(self) -> torch.Tensor | None:
        """Positions of every machine at its t_w."""
        if self.chunk.t_w is None:
            return None
        return self._at_split().repeat_interleave(self.chunk.replicas, dim=0)

    def _arrive(self, r: torch.Tensor, v: torch.Tensor, t: int) -> None:
        """What is to be done at step t."""
        if self.chunk.t_w is None:
            if t in self._times and t < self.chunk.last:
                self._measure(r, v, t)
            if t in self.protocol.waiting_times:
                for sample, row, moving in zip(self.chunk.samples, r, v, strict=True):
                    self.workspace.put(split_name(t, sample), row.cpu().numpy())
                    if self.protocol.keeps_velocities:
                        self.workspace.put(split_name(t, sample, velocities=True), moving.cpu().numpy())
            return
        since = t - self.chunk.t_w
        if t in self._times:
            self._measure(r, v, t)
        if since in self._times:
            assert self.past is not None
            self._keep(since, self.experiment.two_time(r, self.past, self.members))
        if since in self._frames:
            self.workspace.put(frame_name(self.chunk, since), r.cpu().numpy())

    def _measure(self, r: torch.Tensor, v: torch.Tensor, t: int) -> None:
        values = self.experiment.one_time(r, v, self.members)
        self._keep(t, values)
        if said := self._watch(t, values):
            log.warning("%s", said)

    def _keep(self, t: int, values: Mapping[str, Array]) -> None:
        for name, value in values.items():
            self.rows.setdefault(name, {})[t] = value

    def _look(self, r: torch.Tensor, v: torch.Tensor, t: int) -> None:
        try:
            self.experiment.check(r, v, t, self.members)
        except Diverged:
            if self._saved < self.chunk.first:
                log.warning("diverged at step %d, before any checkpoint", t)
            else:
                log.warning(
                    "diverged at step %d; the last good checkpoint is that of step %d", t, self._saved
                )
            raise
        if self.report is not None:
            self.report(self.chunk.machines * (t - self.chunk.first))

    def _due(self, t: int, saved_at: float) -> bool:
        every = self.protocol.checkpoint_every
        if every:
            return t % every == 0
        return time.monotonic() - saved_at > CHECKPOINT_SECONDS

    def _save(self, r: torch.Tensor, v: torch.Tensor, t: int) -> None:
        now = time.perf_counter()
        self._wall += now - self._begun
        self._begun = now
        state = State(t, r.cpu().numpy(), v.cpu().numpy(), self._wall)
        self.workspace.checkpoint(self.chunk, self._saved, self.rows, state)
        self.rows, self._saved = {}, t
