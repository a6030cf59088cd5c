"""Correlations of all pairs by linear response of the Bethe free energy, and inverse Ising with them.

Pair beliefs are the pair moments of *coupled* spins only: two spins joined by a path have a belief without
correlation though they are correlated. The response dm_i/dh_j knows the path, and is exact on trees. With v_i
= 1 - m_i^2 and c_ij the connected belief,

    (C^-1)_ij = - c_ij / (v_i v_j - c_ij^2),     (C^-1)_ii = (1/v_i) (1 + sum_j c_ij^2 / (v_i v_j - c_ij^2)),

and the first line solved for c_ij gives the beliefs, hence the couplings, of data in closed form
(Ricci-Tersenghi, J. Stat. Mech. P08015 (2012); Nguyen & Berg, J. Stat. Mech. P03004 (2012)).
"""

import numpy as np

from theory.inverse_ising.bethe import BetheState, growth
from theory.inverse_ising.bethe_learning import matched_bethe
from theory.inverse_ising.certificate import Certificate, Fit
from theory.inverse_ising.moments import Moments, moment_error
from theory.inverse_ising.naive_mean_field import inverse_correlations

METHOD = "Bethe linear response"


def bethe_response(state: BetheState) -> Moments:
    """Moments of a fixed point with pair moments by linear response; the diagonal is set to 1."""
    m = state.moments.m
    v = 1.0 - m**2
    c = state.moments.connected
    np.fill_diagonal(c, 0.0)
    left = np.outer(v, v) - c**2
    inverse = -c / left
    np.fill_diagonal(inverse, (1.0 + np.sum(c**2 / left, axis=1)) / v)
    C = np.linalg.inv(inverse) + np.outer(m, m)
    C = np.clip(0.5 * (C + C.T), -1.0, 1.0)
    np.fill_diagonal(C, 1.0)
    return Moments(m, C)


def fit_bethe_response(moments: Moments) -> Fit:
    """The Bethe model whose means and responses are the data's; closed form, exact on trees.

    Certificate residual, and ``own_error.total``: moment error by linear response. It is not 0 with loops, as
    the diagonal is then not 1; the reason says whether messages would find the state. InvalidInput as for
    naive mean field and where a pair has no finite coupling.
    """
    A = inverse_correlations(moments)
    np.fill_diagonal(A, 0.0)
    v = 1.0 - moments.m**2
    root = np.sqrt(1.0 + 4.0 * A**2 * np.outer(v, v))
    # (1 - root) / (2 A), written without the cancellation at A = 0.
    c = -2.0 * A * np.outer(v, v) / (1.0 + root)
    beliefs = c + np.outer(moments.m, moments.m)
    np.fill_diagonal(beliefs, 1.0)
    state = matched_bethe(Moments(moments.m, np.clip(beliefs, -1.0, 1.0)))
    error = moment_error(bethe_response(state), moments)
    reason = f"closed form; messages grow by {growth(state):.3f} a sweep"
    return Fit(state.model, Certificate(error.total, 1, METHOD, reason), error)
