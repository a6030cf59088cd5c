"""Weights on a sphere: the algebra of Parisi matrices behind ``(1/2) ln det Q``.

With ``Lam_k = 1 - Q_k`` and ``Lam_{i-1} = Lam_i + m_i (Q_i - Q_{i-1})`` the inverse of Q is again a Parisi
matrix,

    (Q^-1)_0 = -Q_0/Lam_0^2,      (Q^-1)_i = (Q^-1)_{i-1} - (1/m_i)(1/Lam_i - 1/Lam_{i-1}),

and stationarity asks for ``p_i = -(Q^-1)_i``, p given by the interactions (Yoshino, SciPost Phys. Core 2, 005
(2020)). Inverted for Q by one scalar root: ``1/Lam_i = y + m_1 (p_1 - p_0) + ... + m_i (p_i - p_{i-1})``.
"""

from dataclasses import dataclass

import numpy as np

from theory.gaussian import Array

_ITERATIONS = 200
_ROUNDING = 4.0 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Sphere:
    """Overlaps Q_0..Q_k of weights under pulls p_0..p_k, with ``Lam`` (k+1,) and ``dQ_i/dp_j`` (k+1, k+1)."""

    Q: Array
    Lam: Array
    response: Array


def modulus(Q: Array, m: Array) -> Array:
    """``Lam_i = 1 - Q_k + sum_{j>i} m_j (Q_j - Q_{j-1})``, shape (k+1,); ``Q`` (k+1,), ``m`` (k,)."""
    steps = m * np.diff(Q)
    return np.asarray((1.0 - Q[-1]) + np.append(np.cumsum(steps[::-1])[::-1], 0.0))


def pull(Q: Array, m: Array) -> Array:
    """``-(Q^-1)_i``, shape (k+1,)."""
    inverse = 1.0 / modulus(Q, m)
    return np.asarray(Q[0] * inverse[0] ** 2 + np.append(0.0, np.cumsum(np.diff(inverse) / m)))


def entropy(Q: Array, m: Array) -> float:
    """``(1/2)[ln Lam_k + Q_0/Lam_0 + sum_i (1/m_i) ln(Lam_{i-1}/Lam_i)]``: (1/2) ln det Q per replica."""
    Lam = modulus(Q, m)
    return float(0.5 * (np.log(Lam[-1]) + Q[0] / Lam[0] + np.sum(np.log(Lam[:-1] / Lam[1:]) / m)))


def break_point_slope(Q: Array, m: Array) -> Array:
    """``2 d(entropy)/dm_i``, shape (k,)."""
    Lam = modulus(Q, m)
    inverse = -pull(Q, m)
    logs = np.log(Lam[:-1] / Lam[1:])
    return np.asarray(-logs / m**2 + np.diff(Q) * (inverse[:-1] + 1.0 / (m * Lam[:-1])))


def sphere(p: Array, m: Array) -> Sphere:
    """Solve ``-(Q^-1)_i = p_i``; ``p`` (k+1,) >= 0 and not decreasing, ``m`` (k,) increasing in (0, 1)."""
    rise = np.append(0.0, np.cumsum(m * np.diff(p)))
    y = 1.0
    for _ in range(_ITERATIONS):
        # Lam_k + Q_k - 1 falls with y and is convex: Newton from y = 1 <= 1/Lam_0 climbs to the root.
        Lam = 1.0 / (y + rise)
        excess = Lam[-1] + p[0] / y**2 + np.sum((Lam[:-1] - Lam[1:]) / m) - 1.0
        slope = Lam[-1] ** 2 + 2.0 * p[0] / y**3 + np.sum((Lam[:-1] ** 2 - Lam[1:] ** 2) / m)
        step = excess / slope
        y += step
        if abs(step) <= _ROUNDING * y:
            break
    Lam = 1.0 / (y + rise)
    Q = p[0] / y**2 + np.append(0.0, np.cumsum((Lam[:-1] - Lam[1:]) / m))

    k = m.size
    weights = np.append(0.0, m)
    # d rise_i / d p_j: m_j - m_{j+1} for j < i, m_i for j = i.
    d_rise = np.tril(np.broadcast_to(weights - np.append(m, 0.0), (k + 1, k + 1)), -1) + np.diag(weights)
    d_Lam = -(Lam**2)[:, None] * d_rise
    by_p = np.vstack([np.zeros(k + 1), np.cumsum((d_Lam[:-1] - d_Lam[1:]) / m[:, None], axis=0)])
    by_p[:, 0] += 1.0 / y**2
    by_y = -2.0 * p[0] / y**3 - np.append(0.0, np.cumsum((Lam[:-1] ** 2 - Lam[1:] ** 2) / m))
    d_y = -(d_Lam[-1] + by_p[-1]) / (by_y[-1] - Lam[-1] ** 2)
    return Sphere(Q, Lam, by_p + np.outer(by_y, d_y))
