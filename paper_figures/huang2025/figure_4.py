"""Fig. 4 (ln alpha = 4.6 as N = 10, M = 1000): overlaps of the weights between machines, in the liquid
(l = 5) and in the solid (l = 9): their distribution, and matrices sorted by their tree."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from compare import resampling
from compare.resampling import Pairs, jackknife
from compare.trees import block_chance, block_contrast, flat_cophenetic, tree
from paper_figures.huang2025 import notes
from paper_figures.huang2025.claims import RARE, Estimate
from paper_figures.huang2025.figure import Figure
from paper_figures.huang2025.overlap_distributions import (
    NOT_RUN,
    SHARED_NOTHING,
    Overlaps,
    estimated,
    of_pairs,
    overlaps,
    peaks_of,
    relative_width,
)
from paper_figures.huang2025.overlap_panels import KINDS, by_kind, distribution, sorted_matrix
from paper_figures.huang2025.panel import Panel

LABEL = "M=1000"
LIQUID, SOLID = 5, 9
PAPER = {"M": 1000, "N": 10, "t": 1e5, "t_w": 1e3}
MATRIX = (6, 6)
"""Samples and replicas of the matrices (b, e)."""
SYMMETRY = "0 by the symmetry of hidden signs"
"""Why overlaps between samples vanish on average in any phase: a control. A hidden neuron's spins and weights
can all change sign at no cost, and starts are as likely with either."""
REPLICAS = 40
"""Of the one sample of (c, f)."""


def _distribution(layer: int, raw: bool) -> Callable[[Panel], None]:
    """(a, d): P(Q), with the raw overlaps in the panel and the normalised in its inset, or the reverse."""

    def draw(panel: Panel) -> None:
        found = overlaps(panel.get("pairs", LABEL), layer)
        _entitle(panel, layer, found)
        if found is None:
            panel.empty(NOT_RUN)
        else:
            distribution(panel, found, layer, raw)
        _distribution_claims(panel, found, layer, raw)

    return draw


def _distribution_claims(panel: Panel, found: Overlaps | None, layer: int, raw: bool) -> None:
    note = _note(found)
    word = "raw" if raw else "normalised"
    drawn = None if found is None else Pairs.of(found.raw if raw else found.matrix, found.sample)
    panel.claim(
        f"peaks of P(Q_{layer}), {word}", None if drawn is None else peaks_of(drawn),
        _told(found, 1.0 if layer == LIQUID else 2.0), source="text", note=note,
    )  # fmt: skip
    kinds = {} if found is None else by_kind(found.matrix, found.sample)
    # "One Gaussian at 0" is said of all pairs, so of either kind.
    centre = 0.0 if layer == LIQUID else None
    for kind in KINDS:
        pairs = kinds.get(kind)
        for name, statistic in (("mean", resampling.mean), ("width", resampling.width)):
            ours = None if pairs is None else of_pairs(statistic, pairs)
            reference, said = (_told(found, centre), "") if name == "mean" else (None, "")
            if (kind, name) == (KINDS[2], "mean"):  # at any time
                reference, said = centre, SYMMETRY
            said = notes.joined(said, note)
            panel.claim(f"{name} of Q_{layer}, {kind}", ours, reference, source="text", note=said)
    if layer != LIQUID:
        return
    if raw:
        ours = None if drawn is None else of_pairs(resampling.mean, drawn)
        panel.claim(f"mean of Q_{layer}, all pairs, raw", ours, _told(found, 0.0), source="text", note=note)
    whole = kinds.get(KINDS[0])
    for name, statistic in (
        ("skewness", resampling.skewness),
        ("excess kurtosis", resampling.excess_kurtosis),
    ):
        ours = None if whole is None else of_pairs(statistic, whole)
        panel.claim(f"{name} of Q_{layer}, all pairs", ours, _told(found, 0.0), source="text", note=note)
    for kind in KINDS[1:]:
        ours = None if found is None else relative_width(found, kinds[kind])
        reason = notes.joined(SHARED_NOTHING, note)
        panel.claim(f"width of Q_{layer} over that of independent vectors, {kind}", ours, note=reason)


def _samples(layer: int) -> Callable[[Panel], None]:
    """(b, e): replicas of several samples; do samples form blocks?"""

    def draw(panel: Panel) -> None:
        whole = overlaps(panel.get("pairs", LABEL), layer)
        found = None if whole is None else whole.some(*MATRIX)
        _entitle(panel, layer, found)
        if found is None:
            panel.empty(NOT_RUN)
        else:
            sorted_matrix(panel, tree(found.matrix), found)
        _block_claims(panel, found, layer)

    return draw


def _block_claims(panel: Panel, found: Overlaps | None, layer: int) -> None:
    note = _note(found, MATRIX)
    liquid = layer == LIQUID
    blocks, chance, similar = None, None, None
    if found is not None and len(np.unique(found.sample)) > 1:
        blocks = estimated(
            jackknife(
                lambda kept: block_contrast(_kept(found.matrix, kept), found.sample[kept]), found.sample
            )
        )
        similar = estimated(jackknife(lambda kept: tree(_kept(found.matrix, kept)).cophenetic, found.sample))
        p = block_chance(found.matrix, found.sample)
        chance = Estimate(float(p < RARE), 0.0, blocks.samples)
        note = notes.joined(f"permutation of samples: p = {p:.2g}", note)
    panel.claim(
        f"same-sample less different-sample overlap, l = {layer}", blocks,
        _told(found, 0.0 if liquid else None), source="text", note=note,
    )  # fmt: skip
    panel.claim(
        f"blocks of samples in the tree, l = {layer} (1: yes)", chance,
        _told(found, 0.0 if liquid else 1.0), source="text", note=note,
    )  # fmt: skip
    _cophenetic_claim(panel, similar, found, layer, _note(found, MATRIX))


def _told(found: Overlaps | None, value: float | None) -> float | None:
    """What the paper says of its time; nothing of an earlier one, where the liquid still remembers."""
    return value if found is None or found.made["t"] == PAPER["t"] else None


def _kept(matrix: NDArray[np.float64], kept: NDArray[np.bool_]) -> NDArray[np.float64]:
    return matrix[np.ix_(kept, kept)]


def _replicas(layer: int) -> Callable[[Panel], None]:
    """(c, f): many replicas of one sample; one sample has no error bar."""

    def draw(panel: Panel) -> None:
        whole = overlaps(panel.get("tree", LABEL), layer)
        found = None if whole is None else whole.some(1, REPLICAS)
        _entitle(panel, layer, found)
        note, similar = _note(found, (1, REPLICAS)), None
        if found is None:
            panel.empty(NOT_RUN)
        else:
            sorted_tree = tree(found.matrix)
            sorted_matrix(panel, sorted_tree, found)
            similar = Estimate(sorted_tree.cophenetic, float("nan"), 1)
        for name, statistic in (("mean", resampling.mean), ("width", resampling.width)):
            ours = None if found is None else of_pairs(statistic, found.pairs)
            paper = _told(found, 0.0 if name == "mean" and layer == LIQUID else None)
            panel.claim(f"{name} of Q_{layer}, one sample", ours, paper, source="text", note=note)
        _cophenetic_claim(panel, similar, found, layer, note)

    return draw


def _cophenetic_claim(
    panel: Panel, ours: Estimate | None, found: Overlaps | None, layer: int, note: str
) -> None:
    """How much of a hierarchy the overlaps are, with what the same overlaps in any order give."""
    if found is not None:
        flat, spread = flat_cophenetic(found.matrix)
        note = notes.joined(f"in any order {flat:.2f} +- {spread:.2f}", note)
    panel.claim(f"cophenetic correlation, l = {layer}", ours, note=note)


def _entitle(panel: Panel, layer: int, found: Overlaps | None) -> None:
    title = f"{'liquid' if layer == LIQUID else 'solid'}, $l = {layer}$"
    if found is not None:
        title += rf", $\ln\alpha = {found.made['ln alpha']:g}$, $t = {notes.power(found.made['t'])}$"
    panel.axes.set_title(title, fontsize=7.5)


def _note(found: Overlaps | None, machines: tuple[int, int] | None = None) -> str:
    """What is not as in the paper, and fewer machines than it has."""
    if found is None:
        return ""
    said = notes.differences(found.made, PAPER)
    have = (len(np.unique(found.sample)), len(np.unique(found.replica)))
    if machines is not None and have != machines:
        said = notes.joined(said, f"{have[0]} x {have[1]} machines for {machines[0]} x {machines[1]}")
    return said


FIGURE = Figure(
    name="4",
    panels={
        "a": _distribution(LIQUID, raw=True),
        "b": _samples(LIQUID),
        "c": _replicas(LIQUID),
        "d": _distribution(SOLID, raw=False),
        "e": _samples(SOLID),
        "f": _replicas(SOLID),
    },
    studies={
        **dict.fromkeys("abde", ("pairs",)),
        **dict.fromkeys("cf", ("tree",)),
    },
    columns=3,
    width=3.1,
    height=3.1,
)
