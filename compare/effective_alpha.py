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

    A scan in ln alpha, then a bounded search around its minimum. The fit is undefined where the
    distance is as small at an end of the scanned range (0.1 to 1e6, or the end of the branch): below
    the first transition the theory is liquid for every alpha, and a profile more solid than any on
    the branch has no best alpha.
    """
    measured = np.asarray(q, dtype=float)
    if not np.isfinite(measured).all():
        raise InvalidInput("measured overlaps are missing: alpha_eff needs at least 2 replicas")
    depth = len(measured) - 1

    def distance(log_alpha: float) -> float:
        try:
            predicted = solve_profile(scenario, depth, math.exp(log_alpha), margin, branch).q
        except NoSolution:
            return math.inf
        return float(np.sqrt(np.mean((predicted - measured)[1:-1] ** 2)))

    decades = math.log10(HIGHEST / LOWEST)
    grid = np.linspace(math.log(LOWEST), math.log(HIGHEST), round(decades * PER_DECADE) + 1)
    values = np.array([distance(x) for x in grid])
    exists = np.flatnonzero(np.isfinite(values))
    if exists.size == 0:
        return EffectiveAlpha(math.nan, math.nan, "the branch exists nowhere in the scanned range")
    best = int(np.argmin(values))
    if values[best] >= values[exists[0]]:
        reason = "the profile is liquid: every small alpha fits as well"
        return EffectiveAlpha(math.nan, float(values[best]), reason)
    if best == len(grid) - 1:
        reason = f"no alpha <= {HIGHEST:g} on this branch is as solid as the measurement"
        return EffectiveAlpha(math.nan, float(values[best]), reason)
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    found = minimize_scalar(distance, bounds=(low, high), method="bounded", options={"xatol": 1e-4})
    if found.fun <= values[best]:
        return EffectiveAlpha(math.exp(float(found.x)), float(found.fun))
    return EffectiveAlpha(math.exp(float(grid[best])), float(values[best]))
