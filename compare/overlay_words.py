"""What the page of an overlay says, in words for a reader who knows neither the theory nor the machine."""

import re
from collections.abc import Iterable

import numpy as np
import xarray as xr
from scipy import stats

from compare.hotelling import holm
from compare.overlay import Overlay
from deepglass.phases import THRESHOLD

PROFILE = (
    "Each point is one layer of the network. Its overlap q says how alike two replicas of a machine are"
    " there, which learnt the same images, each with its own noise: 1 is identical, 0 is unrelated. Above"
    " 1/e = 0.37 (the dashed line, blue) the layer is solid: the images pin it down, unless the replicas only"
    " remember the start they share. Below (yellow) the layer is liquid: it may be filled in many ways, and"
    " all of them work. Black squares are predicted"
    " without any fit, for random images at the same alpha = images per neuron; orange points are"
    " measured, with their standard error over samples. The strips below repeat it as phases."
)
CONTROL = (
    "Blue triangles: the control, the same machine on the same images with their labels shuffled, as much to"
    " store and nothing to understand. Where they lie on the orange points, the meaning of the labels"
    " is not needed to make a layer as solid."
)
ENERGY = (
    "The energy counts how far the layers are from computing each other: 0 would be a perfect network. It"
    " falls while the machine learns, and levels off where the heat keeps it; one that still falls at the end"
    " says that the run was short."
)
ACCURACY = (
    "How often the network gives the right label. Training images are those it learns from; test images"
    " it never sees. Well above the dotted line (always naming the label that is most frequent among the"
    " training images) it has learnt something; test far below training means it has learnt by heart."
)
CLOCK = (
    "At t_w every sample is copied into replicas, which then go their own ways. What they still share at"
    " the end is the measured overlap."
)
TREES = (
    "Every row and every column is one machine, and the number beside it says which sample it is of. The"
    " colour is the overlap of two machines in this layer, from dark (0 or less, unrelated) to yellow (1,"
    " identical). The tree above joins the machines that are alike; a low branch joins twins. Yellow"
    " blocks of one sample: the replicas still agree; of neurons, the layer is solid. No blocks: they have"
    " forgotten each other, it is liquid. Different samples need not agree even where each is solid, because"
    " hidden neurons may change sign or place at no cost; of few neurons some agree by chance. Compare within"
    " a sample."
)
TABLE = (
    "q: of neurons, Q: of the weights that lead into the layer; ± is the standard error over samples. Solid"
    " and liquid are said of neurons. Weights may be alike where neurons are not: they forget their common"
    " start more slowly."
)
CAVEATS = (
    "The theory is of another model (neurons that are signs, random data, constraints that hold exactly)"
    " than the machine (real numbers, your images, a temperature). The overlay describes; it does not"
    " test.",
    "Solid and liquid are said of these images, this size of network and this time: a layer that is still"
    " forgetting at the end is called by where it is then (--steps).",
    "Replicas share their start and the first t_w steps. What they still have in common later may be memory"
    " of these, not what the images demand. Look whether a layer is as solid for a later t_w"
    " (--waiting-time) and for labels that mean nothing (--labels shuffled, in the commands below).",
)
FALLS = 0.5
"""Over the last half of a run: an energy that falls below this share of itself is on its way."""
HOT = re.compile(r"(layers hotter than [^:;]*): ([^;]*)")
"""A run's warning of hot layers, and the list of them."""


def heading(run: xr.Dataset, subject: str = "") -> str:
    """What was done; ``subject`` names the images."""
    a = run.attrs
    labels = f", labels {a['classes'].replace(',', ' or ')}" if a["classes"] else ""
    subject = subject or f"{a['data']}{labels}"
    return (
        f"A network of hidden {_ranges(range(1, int(a['depth'])))}, {a['width']} neurons each, learnt"
        f" {a['patterns']} images"
        f" ({subject}), {a['samples']} times from other starts, with {a['replicas']} replicas of each."
        f" Layer 0 is the images, layer {a['depth']} their labels; both are held fixed, so their overlap is"
        " 1. Which layers between do they pin down?"
    )


def chance(learnt: xr.DataArray) -> float:
    """What always the most frequent label has right; missing where it is not known."""
    return float(learnt.attrs.get("most_frequent", np.nan))


def found(result: Overlay, samples: int) -> list[str]:
    """What was predicted and measured, in words; errors are over ``samples`` samples."""
    hidden = result.layers.isel(neuron_layer=slice(1, -1))
    layers, q, error = (hidden[name].values for name in ("neuron_layer", "measured", "error"))
    lines = []
    for word, side in (("Predicted", "predicted"), ("Measured", "measured")):
        phases = hidden[f"{side}_phase"].values
        said = [
            f"{phase}: {_ranges(layers[phases == phase])}"
            for phase in ("solid", "liquid")
            if (phases == phase).any()
        ]
        lines.append(f"{word}: {'; '.join(said)}.")
    if samples > 1:
        # Student's t: two standard errors of four samples would be 86 %.
        times = stats.t.ppf(0.975, samples - 1)
        near = layers[np.abs(q - THRESHOLD) < times * error]
        if near.size:
            lines.append(
                f"Too close to call: {_ranges(near)}: the line at 1/e is within the 95 % interval,"
                f" {times:.2g} standard errors with {samples} samples."
            )
    return lines


