"""The distribution of overlaps of a layer, and how the hierarchy simplifies from layer to layer."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deepglass.errors import InvalidInput
from theory.gaussian import Array

TOLERANCE = 1e-9
"""Overlaps this close are one level of a hierarchy; below it an overlap is 0."""


@dataclass(frozen=True)
class Distribution:
    """P(q) of a layer: delta functions at ``values`` (n,), in growing order, of positive ``weights`` (n,)."""

    values: Array
    weights: Array

    @property
    def support(self) -> tuple[float, float]:
        """The smallest and the largest overlap."""
        return float(self.values[0]), float(self.values[-1])

    def moment(self, order: int) -> float:
        """``INT dq P(q) q^order``."""
        return float(self.weights @ self.values**order)

    @property
    def mean(self) -> float:
        """The average overlap, ``INT_0^1 dx q(x)``."""
        return self.moment(1)

    @property
    def variance(self) -> float:
        """``<q^2> - <q>^2``, 0 for one delta."""
        return float(self.weights @ (self.values - self.mean) ** 2)


@dataclass(frozen=True)
class Continuous:
    """The part of P(q) that is neither a delta at 0 nor the plateau at the largest overlap.

    ``width``: its extent in q, 0 for a single delta; ``weight``: its probability. With k levels the width is
    approached from below, as 1/k.
    """

    width: float
    weight: float


def overlap_distribution(
    m: npt.ArrayLike, values: npt.ArrayLike, tolerance: float = TOLERANCE
) -> Distribution:
    """P(q) of a hierarchy: weight ``m_{i+1} - m_i`` at ``v_i``, i = 0..k, with m_0 = 0 and m_{k+1} = 1.

    ``P(q) = dx/dq`` of the Parisi function q(x) (Parisi, Phys. Rev. Lett. 50, 1946 (1983)). ``m`` (k,): break
    points in (0, 1], not falling; ``values`` (k+1,), not falling. Values within ``tolerance`` of the smallest
    of a group are merged at their average, values without weight dropped. Raises InvalidInput otherwise.

    >>> found = overlap_distribution([0.25, 0.75], [0.0, 0.5, 1.0])
    >>> found.values.tolist(), found.weights.tolist(), found.mean
    ([0.0, 0.5, 1.0], [0.25, 0.5, 0.25], 0.5)
    """
    breaks, overlaps = np.asarray(m, dtype=float), np.asarray(values, dtype=float)
    if breaks.ndim != 1 or overlaps.shape != (breaks.size + 1,):
        raise InvalidInput(
            f"values of shape {overlaps.shape} must be one more than the {breaks.size} break points"
        )
    edges = np.concatenate([[0.0], breaks, [1.0]])
    weights = np.diff(edges)
    if not (np.isfinite(edges).all() and np.all(weights >= 0.0) and np.all(breaks > 0.0)):
        raise InvalidInput(f"break points {breaks} must lie in (0, 1] and not fall")
    if not (np.isfinite(overlaps).all() and np.all(np.diff(overlaps) >= -tolerance)):
        raise InvalidInput(f"overlaps {overlaps} must be finite and not fall from level to level")
    kept = weights > 0.0
    value, weight = np.sort(overlaps)[kept], weights[kept]
    starts = [0]
    for i, v in enumerate(value):
        if v - value[starts[-1]] > tolerance:
            starts.append(i)
    first = np.repeat(value[starts], np.diff([*starts, value.size]))
    mass = np.add.reduceat(weight, starts)
    return Distribution(value[starts] + np.add.reduceat(weight * (value - first), starts) / mass, mass)


def _zeros(distribution: Distribution, tolerance: float) -> int:
    """1 if the lowest delta sits at 0, else 0."""
    return int(abs(distribution.values[0]) <= tolerance)


def continuous_width(m: npt.ArrayLike, values: npt.ArrayLike, tolerance: float = TOLERANCE) -> Continuous:
    """How much of a hierarchy lies between liquid and plateau; arguments of :func:`overlap_distribution`.

    0 for replica symmetry and for one step of its breaking from q = 0.
    """
    return _between(overlap_distribution(m, values, tolerance), tolerance)


def _between(found: Distribution, tolerance: float) -> Continuous:
    kept = slice(_zeros(found, tolerance), -1)
    values, weights = found.values[kept], found.weights[kept]
    if values.size == 0:
        return Continuous(0.0, 0.0)
    return Continuous(float(values[-1] - values[0]), float(weights.sum()))


@dataclass(frozen=True)
class LayerHierarchy:
    """What is left of the hierarchy in each of n layers; every array has shape (n,).

    ``q_EA``: the innermost overlap q_k; ``mean``: ``INT_0^1 dx q(x)``; ``lowest``, ``highest``: support of
    P(q); ``width``, ``weight``: of its continuous part (:class:`Continuous`); ``zero``: weight at q = 0;
    ``levels``: number of distinct overlaps, 1 in a layer without hierarchy.
    """

    q_EA: Array
    mean: Array
    lowest: Array
    highest: Array
    width: Array
    weight: Array
    zero: Array
    levels: npt.NDArray[np.int64]


def hierarchy_by_layer(m: npt.ArrayLike, q: npt.ArrayLike, tolerance: float = TOLERANCE) -> LayerHierarchy:
    """The hierarchy of each layer: overlaps q of shape (n, k+1) at shared break points m, shape (k,).

    ``q`` may be those of the neuron layers 0..L or of the weight layers 1..L. Raises InvalidInput as
    :func:`overlap_distribution`.
    """
    rows = np.asarray(q, dtype=float)
    if rows.ndim != 2 or len(rows) == 0:
        raise InvalidInput(f"q of shape {rows.shape} must have one row of overlaps for each layer")
    found = [overlap_distribution(m, row, tolerance) for row in rows]
    part = [_between(p, tolerance) for p in found]
    return LayerHierarchy(
        q_EA=rows[:, -1].copy(),
        mean=np.array([p.mean for p in found]),
        lowest=np.array([p.support[0] for p in found]),
        highest=np.array([p.support[1] for p in found]),
        width=np.array([c.width for c in part]),
        weight=np.array([c.weight for c in part]),
        zero=np.array([float(p.weights[: _zeros(p, tolerance)].sum()) for p in found]),
        levels=np.array([p.values.size for p in found]),
    )
