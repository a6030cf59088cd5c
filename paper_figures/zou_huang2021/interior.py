"""Is the interior liquid? Multi-information per weight of every part, without a fit, averaged over
relabellings of hidden units, beside its nulls; and what correlations take of the entropy in fitted models.

Left: our ensembles and the authors' (crosses); "random" is as many boundary weights as the interior has,
drawn at random. Dotted: the threshold of "liquid". Right: entropy of independent weights of the same means
less that of the fitted model, by the Bethe free energy as in the paper, and (open) with rings of messages.
"""

import math

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from compare import partitions
from compare.liquid import THRESHOLD, verdict_of
from compare.pair_models import PairModel, pair_model
from compare.resampling import standard_error
from compare.weight_ensemble import Ensemble, ensemble
from deepglass.errors import InvalidInput
from paper_figures.sheet import BLUE, GREEN, ORANGE, PINK, Paths, Row, page, write
from paper_figures.stored.results import Results
from paper_figures.stored.scores import OPEN, Score, judged
from paper_figures.zou_huang2021 import card
from paper_figures.zou_huang2021.weights import NAMES, Values, averaged, configurations
from theory.inverse_ising import Moments, parts, permutation_average, sample_moments

STUDIES = ("ensembles",)

STYLE = {
    "under": (BLUE, "o"), "over": (ORANGE, "s"), "frozen": (PINK, "D"), "shuffled": (GREEN, "^"),
    "untrained": ("0.5", "v"),
}  # fmt: skip
PARTS = ("input", "interior", "output", "full", "random")
AUTHORS = {"under": "x", "over": "+"}
RANDOM = 2
"""Random parts of the boundaries."""
FEWEST = 100
"""Networks below which a fit, or a random part, would be of noise."""

COLUMNS = ("panel", "ensemble", "part", "value", "error", "authors")


def draw(results: Results, paths: Paths | None, overwrite: bool) -> list[Score]:
    """Draw what is stored, into files if ``paths`` says where; returns its numbers."""
    rows: list[Row] = []
    scores: list[Score] = []
    with page(7.2, 2.8) as sheet:
        left, right = sheet.subplots(1, 2, width_ratios=[2, 1])
        for place, label in enumerate(STYLE):
            found = configurations(results, label)
            if found is not None:
                more, told = _ensemble(results, left, label, found, 0.12 * (place - 2))
                rows, scores = rows + more, scores + told
        more, told = _deficits(results, right)
        rows, scores = rows + more, scores + told
        left.axhline(THRESHOLD, color="0.4", lw=0.8, ls=":")
        left.set_yscale("symlog", linthresh=1e-3)
        left.set_xticks(range(len(PARTS)), PARTS)
        left.set(ylabel="multi-information, nats per weight", xlim=(-0.5, 4.5), ylim=(-5e-4, 0.6))
        if left.get_legend_handles_labels()[0]:
            sheet.legend(*left.get_legend_handles_labels(), fontsize=6, ncols=6, loc="outside upper center")
        write(sheet, COLUMNS, rows, paths, overwrite)
    return scores


def _ensemble(
    results: Results, axis: Axes, label: str, found: xr.Dataset, shift: float
) -> tuple[list[Row], list[Score]]:
    """All parts of one ensemble."""
    vectors, (colour, mark) = ensemble(found), STYLE[label]
    rows: list[Row] = []
    scores: list[Score] = []
    values = {part: averaged(vectors, part) for part in PARTS[:-1]}
    if label in AUTHORS and vectors.networks >= FEWEST:
        values["random"] = _random(vectors)
    x = np.array([PARTS.index(part) for part in values]) + shift
    y, e = np.array(list(values.values())).T
    axis.errorbar(x, y, e, fmt=mark, ms=3, lw=0.9, color=colour, label=NAMES[label])
    theirs = card.MULTI_INFORMATION[label] if label in AUTHORS and results.size != "smoke" else {}
    for part, value in theirs.items():
        name = "authors" if (part, label) == ("input", "under") else None
        axis.plot([PARTS.index(part) + shift], [value], AUTHORS[label], ms=5, color="black", label=name)
    name = NAMES[label]
    for part, (value, error) in values.items():
        known = theirs.get(part, math.nan)
        rows.append(("multi-information", label, part, value, error, known))
        told = f"{name}, {part}: multi-information"
        if part in theirs:
            told += f" (authors {known:.4f})"
        # What has learnt nothing must show nothing; an interior is claimed to be liquid.
        bounds = OPEN
        if part == "interior":
            bounds = judged(results, None, THRESHOLD - 2 * error)
            told += f": {verdict_of(value, error)}"
        scores.append(Score(told, value, error, 0.0, bounds))
    if "random" in values:
        ratio = values["random"][0] / values["interior"][0]
        relative = math.hypot(*(values[part][1] / values[part][0] for part in ("random", "interior")))
        told = f"{name}: as many random boundary weights over the interior"
        scores.append(Score(told, ratio, ratio * relative, 1.0, judged(results, 5.0, None)))
    return rows, scores


