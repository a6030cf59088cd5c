"""Inverse Ising by symmetrised pseudo-likelihood, over couplings J = J^T and fields together.

    f(J, h) = sum_i < ln(1 + exp(-2 s_i (h_i + sum_j J_ij s_j))) >_data + (l2/2) sum_{i<j} J_ij^2 + (l2_h/2)
    sum_i h_i^2.

Convex; its minimum needs no partition function and tends to the true model with the number of samples. With
``l1`` every spin is a separate sparse logistic regression, ``J = (J + J^T)/2`` at the end, as in the paper
(there with lambda = 0.01 of the smallest value that empties the row). Source: Zou & Huang, Phys. Rev.
Research 3, 033290 (2021); Aurell & Ekeberg, Phys. Rev. Lett. 108, 090201 (2012).
"""

from typing import Any

import numpy as np
from numpy import typing as npt
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import expit

from deepglass import checks
from deepglass.errors import InvalidInput, NotConverged
from theory.gaussian import Array
from theory.inverse_ising.certificate import Certificate, Fit
from theory.inverse_ising.model import IsingModel
from theory.inverse_ising.moments import spins, weighting

METHOD = "symmetrised pseudo-likelihood"
METHOD_L1 = "L1 logistic regressions, symmetrised"


def packed(model: IsingModel) -> Array:
    """Couplings of i < j, row by row, then fields: (N(N-1)/2 + N,)."""
    return np.concatenate([model.J[np.triu_indices(model.N, 1)], model.h])


def unpacked(theta: Array, N: int) -> IsingModel:
    """The model of :func:`packed` parameters."""
    J = np.zeros((N, N))
    J[np.triu_indices(N, 1)] = theta[:-N]
    return IsingModel(J + J.T, theta[-N:])


def objective(theta: Array, s: Array, weights: Array, l2: float, l2_h: float) -> tuple[float, Array]:
    """f and its gradient at packed ``theta``, for samples s (S, N) and weights (S,) of sum 1."""
    N = s.shape[1]
    model = unpacked(theta, N)
    margin = 2.0 * s * (s @ model.J + model.h)
    couplings = theta[:-N]
    value = float(weights @ np.logaddexp(0.0, -margin).sum(axis=1))
    value += 0.5 * l2 * float(couplings @ couplings) + 0.5 * l2_h * float(model.h @ model.h)
    pull = -2.0 * weights[:, None] * s * expit(-margin)
    cross = pull.T @ s
    gradient = np.concatenate(
        [(cross + cross.T)[np.triu_indices(N, 1)] + l2 * couplings, pull.sum(axis=0) + l2_h * model.h]
    )
    return value, gradient


