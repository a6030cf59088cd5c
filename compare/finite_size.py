"""From runs of several sizes to the limit of large ones.

Each layer's mean is fitted by a + b/N (+ c/N^2), least squares with the weights n N^2 of n samples: the
overlaps are means over some N^2 neurons or weights, so that their variance falls like 1/N^2. The
weights are not the measured errors, which are themselves uncertain: they would favour those sizes whose few
samples happen to lie close together, and with them errors that are too small. Wrong weights cost precision
only; the error of a is made of the measured spreads, whatever they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import null_space

from compare.hotelling import Array, Test, t_squared
from deepglass.errors import InvalidInput


@dataclass(frozen=True, eq=False)
class Limit:
    """What P layers tend to, or what they are if there is one size.

    Attributes:
        order: of the polynomial in 1/N; 0: one size, its mean as it is.
        value: (P,), a.
        parts: (K, P, P), what each of K sizes contributes to the covariance of a.
        freedoms: (K,), degrees of freedom of each: samples less 1.
        slope, slope_error: (P,), b; missing for one size.
        fit: for each layer the test of the curve itself; missing where it goes through every point.
        spread: (P,), whether the samples of every size differ: without, a layer has no error.
    """

    order: int
    value: Array
    parts: Array
    freedoms: Array
    slope: Array
    slope_error: Array
    fit: tuple[Test, ...]
    spread: NDArray[np.bool_]

    @property
    def error(self) -> Array:
        """Standard error of the value, (P,); missing where the samples do not differ."""
        return np.where(self.spread, np.sqrt(np.diagonal(self.parts.sum(0))), np.nan)

    def test(self, layers: ArrayLike, predicted: ArrayLike) -> Test:
        """These layers (indices) together against their predicted values (P,).

        Missing where samples do not differ, and where a size has no more samples than there are layers here.
        """
        chosen = np.atleast_1d(np.asarray(layers, dtype=int))
        enough = 0 < len(chosen) <= self.freedoms.min()
        if not (enough and self.spread[chosen].all()):
            return Test()
        difference = self.value - np.asarray(predicted, dtype=float)
        return t_squared(difference[chosen], self.parts[:, chosen[:, None], chosen[None, :]], self.freedoms)


def limit(sizes: Sequence[int], samples: Sequence[Array], quadratic: bool = False) -> Limit:
    """Fit the values of independent samples, (n_k, P) with n_k >= 2 at each of K ascending sizes.

    One size: its mean as it is. Raises InvalidInput for fewer sizes than the curve has coefficients.
    """
    order = 0 if len(sizes) == 1 and not quadratic else 2 if quadratic else 1
    if len(sizes) <= order:
        raise InvalidInput(f"a quadratic fit needs runs of at least 3 sizes, not {len(sizes)}")
    counts = np.array([len(values) for values in samples], dtype=float)
    x = sizes[0] / np.asarray(sizes, dtype=float)  # of order 1, for the least squares
    powers = x[:, None] ** np.arange(order + 1)
    root = np.sqrt(counts) / x
    # Rows: the coefficients as linear combinations of the K means.
    solution = np.linalg.pinv(powers * root[:, None]) * root
    means = np.array([values.mean(0) for values in samples])
    covariances = np.array([np.cov(v, rowvar=False).reshape(v.shape[1], -1) / len(v) for v in samples])
    variances = np.diagonal(covariances, axis1=1, axis2=2)
    freedoms = counts - 1
    contrasts = null_space(powers.T).T  # of the means, zero for every such curve
    missing = np.full(means.shape[1], np.nan)
    linear = sizes[0] * solution[1] if order else None
    return Limit(
        order=order,
        value=solution[0] @ means,
        parts=solution[0][:, None, None] ** 2 * covariances,
        freedoms=freedoms,
        slope=missing if linear is None else linear @ means,
        slope_error=missing if linear is None else np.sqrt(linear**2 @ variances),
        fit=tuple(_curve(contrasts, means[:, i], variances[:, i], freedoms) for i in range(len(missing))),
        spread=np.all([np.ptp(v, axis=0) > _rounding(v) for v in samples], axis=0),
    )


def _curve(contrasts: Array, means: Array, variances: Array, freedoms: Array) -> Test:
    """Whether the means (K,) of a layer lie on the curve: chi^2 of the residuals over measured errors.

    That of the contrasts (K - order - 1, K) is the least chi^2 of any curve of that order.
    """
    if not len(contrasts):
        return Test()
    parts = np.einsum("ik,jk,k->kij", contrasts, contrasts, variances)
    return t_squared(contrasts @ means, parts, freedoms)


def _rounding(values: Array) -> Array:
    """Differences between samples (n, P) that are rounding, (P,)."""
    return np.asarray(1e-12 * np.maximum(np.abs(values).max(0), 1e-3))
