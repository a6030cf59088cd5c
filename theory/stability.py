"""Stability of a replica-symmetric solution against fluctuations that tell replicas apart.

With ``x_l = dQ_l`` and ``y_l = dq_l`` (``y_0 = y_L = 0``), ``dlambda_l`` the first-order change of
lambda_l and ``d2lambda_l`` the part of it that is a product of two changes, the second variation of the
functional is

    H = sum_l { -x_l^2/(alpha Lam_l^2) + chi_aa dlambda_l^2 + 2 w_l d2lambda_l }
        - sum_hidden (y_l - chi_ah dlambda_l)^2/chi_hh,                    Lam_l = 1 - Q_l

where the last sum is left by eliminating the change of eps_l. gaussian (``chi_ah = 0``):
``dlambda = q_{l-1} q_l x_l + Q_l q_l y_{l-1} + q_{l-1} Q_l y_l``,
``d2lambda = q_l x_l y_{l-1} + q_{l-1} x_l y_l + Q_l y_{l-1} y_l``. site:
``dlambda = q_{l-1} x_l + Q_l y_{l-1}``, ``d2lambda = x_l y_{l-1}``. The solution is stable where H is
negative definite. For the innermost level of a k-RSB solution the same form holds with that level's
numbers.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from theory.closures import Closure, Moments
from theory.gaussian import Array
from theory.overlaps import Overlaps
from theory.saddle import SaddlePoint

_RIGID = 1e-250
"""A neuron whose chi_hh is below this cannot move at all: its y is fixed to 0."""


@dataclass(frozen=True)
class Stability:
    """The softest fluctuation of a solution. Positive = stable, negative = unstable.

    ``replicon``: smallest eigenvalue of -H with every change in units of its own stiffness, ``x_l`` of
    ``sqrt(alpha) Lam_l`` and ``y_l`` of ``sqrt(chi_hh)``: a pure number, 1 for uncoupled layers, 0 when
    marginal. At depth 1 it is de Almeida and Thouless' ``1 - alpha (1-Q)^2 chi_aa``. ``curvature``:
    smallest eigenvalue of -H itself, of the same sign. ``weights`` (L,) and ``neurons`` (L+1,): the
    eigenvector x_l, y_l of ``replicon``, of unit length in these units.
    """

    replicon: float
    curvature: float
    weights: Array
    neurons: Array


def stability(point: SaddlePoint) -> Stability:
    """The stability of a replica-symmetric solution of either scenario (teacher-student: tilted
    averages).
    """
    chain, overlaps = point.chain, point.overlaps
    moments = chain.closure.moments(chain.potential, chain.n, overlaps, point.eps)
    return replicon(chain.closure, chain.alpha, overlaps, overlaps.Q_complement, moments)


def replicon(closure: Closure, alpha: float, overlaps: Overlaps, Lam: Array, moments: Moments) -> Stability:
    """The softest fluctuation from per-layer numbers.

    ``overlaps``: q_0..q_L and Q_1..Q_L of the (innermost) level. ``Lam`` (L,): 1 - Q of that level.
    ``moments``: w and the averages of squared second derivatives of the single-site terms, each (L,);
    chi_ah and chi_hh of the output layer do not enter.
    """
    L = Lam.size
    scale = np.concatenate([np.zeros(1), np.sqrt(moments.chi_hh[:-1]), np.zeros(1), np.sqrt(alpha) * Lam])
    rigid = np.append(True, np.append(moments.chi_hh[:-1] < _RIGID, True))
    free = np.flatnonzero(np.append(~rigid, np.ones(L, dtype=bool)))
    coupling = _coupling(closure, overlaps, moments, scale)
    stiffness = np.eye(free.size) - coupling[np.ix_(free, free)]
    values, vectors = np.linalg.eigh(stiffness)
    mode = np.zeros(2 * L + 1)
    mode[free] = vectors[:, 0] * np.sign(vectors[np.argmax(np.abs(vectors[:, 0])), 0])
    curvature = float(_smallest(stiffness, scale[free]))
    return Stability(float(values[0]), curvature, mode[L + 1 :], mode[: L + 1])


def _smallest(stiffness: Array, scale: Array) -> float:
    """Smallest eigenvalue of ``S^-1 stiffness S^-1``; directions too stiff for doubles are held at 0."""
    soft = scale > 1e-7 * np.max(scale)
    inner = stiffness[np.ix_(soft, soft)] / np.outer(scale[soft], scale[soft])
    return float(np.linalg.eigvalsh(inner)[0])


def _coupling(closure: Closure, overlaps: Overlaps, moments: Moments, scale: Array) -> Array:
    """``1 + S H S`` for unknowns (y_0..y_L, x_1..x_L) in units S = ``scale``, shape (2L+1, 2L+1)."""
    L = overlaps.Q.size
    q, Q = overlaps.q, overlaps.Q
    total = np.zeros((2 * L + 1, 2 * L + 1))
    for index, (left, right) in enumerate(pairwise(range(L + 1))):
        row = L + 1 + index
        # Factors of lambda_l: the others' product is its derivative, the others' others' its mixed
        # derivative.
        factors: list[tuple[int, float]] = [(left, float(q[left])), (row, float(Q[index]))]
        if closure.own_output:
            factors.append((right, float(q[right])))
        first = np.zeros(2 * L + 1)
        for k, (place, _) in enumerate(factors):
            first[place] = scale[place] * np.prod([value for j, (_, value) in enumerate(factors) if j != k])
        total += moments.chi_aa[index] * np.outer(first, first)
        for k, (one, _) in enumerate(factors):
            for m, (other, _) in enumerate(factors[:k]):
                rest = np.prod([value for j, (_, value) in enumerate(factors) if j not in (k, m)])
                total[[one, other], [other, one]] += moments.w[index] * rest * scale[one] * scale[other]
        if index < L - 1 and moments.chi_ah[index] > 0.0 and scale[right] > 0.0:
            # (y - chi_ah dlambda)^2/chi_hh, less the y^2 that is the unit of y.
            pull = moments.chi_ah[index] / scale[right] * first
            total[right] += pull
            total[:, right] += pull
            total -= np.outer(pull, pull)
    return total
