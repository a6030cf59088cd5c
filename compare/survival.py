"""What sets the motion at a temperature, and what of it free diffusion does not explain, in words.

That two numbers cannot be told apart is no sign that they are equal: a verdict of equality needs the whole
interval of two standard errors within a quarter of 1, and *undecided* is a verdict.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import stats

if TYPE_CHECKING:
    from compare.glassy import Motion

FREE = ("free", "free at first")
"""Verdicts of a tau_90 that is that of free walks."""

HELD = ("drift", "neither")
"""Those of another."""

EQUAL = 0.25
"""Relative difference of relaxation times that does not matter."""

SHAPE = 0.03
"""rms difference of overlaps that does not matter."""

NEGLIGIBLE = 0.01
"""Difference of exponents, alpha_2 and logarithms that is not told, however sure it is."""

RARE = 0.01
"""Chance that a line is said of what free diffusion does explain, for each temperature."""


def verdict(
    mean: NDArray[np.float64],
    level: float,
    over_free: tuple[float, float],
    over_still: tuple[float, float],
    off_free: float,
) -> str:
    """What sets the motion; ``mean`` is the overlap, ratios are of tau_90 with the error of their logarithm.

    ``free``: tau_90 and the whole curve are those of free walks; ``free at first``: tau_90 alone; ``drift``:
    tau_90 is that of T = 0; ``neither``; ``undecided``: errors are too large, or some samples did not get
    there; ``does not move``: Q stays above 0.9; ``too fast``: it is below at the first time.
    """
    if mean[0] <= level:
        return "too fast"
    if mean[-1] > level:
        return "does not move"
    walks, slides = equal(over_free), equal(over_still)
    if walks and slides:
        return "undecided"
    if walks:
        return "free" if off_free <= SHAPE else "free at first"
    if slides:
        return "drift"
    # Without a run at T = 0 there is nothing to slide as.
    different = walks is False and (slides is False or math.isnan(over_still[0]))
    return "neither" if different else "undecided"


def equal(ratio: tuple[float, float]) -> bool | None:
    """Whether a ratio is 1 within a quarter; None where its error is too large to say, or it is missing."""
    value, error = ratio
    if not (math.isfinite(value) and math.isfinite(error)):
        return None
    off, bound = abs(math.log(value)), math.log1p(EQUAL)
    if off + 2 * error <= bound:
        return True
    return False if off - 2 * error > 0 and off > bound else None


def survives(motions: Sequence["Motion"], samples: int, cause: str = "") -> list[str]:
    """A line for each kind of difference from free walks, with the temperatures that show it, T > 0 alone.

    Differences are tested by Student's t at 1 % a temperature; ``cause``: of drift, in words.
    """
    rare = float(stats.t.ppf(1 - RARE / 2, samples - 1)) if samples > 1 else math.inf
    warm = [m for m in motions if m.temperature > 0]
    lines = []
    if drift := [m for m in warm if m.verdict == "drift"]:
        lines.append(f"relaxation times are those of T = 0{cause} at T = {_at(drift)}")
    if early := [m for m in warm if m.verdict == "free at first"]:
        lines.append(f"curves leave the free law after tau_90 at T = {_at(early)}")
    steep = [m for m in warm if abs(m.exponent - m.exponent_free) > max(rare * m.exponent_error, NEGLIGIBLE)]
    if steep:
        told = ", ".join(f"{m.exponent - m.exponent_free:+.2f} at {m.temperature:g}" for m in steep)
        lines.append(f"exponents beyond those of free walks: {told}")
    if wide := [m for m in warm if abs(m.alpha2_end) > max(rare * m.alpha2_error, NEGLIGIBLE)]:
        told = ", ".join(f"{m.alpha2_end:.2f} at {m.temperature:g}" for m in wide)
        lines.append(f"displacements that are not Gaussian, alpha_2: {told}")
    if aged := [m for m in warm if abs(math.log(m.ageing)) > max(rare * m.ageing_error, NEGLIGIBLE)]:
        told = ", ".join(f"{m.ageing:.2f} at {m.temperature:g}" for m in aged)
        lines.append(f"ageing, tau_90 of the last t_w over the first: {told}")
    if trapped := [m for m in warm if m.caged]:
        lines.append(f"a plateau of the displacement at T = {_at(trapped)}")
    return lines


def _at(motions: Sequence["Motion"]) -> str:
    return ", ".join(f"{m.temperature:g}" for m in motions)
