"""The chain of layers with a hierarchy of overlaps: k-step replica symmetry breaking on random data.

All layers share break points ``0 < m_1 < ... < m_k < 1``; layer l holds values ``q_i(l)``, ``Q_i(l)``, i =
0..k, not decreasing in i. Gaussian closure (Yoshino, SciPost Phys. Core 2, 005 (2020)), level by level:

    lambda_i(l) = q_i(l-1) Q_i(l) q_i(l),                  w_i(l) = interaction(lambda(l))
    -(Q^-1)_i(l) = alpha q_i(l-1) q_i(l) w_i(l),           q_i(l) = neuron(eps(l))
    eps_i(l) = q_i(l-1) Q_i(l) w_i(l) + Q_i(l+1) q_i(l+1) w_i(l+1)

k = 0 is replica symmetry. Mirror images l <-> L - l solve the same equations and are computed once.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from theory import spherical, terms
from theory.closures import CLOSURES, Closure, Moments
from theory.gaussian import Array
from theory.levels import Dual, Image, LevelChain, Levels
from theory.parisi import Recursion


@dataclass(frozen=True)
class Evaluation(Image):
    """``interactions``, ``neurons``: single-site problems of the computed layers, by layer."""

    interactions: dict[int, Recursion]
    neurons: dict[int, Recursion]


@dataclass(frozen=True)
class HierarchicalChain(LevelChain[Evaluation]):
    """The chain in the gaussian closure; of mirror images one is computed."""

    @property
    def closure(self) -> Closure:
        """The closure of its symmetric limit."""
        return CLOSURES["gaussian"]

    def bond(self, layer: int) -> int:
        """The computed weight layer that ``layer`` equals."""
        return min(layer, self.depth + 1 - layer)

    def neuron(self, layer: int) -> int:
        """The computed neuron layer that ``layer`` equals (0: the frozen boundaries)."""
        return min(layer, self.depth - layer)

    @cached_property
    def bonds(self) -> tuple[int, ...]:
        """Frozen weight layers that are computed; the others are their mirror images, or 0."""
        frozen = self.support.bonds
        return tuple(
            layer for layer in range(1, self.depth + 1) if frozen[layer - 1] and self.bond(layer) == layer
        )

    @cached_property
    def hidden(self) -> tuple[int, ...]:
        """Frozen neuron layers that are computed."""
        frozen = self.support.neurons
        return tuple(layer for layer in range(1, self.depth) if frozen[layer] and self.neuron(layer) == layer)

    def unpack(self, x: Array) -> Levels:
        """All overlaps of packed unknowns (N,)."""
        rows = x.reshape(-1, self.levels)
        q, Q = np.zeros((self.depth + 1, self.levels)), np.zeros((self.depth, self.levels))
        q[[0, -1]] = 1.0
        for layer, row in zip(self.bonds, rows, strict=False):
            Q[[layer - 1, self.depth - layer]] = row
        for layer, row in zip(self.hidden, rows[len(self.bonds) :], strict=True):
            q[[layer, self.depth - layer]] = row
        return Levels(q, Q)

    def _unknown(self, x: Array, index: int, size: int) -> Dual:
        K = self.levels
        slope = np.zeros((K, size))
        if size:
            slope[:, index * K : (index + 1) * K] = np.eye(K)
        return Dual(x[index * K : (index + 1) * K], slope)

    def evaluate(self, x: Array, jacobian: bool = True) -> Evaluation:
        """One undamped map of packed overlaps ``x`` (N,), with its Jacobian."""
        K, size = self.levels, self.unknowns if jacobian else 0
        Q = {layer: self._unknown(x, i, size) for i, layer in enumerate(self.bonds)}
        q = {layer: self._unknown(x, len(self.bonds) + i, size) for i, layer in enumerate(self.hidden)}
        q[0] = Dual(np.ones(K), np.zeros((K, size)))
        around = {layer: (q[self.neuron(layer - 1)], q[self.neuron(layer)]) for layer in self.bonds}

        interactions, neurons, spheres, w = {}, {}, {}, {}
        images: list[Dual] = []
        for layer, (below, above) in around.items():
            overlap = below * Q[layer] * above
            term = interactions[layer] = terms.interaction(self.potential, overlap.value, self.m, self.step)
            w[layer] = Dual(term.w, term.response @ overlap.slope if size else overlap.slope)
            pull = (below * above * w[layer]).times(self.alpha)
            # Rounding may leave a plateau falling by an ulp.
            answer = spheres[layer] = spherical.sphere(np.maximum.accumulate(pull.value), self.m)
            images.append(Dual(answer.Q, answer.response @ pull.slope))
        eps = np.zeros((self.depth + 1, K))
        for layer in self.hidden:
            field = Dual(np.zeros(K), np.zeros((K, size)))
            for neighbour, between in ((layer - 1, layer), (layer + 1, layer + 1)):
                here = self.bond(between)
                if here in w:
                    field = field + q[self.neuron(neighbour)] * Q[here] * w[here]
            spin = neurons[layer] = terms.neuron(field.value, self.m, self.step)
            eps[[layer, self.depth - layer]] = field.value
            images.append(Dual(spin.w, spin.response @ field.slope if size else field.slope))
        return Evaluation(
            self.unpack(x),
            np.concatenate([image.value for image in images]) if images else np.zeros(0),
            np.vstack([image.slope for image in images]) if images else np.zeros((0, size)),
            spheres,
            eps,
            interactions,
            neurons,
        )

    def entropy(self, found: Evaluation) -> float:
        """The functional s/n per N M at independent overlaps and the fields of their map.

        ``sum_l { s_bond(Q)/alpha + A(lambda) } + sum_hidden s_spin(q, eps)``.
        """
        total = 0.0
        liquid = float(self.potential.value(np.full(1, -self.potential.margin), np.ones(1))[0])
        for layer in range(1, self.depth + 1):
            if self.bond(layer) in found.interactions:
                total += spherical.entropy(found.levels.Q[layer - 1], self.m) / self.alpha
                total += found.interactions[self.bond(layer)].value
            else:
                total += liquid
        for layer in range(1, self.depth):
            if self.neuron(layer) in found.neurons:
                total += terms.neuron_entropy(found.neurons[self.neuron(layer)], found.levels.q[layer])
            else:
                total += math.log(2.0)
        return total

    def break_point_slope(self, found: Evaluation) -> Array:
        """Derivative of the entropy in the break points at fixed overlaps and fields, shape (k,)."""
        total = np.zeros(self.m.size)
        for layer in range(1, self.depth + 1):
            gap = found.interactions.get(self.bond(layer))
            if gap is not None:
                total += spherical.break_point_slope(found.levels.Q[layer - 1], self.m) / (2.0 * self.alpha)
                total += np.diff(gap.mean) / self.m
        for layer in range(1, self.depth):
            spin = found.neurons.get(self.neuron(layer))
            if spin is not None:
                total += np.diff(spin.mean) / self.m - 0.5 * np.diff(spin.c * found.levels.q[layer])
        return total

    def moments(self, found: Evaluation) -> Moments:
        """Of the innermost level, every layer: what :func:`theory.stability.replicon` asks for."""
        slopes = self.potential.slopes(np.full(1, -self.potential.margin), np.ones(1))
        w = np.full(self.depth, float(slopes.first[0]) ** 2)
        chi_aa = np.full(self.depth, float(slopes.second[0]) ** 2)
        chi_hh = np.ones(self.depth)
        for index in range(self.depth):
            gap = found.interactions.get(self.bond(index + 1))
            if gap is not None:
                w[index], chi_aa[index] = gap.w[-1], gap.chi[-1]
            spin = found.neurons.get(self.neuron(index + 1))
            if spin is not None:
                chi_hh[index] = spin.chi[-1]
        return Moments(w, chi_aa, np.zeros(self.depth), chi_hh)
