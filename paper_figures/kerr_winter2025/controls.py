"""The controls: free walks (N1), walks in the well of L2 alone (N2), half the step (N4), single precision
(N5).

Left: displacement of free walks and of walks in the well (from the trained weights, which decay, and by the
law of equilibrium), beside the network with L2 at the highest temperature. Middle: tau_90 in units of eta t
with half the step over that with the whole. Right: what single precision does to free walks at a T whose
noise is below its rounding. The deterministic control (N3) is T = 0 of every figure.
"""

import math

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from compare.diffusion import well_displacement
from compare.glassy import geometric_mean, sample_times
from compare.motion import slopes
from compare.resampling import standard_error
from paper_figures.kerr_winter2025.drawing import curves, main_t_w, survey
from paper_figures.sheet import BLUE, GREEN, ORANGE, Paths, Row, page, write
from paper_figures.stored.results import Results
from paper_figures.stored.scores import OPEN, Score, judged

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
        right.set(xscale="log", xlabel="steps $t$", ylabel=r"displacement over $2\eta Tt/P$, lowest $T$")
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
        axis.plot(t, _held(found, t), "--", color=GREEN, lw=1.0, label="N2, in equilibrium")
    return rows


def _held(found: xr.Dataset, t: np.ndarray) -> np.ndarray:
    """Mean squared displacement of a weight in equilibrium in the well of L2, at the highest temperature."""
    a = found.attrs
    top = float(found["temperature"][-1])
    return well_displacement(t, top, float(a["lambda_"]), float(a["eta"]), int(a["patterns"]))


def _decayed(found: xr.Dataset) -> tuple[float, float]:
    """Displacement at the end, highest T, over the exact one of weights that decay from where they were at
    t_w.

    <w^2> (1 - k^t)^2 + v (1 - k^(2t)), k = 1 - eta lambda, v = (2 T eta/P)/(1 - k^2) the variance in the
    well.
    """
    t, msd = curves(found, "msd")
    begun = found["norm2"].sel(t=main_t_w(found)).sum("weight_layer").transpose("sample", "temperature")
    squares = begun.values[:, -1].astype(float) / float(found.attrs["weights"])
    keep = (1 - float(found.attrs["eta"]) * float(found.attrs["lambda_"])) ** t[-1]
    spread = float(_held(found, np.array([1e12]))[0]) / 2
    ratios = msd[:, -1, -1] / (squares * (1 - keep) ** 2 + spread * (1 - keep**2))
    return geometric_mean(ratios)


def _walk_scores(results: Results) -> list[Score]:
    scores = []
    for label, name in (("free", "N1"), ("well", "N2")):
        known = survey(results, "controls", label)
        if known is None:
            continue
        told = known[1]
        top = told.motions[-1]
        what = f"{name}, T = {top.temperature:g}: late slope of the displacement"
        scores.append(Score(what, top.msd_late, top.msd_late_error, 1.0))
        if label == "well":
            t, _ = curves(known[0], "msd")
            scores.append(
                Score(f"{what}, in equilibrium", float(slopes(t, _held(known[0], t))[-1]), null=1.0)
            )
            ratio, error = _decayed(known[0])
            near = judged(results, 0.9, 1.1)
            scores.append(
                Score(f"{name}: displacement at the end over its exact law", ratio, ratio * error, 1.0, near)
            )
        for m in told.motions[1:]:
            bounds = judged(results, 0.95, 1.05) if label == "free" and math.isfinite(m.over_free) else OPEN
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
    """Displacement of free walks over what it must be, at temperatures whose noise is below a rounding."""
    rows: list[Row] = []
    scores = []
    for label, colour in (("walk.double", BLUE), ("walk.single", ORANGE)):
        found = results.get("controls", label)
        if found is None:
            continue
        t, msd = curves(found, "msd")
        rates = 2 * float(found.attrs["eta"]) * found["temperature"].values / int(found.attrs["patterns"])
        precision = label.partition(".")[2]
        for k, value in enumerate(found["temperature"].values):
            share = msd[:, k] / (rates[k] * t)
            mean, error = share.mean(0), standard_error(share)
            bounds = judged(results, 0.9, 1.1) if precision == "double" else OPEN
            name = f"N5, free walks, T = {value:g}, {precision} precision: displacement over 2 eta T t/P"
            scores.append(Score(name, float(mean[-1]), float(error[-1]), 1.0, bounds))
            if k == 0:
                axis.plot(t, mean, color=colour, label=f"{precision} precision")
                rows += [
                    ("precision", label, float(value), *map(float, x))
                    for x in zip(t, mean, error, strict=True)
                ]
    return rows, scores


def _ratios(a: xr.Dataset, b: xr.Dataset, scale: float = 1.0) -> dict[float, tuple[float, float]]:
    """tau_90 of one result over that of another by temperature, of the same samples: mean and its error."""
    first, second = xr.align(*(sample_times(x, main_t_w(x)) for x in (a, b)), join="inner")
    found = {}
    for value in first["temperature"].values:
        ratio, error = geometric_mean((scale * first / second).sel(temperature=value).values)
        found[float(value)] = ratio, ratio * error
    return found
