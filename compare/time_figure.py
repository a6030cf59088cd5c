"""A run against time: the energy falls, the accuracy rises; mean over machines, error over samples."""

import numpy as np
import xarray as xr
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from compare.figure import BLUE, MEASURED, STYLE
from compare.resampling import standard_error

SIZE = (3.6, 2.9)


def energy(run: xr.Dataset) -> Figure:
    """E(t)/E(0) of one t_w, both axes logarithmic."""
    ratio = run["E"] / run["E"].sel(t=0)
    with style.context(STYLE):
        figure, axis = _sheet(run)
        _curve(axis, run["t"].values, ratio, MEASURED, "o-", "energy")
        axis.set(yscale="log", ylabel="$E(t)/E(0)$")
    return figure


def accuracy(run: xr.Dataset, training: xr.DataArray, chance: float) -> Figure:
    """Test accuracy, and that on the training patterns where it is known; ``chance``: that of always the most
    frequent label."""
    with style.context(STYLE):
        figure, axis = _sheet(run)
        axis.axhline(chance, color="0.5", lw=0.8, ls=":", label="always the most frequent label")
        if np.isfinite(run["A_tanh"]).any():
            _curve(axis, run["t"].values, run["A_tanh"], MEASURED, "o-", "test images")
        if training.sizes["t"]:
            _curve(axis, training["t"].values, training, BLUE, "s--", "training images")
        axis.set(ylim=(0, 1.03), ylabel="accuracy $A(t)$")
        axis.legend(loc="lower left")
    return figure


def _sheet(run: xr.Dataset) -> tuple[Figure, Axes]:
    """An empty panel against t, with t_w marked."""
    figure = Figure(figsize=SIZE, layout="constrained")
    axis = figure.subplots()
    split = int(run["t_w"])
    if split:
        axis.axvline(split, color="0.6", lw=0.8, ls="--")
        axis.annotate(
            "$t_w$", (split, 1), (2, -9), xycoords=("data", "axes fraction"), textcoords="offset points",
            color="0.4",
        )  # fmt: skip
    axis.set(xscale="log", xlabel="time $t$ (steps)")
    return figure, axis


def _curve(axis: Axes, t: NDArray[np.int64], values: xr.DataArray, colour: str, mark: str, name: str) -> None:
    """Mean over machines at t > 0 (the axis is logarithmic), with the standard error over samples as a
    band."""
    by_sample = values.mean("replica").transpose("sample", "t").values
    shown = (t > 0) & np.isfinite(by_sample).all(0)
    mean = by_sample.mean(0)[shown]
    axis.plot(t[shown], mean, mark, color=colour, ms=3, lw=1.2, label=name)
    if len(by_sample) > 1:
        error = standard_error(by_sample)[shown]
        axis.fill_between(t[shown], mean - error, mean + error, color=colour, alpha=0.25, lw=0)
