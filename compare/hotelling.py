"""Tests of means whose covariance is known from few samples only.

A mean m of P numbers is a sum of independent parts (runs of different sizes), so that its covariance is
V = sum_k V_k, each V_k estimated with f_k degrees of freedom. Against a prediction, d = m - predicted:

    T^2 = d' V^-1 d,      (nu - P + 1)/(nu P) T^2  has the law  F(P, nu - P + 1)
    nu  = (P + P^2) / sum_k [tr((V_k V^-1)^2) + (tr V_k V^-1)^2]/f_k

One part: nu = f, Hotelling's test, exact for Gaussian samples; and one number: Student's t. Several parts and
one number: nu is Welch and Satterthwaite's. Several of both: the modified Nel-van der Merwe test of
Krishnamoorthy and Yu, Statist. Probab. Lett. 66, 161 (2004).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Array = NDArray[np.float64]

SINGULAR = 1e-10
"""Smallest eigenvalue of a correlation matrix, over the largest, that is not taken for zero."""


@dataclass(frozen=True)
class Test:
    """``chi2`` = T^2, its ``p`` and the degrees of freedom nu of the errors; missing (NaN) if untestable."""

    __test__ = False  # not one of pytest's

    chi2: float = math.nan
    p: float = math.nan
    freedom: float = math.nan


def t_squared(difference: ArrayLike, parts: ArrayLike, freedoms: ArrayLike) -> Test:
    """Test a difference (P,) whose covariance is the sum of ``parts`` (K, P, P) with ``freedoms`` (K,).

    Missing where the covariance is singular; p alone is missing where nu < P, too few samples for P numbers.
    """
    d, shares, f = (np.asarray(x, dtype=float) for x in (difference, parts, freedoms))
    covariance = shares.sum(0)
    scale = np.sqrt(np.diag(covariance))
    if not (scale > 0).all():
        return Test()
    # In units of the errors, so that layers whose errors differ by decades are not taken for dependent ones.
    d, shares = d / scale, shares / np.outer(scale, scale)
    size, axes = np.linalg.eigh(shares.sum(0))
    if size[0] <= SINGULAR * size[-1]:
        return Test()
    inverse = (axes / size) @ axes.T
    count = len(d)
    relative = shares @ inverse
    traces = np.trace(relative, axis1=1, axis2=2)
    squares = np.einsum("kij,kji->k", relative, relative)
    nu = float((count + count**2) / np.sum((squares + traces**2) / f))
    chi2 = float(d @ inverse @ d)
    rest = nu - count + 1
    if rest < 1 - 1e-9:  # nu = P up to rounding is enough
        return Test(chi2, freedom=nu)
    return Test(chi2, float(stats.f.sf(chi2 * rest / (nu * count), count, rest)), nu)


def holm(p: ArrayLike) -> Array:
    """p values (P,) adjusted for being many: one is below a level by chance, among all, with that chance.

    S. Holm, Scand. J. Statist. 6, 65 (1979); the least of them is Bonferroni's p of all together. Missing
    values stay missing and do not count.
    """
    values = np.asarray(p, dtype=float)
    adjusted = np.full_like(values, np.nan)
    order = np.argsort(values)[: np.isfinite(values).sum()]  # missing values come last
    factors = len(order) - np.arange(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1.0)
    return adjusted
