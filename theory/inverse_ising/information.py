"""How far a part of a network is from independent weights: with a fit and without one."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import entr

from deepglass import checks
from deepglass.errors import InvalidInput
from theory.gaussian import Array
from theory.inverse_ising.model import IsingModel
from theory.inverse_ising.moments import Moments


def gaussian_multi_information(moments: Moments) -> float:
    """``-(1/2N) ln det`` of the correlation matrix, nats per spin; needs no fit. 0 only without correlations.

    Spins that never flip carry no information and count in N only. InvalidInput where the matrix is not
    positive definite: fewer samples than spins (average over hidden-unit permutations, or draw more).

    Two spins of correlation c, no means: ``-ln(1 - c^2)/4`` each.

    >>> from theory.inverse_ising import Moments
    >>> pair = Moments(np.zeros(2), np.array([[1.0, 0.6], [0.6, 1.0]]))
    >>> f"{gaussian_multi_information(pair):.6f} {-math.log(1 - 0.36) / 4:.6f}"
    '0.111572 0.111572'
    """
    variance = 1.0 - moments.m**2
    moving = variance > 1e-12
    if not moving.any():
        return 0.0
    part = moments.part(moving)
    scale = np.sqrt(variance[moving])
    values = np.linalg.eigvalsh(part.connected / np.outer(scale, scale))
    if values[0] <= 1e-12:
        raise InvalidInput(
            f"the correlations have an eigenvalue {values[0]:.1e}, must be positive definite: more samples"
        )
    return -0.5 * float(np.log(values).sum()) / moments.N


def independent_entropy(m: Array) -> float:
    """Entropy per spin, in nats, of independent spins of means m (N,)."""
    means = np.asarray(m, dtype=np.float64)
    return float(np.mean(entr((1.0 + means) / 2.0) + entr((1.0 - means) / 2.0)))


def entropy_deficit(m: Array, entropy: float) -> float:
    """Entropy per spin of independent spins of means m, minus ``entropy``: what correlations take."""
    return independent_entropy(m) - checks.real("entropy", entropy)


@dataclass(frozen=True)
class Strength:
    """Statistics of couplings (i < j) and fields; ``scaled_std_J`` = sqrt(N) std J, the spin-glass scale."""

    mean_J: float
    std_J: float
    mean_abs_J: float
    max_abs_J: float
    scaled_std_J: float
    zero_J: float
    mean_h: float
    std_h: float
    mean_abs_h: float


def strength(model: IsingModel) -> Strength:
    """Size and structure of couplings and fields; ``zero_J`` is the share of couplings that are exactly 0."""
    if model.N < 2:
        raise InvalidInput("N = 1 has no couplings, must be >= 2")
    J, h = model.J[np.triu_indices(model.N, 1)], model.h
    return Strength(
        float(J.mean()),
        float(J.std()),
        float(np.abs(J).mean()),
        float(np.abs(J).max()),
        math.sqrt(model.N) * float(J.std()),
        float(np.mean(J == 0.0)),
        float(h.mean()),
        float(h.std()),
        float(np.abs(h).mean()),
    )
