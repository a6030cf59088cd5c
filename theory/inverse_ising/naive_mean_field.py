"""Inverse Ising by naive mean field: linear response of ``m_i = tanh(h_i + sum_j J_ij m_j)``.

    J = - (C_conn)^-1 off the diagonal,        h_i = artanh m_i - sum_j J_ij m_j.

(Kappen & Rodriguez, Neural Computation 10, 1137 (1998).) Couplings of size g come out with an error
``2 J_ij^2 m_i m_j + O(g^3)``: of second order in fields, of third without.
"""

import numpy as np

from deepglass.errors import InvalidInput
from theory.inverse_ising.certificate import Certificate, Fit
from theory.inverse_ising.model import IsingModel
from theory.inverse_ising.moments import Moments


def fit_nmf(moments: Moments) -> Fit:
    """The naive mean-field model. Certificate residual: ``max |C_conn A - 1|`` of the inverse A used.

    InvalidInput where the connected correlations are not positive definite (a spin that never flips, or fewer
    samples than spins).
    """
    connected = moments.connected
    lowest = float(np.linalg.eigvalsh(connected)[0])
    if lowest <= 1e-12:
        raise InvalidInput(
            f"connected correlations have an eigenvalue {lowest:.1e}, must be positive definite: "
            "more samples, or no spins of |m| = 1"
        )
    inverse = np.linalg.inv(connected)
    J = -0.5 * (inverse + inverse.T)
    np.fill_diagonal(J, 0.0)
    residual = float(np.max(np.abs(connected @ inverse - np.eye(moments.N))))
    return Fit(
        IsingModel(J, np.arctanh(moments.m) - J @ moments.m),
        Certificate(residual, 1, "naive mean field", f"closed form; lowest eigenvalue {lowest:.2e}"),
    )
