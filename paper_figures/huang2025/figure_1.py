"""Fig. 1: where layers are solid and where liquid: the diagram of the theory, and the measured overlaps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps, patheffects

from deepglass.phases import extent
from paper_figures.huang2025 import layers, measures, notes
from paper_figures.huang2025.claims import Estimate, estimate
from paper_figures.huang2025.figure import Figure
from paper_figures.huang2025.layer_panels import at_our_time, claim_extents, latest
from paper_figures.huang2025.layers import Array
from paper_figures.huang2025.panel import Panel
from paper_figures.huang2025.reference import FIXED_M
from paper_figures.sheet import AMBER
from theory import solve_profile

DEPTH = 10
TOP, ROWS = 11.0, 111
"""Largest ln alpha of the theory's diagram, and its rows: beyond, the symmetric solution hardly moves."""

POINTS = 40
"""Of the theory's boundary in the measured map."""

COLOURS = "viridis_r"
"""Solid is dark, as in the paper."""

OUTLINE = (patheffects.withStroke(linewidth=2.6, foreground="black"),)


@dataclass(frozen=True, eq=False)
class Row:
    """A measured row of the map: ln alpha, q_1..q_{L-1}, and at which t."""

    log_alpha: float
    q: Array
    t: int


def boundaries(profiles: Array) -> tuple[Array, Array]:
    """Left and right edge of the liquid, in layers, of profiles q_0..q_L; missing where there is none."""
    found = [extent(row) for row in profiles]
    left = np.array([e.xi_input for e in found])
    right = profiles.shape[1] - 1 - np.array([e.xi_output for e in found])
    return left, right


def predicted(log_alphas: Sequence[float] | Array) -> Array:
    """q_0..q_L of the replica symmetric theory, random data, margin 0, one row for each ln alpha."""
    return np.array([solve_profile("random", DEPTH, float(np.exp(x))).q for x in log_alphas])


def edges(centres: Array) -> Array:
    """Edges of cells around rising centres: halfway between them."""
    inner = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[2 * centres[0] - inner[0]], inner, [2 * centres[-1] - inner[-1]]])


def _map(panel: Panel, x: Array, y: Array, q: Array, symbol: str, pad: float = 0.02) -> None:
    """Colours of q over layers and ln alpha, given the edges of the cells, with a bar at a distance."""
    mesh = panel.axes.pcolormesh(x, y, q, cmap=COLOURS, vmin=0, vmax=1, rasterized=True)
    panel.axes.figure.colorbar(mesh, ax=panel.axes, label=symbol, pad=pad)


def diagram(panel: Panel) -> None:
    """(a): solved, not drawn by hand.

    The axis is the alpha = M/N of the theory, with its Ising neurons, random data and hard constraints, which
    is not that of the machine: a shift between the two is to be expected. The solution is the symmetric one
    in the gaussian closure; its liquid narrows but does not close, whatever alpha.
    """
    x = np.linspace(0.0, TOP, ROWS)
    q = predicted(x)
    _map(panel, edges(np.arange(DEPTH + 1.0)), edges(x), q, "$q_l$")
    left, right = boundaries(q)
    for side, values in (("left", left), ("right", right)):
        panel.axes.plot(values, x, color="white", lw=1.4, path_effects=OUTLINE)
        panel.record("theory", f"{side} boundary", values, x)
    for layer, column in enumerate(q.T):
        panel.record("theory", f"l={layer}", x, column)
    for place, word, colour in ((0.6, "solid", "white"), (5.0, "liquid", "black"), (9.4, "solid", "white")):
        panel.axes.text(place, 9.5, word, color=colour, ha="center", va="center", fontsize=7)
    panel.axes.set(xlabel="layer $l$", ylabel=r"$\ln\alpha$ of the theory", xticks=range(DEPTH + 1))
    for series in FIXED_M.values():
        row = predicted([float(series.removeprefix("lnalpha="))])[0]
        depth = extent(row)
        where = f"theory at ln alpha = {series.removeprefix('lnalpha=')}"
        note = "random data, RS, gaussian closure"
        panel.claim(f"n_liquid, {where}", Estimate(depth.n_liquid, 0.0, 0), note=note)
        panel.claim(f"xi_s, {where}", Estimate(depth.xi_input, 0.0, 0), note=note)