def _random(vectors: Ensemble) -> tuple[float, float]:
    """Mean over random parts; error of the mean of what is drawn, and of networks."""
    try:
        chosen = partitions.draw(vectors.sizes, RANDOM, np.random.default_rng(0))
        found = partitions.averaged(vectors, chosen)
    except InvalidInput:
        return math.nan, math.nan
    values = [each.value for each in found]
    networks = float(np.mean([each.error for each in found]))
    return float(np.mean(values)), math.hypot(networks, standard_error(values))


def _fitted(vectors: Ensemble) -> PairModel:
    """The pairwise model of an interior, by linear response of the Bethe approximation."""
    where = parts(vectors.sizes)["interior"]

    def moments(weights: Values) -> Moments:
        return permutation_average(sample_moments(weights), vectors.sizes).part(where)

    # Every weight given to other networks by itself: the same means, no correlations.
    apart = np.random.default_rng(0).permuted(vectors.weights, axis=0)
    return pair_model("interior", "raw", vectors.weights, vectors.samples, moments, [apart])


def _deficits(results: Results, axis: Axes) -> tuple[list[Row], list[Score]]:
    """Of the interiors of our ensembles, and of all the authors' parts."""
    rows: list[Row] = []
    scores: list[Score] = []
    places = {"input": 0, "interior": 1, "output": 2}
    for label in AUTHORS:
        colour, mark = STYLE[label]
        if results.size != "smoke":
            for part, value in card.DEFICIT[label].items():
                axis.plot([places[part]], [value], AUTHORS[label], ms=5, color="black")
                rows.append(("deficit", f"authors, {label}", part, value, math.nan, value))
        found = configurations(results, label)
        if found is None:
            continue
        vectors = ensemble(found)
        if vectors.networks < FEWEST:
            continue
        told = _fitted(vectors)
        axis.errorbar([1.15], [told.deficit], [told.error], fmt=mark, ms=3, color=colour, mfc="white")
        axis.errorbar([0.95], [told.bethe], [told.error], fmt=mark, ms=3, color=colour)
        theirs = card.DEFICIT[label]["interior"]
        name = f"{NAMES[label]}, interior: entropy that correlations take"
        for kind, value in (("Bethe", told.bethe), ("with rings of messages", told.deficit)):
            rows.append(("deficit", label, f"interior, {kind}", value, told.error, theirs))
            what = f"{name}, {kind}" + (f" (authors {theirs:.4f})" if kind == "Bethe" else "")
            near = judged(results, None, THRESHOLD - 2 * told.error)
            scores.append(Score(what, value, told.error, 0.0, near))
        if told.strength is not None:
            what = f"{NAMES[label]}, interior: sqrt(N) std J"
            scores.append(
                Score(what, told.strength.scaled_std_J, null=0.0, within=judged(results, None, 0.2))
            )
    axis.set_yscale("log")
    axis.set_xticks(list(places.values()), list(places))
    axis.set(ylabel="entropy taken by correlations,\nnats per weight", xlim=(-0.5, 2.5), ylim=(5e-4, 0.2))
    return rows, scores
