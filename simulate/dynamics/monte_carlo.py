"""Monte Carlo of the deep perceptron: exact moves for neurons and weight vectors, one sweep at a time.

A sweep visits every neuron of the layers that move, odd layers first, then every weight vector.

* A neuron is drawn from its law given everything else (heat bath): it flips with probability
  1/(1 + exp(beta dH)). Neurons of different patterns, and of layers l and l + 2, have no gap in common; those
  of one layer have, and go one after another.
* A weight vector turns on the great circle through itself and a random direction at right angles to it, to
  an angle drawn uniformly from those with H <= H_now - ln(u)/beta (slice sampling with shrinkage: Neal, Ann.
  Stat. 31, 705 (2003); Murray, Adams, MacKay, AISTATS 2010). Nothing is rejected, and no step size is chosen.
  Or, as in the papers, the rotation J -> sqrt(c) (J + reach xi)/|J + reach xi| is proposed and accepted by
  Metropolis' rule: it is a point of the same circle, under the same threshold. All perceptrons turn at once,
  since given the neurons they have no gap in common.

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
from simulate.noise import Member
from simulate.perceptron_kernels import TRIES
from simulate.systems.deep_perceptron import DeepPerceptron
from simulate.systems.wiring import Wiring


@dataclass(frozen=True)
class MonteCarlo:
    """What a sweep does.

    Attributes:
        reach: of the rotations that are proposed; 0: slices.
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
    def of(cls, seed: int, members: Sequence[Member]) -> "Streams":
        """Those of ``members``."""
        purposes = (noise.NEURONS, noise.DIRECTIONS, noise.ANGLES)
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
            self._sweep_neurons(state, sweep, temperature)
            if self.law.weights:
                self._sweep_weights(state, sweep, temperature)

    def _sweep_neurons(self, state: Tensor, sweep: int, temperature: Tensor) -> None:
        system = self.system
        spins = system.spins(state)
        matrices = system.matrices(system.weights(state), self.wirings)
        gaps = system.gaps(state, self.wirings)
        moving = self.law.moving(system.depth)
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

    def _sweep_weights(self, state: Tensor, sweep: int, temperature: Tensor) -> None:
        system = self.system
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
        across = (
            spins[:, 1:] * (system.matrices(tangents, self.wirings) @ spins[:, :-1]) / math.sqrt(system.c)
        )
        proposed = torch.atan2(self.law.reach * (length / norm).sqrt(), 1 + self.law.reach * inner)[..., 0]
        angle = self._angles(along, across, proposed, sweep, temperature)[..., None]
        turned = angle.cos() * weights + angle.sin() * tangents
        turned *= (system.c / turned.square().sum(-1, keepdim=True)).sqrt()
        weights.copy_(torch.where(angle != 0, turned, weights))

    def _angles(
        self, along: Tensor, across: Tensor, proposed: Tensor, sweep: int, temperature: Tensor
    ) -> Tensor:
        """Of every perceptron (B, L, N): that of its slice, or the proposed one if it is accepted."""
        system = self.system

        def energy(angle: Tensor) -> Tensor:
            return system.cost(angle.cos()[..., None] * along + angle.sin()[..., None] * across).sum(-1)

        def uniform(n: int) -> Tensor:
            each = torch.arange(system.depth * system.width, dtype=torch.int64, device=along.device)
            words = noise.philox((each * (TRIES // 4) + n // 4)[None], sweep, self._keys[2])[n % 4]
            return ((words.double() + 0.5) * 2.0**-32).view(along.shape[:3])

        most = energy(torch.zeros_like(proposed)) - (temperature[:, None, None] * uniform(0).log()).to(
            along.dtype
        )
        if self.law.reach > 0:
            return torch.where(energy(proposed) <= most, proposed, 0)
        angle = 2 * math.pi * uniform(1)
        low, high = angle - 2 * math.pi, angle.clone()
        found = torch.zeros_like(angle)
        open_ = torch.ones_like(angle, dtype=torch.bool)
        for n in range(2, TRIES):
            fits = open_ & (energy(angle.to(along.dtype)) <= most)
            found = torch.where(fits, angle, found)
            open_ &= ~fits
            if not open_.any():
                break
            low, high = torch.where(angle < 0, angle, low), torch.where(angle < 0, high, angle)
            angle = low + (high - low) * uniform(n)
        return found.to(along.dtype)
