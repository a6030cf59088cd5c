"""Relaxation times against T, and the overlap at a low and a high temperature, beside free diffusion.

Above: tau_90 of each state (open: six hidden layers), free walks with the same length (dashed), and what is
measured at T = 0 (dotted). Below: the overlap where noise rules and where the landscape does, with the erf
law.
"""

import math

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from compare.diffusion import free_overlap
from compare.glassy import Glassy
from compare.resampling import standard_error
from paper_figures.kerr_winter2025.drawing import COLD, curves, main_t_w, survey, temperature
from paper_figures.kerr_winter2025.studies import STATES
from paper_figures.sheet import BLUE, ORANGE, Paths, Row, absent, page, write
from paper_figures.stored.results import Results
from paper_figures.stored.scores import OPEN, Score, judged

STUDIES = ("motion",)
NEAR = 0.05
"""Relative difference that is none: of tau_90 from that of free walks (over), from that at T = 0 (under,
L2)."""

BELOW = 1 / 20
"""tau_90 over free at T = 1e-6 should not be larger, where a landscape is."""

COLUMNS = ("panel", "state", "T", "t", "value", "error", "free")


def draw(results: Results, paths: Paths | None, overwrite: bool) -> list[Score]:
    """Draw what is stored, into files if ``paths`` says where; returns its numbers."""
    rows: list[Row] = []
    scores: list[Score] = []
    with page(7.2, 4.4) as sheet:
        axes = sheet.subplots(2, 3)
        for (state, name), (above, below) in zip(STATES.items(), axes.T, strict=True):
            above.set_title(name, fontsize=8)
            above.set(
                xscale="log", yscale="log", xlabel="$T$", ylabel=r"$\tau_{90}$, steps", xlim=(3e-9, 0.5)
            )
            below.set(
                xscale="log", xlabel="steps $t$ since $t_w$", ylabel="overlap $Q(t;t_w)$", ylim=(-0.02, 1.05)
            )
            for label, filled in ((state, True), (f"{state}.deep", False)):
                known = survey(results, "motion", label)
                if known is None:
                    if filled:
                        absent(above)
                    continue
                found, told = known
                rows += _times(label, told, above, filled)
                scores += _scores(results, label, told)
                if filled:
                    rows += _overlaps(label, found, told, below)
            if below.lines:
                below.legend(fontsize=6)
        write(sheet, COLUMNS, rows, paths, overwrite)
    return scores


def _times(label: str, told: Glassy, axis: Axes, filled: bool) -> list[Row]:
    moving = [m for m in told.motions if m.temperature > 0 and math.isfinite(m.tau90)]
    x, y = [m.temperature for m in moving], np.array([m.tau90 for m in moving])
    error = y * np.array([m.tau90_error for m in moving])
    free = [m.tau90 / m.over_free for m in moving]
    shade = {"color": BLUE, "mfc": BLUE if filled else "white"}
    axis.errorbar(x, y, error, fmt="o", ms=4, capsize=1.5, **shade)  # type: ignore[arg-type]
    if filled:
        axis.plot(x, free, "--", color="0.4", lw=1.0)
        still = told.motions[0]
        if still.temperature == 0 and math.isfinite(still.tau90):
            axis.axhline(still.tau90, color=ORANGE, lw=1.0, ls=":")
    return [
        ("tau", label, m.temperature, "", m.tau90, m.tau90 * m.tau90_error, f)
        for m, f in zip(moving, free, strict=True)
    ]


def _overlaps(label: str, found: xr.Dataset, told: Glassy, axis: Axes) -> list[Row]:
    """At the lowest T > 0 whose tau_90 is known, and at the highest but one."""
    timed = [m for m in told.motions if m.temperature > 0 and math.isfinite(m.tau90)]
    shown = {timed[0].temperature: BLUE, timed[max(len(timed) - 2, 0)].temperature: ORANGE} if timed else {}
    rows: list[Row] = []
    t_w = main_t_w(found)
    t, overlap = curves(found, "overlap", factor=told.factor)
    temperatures = [float(x) for x in found["temperature"].values]
    for value, colour in shown.items():
        k = temperatures.index(value)
        mean, spread = overlap[:, k].mean(0), standard_error(overlap[:, k])
        lengths = found["sigma"].sel(t=t_w).isel(temperature=k).values.astype(float) / told.factor
        rate = found.attrs["eta"] * value / found.attrs["patterns"]
        free = np.mean([free_overlap(t, rate, x) for x in lengths.ravel()], axis=0)
        axis.plot(t, mean, color=colour, label=temperature(value))
        axis.fill_between(t, mean - spread, mean + spread, color=colour, alpha=0.25, lw=0)
        axis.plot(t, free, "--", color=colour, lw=0.8, label="free walks")
        rows += [("Q", label, value, *map(float, point)) for point in zip(t, mean, spread, free, strict=True)]
    axis.axhline(0.9, color="0.6", lw=0.7, ls=":")
    return rows


def _scores(results: Results, label: str, told: Glassy) -> list[Score]:
    scores, over = [], label == "over"
    landscape = label in ("under", "regularised")
    for m in told.motions:
        at = f"{label}, T = {m.temperature:g}"
        if m.temperature == 0:
            if not over:
                scores.append(Score(f"{at}: tau_90", m.tau90, m.tau90 * m.tau90_error, math.inf))
            continue
        bounds = judged(results, 1 - NEAR, 1 + NEAR) if over and math.isfinite(m.over_free) else OPEN
        if landscape and m.temperature == 1e-6:
            bounds = judged(results, None, BELOW)
        scores.append(
            Score(f"{at}: tau_90 over free", m.over_free, m.over_free * m.over_free_error, 1.0, within=bounds)
        )
        if landscape and m.temperature <= COLD:
            error = m.over_still * m.over_still_error
            near = judged(results, 1 - NEAR, 1 + NEAR)
            scores.append(Score(f"{at}: tau_90 over that at T = 0", m.over_still, error, within=near))
    scores.append(
        Score(f"{label}: slope of ln tau_90 in ln T where it is free", told.slope, told.slope_error, -1.0)
    )
    return scores
