"""The controls: free walks (N1), walks in the well of L2 alone (N2), half the step (N4), single precision
(N5).

Left: displacement of free walks and of walks in the well, beside the network with L2 at the highest
temperature. Middle: tau_90 in units of eta t with half the step over that with the whole. Right: what single
precision changes at low T. The deterministic control (N3) is T = 0 of every figure.
"""

import math

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from compare.glassy import Motion, glassy
from paper_figures.kerr_winter2025.drawing import curves, judged, main_t_w, survey
from paper_figures.kerr_winter2025.scores import OPEN, Score
from paper_figures.sheet import BLUE, GREEN, ORANGE, Paths, Row, page, write
from paper_figures.stored.results import Results

STUDIES = ("motion", "controls")
NEAR = 0.1
"""By how much tau_90 may move when the step is halved."""

COLUMNS = ("panel", "label", "T", "t", "value", "error")


def draw(results: Results, paths: Paths | None, overwrite: bool) -> list[Score]:
    """Draw what is stored, into files if ``paths`` says where; returns its numbers."""
    rows: list[Row] = []
    scores: list[Score] = []
    with page(7.2, 2.6) as sheet:
        left, middle, right = sheet.subplots(1, 3)
        rows += _walks(results, left)
        scores += _walk_scores(results)
        for state, colour in (("under", BLUE), ("regularised", ORANGE)):
            more, told = _halved(results, state, colour, middle)
            rows, scores = rows + more, scores + told
        more, told = _precision(results, right)
        rows, scores = rows + more, scores + told
        left.set(xscale="log", yscale="log", xlabel="steps $t$", ylabel="mean squared displacement")
        middle.set(
            xscale="log", xlabel="$T$", ylabel=r"$\eta\,\tau_{90}$, half the step over whole", ylim=(0.5, 1.5)
        )
        right.set(xscale="log", xlabel="steps $t$", ylabel="overlap $Q$, lowest $T>0$", ylim=(-0.02, 1.05))
        middle.axhline(1, color="0.6", lw=0.7, ls=":")
        for axis in (left, middle, right):
            if axis.get_legend_handles_labels()[0]:
                axis.legend(fontsize=6)
        write(sheet, COLUMNS, rows, paths, overwrite)
    return scores


def _walks(results: Results, axis: Axes) -> list[Row]:
    rows: list[Row] = []
    for study, label, name, colour in (
        ("controls", "free", "N1: free", "0.4"),
        ("controls", "well", "N2: well of L2 alone", GREEN),
        ("motion", "regularised", "network with L2", ORANGE),
    ):
        found = results.get(study, label)
        if found is None:
            continue
        t, msd = curves(found, "msd")
        top = float(found["temperature"][-1])
        axis.plot(t, msd[:, -1].mean(0), color=colour, label=name)
        rows += [
            ("walks", label, top, float(a), float(b), "") for a, b in zip(t, msd[:, -1].mean(0), strict=True)
        ]
    return rows


def _walk_scores(results: Results) -> list[Score]:
    scores = []
    for label, name in (("free", "N1"), ("well", "N2")):
        known = survey(results, "controls", label)
        if known is None:
            continue
        told = known[1]
        top = told.motions[-1]
        scores.append(
            Score(f"{name}, T = {top.temperature:g}: late slope of the displacement", top.msd_late, null=1.0)
        )
        for m in told.motions[1:]:
            bounds = judged(results, 0.9, 1.1) if label == "free" and math.isfinite(m.over_free) else OPEN
            error = m.over_free * m.over_free_error
            scores.append(
                Score(
                    f"{name}, T = {m.temperature:g}: tau_90 over free", m.over_free, error, 1.0, within=bounds
                )
            )
    return scores


def _halved(results: Results, state: str, colour: str, axis: Axes) -> tuple[list[Row], list[Score]]:
    """tau_90 in units of eta t, of the same samples."""
    half, whole = results.get("controls", f"{state}.half"), results.get("motion", state)
    if half is None or whole is None:
        return [], []
    same = whole.sel(sample=[s for s in whole["sample"].values if s in half["sample"].values])
    pairs = zip(_motions(half), _motions(same), strict=True)
    rows: list[Row] = []
    scores = []
    points = []
    for a, b in pairs:
        ratio = a.tau90 / b.tau90 * float(half.attrs["eta"]) / float(whole.attrs["eta"])
        error = ratio * math.hypot(a.tau90_error, b.tau90_error)
        name = f"N4, {state}, T = {a.temperature:g}: eta tau_90 with half the step over whole"
        bounds = (
            judged(results, 1 - NEAR, 1 + NEAR) if a.temperature <= 1e-3 and math.isfinite(ratio) else OPEN
        )
        scores.append(Score(name, ratio, error, 1.0, within=bounds))
        if a.temperature > 0 and math.isfinite(ratio):
            points.append((a.temperature, ratio, error))
            rows.append(("half", state, a.temperature, "", ratio, error))
    if points:
        x, y, e = map(np.array, zip(*points, strict=True))
        axis.errorbar(x, y, e, fmt="o-", ms=3, lw=0.8, color=colour, label=state)
    return rows, scores


def _precision(results: Results, axis: Axes) -> tuple[list[Row], list[Score]]:
    rows: list[Row] = []
    scores = []
    known: dict[str, xr.Dataset] = {}
    for label, colour in (("under.double", BLUE), ("under.single", ORANGE)):
        found = results.get("controls", label)
        if found is None:
            continue
        known[label] = found
        t, overlap = curves(found, "overlap", factor=float(found["factor"][0]))
        axis.plot(t, overlap[:, 1].mean(0), color=colour, label=label.partition(".")[2] + " precision")
        value = float(found["temperature"][1])
        rows += [
            ("precision", label, value, float(a), float(b), "")
            for a, b in zip(t, overlap[:, 1].mean(0), strict=True)
        ]
    if len(known) == 2:
        for a, b in zip(_motions(known["under.single"]), _motions(known["under.double"]), strict=True):
            name = f"N5, under, T = {a.temperature:g}: tau_90 in single over double precision"
            scores.append(Score(name, a.tau90 / b.tau90, null=1.0))
    return rows, scores


def _motions(found: xr.Dataset) -> tuple[Motion, ...]:
    return glassy(found, t_w=main_t_w(found)).motions
