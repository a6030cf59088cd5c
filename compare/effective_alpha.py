"""The storage ratio at which the theory's profile is most like a measured one."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar

from deepglass.errors import InvalidInput, NoSolution
from theory import solve_profile

LOWEST, HIGHEST = 0.1, 1e6
PER_DECADE = 8
MEANING = {
    "": "",
    "lower": "it ends the branch or the scan, and the measurement is more solid than the theory there",
    "upper": "it begins the branch, or the theory is as liquid for every smaller alpha",
}
_INSIDE = 1e-9
"""How far inside the end of a branch, in ln alpha, its last profile is taken."""


@dataclass(frozen=True)
class EffectiveAlpha:
    """The storage ratio ``alpha`` that minimises ``rms``, the root-mean-square distance over hidden layers.

    ``bound`` is empty for a minimum inside the range; otherwise ``alpha`` is a bound, see MEANING.
    """

    alpha: float
    rms: float
    bound: Literal["", "lower", "upper"] = ""

    def __str__(self) -> str:
        """E.g. ``12.3``, ``>= 1e+06`` or ``<= 2.47``."""
        sign = {"": "", "lower": ">= ", "upper": "<= "}[self.bound]
        return f"{sign}{self.alpha:.3g}"


@dataclass(frozen=True)
class _Curve:
    """One branch of the theory as a function of ln alpha."""

    scenario: str
    depth: int
    margin: float
    branch: str
    closure: str
    potential: str
    beta: float | None

    @lru_cache(maxsize=4096)  # noqa: B019  (curves are few and small; the scan is the same for every run)
    def __call__(self, log_alpha: float) -> NDArray[np.float64]:
        return solve_profile(
            self.scenario,
            self.depth,
            math.exp(log_alpha),
            self.margin,
            self.branch,
            closure=self.closure,
            potential=self.potential,
            beta=self.beta,
        ).q

    @lru_cache(maxsize=64)  # noqa: B019
    def grid(self) -> NDArray[np.float64]:
        """ln alpha from 0.1 to 1e6, cut to where the branch exists, its ends included."""
        points: list[float] = []
        decades = math.log10(HIGHEST / LOWEST)
        edge: float | None = None
        for x in np.linspace(math.log(LOWEST), math.log(HIGHEST), round(decades * PER_DECADE) + 1):
            try:
                self(float(x))
            except NoSolution as error:
                edge = error.limit
                if points:  # past its end
                    break
                continue
            if not points and edge is not None and math.log(edge) + _INSIDE < x:
                points.append(math.log(edge) + _INSIDE)
                edge = None
            points.append(float(x))
        if points and edge is not None and math.log(edge) - _INSIDE > points[-1]:
            points.append(math.log(edge) - _INSIDE)
        return np.array(points)


def fit(
    q: ArrayLike,
    scenario: str,
    margin: float = 0.0,
    branch: str = "continuous",
    *,
    closure: str = "gaussian",
    potential: str = "hard",
    beta: float | None = None,
) -> EffectiveAlpha:
    """Fit alpha to a measured profile q_0..q_L (L >= 2) on one branch of the symmetric theory.

    A scan in ln alpha over the part of 0.1 to 1e6 where the branch exists, then a bounded search around
    its minimum. Raises InvalidInput if an overlap is missing, NoSolution if the branch exists nowhere there.
    """
    measured = np.asarray(q, dtype=float)
    if not np.isfinite(measured).all():
        raise InvalidInput("measured overlaps are missing: alpha_eff needs at least 2 replicas")
    curve = _Curve(scenario, len(measured) - 1, margin, branch, closure, potential, beta)

    def distance(log_alpha: float) -> float:
        return float(np.sqrt(np.mean((curve(float(log_alpha)) - measured)[1:-1] ** 2)))

    grid = curve.grid()
    if grid.size == 0:
        raise NoSolution(f"the {branch} branch exists nowhere between alpha = {LOWEST:g} and {HIGHEST:g}")
    values = np.array([distance(x) for x in grid])
    best, last = int(np.argmin(values)), len(grid) - 1
    flat = int(np.argmax(np.append(values, np.inf) != values[0])) - 1  # last of the leading equal values
    best = max(best, flat)
    # The minimum may hide inside the first or the last cell, so these are searched too.
    bracket = (grid[best if best == flat else best - 1], grid[min(best + 1, last)])
    if bracket[0] < bracket[1]:
        found = minimize_scalar(distance, bounds=bracket, method="bounded", options={"xatol": 1e-4})
        if found.fun < values[best]:
            return EffectiveAlpha(math.exp(float(found.x)), float(found.fun))
    bound: Literal["", "lower", "upper"] = "upper" if best == flat else "lower" if best == last else ""
    return EffectiveAlpha(math.exp(grid[best]), float(values[best]), bound)
