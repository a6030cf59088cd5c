"""Monte Carlo of the deep perceptron: exact moves for neurons and weight vectors, one sweep at a time.

A sweep visits every neuron of the layers that move, odd layers first, then every weight vector.

* A neuron is drawn from its law given everything else (heat bath): it flips with probability
  1/(1 + exp(beta dH)). Neurons of different patterns, and of layers l and l + 2, have no gap in common; those
  of one layer have, and go one after another.
* A weight vector moves in planes of two of its components, whose circle J_a^2 + J_b^2 is given: to an angle
  drawn uniformly from those with H <= H_now - ln(u)/beta (slice sampling with shrinkage: Neal, Ann. Stat. 31,
  705 (2003)). Nothing is rejected, and no step size is chosen. A sweep takes the planes (a, a + d),
  a = 0..c-1, with d drawn anew for every layer and sweep. In a plane H costs M operations, where a move of
  all components together costs c M and goes hardly further: a sweep of planes replaces some c of these. Or,
  as in the papers, the rotation J -> sqrt(c) (J + reach xi)/|J + reach xi| is proposed and accepted by
  Metropolis' rule. All perceptrons move at once, since given the neurons they have no gap in common.

* At temperature 0 with the hard potential a neuron whose gap is satisfied cannot flip while its weights stand
  still (at margin 0 it is the sign of its field). So weights are drawn with their neuron summed over, in both
  states the gaps above allow, and then the neuron given the weights: the neuron follows its weights.

At temperature 0 the threshold is H_now itself and the flip with dH = 0 a fair coin: with the hard potential
the number of violated gaps never rises (Yoshino, Phys. Rev. Research 5, 033068 (2023)), and among solutions
every move keeps the uniform law.

Noise: streams NEURONS, DIRECTIONS and ANGLES of each machine, numbered by sweep and element.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepglass import checks
from simulate import noise
from simulate.kernels.perceptron_following import NEVER
from simulate.kernels.perceptron_weights import QUADS, TRIES
from simulate.noise import Member
from simulate.systems.deep_perceptron import DeepPerceptron
from simulate.systems.wiring import Wiring

__all__ = ["EagerSweeps", "MonteCarlo", "Streams"]


@dataclass(frozen=True)
class MonteCarlo:
    """What a sweep does.

    Attributes:
        reach: of the rotations that are proposed; 0: slices instead.
        ends: whether the frozen layers 0 and L move too (free boundaries, to draw a teacher).
        neurons, weights: whether these move.
    """

    reach: float = 0.0
    ends: bool = False
    neurons: bool = True
    weights: bool = True

    def __post_init__(self) -> None:
        checks.real("reach", self.reach, at_least=0)

    def moving(self, depth: int) -> NDArray[np.bool_]:
        """Which of the layers 0..L move."""
        layers = np.full(depth + 1, self.neurons)
        layers[[0, -1]] = self.neurons and self.ends
        return layers


@dataclass(frozen=True, eq=False)
class Streams:
    """Keys (B, 2) of a batch's noise, by purpose."""

    neurons: NDArray[np.uint32]
    directions: NDArray[np.uint32]
    angles: NDArray[np.uint32]

    @classmethod
    def of(
        cls,
        seed: int,
        members: Sequence[Member],
        purposes: tuple[int, int, int] = (noise.NEURONS, noise.DIRECTIONS, noise.ANGLES),
    ) -> "Streams":
        """Those of ``members``."""
        return cls(*(noise.keys(seed, members, purpose) for purpose in purposes))


