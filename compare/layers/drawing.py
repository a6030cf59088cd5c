"""Measured layers as pictures: profiles with their nulls, the strip of phases, matrices with their trees."""

import math

import numpy as np
import xarray as xr
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from compare import tree_figure
from compare.figure import BLUE, COLOURS, GREEN, ORANGE, PINK, STYLE
from compare.layers.measure import JUDGED, Measured
from compare.layers.nulls import TRAINED
from compare.trees import SMALLEST, tree

MARKS = {
    "trained": (ORANGE, "o", "-"), "untrained": (BLUE, "s", "--"), "shuffled": (GREEN, "^", "--"),
    "alignment": ("#000000", "x", ":"), "rotated": (PINK, "D", ":"),
}  # fmt: skip
FILLS = {**COLOURS, "undecided": "#FFFFFF"}
WORDS = {
    "q": r"neurons, $q_l$", "Q": r"weights, $Q_l$", "cka": "linear CKA", "dimension": "effective dimension",
}  # fmt: skip
MANY = 24
"""Layers up to which a figure grows."""


def profile(measured: Measured) -> Figure:
    """Neurons, weights, CKA and effective dimension against layer, trained copies and nulls, with errors."""
    data = measured.dataset
    with style.context(STYLE):
        figure = Figure(figsize=(_width(measured, 5.0), 7.6), layout="constrained")
        panels = figure.subplots(4, 1, sharex=True)
        for axis, name in zip(panels, WORDS, strict=True):
            for set_name in data["set"].values:
                _line(axis, data, name, str(set_name))
            axis.set_ylabel(WORDS[name])
            if name == "dimension":
                axis.set_ylim(bottom=0)
            else:
                axis.axhline(0, color="0.7", lw=0.6)
                axis.set_ylim(top=1.05)
        _before(panels[0], data)
        _names(panels[-1], measured)
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


def _line(axis: Axes, data: xr.Dataset, name: str, set_name: str) -> None:
    colour, mark, dash = MARKS[set_name]
    variable, error = (
        ("dimension_mean", "dimension_error") if name == "dimension" else (name, f"{name}_error")
    )
    at = {"set": set_name, "probes": "training", "aligned": "after"}
    value, bar = (data[v].sel({k: x for k, x in at.items() if k in data[v].dims}) for v in (variable, error))
    x = np.arange(value.size)
    shift = 0.08 * (list(MARKS).index(set_name) - 2)
    bars = bar.values if np.isfinite(bar.values).any() else None
    label = set_name + (", aligned" if set_name == TRAINED else "")
    axis.errorbar(
        x + shift, value.values, yerr=bars, color=colour, marker=mark, ls=dash, lw=1, ms=4, label=label
    )


def _before(axis: Axes, data: xr.Dataset) -> None:
    """Trained copies before alignment, and on test probes."""
    colour = MARKS[TRAINED][0]
    chosen = data["q"].sel(set=TRAINED)
    x = np.arange(chosen.sizes["layer"])
    before = chosen.sel(probes="training", aligned="before")
    axis.plot(x - 0.16, before, "o", mfc="white", color=colour, ms=4, label="trained, before alignment")
    if "test" in data["probes"].values:
        test = chosen.sel(probes="test", aligned="after")
        axis.plot(x - 0.16, test, "_", color=colour, ms=9, label="trained, test probes")


def strip(measured: Measured) -> Figure:
    """Solid and liquid, a row for each of neurons, weights and CKA against each null."""
    data = measured.dataset
    rows = [(v, str(n)) for v in JUDGED for n in data["null"].values if (v, n) != ("cka", "rotated")]
    rows.reverse()
    with style.context(STYLE):
        figure = Figure(figsize=(_width(measured, 6.0), 0.6 + 0.22 * len(rows) + 0.5), layout="constrained")
        axis = figure.subplots()
        for row, (variable, null) in enumerate(rows):
            for layer, phase in enumerate(measured.phases(variable, null)):
                hatch = "///" if phase == "liquid" else None
                axis.bar(
                    layer, 0.84, bottom=row + 0.08, width=0.94, color=FILLS[phase], hatch=hatch, ec="0.5",
                    lw=1.2 if null == "all" else 0.3,
                )  # fmt: skip
                if phase in ("undecided", "missing"):
                    text = "?" if phase == "undecided" else "-"
                    axis.text(layer, row + 0.5, text, ha="center", va="center", fontsize=7)
        axis.set(ylim=(0, len(rows)), yticks=np.arange(len(rows)) + 0.5)
        short = {"q": "neurons", "Q": "weights", "cka": "CKA"}
        axis.set_yticklabels(
            [f"{short[v]}: {'all nulls' if n == 'all' else f'beyond {n}'}" for v, n in rows], fontsize=7
        )
        axis.tick_params(axis="y", length=0)
        _names(axis, measured)
        title = f"solid (blue), liquid (hatched), ? undecided; margin {data.attrs['margin']:.2g}"
        axis.set_title(title, fontsize=8)
    return figure


def trees(measured: Measured) -> Figure | None:
    """Aligned overlaps of neurons between all copies, layer by layer, sorted by their tree; None for too few
    copies."""
    data = measured.dataset
    if int(data.attrs["copies"]) < SMALLEST:
        return None
    matrices = data["q_matrix"].sel(set=TRAINED, probes="training", aligned="after")
    k = int(data.attrs["copies"])
    matrices = matrices.isel(copy=slice(k), copy_b=slice(k))
    shown = [str(x) for x in matrices["layer"].values if np.isfinite(matrices.sel(layer=x)).all()]
    if not shown:
        return None
    columns = min(6, len(shown))
    rows = math.ceil(len(shown) / columns)
    with style.context(STYLE):
        figure = Figure(figsize=(1.5 * columns + 0.7, 2.1 * rows + 0.2), layout="constrained")
        grid = figure.add_gridspec(2 * rows, columns, height_ratios=[1, 3] * rows)
        picture = None
        for i, name in enumerate(shown):
            row, column = divmod(i, columns)
            found = tree(matrices.sel(layer=name).values)
            top = figure.add_subplot(grid[2 * row, column])
            what = str(data["tree"].sel(layer=name).item())
            top.set_title(name if what == "missing" else f"{name}: {what}", fontsize=6.5)
            bottom = figure.add_subplot(grid[2 * row + 1, column])
            picture = tree_figure.draw(top, bottom, found, [str(x) for x in range(k)] if k <= 8 else ())
        assert picture is not None
        figure.colorbar(picture, ax=figure.axes, shrink=0.5, label="$q_l^{ab}$, aligned")
    return figure


def _width(measured: Measured, least: float) -> float:
    return max(least, 1.6 + 0.34 * min(len(measured.layers), MANY))


def _names(axis: Axes, measured: Measured) -> None:
    names = measured.layers
    axis.set_xticks(range(len(names)))
    long = max(map(len, names)) > 3
    axis.set_xticklabels(names, rotation=60 if long else 0, ha="right" if long else "center", fontsize=6.5)
    axis.set_xlabel("layer, in the order of the forward pass")
    axis.set_xlim(-0.6, len(names) - 0.4)
