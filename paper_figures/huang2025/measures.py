"""What figures read off a stored result: curves with errors, and one number a sample."""

import math

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from paper_figures.huang2025.claims import Estimate, estimate
from simulate.store import over_samples

E0_TIME = 1
"""Step whose energy is E(0) in the ratios E(t)/E(0); see docs/readings.md."""


def energy_ratio(result: xr.Dataset, origin: int = E0_TIME) -> xr.DataArray:
    """E(t)/E(0), each sample over its own energy at step ``origin``, (t, sample)."""
    return result["E"] / at(result["E"], origin)


def at(values: xr.DataArray, t: float) -> xr.DataArray:
    """Values at step ``t``, linear in ln t between the times that were measured; missing outside them."""
    times = values["t"].values
    if t in times:
        return values.sel(t=t, drop=True)
    late = values.isel(t=times > 0)
    return late.assign_coords(t=np.log(late["t"])).interp(t=math.log(t)).drop_vars("t")


def reading(
    values: xr.DataArray | None, t: float, points: NDArray[np.float64] | None = None
) -> Estimate | None:
    """Over samples, values (t, sample) at ``t``; None where there is no run, or it ends before.

    With the ``points`` of a curve of the paper ours is read as the curve is, on the chord between the values
    at the points on either side of t: that of a bent curve is far from it. (At t if ours ends before the
    second.)
    """
    if values is None or t > (end := last_time(values)):
        return None
    k = 0 if points is None else int(np.searchsorted(points, t))
    if points is None or not 0 < k < len(points) or points[k] == t or points[k] > end:
        return estimate(at(values, t))
    before, after = points[k - 1 : k + 1]
    share = math.log(t / before) / math.log(after / before)
    return estimate((1 - share) * at(values, before) + share * at(values, after))


def last_time(values: xr.DataArray) -> float:
    """The last time at which values (t, sample) were measured."""
    known = np.isfinite(values.transpose("t", "sample").values).all(axis=1)
    return float(values["t"].values[known][-1])


def mean(values: xr.DataArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean over samples and standard error, as arrays over what other dimensions there are."""
    average, error = over_samples(values.astype(float))
    return average.values, error.values


def curve(values: xr.DataArray) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """t > 0, mean and standard error of values (t, sample), where they are not missing."""
    average, error = mean(values.transpose("t", "sample"))
    t = values["t"].values.astype(float)
    shown = (t > 0) & np.isfinite(average)
    return t[shown], average[shown], error[shown]


def profile(
    result: xr.Dataset, name: str = "q", t_w: int | None = None, t: float | None = None
) -> xr.DataArray:
    """Overlaps per layer at time ``t`` since ``t_w`` (the last of both by default), (sample, layer)."""
    at_wait = result[name].isel(t_w=-1) if t_w is None else result[name].sel(t_w=t_w)
    last = int(result.attrs["steps"]) - int(at_wait["t_w"])
    return at(at_wait, last if t is None else t)


def last_times(result: xr.Dataset) -> tuple[int, int]:
    """The last t since the last t_w, and that t_w: those of :func:`profile`."""
    t_w = int(result["t_w"][-1])
    return int(result.attrs["steps"]) - t_w, t_w
