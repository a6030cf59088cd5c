"""Correlations of the machine as a whole, all layers as one: Figs. 2g and 2h."""

import math

import numpy as np
import xarray as xr

from paper_figures.huang2025 import measures, notes, relaxation, time_panels
from paper_figures.huang2025.claims import Estimate, estimate
from paper_figures.huang2025.panel import Panel
from paper_figures.huang2025.reference import READING_ERROR_LOG10, Curve, curves
from paper_figures.sheet import BLUE, GREEN, ORANGE, PINK

TIMES = (300, 500, 800, 1_000, 2_000, 10_000, 50_000)
SWING = 100
"""t_w at which c(t, t_w) turns negative."""

LATEST = 100_000
"""t of the late correlations in (h): the caption has 5e5, the curves of the other figures say 1e5."""


def against_t(panel: Panel) -> None:
    """(g): the global c(t, t_w) of the spins, with its negative swing since t_w = 1e2."""
    result = panel.get("waits", "all")
    found = time_panels.correlation(panel, result, "c")
    panel.axes.axhline(0, color="0.6", lw=0.6, ls=":")
    panel.axes.set(ylabel="$c(t, t_w)$, global")
    time_panels.legend(panel, "lower left")
    note = notes.note(result)
    for series, paper in panel.paper.items():
        t_w = time_panels.waiting(series)
        ours = found.get(t_w)
        panel.compare(f"c({{t:g}}, {t_w:g})", ours, paper, TIMES, note=note, error=relaxation.error_at)
        if t_w == SWING:
            _swing(panel, ours, paper, note)


def _swing(panel: Panel, ours: xr.DataArray | None, paper: Curve, note: str) -> None:
    """Depth and time of the minimum of c, read at the times the paper has points at: it has few there."""
    lowest = int(paper.y.argmin())
    near = slice(lowest - 1, lowest + 2)

    def depth(average: xr.DataArray) -> float:
        t, y = average["t"].values, average.values
        known = (t > 0) & np.isfinite(y)
        return float(np.interp(np.log(paper.x[near]), np.log(t[known]), y[known]).min())

    def moment(average: xr.DataArray) -> float:
        known = average.where(average["t"] > 0, drop=True).dropna("t")
        return math.log10(float(known["t"][int(known.argmin("t"))]))

    # A run too short to reach the paper's minimum has not shown it.
    if ours is not None and float(ours.dropna("t", how="all")["t"][-1]) < paper.x[near][-1]:
        ours = None
    value = None if ours is None else relaxation.jackknife(ours, depth)
    told = notes.joined(note, "at the paper's points")
    panel.claim(f"minimum of c(t, {SWING})", value, paper.y[lowest], float(paper.error[lowest]), note=told)
    reach = float(np.log10(paper.x[near][-1] / paper.x[near][0])) / 2
    value = None if ours is None else relaxation.jackknife(ours, moment)
    told = notes.joined(note, "error: spacing of the paper's points")
    panel.claim(
        f"log10 t of the minimum, t_w = {SWING}", value, math.log10(paper.x[lowest]), reach, note=told,
        reading=READING_ERROR_LOG10,
    )  # fmt: skip


LATE_OVERLAPS = {"c": ("2g", BLUE), "C": ("S2a", ORANGE), "q": ("S2b", GREEN), "Q": ("S2c", PINK)}
"""Late values in (h): the panel that shows the same against t, and a colour."""


def against_wait(panel: Panel) -> None:
    """(h): global c*, C*, q*, Q* against t_w at one late time.

    Ours is at the longest t that follows every t_w of a run; t_w = 5e4 is from the study ``widths``. The
    paper's numbers are taken at that t where its curve against t was digitised; these are shown as crosses.
    """
    result = panel.get("waits", "all")
    longer = panel.get("widths", "N=10")
    waits = [] if result is None else result["t_w"].values.tolist()
    t = LATEST if result is None else min(LATEST, int(result.attrs["steps"]) - max(waits))
    for variable, (other, colour) in LATE_OVERLAPS.items():
        series = f"{variable}*"
        panel.beside(series, panel.paper[series], colour=colour)
        found: dict[int, Estimate] = {}
        for source in (longer, result):  # of the same t_w, the run made for this
            for t_w in [] if source is None else source["t_w"].values.tolist():
                values = source[f"{variable}_global"].sel(t_w=t_w, drop=True)  # type: ignore[index]
                found[t_w] = estimate(measures.at(values, t))
        found = {t_w: found[t_w] for t_w in sorted(found) if found[t_w].samples}
        panel.ours(
            series, list(found), [e.value for e in found.values()], [e.error for e in found.values()],
            colour=colour, label=f"${variable}^*$", bars=True, ms=3,
        )  # fmt: skip
        _late_claims(panel, variable, found, t, curves(other), notes.note(result))
        same = {w: at for w, curve in _by_wait(curves(other)).items() if math.isfinite(at := curve.at(t))}
        if t != LATEST and same:
            panel.axes.plot(list(same), list(same.values()), "x", ms=4, mew=0.8, color=colour)
            panel.record("paper", f"{series}, t={t}", list(same), list(same.values()))
    panel.axes.set(
        xscale="log", ylim=(-0.05, 1.05), xlabel="$t_w$ (MD steps)", ylabel="late overlaps, global"
    )
    time_panels.legend(panel, "upper left")
    if t != LATEST:
        here, there = notes.power(t), notes.power(LATEST)
        time_panels.remark(panel, f"ours, crosses (paper): $t = {here}$\ncircles (paper): $t = {there}$")


def _by_wait(found: dict[str, Curve]) -> dict[int, Curve]:
    return {time_panels.waiting(series): curve for series, curve in found.items()}


def _late_claims(
    panel: Panel, variable: str, found: dict[int, Estimate], t: int, against_t: dict[str, Curve], note: str
) -> None:
    """At every t_w of the paper, at our t: with no reference where its curve against t was not digitised."""
    by_wait = _by_wait(against_t)
    late = panel.paper[f"{variable}*"]
    for t_w, value in zip(late.x, late.y, strict=True):
        ours, error, told = found.get(int(t_w)), 0.0, f"t = {notes.short(t)}" if t != LATEST else ""
        if t_w in by_wait and math.isfinite(by_wait[t_w].at(t)):
            value, error = by_wait[t_w].at(t), relaxation.error_at(by_wait[t_w], t)
        elif ours is not None and t != LATEST:
            value, told = math.nan, f"{told}, the paper's is at t = {notes.short(LATEST)}"
        panel.claim(f"{variable}*({t_w:g})", ours, value, error, note=notes.joined(note, told))
