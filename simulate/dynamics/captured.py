"""The CUDA backend: steps recorded in CUDA graphs, so that a step costs the device's time and no launches.

A graph repeats fixed work on fixed memory. So positions and velocities are copied into buffers of the
graphs at the beginning of a call and back at its end, the number of the step is kept on the device, and the
noise amplitudes of the coming steps (the temperature may change) are put beside it before each replay.

Graphs hold 1, 2, 4, .. ``LARGEST`` steps, each recorded when first needed; a call is made of the largest that
fit. All repeat the same kernels, so that how steps are divided into calls leaves every bit as it is.

Launches per step, of a machine with more than two layers: 20 for the forces, pixels merged or not (53 or 50
as torch operations), and one for noise, velocities, positions and walls (some 460).
"""

import copy
import logging
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from simulate import noise
from simulate.dynamics.langevin import Langevin, plain_step
from simulate.systems.thermal_machine import ThermalMachine

log = logging.getLogger(__name__)

LARGEST = 32
"""Steps of the largest graph, a power of two; they share the cost of a replay, some 10 microseconds."""

Work = Callable[[], None]


def pieces(steps: int) -> Iterator[int]:
    """Powers of two up to ``LARGEST``, descending, that add up to ``steps``."""
    while steps:
        size = min(LARGEST, 1 << (steps.bit_length() - 1))
        yield size
        steps -= size


@cache
def _stream(device: torch.device) -> torch.cuda.Stream:
    """Where graphs are recorded: one for all, since cuBLAS keeps some 32 MiB for every stream it met."""
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


class Recorder:
    """Turns work on one CUDA device into a graph; what the graphs allocate inside, they share."""

    def __init__(self, device: torch.device):
        self.device, self.stream = device, _stream(device)
        self.pool = torch.cuda.graph_pool_handle()

    def __call__(self, work: Work) -> Work:
        """Do ``work`` once, to compile and load what it needs, then record it; returns what replays it.

        Nothing ``work`` allocates may be used after it: the next graph takes the same memory.
        """
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.device(self.device):
            self.stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self.stream):
                work()
            torch.cuda.current_stream().wait_stream(self.stream)
            with torch.cuda.graph(graph, pool=self.pool, stream=self.stream):
                work()
        return graph.replay


class Captured:
    """See :class:`simulate.contract.Advance`.

    ``kernels`` says what works on single elements: "triton" (fused kernels) or "torch" (many operations,
    and some 56 bytes of temporaries per particle), which stands in, with a warning, where Triton cannot be
    used. Both draw the same noise bit for bit. On a CPU, for tests, work is repeated instead of recorded.
    """

    def __init__(
        self,
        machine: ThermalMachine,
        law: Langevin,
        stream_keys: NDArray[np.uint32],
        kernels: str | None = None,
    ):
        # A copy, which keeps its scratch memory when the machine meets another batch and takes new: a graph
        # goes on writing to the addresses it was recorded with.
        self.machine = copy.copy(machine)
        self.law, self.device = law, machine.device
        self.kernels = kernels or usable(machine.device)
        self._force: Callable[[torch.Tensor, torch.Tensor], None] = self.machine.force
        if self.kernels == "triton" and machine.depth > 1:
            from simulate.dynamics.triton_force import FusedForce

            self._force = FusedForce(self.machine, len(stream_keys))
        self._record: Callable[[Work], Work] = (
            Recorder(self.device) if self.device.type == "cuda" else lambda work: work
        )
        self._graphs: dict[int, Work] = {}
        self.keys = torch.from_numpy(stream_keys.astype(np.int64)).to(self.device)
        shape = (len(stream_keys), machine.particles)
        self.r, self.v, self.force = (
            torch.zeros(shape, dtype=machine.dtype, device=self.device) for _ in range(3)
        )
        self.a, _ = law.coefficients(0.0, machine.dtype)
        self.constants = torch.tensor([self.a, law.dt], dtype=torch.float64, device=self.device)
        self.step = torch.zeros(1, dtype=torch.int64, device=self.device)
        self.amplitudes = torch.zeros(LARGEST, dtype=torch.float64, device=self.device)

    def __call__(
        self, r: torch.Tensor, v: torch.Tensor, first: int, temperatures: NDArray[np.float64]
    ) -> None:
        """Advance in place, one step per temperature."""
        sizes = list(pieces(len(temperatures)))
        for size in sizes:  # before the state is put in: recording takes steps of its own
            if size not in self._graphs:
                self._graphs[size] = self._record(lambda size=size: self._steps(size))  # type: ignore[misc]
        schedule = self._schedule(temperatures)
        self.r.copy_(r)
        self.v.copy_(v)
        self.step.fill_(int(first))
        done = 0
        for size in sizes:
            self.amplitudes[:size].copy_(schedule[done : done + size])
            self._graphs[size]()
            done += size
        r.copy_(self.r)
        v.copy_(self.v)

    def _schedule(self, temperatures: NDArray[np.float64]) -> torch.Tensor:
        """Noise amplitude of every step, float64, on the device; no wait for the device where it is CUDA."""
        dtype = self.r.dtype
        amplitudes = [self.law.coefficients(float(t), dtype)[1] for t in temperatures]
        b = torch.tensor(amplitudes, dtype=torch.float64)
        return b.pin_memory().to(self.device, non_blocking=True) if self.device.type == "cuda" else b

    def _steps(self, count: int) -> None:
        """What a graph of ``count`` steps repeats."""
        for n in range(count):
            self._force(self.r, self.force)
            self._move(n)
        self.step.add_(count)

    def _move(self, n: int) -> None:
        """Step ``n`` of a graph, once its force is known."""
        if self.kernels == "triton":
            from simulate.dynamics import triton_step

            triton_step.step(
                self.r, self.v, self.force, self.keys, self.step, n, self.amplitudes, self.constants
            )
        else:
            xi = noise.normal(self.keys, self.step[0] + n, self.r.shape[1])
            plain_step(self.r, self.v, self.force, xi, self.a, self.law.dt, self.amplitudes[n])


@cache
def usable(device: torch.device) -> str:
    """What can work on single elements on ``device``: "triton" or "torch"."""
    if device.type != "cuda":
        return "torch"
    # Whatever fails (no Triton, no C compiler for its launcher, a device it does not know), torch can do it.
    try:
        from simulate.dynamics import triton_force, triton_step

        with torch.cuda.device(device):
            triton_step.check(device)
            triton_force.check(device)
    except Exception as problem:
        log.warning("forces, noise and update run as many small kernels, several times slower: %s", problem)
        return "torch"
    return "triton"
