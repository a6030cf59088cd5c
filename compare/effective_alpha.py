"""The storage ratio at which the theory's profile is most like a measured one."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar

from deepglass.errors import InvalidInput, NoSolution
from theory import solve_profile

LOWEST, HIGHEST = 0.1, 1e6
PER_DECADE = 8


@dataclass(frozen=True)
class EffectiveAlpha:
    """The storage ratio ``alpha`` that minimises ``rms``, the root-mean-square distance over hidden layers.

    ``bound`` is empty for a minimum inside the scanned range. "lower": larger alpha fits ever better up to
    ``alpha``, the end of the scan or of the branch; the measurement is more solid than the theory gets.
    "upper": every alpha up to ``alpha`` fits equally well, because the theory is liquid there.
    """

    alpha: float
    rms: float
    bound: str = ""

    def __str__(self) -> str:
        """E.g. ``12.3``, ``>= 1e+06`` or ``<= 2.47``."""
        sign = {"": "", "lower": ">= ", "upper": "<= "}[self.bound]
        return f"{sign}{self.alpha:.3g}"


def fit(q: ArrayLike, scenario: str, margin: float = 0.0, branch: str = "continuous") -> EffectiveAlpha:
    """Fit alpha to a measured profile q_0..q_L (L >= 2) on one branch of the theory.

    A scan in ln alpha over the part of 0.1 to 1e6 where the branch exists, then a bounded search around
    its minimum. Raises InvalidInput if an overlap is missing, NoSolution if the branch exists nowhere there.
    """
    measured = np.asarray(q, dtype=float)
    if not np.isfinite(measured).all():
        raise InvalidInput("measured overlaps are missing: alpha_eff needs at least 2 replicas")
    depth = len(measured) - 1

    def distance(log_alpha: float) -> float:
        predicted = solve_profile(scenario, depth, math.exp(log_alpha), margin, branch).q
        return float(np.sqrt(np.mean((predicted - measured)[1:-1] ** 2)))

    grid, values = _scan(distance)
    best = int(np.argmin(values))
    if values[best] >= values[0]:
        flat = int(np.argmax(values > values[0])) - 1  # last of the leading equal values
        return EffectiveAlpha(math.exp(grid[flat]), float(values[0]), "upper")
    if best == len(grid) - 1:
        return EffectiveAlpha(math.exp(grid[best]), float(values[best]), "lower")
    bracket = (grid[best - 1], grid[best + 1])
    found = minimize_scalar(distance, bounds=bracket, method="bounded", options={"xatol": 1e-4})
    if found.fun < values[best]:
        return EffectiveAlpha(math.exp(float(found.x)), float(found.fun))
    return EffectiveAlpha(math.exp(grid[best]), float(values[best]))


def _scan(distance: Callable[[float], float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """ln alpha and distance wherever the branch exists; a branch exists on one interval of alpha."""
    points: list[tuple[float, float]] = []
    missing: NoSolution | None = None
    decades = math.log10(HIGHEST / LOWEST)
    for log_alpha in np.linspace(math.log(LOWEST), math.log(HIGHEST), round(decades * PER_DECADE) + 1):
        try:
            points.append((log_alpha, distance(log_alpha)))
        except NoSolution as error:
            missing = error
            if points:  # past its end
                break
    if not points:
        assert missing is not None
        raise missing
    grid, values = np.array(points).T
    return grid, values