class EagerSweeps:
    """Sweeps as plain torch operations, on any device: what the compiled ones are held against.

    Args:
        wirings: one for each machine of the batch.
    """

    def __init__(self, system: DeepPerceptron, law: MonteCarlo, wirings: Sequence[Wiring], streams: Streams):
        self.system, self.law, self.wirings = system, law, wirings
        device = system.device
        keys = (streams.neurons, streams.directions, streams.angles)
        self._keys = [torch.from_numpy(k.astype(np.int64)).to(device) for k in keys]
        if system.c < system.width:
            inputs = np.stack([w.inputs for w in wirings]).astype(np.int64)
            self._inputs = torch.from_numpy(inputs).to(device)

    def __call__(self, state: Tensor, first: int, temperatures: NDArray[np.float64]) -> None:
        """Advance states (B, P) in place, a sweep a row of ``temperatures``, (sweeps,) or (sweeps, B)."""
        batch = state.shape[0]
        for sweep, row in enumerate(np.asarray(temperatures, dtype=float), start=first):
            of_each = np.broadcast_to(row, (batch,)).copy()
            temperature = torch.from_numpy(of_each).to(state.device, state.dtype)
            cold = temperature == 0
            if self._follows and cold.any():
                self._apart(state, sweep, of_each, cold)
                continue
            self._sweep_neurons(state, sweep, temperature, self.law.moving(self.system.depth))
            if self.law.weights and self.law.reach > 0:
                self._sweep_rotations(state, sweep, temperature)
            elif self.law.weights:
                self._sweep_planes(state, sweep, temperature)

    @property
    def _follows(self) -> bool:
        """Whether neurons follow their weights at temperature 0."""
        law = self.law
        moves = law.neurons and law.weights and law.reach == 0
        return moves and self.system.potential == "hard" and (self.system.depth > 1 or law.ends)

    def _apart(self, state: Tensor, sweep: int, temperatures: NDArray[np.float64], cold: Tensor) -> None:
        """A sweep of machines at temperature 0, and of the others."""
        for which in (cold, ~cold):
            rows = torch.nonzero(which)[:, 0]
            if not len(rows):
                continue
            those = EagerSweeps.__new__(EagerSweeps)
            those.system, those.law = self.system, self.law
            those.wirings = [self.wirings[i] for i in rows.tolist()]
            those._keys = [key[rows] for key in self._keys]
            if self.system.c < self.system.width:
                those._inputs = self._inputs[rows]
            part = state[rows]
            if which is cold:
                those._sweep_following(part, sweep)
            else:
                those(part, sweep, temperatures[None, rows.cpu().numpy()])
            state[rows] = part

    def _sweep_following(self, state: Tensor, sweep: int) -> None:
        """Perceptron after perceptron: weights with the neuron summed over, then the neuron."""
        system, margin = self.system, self.system.margin
        weights, spins = system.weights(state), system.spins(state)
        layers = torch.arange(system.depth, device=state.device)
        word = noise.philox(layers[None], sweep, self._keys[1])[0]
        apart = 1 + ((word.double() + 0.5) * 2.0**-32 * (system.c - 1)).long()
        moving = self.law.moving(system.depth)
        for layer in range(1, system.depth + 1):
            for i in range(system.width):
                excess = system.gaps(state, self.wirings)[:, layer - 1, i] - margin
                change = torch.full_like(excess, NEVER)
                if layer < system.depth:
                    before = system.cost(system.gaps(state, self.wirings)[:, layer]).sum(1)
                    spins[:, layer, i] *= -1
                    change = system.cost(system.gaps(state, self.wirings)[:, layer]).sum(1) - before
                    spins[:, layer, i] *= -1
                elif moving[layer]:
                    change = torch.zeros_like(excess)  # nobody reads it
                for s in range(system.c if system.c > 1 else 0):
                    number = ((layer - 1) * system.width + i) * system.c + s
                    self._plane_following(state, excess, change, layer, i, s, apart, number * QUADS, sweep)
                w = weights[:, layer - 1, i]
                w *= (system.c / w.square().sum(-1, keepdim=True)).sqrt()
                if moving[layer]:
                    padded = -(-system.patterns // 4) * 4
                    words = self._words(0, sweep, (layer * system.width + i) * padded, system.patterns)
                    gain = change + (-excess - 2 * margin < 0).to(excess) - (excess < 0).to(excess)
                    flips = (gain < 0) | ((gain == 0) & (self._threshold(words) > 0))
                    spins[:, layer, i] = torch.where(flips, -spins[:, layer, i], spins[:, layer, i])
        if moving[0]:
            inputs_only = np.arange(system.depth + 1) == 0
            self._sweep_neurons(state, sweep, torch.zeros(len(state), device=state.device), inputs_only)

    def _plane_following(
        self, state: Tensor, excess: Tensor, change: Tensor, layer: int, i: int, s: int, apart: Tensor,
        block: int, sweep: int,
    ) -> None:  # fmt: skip
        """A slice of the plane (s, s + apart) of perceptron (layer, i); excess (B, M) goes along."""
        system = self.system
        weights, spins = system.weights(state)[:, layer - 1, i], system.spins(state)
        machines = torch.arange(len(state), device=state.device)
        t = (s + apart[:, layer - 1]) % system.c
        slots = (torch.full_like(t, s), t)
        inputs = [
            slot if system.c == system.width else self._inputs[machines, layer - 1, i, slot] for slot in slots
        ]
        a, b = (
            spins[:, layer, i] * spins[machines, layer - 1, neuron] / math.sqrt(system.c) for neuron in inputs
        )
        first, second = (weights[machines, slot].clone() for slot in slots)

        def energy(along: Tensor, across: Tensor) -> tuple[Tensor, Tensor]:
            y = excess + along[:, None] * a + across[:, None] * b
            stays = (y < 0).to(y)
            flips = change + (-y - 2 * system.margin < 0).to(y)
            return torch.minimum(stays, flips).sum(1), (stays == flips).sum(1)

        def uniform(n: int) -> Tensor:
            return self._uniform(torch.tensor([block], device=state.device), n, sweep)[:, 0]

        none = torch.zeros_like(first)
        count, choices = energy(none, none)
        least = choices + uniform(0).log() / math.log(2)
        angle = 2 * math.pi * uniform(1)
        low, high = angle - 2 * math.pi, angle.clone()
        found = [none, none]
        searching = torch.ones(len(state), dtype=torch.bool, device=state.device)
        for n in range(2, TRIES):
            turn, sine = angle.cos() - 1, angle.sin()
            new = [(turn * first - sine * second).to(first), (turn * second + sine * first).to(first)]
            there, free = energy(*new)
            fits = searching & ((there < count) | ((there == count) & (free >= least)))
            found = [torch.where(fits, x, y) for x, y in zip(new, found, strict=True)]
            searching &= ~fits
            if not searching.any():
                break
            low, high = torch.where(angle < 0, angle, low), torch.where(angle < 0, high, angle)
            angle = low + (high - low) * uniform(n)
        excess += found[0][:, None] * a + found[1][:, None] * b
        weights[machines, s] += found[0]
        weights[machines, t] += found[1]

    def _sweep_neurons(
        self, state: Tensor, sweep: int, temperature: Tensor, moving: NDArray[np.bool_]
    ) -> None:
        system = self.system
        spins = system.spins(state)
        matrices = system.matrices(system.weights(state), self.wirings)
        gaps = system.gaps(state, self.wirings)
        for odd in (1, 0):
            for layer in range(odd, system.depth + 1, 2):
                for j in range(system.width if moving[layer] else 0):
                    self._heat_bath(layer, j, spins, matrices, gaps, sweep, temperature)

    def _heat_bath(
        self,
        layer: int,
        j: int,
        spins: Tensor,
        matrices: Tensor,
        gaps: Tensor,
        sweep: int,
        temperature: Tensor,
    ) -> None:
        system = self.system
        spin = spins[:, layer, j]
        change = torch.zeros_like(spin)
        turned = None
        if layer > 0:
            own = gaps[:, layer - 1, j]
            change += system.cost(-own) - system.cost(own)
        if layer < system.depth:
            bonds = 2 / math.sqrt(system.c) * matrices[:, layer, :, j, None]
            turned = gaps[:, layer] - bonds * spins[:, layer + 1] * spin[:, None]
            change += (system.cost(turned) - system.cost(gaps[:, layer])).sum(1)
        padded = -(-system.patterns // 4) * 4
        first = (layer * system.width + j) * padded
        field = self._threshold(self._words(0, sweep, first, system.patterns))
        flips = torch.where(
            temperature[:, None] > 0,
            change / temperature[:, None] < field,
            (change < 0) | ((change == 0) & (field > 0)),
        )
        if layer > 0:
            gaps[:, layer - 1, j] = torch.where(flips, -gaps[:, layer - 1, j], gaps[:, layer - 1, j])
        if turned is not None:
            gaps[:, layer] = torch.where(flips[:, None], turned, gaps[:, layer])
        spins[:, layer, j] = torch.where(flips, -spin, spin)

    def _words(self, stream: int, sweep: int, first: int, count: int) -> Tensor:
        """The words (B, count) of elements ``first``, a multiple of 4, onwards."""
        blocks = first // 4 + torch.arange(-(-count // 4), dtype=torch.int64, device=self.system.device)
        words = noise.philox(blocks[None], sweep, self._keys[stream])
        return torch.stack(words, dim=-1).flatten(1)[:, :count]

    def _threshold(self, words: Tensor) -> Tensor:
        """ln((1 - u)/u)."""
        high, low = (x.to(torch.float32) + 0.5 for x in (0xFFFFFFFF - words, words))
        return torch.log(high / low).to(self.system.dtype)

    def _sweep_rotations(self, state: Tensor, sweep: int, temperature: Tensor) -> None:
        system, reach = self.system, self.law.reach
        batch, perceptrons = state.shape[0], system.depth * system.width
        weights, spins = system.weights(state), system.spins(state)
        padded = -(-system.c // 4) * 4
        normal = noise.normal(self._keys[1], sweep, perceptrons * padded).to(system.dtype)
        normal = normal.view(batch, system.depth, system.width, padded)[..., : system.c]
        norm = weights.square().sum(-1, keepdim=True)
        inner = (weights * normal).sum(-1, keepdim=True) / norm
        tangents = normal - inner * weights
        length = tangents.square().sum(-1, keepdim=True)
        tangents = torch.where(length > 0, tangents * (norm / length).sqrt(), 0)
        along = system.gaps(state, self.wirings)
        across = spins[:, 1:] * (system.matrices(tangents, self.wirings) @ spins[:, :-1])
        across /= math.sqrt(system.c)
        angle = torch.atan2(reach * (length / norm).sqrt(), 1 + reach * inner)
        turned = system.cost(angle.cos() * along + angle.sin() * across).sum(-1)
        block = QUADS * torch.arange(perceptrons, device=state.device)
        word = self._uniform(block, 0, sweep).view(along.shape[:3])
        most = system.cost(along).sum(-1) - temperature[:, None, None] * word.log()
        new = angle.cos() * weights + angle.sin() * tangents
        new *= (system.c / new.square().sum(-1, keepdim=True)).sqrt()
        weights.copy_(torch.where((turned <= most)[..., None], new, weights))

    def _uniform(self, block: Tensor, n: int, sweep: int) -> Tensor:
        """The n-th uniform number, in (0, 1), from each block of Philox onwards, (B, blocks), float64."""
        words = noise.philox((block.long() + n // 4).view(1, -1), sweep, self._keys[2])[n % 4]
        return (words.double() + 0.5) * 2.0**-32

    def _sweep_planes(self, state: Tensor, sweep: int, temperature: Tensor) -> None:
        system = self.system
        degree, perceptrons = system.c, system.depth * system.width
        if degree == 1:
            return
        weights, spins = system.weights(state), system.spins(state)
        excess = system.gaps(state, self.wirings) - system.margin
        layers = torch.arange(system.depth, device=state.device)
        word = noise.philox(layers[None], sweep, self._keys[1])[0]
        apart = 1 + ((word.double() + 0.5) * 2.0**-32 * (degree - 1)).long()  # (B, L)
        number = torch.arange(perceptrons, device=state.device) * degree
        for s in range(degree):
            partner = ((s + apart) % degree)[:, :, None, None].expand(-1, -1, system.width, 1)
            a, b = (self._read(spins, slot) for slot in (torch.full_like(partner, s), partner))
            first, second = weights[..., s], weights.gather(3, partner)[..., 0]
            along, across = self._slices(
                excess, a, b, first, second, (number + s) * QUADS, sweep, temperature
            )
            excess += along[..., None] * a + across[..., None] * b
            weights[..., s] += along
            weights.scatter_add_(3, partner, across[..., None])
        weights *= (degree / weights.square().sum(-1, keepdim=True)).sqrt()

    def _read(self, spins: Tensor, slot: Tensor) -> Tensor:
        """What the weights of one slot of each perceptron (B, L, N, 1) multiply in its gaps, (B, L, N, M)."""
        neuron = slot if self.system.c == self.system.width else self._inputs.gather(3, slot)
        index = neuron.expand(-1, -1, -1, self.system.patterns)
        return spins[:, 1:] * spins[:, :-1].gather(2, index) / math.sqrt(self.system.c)

    def _slices(
        self, excess: Tensor, a: Tensor, b: Tensor, first: Tensor, second: Tensor, block: Tensor, sweep: int,
        temperature: Tensor,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """How two weights of every perceptron (B, L, N) change, by slices of the circles they are on."""
        system = self.system
        shape = first.shape

        def change(angle: Tensor) -> tuple[Tensor, Tensor]:
            turn, sine = angle.cos() - 1, angle.sin()
            return turn * first - sine * second, turn * second + sine * first

        def energy(along: Tensor, across: Tensor) -> Tensor:
            shifted = excess + along[..., None] * a + across[..., None] * b
            return system.cost(shifted + system.margin).sum(-1)

        def uniform(n: int) -> Tensor:
            return self._uniform(block, n, sweep).view(shape)

        most = energy(torch.zeros_like(first), torch.zeros_like(first))
        most = most - temperature[:, None, None] * uniform(0).log()
        angle = 2 * math.pi * uniform(1)
        low, high = angle - 2 * math.pi, angle.clone()
        found = torch.zeros_like(first), torch.zeros_like(first)
        searching = torch.ones(shape, dtype=torch.bool, device=first.device)
        for n in range(2, TRIES):
            new = change(angle.to(first.dtype))
            fits = searching & (energy(*new) <= most)
            found = torch.where(fits, new[0], found[0]), torch.where(fits, new[1], found[1])
            searching &= ~fits
            if not searching.any():
                break
            low, high = torch.where(angle < 0, angle, low), torch.where(angle < 0, high, angle)
            angle = low + (high - low) * uniform(n)
        return found
