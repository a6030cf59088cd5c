"""Which hidden unit of one network is which of another: permutations that bring two networks together.

Networks that differ by the order of their hidden units are the same function, so that the distance of their
weights over-counts minima. The permutation of each hidden layer that brings W_a and W_b nearest, its
neighbours held, is an assignment problem (scipy.optimize.linear_sum_assignment); layers take turns until
none gains, from several orders. The result is a local optimum: an upper bound of the distance.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Layers = Sequence[NDArray[np.float64]]
"""W_1 to W_L, each (outputs, inputs)."""

STARTS = 8
"""Orders from which is begun; the first is that of the networks themselves."""


def align(a: Layers, b: Layers, starts: int = STARTS, seed: int = 0) -> list[NDArray[np.float64]]:
    """``b`` with the units of its hidden layers in the order nearest to ``a``'s that is found."""
    stream = np.random.default_rng(seed)
    best: list[NDArray[np.float64]] = []
    nearest = np.inf
    for start in range(max(starts, 1)):
        candidate = [layer.copy() for layer in b]
        if start:
            for layer in range(len(b) - 1):
                _permute(candidate, layer, stream.permutation(len(candidate[layer])))
        _descend(a, candidate)
        apart = distance(a, candidate)
        if apart < nearest:
            best, nearest = candidate, apart
    return best


def distance(a: Layers, b: Layers) -> float:
    """|W_a - W_b| over all weights."""
    return float(np.sqrt(sum(np.square(x - y).sum() for x, y in zip(a, b, strict=True))))


def _descend(a: Layers, b: list[NDArray[np.float64]]) -> None:
    """Permute the hidden layers of ``b`` in place, one after another, while that brings it nearer."""
    moved = True
    while moved:
        moved = False
        for layer in range(len(b) - 1):
            gain = a[layer] @ b[layer].T + a[layer + 1].T @ b[layer + 1]
            _, order = linear_sum_assignment(gain, maximize=True)
            rows = np.arange(len(order))
            if gain[rows, order].sum() > gain[rows, rows].sum() + 1e-12 * np.abs(gain).sum():
                _permute(b, layer, order)
                moved = True


def _permute(layers: list[NDArray[np.float64]], layer: int, order: NDArray[np.intp]) -> None:
    layers[layer] = layers[layer][order]
    layers[layer + 1] = layers[layer + 1][:, order]
