"""Overlaps of the weights of all machines of a study, Q_l^ab, for Fig. 4; and Figs. S7-S9, which draw their
distribution in every layer."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from compare import resampling
from compare.peaks import bins, histogram, independent_width, peak_number
from compare.resampling import Pairs, Resampled
from compare.trees import normalised
from deepglass import phases
from paper_figures.huang2025 import notes
from paper_figures.huang2025.claims import Estimate
from paper_figures.huang2025.figure import Figure
from paper_figures.huang2025.panel import Panel
from paper_figures.sheet import BLUE, ORANGE
from paper_figures.stored.scores import number

PIXELS = {"mnist": 784, "digits": 64}
NOT_RUN = "not run at this size"
SHARED_NOTHING = "1 where nothing is shared"
DEPTH = 10


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Overlaps of the weights of one layer between all machines, at the last t and t_w that are stored.

    Attributes:
        raw: <J^a J^b>, mean over the weights of the layer.
        matrix: normalised by the self-overlaps.
        sample, replica: of every machine.
        weights: how many the layer has; None for data of unknown size.
        made: N, M, t, t_w and ln alpha of the machines.
    """

    raw: NDArray[np.float64]
    matrix: NDArray[np.float64]
    sample: NDArray[np.int64]
    replica: NDArray[np.int64]
    weights: int | None
    made: Mapping[str, float]

    @property
    def pairs(self) -> Pairs:
        """Normalised overlaps of all pairs."""
        return Pairs.of(self.matrix, self.sample)

    def some(self, samples: int, replicas: int) -> "Overlaps":
        """The first replicas of the first samples."""
        first = np.isin(self.sample, np.unique(self.sample)[:samples])
        chosen = np.flatnonzero(first & (self.replica < replicas))
        square = np.ix_(chosen, chosen)
        return Overlaps(
            self.raw[square], self.matrix[square], self.sample[chosen], self.replica[chosen], self.weights,
            self.made,
        )  # fmt: skip


def overlaps(result: xr.Dataset | None, layer: int) -> Overlaps | None:
    """Those of a weight layer; None if there is no result, no matrix in it, or one that is not whole."""
    if result is None or "Q_matrix_raw" not in result or layer not in result["weight_layer"]:
        return None
    stored = result["Q_matrix_raw"].sel(weight_layer=layer).isel(t_w=-1, t_matrix=-1)
    raw = stored.values.astype(float)
    if not np.isfinite(raw).all() or (np.diagonal(raw) <= 0).any():
        return None
    patterns, width = int(result.attrs["patterns"]), int(result.attrs["width"])
    made = {
        "M": patterns, "N": width, "t": float(stored["t_matrix"]), "t_w": float(stored["t_w"]),
        "ln alpha": round(math.log(patterns / width), 1),
    }  # fmt: skip
    sample, replica = (stored[f"machine_{name}"].values.astype(int) for name in ("sample", "replica"))
    return Overlaps(raw, normalised(raw), sample, replica, _weights(result, layer), made)


def _weights(result: xr.Dataset, layer: int) -> int | None:
    """How many weights a layer has: (L, N) to the outputs, (N, N) inside, (N, pixels) from the inputs."""
    width, made = int(result.attrs["width"]), json.loads(result.attrs["identity"])
    if layer == int(result.attrs["depth"]):
        return width * len(made["classes"]) if made["classes"] else None
    if layer > 1:
        return width * width
    pixels = PIXELS.get(made["data"])
    return None if pixels is None else width * pixels


def estimated(found: Resampled) -> Estimate:
    """A resampled number as a claim wants it."""
    return Estimate(float(found.value), float(found.error), found.samples)


def of_pairs(statistic: resampling.Statistic, pairs: Pairs) -> Estimate | None:
    """A statistic of pairs with its error over samples; None if it is missing, as without pairs."""
    found = estimated(resampling.resample_pairs(statistic, pairs))
    return found if math.isfinite(found.value) else None


def peaks_of(pairs: Pairs) -> Estimate | None:
    """The number of peaks; None where there are too few pairs to say."""
    found = estimated(peak_number(pairs))
    return found if found.value > 0 else None


def distribution_figure(name: str, label: str, patterns: int) -> Figure:
    """S7-S9: P(Q_l) of all layers for one alpha; N = 10, t_w = 1e3, t = 5e5 in the paper."""
    paper = {"M": patterns, "ln alpha": round(math.log(patterns / 10), 1), "t": 5e5}
    return Figure(
        name=name,
        panels={"": _drawer(label, {**paper, "t_w": 1e3, "N": 10})},
        studies={"": ("distributions",)},
        columns=1,
        width=4.4,
        height=5.6,
    )


def _drawer(label: str, paper: Mapping[str, float]) -> Callable[[Panel], None]:
    def draw(panel: Panel) -> None:
        """Ridges of histograms, a layer each, from the input (below) to the output."""
        result = panel.get("distributions", label)
        made: Mapping[str, float] = paper
        for layer in range(1, DEPTH + 1):
            found = overlaps(result, layer)
            if found is not None:
                made = found.made
                _ridge(panel, layer, found)
            _claims(panel, layer, found, paper)
        _finish(panel, made, paper, result is not None)

    return draw


