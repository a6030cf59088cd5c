"""What figures read off a stored result (:mod:`.reduced`): curves with errors, and one number a sample."""

import math

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from deepglass import phases
from paper_figures.huang2025.claims import Estimate, estimate
from simulate.store import over_samples

E0_TIME = 1
"""Step whose energy is E(0) in the ratios E(t)/E(0); see docs/readings.md."""


def energy(result: xr.Dataset) -> xr.DataArray:
    """E(t) = sum_l E_l, (t, sample)."""
    return result["E"]


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


def late(result: xr.Dataset, name: str, decades: float = 0.3) -> Estimate:
    """The plateau of a one-time variable: mean over the last ``decades`` of t, then over samples."""
    values = result[name]
    end = float(values["t"][-1])
    return estimate(values.sel(t=slice(end / 10**decades, None)).mean("t"))


def crossing(values: xr.DataArray, level: float = phases.THRESHOLD) -> NDArray[np.float64]:
    """Per sample the time at which values (t, sample) first fall to ``level``, linear in ln t.

    Missing where they never do.
    """
    array = values.transpose("sample", "t").values.astype(float)
    t = values["t"].values.astype(float)
    found = np.full(len(array), np.nan)
    for row, x in enumerate(array):
        known = np.isfinite(x) & (t > 0)
        times, y = t[known], x[known]
        below = np.flatnonzero(y <= level)
        if below.size and below[0] > 0:
            k = int(below[0])
            share = (y[k - 1] - level) / (y[k - 1] - y[k])
            found[row] = math.exp(math.log(times[k - 1]) * (1 - share) + math.log(times[k]) * share)
    return found


def profile(
    result: xr.Dataset, name: str = "q", t_w: int | None = None, t: float | None = None
) -> xr.DataArray:
    """Overlaps per layer at time ``t`` since ``t_w`` (the last of both by default), (sample, layer)."""
    at_wait = result[name].isel(t_w=-1) if t_w is None else result[name].sel(t_w=t_w)
    last = int(result.attrs["steps"]) - int(at_wait["t_w"])
    return at(at_wait, last if t is None else t)


def extents(profile: xr.DataArray) -> dict[str, Estimate]:
    """Of profiles (sample, neuron_layer): ``xi_s`` from the input, ``xi_output``, ``n_liquid``."""
    found = [phases.extent(row) for row in profile.transpose("sample", "neuron_layer").values]
    return {
        "xi_s": estimate([extent.xi_input for extent in found]),
        "xi_output": estimate([extent.xi_output for extent in found]),
        "n_liquid": estimate([extent.n_liquid for extent in found]),
    }


def slope(x: NDArray[np.float64], estimates: list[Estimate]) -> Estimate:
    """Slope of a straight line through estimates, weighted by their errors, and its error."""
    y = np.array([e.value for e in estimates])
    w = 1 / np.array([e.error if e.error > 0 else np.nan for e in estimates]) ** 2
    known = np.isfinite(y) & np.isfinite(w)
    if known.sum() < 2:
        return Estimate(math.nan, math.nan, 0)
    x, y, w = x[known], y[known], w[known]
    centre = np.average(x, weights=w)
    spread = float((w * (x - centre) ** 2).sum())
    value = float((w * (x - centre) * y).sum() / spread)
    return Estimate(value, spread**-0.5, min(e.samples for e in estimates))


def short(number: float) -> str:
    """A number as in a text: 200, 1715, 5e4."""
    mantissa, exponent = f"{number:.3g}", math.floor(math.log10(abs(number))) if number else 0
    if exponent < 4 or number % 10 ** (exponent - 1):
        return f"{number:g}" if exponent < 6 else mantissa
    return f"{number / 10**exponent:g}e{exponent}"


def instead(name: str, ours: float, paper: float) -> str:
    """``t = 5e4 for 5e5``; empty if ours is the paper's."""
    return "" if ours == paper else f"{name} = {short(ours)} for {short(paper)}"


def note(result: xr.Dataset | None, *more: str, patterns: int = 2000) -> str:
    """What of a claim is not as in the paper: its M, and ``more``."""
    first = "" if result is None else instead("M", int(result.attrs["patterns"]), patterns)
    return "; ".join(part for part in (first, *more) if part)
