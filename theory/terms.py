"""The two single-site terms of the chain as input of the Parisi recursion: a perceptron's gap, an Ising
neuron.

Each chooses the grid on which its field lives: graded around the feature of ``f_k``, wide enough for the
tilted walk (REACH standard deviations, and the drift ``sum_i m_i (c_i - c_{i-1})`` of a neuron's field).
"""

import numpy as np

from theory.gaussian import Array
from theory.grid import Grid
from theory.parisi import Recursion, Terminal, recursion
from theory.potentials import Potential

REACH = 9.0
"""Standard deviations kept on either side: the Gaussian weight beyond is 1e-19."""

STEP = 0.07
"""Grading of the grids: averages over tens of levels are right to 1e-11."""

_RESOLVED = 1.5
_FAR = 3.0
_NARROW = 10.0
_FLOOR = 0.05
_SMALLEST_COMPLEMENT = 1e-14


def interaction(potential: Potential, overlap: Array, m: Array, step: float = STEP) -> Recursion:
    """The gap of a perceptron: ``f_k = ln INT Dx exp(-beta v(h + sqrt(1 - lambda_k) x))``.

    ``overlap``: lambda_0 <= ... <= lambda_k < 1, shape (k+1,). ``w_i`` of the result is
    ``-2 dA/dlambda_i / (m_{i+1} - m_i)``, A its value.
    """
    overlap = np.maximum.accumulate(np.maximum(overlap, 0.0))
    complement = max(1.0 - float(overlap[-1]), _SMALLEST_COMPLEMENT)
    reach = REACH * (np.sqrt(overlap[-1]) + _FLOOR)
    margin = potential.margin
    # A wide tilted step onto a narrow gap lands its weight far from where it starts: sigma must be
    # resolved there.
    rises = np.diff(overlap)
    wide = rises[m * rises > _NARROW * (1.0 - overlap[1:])]
    cap = float(np.sqrt(np.min(wide, initial=np.inf))) / _RESOLVED
    low, high = min(0.0, margin) - reach, max(0.0, margin) + reach
    grid = Grid(low, high, margin, float(np.sqrt(complement)), step, cap)
    variance = np.full(1, complement)
    slopes = potential.slopes(grid.offset, variance)
    value = potential.value(grid.offset, variance)
    return recursion(m, overlap, Terminal(grid, value, slopes.first, slopes.second))


def neuron(eps: Array, m: Array, step: float = STEP) -> Recursion:
    """An Ising neuron: ``f_k = ln 2cosh h`` in fields of variances eps_0 <= ... <= eps_k, shape (k+1,).

    Its overlaps are ``q_i = w_i`` of the result; its term of the entropy :func:`neuron_entropy`.
    """
    eps = np.maximum.accumulate(np.maximum(eps, 0.0))
    rises = np.diff(eps)
    reach = REACH * (np.sqrt(eps[-1]) + _FLOOR) + float(m @ rises)
    # A wide tilted step moves its weight by m sigma^2: the grid must resolve sigma there.
    wide = rises[m**2 * rises > _FAR**2]
    cap = float(np.sqrt(np.min(wide, initial=np.inf))) / _RESOLVED
    grid = Grid(-reach, reach, 0.0, 1.0, step, cap)
    h = grid.h
    sech = 2.0 * np.exp(-np.abs(h)) / (1.0 + np.exp(-2.0 * np.abs(h)))
    return recursion(m, eps, Terminal(grid, np.logaddexp(h, -h), np.tanh(h), sech * sech))


def neuron_entropy(term: Recursion, q: Array) -> float:
    """``value - eps_k/2 + (1/2) sum_i (m_{i+1} - m_i) eps_i q_i``: stationary in eps where q = w."""
    gaps = np.diff(np.concatenate([[0.0], term.m, [1.0]]))
    return float(term.value - 0.5 * term.c[-1] + 0.5 * np.sum(gaps * term.c * q))
