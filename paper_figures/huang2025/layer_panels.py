"""What figures of layers share: curves against t at a late t_w, and claims of how far the solid reaches."""

import numpy as np
import xarray as xr

from deepglass.phases import THRESHOLD
from paper_figures.huang2025 import layers, measures, notes
from paper_figures.huang2025.claims import Estimate
from paper_figures.huang2025.layers import LAST
from paper_figures.huang2025.panel import Panel
from paper_figures.huang2025.reference import Curve
from paper_figures.huang2025.studies import studies_at
from paper_figures.sheet import sequence

MACHINE = ("widths", "N=10")
"""Study and ensemble of ln alpha = 5.3."""

LATE_WAIT = 50_000
"""The paper's late t_w; LAST is its last t since then."""

FEWEST = 2
"""Samples of the study ``late`` below which there is no error bar, and ``widths`` is shown instead."""


def latest(panel: Panel, label: str = MACHINE[1]) -> xr.Dataset | None:
    """A machine of the study ``widths`` at the paper's own times, if at least two samples were run that long,
    else as it was; its attribute ``asked`` is the number of samples its study is to have."""
    for study, least in (("late", FEWEST), (MACHINE[0], 1)):
        found = panel.get(study, label)
        if found is not None and found.sizes["sample"] >= least:
            return found.assign_attrs(asked=studies_at(panel.results.size)[study].ensembles[label].samples)
    return None


def result_at(panel: Panel, t_w: int) -> xr.Dataset | None:
    """The result that has ``t_w``: of the study of waiting times, else of the late machine, or None."""
    for result in (panel.get("waits", "all"), latest(panel)):
        if result is not None and t_w in result["t_w"].values:
            return result
    return None


def layer_curve(result: xr.Dataset, name: str, layer: int, t_w: int) -> xr.DataArray:
    """c, C, q or Q of a layer since ``t_w``, (t, sample)."""
    kind = "weight_layer" if name.isupper() else "neuron_layer"
    return result[name].sel(t_w=t_w, drop=True).sel({kind: layer}, drop=True)


def threshold(panel: Panel) -> None:
    """The line between solid and liquid."""
    panel.axes.axhline(THRESHOLD, color="0.5", ls="--", lw=0.8, zorder=0)


def time_axes(panel: Panel, ylabel: str) -> None:
    """Logarithmic time since t_w, overlaps up to 1, and the line of 1/e."""
    threshold(panel)
    bottom = min(-0.12, panel.axes.get_ylim()[0])  # a young layer swings through 0
    panel.axes.set(xscale="log", xlim=(8, 7e5), ylim=(bottom, 1.08), xlabel="$t$ (MD steps)", ylabel=ylabel)


def all_layers(panel: Panel, name: str, times: tuple[int, ...]) -> None:
    """c_l, C_l, q_l or Q_l against t at the late t_w, all layers, with claims at ``times``."""
    result = latest(panel)
    t_w = LATE_WAIT if result is None else measures.last_times(result)[1]
    note = notes.note(result, t_w=LATE_WAIT)
    for (series, paper), colour in zip(panel.paper.items(), sequence(len(panel.paper)), strict=True):
        layer = int(series.removeprefix("l="))
        values = None if result is None else layer_curve(result, name, layer, t_w)
        panel.beside(series, paper, colour=colour)
        if values is not None:
            panel.ours(series, *measures.curve(values), colour=colour, label=f"${layer}$")
        panel.compare(f"{name}_{layer}(t = {{short}})", values, paper, times, note=note)
    time_axes(panel, rf"${name}_l(t, t_w = {notes.power(t_w)})$")
    if result is not None:
        legend(panel, "$l$")


def legend(panel: Panel, title: str) -> None:
    """Narrow, in two columns, where late curves leave room: below early plateaus."""
    panel.axes.legend(
        title=title, loc="lower left", ncols=2, fontsize=6.5, title_fontsize=7, handlelength=1.2,
        columnspacing=0.9, labelspacing=0.25,
    )  # fmt: skip


def late_note(result: xr.Dataset | None, patterns: int = 2000) -> str:
    """What of q* is not as in the paper."""
    return notes.note(result, patterns=patterns, t=LAST, t_w=LATE_WAIT)


def at_our_time(result: xr.Dataset | None, late: Curve, series: str) -> tuple[Curve, str]:
    """A profile of the paper's q*, of its last time, to hold ours against, and a note.

    Where ours is of another time the overlaps still fall: it is held against the paper's at that time, of a
    ``series`` that has it (see :func:`layers.earlier`), else against nothing.
    """
    if result is None or (t := measures.last_times(result)[0]) == LAST:
        return late, late_note(result)
    found = layers.earlier(late, series, t)
    known = (
        "the paper's: Fig. 3c" if np.isfinite(found.y).all() else f"the paper's is at t = {notes.short(LAST)}"
    )
    return found, notes.note(result, f"t = {notes.short(t)}, {known}", t_w=LATE_WAIT)


def claim_extents(
    panel: Panel, what: str, ours: dict[str, Estimate] | None, paper: dict[str, Estimate] | None, note: str,
    names: tuple[str, ...] = ("n_liquid", "xi_s", "xi_l"),
) -> None:  # fmt: skip
    """Claims of the number of liquid layers and of the depths of solid and liquid."""
    for name in names:
        mine = None if ours is None else ours[name]
        missing = mine is not None and not np.isfinite(mine.value)
        said = notes.joined(note, notes.NO_LIQUID if missing else "")
        reference = None if paper is None else paper[name]
        panel.claim(
            f"{name}, {what}",
            mine,
            None if reference is None else reference.value,
            0.0 if reference is None else reference.error,
            note=said,
        )