def measured(panel: Panel) -> None:
    """(b): measured q_l* in colour and figures, in brackets the paper's; lines where q is 1/e.

    At the right the t of each row; no line joins rows of unequal t.
    """
    found: dict[str, Row] = {}
    cells = layers.cells()
    for label, series in FIXED_M.items():
        result = latest(panel, label)
        hidden = None if result is None else layers.last_profile(result)[:, 1:-1]
        paper, note = at_our_time(result, cells[series], series)
        for k, layer in enumerate(paper.x.astype(int)):
            ours = None if hidden is None else estimate(hidden.sel(neuron_layer=layer))
            panel.claim(f"q_{layer}*, {label}", ours, paper.y[k], paper.error[k], note=note)
        extents = None if hidden is None else layers.extents(hidden)
        claim_extents(panel, label, extents, layers.extents_of(paper), note, ("n_liquid",))
        panel.record("paper", series, cells[series].x, cells[series].y, cells[series].error)
        if result is not None and hidden is not None:
            row = Row(
                float(np.log(result.attrs["alpha"])),
                hidden.mean("sample").values,
                measures.last_times(result)[0],
            )
            found[series] = row
            panel.record("ours", series, hidden["neuron_layer"], row.q)
    panel.axes.set(xlabel="layer $l$", ylabel=r"$\ln\alpha$", xticks=range(1, DEPTH))
    if found:
        _cells(panel, found)
    else:
        panel.empty("not run at this size")


def runs(values: Sequence[int]) -> list[slice]:
    """Where the same value follows itself."""
    starts = [k for k, value in enumerate(values) if k == 0 or value != values[k - 1]]
    return [slice(a, b) for a, b in zip(starts, [*starts[1:], len(values)], strict=True)]


def _cells(panel: Panel, found: dict[str, Row]) -> None:
    """The map of the rows, their numbers and times, and the three boundaries."""
    y = np.array([row.log_alpha for row in found.values()])
    q = np.array([row.q for row in found.values()])
    # One row has no neighbour to take its height from; rows are a factor of two in N apart.
    grid = edges(y) if len(y) > 1 else y[0] + np.log(2) * np.array([-0.5, 0.5])
    x = np.arange(1.0, DEPTH)
    _map(panel, edges(x), grid, q, "$q_l^*$", pad=0.055)
    for row, (series, of) in enumerate(found.items()):
        panel.axes.text(
            1.012, of.log_alpha, f"$t = {notes.power(of.t)}$", fontsize=5, rotation=90, va="center",
            transform=panel.axes.get_yaxis_transform(),
        )  # fmt: skip
        # Below the middle of the cell, where the boundary has its mark.
        low = of.log_alpha - 0.27 * (grid[row + 1] - grid[row])
        for k, layer in enumerate(x):
            text = f"{q[row, k]:.2f}\n({panel.paper[series].y[k]:.2f})"
            colour = "white" if q[row, k] > 0.45 else "black"
            # In the colour of the cell, so that lines pass behind the figures.
            halo = [patheffects.withStroke(linewidth=1.2, foreground=colormaps[COLOURS](q[row, k]))]
            panel.axes.text(
                float(layer), low, text, ha="center", va="center", fontsize=4.8, color=colour, zorder=5,
                path_effects=halo,
            )  # fmt: skip
    _boundaries(panel, found, y, q)
    panel.axes.set_ylim(grid[0], grid[-1])
    panel.axes.legend(
        loc="lower right",
        bbox_to_anchor=(1.02, 0.99),
        ncols=3,
        fontsize=6.5,
        columnspacing=1.0,
        handlelength=1.8,
    )


def _boundaries(panel: Panel, found: dict[str, Row], y: Array, q: Array) -> None:
    """Marks where q is 1/e in each row, of ours, of the theory and of the paper; lines between equal t."""
    cells = np.array([layers.padded(panel.paper[series].y) for series in panel.paper])
    paper_y = np.array([float(series.removeprefix("lnalpha=")) for series in panel.paper])
    marks: tuple[tuple[str, Array, Array, dict[str, Any]], ...] = (
        ("ours", y, layers.padded(q), {"color": "white", "ls": "-", "marker": "s", "ms": 3}),
        ("theory", y, predicted(y), {"color": AMBER, "ls": "--", "marker": "D", "ms": 2.5}),
        ("paper", paper_y, cells, {"color": "white", "ls": "", "marker": "o", "ms": 4, "mec": "black"}),
    )
    for who, heights, profiles, style in marks:
        panel.axes.plot([], [], label=f"$1/e$, {who}", path_effects=_outline(who), **style)
        for side, values in zip(("left", "right"), boundaries(profiles), strict=True):
            panel.axes.plot(values, heights, path_effects=_outline(who), **{**style, "ls": ""})
            panel.record(who, f"{side} boundary", values, heights)
    for rows in runs([row.t for row in found.values()]):
        between = np.linspace(y[rows][0], y[rows][-1], POINTS)
        lines = ((y[rows], layers.padded(q[rows]), marks[0]), (between, predicted(between), marks[1]))
        for heights, profiles, (who, _, _, style) in lines if len(y[rows]) > 1 else ():
            for values in boundaries(profiles):
                panel.axes.plot(
                    values, heights, color=style["color"], ls=style["ls"], path_effects=_outline(who)
                )


def _outline(who: str) -> Sequence[patheffects.AbstractPathEffect]:
    return () if who == "paper" else OUTLINE


FIGURE = Figure(
    name="1", panels={"a": diagram, "b": measured}, studies={"a": (), "b": ("widths", "late")}, width=3.7
)
