"""The extreme solutions of a chain: the least and the greatest fixed point of its map.

Where the map is monotone (:mod:`theory.network`) the least fixed point is climbed to from below and the
greatest descended to from above, with no other branch in between (:mod:`theory.solve`).
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from theory import measures
from theory.gaussian import Array
from theory.network import Chain
from theory.overlaps import Overlaps, Support
from theory.solve import Certificate, Map, fixed_point

_LOOSE = 1e-2


@dataclass(frozen=True)
class SaddlePoint:
    """A solution of a chain: frozen layers, logits of their overlaps (K,), certificate."""

    chain: Chain
    support: Support
    x: Array
    certificate: Certificate

    @property
    def overlaps(self) -> Overlaps:
        """All overlaps, liquid layers exactly 0."""
        return self.chain.overlaps(self.support, self.x)

    @property
    def eps(self) -> Array:
        """Fields of the neuron layers 0..L (0 at the boundaries), shape (L+1,)."""
        return self.chain.linearised(self.support, self.x).eps

    @property
    def entropy(self) -> float:
        """The functional at the solution."""
        return self.chain.entropy(self.overlaps, self.eps)

    @property
    def has_liquid(self) -> bool:
        """Whether a hidden layer has no overlap."""
        return not all(self.support.hidden)


def _map(chain: Chain, support: Support) -> Map:
    return lambda x: chain.linearised(support, x).image


def whole(chain: Chain) -> Support:
    """Every layer frozen."""
    return Support((True,) * (chain.depth - 1))


def _extend(chain: Chain, old: Support, x: Array, new: Support) -> Array:
    """A sub-solution on a larger support: the old one, and infinitesimal overlaps in the added layers."""
    L = chain.depth
    point = chain.overlaps(old, x)
    logits = np.full(2 * L + 1, -np.inf)
    logits[old.unknowns] = x
    added = new.neurons & ~old.neurons
    growth, pull = chain.onset(point.q)
    excess = np.concatenate([[0.0], growth - 1.0, [0.0]])
    bonds = np.flatnonzero(new.bonds & ~old.bonds)
    # A bond pulls with w(0), unless it ends in a layer that is only beginning to freeze.
    pulls = np.append(pull, 0.0)
    pulls[~added[1:]] = measures.interaction_at_zero(chain.potential)
    mapping = _map(chain, new)
    seed = 1e-2
    while True:
        q = np.where(added, seed * np.minimum(1.0, excess), point.q)
        logits[: L + 1][added] = np.log(q[added]) - np.log1p(-q[added])
        logits[L + 1 + bonds] = chain.weight_seed(q[bonds], q[bonds + 1], pulls[bonds])
        start = logits[new.unknowns]
        if seed < 1e-12 or np.all(mapping(start).value >= start - 1e-13 * (1.0 + np.abs(start))):
            return start
        seed *= 0.1


def least(chain: Chain, allowed: Support | None = None) -> SaddlePoint:
    """The least fixed point: the continuous branch where it exists.

    Liquid layers next to frozen ones are added to the support while an infinitesimal overlap grows; layers
    outside ``allowed`` stay liquid, grow or not.
    """
    support = Support((False,) * (chain.depth - 1))
    mask = np.array((allowed or whole(chain)).hidden, dtype=bool)
    frozen = np.ones(int(support.bonds.sum()))
    x = chain.weight_seed(frozen, frozen, measures.interaction_at_zero(chain.potential) * frozen)
    point, evaluations = chain.overlaps(support, x), 0
    certificate, settled = Certificate(0.0, 0, reason="every layer is liquid"), x.size == 0
    while True:
        grows = mask & (chain.onset(point.q).growth > 1.0 + 1e-13)
        enlarged = Support(tuple(bool(a or b) for a, b in zip(support.hidden, grows, strict=True)))
        if enlarged == support and settled:
            return SaddlePoint(chain, support, x, replace(certificate, evaluations=evaluations))
        if enlarged == support:
            solution, settled = fixed_point(_map(chain, support), x, 1, noise=chain.closure.noise), True
        else:
            x, support = _extend(chain, support, x, enlarged), enlarged
            solution, settled = (
                fixed_point(_map(chain, support), x, 1, loose=_LOOSE, noise=chain.closure.noise),
                False,
            )
        x, certificate = solution.x, solution.certificate
        evaluations += certificate.evaluations
        point = chain.overlaps(support, x)


def greatest(chain: Chain) -> SaddlePoint:
    """The greatest fixed point of a teacher-student chain, descended to from all overlaps near 1.

    Near 1, ``w ~ (1 - lambda)^(-1/2)``, so the logit y of Q maps to ``y/2 + const``: a super-solution.
    Layers whose overlap tends to 0 are found by :func:`least`, which then is the only fixed point.
    """
    support, L = whole(chain), chain.depth
    y = 2.0 * math.log1p(chain.alpha * (1.0 + abs(chain.potential.margin))) + 2.0
    while True:
        # One map at q = 1 bounds the hidden overlaps from above.
        x = np.append(np.full(L - 1, np.inf), np.full(L, y))
        x = np.append(chain.linearised(support, x).image.value[: L - 1], np.full(L, y))
        if np.all(chain.linearised(support, x).image.value <= x):
            break
        y += 2.0
    solution = fixed_point(_map(chain, support), x, -1, noise=chain.closure.noise)
    return SaddlePoint(chain, support, solution.x, solution.certificate)
