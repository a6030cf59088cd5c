"""Following a curve of fixed points through its folds. Knows no physics.

The curve ``F(x, a) = x`` is walked by pseudo-arclength (Keller): predict along the tangent, correct by
Newton in the plane across it. Unlike steps in the parameter a, this goes around a fold, where the
tangent has no component along a; that zero is then located by root bracketing.
"""

from collections.abc import Callable
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


def find_fold(
    family: Family, x: Array, a: float, direction: int, stop: Callable[[Array, float], bool]
) -> Fold | None:
    """The first fold met when leaving the solution (x, a) with a growing (direction 1) or falling (-1).

    ``stop(x, a)`` ends the walk: None is returned. Raises NotConverged if the curve cannot be followed.
    """
    walk = _Walk(family)
    y = np.append(x, a)
    along = np.append(np.zeros_like(x), float(direction))
    length = 0.1
    while not stop(y[:-1], float(y[-1])):
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
        if after[-1] * direction <= 0.0:
            return _locate(walk, y, scale, tangent, length)
        # The direction of travel, in absolute units: scales change from step to step.
        along = after * scale / np.append(np.maximum(1.0, np.abs(found[:-1])), 1.0)
        y, length = found, min(2.0 * length, _LONGEST)
    return None


def _locate(walk: _Walk, y: Array, scale: Array, tangent: Array, length: float) -> Fold:
    """The fold within one step of ``length`` from y, where the tangent's component along a vanishes."""
    best = y

    def component(distance: float) -> float:
        nonlocal best
        found = walk.correct(y + scale * distance * tangent, scale, tangent)
        if found is None:
            raise NotConverged("a fold cannot be located", last=y)
        best = found
        return float(walk.tangent(found, scale, tangent)[-1])

    component(float(brentq(component, 0.0, length, xtol=1e-12)))
    return Fold(best[:-1], float(best[-1]))
