"""A system, its law of motion and what is measured on it, behind the few calls the loop makes.

The loop (:mod:`simulate.chunk`) knows batches, clocks and files; everything that is particular to the thermal
machine is here. Another system brings another class with these methods.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from simulate import dynamics, noise, observables, start
from simulate.data import DataSet
from simulate.dynamics.langevin import maxwell_boltzmann
from simulate.noise import Member
from simulate.observables import TestSet
from simulate.plan import BLOCK, Chunk
from simulate.protocol import PRECISIONS, Protocol
from simulate.segments import Array
from simulate.systems.thermal_machine import ThermalMachine


class ThermalExperiment:
    """Thermal machines under Langevin dynamics on one data set."""

    def __init__(self, protocol: Protocol, data: DataSet, backend: str):
        self.protocol, self.backend = protocol, backend
        self.machine = ThermalMachine(
            data.inputs, data.outputs, protocol.depth, protocol.width, protocol.c_scale,
            PRECISIONS[protocol.precision], protocol.torch_device(),
        )  # fmt: skip
        self.test = TestSet(self.machine, data.test_inputs, data.test_outputs, one_hot=bool(data.classes))
        self._schedule = protocol.temperatures()

    def start(self, members: list[Member]) -> tuple[torch.Tensor, torch.Tensor]:
        """Positions and velocities (B, P) of samples at step 0; ``members`` are neighbours."""
        samples = range(members[0].sample, members[-1].sample + 1)
        r = start.positions(self.protocol.start, self.machine, self.protocol.seed, samples)
        return r, torch.zeros_like(r)

    def split(
        self, positions: torch.Tensor, members: list[Member], velocities: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Copy each sample's positions (samples, P) to its replicas.

        Their ``velocities`` are those of the samples, or fresh thermal ones without.
        """
        replicas = len(members) // len(positions)
        if velocities is not None:
            r, v = (x.repeat_interleave(replicas, dim=0) for x in (positions, velocities))
            return r, v
        t_w = members[0].t_w or 0
        keys = noise.keys(self.protocol.seed, members, noise.VELOCITY)
        temperature = float(self._schedule.temperatures(t_w, 1)[0])
        r = positions.repeat_interleave(replicas, dim=0)
        v = maxwell_boltzmann(keys, t_w, self.machine.particles, temperature, r.dtype)
        return r, v.to(r.device)

    def advance(self, members: list[Member]) -> dynamics.Advance:
        """What moves the batch of ``members``."""
        keys = noise.keys(self.protocol.seed, members)
        return dynamics.advance(self.backend, self.machine, self.protocol.law(), keys, self.protocol.threads)

    def kernels(self) -> str:
        """What moves single elements: "numba", "torch" or "triton"."""
        if self.backend == "captured":
            from simulate.dynamics.captured import usable

            return usable(self.machine.device)
        return {"compiled": "numba", "eager": "torch"}[self.backend]

    def temperatures(self, first: int, count: int) -> NDArray:  # type: ignore[type-arg]
        """Of the thermostat, step by step."""
        return self._schedule.temperatures(first, count)

    def one_time(self, r: torch.Tensor, v: torch.Tensor) -> dict[str, Array]:
        """Observables of single machines, first axis the batch."""
        parts = [
            observables.one_time(self.machine, r[rows], v[rows], self.test)
            for rows in self._blocks(len(r), 1)
        ]
        return _on_host(parts)

    def two_time(self, chunk: Chunk, r: torch.Tensor, past: torch.Tensor) -> dict[str, Array]:
        """Correlations with the positions at t_w and overlaps between replicas."""
        parts = [
            observables.two_time(self.machine, r[rows], past[rows], chunk.replicas, self.test)
            for rows in self._blocks(len(r), chunk.replicas)
        ]
        return _on_host(parts)

    def _blocks(self, batch: int, replicas: int) -> list[slice]:
        """Whole samples that are measured together: few on a CPU, where temporaries leave the cache."""
        if self.machine.device.type == "cuda":
            return [slice(0, batch)]
        size = max(BLOCK // replicas, 1) * replicas
        return [slice(i, min(i + size, batch)) for i in range(0, batch, size)]

    def on_device(self, array: Array) -> torch.Tensor:
        """A stored array, as the dynamics wants it."""
        return torch.tensor(array, dtype=self.machine.dtype, device=self.machine.device)

    def layer_sizes(self) -> dict[str, list[int]]:
        """Particles per layer: ``spins`` 0..L (0 at the frozen ends), ``weights`` 1..L."""
        one = torch.empty(1, self.machine.particles, device="meta")
        spins = [x.shape[1] for x in self.machine.neuron_layers(one)]
        return {
            "spins": [0, *spins, 0],
            "weights": [x.shape[1] for x in self.machine.weight_layers(one)],
        }


def _on_host(parts: list[dict[str, torch.Tensor]]) -> dict[str, Array]:
    """Batches one after another, each fetched from its device in one piece (they are float64 all)."""
    fetched = []
    for part in parts:
        flat = torch.cat([value.reshape(-1) for value in part.values()]).cpu().numpy()
        ends = np.cumsum([value.numel() for value in part.values()])
        pieces = zip(part.items(), np.split(flat, ends[:-1]), strict=True)
        fetched.append({name: piece.reshape(value.shape) for (name, value), piece in pieces})
    return {name: np.concatenate([part[name] for part in fetched]) for name in fetched[0]}
