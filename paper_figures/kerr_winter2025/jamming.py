"""Jamming: the loss that training leaves, against N/P (lambda = 0), for images and for points without
structure.

Each dot is a network, lines are geometric means. Right: over N/P and lambda.
"""

from itertools import pairwise

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from paper_figures.kerr_winter2025.drawing import absent, judged
from paper_figures.kerr_winter2025.scores import OPEN, Score
from paper_figures.kerr_winter2025.studies import PHASES, WIDTHS
from paper_figures.sheet import BLUE, ORANGE, Paths, Row, page, write
from paper_figures.stored.results import Results

STUDIES = ("jamming", "phases")
STYLE = {"mnist": (BLUE, "o", "images"), "gaussian": (ORANGE, "s", "Gaussian points")}
FLOOR = 1e-20
"""Of losses, before their geometric mean."""

JAMMED, SATISFIED = 1e-2, 1e-8
FEW, MANY = 0.3, {"mnist": 1.09, "gaussian": 1.6}
"""N/P up to which, and from which, the geometric mean should be above and below these: labels without
structure need more weights."""

LINE = 1e-7
"""Loss below which a network counts as satisfied."""

COLUMNS = ("panel", "data", "N/P", "lambda", "sample", "loss", "unsatisfied")


def draw(results: Results, paths: Paths | None, overwrite: bool) -> list[Score]:
    """Draw what is stored, into files if ``paths`` says where; returns its numbers."""
    rows: list[Row] = []
    scores: list[Score] = []
    with page(7.2, 2.6) as sheet:
        left, middle, right = sheet.subplots(1, 3)
        for data in WIDTHS[results.size]:
            rows += _line(results, data, left, middle)
        scores = _scores(results)
        rows += _plane(results, sheet, right)
        left.set(
            yscale="log",
            xlabel="weights per pattern $N/P$",
            ylabel=r"loss left, $\lambda=0$",
            ylim=(1e-15, 2),
        )
        left.axhline(LINE, color="0.6", lw=0.7, ls=":")
        if left.lines[1:]:
            left.legend(fontsize=6)
        middle.set(xlabel="$N/P$", ylabel=r"fraction of patterns with $\Delta>10^{-3}$")
        write(sheet, COLUMNS, rows, paths, overwrite)
    return scores


def _last(found: xr.Dataset, name: str) -> np.ndarray:
    values: np.ndarray = found[name].sel(t=int(found.attrs["steps"])).values.ravel().astype(float)
    return values


def mean_loss(losses: np.ndarray) -> float:
    """The geometric mean."""
    return float(np.exp(np.log(np.maximum(losses, FLOOR)).mean()))


def _line(results: Results, data: str, left: Axes, middle: Axes) -> list[Row]:
    colour, mark, name = STYLE[data]
    rows: list[Row] = []
    points = []
    for width in WIDTHS[results.size][data]:
        found = results.get("jamming", f"{data}.w={width}")
        if found is None:
            continue
        ratio, losses, unsatisfied = (
            1 / found.attrs["alpha"],
            _last(found, "loss"),
            _last(found, "unsatisfied"),
        )
        left.plot([ratio] * len(losses), np.maximum(losses, 1e-15), mark, color=colour, ms=2, alpha=0.35)
        middle.plot([ratio] * len(losses), unsatisfied, mark, color=colour, ms=2, alpha=0.35)
        points.append((ratio, mean_loss(losses), unsatisfied.mean()))
        for sample, (x, y) in enumerate(zip(losses, unsatisfied, strict=True)):
            rows.append(("line", data, float(ratio), 0.0, sample, float(x), float(y)))
    if points:
        x, y, z = zip(*points, strict=True)
        left.plot(x, y, "-", marker=mark, color=colour, ms=4, label=name)
        middle.plot(x, z, "-", marker=mark, color=colour, ms=4)
    return rows


def _plane(results: Results, sheet: Figure, axis: Axes) -> list[Row]:
    """Geometric mean of U over N/P and lambda, as cells."""
    widths, lambdas, _ = PHASES[results.size]
    values = np.full((len(lambdas), len(widths)), np.nan)
    ratios = np.full(len(widths), np.nan)
    rows: list[Row] = []
    for i, strength in enumerate(lambdas):
        for j, width in enumerate(widths):
            found = results.get("phases", f"w={width}.lambda={strength:g}")
            if found is not None:
                values[i, j], ratios[j] = mean_loss(_last(found, "U")), 1 / found.attrs["alpha"]
                rows.append(("plane", "images", float(ratios[j]), strength, "", float(values[i, j]), ""))
    if np.isnan(values).all():
        absent(axis)
        return []
    image = axis.imshow(
        values, origin="lower", aspect="auto", norm=LogNorm(1e-10, 1), cmap="viridis", interpolation="nearest"
    )
    axis.set_xticks(range(len(widths)), [f"{x:.2g}" for x in ratios], fontsize=6)
    axis.set_yticks(range(len(lambdas)), [f"{x:g}" for x in lambdas], fontsize=6)
    axis.set(xlabel="$N/P$", ylabel=r"$\lambda$")
    sheet.colorbar(image, ax=axis, label="$U$, geometric mean")
    return rows


def _scores(results: Results) -> list[Score]:
    scores = []
    for data, widths in WIDTHS[results.size].items():
        points = []
        for width in widths:
            found = results.get("jamming", f"{data}.w={width}")
            if found is None:
                continue
            losses, ratio = _last(found, "loss"), 1 / float(found.attrs["alpha"])
            points.append((ratio, mean_loss(losses)))
            bounds = judged(results, JAMMED, None) if ratio <= FEW else OPEN
            bounds = judged(results, None, SATISFIED) if ratio >= MANY[data] else bounds
            scores.append(
                Score(
                    f"{STYLE[data][2]}, N/P = {ratio:.2f}: loss, geometric mean", points[-1][1], within=bounds
                )
            )
            share = float((losses < LINE).mean())
            scores.append(
                Score(f"{STYLE[data][2]}, N/P = {ratio:.2f}: networks with a loss below 1e-7", share)
            )
        scores.append(Score(f"{STYLE[data][2]}: N/P at which the loss falls through 1e-7", _crossing(points)))
    return scores


def _crossing(points: list[tuple[float, float]]) -> float:
    """Where the geometric mean falls through the line, linear in its logarithm; missing where it does not."""
    for (a, x), (b, y) in pairwise(points):
        if x > LINE >= y:
            share = np.log(x / LINE) / np.log(x / y)
            return float(a + share * (b - a))
    return float("nan")
