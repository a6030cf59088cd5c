"""How Fig. 4 draws overlaps: their distribution, and their matrix under its tree."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy import stats

from compare import tree_figure
from compare.peaks import bins, histogram, independent_width, peaks
from compare.resampling import Pairs
from compare.trees import Tree
from deepglass import phases
from paper_figures.huang2025.overlap_distributions import Overlaps
from paper_figures.huang2025.panel import Panel
from paper_figures.sheet import BLUE, ORANGE, sequence

KINDS = ("all pairs", "same sample", "different samples")
LOWEST = -0.2
"""Overlap at which the colour scale of matrices begins, or at the smallest overlap there is."""
ROOM = 1.6
"""Height of a panel over that of its histogram and error bars: legend and inset lie above it."""


def by_kind(matrix: NDArray[np.float64], sample: NDArray[np.int64]) -> dict[str, Pairs]:
    """The pairs of machines by KINDS."""
    pairs = Pairs.of(matrix, sample)
    return dict(zip(KINDS, (pairs, pairs.within, pairs.between), strict=True))


def distribution(panel: Panel, found: Overlaps, layer: int, raw: bool) -> None:
    """P(Q) of the raw overlaps, with that of the normalised ones in an inset; or the reverse."""
    inset = panel.axes.inset_axes((0.6, 0.66, 0.38, 0.31))
    for axes, is_raw in ((panel.axes, raw), (inset, not raw)):
        _histograms(panel, axes, found, layer, is_raw)
    both = (x for axes in (inset, panel.axes) for x in zip(*axes.get_legend_handles_labels(), strict=True))
    handles = {label: handle for handle, label in both}
    panel.axes.legend(handles.values(), handles.keys(), loc="upper left", fontsize=6.5)
    panel.axes.set_ylabel("$P(Q)$")
    inset.set_ylim(top=inset.get_ylim()[1] * 1.05 / ROOM)
    inset.tick_params(labelsize=6)
    inset.xaxis.label.set_fontsize(6.5)
    inset.xaxis.labelpad = 1


def finest(parts: Sequence[Pairs], most: int = 60) -> NDArray[np.float64]:
    """Edges for all of several sets of pairs, as fine as the narrowest wants them."""
    whole = np.concatenate([part.values for part in parts])
    steps = [np.diff(bins(part.values)[:2])[0] for part in parts if len(part.values) > 1]
    step = max(min(steps, default=1.0), float(np.ptp(whole)) / most)
    return np.asarray(step * np.arange(math.floor(whole.min() / step), math.floor(whole.max() / step) + 2))


def _histograms(panel: Panel, axes: Axes, found: Overlaps, layer: int, raw: bool) -> None:
    """All pairs, and the shares of the two kinds in them; dashed, the Gaussians that fit."""
    kinds = by_kind(found.raw if raw else found.matrix, found.sample)
    pairs = kinds[KINDS[0]]
    edges = finest(list(kinds.values()))
    centres = 0.5 * (edges[1:] + edges[:-1])
    word = "raw" if raw else "normalised"
    highest = 0.0
    for (kind, part), colour in zip(kinds.items(), ("0.1", BLUE, ORANGE), strict=True):
        share = len(part.values) / max(len(pairs.values), 1)
        density = histogram(part, edges)
        height, error = share * density.value, share * density.error
        highest = max(highest, float((height + np.nan_to_num(error)).max()))
        if kind == KINDS[0]:
            shown = height > 0 if axes is panel.axes else np.zeros(len(height), dtype=bool)
            bars = error[shown] if np.isfinite(error).all() else None
            axes.errorbar(
                centres[shown], height[shown], bars, fmt="o", ms=2, color=colour, lw=0.6, capsize=0,
                label=kind, zorder=3,
            )  # fmt: skip
        else:
            axes.stairs(height, edges, fill=True, color=colour, alpha=0.35, lw=0, label=kind)
            axes.stairs(height, edges, color=colour, lw=0.8)
        panel.record("ours", f"{kind}, {word}", centres, height, error)
    fit = peaks(pairs.values)
    x = np.linspace(edges[0], edges[-1], 600)
    if fit.number:
        word_for = "one Gaussian" if len(fit.means) == 1 else "two Gaussians"
        axes.plot(x, fit.density(x), color="0.1", lw=0.8, ls="--", label=f"fit: {word_for}", zorder=2)
    panel.record("ours", f"Gaussians, {word}", fit.means, fit.weights, fit.widths)
    if not raw and found.weights is not None and pairs.values.mean() < phases.THRESHOLD and fit.number == 1:
        independent = stats.norm.pdf(x, 0, independent_width(found.weights))
        axes.plot(x, independent, color=BLUE, lw=1.2, ls=":", label="independent vectors")
        panel.record("ours", "independent vectors", x, independent)
    name = rf"\langle J_{layer}^a J_{layer}^b \rangle" if raw else rf"Q_{layer}^{{ab}}"
    axes.set(xlabel=f"${name}$ ({word})", ylim=(0, ROOM * highest))


def sorted_matrix(panel: Panel, sorted_tree: Tree, found: Overlaps) -> None:
    """The tree over the matrix, and between them the samples as colours if there are several."""
    host, count = panel.axes, len(sorted_tree.order)
    host.set_axis_off()
    upper = host.inset_axes((0.0, 0.77, 0.86, 0.23))
    lower = host.inset_axes((0.0, 0.0, 0.86, 0.725))
    low = max(LOWEST, math.floor(10 * float(sorted_tree.matrix.min())) / 10)
    image = tree_figure.draw(upper, lower, sorted_tree, low=low, cmap="cividis")
    upper.set_axis_on()
    upper.collections[0].set_linewidth(0.6)
    upper.set(ylim=(0, 1.08 * float(sorted_tree.linkage[-1, 2])), ylabel="$1 - Q$")
    upper.spines[["top", "right", "bottom"]].set_visible(False)
    upper.tick_params(right=False, labelsize=6.5)
    sample = found.sample[sorted_tree.order]
    names = np.unique(sample)
    if len(names) > 1:
        strip = host.inset_axes((0.0, 0.735, 0.86, 0.025))
        colours = np.array([sequence(len(names))[np.flatnonzero(names == s)[0]] for s in sample])
        strip.imshow(colours[None], aspect="auto")
        strip.set(xticks=[], yticks=[])
        strip.yaxis.set_label_position("right")
        strip.set_ylabel("sample", rotation=0, ha="left", va="center", fontsize=6.5)
    lower.set(aspect="auto", xlabel="machine, sorted by the tree", ylabel="machine")
    bar = host.figure.colorbar(image, cax=host.inset_axes((0.89, 0.0, 0.035, 0.68)))
    bar.ax.tick_params(labelsize=6.5)
    bar.set_label("$Q^{ab}$", fontsize=8)
    panel.record("ours", "sorted matrix", np.arange(count**2), sorted_tree.matrix)
    panel.record("ours", "machine (sample)", sorted_tree.order, sample)
    panel.record("ours", "tree (distance)", np.arange(count - 1), sorted_tree.linkage[:, 2])