def null(result: Overlay, control: Overlay, samples: int) -> list[str]:
    """What of the solid is there without any meaning of the labels, by a ``control`` on shuffled ones."""
    own_labels, shuffled = (x.layers.isel(neuron_layer=slice(1, -1)) for x in (result, control))
    solid, also = (x["measured_phase"].values == "solid" for x in (own_labels, shuffled))
    layers = own_labels["neuron_layer"].values
    both, own = layers[solid & also], layers[solid & ~also]
    said = "Control, the same images with their labels shuffled: "
    if both.size:
        said += f"solid all the same: {_ranges(both)}. The meaning of the labels is not needed for that."
    else:
        said += "none of these layers is solid."
    if both.size and own.size:
        said += f" Solid with the true labels only: {_ranges(own)}."
    if samples > 1:
        spread = [np.sqrt(samples) * x["error"].values for x in (own_labels, shuffled)]
        test = stats.ttest_ind_from_stats(
            own_labels["measured"].values, spread[0], samples,
            shuffled["measured"].values, spread[1], samples, equal_var=False,
        )  # fmt: skip
        differ = layers[holm(test.pvalue) < 0.05]
        said += (
            f" The overlaps differ in {_ranges(differ)} (5 %, all layers together)."
            if differ.size
            else " No difference of overlaps can be told (5 %, all layers together)."
        )
    return [said]


def short_run(run: xr.Dataset) -> list[str]:
    """That the energy still falls, where it does."""
    energy = run["E"].mean(["sample", "replica"])
    end = int(run.attrs["steps"])
    half = float(energy.sel(t=energy["t"][energy["t"] <= end // 2][-1]))
    last = float(energy.sel(t=end))
    if last > FALLS * half:
        return []
    return [
        f"The energy has fallen {half / last:.2g} times over the last half of the run: it was too short for"
        " the machine to come to rest (--steps)."
    ]


def warnings(result: Overlay) -> list[str]:
    """The warnings of the overlay, none longer than is read, and what alpha_eff is."""
    lines = [shortened(line) for line in result.warnings if not line.startswith("alpha_eff")]
    nearest = result.alpha_eff
    lines.append(
        "alpha_eff, in the title of the figure, is the alpha (images per neuron) at which the theory looks"
        " most like the measurement."
    )
    if nearest.bound:
        why = {
            "lower": "the measurement is more solid than the theory even at the largest that was tried",
            "upper": "every smaller alpha predicts the same, or nothing",
        }[nearest.bound]
        lines[-1] += f" Here no alpha does, and it is only a bound, {nearest}: {why}."
    return lines


def shortened(warning: str) -> str:
    """A warning of hot layers without their machines, and what to do; others as they are."""
    said = HOT.sub(_hottest, warning)
    if said == warning:
        return said
    return (
        f"{said} (T is the temperature of the heat bath; whether it matters, a run with half the --dt shows)"
    )


def _hottest(warning: re.Match[str]) -> str:
    """Which layers are hot and how hot the hottest is, in place of each with its machines."""
    kinds = []
    for what, name in (("spins", "neurons of"), ("weights", "weights into")):
        layers = sorted({int(n) for n in re.findall(rf"{what} (\d+)", warning[2])})
        kinds += [f"{name} {_ranges(layers)}"] if layers else []
    hottest = max(map(float, re.findall(r"([^\s(]+) T\b", warning[2])))
    return f"{warning[1]}: {', '.join(kinds)}, at most {hottest:g} T"


def accuracies(run: xr.Dataset, learnt: xr.DataArray) -> list[str]:
    """What it has learnt, and whether that is little; ``learnt`` is the training accuracy, if any."""
    parts = []
    if learnt.sizes["t"]:
        parts.append(f"{float(learnt.isel(t=-1).mean()):.1%} of the training images")
    last = float(run["A_tanh"].sel(t=int(run.attrs["steps"])).mean())
    if np.isfinite(last):
        parts.append(f"{last:.1%} of {run.attrs['test_patterns']} images it never saw")
    if not parts:
        return []
    lines = [f"At the end it names {' and '.join(parts)} rightly"]
    by_chance = chance(learnt)
    if np.isfinite(by_chance):
        lines[0] += f" (always the most frequent label: {by_chance:.1%} of the training images)"
        if learnt.sizes["t"] and float(learnt.isel(t=-1).mean()) < 0.5 * (1 + by_chance):
            lines.append(
                "It has learnt less than half of what is to be learnt: what is measured is of a machine that"
                " has not found a network yet. More steps, or wider layers, may do."
            )
    return [f"{lines[0]}.", *lines[1:]]


def _ranges(layers: Iterable[int]) -> str:
    """1, 2, 3, 5 as "layers 1 to 3, 5"."""
    runs: list[list[int]] = []
    for layer in map(int, layers):
        if runs and layer == runs[-1][-1] + 1:
            runs[-1].append(layer)
        else:
            runs.append([layer])
    word = "layer" if runs[0] == runs[-1] and len(runs[0]) == 1 else "layers"
    return f"{word} {', '.join(str(x[0]) if len(x) == 1 else f'{x[0]} to {x[-1]}' for x in runs)}"
