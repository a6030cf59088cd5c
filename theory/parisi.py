"""The Parisi recursion: one engine for every single-site term of the replica theory.

A term is given by the function ``f_k`` inside the innermost clusters and by the variances
``c_0 <= c_1 <= ... <= c_k`` of the field at the levels of the hierarchy (overlaps lambda for an interaction,
fields eps for a neuron). With break points ``0 = m_0 < m_1 < ... < m_k < m_{k+1} = 1``

    f_{i-1}(h) = (1/m_i) ln INT Dz exp(m_i f_i(h + sqrt(c_i - c_{i-1}) z)),          i = k..1
    value      = INT Dz f_0(sqrt(c_0) z)

and the field walks outwards-in, from ``h_0 ~ N(0, c_0)`` by steps tilted with ``exp(m_i f_i)``: a Markov
chain whose averages ``w_i = < f_i'(h_i)^2 >`` are the derivatives of the value (Parisi 1980; Yoshino,
SciPost Phys. Core 2, 005 (2020), section on k-RSB). k = 0 is replica symmetry. Responses ``dw_i/dc_j``
follow from the same chain (:meth:`Recursion.response`), so that saddle points can be solved by Newton's
method.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from theory import parisi_step
from theory.gaussian import Array
from theory.grid import Grid


@dataclass(frozen=True)
class Terminal:
    """``f_k`` and its first two derivatives on a grid, each of shape (n,)."""

    grid: Grid
    value: Array
    first: Array
    second: Array


@dataclass(frozen=True)
class Recursion:
    """One term at given break points ``m`` (k,) and variances ``c`` (k+1,), solved up and down.

    ``f``, ``f1``, ``f2``: function and derivatives at every level, shape (k+1, n). ``T``: tilted transition
    matrices of steps 1..k, shape (k, n, n), row-stochastic. ``p``: weights of the field at every level on
    the nodes, shape (k+1, n), each summing to 1.
    """

    m: Array
    c: Array
    grid: Grid
    f: Array
    f1: Array
    f2: Array
    T: Array
    p: Array

    @property
    def value(self) -> float:
        """``INT Dz f_0(sqrt(c_0) z)``."""
        return float(self.p[0] @ self.f[0])

    @cached_property
    def w(self) -> Array:
        """``w_i = < f_i'^2 >`` at every level, shape (k+1,)."""
        return np.asarray(np.sum(self.p * self.f1**2, axis=1))

    @cached_property
    def chi(self) -> Array:
        """``< f_i''^2 >`` at every level, shape (k+1,): enters the replicon."""
        return np.asarray(np.sum(self.p * self.f2**2, axis=1))

    @cached_property
    def mean(self) -> Array:
        """``< f_i >`` at every level, shape (k+1,): enters the stationarity in the break points."""
        return np.asarray(np.sum(self.p * self.f, axis=1))

    @cached_property
    def response(self) -> Array:
        """``dw_i/dc_j``, shape (k+1, k+1).

        With ``V_s^j(h) = < f_j'^2 | h_s = h >``, ``D_i = m_{i+1} - m_i`` and j >= i, by perturbing one
        variance:

            dw_i/dc_j = - (D_j/2) { 2 < f_i' dV_i^j/dh > + m_i < f_i'^2 V_i^j > - sum_{s<i} D_s < V_s^i
            V_s^j > }
                        + (i == j) < f_i''^2 >,

        and ``D_i dw_i/dc_j`` is symmetric, being a second derivative of the value.
        """
        k = self.m.size
        m = np.concatenate([[0.0], self.m, [1.0]])
        gaps = np.diff(m)
        out = np.zeros((k + 1, k + 1))
        overlap = np.zeros((k + 1, k + 1))
        V = np.zeros((0, self.grid.h.size))
        grams = []
        square = self.f1**2
        for i in range(k, -1, -1):
            if i < k:
                V = V @ self.T[i].T
            V = np.vstack([square[i], V])
            slope = V @ self.grid.derivative.T
            out[i, i:] = 2.0 * slope @ (self.p[i] * self.f1[i]) + m[i] * V @ (self.p[i] * square[i])
            grams.append((V * self.p[i]) @ V.T)
        for i in range(k + 1):
            out[i, i:] -= overlap[i, i:]
            gram = grams[k - i]
            overlap[i:, i:] += gaps[i] * gram
        out *= -0.5 * gaps
        symmetric = np.triu(out, 1) * gaps[:, None]
        return np.asarray(np.triu(out) + symmetric.T / gaps[:, None] + np.diag(self.chi))


def recursion(m: Array, c: Array, terminal: Terminal) -> Recursion:
    """Solve one term: functions from the innermost level outwards, then weights from outside in.

    ``m`` (k,) strictly increasing in (0, 1), ``c`` (k+1,) not decreasing and >= 0.
    """
    grid = terminal.grid
    k, n = m.size, grid.h.size
    f, f1, f2 = np.empty((k + 1, n)), np.empty((k + 1, n)), np.empty((k + 1, n))
    T, p = np.empty((k, n, n)), np.empty((k + 1, n))
    f[k], f1[k], f2[k] = terminal.value, terminal.first, terminal.second
    for i in range(k, 0, -1):
        sigma = float(np.sqrt(c[i] - c[i - 1]))
        matrix = T[i - 1]
        f[i - 1] = parisi_step.step(grid, sigma, float(m[i - 1]), f[i], f1[i], f2[i], matrix)
        f1[i - 1] = matrix @ f1[i]
        f2[i - 1] = matrix @ (f2[i] + m[i - 1] * f1[i] ** 2) - m[i - 1] * f1[i - 1] ** 2
    p[0] = parisi_step.start(grid, float(np.sqrt(c[0])), f[0])
    for i in range(1, k + 1):
        p[i] = p[i - 1] @ T[i - 1]
    return Recursion(m, c, grid, f, f1, f2, T, p)
