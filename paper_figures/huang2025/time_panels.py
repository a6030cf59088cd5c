"""Panels against time that several figures share: energy, test accuracy, global correlations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import xarray as xr
from matplotlib.lines import Line2D

from paper_figures.huang2025 import measures, notes
from paper_figures.huang2025.panel import Panel
from paper_figures.huang2025.reference import Curve
from paper_figures.sheet import Colour, sequence

FROM = 9
"""Where the axes of time begin, as in the paper: nothing happens earlier."""


@dataclass(frozen=True, eq=False)
class Trace:
    """One series of a panel.

    Attributes:
        series: as the digitised curves name it.
        label: that of our ensemble, ``N=10``.
        colour: of both.
        result: ours, None if it was not run.
        paper: the paper's, None if it was not digitised.
    """

    series: str
    label: str
    colour: Colour
    result: xr.Dataset | None
    paper: Curve | None


def traces(panel: Panel, study: str, series: Mapping[str, str]) -> list[Trace]:
    """The ensembles of a study beside the paper's ``series``, which are named by ensemble; dark to light."""
    return [
        Trace(name, label, colour, panel.get(study, label), panel.paper.get(name))
        for (label, name), colour in zip(series.items(), sequence(len(series)), strict=True)
    ]


def energy(
    panel: Panel, shown: list[Trace], names: Mapping[str, str], origin: int = measures.E0_TIME
) -> dict[str, xr.DataArray]:
    """Draw E(t)/E(0), with E(0) at step ``origin``; returns ours, (t, sample), by label.

    ``names`` are what the legend calls the series.
    """
    found = {}
    for trace in shown:
        _beside(panel, trace)
        if trace.result is not None:
            found[trace.label] = measures.energy_ratio(trace.result, origin)
        _ours(panel, trace.series, found.get(trace.label), trace.colour, names[trace.series])
    panel.axes.set(xscale="log", yscale="log", xlabel="$t$ (MD steps)", ylabel="$E(t)/E(0)$")
    if panel.axes.has_data():
        panel.axes.set_xlim(left=FROM)
    legend(panel, "lower left")
    return found


def accuracy(panel: Panel, shown: list[Trace], names: Mapping[str, str]) -> dict[str, xr.DataArray]:
    """Draw the test accuracy A(t); returns ours, (t, sample), by label.

    Ours is that of the tanh network; that of the sgn network, as the paper prints it, is dashed.
    """
    found = {}
    for trace in shown:
        _beside(panel, trace)
        if trace.result is not None:
            found[trace.label] = trace.result["A_tanh"]
            t, mean, error = measures.curve(trace.result["A_sgn"])
            panel.axes.plot(t, mean, "--", lw=0.7, color=trace.colour)
            panel.record("ours", f"{trace.series}, sgn", t, mean, error)
        _ours(panel, trace.series, found.get(trace.label), trace.colour, names[trace.series])
    panel.axes.axhline(0.5, color="0.6", lw=0.6, ls=":")
    panel.axes.set(xscale="log", ylim=(0.34, 1.02), xlabel="$t$ (MD steps)", ylabel="test accuracy $A(t)$")
    if panel.axes.has_data():
        panel.axes.set_xlim(left=FROM)
    legend(panel, "upper left", Line2D([], [], ls="--", lw=0.7, color="0.3", label="sgn network"))
    return found


def correlation(panel: Panel, result: xr.Dataset | None, variable: str) -> dict[int, xr.DataArray]:
    """Draw a global two-time variable since every t_w of the paper; returns ours, (t, sample), by t_w."""
    found = {}
    for (series, paper), colour in zip(panel.paper.items(), sequence(len(panel.paper)), strict=True):
        t_w = waiting(series)
        panel.beside(series, paper, colour=colour)
        if result is not None and t_w in result["t_w"]:
            found[t_w] = result[f"{variable}_global"].sel(t_w=t_w, drop=True)
        _ours(panel, series, found.get(t_w), colour, f"$t_w = {notes.power(t_w)}$")
    panel.axes.set(xscale="log", xlabel="$t - t_w$ (MD steps)")
    if panel.axes.has_data():
        panel.axes.set_xlim(left=FROM)
    return found


def waiting(series: str) -> int:
    """t_w of a digitised series ``tw=1e2``."""
    return int(float(series.removeprefix("tw=")))


def legend(panel: Panel, loc: str, *more: Line2D, **options: Any) -> None:
    """A legend of what is drawn, with the paper's open circles if there are any."""
    handles = [*panel.axes.get_legend_handles_labels()[0], *more]
    if any(row[1] == "paper" for row in panel.rows):
        handles.append(
            Line2D([], [], ls="", marker="o", ms=2.4, mfc="none", mew=0.6, color="0.3", label="paper")
        )
    panel.axes.legend(handles=handles, **{"loc": loc, "fontsize": 6.0, "handlelength": 1.4, **options})


def remark(panel: Panel, text: str, side: Literal["left", "right"] = "right") -> None:
    """A small remark in a lower corner: what is not as in the paper."""
    x = 0.03 if side == "left" else 0.97
    where: dict[str, Any] = {"transform": panel.axes.transAxes, "ha": side, "va": "bottom"}
    panel.axes.text(x, 0.03, text, fontsize=6, color="0.35", **where)


def _beside(panel: Panel, trace: Trace) -> None:
    if trace.paper is not None:
        panel.beside(trace.series, trace.paper, colour=trace.colour)


def _ours(panel: Panel, series: str, values: xr.DataArray | None, colour: Colour, label: str) -> None:
    """Draw ours, or keep its place in the legend."""
    if values is None:
        panel.axes.plot([], [], color=colour, label=label)
    else:
        panel.ours(series, *measures.curve(values), colour=colour, label=label)
