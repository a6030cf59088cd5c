"""Deep perceptrons under Monte Carlo, behind the few calls the loop makes.

The state of a machine is that of its copies at the temperatures of the ladder, one after another, the one
that is measured first.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepglass.errors import Diverged
from simulate import noise
from simulate.contract import Advance, Array, Experiment
from simulate.dynamics.compiled_sweeps import CompiledSweeps
from simulate.dynamics.monte_carlo import EagerSweeps, Streams
from simulate.noise import Member
from simulate.perceptron.observables import TOGETHER, Observables
from simulate.perceptron.protocol import PerceptronProtocol
from simulate.perceptron.samples import Samples
from simulate.systems.disorder import alignment, participation, start

PARALLEL = 0.25
"""Mean squared overlap of a layer's weight vectors, beyond 1/N, that is no accident and no correlation."""

CONCENTRATED, SURE = 0.035, 3.0
"""Mean sum of J^4/c^2 of all weight vectors, beyond 3/(c + 2) of the sphere, and its standard errors: the
same."""

AT_REST = 10
"""Measurements in a row without any flip that are reported."""

OFF_SPHERE = 1e-3
"""Relative error of |J|^2 that rounding cannot explain."""


class PerceptronExperiment(Experiment):
    """See :class:`simulate.contract.Experiment`. ``machine`` is the model of one copy."""

    protocol: PerceptronProtocol

    def __init__(self, protocol: PerceptronProtocol, samples: Samples, backend: str):
        self.protocol, self.samples, self.backend = protocol, samples, backend
        self.device = protocol.torch_device()
        self.machine = protocol.machine(self.device)
        self.ladder = protocol.rungs()
        self._schedule = protocol.temperatures()
        self._observables: tuple[list[Member], Observables] | None = None

    @property
    def particles(self) -> int:
        """P of one copy times the number of copies."""
        return self.ladder.rungs * self.machine.particles

    @property
    def work(self) -> float:
        """Every gap is looked at once for each neuron it reads, and for each weight."""
        gaps = self.machine.depth * self.machine.width * self.machine.patterns
        return 2.0 * self.ladder.rungs * gaps * self.machine.c

    def start(self, members: list[Member]) -> tuple[Tensor, Tensor]:
        """Where samples begin."""
        kind = "planted" if self.protocol.start == "planted" else "random"
        rows = [
            start(self.samples.machine, self.samples[m.sample], kind, self.protocol.seed, copy)
            for m in members
            for copy in self._copies(m._replace(t_w=None))
        ]
        r = torch.stack(rows).view(len(members), -1).to(self.device)
        return r, r.new_empty(len(r), 0)

    def check_start(self, members: list[Member]) -> None:
        """A teacher with a margin is looked for, and may not be found."""
        if self.protocol.margin != 0 and self.protocol.temperature == 0:
            for member in members:
                self.samples[member.sample]

    def split(
        self, positions: Tensor, members: list[Member], velocities: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Replicas begin as their sample is, or apart."""
        if self.protocol.start == "apart":
            return self.start(members)
        return super().split(positions, members, velocities)

    def advance(self, members: list[Member]) -> Advance:
        """Sweeps of all copies, with rounds of exchange after every ``exchange_every`` of them."""
        self.samples.keep(m.sample for m in members)
        copies = [copy for member in members for copy in self._copies(member)]
        wirings = [self.samples[copy.sample].wiring for copy in copies]
        streams, law = Streams.of(self.protocol.seed, copies), self.protocol.law()
        sweeps: CompiledSweeps | EagerSweeps
        if self.backend == "compiled":
            sweeps = CompiledSweeps(self.machine, law, wirings, streams, self.protocol.threads)
        else:
            sweeps = EagerSweeps(self.machine, law, wirings, streams)
        if self.ladder.rungs == 1:
            return lambda r, v, first, temperatures: sweeps(r, first, temperatures)
        keys = noise.keys(self.protocol.seed, members, noise.EXCHANGE)
        rungs = np.tile(self.ladder.temperatures, len(members))
        every = self.ladder.every

        def exchange(r: Tensor, v: Tensor, first: int, temperatures: NDArray[np.float64]) -> None:
            t, last = first, first + len(temperatures)
            while t < last:
                stop = min(last, t - t % every + every)
                sweeps(r.view(len(copies), -1), t, np.tile(rungs, (stop - t, 1)))
                t = stop
                if t % every == 0:
                    order = self.ladder.swaps(self._energies(r, members), keys, t // every - 1)
                    states = r.view(len(r), self.ladder.rungs, -1)
                    which = order.to(r.device)[..., None].expand_as(states)
                    r.copy_(states.gather(1, which).view_as(r))

        return exchange

    def temperatures(self, first: int, count: int) -> NDArray[np.float64]:
        """Of the copy that is measured."""
        return self._schedule.temperatures(first, count)

    def check(self, r: Tensor, v: Tensor, t: int, members: Sequence[Member]) -> None:
        """Neurons +-1 and weights on their spheres, or Diverged naming where."""
        states = r.view(-1, self.machine.particles)
        norms = self.machine.weights(states).double().square().mean(-1)
        sound = (self.machine.spins(states).abs() == 1).flatten(1).all(1)
        sound &= ((norms - 1).abs() < OFF_SPHERE).flatten(1).all(1)
        wrong = torch.nonzero(~sound)
        if len(wrong):
            member = members[int(wrong[0]) // self.ladder.rungs]
            raise Diverged(
                f"step {t}: sample {member.sample}, replica {member.replica} has a neuron that is not +-1 or"
                " weights off their sphere"
            )

    def one_time(self, r: Tensor, v: Tensor, members: list[Member]) -> dict[str, Array]:
        """Energies, violated gaps, errors of generalization."""
        return self._measured(members).one_time(self._first(r), self._energies(r, members))

    def two_time(self, r: Tensor, past: Tensor, members: list[Member]) -> dict[str, Array]:
        """Overlaps with the past, between replicas, and with the teacher."""
        if self.protocol.start == "apart":
            past = self.start(members)[0]
        return self._measured(members).two_time(self._first(r), self._first(past))

    def unpack(self, rows: Array) -> dict[str, Array]:
        """Neurons and weights of the copy that is measured."""
        first = self._first(torch.from_numpy(rows).flatten(0, -2))
        lead = rows.shape[:-1]
        parts = {"S": self.samples.machine.spins(first), "J": self.samples.machine.weights(first)}
        return {name: part.reshape(*lead, *part.shape[1:]).numpy() for name, part in parts.items()}

    def layers(self, rows: Array) -> dict[str, list[Array]]:
        """The same, layer by layer."""
        first = self._first(torch.from_numpy(rows))
        parts = {
            "q_matrix": self.samples.machine.spins(first),
            "Q_matrix": self.samples.machine.weights(first),
        }
        return {name: [x.flatten(1).numpy() for x in part.unbind(1)] for name, part in parts.items()}

    def kernels(self) -> str:
        """What moves single elements: "numba" or "torch"."""
        return {"compiled": "numba", "eager": "torch"}[self.backend]

    def warnings(self, measured: Mapping[str, Array]) -> list[str]:
        """A planted ensemble that has condensed, in the first sample; hidden neurons that never moved."""
        return [*self._condensed(), *_frozen(measured["c"])]

    def _condensed(self) -> list[str]:
        p = self.protocol
        quiet = p.potential == "hard" and p.temperature == 0  # the teacher is a random network
        if p.scenario != "teacher-student" or quiet or p.width < 2:
            return []
        machine, drawn = self.samples.machine, self.samples[p.first_sample]
        parallel, carried = alignment(machine, drawn), participation(machine, drawn)
        excess, error = carried.mean() - 3 / (machine.c + 2), carried.std() / carried.numel() ** 0.5
        signs = [
            f"those of layer {layer + 1} are nearly parallel (squared overlap {float(parallel[layer]):.2f})"
            for layer in torch.nonzero(parallel > PARALLEL + 1 / p.width).flatten().tolist()
        ]
        if excess > CONCENTRATED and excess > SURE * error:
            signs.append(f"few weights carry them (mean of sum J^4/c^2 {float(carried.mean()):.2f})")
        if not signs:
            return []
        return [
            f"weight vectors of the teacher of sample {p.first_sample}: {', '.join(signs)}; the planted"
            " ensemble condenses here, and is not that of replica theory (docs/deep_perceptron.md)"
        ]

    def _copies(self, member: Member) -> list[Member]:
        """A machine at every temperature of the ladder."""
        return [member._replace(rung=k) for k in range(self.ladder.rungs)]

    def _first(self, r: Tensor) -> Tensor:
        """The copies that are measured, (B, P)."""
        return r[:, : self.machine.particles]

    def _energies(self, r: Tensor, members: list[Member]) -> Tensor:
        """H of every copy, (B, K)."""
        wirings = [self.samples[m.sample].wiring for m in members for _ in range(self.ladder.rungs)]
        rows = r.view(-1, self.machine.particles)
        parts = [
            self.machine.energy(rows[i : i + TOGETHER], wirings[i : i + TOGETHER]).sum(1)
            for i in range(0, len(rows), TOGETHER)
        ]
        return torch.cat(parts).view(len(members), -1)

    def _measured(self, members: list[Member]) -> Observables:
        """What measures this batch; that of the last one is at hand."""
        if self._observables is None or self._observables[0] != members:
            self._observables = members, Observables(self.machine, members, self.samples)
        return self._observables[1]


def _frozen(c: Array) -> list[str]:
    """Hidden layers none of whose neurons has flipped at any time; c (t_w, t, sample, replica, layer)."""
    known = np.isfinite(c).any(axis=(0, 2, 3, 4)).sum()
    still = [
        layer
        for layer in range(1, c.shape[-1] - 1)
        if bool((c[..., layer][np.isfinite(c[..., layer])] == 1).all())
    ]
    if known < AT_REST or not still:
        return []
    names = ", ".join(map(str, still))
    return [f"no neuron of layers {names} has flipped since t_w: solid, or stuck, which this run cannot tell"]
