"""Moments of trained weights beside the authors'.

Means by principal component (input boundary) and by class (output boundary), connected moments of pairs of
the interior by what the two weights share.
"""

import math

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from compare.resampling import jackknife_error, standard_error
from paper_figures.sheet import BLUE, ORANGE, Paths, Row, page, write
from paper_figures.stored.results import Results
from paper_figures.stored.scores import Score, judged
from paper_figures.zou_huang2021 import card
from paper_figures.zou_huang2021.weights import NAMES, Values, configurations, means
from theory.inverse_ising import parts

STUDIES = ("ensembles",)

LABELS = ("under", "over")
COLOURS = {"under": BLUE, "over": ORANGE}
SHARED = ("unit behind", "unit before", "none")
"""What two weights of the interior can share."""

RESAMPLED = 200

COLUMNS = ("panel", "ensemble", "place", "mean", "error", "authors")


def draw(results: Results, paths: Paths | None, overwrite: bool) -> list[Score]:
    """Draw what is stored, into files if ``paths`` says where; returns its numbers."""
    rows: list[Row] = []
    scores: list[Score] = []
    with page(7.2, 2.6) as sheet:
        left, middle, right = sheet.subplots(1, 3, width_ratios=[1.6, 1, 1])
        for label in LABELS:
            found = configurations(results, label)
            if found is None:
                continue
            sizes = tuple(int(n) for n in found.attrs["sizes"].split(","))
            weights = found["weights"].values
            scores.append(_accuracy(found["accuracy"].values, label))
            for axis, layer, panel, theirs in (
                (left, 1, "by component", card.INPUT_MEANS),
                (middle, len(sizes) - 1, "by class", card.CLASS_MEANS),
            ):
                known = theirs if label == "under" and results.size != "smoke" else ()
                more, told = _means(results, axis, label, panel, means(weights, sizes, layer), known)
                rows, scores = rows + more, scores + told
            more, told = _pairs(results, right, label, weights, sizes)
            rows, scores = rows + more, scores + told
        scores += _shallow(results)
        left.set(xlabel="principal component", ylabel="mean weight, input boundary")
        middle.set(xlabel="class", ylabel="mean weight, output boundary", xticks=range(10))
        right.set(ylabel="connected pair moment, interior")
        right.set_xticks(range(3), [name.replace(" ", "\n") for name in SHARED], fontsize=6)
        for axis in (left, middle, right):
            axis.axhline(0, color="0.7", lw=0.6)
        if left.get_legend_handles_labels()[0]:
            left.legend(fontsize=6)
        write(sheet, COLUMNS, rows, paths, overwrite)
    return scores


def _accuracy(values: Values, label: str) -> Score:
    what = f"{NAMES[label]}: accuracy on the test of a drawn network"
    return Score(what, float(values.mean()), float(standard_error(values)), 0.1)


def _means(
    results: Results, axis: Axes, label: str, panel: str, found: tuple[Values, Values],
    theirs: tuple[float, ...],
) -> tuple[list[Row], list[Score]]:  # fmt: skip
    rows: list[Row]
    mean, error = found
    first = 1 if panel == "by component" else 0
    x = np.arange(first, first + len(mean))
    axis.errorbar(x, mean, error, fmt="o-", ms=3, lw=0.8, color=COLOURS[label], label=NAMES[label])
    if not theirs:
        rows = [
            (panel, label, int(k), float(a), float(b), "") for k, a, b in zip(x, mean, error, strict=True)
        ]
        return rows, []
    axis.plot(x, theirs, "x", ms=4, color="black", label="authors, under-parametrised")
    rows = [(panel, label, int(k), *map(float, y)) for k, *y in zip(x, mean, error, theirs, strict=True)]
    value = float(np.corrcoef(mean, theirs)[0, 1])
    what = f"{NAMES[label]}: correlation of means {panel} with the authors'"
    # That of unrelated numbers: 0, with a standard deviation of 1/sqrt(n - 1).
    return rows, [Score(what, value, null=0.0, within=judged(results, 0.7, None))]


def _pairs(
    results: Results, axis: Axes, label: str, weights: NDArray[np.int8], sizes: tuple[int, ...]
) -> tuple[list[Row], list[Score]]:
    """Of the interior, and its mean weight; errors by the bootstrap over configurations."""
    places = parts(sizes)
    if "interior" not in places or len(sizes) != 4:
        return [], []
    interior = weights[:, places["interior"]].astype(float).reshape(len(weights), sizes[2], sizes[1])
    # Sums over pairs of one network, from the sums of rows, columns and all.
    rows_, columns_, whole = interior.sum(2), interior.sum(1), interior.sum((1, 2))
    n, m = sizes[2], sizes[1]
    count = n * m
    each = np.stack([
        whole / count,
        ((rows_**2).sum(1) - count) / (count * (m - 1)),
        ((columns_**2).sum(1) - count) / (count * (n - 1)),
        (whole**2 - (rows_**2).sum(1) - (columns_**2).sum(1) + count) / (count * (n - 1) * (m - 1)),
    ])  # fmt: skip
    generator = np.random.default_rng(0)
    chosen = generator.integers(0, each.shape[1], (RESAMPLED, each.shape[1]))

    def connected(values: Values) -> Values:
        return np.concatenate([values[:1], values[1:] - values[0] ** 2])

    found = connected(each.mean(1))
    error = np.std([connected(each[:, c].mean(1)) for c in chosen], axis=0, ddof=1)
    theirs = card.INTERIOR_PAIRS[label] if results.size != "smoke" else (math.nan,) * 3
    shift = -0.08 if label == "under" else 0.08
    axis.errorbar(np.arange(3) + shift, found[1:], error[1:], fmt="o", ms=3, color=COLOURS[label])
    axis.plot(np.arange(3) + shift, theirs, "x", ms=4, color="black")
    rows: list[Row] = [
        ("pairs of the interior", label, name, float(a), float(b), float(c))
        for name, a, b, c in zip(SHARED, found[1:], error[1:], theirs, strict=True)
    ]
    name = f"{NAMES[label]}: mean weight of the interior"
    scores = [Score(f"{name} (authors {card.INTERIOR_MEAN[label]:.3f})", found[0], error[0], 0.0)]
    for shared, value, spread, other in zip(
        SHARED, found[1:], error[1:], card.INTERIOR_PAIRS[label], strict=True
    ):
        what = f"{NAMES[label]}: pairs of the interior sharing {shared} (authors {other:.4f})"
        scores.append(Score(what, float(value), float(spread), 0.0))
    return rows, scores


def _shallow(results: Results) -> list[Score]:
    found = configurations(results, "shallow")
    if found is None:
        return []
    weights = found["weights"].values.astype(float)
    count = len(weights)
    m = weights.mean(0)

    # Without the noise of the means; errors by the jackknife over networks.
    def squares(means_: Values, networks: int) -> Values:
        found_: Values = ((networks * means_**2 - 1) / (networks - 1)).mean(-1)
        return found_

    without = squares((count * m - weights) / (count - 1), count - 1)
    error = float(jackknife_error(without))
    what = f"shallow: mean square of the means (authors {card.SHALLOW_Q})"
    return [
        _accuracy(found["accuracy"].values, "shallow"),
        Score(what, float(squares(m, count)), error, 0.0, judged(results, 0.75, 0.82)),
    ]
