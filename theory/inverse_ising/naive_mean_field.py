"""Inverse Ising by naive mean field: linear response of ``m_i = tanh(h_i + sum_j J_ij m_j)``.

    J = - (C_conn)^-1 off the diagonal,        h_i = artanh m_i - sum_j J_ij m_j.

(Kappen & Rodriguez, Neural Computation 10, 1137 (1998).) Couplings of size g come out with an error
``2 J_ij^2 m_i m_j + O(g^3)``: of second order in fields, of third without.
"""

import numpy as np

from deepglass.errors import InvalidInput
from theory.gaussian import Array
from theory.inverse_ising.certificate import Certificate, Fit
from theory.inverse_ising.model import IsingModel
from theory.inverse_ising.moments import Moments


def inverse_correlations(moments: Moments) -> Array:
    """Inverse (N, N) of the connected correlations; InvalidInput where they are not positive definite.

    That is: a spin that never flips, or fewer samples than spins.
    """
    lowest = float(np.linalg.eigvalsh(moments.connected)[0])
    if lowest <= 1e-12:
        raise InvalidInput(
            f"connected correlations have an eigenvalue {lowest:.1e}, must be positive definite: "
            "more samples, or no spins of |m| = 1"
        )
    inverse = np.linalg.inv(moments.connected)
    symmetric: Array = 0.5 * (inverse + inverse.T)
    return symmetric


def fit_nmf(moments: Moments) -> Fit:
    """The naive mean-field model. Certificate residual: ``max |C_conn A - 1|`` of the inverse A used.

    InvalidInput where the connected correlations are not positive definite.
    """
    inverse = inverse_correlations(moments)
    residual = float(np.max(np.abs(moments.connected @ inverse - np.eye(moments.N))))
    J = -inverse
    np.fill_diagonal(J, 0.0)
    return Fit(
        IsingModel(J, np.arctanh(moments.m) - J @ moments.m),
        Certificate(residual, 1, "naive mean field", "closed form"),
    )
