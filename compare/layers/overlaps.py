"""What two copies of a layer share: overlaps of neurons and of weights, linear CKA, effective dimension.

Neurons: x (S, n), the answers of n units to the same S probes (of a convolution: channels, at every probe
and place). Weights: W (n, m), or (n, m, places).

    raw        <x^a x^b>                                     over units and probes
    cosine     <x^a x^b>/sqrt(<x^a x^a><x^b x^b>)            as the engine normalises
    q          the same of x - (mean of each unit over the probes): the centred cosine

Units that are positive, as of ReLU, have a large cosine whatever they do; only q is 0 for unrelated ones. The
weights' Q is the plain cosine, their raw overlap is <W^a W^b>. All of this follows from the matrix between
units, C = x_a^T x_b/S, and so does what a match of units (:class:`simulate.systems.permutations.Match`) makes
of it, and

    CKA = |C_ab|^2/(|C_aa| |C_bb|)        Frobenius norms, centred: Kornblith et al., arXiv:1905.00414
    dimension = (tr C)^2/|C|^2            participation ratio of the covariance, 1..n

CKA does not change under any rotation of the units. With S probes no larger than n it is near 1 for
unrelated layers: its null is shown beside it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compare.resampling import FEWEST, jackknife_error, standard_error
from deepglass.errors import InvalidInput
from simulate.systems.permutations import Match

Array = NDArray[np.float64]


def centred(x: Array) -> Array:
    """Less the mean of each unit over the probes, (S, n)."""
    return np.asarray(x - x.mean(0))


def between(x: Array, y: Array) -> Array:
    """C = x^T y/S between the units of two copies, (n, n'). Raises InvalidInput for other probes."""
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y) or not len(x):
        raise InvalidInput(f"answers must be (probes, units) on the same probes, not {x.shape} and {y.shape}")
    return np.asarray(x.T @ y / len(x))


def overlap(c: Array, match: Match | None = None) -> float:
    """Mean over units of C between those that correspond: the raw overlap, from C of (n, n)."""
    whole = float(np.trace(c)) if match is None else match.score(c)
    return whole / len(c)


def cka(c: Array, own_a: Array, own_b: Array) -> float:
    """Linear CKA from centred C_ab, C_aa, C_bb; missing for a layer that does not answer."""
    size = np.linalg.norm(own_a) * np.linalg.norm(own_b)
    return float(np.sum(c**2) / size) if size > 0 else np.nan


def dimension(own: Array) -> float:
    """Participation ratio of a covariance; missing for a layer that does not answer."""
    size = float(np.sum(own**2))
    return float(np.trace(own) ** 2 / size) if size > 0 else np.nan


def weight_overlap(a: Array, b: Array, out: Match | None = None, into: Match | None = None) -> float:
    """<W^a W^b>, the rows and columns of b brought to those of a by matches of the layer's units and of
    those that feed it."""
    if out is not None:
        b = b[out.order] * out.sign.reshape(-1, *[1] * (b.ndim - 1))
    if into is not None:
        b = b[:, into.order] * into.sign.reshape(-1, *[1] * (b.ndim - 2))
    return float(np.mean(a * b))


@dataclass(frozen=True, eq=False)
class Mean:
    """Of pairs of copies, with its error; missing where there are too few.

    Attributes:
        value, error: (...,).
        copies: K.
    """

    value: Array
    error: Array
    copies: int


def mean_of_pairs(matrices: Array) -> Mean:
    """Mean over pairs of copies of matrices (..., K, K), each copy left out in turn for the error.

    Pairs share copies, so that copies are resampled, not pairs: the jackknife, as
    :func:`compare.resampling.jackknife`. It is exact on average where copies have effects of their own, and
    sqrt(2 (K - 1)/(K - 2)) too large where overlaps of pairs are independent.
    """
    k = matrices.shape[-1]
    if k < 2:
        nothing = np.full(matrices.shape[:-2], np.nan)
        return Mean(nothing, nothing, k)
    off = matrices * (1 - np.eye(k))
    rows, total = off.sum(-1), off.sum((-2, -1))
    value = total / (k * (k - 1))
    if k < FEWEST:
        return Mean(value, np.full_like(value, np.nan), k)
    without = (total[..., None] - 2 * rows) / ((k - 1) * (k - 2))
    return Mean(value, jackknife_error(without), k)


def mean_of_copies(values: Array) -> Mean:
    """Mean over copies of (..., K), with its standard error."""
    return Mean(values.mean(-1), standard_error(values, -1), values.shape[-1])
