"""The stored ensembles of weights, as configurations; and means that hidden-unit permutations leave alone."""

import math

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from compare.resampling import standard_error
from compare.weight_ensemble import Ensemble
from compare.weight_space import averaged_information, ordered_information
from deepglass.errors import InvalidInput
from paper_figures.stored.results import Results
from simulate.classifier.draws import unpacked
from simulate.classifier.protocol import ClassifierProtocol
from theory.inverse_ising import parts

NAMES = {
    "under": "under-parametrised",
    "over": "over-parametrised",
    "shuffled": "labels shuffled",
    "shallow": "shallow",
    "untrained": "untrained",
    "frozen": "interior never trained",
}
"""In words."""

Values = NDArray[np.float64]


def configurations(results: Results, label: str) -> xr.Dataset | None:
    """Of an ensemble, as a dataset of kind ``weights`` with the accuracy on the test; None if not stored."""
    found = results.get("ensembles", label)
    if found is None:
        return None
    protocol = results.studies["ensembles"].ensembles[label]
    assert isinstance(protocol, ClassifierProtocol)
    last = found["test_accuracy"].sel(t=int(found.attrs["steps"])).transpose("sample", "draw")
    return unpacked(found, protocol.sizes).assign(accuracy=("configuration", last.values.ravel()))


def means(weights: NDArray[np.int8], sizes: tuple[int, ...], layer: int) -> tuple[Values, Values]:
    """Mean weight of a boundary by what permutations of hidden units leave.

    ``weights`` (S, N); ``layer`` 1: by input, mean over its units; the last: by class, mean over its inputs.
    Returns means and standard errors over configurations.
    """
    ends = np.cumsum([0, *(a * b for a, b in zip(sizes[1:], sizes[:-1], strict=True))])
    part = weights[:, ends[layer - 1] : ends[layer]].reshape(len(weights), sizes[layer], sizes[layer - 1])
    each = part.mean(axis=1 if layer == 1 else 2, dtype=np.float64)
    return each.mean(0), standard_error(each)


Point = tuple[float, float]
"""Value and error; missing where networks are too few for a part."""


def averaged(vectors: Ensemble, part: str) -> Point:
    """Multi-information per weight of a part, averaged over all permutations of hidden units."""
    try:
        found = averaged_information(vectors, part)
    except InvalidInput:
        return math.nan, math.nan
    return found.value, found.error


def ordered(vectors: Ensemble, part: str) -> Point:
    """Of the weights as they are."""
    try:
        found = ordered_information(vectors.weights[:, parts(vectors.sizes)[part]], vectors.samples)
    except InvalidInput:
        return math.nan, math.nan
    return found.value, found.error
