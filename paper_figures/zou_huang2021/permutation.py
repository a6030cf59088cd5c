"""The permutation control: how much of the contrast between interior and boundaries is that hidden units have
no order.

Trained networks with hidden units in canonical order (falling mean pre-activation over test images of class
1); of a share p of them the units are then relabelled at random. p = 0: the ordered ensemble; p = 1: the raw
one, where correlations that follow the units are averaged away. Gaussian multi-information per weight of the
ensembles as they are, bias of so few configurations removed; open: averaged over all relabellings; crosses:
the authors' two ends. Dotted: untrained networks in canonical order; dashed: interiors that stayed at random
while the boundaries learnt. Sorting correlates even random weights, so the control needs these nulls.
"""

import math

import numpy as np

from compare.liquid import THRESHOLD
from compare.weight_ensemble import Ensemble as Vectors
from compare.weight_ensemble import ensemble
from paper_figures.sheet import BLUE, GREEN, ORANGE, Paths, Row, absent, page, write
from paper_figures.stored.results import Results
from paper_figures.stored.scores import OPEN, Score, judged
from paper_figures.zou_huang2021 import card
from paper_figures.zou_huang2021.weights import NAMES, Point, averaged, configurations, ordered
from theory.inverse_ising import permuted

STUDIES = ("ensembles",)

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
STYLE = {"input": (ORANGE, "o"), "interior": (BLUE, "s"), "output": (GREEN, "^")}
COLUMNS = ("ensemble", "part", "share relabelled", "multi-information", "error")


Curves = dict[str, list[Point]]
Ends = dict[str, Point]


def draw(results: Results, paths: Paths | None, overwrite: bool) -> list[Score]:
    """Draw what is stored, into files if ``paths`` says where; returns its numbers."""
    rows: list[Row] = []
    scores: list[Score] = []
    sorted_null = _sorted(results, "untrained")
    never = _sorted(results, "frozen")["interior"]
    with page(7.2, 2.8) as sheet:
        axes = sheet.subplots(1, 2, sharey=True)
        for axis, label in zip(axes, ("under", "over"), strict=True):
            found = _ends(results, label)
            if found is None:
                absent(axis)
                continue
            curves, ends = found
            for part, (colour, mark) in STYLE.items():
                values, errors = np.array(curves[part]).T
                axis.errorbar(SHARES, values, errors, fmt=f"{mark}-", ms=3, lw=0.9, color=colour, label=part)
                value, error = ends[part]
                axis.errorbar([1.08], [value], [error], fmt=mark, ms=3, color=colour, mfc="white")
                axis.plot([-0.12, 0.12], [sorted_null[part][0]] * 2, ":", lw=1.2, color=colour)
                if part == "interior":
                    axis.plot([-0.12, 0.12], [never[0]] * 2, "--", lw=1.2, color=colour)
                rows += [(label, part, *map(float, x)) for x in zip(SHARES, values, errors, strict=True)]
                rows += [(label, part, "all", value, error), ("untrained", part, 0.0, *sorted_null[part])]
                if results.size != "smoke":
                    axis.plot([1.14], [card.MULTI_INFORMATION[label][part]], "x", ms=4, color=colour)
                    if label == "under":
                        axis.plot([-0.06], [card.CANONICAL[part]], "x", ms=4, color=colour)
            scores += _scores(results, label, curves, ends, sorted_null)
            (value, error), (base, spread) = curves["interior"][0], never
            told = f"{NAMES[label]}, interior: in canonical order, above interiors that never learnt"
            both = math.hypot(error, spread)
            bounds = judged(results, None, THRESHOLD - 2 * both)
            scores.append(Score(told, value - base, both, 0.0, bounds))
            axis.set(xlabel="share of networks with units relabelled $p$", title=NAMES[label])
            axis.axhline(0, color="0.7", lw=0.6)
        axes[0].set_ylabel("multi-information, nats per weight")
        if axes[0].get_legend_handles_labels()[0]:
            axes[0].legend(fontsize=6)
        write(sheet, COLUMNS, rows, paths, overwrite)
    return scores


def _sorted(results: Results, label: str) -> Ends:
    """Of a control in canonical order: what sorting the units makes by itself."""
    found = configurations(results, label)
    if found is None:
        return dict.fromkeys(STYLE, (math.nan, math.nan))
    vectors = ensemble(found)
    vectors_ = Vectors(found["canonical"].values, vectors.sizes, found["sample"].values)
    return {part: ordered(vectors_, part) for part in STYLE}


def _ends(results: Results, label: str) -> tuple[Curves, Ends] | None:
    """By part along SHARES, and averaged over all permutations."""
    found = configurations(results, label)
    if found is None:
        return None
    vectors = ensemble(found)
    turned = permuted(found["canonical"].values, vectors.sizes, np.random.default_rng(0))
    rank = np.random.default_rng(1).permutation(len(turned)) / len(turned)
    curves: Curves = {part: [] for part in STYLE}
    for share in SHARES:
        mixed = np.where((rank < share)[:, None], turned, found["canonical"].values)
        for part in STYLE:
            curves[part].append(ordered(Vectors(mixed, vectors.sizes, found["sample"].values), part))
    return curves, {part: averaged(vectors, part) for part in STYLE}


def _scores(results: Results, label: str, curves: Curves, raw: Ends, sorted_null: Ends) -> list[Score]:
    name, scores = NAMES[label], []
    for part in STYLE:
        theirs = card.MULTI_INFORMATION[label][part]
        told = f"{name}, {part}: averaged over relabellings (authors {theirs:.4f})"
        most = THRESHOLD - 2 * raw[part][1]
        ends = (None, most) if part == "interior" else (0.6 * theirs, 1.6 * theirs)
        scores.append(Score(told, *raw[part], null=0.0, within=judged(results, *ends)))
        told, bounds = f"{name}, {part}: in canonical order", OPEN
        if label == "under":
            told += f" (authors {card.CANONICAL[part]:.3f})"
            if part != "interior":  # there sorted coins would pass
                bounds = judged(results, 0.6 * card.CANONICAL[part], 1.6 * card.CANONICAL[part])
        scores.append(Score(told, *curves[part][0], null=sorted_null[part][0], within=bounds))
        told = f"{name}, {part}: in canonical order, above untrained networks in canonical order"
        (value, error), (base, spread) = curves[part][0], sorted_null[part]
        scores.append(Score(told, value - base, math.hypot(error, spread), 0.0))
    for told, ends_ in (
        ("averaged", raw), ("in canonical order", {part: x[0] for part, x in curves.items()})
    ):  # fmt: skip
        low = min(("input", "output"), key=lambda part: ends_[part][0])
        (value, error), (inner, spread) = ends_[low], ends_["interior"]
        relative = math.hypot(error / value, spread / inner)
        ratio = value / inner
        scores.append(Score(f"{name}: lower boundary over interior, {told}", ratio, ratio * relative, 1.0))
    return scores