def fit_pseudo(
    samples: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    l1: float = 0.0,
    l2: float = 0.0,
    l2_h: float = 0.0,
    tolerance: float = 1e-6,
    max_iterations: int = 2000,
) -> Fit:
    """Fit samples (S, N) of +-1, optionally weighted. ``l1`` (relative, in [0, 1]) goes with no l2.

    Certificate residual: the largest entry of the gradient (with l1, of the gradient projected on J_+, J_- >=
    0). Raises NotConverged with the Fit. InvalidInput where a spin never flips and its field would be
    infinite (then l2_h > 0 is needed).
    """
    s = spins(samples)
    w = weighting(weights, len(s))
    limit = checks.real("tolerance", tolerance, above=0.0)
    most = checks.integer("max_iterations", max_iterations, 1)
    ridge, ridge_h = checks.real("l2", l2, at_least=0.0), checks.real("l2_h", l2_h, at_least=0.0)
    sparse = checks.real("l1", l1, at_least=0.0, at_most=1.0)
    mean = w @ s
    frozen = np.flatnonzero(np.abs(mean) >= 1.0 - 1e-14)
    if sparse > 0.0:
        if ridge > 0.0 or ridge_h > 0.0:
            raise InvalidInput(
                f"l1 = {sparse:g} and l2 = {ridge:g}, l2_h = {ridge_h:g}: one kind of penalty only"
            )
        return _fit_sparse(s, w, sparse, limit, most, frozen)
    if frozen.size and ridge_h == 0.0:
        raise InvalidInput(
            f"spin {frozen[0]} never flips in the samples: its field is infinite, give l2_h > 0"
        )
    N = s.shape[1]
    edge = 1.0 - 1e-3
    begin = np.concatenate([np.zeros(N * (N - 1) // 2), np.arctanh(np.clip(mean, -edge, edge))])
    found: Any = minimize(
        objective,
        begin,
        args=(s, w, ridge, ridge_h),
        method="L-BFGS-B",
        jac=True,
        options={"maxiter": most, "maxfun": 2 * most, "ftol": 0.0, "gtol": limit, "maxcor": 20},
    )
    # SciPy's success flag knows nothing of line searches stopped by rounding: the gradient decides.
    residual = float(np.max(np.abs(found.jac)))
    message = f"gradient {residual:.1e} after {int(found.nit)} iterations"
    fit = Fit(unpacked(found.x, N), Certificate(residual, int(found.nit), METHOD, message))
    if residual > limit:
        raise NotConverged(f"pseudo-likelihood: {message}, must be <= {limit:g}", fit, residual)
    return fit


def _fit_sparse(s: Array, w: Array, l1: float, limit: float, most: int, frozen: npt.NDArray[np.intp]) -> Fit:
    """One sparse logistic regression per spin, then the mean of both directions of every coupling."""
    if frozen.size:
        raise InvalidInput(f"spin {frozen[0]} never flips in the samples: leave it out of a fit with l1")
    N = s.shape[1]
    connected = s.T @ (w[:, None] * s) - np.outer(w @ s, w @ s)
    np.fill_diagonal(connected, 0.0)
    J, h, worst, iterations = np.zeros((N, N)), np.arctanh(w @ s), 0.0, 0
    for i in range(N):
        # The smallest penalty for which the row is empty: the slope of f there is the connected correlation.
        penalty = l1 * float(np.max(np.abs(connected[i])))
        if penalty == 0.0 or l1 == 1.0:
            continue
        others = np.arange(N) != i
        J[i, others], h[i], off, count = _sparse_row(
            s[:, others], s[:, i], w, penalty, float(h[i]), limit, most
        )
        worst, iterations = max(worst, off), max(iterations, count)
    message = f"projected gradient {worst:.1e} after {iterations} iterations of the longest row"
    fit = Fit(IsingModel(0.5 * (J + J.T), h), Certificate(worst, iterations, METHOD_L1, message))
    if worst > limit:
        raise NotConverged(f"L1 pseudo-likelihood: {message}, must be <= {limit:g}", fit, worst)
    return fit


def _sparse_row(
    x: Array, y: Array, w: Array, penalty: float, field: float, limit: float, most: int
) -> tuple[Array, float, float, int]:
    """Minimise ``< ln(1 + exp(-2 y (h + J.x))) > + penalty |J|_1`` for one row J (N-1,).

    ``J = J_+ - J_-`` with both >= 0 makes it smooth, and zeros exact: they are bounds that bind.
    """
    K = x.shape[1]
    wy = -2.0 * w * y

    def value(theta: Array) -> tuple[float, Array]:
        margin = 2.0 * y * (x @ (theta[:K] - theta[K : 2 * K]) + theta[-1])
        slope = wy * expit(-margin)
        along = x.T @ slope
        cost = float(w @ np.logaddexp(0.0, -margin)) + penalty * float(theta[: 2 * K].sum())
        return cost, np.concatenate([along + penalty, -along + penalty, [slope.sum()]])

    begin = np.concatenate([np.zeros(2 * K), [field]])
    found: Any = minimize(
        value,
        begin,
        method="L-BFGS-B",
        jac=True,
        bounds=[(0.0, None)] * (2 * K) + [(None, None)],
        options={"maxiter": most, "maxfun": 2 * most, "ftol": 0.0, "gtol": limit, "maxcor": 20},
    )
    free = np.where(found.x > 0.0, found.jac, np.minimum(found.jac, 0.0))
    free[-1] = found.jac[-1]
    # What L-BFGS-B itself drives to zero: the step along the gradient that the bounds allow.
    free[:-1] = np.where(free[:-1] > 0.0, np.minimum(free[:-1], found.x[:-1]), free[:-1])
    return found.x[:K] - found.x[K : 2 * K], float(found.x[-1]), float(np.max(np.abs(free))), int(found.nit)
