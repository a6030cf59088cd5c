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
from deepglass.checks import one_of

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
    neurons = {name: np.full((len(probes), 2, depth, k, k), np.nan) for name in NEURONS}
    weights = {name: np.full((2, depth, k, k), np.nan) for name in WEIGHTS}
    cka = np.full((len(probes), depth, k, k), np.nan)
    dimension = np.full((len(probes), depth, k), np.nan)
    raw, plain, own = _prepared(copies, probes)
    for a in range(k):
        for p in range(len(probes)):
            dimension[p, :, a] = [overlaps.dimension(c) for c in own[p][a]]
        for b in range(a, k):
            answers = [[between(x[a], x[b]) for x in layers] for layers in plain]
            matched = [None] * depth if a == b else matching.units(copies, by, a, b, answers[0])
            for place, layer in enumerate(copies.layers):
                out = matched[place]
                into = None if out is None else matching.inputs(copies, matched, place, a, b)  # type: ignore[arg-type]
                for p in range(len(probes)):
                    c = answers[p][place]
                    wide = between(raw[p][place][a], raw[p][place][b])
                    cka[p, place, a, b] = overlaps.cka(c, own[p][a][place], own[p][b][place])
                    for i, match in enumerate((None, out)):
                        neurons["q_raw"][p, i, place, a, b] = overlaps.overlap(wide, match)
                        neurons["q"][p, i, place, a, b] = overlaps.overlap(c, match)
                if layer.weights is not None:
                    first, second = (layer.weights[x].astype(float) for x in (a, b))
                    weights["Q_raw"][0, place, a, b] = overlaps.weight_overlap(first, second)
                    weights["Q_raw"][1, place, a, b] = overlaps.weight_overlap(first, second, out, into)
    neurons["q_cosine"] = _cosine(_whole(neurons["q_raw"]))
    neurons["q"] = _cosine(_whole(neurons["q"]))
    weights["Q"] = _cosine(_whole(weights["Q_raw"]))
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


Stack = list[list[list[Array]]]


def _prepared(copies: Copies, probes: list[str]) -> tuple[Stack, Stack, Stack]:
    """Answers as they are and centred, [probes][layer][copy]; their covariances, [probes][copy][layer]."""
    raw = [[[x.astype(float) for x in layer.neurons[p]] for layer in copies.layers] for p in probes]
    plain = [[[centred(x) for x in each] for each in layers] for layers in raw]
    own = [[[between(each[k], each[k]) for each in layers] for k in range(copies.count)] for layers in plain]
    return raw, plain, own


def _whole(upper: Array) -> Array:
    """Symmetric, from a upper triangle."""
    lower = np.swapaxes(upper, -1, -2)
    return np.asarray(np.where(np.isnan(upper), lower, upper))


def _cosine(raw: Array) -> Array:
    """Over the roots of the diagonal; missing where a layer does not answer, or has no weights."""
    own = np.diagonal(raw, axis1=-2, axis2=-1)
    size = np.sqrt(np.where(own > 0, own, np.nan))
    return np.asarray(raw / size[..., :, None] / size[..., None, :])
