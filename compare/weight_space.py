"""Multi-information of an ensemble of weight vectors, without a fit, with its bias removed and its error.

    I = -(1/2N) ln det R,    R the correlation matrix of N weights; nats per weight, 0 without correlations,

of weights as they are (:func:`ordered_information`), and of the average over all permutations of hidden units
(:func:`averaged_information`; there R is :func:`theory.inverse_ising.permutation_average`'s).

Permuting the units of a hidden layer of n units acts on what a weight matrix has of them as 1 + (n - 1): the
mean over the units, and what is left. So an average over permutations is a block matrix:

    means:            sqrt(n) times the mean over hidden units, one number for each input, inner matrix, class
    layer l:          deviations over its n_l units, of each input (l first), class (l last) or of the row or
                      column means of an inner matrix; n_l - 1 copies of one small block
    inner matrix:     interaction of rows and columns, (n_l - 1)(n_(l-1) - 1) copies of one number

and ln det is the sum over blocks, copies counted. Cost and noise are those of the blocks.

Bias. ln det of a sample covariance of n independent Gaussian vectors of dimension p is too low by
sum_k [ln(n/2) - psi((n - k)/2)], k = 1..p, *whatever* the covariance (Wishart; Muirhead (1982), section 3.2),
and ln of a sample variance by ln(n/2) - psi((n - 1)/2): exact in p/n, where N/(4n) per weight is only the
first order. Each block of d copies has d n vectors. Weights are no Gaussians; what that leaves is of first
order in 1/n, and the jackknife removes it.

Draws of one network are not independent. Each information is that of one draw of every network, averaged over
first, second, ... draws: pooled, they would count for a number of networks that no formula knows.

Error: the jackknife over networks, all draws of a network left out together. Not the bootstrap: a resample
holds 63 % of the networks, and ln det answers with the bias of so much fewer (minus infinity below 1.6 N).
For independent weights, where the statistic has no linear part, the jackknife's error is up to sqrt(2) too
large.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cholesky, solve_triangular
from scipy.special import digamma

from compare.resampling import jackknife_error
from compare.weight_ensemble import Array, Ensemble
from deepglass.errors import InvalidInput

CHUNK = 1 << 24
"""Numbers held at a time while networks are left out."""

RARE = 5
"""Networks in which a weight must differ from what it mostly is, else its correlations cannot be told."""

SINGULAR = -25.0
"""A network whose leaving lowers ln det by so much was all that made it finite."""


@dataclass(frozen=True, eq=False)
class Jackknife:
    """A statistic of all networks, and without each of them (G,)."""

    whole: float
    without: Array = field(repr=False)

    @property
    def value(self) -> float:
        """With the bias of order 1/G removed."""
        G = len(self.without)
        return G * self.whole - (G - 1) * float(self.without.mean())

    @property
    def error(self) -> float:
        """Standard error over networks."""
        return float(jackknife_error(self.without))

    @classmethod
    def of(cls, function: Callable[..., Array], *statistics: "Jackknife") -> "Jackknife":
        """A function, element by element, of statistics of the same networks."""
        return cls(
            float(function(*(np.float64(each.whole) for each in statistics))),
            np.asarray(function(*(each.without for each in statistics))),
        )


@dataclass(frozen=True, eq=False)
class Information:
    """Multi-information per weight in nats.

    Attributes:
        plain: of the sample moments as they are.
        gaussian_bias: what Gaussians of the same number of networks would show too much.
        statistic: ``plain - gaussian_bias``, whole and without each network; its value and error are the
        answer.
        frozen: weights left out as they flip in fewer than 5 networks; they count in N.
    """

    plain: float
    gaussian_bias: float
    statistic: Jackknife
    frozen: int

    @property
    def value(self) -> float:
        """Nats per weight, bias removed."""
        return self.statistic.value

    @property
    def error(self) -> float:
        """Standard error over networks."""
        return self.statistic.error


class _Sum(NamedTuple):
    """A sum over blocks and its Gaussian bias, each whole and without every network."""

    value: Jackknife
    bias: Jackknife

    def __add__(self, other: "_Sum") -> "_Sum":  # type: ignore[override]
        add: Callable[..., Array] = np.add
        return _Sum(Jackknife.of(add, self.value, other.value), Jackknife.of(add, self.bias, other.bias))


def _counted(function: Callable[[Array], Array], G: int) -> Jackknife:
    """A function of the number of networks, of all and without each."""
    whole, less = function(np.array([float(G), G - 1.0]))
    return Jackknife(float(whole), np.full(G, less))


def _log_det(rows: Array, copies: int, centred: bool) -> _Sum:
    """``copies`` times ln det of the covariance of rows (G, r, p), of which ``copies`` a network count.

    Without network g by the determinant lemma, det(A - V'V) = det(A) det(1 - V A^-1 V'), V its rows and,
    where the mean is taken off, their sum by the square root of the number of rows left.
    """
    G, r, p = rows.shape
    flat = rows.reshape(-1, p)
    deviations = flat - flat.mean(axis=0) if centred else flat
    try:
        root = cholesky(deviations.T @ deviations, lower=True)
        z = solve_triangular(root, deviations.T, lower=True).T.reshape(G, r, p)
    except LinAlgError:
        raise _singular(G, p) from None
    whole = 2.0 * float(np.log(np.diagonal(root)).sum())
    change = []
    for V in np.array_split(z, 1 + G * (r + 1) * p // CHUNK):
        if centred:
            V = np.concatenate([V, V.sum(axis=1, keepdims=True) / np.sqrt(r * (G - 1))], axis=1)
        turned = V.transpose(0, 2, 1)
        gram = V @ turned if V.shape[1] <= p else turned @ V
        sign, log = np.linalg.slogdet(np.eye(gram.shape[1]) - gram)
        if (sign <= 0).any() or (log < SINGULAR).any():
            raise _singular(G, p)
        change.append(log)
    scale = _counted(lambda n: p * np.log(n * copies), G)
    without = Jackknife(whole, whole + np.concatenate(change))
    value = Jackknife.of(lambda a, b: copies * (a - b), without, scale)
    return _Sum(value, _counted(lambda n: copies * _wishart(n * copies, p, centred), G))


def _wishart(n: Array, p: int, centred: bool) -> Array:
    """Mean ln det of a sample covariance of n Gaussian vectors of dimension p, less that of the covariance.

    NaN where there are not more vectors than dimensions.
    """
    free = n - centred
    terms = digamma(np.maximum(free[:, None] - np.arange(p), 1e-3) / 2.0).sum(axis=1) - p * np.log(n / 2.0)
    found: Array = np.where(free > p, terms, np.nan)
    return found


def _log_variances(means: Array, number: NDArray[np.int64]) -> _Sum:
    """Sum of ln(1 - m^2) over weights: ``means`` (G, kinds) are those of ``number`` weights of each kind."""
    G, total = len(means), means.sum(axis=0)

    def log(m: Array) -> Array:
        value: Array = np.log(1.0 - m**2) @ number
        return value

    def gaussian(n: Array) -> Array:
        terms = digamma((np.outer(n, sizes) - 1.0) / 2.0) - np.log(np.outer(n, sizes) / 2.0)
        found: Array = terms @ (sizes * how_many)
        return found

    sizes, how_many = np.unique(number, return_counts=True)
    return _Sum(Jackknife(float(log(total / G)), log((total - means) / (G - 1))), _counted(gaussian, G))


def _singular(G: int, p: int) -> InvalidInput:
    return InvalidInput(
        f"correlations of {p} weights are singular, {G} networks or one less: too few, or copied weights"
    )


def _moving(means: Array) -> NDArray[np.bool_]:
    """Which kinds of weights differ from always +1 (or -1) in at least RARE networks."""
    usual = np.where(means.sum(axis=0) >= 0, 1.0, -1.0)
    found: NDArray[np.bool_] = np.sum(usual * means < 1.0 - 1e-9, axis=0) >= RARE
    return found


def _information(log_det: _Sum, log_variances: _Sum, N: int, frozen: int) -> Information:
    def per_weight(a: Array, b: Array) -> Array:
        return -0.5 * (a - b) / N

    plain = Jackknife.of(per_weight, log_det.value, log_variances.value)
    bias = Jackknife.of(per_weight, log_det.bias, log_variances.bias)
    if not (np.isfinite(bias.whole) and np.isfinite(bias.without).all()):
        raise InvalidInput(f"{len(bias.without)} networks are too few for correlations of {N} weights")
    subtract: Callable[..., Array] = np.subtract
    return Information(plain.whole, bias.whole, Jackknife.of(subtract, plain, bias), frozen)


def _without_correlations(G: int, N: int) -> Information:
    return Information(0.0, 0.0, Jackknife(0.0, np.zeros(G)), N)


def _over_draws(
    function: Callable[[Array], Information], weights: Array, owner: NDArray[np.int64]
) -> Information:
    """Mean of the information of ensembles of one draw of each network: first draws, second ones, ...

    Networks of fewer draws than others give theirs again.
    """
    each = np.bincount(owner)
    starts = np.cumsum(each) - each
    found = [function(weights[starts + draw % each]) for draw in range(each.max())]
    return Information(
        float(np.mean([one.plain for one in found])),
        float(np.mean([one.gaussian_bias for one in found])),
        Jackknife(
            float(np.mean([one.statistic.whole for one in found])),
            np.mean([one.statistic.without for one in found], axis=0),
        ),
        max(one.frozen for one in found),
    )


def ordered_information(weights: Array, owner: NDArray[np.int64]) -> Information:
    """Of weights (S, N) as they are; ``owner`` (S,) is the network 0..G-1 of each, ascending.

    InvalidInput where networks are not more than weights, with or without any one of them.
    """
    return _over_draws(_ordered, weights, owner)


def _ordered(weights: Array) -> Information:
    G, N = weights.shape
    moving = _moving(weights)
    if not moving.any():
        return _without_correlations(G, N)
    if moving.sum() >= G - 2:
        raise InvalidInput(f"{G} networks, must be more than the {moving.sum()} weights by 3")
    log_det = _log_det(weights[:, None, moving], 1, centred=True)
    number = np.ones(int(moving.sum()), dtype=np.int64)
    return _information(log_det, _log_variances(weights[:, moving], number), N, int(np.sum(~moving)))


@dataclass(frozen=True, eq=False)
class Modes:
    """What permutations of hidden units leave of weights (S, N): see the module.

    Attributes:
        means: (S, kinds) of all weights of a kind: of an input, an inner matrix, a class.
        number: (kinds,) weights of a kind.
        matrix: (kinds,) the matrix 1..L they stand in.
        layers: deviations over the units of hidden layer l, (S, n_l, kinds of it), and which kinds.
        inner: interactions in inner matrices (S, n_l n_(l-1)), their copies, and which kind.
    """

    means: Array = field(repr=False)
    number: NDArray[np.int64]
    matrix: NDArray[np.int64]
    layers: dict[int, tuple[Array, NDArray[np.int64]]] = field(repr=False)
    inner: tuple[tuple[Array, int, int], ...] = field(repr=False)


def modes(weights: Array, sizes: Sequence[int], matrices: Sequence[int]) -> Modes:
    """The modes of some of the matrices 1..L of weights (S, N)."""
    S, L, last = len(weights), len(sizes) - 1, 0
    ends = np.cumsum([0, *(a * b for a, b in zip(sizes[1:], sizes[:-1], strict=True))])
    means, number, matrix = [], [], []
    layers: dict[int, list[tuple[Array, NDArray[np.int64]]]] = {}
    inner = []
    for k in matrices:
        rows, columns = sizes[k], sizes[k - 1]
        W = weights[:, ends[k - 1] : ends[k]].reshape(S, rows, columns)
        hidden = tuple(axis for axis, yes in ((1, k < L), (2, k > 1)) if yes)
        mean = W.mean(axis=hidden, keepdims=True) if hidden else W
        kinds = mean[0].size
        these = np.arange(last, last + kinds)
        means.append(mean.reshape(S, kinds))
        number += kinds * [rows * columns // kinds]
        matrix += kinds * [k]
        last += kinds
        for axis, layer in ((1, k), (2, k - 1)):
            if axis not in hidden:
                continue
            other = tuple(a for a in hidden if a != axis)
            size = W.shape[other[0]] if other else 1
            over = np.sqrt(size) * ((W.mean(axis=other, keepdims=True) if other else W) - mean)
            units = np.moveaxis(over, axis, 1).reshape(S, W.shape[axis], kinds)
            layers.setdefault(layer, []).append((units, these))
        if len(hidden) == 2:
            rest = W - W.mean(axis=1, keepdims=True) - W.mean(axis=2, keepdims=True) + mean
            inner.append((rest.reshape(S, -1), (rows - 1) * (columns - 1), last - 1))
    joined = {
        layer: (np.concatenate([x for x, _ in found], axis=2), np.concatenate([w for _, w in found]))
        for layer, found in layers.items()
    }
    return Modes(np.concatenate(means, axis=1), np.array(number), np.array(matrix), joined, tuple(inner))


def matrices_of(part: str, sizes: Sequence[int]) -> range:
    """The matrices 1..L of a part of a network (:func:`theory.inverse_ising.parts`)."""
    L = len(sizes) - 1
    return {
        "input": range(1, 2), "interior": range(2, L), "output": range(L, L + 1), "full": range(1, L + 1),
    }[part]  # fmt: skip


def averaged_information(ensemble: Ensemble, part: str) -> Information:
    """Of a part of the network, averaged over all permutations of hidden units of the raw weights.

    InvalidInput where networks are not more than the kinds of weights.
    """
    matrices = matrices_of(part, ensemble.sizes)
    return _over_draws(
        lambda weights: _averaged(modes(weights, ensemble.sizes, matrices)),
        ensemble.weights,
        ensemble.samples,
    )


def _averaged(found: Modes) -> Information:
    G, N = len(found.means), int(found.number.sum())
    moving = _moving(found.means)
    if not moving.any():
        return _without_correlations(G, N)
    log_det = _log_det(found.means[:, None, moving] * np.sqrt(found.number[moving]), 1, centred=True)
    for units, kinds in found.layers.values():
        if units.shape[1] > 1 and moving[kinds].any():
            log_det += _log_det(units[:, :, moving[kinds]], units.shape[1] - 1, centred=False)
    for rest, copies, kind in found.inner:
        if copies and moving[kind]:
            log_det += _log_det(rest[:, :, None], copies, centred=False)
    variances = _log_variances(found.means[:, moving], found.number[moving])
    return _information(log_det, variances, N, int(found.number[~moving].sum()))
