"""One step of the Parisi recursion on a graded grid: a function smoothed, and its tilted Markov chain.

A step of variance ``sigma^2`` with weight m turns f into

    f_out(h) = (1/m) ln INT Dz exp(m f(h + sigma z))          (m = 0: INT Dz f(h + sigma z))

and averages of any g over the step are ``E[g | h] = INT Dz g exp(m f)/INT Dz exp(m f)``. On a grid both
are one row-stochastic matrix T, ``E[g | h_a] = sum_b T_ab g_b``. Each of its rows is its own quadrature:

* where sigma is wider than the grid's spacing, the trapezoidal rule on the grid itself, in logarithms;
* elsewhere Gauss-Hermite around the saddle point of ``exp(-x^2/(2 sigma^2) + m f)``, f interpolated.

The rows are positive, so logarithms never fail, and transposed they carry distributions forward:
``p_out = p T`` is exact for every smooth average, however coarse the grid is for p itself.
Compiled by numba, whose cache notices edits of this file alone: keep it self-contained.
"""

import math

import numba
import numpy as np
import numpy.typing as npt
from scipy.special import roots_hermitenorm

from theory.grid import Grid

Array = npt.NDArray[np.float64]

_STENCIL = 14
"""Points of the local interpolation of f between grid nodes."""

_NODES = 16
"""Gauss-Hermite nodes of a step that is narrower than the grid's spacing."""

_WIDE = 1.3
"""Steps of at least this many spacings use the grid: its rule errs by 2 exp(-2 pi^2 1.69), 1e-14."""

_TAIL = 8.5
"""Standard deviations beyond which a Gaussian weighs 1e-16."""

_NEGLIGIBLE = -45.0
"""Logarithm of the relative weight, 3e-20, below which a node is left out."""

_Z, _W = roots_hermitenorm(_NODES)
_LOG_W = np.log(_W / math.sqrt(2.0 * math.pi))
_BARYCENTRIC = np.array([(-1.0) ** j * math.comb(_STENCIL - 1, j) for j in range(_STENCIL)])


@numba.njit(cache=True, nogil=True)
def _position(h: float, centre: float, scale: float, step: float, cap: float, first: float) -> float:
    """Index coordinate of a field on the grid ``h(nu)``; see :class:`theory.grid.Grid`."""
    x = h - centre
    return (math.asinh(x / scale) / step + x / cap) - first


