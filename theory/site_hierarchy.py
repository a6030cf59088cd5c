"""The chain of layers with a hierarchy of overlaps in the site closure: k-step breaking on random data.

The counterpart of :mod:`theory.hierarchy` for neurons that share their site with their own gap. Common break
points ``0 < m_1 < ... < m_k < 1``, values ``q_i(l)``, ``Q_i(l)``, i = 0..k, and level by level

    lambda_i(l) = q_i(l-1) Q_i(l),                    eps_i(l) = Q_i(l+1) W_i(l+1)
    -(Q^-1)_i(l) = alpha q_i(l-1) W_i(l),             W(l), q(l) = site(lambda(l), eps(l))   (l < L)

with the output layer's own gap for ``W(L)``. A neuron's field holds the bond towards the output only, so one
map runs from the output to the input. Nothing is symmetric under ``l <-> L - l``: every frozen layer is
computed.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from theory import joint_recursion, spherical, terms
from theory.closures import CLOSURES, Closure, Moments
from theory.gaussian import Array
from theory.joint_recursion import JointRecursion
from theory.levels import Dual, Image, LevelChain, Levels
from theory.parisi import Recursion
from theory.spherical import Sphere


@dataclass(frozen=True)
class SiteEvaluation(Image):
    """``sites``: frozen hidden layers. ``output``: the gap of the last layer, None if its bond is liquid."""

    sites: dict[int, JointRecursion]
    output: Recursion | None


@dataclass(frozen=True)
class SiteChain(LevelChain[SiteEvaluation]):
    """The chain in the site closure."""

    @property
    def closure(self) -> Closure:
        """The closure of its symmetric limit."""
        return CLOSURES["site"]

    @cached_property
    def bonds(self) -> tuple[int, ...]:
        """Frozen weight layers."""
        return tuple(int(index) + 1 for index in np.flatnonzero(self.support.bonds))

    @cached_property
    def hidden(self) -> tuple[int, ...]:
        """Frozen hidden neuron layers."""
        return tuple(int(index) + 1 for index in np.flatnonzero(self.support.neurons[1:-1]))

    def unpack(self, x: Array) -> Levels:
        """All overlaps of packed unknowns (N,)."""
        rows = x.reshape(-1, self.levels)
        q, Q = np.zeros((self.depth + 1, self.levels)), np.zeros((self.depth, self.levels))
        q[[0, -1]] = 1.0
        Q[[layer - 1 for layer in self.bonds]] = rows[: len(self.bonds)]
        q[list(self.hidden)] = rows[len(self.bonds) :]
        return Levels(q, Q)

    def _unknowns(self, x: Array, size: int) -> tuple[dict[int, Dual], dict[int, Dual]]:
        """The overlaps Q by frozen bond, q by frozen neuron layer, with derivatives in all unknowns."""
        K = self.levels
        eye = np.eye(x.size, size)
        parts = [Dual(x[i : i + K], eye[i : i + K]) for i in range(0, x.size, K)]
        q = dict(zip(self.hidden, parts[len(self.bonds) :], strict=True))
        q[0] = Dual(np.ones(K), np.zeros((K, size)))
        return dict(zip(self.bonds, parts, strict=False)), q

    def evaluate(self, x: Array, jacobian: bool = True) -> SiteEvaluation:
        """One undamped map of packed overlaps ``x`` (N,), with its Jacobian."""
        K, size = self.levels, self.unknowns if jacobian else 0
        Q, q = self._unknowns(x, size)
        nothing = Dual(np.zeros(K), np.zeros((K, size)))
        output: Recursion | None = None
        sites: dict[int, JointRecursion] = {}
        spheres: dict[int, Sphere] = {}
        images_Q: dict[int, Dual] = {}
        images_q: dict[int, Dual] = {}
        eps, field = np.zeros((self.depth + 1, K)), nothing
        for layer in range(self.depth, 0, -1):
            bond = Q.get(layer)
            overlap = nothing if bond is None else q[layer - 1] * bond
            w = nothing
            if layer == self.depth and bond is not None:
                output = terms.interaction(self.potential, overlap.value, self.m, self.step)
                w = Dual(output.w, output.response @ overlap.slope if size else overlap.slope)
            elif layer in q:
                site = sites[layer] = joint_recursion.recursion(
                    self.potential, overlap.value, field.value, self.m, self.step
                )
                eps[layer] = field.value
                slope = np.vstack([overlap.slope, field.slope])
                if size:
                    slope = site.response @ slope
                w, images_q[layer] = Dual(site.w, slope[:K]), Dual(site.q, slope[K:])
            field = nothing
            if bond is not None:
                field = bond * w
                pull = (q[layer - 1] * w).times(self.alpha)
                # Rounding may leave a plateau falling by an ulp.
                answer = spheres[layer] = spherical.sphere(np.maximum.accumulate(pull.value), self.m)
                images_Q[layer] = Dual(answer.Q, answer.response @ pull.slope)
        images = [images_Q[layer] for layer in self.bonds] + [images_q[layer] for layer in self.hidden]
        return SiteEvaluation(
            self.unpack(x),
            np.concatenate([image.value for image in images]) if images else np.zeros(0),
            np.vstack([image.slope for image in images]) if images else np.zeros((0, size)),
            spheres,
            eps,
            sites,
            output,
        )

    def entropy(self, found: SiteEvaluation) -> float:
        """The functional s/n per N M at independent overlaps and the fields of their map.

        ``sum_l s_bond(Q)/alpha + A(lambda_L)
        + sum_hidden {value - eps_k/2 + sum_i (m_{i+1} - m_i) eps_i q_i/2}``.
        """
        gaps = np.diff(np.concatenate([[0.0], self.m, [1.0]]))
        total = sum(spherical.entropy(found.levels.Q[layer - 1], self.m) for layer in self.bonds) / self.alpha
        liquid = float(self.potential.value(np.full(1, -self.potential.margin), np.ones(1))[0])
        total += liquid if found.output is None else found.output.value
        for layer in range(1, self.depth):
            site = found.sites.get(layer)
            if site is None:
                total += math.log(2.0) + liquid
            else:
                pairing = np.sum(gaps * site.eps * found.levels.q[layer])
                total += site.value - 0.5 * float(site.eps[-1] - pairing)
        return float(total)

    def break_point_slope(self, found: SiteEvaluation) -> Array:
        """Derivative of the entropy in the break points at fixed overlaps and fields, shape (k,)."""
        total = np.zeros(self.m.size)
        for layer in self.bonds:
            total += spherical.break_point_slope(found.levels.Q[layer - 1], self.m) / (2.0 * self.alpha)
        if found.output is not None:
            total += np.diff(found.output.mean) / self.m
        for layer, site in found.sites.items():
            total += np.diff(site.mean) / self.m - 0.5 * np.diff(site.eps * found.levels.q[layer])
        return total

    def moments(self, found: SiteEvaluation) -> Moments:
        """Of the innermost level, every layer: what :func:`theory.stability.replicon` asks for.

        Of a liquid site, at a = h = 0: ``F_a = 0``, ``F_aa = f'' + f'^2``, ``F_ah = f'``, ``F_hh = 1``.
        """
        slopes = self.potential.slopes(np.full(1, -self.potential.margin), np.ones(1))
        first, second = float(slopes.first[0]), float(slopes.second[0])
        rows = [(0.0, (second + first**2) ** 2, first**2, 1.0)] * (self.depth - 1)
        for layer, site in found.sites.items():
            moments = np.sum(site.p[-1] * site.f[-1, 3:] ** 2, axis=(1, 2))
            rows[layer - 1] = (float(site.w[-1]), float(moments[0]), float(moments[1]), float(moments[2]))
        if found.output is None:
            rows.append((first**2, second**2, 0.0, 1.0))
        else:
            rows.append((float(found.output.w[-1]), float(found.output.chi[-1]), 0.0, 1.0))
        return Moments(*(np.array(column) for column in zip(*rows, strict=True)))
