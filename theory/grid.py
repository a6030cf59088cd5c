"""Grids of fields that are fine around a feature and widen geometrically away from it.

``nu(h) = asinh((h - c)/s)/step + (h - c)/cap`` numbers the nodes: spacing ``step * s`` at the centre c,
growing as ``step * |h - c|``, never above ``cap``. Smooth functions with a feature of width s are smooth in
nu, so trapezoidal sums, polynomial interpolation and finite differences in nu all converge spectrally
(compare :mod:`theory.gaussian`, the same grading for one average).
"""

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from deepglass.errors import NotConverged
from theory.gaussian import Array

FEWEST = 28
"""Fewest nodes of a grid: interpolation needs more than one stencil."""

MOST = 4000
"""Most nodes of a grid: an iteration that asks for more has left for a frozen state it cannot represent."""

_DIFFERENCE = 10
"""Neighbours of the finite difference in nu (half to either side)."""


@dataclass(frozen=True)
class Grid:
    """Nodes from ``low`` to ``high`` (both nodes), graded around ``centre`` with width ``scale``."""

    low: float
    high: float
    centre: float
    scale: float
    step: float = 0.1
    cap: float = math.inf

    def _number(self, h: Array | float) -> Array:
        x = np.asarray(h) - self.centre
        return np.asarray(np.arcsinh(x / self.scale) / self._step + x / self._cap)

    @cached_property
    def _coarse(self) -> float:
        x = np.array([self.low, self.high]) - self.centre
        number = np.arcsinh(x / self.scale) / self.step + x / self.cap
        return float(number[1] - number[0])

    @cached_property
    def _intervals(self) -> int:
        if not self._coarse <= MOST:
            raise NotConverged(f"a field needs {self._coarse:.3g} grid nodes, more than {MOST}", last=self)
        return max(FEWEST - 1, math.ceil(self._coarse))

    @cached_property
    def _step(self) -> float:
        return self.step * self._coarse / self._intervals

    @cached_property
    def _cap(self) -> float:
        return self.cap * self._coarse / self._intervals

    @cached_property
    def layout(self) -> tuple[float, float, float, float, float]:
        """(centre, scale, step, cap, number of the first node), for compiled code."""
        return self.centre, self.scale, self._step, self._cap, float(self._number(self.low))

    @cached_property
    def offset(self) -> Array:
        """Nodes counted from the centre, shape (n,): exact where the feature is narrow."""
        wanted = float(self._number(self.low)) + np.arange(self._intervals + 1)
        x = self.scale * np.sinh(np.clip(wanted * self._step, -300.0, 300.0))
        ends = self.low - self.centre, self.high - self.centre
        x = np.clip(x, *ends)
        for _ in range(60):
            slope = 1.0 / (self._step * np.hypot(self.scale, x)) + 1.0 / self._cap
            change = (np.arcsinh(x / self.scale) / self._step + x / self._cap - wanted) / slope
            x = np.clip(x - change, *ends)
            if np.all(np.abs(change) <= 1e-15 * np.hypot(self.scale, x)):
                break
        return np.asarray(x)

    @cached_property
    def h(self) -> Array:
        """Nodes, shape (n,)."""
        return self.centre + self.offset

    @cached_property
    def spacing(self) -> Array:
        """dh/dnu at the nodes, shape (n,): the weights of the trapezoidal rule."""
        return np.asarray(1.0 / (1.0 / (self._step * np.hypot(self.scale, self.offset)) + 1.0 / self._cap))

    @cached_property
    def log_spacing(self) -> Array:
        """Logarithm of the spacing, shape (n,)."""
        return np.asarray(np.log(self.spacing))

    @cached_property
    def derivative(self) -> Array:
        """Matrix of d/dh by finite differences in nu, shape (n, n)."""
        n = self._intervals + 1
        matrix = np.zeros((n, n))
        for a in range(n):
            first = min(max(a - _DIFFERENCE // 2, 0), n - _DIFFERENCE - 1)
            matrix[a, first : first + _DIFFERENCE + 1] = _difference(first - a)
        return np.asarray(matrix / self.spacing[:, None])


@lru_cache(maxsize=2 * _DIFFERENCE)
def _difference(first: int) -> Array:
    """Weights of the first derivative at 0 from values at the integers from ``first`` (<= 0) on."""
    offsets = np.arange(first, first + _DIFFERENCE + 1)
    powers = np.vander(offsets.astype(np.float64), increasing=True).T
    wanted = np.zeros(offsets.size)
    wanted[1] = 1.0
    return np.asarray(np.linalg.solve(powers, wanted))