def _ridge(panel: Panel, layer: int, found: Overlaps) -> None:
    """The histogram of same-sample pairs on a baseline at ``layer``, as high as there is room."""
    pairs = found.pairs.within
    average = resampling.resample_pairs(resampling.mean, pairs)
    solid = bool(average.value > phases.THRESHOLD)
    colour = BLUE if solid else ORANGE
    edges = bins(pairs.values)
    density = histogram(pairs, edges)
    null = None if solid or found.weights is None else independent_width(found.weights)
    top = max(float(density.value.max()), 0.0 if null is None else float(stats.norm.pdf(0, 0, null)))
    unit, centres = 0.86 / top, 0.5 * (edges[1:] + edges[:-1])
    axes = panel.axes
    axes.axhline(layer, color="0.85", lw=0.5, zorder=0)
    axes.stairs(layer + unit * density.value, edges, baseline=layer, fill=True, color=colour, alpha=0.3, lw=0)
    axes.stairs(layer + unit * density.value, edges, baseline=layer, color=colour, lw=0.9)
    if np.isfinite(density.error).all():
        height = layer + unit * density.value
        axes.errorbar(
            centres, height, yerr=unit * density.error, fmt="none", ecolor=colour, lw=0.5, capsize=0
        )
    panel.record("ours", f"P(Q_{layer})", centres, density.value, density.error)
    if null is not None:
        x = np.linspace(-4 * null, 4 * null, 200)
        axes.plot(x, layer + unit * stats.norm.pdf(x, 0, null), color="0.15", lw=0.7, ls="--")
        panel.record("ours", f"independent, layer {layer}", x, stats.norm.pdf(x, 0, null))
    axes.text(
        1.02, layer + 0.2, number(float(average.value), float(average.error)), fontsize=6.5, color=colour,
        transform=axes.get_yaxis_transform(),
    )  # fmt: skip


def _finish(panel: Panel, made: Mapping[str, float], paper: Mapping[str, float], drawn: bool) -> None:
    axes = panel.axes
    if not drawn:
        panel.empty(NOT_RUN)
    else:
        for colour, word in ((BLUE, "mean above $1/e$ (solid)"), (ORANGE, "mean below $1/e$ (liquid)")):
            axes.plot([], [], color=colour, label=word)
        axes.plot([], [], color="0.15", lw=0.7, ls="--", label="independent vectors")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=6.5, columnspacing=1.2)
        axes.text(1.02, DEPTH + 0.72, "mean", fontsize=6.5, transform=axes.get_yaxis_transform())
    instead = rf" (paper: $M = {paper['M']:g}$, $\ln\alpha = {paper['ln alpha']:.1f}$)"
    axes.set_title(
        rf"$N = {made['N']:g}$, $M = {made['M']:g}$, $\ln\alpha = {made['ln alpha']:.1f}$"
        + (instead if made["M"] != paper["M"] else ""),
        fontsize=8, pad=20,
    )  # fmt: skip
    when = f"$t = {notes.power(made['t'])}$, $t_w = {notes.power(made['t_w'])}$ (MD steps)"
    axes.set(
        xlabel=f"$Q_l^{{ab}}$, same sample, {when}",
        ylabel="layer $l$: $P(Q_l)$, each to its own height",
        ylim=(0.85, DEPTH + 1.05),
        yticks=range(1, DEPTH + 1),
    )
    axes.tick_params(axis="y", length=0)
    low, high = axes.get_xlim() if drawn else (0.0, 0.0)
    axes.set_xlim(min(low, -0.45), max(high, 1.05))


def _claims(panel: Panel, layer: int, found: Overlaps | None, paper: Mapping[str, float]) -> None:
    """Mean, width and peaks of a layer; the paper's histograms are not digitised."""
    note = "" if found is None else notes.differences(found.made, paper)
    pairs = None if found is None else found.pairs.within
    for name, statistic in (("mean", resampling.mean), ("width", resampling.width)):
        ours = None if pairs is None else of_pairs(statistic, pairs)
        panel.claim(f"{name} of Q_{layer}, same sample", ours, note=note)
    panel.claim(
        f"width of Q_{layer} over that of independent vectors, same sample",
        None if found is None else relative_width(found, found.pairs.within),
        note=notes.joined(SHARED_NOTHING, note),
    )
    panel.claim(f"peaks of P(Q_{layer}), same sample", None if pairs is None else peaks_of(pairs), note=note)


def relative_width(found: Overlaps, pairs: Pairs) -> Estimate | None:
    """Width over 1/sqrt(n), that of independent vectors of the layer's n weights."""
    ours = of_pairs(resampling.width, pairs)
    if ours is None or found.weights is None:
        return None
    unit = independent_width(found.weights)
    return Estimate(ours.value / unit, ours.error / unit, ours.samples)
