"""Thermal machines under Langevin dynamics on one data set, behind the few calls the loop makes."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from simulate import dynamics, noise
from simulate.contract import Advance, Array, Experiment, Watch
from simulate.data import DataSet, load
from simulate.dynamics.langevin import maxwell_boltzmann
from simulate.noise import Member
from simulate.protocol import PRECISIONS
from simulate.systems.thermal_machine import ThermalMachine
from simulate.thermal import health, observables, start
from simulate.thermal.memory import BLOCK
from simulate.thermal.observables import TestSet
from simulate.thermal.protocol import Protocol

__all__ = ["ThermalExperiment", "data_of"]


class ThermalExperiment(Experiment):
    """See :class:`simulate.contract.Experiment`. ``machine`` is the batch's Hamiltonian."""

    protocol: Protocol

    def __init__(self, protocol: Protocol, data: DataSet, backend: str):
        self.protocol, self.data, self.backend = protocol, data, backend
        self.machine = ThermalMachine(
            data.inputs, data.outputs, protocol.depth, protocol.width, protocol.c_scale,
            PRECISIONS[protocol.precision], protocol.torch_device(),
        )  # fmt: skip
        self.device, self.data_sha256 = self.machine.device, data.sha256
        self.start_file = "" if start.is_law(protocol.start) else protocol.start
        self.test = TestSet(self.machine, data.test_inputs, data.test_outputs, one_hot=bool(data.classes))
        self._schedule = protocol.temperatures()

    @property
    def particles(self) -> int:
        """P."""
        return self.machine.particles

    def start(self, members: list[Member]) -> tuple[torch.Tensor, torch.Tensor]:
        """Positions and velocities (B, P) of samples at step 0; ``members`` are neighbours."""
        samples = range(members[0].sample, members[-1].sample + 1)
        r = start.positions(self.protocol.start, self.machine, self.protocol.seed, samples)
        return r, torch.zeros_like(r)

    def check_start(self, members: list[Member]) -> None:
        """Every sample's positions are looked at, where they come from a file."""
        if self.start_file:
            self.start(members)

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

    def advance(self, members: list[Member]) -> Advance:
        """What moves the batch of ``members``."""
        keys = noise.keys(self.protocol.seed, members)
        return dynamics.advance(self.backend, self.machine, self.protocol.law(), keys, self.protocol.threads)

    def kernels(self) -> str:
        """What moves single elements: "numba", "torch" or "triton"."""
        if self.backend == "captured":
            from simulate.dynamics.captured import usable

            return usable(self.machine.device)
        return {"compiled": "numba", "eager": "torch"}[self.backend]

    def temperatures(self, first: int, count: int) -> NDArray[np.float64]:
        """Of the thermostat, step by step."""
        return self._schedule.temperatures(first, count)

    def check(self, r: torch.Tensor, v: torch.Tensor, t: int, members: Sequence[Member]) -> None:
        """Every particle inside its walls and every velocity finite, or Diverged naming where."""
        health.check(r, v, t, members)

    def one_time(self, r: torch.Tensor, v: torch.Tensor, members: list[Member]) -> dict[str, Array]:
        """Energies, temperatures, mean squares and accuracies."""
        parts = [
            observables.one_time(self.machine, r[rows], v[rows], self.test)
            for rows in self._blocks(len(r), 1)
        ]
        return _on_host(parts)

    def two_time(self, r: torch.Tensor, past: torch.Tensor, members: list[Member]) -> dict[str, Array]:
        """Correlations with the positions at t_w and overlaps between replicas."""
        replicas = self.protocol.replicas
        parts = [
            observables.two_time(self.machine, r[rows], past[rows], replicas, self.test)
            for rows in self._blocks(len(r), replicas)
        ]
        return _on_host(parts)

    def _blocks(self, batch: int, replicas: int) -> list[slice]:
        """Whole samples that are measured together: few on a CPU, where temporaries leave the cache."""
        if self.machine.device.type == "cuda":
            return [slice(0, batch)]
        size = max(BLOCK // replicas, 1) * replicas
        return [slice(i, min(i + size, batch)) for i in range(0, batch, size)]

    def watch(self, members: list[Member]) -> Watch:
        """Names layers that are too hot, each once."""
        sizes, said = self.layer_sizes(), set[str]()

        def hot(t: int, values: Mapping[str, Array]) -> str:
            if not health.thermal(self.protocol, t):
                return ""
            found = health.hot_layers(self.protocol, t, health.kinetic_of(values), sizes, members)
            fresh = [x for x in found if x.key not in said]
            said.update(x.key for x in fresh)
            return health.describe(self.protocol, t, fresh)

        return hot

    def unpack(self, rows: Array) -> dict[str, Array]:
        """Spins and weights."""
        return self.machine.unpack(rows)

    def layers(self, rows: Array) -> dict[str, list[Array]]:
        """Hidden spins, and weights."""
        layers = self.machine.flat_layers(rows)
        hidden = self.protocol.depth - 1
        return {"q_matrix_raw": layers[:hidden], "Q_matrix_raw": layers[hidden:]}

    def attributes(self) -> dict[str, str | int | float]:
        """Of the data; ``classes`` and ``threshold`` are those that were used."""
        data = self.data
        return {
            "data_source": data.source,
            "classes": ",".join(map(str, data.classes)),
            "threshold": "" if data.threshold is None else data.threshold,
            "inputs": data.inputs.shape[1],
            "outputs": data.outputs.shape[1],
            "test_patterns": data.test_inputs.shape[0],
        }

    def warnings(self, measured: Mapping[str, Array]) -> list[str]:
        """Hot layers, and what could not be measured."""
        found = health.lines(self.protocol, health.kinetic_of(measured), self.layer_sizes())
        if not len(self.data.test_inputs):
            found.append("all images are used for training: no test accuracy")
        return found

    def layer_sizes(self) -> health.Sizes:
        """Particles per layer: ``spins`` 0..L (0 at the frozen ends), ``weights`` 1..L."""
        return health.layer_sizes(self.protocol, self.data.inputs.shape[1], self.data.outputs.shape[1])


def data_of(protocol: Protocol) -> DataSet:
    """The patterns a protocol is about; raises InvalidInput as :func:`simulate.data.load`."""
    return load(
        protocol.data, patterns=protocol.patterns, seed=protocol.seed, width=protocol.width,
        depth=protocol.depth, data_dir=protocol.data_dir, classes=protocol.classes,
        threshold=protocol.threshold, images=protocol.images, labels=protocol.labels,
    )  # fmt: skip


def _on_host(parts: list[dict[str, torch.Tensor]]) -> dict[str, Array]:
    """Batches one after another, each fetched from its device in one piece (they are float64 all)."""
    fetched = []
    for part in parts:
        flat = torch.cat([value.reshape(-1) for value in part.values()]).cpu().numpy()
        ends = np.cumsum([value.numel() for value in part.values()])
        pieces = zip(part.items(), np.split(flat, ends[:-1]), strict=True)
        fetched.append({name: piece.reshape(value.shape) for (name, value), piece in pieces})
    return {name: np.concatenate([part[name] for part in fetched]) for name in fetched[0]}
