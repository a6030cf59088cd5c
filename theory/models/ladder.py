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
from theory.gaussian import Array

K_MAX = 200
"""Most levels: an evaluation takes k n^2 numbers of memory on n grid nodes."""

TOLERANCE = 1e-10
"""Residual at which overlaps are accepted; the last Newton step usually leaves 1e-15."""

_LIMIT = 400
_SHRINK = 0.1
_MARGINAL = 1.0 + 1e-6

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
    """Pseudo-transient continuation to a stable fixed point: ``((1 + 1/tau) - J) dx = F(x) - x``, tau grows.

    Degenerate roots (levels merged, or zero) that are unstable have an eigenvalue of J above 1: tau is kept
    below the time in which the instability grows, and no increment ``x_i - x_{i-1}`` shrinks by more than a
    factor 10 in one step, so they repel. Raises NotConverged.
    """
    x, image = start, mapping(start)
    best: Ladder[Term] | None = None
    tau = max(1.0, 0.1 / max(float(np.max(np.abs(image.value - x))), 1e-12))
    for evaluations in range(spent + 1, spent + _LIMIT + 1):
        gap = image.value - x
        size = float(np.max(np.abs(gap)))
        residual = float(np.max(np.abs(gap) / (1.0 - x)))
        rho = float(np.max(np.linalg.eigvals(image.jacobian).real))
        if best is not None and not residual < best.residual:
            return best
        if residual <= tolerance and rho <= _MARGINAL:
            # Once more: the error is the residual over 1 - rho, and Newton's last step is a cheap one.
            polished = best is not None
            best = Ladder(m, x, image.term, residual, rho, evaluations)
            if polished:
                return best
        if rho > 1.0:
            tau = min(tau, 0.5 / (rho - 1.0))
        step = np.linalg.solve((1.0 + 1.0 / tau) * np.eye(x.size) - image.jacobian, gap)
        rises = np.diff(x, prepend=0.0)
        trial = np.cumsum(np.maximum(rises + np.diff(step, prepend=0.0), _SHRINK * rises))
        highest = 1.0 - _SHRINK * (1.0 - x[-1])
        x = trial * min(1.0, highest / trial[-1]) if trial[-1] > 0.0 else trial
        image = mapping(x)
        shrunk = float(np.max(np.abs(image.value - x)))
        tau = min(1e12, tau * min(10.0, max(0.5, 2.0 * size / max(shrunk, 1e-300))))
    raise NotConverged(f"no stable overlaps after {_LIMIT} evaluations; residual {residual:.1e}", x, residual)


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
