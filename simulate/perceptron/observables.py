"""What is measured of a batch of deep perceptrons, layer by layer; every reduction is in float64."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from simulate.contract import Array
from simulate.noise import Member
from simulate.overlaps import Correlation, pairs
from simulate.perceptron.gauge import aligned
from simulate.perceptron.samples import Samples
from simulate.systems.deep_perceptron import DeepPerceptron

TOGETHER = 8
"""Machines whose gaps are computed, or that answer fresh inputs, at the same time."""


class Observables:
    """Of the machines of a batch, whose rows are ``members``: the replicas of a sample side by side.

    Rows of states (B, P) are those of one temperature.
    """

    def __init__(self, machine: DeepPerceptron, members: list[Member], samples: Samples):
        self.machine = machine
        self.samples = list(dict.fromkeys(member.sample for member in members))
        self.replicas = len(members) // len(self.samples)
        self.wirings = [samples[member.sample].wiring for member in members]
        device, tests = machine.device, samples.protocol.test_patterns
        teachers = samples.teachers(self.samples).to(device)
        self.taught = samples.protocol.scenario == "teacher-student"
        self._teacher = teachers.repeat_interleave(self.replicas, dim=0)
        self._fresh: Tensor | None = None
        self._right: Tensor | None = None
        if tests:
            fresh = torch.stack([samples.fresh(s) for s in self.samples]).to(device)
            self._fresh = fresh
            if self.taught:
                weights = machine.weights(teachers)
                self._right = machine.forward(weights, self.wirings[:: self.replicas], fresh)

    def one_time(self, r: Tensor, energies: Tensor) -> dict[str, Array]:
        """Energies and errors; ``energies`` (B, K): H of every copy, those of other temperatures included."""
        machine, layers, violated = self.machine, [], []
        for i in range(0, len(r), TOGETHER):
            gaps = machine.gaps(r[i : i + TOGETHER].double(), self.wirings[i : i + TOGETHER])
            layers.append(machine.cost(gaps).sum((2, 3)))
            violated.append((gaps < machine.margin).double().mean((2, 3)))
        missed = torch.full((len(r),), torch.nan, dtype=torch.float64)
        if self._right is not None:
            last = [
                (answers[:, -1] != right[:, -1]).double().mean((1, 2)) for answers, right in self._answers(r)
            ]
            missed = torch.cat(last)
        return _on_host(
            {
                "E": torch.cat(layers).sum(1),
                "E_layer": torch.cat(layers),
                "violated": torch.cat(violated),
                "E_rung": energies,
                "generalization_error": missed,
            }
        )

    def two_time(self, r: Tensor, past: Tensor) -> dict[str, Array]:
        """Overlaps with the configurations at t_w ``past`` (B, P), between replicas, and with the teacher."""
        found = {
            "c": self._overlap(self._neurons(r), self._neurons(past)),
            "C": self._overlap(self._weights(r), self._weights(past)),
            "q": self._between(self._neurons(r)),
            "Q": self._between(self._weights(r)),
            "q_teacher": self._overlap(self._neurons(r), self._neurons(self._teacher)),
            "Q_teacher": self._overlap(self._weights(r), self._weights(self._teacher)),
        }
        found["q_aligned"], found["Q_aligned"] = self._aligned_pairs(r)
        found["q_aligned_teacher"], found["Q_aligned_teacher"] = aligned(
            self.machine, r, self._teacher, self.wirings
        )
        if not self.taught:  # the frozen ends are no teacher
            for name in ("q_teacher", "q_aligned_teacher"):
                found[name] = torch.full_like(found[name], torch.nan)
        tests = [
            (self._between(_flat(answers)), _flat(answers), right) for answers, right in self._answers(r)
        ]
        if tests:
            found["q_test"] = torch.cat([between for between, _, _ in tests])
        if self._right is not None:
            found["q_test_teacher"] = torch.cat([self._overlap(x, _flat(right)) for _, x, right in tests])
        # Without, they are missing.
        missing = torch.full(found["q_teacher"].shape, torch.nan)
        found.setdefault("q_test_teacher", missing)
        found.setdefault("q_test", torch.full(found["q"].shape, torch.nan))
        return _on_host(found)

    def _neurons(self, r: Tensor) -> list[Tensor]:
        return _flat(self.machine.spins(r))

    def _weights(self, r: Tensor) -> list[Tensor]:
        return _flat(self.machine.weights(r))

    def _overlap(self, a: list[Tensor], b: list[Tensor]) -> Tensor:
        """(B, layers)."""
        return Correlation.with_past(a, b).raw

    def _between(self, layers: list[Tensor]) -> Tensor:
        """(samples, pairs, layers)."""
        return Correlation.between_replicas(layers, self.replicas).raw

    def _aligned_pairs(self, r: Tensor) -> tuple[Tensor, Tensor]:
        """Between the replicas of each sample, neurons and weights, (samples, pairs, layers)."""
        rows = r.view(len(self.samples), self.replicas, -1)
        wirings = self.wirings[:: self.replicas]
        found = [aligned(self.machine, rows[:, i], rows[:, j], wirings) for i, j in pairs(self.replicas)]
        if not found:
            depth = self.machine.depth
            return r.new_zeros(len(rows), 0, depth + 1), r.new_zeros(len(rows), 0, depth)
        return torch.stack([q for q, _ in found], dim=1), torch.stack([w for _, w in found], dim=1)

    def _answers(self, r: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Answers of networks to fresh inputs beside the right ones, (B', L + 1, N, M') each, in parts.

        Without a teacher the right ones are missing (empty).
        """
        if self._fresh is None:
            return
        step = max(TOGETHER // self.replicas, 1)
        for first in range(0, len(self.samples), step):
            samples = slice(first, first + step)
            rows = slice(first * self.replicas, (first + step) * self.replicas)
            inputs = self._fresh[samples].repeat_interleave(self.replicas, dim=0)
            answers = self.machine.forward(self.machine.weights(r[rows]), self.wirings[rows], inputs)
            right = answers[:0]
            if self._right is not None:
                right = self._right[samples].repeat_interleave(self.replicas, dim=0)
            yield answers, right


def _flat(layers: Tensor) -> list[Tensor]:
    """(B, layers, n, m) as a row per machine and layer."""
    return list(layers.flatten(2).unbind(1))


def _on_host(values: dict[str, Tensor]) -> dict[str, Array]:
    return {name: value.cpu().numpy().astype(np.float64) for name, value in values.items()}
