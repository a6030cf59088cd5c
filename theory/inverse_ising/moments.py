"""First and second moments of +-1 variables: what a pairwise model is fitted to, and how far off it is."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy import typing as npt
from numpy.typing import ArrayLike

from deepglass.errors import InvalidInput
from theory.gaussian import Array


def spins(samples: ArrayLike, N: int | None = None) -> Array:
    """``samples`` as floats (S, N) of +-1, else InvalidInput."""
    s = np.asarray(samples, dtype=np.float64)
    if s.ndim != 2 or 0 in s.shape:
        raise InvalidInput(f"samples have shape {s.shape}, must be (S, N) with S, N >= 1")
    if N is not None and s.shape[1] != N:
        raise InvalidInput(f"samples have {s.shape[1]} spins, must be {N}")
    wrong = s[np.abs(s) != 1.0]
    if wrong.size:
        raise InvalidInput(f"samples hold {wrong[0]:g}, must be +1 or -1")
    return s


def weighting(weights: ArrayLike | None, S: int) -> Array:
    """Weights (S,) of sum 1; equal ones if None."""
    if weights is None:
        return np.full(S, 1.0 / S)
    w = np.asarray(weights, dtype=np.float64)
    if w.shape != (S,):
        raise InvalidInput(f"weights have shape {w.shape}, must be ({S},)")
    total = float(w.sum())
    if not (math.isfinite(total) and total > 0.0 and w.min() >= 0.0):
        raise InvalidInput("weights must be finite, >= 0 and not all 0")
    return w / total


@dataclass(frozen=True, eq=False)
class Moments:
    """Means m (N,) and raw pair moments C (N, N) = <s_i s_j>, symmetric, of unit diagonal."""

    m: Array = field(repr=False)
    C: Array = field(repr=False)

    def __post_init__(self) -> None:
        m, C = np.asarray(self.m, dtype=np.float64), np.asarray(self.C, dtype=np.float64)
        if m.ndim != 1 or m.size == 0:
            raise InvalidInput(f"m has shape {m.shape}, must be (N,) with N >= 1")
        if C.shape != (m.size, m.size):
            raise InvalidInput(f"C has shape {C.shape}, must be ({m.size}, {m.size}) as m has {m.size} means")
        for name, value in (("m", m), ("C", C)):
            if not np.isfinite(value).all() or np.max(np.abs(value)) > 1.0 + 1e-12:
                raise InvalidInput(f"{name} must be finite and inside [-1, 1]")
        if np.max(np.abs(np.diagonal(C) - 1.0)) > 1e-12:
            raise InvalidInput("C must be raw moments of unit diagonal, C_ii = <s_i s_i> = 1")
        if np.max(np.abs(C - C.T)) > 1e-12:
            raise InvalidInput(
                f"C differs from its transpose by {np.max(np.abs(C - C.T)):.1e}, must be symmetric"
            )
        object.__setattr__(self, "m", m)
        object.__setattr__(self, "C", C)

    @property
    def N(self) -> int:
        """Number of spins."""
        return self.m.size

    @property
    def connected(self) -> Array:
        """Connected correlations (N, N), ``C_ij - m_i m_j``; the diagonal is ``1 - m_i^2``."""
        return self.C - np.outer(self.m, self.m)

    def part(self, where: slice | npt.NDArray[np.bool_]) -> "Moments":
        """The moments of some of the spins."""
        return Moments(self.m[where], self.C[where][:, where])

    def independent(self) -> "Moments":
        """The moments of independent spins of the same means."""
        C = np.outer(self.m, self.m)
        np.fill_diagonal(C, 1.0)
        return Moments(self.m, C)


def sample_moments(samples: ArrayLike, weights: ArrayLike | None = None) -> Moments:
    """Moments of samples (S, N) of +-1, optionally weighted by weights (S,)."""
    s = spins(samples)
    w = weighting(weights, len(s))
    C = s.T @ (w[:, None] * s)
    C = np.clip(0.5 * (C + C.T), -1.0, 1.0)
    np.fill_diagonal(C, 1.0)
    return Moments(np.clip(w @ s, -1.0, 1.0), C)


@dataclass(frozen=True)
class MomentError:
    """Root mean square differences of means, of pair moments, and the root of the sum of their squares."""

    total: float
    m: float
    C: float


def moment_error(one: Moments, other: Moments) -> MomentError:
    """How far two sets of moments are apart.

    ``total = sqrt((1/N) sum_i dm_i^2 + (1/(N(N-1))) sum_{i != j} dC_ij^2)``: the "mse" of the paper's code, a
    root despite its name.
    """
    if one.N != other.N:
        raise InvalidInput(f"moments of {one.N} and of {other.N} spins cannot be compared")
    N = one.N
    m = float(np.mean((one.m - other.m) ** 2))
    C = float(np.sum((one.C - other.C) ** 2)) / (N * (N - 1)) if N > 1 else 0.0
    return MomentError(math.sqrt(m + C), math.sqrt(m), math.sqrt(C))


def independent_error(moments: Moments) -> MomentError:
    """The error of independent spins of the same means: a fit that is not below it has learnt nothing."""
    return moment_error(moments, moments.independent())
