"""The pairwise Ising model of a set of +-1 variables, and its exact averages by enumeration.

Energy ``E(s) = - sum_{i<j} J_ij s_i s_j - sum_i h_i s_i``, law ``P(s) ~ exp(-E)``: the inverse temperature is
1 and stands in J and h (:meth:`IsingModel.at`). Energies and entropies are per spin, entropies in nats.
Source: Zou & Huang, Phys. Rev. Research 3, 033290 (2021).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from deepglass import checks
from deepglass.errors import InvalidInput
from theory.gaussian import Array
from theory.inverse_ising.moments import Moments, spins

ENUMERATED = 20
"""Most spins that are enumerated: 2^20 energies, a second."""

_CHUNK = 1 << 14


@dataclass(frozen=True, eq=False)
class IsingModel:
    """Couplings J (N, N), symmetric with zero diagonal, and fields h (N,), in units of the temperature."""

    J: Array = field(repr=False)
    h: Array = field(repr=False)

    def __post_init__(self) -> None:
        J, h = np.asarray(self.J, dtype=np.float64), np.asarray(self.h, dtype=np.float64)
        if h.ndim != 1 or h.size == 0:
            raise InvalidInput(f"h has shape {h.shape}, must be (N,) with N >= 1")
        if J.shape != (h.size, h.size):
            raise InvalidInput(
                f"J has shape {J.shape}, must be ({h.size}, {h.size}) as h has {h.size} fields"
            )
        if not (np.isfinite(J).all() and np.isfinite(h).all()):
            raise InvalidInput("J and h must be finite")
        if np.any(np.diagonal(J) != 0.0):
            raise InvalidInput(f"J has a diagonal entry {np.max(np.abs(np.diagonal(J))):g}, must be 0")
        skew = float(np.max(np.abs(J - J.T)))
        if skew > 1e-12 * max(1.0, float(np.max(np.abs(J)))):
            raise InvalidInput(f"J differs from its transpose by {skew:.1e}, must be symmetric")
        object.__setattr__(self, "J", J)
        object.__setattr__(self, "h", h)

    @property
    def N(self) -> int:
        """Number of spins."""
        return self.h.size

    def energy(self, samples: ArrayLike) -> Array:
        """Energies (S,), of the whole system (not per spin), of configurations (S, N)."""
        s = spins(samples, self.N)
        value: Array = -0.5 * np.einsum("si,si->s", s @ self.J, s) - s @ self.h
        return value

    def mean_energy(self, moments: Moments) -> float:
        """Energy per spin of anything that has these moments."""
        return -float(self.h @ moments.m + 0.5 * np.sum(self.J * moments.C)) / self.N

    def at(self, beta: float) -> "IsingModel":
        """The same energy at inverse temperature ``beta``: couplings and fields times it."""
        value = checks.real("beta", beta, at_least=0.0)
        return IsingModel(value * self.J, value * self.h)

    def tilted(self, reference: ArrayLike, x: float) -> "IsingModel":
        """Weighted by ``exp(x sum_i s*_i s_i)`` towards (x > 0) a reference s* (N,) of +-1."""
        star = spins(np.atleast_2d(np.asarray(reference)), self.N)[0]
        return IsingModel(self.J, self.h + checks.real("x", x) * star)


@dataclass(frozen=True, eq=False)
class Exact:
    """Exact averages of one model; ``log_z``, ``energy`` and ``entropy`` per spin."""

    moments: Moments = field(repr=False)
    log_z: float
    energy: float

    @property
    def entropy(self) -> float:
        """Entropy per spin in nats, ``ln Z/N + e``."""
        return self.log_z + self.energy


def configurations(N: int) -> Array:
    """All 2^N configurations (2^N, N) of N <= 20 spins; bit i of the row number is spin i."""
    size = checks.integer("N", N, 1, ENUMERATED)
    return np.concatenate(list(_chunks(size)))


def _chunks(N: int) -> Iterator[Array]:
    bits = np.arange(N)
    for start in range(0, 1 << N, _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, 1 << N))
        yield 2.0 * ((rows[:, None] >> bits) & 1).astype(np.float64) - 1.0


def probabilities(model: IsingModel) -> Array:
    """Probabilities (2^N,) of the rows of :func:`configurations`."""
    return np.exp(-_energies(model) - _log_z(model))


def _energies(model: IsingModel) -> Array:
    checks.integer("N", model.N, 1, ENUMERATED)
    return np.concatenate([model.energy(chunk) for chunk in _chunks(model.N)])


def _log_z(model: IsingModel) -> float:
    return float(np.logaddexp.reduce(-_energies(model)))


def exact(model: IsingModel) -> Exact:
    """Moments, free energy, energy and entropy by enumeration; InvalidInput above 20 spins."""
    energies = _energies(model)
    log_z = float(np.logaddexp.reduce(-energies))
    weights = np.exp(-energies - log_z)
    m, C = np.zeros(model.N), np.zeros((model.N, model.N))
    for k, chunk in enumerate(_chunks(model.N)):
        weighted = chunk * weights[k * _CHUNK : (k + 1) * _CHUNK, None]
        m += weighted.sum(axis=0)
        C += weighted.T @ chunk
    C = 0.5 * (C + C.T)
    np.fill_diagonal(C, 1.0)
    return Exact(
        Moments(np.clip(m, -1.0, 1.0), np.clip(C, -1.0, 1.0)),
        log_z / model.N,
        float(weights @ energies) / model.N,
    )
