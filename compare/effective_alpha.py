"""The storage ratio at which the theory's profile is most like a measured one."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar

from deepglass.errors import InvalidInput, NoSolution
from theory import solve_profile

LOWEST, HIGHEST = 0.1, 1e6
PER_DECADE = 8


@dataclass(frozen=True)
class EffectiveAlpha:
    """``alpha`` minimises the root-mean-square distance ``rms`` over hidden layers; NaN if undefined.

    ``reason`` says why it is undefined, or is empty.
    """

    alpha: float
    rms: float
    reason: str = ""


def fit(q: ArrayLike, scenario: str, margin: float = 0.0, branch: str = "continuous") -> EffectiveAlpha:
    """Fit alpha to a measured profile q_0..q_L (L >= 2) on one branch of the theory.

    A scan in ln alpha over the part of 0.1 to 1e6 where the branch exists, then a bounded search around
    its minimum. The fit is undefined where an end of that range fits best: below the first transition
    the theory is liquid for every alpha, and a profile may be more solid than any on the branch.
    Raises InvalidInput if an overlap is missing.
    """
    measured = np.asarray(q, dtype=float)
    if not np.isfinite(measured).all():
        raise InvalidInput("measured overlaps are missing: alpha_eff needs at least 2 replicas")
    depth = len(measured) - 1

    def distance(log_alpha: float) -> float:
        predicted = solve_profile(scenario, depth, math.exp(log_alpha), margin, branch).q
        return float(np.sqrt(np.mean((predicted - measured)[1:-1] ** 2)))

    grid: list[float] = []
    values: list[float] = []
    decades = math.log10(HIGHEST / LOWEST)
    for log_alpha in np.linspace(math.log(LOWEST), math.log(HIGHEST), round(decades * PER_DECADE) + 1):
        try:
            values.append(distance(log_alpha))
            grid.append(log_alpha)
        except NoSolution:
            if grid:  # past the end of the branch
                break
    if not grid:
        return EffectiveAlpha(math.nan, math.nan, "the branch exists nowhere in the scanned range")
    best = int(np.argmin(values))
    if values[best] >= values[0]:
        reason = "the profile is liquid: every small alpha fits as well"
        return EffectiveAlpha(math.nan, values[best], reason)
    if best == len(grid) - 1:
        reason = (
            f"up to {math.exp(grid[-1]):.3g}, the end of the branch or of the scan, larger alpha fits better"
        )
        return EffectiveAlpha(math.nan, values[best], reason)
    bracket = (grid[best - 1], grid[best + 1])
    found = minimize_scalar(distance, bounds=bracket, method="bounded", options={"xatol": 1e-4})
    alpha, rms = min(((found.fun, found.x), (values[best], grid[best])))[::-1]
    return EffectiveAlpha(math.exp(float(alpha)), float(rms))
