"""Jamming: the loss that training leaves, against N/P (lambda = 0), for images and for points without
structure.

Each dot is a network, lines are geometric means. Right: over N/P and lambda.
"""

import math
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from compare.resampling import standard_error
from paper_figures.kerr_winter2025.studies import PHASES, WIDTHS
from paper_figures.sheet import BLUE, ORANGE, Paths, Row, absent, page, write
from paper_figures.stored.results import Results
from paper_figures.stored.scores import OPEN, Score, judged

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

RESAMPLED = 200

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
    """Errors are over networks: of a mean, of a share, and by resampling networks of the crossing."""
    scores = []
    for data, widths in WIDTHS[results.size].items():
        points: dict[float, np.ndarray] = {}
        for width in widths:
            found = results.get("jamming", f"{data}.w={width}")
            if found is None:
                continue
            losses, ratio = _last(found, "loss"), 1 / float(found.attrs["alpha"])
            points[ratio] = losses
            bounds = judged(results, math.log10(JAMMED), None) if ratio <= FEW else OPEN
            bounds = judged(results, None, math.log10(SATISFIED)) if ratio >= MANY[data] else bounds
            logs = np.log10(np.maximum(losses, FLOOR))
            error = float(standard_error(logs))
            at = f"{STYLE[data][2]}, N/P = {ratio:.2f}"
            scores.append(Score(f"{at}: log10 of the loss, mean", float(logs.mean()), error, within=bounds))
            share = float((losses < LINE).mean())
            spread = math.sqrt(share * (1 - share) / len(losses))
            scores.append(Score(f"{at}: networks with a loss below 1e-7", share, spread))
        name = f"{STYLE[data][2]}: N/P at which the mean of the logarithm falls through 1e-7"
        scores.append(Score(name, *_crossing(points)))
    return scores


def _crossing(points: Mapping[float, np.ndarray]) -> tuple[float, float]:
    """Where the geometric mean first falls through the line, linear in its logarithm, with its error.

    Missing where it does not fall through; the error is the deviation over resampled networks that do.
    """
    stream = np.random.default_rng(0)

    def first(losses: Mapping[float, np.ndarray]) -> float:
        logs = {ratio: math.log(mean_loss(x) / LINE) for ratio, x in losses.items()}
        for (a, x), (b, y) in pairwise(logs.items()):
            if x > 0 >= y:
                return a + x / (x - y) * (b - a)
        return math.nan

    again = [first({k: stream.choice(x, len(x)) for k, x in points.items()}) for _ in range(RESAMPLED)]
    known = [x for x in again if not math.isnan(x)]
    return first(points), float(np.std(known)) if len(known) > RESAMPLED // 2 else math.nan
