"""The controls: free walks (N1), walks in the well of L2 alone (N2), half the step (N4), single precision
(N5).

Left: displacement of free walks and of walks in the well (from the trained weights, which decay, and by the
law of equilibrium), beside the network with L2 at the highest
temperature. Middle: tau_90 in units of eta t with half the step over that with the whole. Right: what single
precision changes at low T. The deterministic control (N3) is T = 0 of every figure.
"""

import math

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from compare.glassy import geometric_mean, sample_times
from compare.motion import late_slope
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
    found = results.get("controls", "well")
    if found is not None:
        t, _ = curves(found, "msd")
        axis.plot(t, _held(found, t), "--", color=GREEN, lw=1.0, label="the same, stationary")
    return rows


def _held(found: xr.Dataset, t: np.ndarray) -> np.ndarray:
    """Mean squared displacement of a weight in equilibrium in the well of L2, at the highest temperature."""
    a = found.attrs
    top, strength = float(found["temperature"][-1]), float(a["lambda_"])
    law: np.ndarray = 2 * top / (a["patterns"] * strength) * -np.expm1(-float(a["eta"]) * strength * t)
    return law


def _walk_scores(results: Results) -> list[Score]:
    scores = []
    for label, name in (("free", "N1"), ("well", "N2")):
        known = survey(results, "controls", label)
        if known is None:
            continue
        told = known[1]
        top = told.motions[-1]
        what = f"{name}, T = {top.temperature:g}: late slope of the displacement"
        scores.append(Score(what, top.msd_late, null=1.0))
        if label == "well":
            t, _ = curves(known[0], "msd")
            scores.append(Score(f"{what}, in equilibrium", late_slope(t, _held(known[0], t)), null=1.0))
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
    found = _ratios(half, whole, float(half.attrs["eta"]) / float(whole.attrs["eta"]))
    rows: list[Row] = []
    scores = []
    points = []
    for value, (ratio, error) in found.items():
        name = f"N4, {state}, T = {value:g}: eta tau_90 with half the step over whole"
        bounds = judged(results, 1 - NEAR, 1 + NEAR) if value <= 1e-3 and math.isfinite(ratio) else OPEN
        scores.append(Score(name, ratio, error, within=bounds))
        if value > 0 and math.isfinite(ratio):
            points.append((value, ratio, error))
            rows.append(("half", state, value, "", ratio, error))
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
        for value, (ratio, error) in _ratios(known["under.single"], known["under.double"]).items():
            name = f"N5, under, T = {value:g}: tau_90 in single over double precision"
            scores.append(Score(name, ratio, error))
    return rows, scores


def _ratios(a: xr.Dataset, b: xr.Dataset, scale: float = 1.0) -> dict[float, tuple[float, float]]:
    """tau_90 of one result over that of another by temperature, of the same samples: mean and its error."""
    first, second = xr.align(*(sample_times(x, main_t_w(x)) for x in (a, b)), join="inner")
    found = {}
    for value in first["temperature"].values:
        ratio, error = geometric_mean((scale * first / second).sel(temperature=value).values)
        found[float(value)] = ratio, ratio * error
    return found
