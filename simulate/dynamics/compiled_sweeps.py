"""The CPU backend of Monte Carlo: compiled sweeps, machine after machine, shared among threads."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Event

import numpy as np
import torch
from numpy.typing import NDArray

from simulate.dynamics.monte_carlo import MonteCarlo, Streams
from simulate.kernels import perceptron
from simulate.kernels.perceptron_neurons import BLOCK
from simulate.kernels.perceptron_weights import ROWS
from simulate.systems.deep_perceptron import DeepPerceptron
from simulate.systems.wiring import Wiring

STRETCH = 10**9
"""Products of a neuron and a weight in a compiled call, about: it cannot be interrupted."""

__all__ = ["CompiledSweeps"]


class CompiledSweeps:
    """As :class:`simulate.dynamics.monte_carlo.EagerSweeps`; batch and threads do not matter."""

    def __init__(
        self,
        system: DeepPerceptron,
        law: MonteCarlo,
        wirings: Sequence[Wiring],
        streams: Streams,
        threads: int = 1,
    ):
        self.system, self.law = system, law
        self.real = np.float32 if system.dtype == torch.float32 else np.float64
        self._graphs = [perceptron.Graph(w.inputs, w.readers, w.slots) for w in wirings]
        self._streams = streams
        self._moving = law.moving(system.depth)
        batch = len(wirings)
        threads = min(threads, batch)
        ends = [batch * i // threads for i in range(threads + 1)]
        self._parts = [(range(a, b), self._work()) for a, b in pairwise(ends)]
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def __call__(self, state: torch.Tensor, first: int, temperatures: NDArray[np.float64]) -> None:
        """Advance states (B, P) in place, a sweep a row of ``temperatures``, (sweeps,) or (sweeps, B)."""
        rows = np.asarray(temperatures, dtype=float)
        rows = np.broadcast_to(rows.reshape(len(rows), -1), (len(rows), state.shape[0]))
        spins, weights = self.system.spins(state).numpy(), self.system.weights(state).numpy()
        stop = Event()
        if self._pool is None:
            self._run(*self._parts[0], spins, weights, first, rows, stop)
            return
        running = [
            self._pool.submit(self._run, *part, spins, weights, first, rows, stop) for part in self._parts
        ]
        try:
            for part in running:
                part.result()
        finally:
            stop.set()  # after an interrupt the others end soon too

    def _run(
        self,
        machines: range,
        work: perceptron.Work,
        spins: NDArray[np.floating],
        weights: NDArray[np.floating],
        first: int,
        temperatures: NDArray[np.float64],
        stop: Event,
    ) -> None:
        system, streams = self.system, self._streams
        constants = (self.real(system.margin), self.real(1 / np.sqrt(system.c)), self.real(1))
        size = (system.depth + 1) * system.width * system.patterns * system.c
        sweeps = max(1, STRETCH // size)
        for b in machines:
            keys = np.stack([streams.neurons[b], streams.directions[b], streams.angles[b]])
            for done in range(0, len(temperatures), sweeps):
                if stop.is_set():
                    return
                perceptron.advance(
                    spins[b], weights[b], self._graphs[b], self._moving, self.law.weights,
                    float(self.law.reach), system.potential == "hard", constants,
                    temperatures[done : done + sweeps, b].copy(), keys, np.uint64(first + done), work,
                )  # fmt: skip

    def _work(self) -> perceptron.Work:
        system = self.system
        block, rows = BLOCK, ROWS
        padded = -(-system.patterns // BLOCK) * BLOCK

        def zeros(*size: int) -> NDArray[np.floating]:
            array: NDArray[np.floating] = torch.zeros(
                size, dtype=system.dtype
            ).numpy()  # aligned, as registers are
            return array

        return perceptron.Work(
            spins=zeros(system.depth + 1, system.width, block),
            excess=zeros(system.depth, system.width, block),
            change=zeros(block),
            flipped=zeros(block),
            fields=np.zeros(block, np.float32),
            words=np.zeros((4, block // 4), np.uint32),
            tangents=zeros(rows, system.c),
            angles=np.zeros(rows),
            along=zeros(rows, padded),
            across=zeros(rows, padded),
            first=zeros(padded),
            second=zeros(padded),
            least=zeros(4),
            pair=zeros(2),
            above=zeros(system.width, padded),
            normal=np.zeros(-(-system.c // 4) * 4 + 4, np.float32),
        )
