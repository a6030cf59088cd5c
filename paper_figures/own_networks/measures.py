"""Numbers of a stored cell: excesses over nulls layer by layer, and how thick the solid is at the output.

The profile has the input (layer 0, the same in all copies) before its L layers; xi_s is how many layers from
the output the excess falls to the margin, interpolated (:func:`deepglass.phases.extent`), L if it never does:
a lower bound. Errors leave out one copy at a time, of the trained ones (their nulls ``alignment`` and
``rotated`` with them) and of each other null.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from compare.layers.overlaps import mean_of_pairs
from compare.resampling import jackknife_error
from deepglass.phases import THRESHOLD, extent

Values = NDArray[np.float64]

PROFILES: Mapping[str, tuple[str, tuple[str, ...], str]] = {
    "units": ("q", ("untrained", "shuffled", "alignment", "rotated"), "units, beyond all nulls"),
    "training": ("q", ("untrained", "shuffled", "alignment"), "units, rotations not taken off"),
    "representation": ("cka", ("untrained", "shuffled", "alignment"), "representation (CKA)"),
}
"""What is solid: the variable, its nulls, and in words."""

TOGETHER = ("trained", "alignment", "rotated")
"""Sets that are made of the same copies."""

FLAT = 0.2
"""Layers for each unit of ln alpha below which, with its whole interval, a slope is none."""


@dataclass(frozen=True)
class Thickness:
    """xi_s in layers with its error; ``bound``: the solid reaches the input, xi_s is at least this."""

    value: float
    error: float
    bound: bool


Matrices = Mapping[str, Values]
"""Overlaps (L, K, K) of the trained copies and of each null."""


def matrices_of(result: xr.Dataset, profile: str) -> Matrices:
    """Those of a cell that one of PROFILES wants."""
    name, nulls, _ = PROFILES[profile]
    chosen = result[f"{name}_matrix"].sel(probes="training")
    return {each: chosen.sel(set=each).values.astype(float) for each in ("trained", *nulls)}


def excess(matrices: Matrices, left_out: tuple[str, int] | None = None) -> Values:
    """e_l against the null that leaves least, (L,).

    ``left_out``: a set (those of TOGETHER count as one) and a copy without which it is.
    """
    means = {}
    for which, matrix in matrices.items():
        keep = np.ones(matrix.shape[-1], bool)
        if left_out is not None and (which in TOGETHER if left_out[0] == "trained" else which == left_out[0]):
            keep[left_out[1]] = False
        means[which] = mean_of_pairs(matrix[:, keep][:, :, keep]).value
    trained = means.pop("trained")
    return np.asarray(np.min([(trained - q0) / (1 - q0) for q0 in means.values()], axis=0))


def thickness(result: xr.Dataset, profile: str) -> Thickness:
    """xi_s of a cell."""
    matrices = matrices_of(result, profile)
    value, bound = _depth(excess(matrices))
    k = int(result.attrs["copies"])
    apart = [name for name in PROFILES[profile][1] if name not in TOGETHER]
    without = [[_depth(excess(matrices, (g, copy)))[0] for copy in range(k)] for g in ("trained", *apart)]
    return Thickness(value, float(np.linalg.norm(jackknife_error(without))), bound)


def _depth(profile: Values) -> tuple[float, bool]:
    if profile[-1] <= THRESHOLD:
        return 0.0, False
    found = extent(np.concatenate([[1.0], profile])).xi_output
    return (float(len(profile)), True) if math.isnan(found) else (found, False)


@dataclass(frozen=True)
class Growth:
    """How xi_s changes with ln alpha: slope, its interval, and what that says.

    ``verdict``: "grows", "shrinks", "does not grow", "solid throughout" (nothing to be seen), "undecided".
    """

    slope: float
    error: float
    low: float
    high: float
    verdict: str


def growth(ln_alpha: Values, found: list[Thickness], level: float = 0.05) -> Growth:
    """Least squares of xi_s on ln alpha (3 cells at least). The error is the larger of two: from the scatter,
    as errors of single cells do not know of the data that were drawn, and from these errors. Bounds count as
    L, which can hide growth, not make it: with any, "does not grow" is undecided."""
    bounds = [t.bound for t in found]
    if len(found) < 3 or all(bounds):
        verdict = "undecided" if len(found) < 3 else "solid throughout"
        return Growth(math.nan, math.nan, math.nan, math.nan, verdict)
    x = np.asarray(ln_alpha)
    fit = stats.linregress(x, [t.value for t in found])
    away = x - x.mean()
    carried = math.sqrt(float(np.sum((away * [t.error for t in found]) ** 2))) / float(np.sum(away**2))
    error = max(float(fit.stderr), carried)
    reach = float(stats.t.isf(level / 2, len(x) - 2)) * error
    slope, low, high = float(fit.slope), float(fit.slope) - reach, float(fit.slope) + reach
    if low > -FLAT and high < FLAT:
        verdict = "undecided" if any(bounds) else "does not grow"
    elif low > 0 or high < 0:
        verdict = "grows" if low > 0 else "shrinks"
    else:
        verdict = "undecided"
    return Growth(slope, error, low, high, verdict)
