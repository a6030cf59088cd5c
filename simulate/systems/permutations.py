"""Which hidden unit of one network is which of another: permutations that bring two networks together.

Networks that differ by the order of their hidden units are the same function, so that the distance of their
weights over-counts minima; with an odd activation they are the same up to the sign of every unit, too. The
permutation of each hidden layer that brings W_a and W_b nearest, its neighbours held, is an assignment
problem (scipy.optimize.linear_sum_assignment); layers take turns until none gains, from several orders. The
result is a local optimum: an upper bound of the distance.

Among n units of m independent Gaussian weights, b = a + sigma xi, the order is found without a single error
as long as

    (1 + 1/sigma^2)^(m/2) > n^2/2,    which for large m is    sigma^2 < m/(4 ln n)

since two units change places if (w_i - w_j).(w_i - w_j + sigma (xi_i - xi_j)) < 0, with probability
E exp(-|w_i - w_j|^2/(4 sigma^2)) = (1 + 1/sigma^2)^(-m/2) to exponential order, there are n^2/2 such pairs,
and longer cycles compete at the same noise (D. Cullina, O. Dai, N. Kiyavash, "Database alignment with
Gaussian features", AISTATS 2019). Of two unrelated layers the best order still makes an overlap of about
sqrt(2 ln n/m).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Layers = Sequence[NDArray[np.float64]]
"""W_1 to W_L, each (outputs, inputs), or (outputs, inputs, places) where a unit is a channel."""

STARTS = 8
"""Orders from which is begun; the first is that of the networks themselves."""


@dataclass(frozen=True, eq=False)
class Match:
    """Units of a layer of b as they correspond to those of a.

    Attributes:
        order: unit ``order[i]`` of b is unit i of a.
        sign: +-1, by which it is multiplied then.
    """

    order: NDArray[np.intp]
    sign: NDArray[np.float64]

    @classmethod
    def none(cls, units: int) -> "Match":
        """Units as they are."""
        return cls(np.arange(units), np.ones(units))

    def score(self, gain: NDArray[np.float64]) -> float:
        """Sum of ``gain[i, j]`` over the units that correspond, signs counted."""
        return float((self.sign * gain[np.arange(len(self.order)), self.order]).sum())


def best(gain: NDArray[np.float64], signed: bool = False) -> Match:
    """The match with the largest score; gain[i, j] is what unit j of b in the place of unit i of a is worth,
    or with its sign changed -gain[i, j], where signs are free."""
    _, order = linear_sum_assignment(np.abs(gain) if signed else gain, maximize=True)
    chosen = gain[np.arange(len(order)), order]
    return Match(order, np.where(chosen < 0, -1.0, 1.0) if signed else np.ones(len(order)))


def align(
    a: Layers, b: Layers, starts: int = STARTS, seed: int = 0, signed: Sequence[bool] | bool = False
) -> list[NDArray[np.float64]]:
    """``b`` with the units of its hidden layers in the order nearest to ``a``'s that is found.

    ``signed``: whether their signs are free, of each hidden layer or of all.
    """
    return _nearest(a, b, starts, seed, signed)[0]


def matches(
    a: Layers, b: Layers, starts: int = STARTS, seed: int = 0, signed: Sequence[bool] | bool = False
) -> list[Match]:
    """What brings the hidden layers of ``b`` near, L - 1 matches: as :func:`align`, begun also from the order
    that layer after layer fits the inputs alone."""
    return _nearest(a, b, starts, seed, signed, forward=True)[1]


def distance(a: Layers, b: Layers) -> float:
    """|W_a - W_b| over all weights."""
    return float(np.sqrt(sum(np.square(x - y).sum() for x, y in zip(a, b, strict=True))))


def _nearest(
    a: Layers, b: Layers, starts: int, seed: int, signed: Sequence[bool] | bool, forward: bool = False
) -> tuple[list[NDArray[np.float64]], list[Match]]:
    free = [signed] * (len(b) - 1) if isinstance(signed, bool) else list(signed)
    stream = np.random.default_rng(seed)
    found: tuple[list[NDArray[np.float64]], list[Match]] = ([], [])
    nearest = np.inf
    for start in range(-1 if forward else 0, max(starts, 1)):
        candidate = [layer.copy() for layer in b]
        done = [Match.none(len(layer)) for layer in b[:-1]]
        if start < 0:
            for layer in range(len(b) - 1):
                gain = _rows(a[layer]) @ _rows(candidate[layer]).T
                _apply(candidate, done, layer, best(gain, free[layer]))
        if start > 0:
            for layer in range(len(b) - 1):
                units = len(candidate[layer])
                _apply(candidate, done, layer, Match(stream.permutation(units), np.ones(units)))
        _descend(a, candidate, done, free)
        apart = distance(a, candidate)
        if apart < nearest:
            found, nearest = (candidate, done), apart
    return found


def _descend(a: Layers, b: list[NDArray[np.float64]], done: list[Match], free: Sequence[bool]) -> None:
    """Permute the hidden layers of ``b`` in place, one after another, while that brings it nearer."""
    moved = True
    while moved:
        moved = False
        for layer in range(len(b) - 1):
            gain = _rows(a[layer]) @ _rows(b[layer]).T + _columns(a[layer + 1]) @ _columns(b[layer + 1]).T
            found = best(gain, free[layer])
            if found.score(gain) > np.trace(gain) + 1e-12 * np.abs(gain).sum():
                _apply(b, done, layer, found)
                moved = True


def _rows(layer: NDArray[np.float64]) -> NDArray[np.float64]:
    return layer.reshape(len(layer), -1)


def _columns(layer: NDArray[np.float64]) -> NDArray[np.float64]:
    return _rows(layer.swapaxes(0, 1))


def _apply(layers: list[NDArray[np.float64]], done: list[Match], layer: int, match: Match) -> None:
    order, sign = match.order, match.sign
    here, following = layers[layer][order], layers[layer + 1][:, order]
    layers[layer] = here * sign.reshape(-1, *[1] * (here.ndim - 1))
    layers[layer + 1] = following * sign.reshape(-1, *[1] * (following.ndim - 2))
    done[layer] = Match(done[layer].order[order], done[layer].sign[order] * sign)
