"""Following a curve of fixed points through its folds. Knows no physics.

The curve ``F(x, a) = x`` is walked by pseudo-arclength (Keller): predict along the tangent, correct by
Newton in the plane across it. Unlike steps in the parameter a, this goes around a fold, where the
tangent has no component along a; that zero is then located by root bracketing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from deepglass.errors import NotConverged
from theory.gaussian import Array

_CORRECTIONS = 8
_SHORTEST = 1e-7
_LONGEST = 0.5


class Local(NamedTuple):
    """A family at one point: F - x, shape (K,), its Jacobian in x, (K, K), and derivative in a, (K,)."""

    gap: Array
    jacobian: Array
    parameter: Array


Family = Callable[[Array, float], Local]


@dataclass(frozen=True)
class Fold:
    """The point (x, a) of a curve at which a turns around."""

    x: Array
    a: float


class _Walk:
    """Predictor and corrector on (x, a) in units of ``max(1, |x|)`` at the start of each step."""

    def __init__(self, family: Family):
        self.family = family

    def matrix(self, y: Array, scale: Array) -> tuple[Array, Array]:
        """Gap and its derivative in scaled (x, a), shape (K, K+1)."""
        local = self.family(y[:-1], float(y[-1]))
        rows = np.column_stack([local.jacobian - np.eye(y.size - 1), local.parameter])
        return local.gap, rows * scale

    def tangent(self, y: Array, scale: Array, along: Array) -> Array:
        """Unit tangent (scaled) at y, with a positive component along a given direction."""
        _, rows = self.matrix(y, scale)
        vector = np.linalg.solve(np.vstack([rows, along]), np.append(np.zeros(y.size - 1), 1.0))
        return np.asarray(vector / np.linalg.norm(vector))

    def correct(self, y: Array, scale: Array, across: Array) -> Array | None:
        """Newton back to the curve in the plane perpendicular to ``across``; None if it fails."""
        previous = np.inf
        for _ in range(_CORRECTIONS):
            gap, rows = self.matrix(y, scale)
            try:
                step = np.linalg.solve(np.vstack([rows, across]), np.append(-gap, 0.0))
            except np.linalg.LinAlgError:
                return None
            size = float(np.max(np.abs(step)))
            if not size < 2.0 * previous or size > 1.0:
                return None
            y = y + scale * step
            if size < 1e-9:
                return y
            previous = size
        return None


class _Step(NamedTuple):
    """One accepted step: from y along ``length`` of a tangent (scaled) to ``found``, tangent ``after``."""

    y: Array
    scale: Array
    tangent: Array
    length: float
    found: Array
    after: Array


def _steps(walk: _Walk, x: Array, a: float, direction: int) -> Iterator[_Step]:
    """Walk along the curve from (x, a), through its folds. Raises NotConverged if it cannot be followed."""
    y = np.append(x, a)
    along = np.append(np.zeros_like(x), float(direction))
    length = 0.1
    while True:
        scale = np.append(np.maximum(1.0, np.abs(y[:-1])), 1.0)
        tangent = walk.tangent(y, scale, along)
        found = None
        while found is None:
            found = walk.correct(y + scale * length * tangent, scale, tangent)
            if (
                found is not None
                and float(np.max(np.abs((found - y) / scale - length * tangent))) > 0.1 * length
            ):
                found = None
            if found is None:
                length *= 0.5
                if length < _SHORTEST:
                    raise NotConverged("a branch of solutions cannot be followed", last=y)
        after = walk.tangent(found, scale, tangent)
        yield _Step(y, scale, tangent, length, found, after)
        # The direction of travel, in absolute units: scales change from step to step.
        along = after * scale / np.append(np.maximum(1.0, np.abs(found[:-1])), 1.0)
        y, length = found, min(2.0 * length, _LONGEST)


def find_fold(
    family: Family, x: Array, a: float, direction: int, stop: Callable[[Array, float], bool]
) -> Fold | None:
    """The first fold met when leaving the solution (x, a) with a growing (direction 1) or falling (-1).

    ``stop(x, a)`` ends the walk: None is returned. Raises NotConverged if the curve cannot be followed.
    """
    if stop(x, a):
        return None
    walk = _Walk(family)
    for step in _steps(walk, x, a, direction):
        if step.after[-1] * direction <= 0.0:
            return Fold(*_locate(walk, step, lambda y, tangent: float(tangent[-1])))
        if stop(step.found[:-1], float(step.found[-1])):
            return None
    raise AssertionError("the walk ends by returning or raising")


@dataclass(frozen=True)
class Trace:
    """A stretch of a curve: points x (T, K) at a (T,), and the folds met, with the index of the point
    before each.
    """

    x: Array
    a: Array
    folds: tuple[tuple[int, Fold], ...]


def trace(
    family: Family,
    x: Array,
    a: float,
    direction: int,
    stop: Callable[[Array, float], bool],
    limit: int = 2_000,
) -> Trace:
    """The curve left from the solution (x, a) with a growing (direction 1) or falling (-1), through its
    folds.

    Ends at the first point where ``stop(x, a)`` holds (included), or after ``limit`` points. Raises
    NotConverged if the curve cannot be followed.
    """
    points = [np.append(x, a)]
    folds: list[tuple[int, Fold]] = []
    walk = _Walk(family)
    for step in _steps(walk, x, a, direction):
        if step.after[-1] * step.tangent[-1] < 0.0:
            fold = Fold(*_locate(walk, step, lambda y, tangent: float(tangent[-1])))
            folds.append((len(points) - 1, fold))
        points.append(step.found)
        if stop(step.found[:-1], float(step.found[-1])) or len(points) >= limit:
            break
    y = np.array(points)
    return Trace(y[:, :-1], y[:, -1], tuple(folds))


def at_parameter(family: Family, x: Array, a: float) -> Array:
    """The solution at a nearest to ``x``, by Newton steps. Raises NotConverged if they do not contract."""
    y, scale = np.append(x, a), np.append(np.maximum(1.0, np.abs(x)), 1.0)
    found = _Walk(family).correct(y, scale, np.append(np.zeros_like(x), 1.0))
    if found is None:
        raise NotConverged("a point on a branch cannot be located", last=y)
    return np.asarray(found[:-1])


def reach_zero(family: Family, x: Array, a: float) -> Array:
    """The x at which the curve through (x, a > 0), left with a falling, first meets a = 0.

    Folds on the way are walked around. Raises NotConverged if the curve cannot be followed.
    """
    walk = _Walk(family)
    for step in _steps(walk, x, a, -1):
        if step.found[-1] <= 0.0:
            return _locate(walk, step, lambda y, tangent: float(y[-1]))[0]
    raise AssertionError("the walk ends by returning or raising")


def _locate(walk: _Walk, step: _Step, sign: Callable[[Array, Array], float]) -> tuple[Array, float]:
    """The point (x, a) within one step where a function of position and tangent vanishes."""
    best = step.y

    def value(distance: float) -> float:
        nonlocal best
        found = walk.correct(step.y + step.scale * distance * step.tangent, step.scale, step.tangent)
        if found is None:
            raise NotConverged("a point on a branch cannot be located", last=step.y)
        best = found
        return sign(found, walk.tangent(found, step.scale, step.tangent))

    value(float(brentq(value, 0.0, step.length, xtol=1e-12)))
    return best[:-1], float(best[-1])
