"""Ladders of overlaps ``0 <= x_0 <= ... <= x_k < 1`` that a map returns unchanged, and their break points.

Knows no physics beyond that order: models hand in the map with its Jacobian, and the derivative of their
functional in the break points.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from scipy.special import expit, logit

from deepglass import checks
from deepglass.errors import InvalidInput, NotConverged
from theory.flow import Mapped, relax
from theory.gaussian import Array

K_MAX = 200
"""Most levels: an evaluation takes k n^2 numbers of memory on n grid nodes."""

TOLERANCE = 1e-10
"""Residual at which overlaps are accepted; the last Newton step usually leaves 1e-15."""

_LIMIT = 400

_NEWTON = 40
_NUDGE = 0.02
_STRIDE = 0.5
_SETTLED = 1e-6
_NOISY = 1e-2
"""Steps below this that no longer halve are noise: next to a transition s hardly depends on break points."""

_MERGED = 1e-5
_FLAT = 1e-12

Term = TypeVar("Term")


class Image(NamedTuple, Generic[Term]):
    """One undamped map of overlaps x (K,): ``value`` (K,), ``jacobian`` (K, K), and the solved ``term``."""

    value: Array
    jacobian: Array
    term: Term


@dataclass(frozen=True)
class Ladder(Generic[Term]):
    """A stable fixed point ``x`` (k+1,) at break points ``m`` (k,).

    ``residual``: largest change under one undamped map relative to ``1 - x``. ``rho``: largest real part of
    an eigenvalue of the map's Jacobian, at most 1 (1: marginal). ``evaluations`` of the map so far.
    """

    m: Array
    x: Array
    term: Term
    residual: float
    rho: float
    evaluations: int


def climb(
    mapping: Callable[[Array], Image[Term]], m: Array, start: Array, tolerance: float, spent: int = 0
) -> Ladder[Term]:
    """The stable fixed point to which the flow from ``start`` (k+1,) goes (:mod:`theory.flow`).

    ``spent``: evaluations before this one. Raises NotConverged.
    """
    found = relax(lambda x: Mapped(*mapping(x)[:2]), start, start.size, tolerance=tolerance, limit=_LIMIT)
    term = mapping(found.x).term
    return Ladder(m, found.x, term, found.residual, found.rho, spent + found.evaluations + 1)


def optimise(
    solve: Callable[[Array, Array | None, int], Ladder[Term]],
    slope: Callable[[Ladder[Term]], Array],
    m: Array,
) -> Ladder[Term]:
    """Newton's method for break points at which ``slope`` (k,), the derivative of the functional, vanishes.

    ``solve`` takes break points, a start (or None) and the evaluations spent. In logits of ``m_i/m_{i+1}``,
    by finite differences of solutions; slopes are divided by ``(x_i - x_{i-1})^2``, with which they vanish:
    the functional does not depend on a break point between merged levels. Where it does not depend on any to
    rounding, as next to a transition, the last ones are returned. Raises NotConverged.
    """

    def points(u: Array) -> Array:
        return np.asarray(np.cumprod(expit(u)[::-1])[::-1])

    def scaled(ladder: Ladder[Term]) -> Array:
        return np.asarray(slope(ladder) / np.diff(ladder.x) ** 2)

    u = logit(m / np.append(m[1:], 1.0))
    ladder = solve(m, None, 0)
    last = math.inf
    for _ in range(_NEWTON):
        if np.min(np.diff(ladder.x)) < _MERGED or np.max(np.abs(slope(ladder))) < _FLAT:
            return ladder
        here = scaled(ladder)
        jacobian = np.empty((u.size, u.size))
        spent = ladder.evaluations
        for j in range(u.size):
            there = solve(points(u + _NUDGE * (np.arange(u.size) == j)), ladder.x, spent)
            jacobian[:, j] = (scaled(there) - here) / _NUDGE
            spent = there.evaluations
        step = -np.linalg.solve(jacobian, here)
        size = float(np.max(np.abs(step)))
        u = u + step * (_STRIDE / max(size, _STRIDE))
        ladder = solve(points(u), ladder.x, spent)
        if size < _SETTLED or (last < _NOISY and size > 0.5 * last):
            return ladder
        last = size
    raise NotConverged(f"no stationary break points: still moving by {last:.1e}", ladder, last)


def given(k: int, break_points: Sequence[float] | Array | None) -> tuple[int, Array | None]:
    """Checked number of break points, and the break points where they are given. Raises InvalidInput."""
    if break_points is None:
        return checks.integer("k", k, 0, K_MAX), None
    m = np.asarray(break_points, dtype=np.float64)
    ends = np.concatenate([[0.0], m.ravel(), [1.0]])
    if m.ndim != 1 or not np.all(np.diff(ends) > 0.0):
        raise InvalidInput("break_points must increase strictly between 0 and 1")
    return checks.integer("len(break_points)", m.size, 0, K_MAX), m


def gaps(m: Array) -> Array:
    """``D_i = m_{i+1} - m_i``, shape (k+1,): the share of x at which level i is the overlap."""
    return np.asarray(np.diff(np.concatenate([[0.0], m, [1.0]])))
