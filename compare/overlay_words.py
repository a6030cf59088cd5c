"""What the page of an overlay says, in words for a reader who knows neither the theory nor the machine."""

from collections.abc import Iterable

import numpy as np
import xarray as xr

from compare.overlay import Overlay
from deepglass.phases import THRESHOLD

PROFILE = (
    "Each point is one layer of the network. Its overlap q says how alike two replicas of a machine are"
    " there, which learnt the same images, each with its own noise: 1 is identical, 0 is unrelated. Above"
    " 1/e = 0.37 (the dashed line, blue) the images pin the layer down: it is solid. Below (yellow) the"
    " layer is liquid: it may be filled in many ways, and all of them work. Black squares are predicted"
    " without any fit, for random images at the same alpha = images per neuron; orange points are"
    " measured, with their standard error over samples. The strips below repeat it as phases."
)
ENERGY = (
    "The energy counts how far the layers are from computing each other: 0 would be a perfect network. It"
    " falls while the machine learns and levels off where the heat keeps it."
)
ACCURACY = (
    "How often the network gives the right label. Training images are those it learns from; test images"
    " it never sees. Well above the dotted line it has learnt something; test far below training means it"
    " has learnt by heart."
)
CLOCK = (
    "At t_w every sample is copied into replicas, which then go their own ways. What they still share at"
    " the end is the measured overlap."
)
TREES = (
    "Every row and every column is one machine, and the number beside it says which sample it is of. The"
    " colour is the overlap of two machines in this layer, from dark (0 or less, unrelated) to yellow (1,"
    " identical). The tree above joins the machines that are alike; a low branch joins twins. Yellow"
    " blocks of one sample: the replicas still agree, the layer is solid. No blocks: they have forgotten"
    " each other, it is liquid. Different samples look unrelated even where they are solid, because hidden"
    " neurons may change sign or place at no cost: compare within a sample."
)
TABLE = "q: of neurons, Q: of the weights that lead into the layer; +- is the standard error over samples."
CAVEATS = (
    "The theory is of another model (neurons that are signs, random data, constraints that hold exactly)"
    " than the machine (real numbers, your images, a temperature). The overlay describes; it does not"
    " test.",
    "Solid and liquid are said of these images, this size of network and this time: a layer that is still"
    " forgetting at the end is called by where it is then.",
    "The first and the last layer are the images and their labels. They are held fixed, so their overlap"
    " is 1.",
)


def heading(run: xr.Dataset, subject: str = "") -> str:
    """What was done; ``subject`` names the images."""
    a = run.attrs
    labels = f", labels {a['classes'].replace(',', ' or ')}" if a["classes"] else ""
    subject = subject or f"{a['data']}{labels}"
    return (
        f"A network of {a['depth']} layers of {a['width']} neurons learnt {a['patterns']} images"
        f" ({subject}), {a['samples']} times from other starts, with {a['replicas']} replicas of each."
        " Which layers do the images pin down?"
    )


def chance(learnt: xr.DataArray) -> float:
    """What always the most frequent label has right; missing where it is not known."""
    return float(learnt.attrs.get("most_frequent", np.nan))


def found(result: Overlay) -> list[str]:
    """What was predicted and measured, in words."""
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
    near = layers[np.abs(q - THRESHOLD) < 2 * error]
    if near.size:
        lines.append(f"Too close to call: {_ranges(near)}, within two standard errors of the line at 1/e.")
    return lines


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
        lines[0] += f" (always the most frequent label: {by_chance:.1%})"
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