@numba.njit(cache=True, nogil=True)
def _stencil(nu: float, n: int, weights: Array, barycentric: Array) -> int:
    """Weights of polynomial interpolation at index coordinate nu, and the first node they apply to."""
    size = weights.size
    nu = min(max(nu, 0.0), n - 1.0)
    first = min(max(math.floor(nu) - size // 2 + 1, 0), n - size)
    total = 0.0
    for j in range(size):
        distance = nu - (first + j)
        if distance == 0.0:
            weights[:] = 0.0
            weights[j] = 1.0
            return first
        weights[j] = barycentric[j] / distance
        total += weights[j]
    for j in range(size):
        weights[j] /= total
    return first


@numba.njit(cache=True, nogil=True)
def row(
    start: float,
    sigma: float,
    m: float,
    h: Array,
    log_spacing: Array,
    layout: tuple[float, float, float, float, float],
    f: Array,
    slope: float,
    bend: float,
    z: Array,
    log_w: Array,
    barycentric: Array,
    out: Array,
) -> float:
    """Fill ``out`` (n,) with T for one start field; returns f_out there.

    ``slope``, ``bend``: f' and max(-f'', 0) at the start, where Gauss-Hermite centres its nodes.
    """
    n, size = h.size, barycentric.size
    centre, scale, step, cap, first_nu = layout
    out[:] = 0.0
    nu = _position(start, centre, scale, step, cap, first_nu)
    near = math.exp(log_spacing[min(max(round(nu), 0), n - 1)])
    if sigma >= _WIDE * near:
        top, mass = -np.inf, 0.0
        inside = min(start - h[0], h[n - 1] - start) > _TAIL * sigma
        for b in range(n):
            x = (h[b] - start) / sigma
            kernel = log_spacing[b] - 0.5 * x * x
            if not inside:
                mass += math.exp(kernel)
            out[b] = kernel + m * f[b]
            top = max(top, out[b])
        if inside:
            mass = sigma * math.sqrt(2.0 * math.pi)
        total, average = 0.0, 0.0
        for b in range(n):
            tilted = out[b] - top
            out[b] = math.exp(tilted) if tilted > _NEGLIGIBLE else 0.0
            total += out[b]
            average += out[b] * f[b]
        for b in range(n):
            out[b] /= total
        if m == 0.0:
            return average / total
        return (top + math.log(total / mass)) / m
    weights = np.empty((z.size, size))
    if sigma == 0.0:
        first = _stencil(nu, n, weights[0], barycentric)
        value = 0.0
        for s in range(size):
            out[first + s] = weights[0, s]
            value += weights[0, s] * f[first + s]
        return value
    narrow = sigma / math.sqrt(1.0 + m * sigma * sigma * bend)
    shift = m * slope * narrow * narrow
    values, logs = np.empty(z.size), np.empty(z.size)
    firsts = np.empty(z.size, dtype=np.int64)
    top = -np.inf
    for j in range(z.size):
        x = shift + narrow * z[j]
        nu = _position(start + x, centre, scale, step, cap, first_nu)
        first = _stencil(nu, n, weights[j], barycentric)
        value = 0.0
        for s in range(size):
            value += weights[j, s] * f[first + s]
        firsts[j], values[j] = first, value
        logs[j] = log_w[j] + 0.5 * z[j] * z[j] - 0.5 * (x / sigma) ** 2 + m * value
        top = max(top, logs[j])
    total = 0.0
    for j in range(z.size):
        logs[j] = math.exp(logs[j] - top)
        total += logs[j]
    average = 0.0
    for j in range(z.size):
        share = logs[j] / total
        average += share * values[j]
        for s in range(size):
            out[firsts[j] + s] += share * weights[j, s]
    if m == 0.0:
        return average
    return (top + math.log(total * narrow / sigma)) / m


@numba.njit(cache=True, nogil=True)
def _fill(
    sigma: float,
    m: float,
    h: Array,
    log_spacing: Array,
    layout: tuple[float, float, float, float, float],
    f: Array,
    slope: Array,
    bend: Array,
    z: Array,
    log_w: Array,
    barycentric: Array,
    T: Array,
    f_out: Array,
) -> None:
    for a in range(h.size):
        f_out[a] = row(
            h[a], sigma, m, h, log_spacing, layout, f, slope[a], bend[a], z, log_w, barycentric, T[a]
        )


def step(grid: Grid, sigma: float, m: float, f: Array, first: Array, second: Array, out: Array) -> Array:
    """``f_out`` on the grid, shape (n,), and its transition matrix into ``out`` (n, n).

    ``f``, ``first``, ``second``: the function inside the step and its derivatives, shape (n,).
    """
    value = np.empty_like(f)
    bend = np.maximum(-second, 0.0)
    _fill(
        sigma, m, grid.h, grid.log_spacing, grid.layout, f, first, bend, _Z, _LOG_W, _BARYCENTRIC, out, value
    )
    return value


def start(grid: Grid, sigma: float, f: Array) -> Array:
    """Weights (n,) of ``N(0, sigma^2)`` on the grid: ``INT Dz g(sigma z) = sum_b weight_b g_b``."""
    out = np.empty_like(f)
    row(0.0, sigma, 0.0, grid.h, grid.log_spacing, grid.layout, f, 0.0, 0.0, _Z, _LOG_W, _BARYCENTRIC, out)
    return out
