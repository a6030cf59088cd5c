"""All overlaps between K copies of a network: one matrix K x K a layer, before and after alignment.

Each entry is made from its two copies alone: copy b is brought to copy a, not all to one reference. On test
probes, units stay matched as on the training probes, so that the alignment cannot fit these.
"""

from typing import Any

import numpy as np
import xarray as xr

from compare.layers import matching, overlaps
from compare.layers.copies import Array, Copies
from compare.layers.overlaps import between, centred
from compare.trees import normalised
from deepglass.checks import one_of
from simulate.systems.permutations import Match

ALIGNED = ("before", "after")
NEURONS = {
    "q_raw": "<x^a x^b> over units and probes",
    "q_cosine": "<x^a x^b>/sqrt(<x^a x^a><x^b x^b>)",
    "q": "the same of answers less the mean of each unit over the probes",
}
WEIGHTS = {"Q_raw": "<W^a W^b> over the weights of a layer", "Q": "<W^a W^b>/sqrt(<W^a W^a><W^b W^b>)"}


def matrices(copies: Copies, by: str = "activations") -> xr.Dataset:
    """Overlaps of all pairs; dimensions ``probes``, ``aligned``, ``layer``, ``copy``, ``copy_b``.

    Variables: those of NEURONS and WEIGHTS (missing for a layer without weights) with ``_matrix`` in their
    name, ``cka_matrix``, and ``dimension`` (probes, layer, copy).
    """
    one_of("align", by, matching.BY)
    matching.check(copies, by)
    k, depth, probes = copies.count, len(copies.layers), copies.probes
    pairs = [(a, b) for a in range(k) for b in range(a + 1, k)]
    matched: dict[tuple[int, int], list[Match]] = {pair: [] for pair in pairs}
    if by == "weights":
        matched = {pair: matching.by_weights(copies, *pair) for pair in pairs}
    neurons = {name: np.full((len(probes), 2, depth, k, k), np.nan) for name in NEURONS}
    weights = {name: np.full((2, depth, k, k), np.nan) for name in WEIGHTS}
    cka = np.full((len(probes), depth, k, k), np.nan)
    dimension = np.full((len(probes), depth, k), np.nan)
    for place, layer in enumerate(copies.layers):  # one layer in double precision at a time
        for p, probe in enumerate(probes):
            raw = [x.astype(float) for x in layer.neurons[probe]]
            plain = [centred(x) for x in raw]
            own = [between(x, x) for x in plain]
            dimension[p, place] = [overlaps.dimension(c) for c in own]
            for a, b in [*((a, a) for a in range(k)), *pairs]:
                c, wide = between(plain[a], plain[b]), between(raw[a], raw[b])
                if a < b and len(matched[a, b]) == place:  # the training probes come first
                    matched[a, b].append(matching.by_answers(layer, a, b, c))
                match = matched[a, b][place] if a < b else None
                cka[p, place, a, b] = overlaps.cka(c, own[a], own[b])
                for i, brought in enumerate((None, match)):
                    neurons["q_raw"][p, i, place, a, b] = overlaps.overlap(wide, brought)
                    neurons["q"][p, i, place, a, b] = overlaps.overlap(c, brought)
        if layer.weights is not None:
            each = [x.astype(float) for x in layer.weights]
            for a in range(k):
                weights["Q_raw"][:, place, a, a] = overlaps.weight_overlap(each[a], each[a])
            for a, b in pairs:
                into = matching.inputs(copies, matched[a, b], place, a, b)
                aligned = overlaps.weight_overlap(each[a], each[b], matched[a, b][place], into)
                weights["Q_raw"][:, place, a, b] = overlaps.weight_overlap(each[a], each[b]), aligned
    neurons["q_cosine"] = normalised(_whole(neurons["q_raw"]))
    neurons["q"] = normalised(_whole(neurons["q"]))
    weights["Q"] = normalised(_whole(weights["Q_raw"]))
    pair = ("layer", "copy", "copy_b")
    variables: dict[str, Any] = {
        f"{n}_matrix": (("probes", "aligned", *pair), _whole(x)) for n, x in neurons.items()
    }
    variables |= {f"{n}_matrix": (("aligned", *pair), _whole(x)) for n, x in weights.items()}
    variables |= {"cka_matrix": (("probes", *pair), _whole(cka))}
    return xr.Dataset(
        {**variables, "dimension": (("probes", "layer", "copy"), dimension)},
        {
            "probes": probes, "aligned": list(ALIGNED), "layer": copies.names, "copy": range(k),
            "copy_b": range(k),
        },
    )  # fmt: skip


def _whole(upper: Array) -> Array:
    """Symmetric, from a upper triangle."""
    lower = np.swapaxes(upper, -1, -2)
    return np.asarray(np.where(np.isnan(upper), lower, upper))
