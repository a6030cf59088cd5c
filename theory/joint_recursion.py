"""The Parisi recursion of a neuron together with its own gap: the single-site problem of the site closure.

Neuron and gap share one site, ``F(a, h) = ln sum_S exp(S h + f(S a))`` (:mod:`theory.joint`), with f the
potential after its innermost average. Level i of the hierarchy has the variance ``lambda_i`` of the gap's
field a, the variance ``eps_i`` of the neuron's field h, independent of each other, and ``m_i`` of both. With
``rise c_i = c_i - c_{i-1}``,

    f_k = F at 1 - lambda_k
    f_{i-1}(a, h) = (1/m_i) ln INT Dz Dt exp(m_i f_i(a + sqrt(rise lambda_i) z, h + sqrt(rise eps_i) t))
    value = INT Dz Dt f_0(sqrt(lambda_0) z, sqrt(eps_0) t),    W_i = < (df_i/da)^2 >,  q_i = < (df_i/dh)^2 >

the averages over the tilted walk of both fields, so that ``dvalue/dlambda_i = -(m_{i+1} - m_i) W_i/2``, and
``dvalue/deps_i = -(m_{i+1} - m_i) q_i/2`` plus 1/2 at i = k. A step in the plane is a step in h at every a
followed by one in a at every h, each a step of :mod:`theory.parisi_step` with the same m. With E the tilted
average over the step, derivatives follow without differences (x, y = a or h):

    f_x -> E f_x,    f_xy -> E (f_xy + m f_x f_y) - m (E f_x) (E f_y).

Everything has a parity under (a, h) -> (-a, -h), so the steps in h are taken at a >= 0, those in a at h >= 0.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import expit

from theory import parisi_step, terms
from theory.gaussian import Array
from theory.grid import FEWEST, Grid
from theory.potentials import Potential

ROWS, COLUMNS = 0.18, 0.36
"""Spacings in a, in units of ``sqrt(1 - lambda_k)``, and in h, where the steps of the walk are wider."""

_FINEST_ROWS, _FINEST_COLUMNS = 0.06, 0.1
"""Spacings for narrower steps, which need the functions between the nodes."""

_SMOOTHING = 0.4
"""How much of the variance inside a level widens its functions, cautiously: tilted averages stay sharper."""

_FLOOR = 0.05
_NARROW = 10.0
_RESOLVED = 1.5
_SMALLEST_COMPLEMENT = 1e-14
_VALUE, _A, _H, _AA, _AH, _HH = range(6)
_PARITY = np.array([1.0, -1.0, -1.0, 1.0, 1.0, 1.0])


@dataclass(frozen=True)
class JointRecursion:
    """One site at break points ``m`` (k,), variances ``overlap`` = lambda (k+1,) and ``eps`` (k+1,), solved.

    ``rows``, ``columns``: grids of a (A,) and h (H,), A and H odd. ``f``: the function and its derivatives
    in the order 1, a, h, aa, ah, hh at every level, shape (k+1, 6, A, H). ``T_h``: transition matrices in h
    for a >= 0, shape (k, (A+1)/2, H, H); ``T_a``: in a for h >= 0, shape (k, (H+1)/2, A, A). ``p``: weights
    of the fields at every level, shape (k+1, A, H).
    """

    m: Array
    overlap: Array
    eps: Array
    rows: Grid
    columns: Grid
    f: Array
    T_h: Array
    T_a: Array
    p: Array

    @property
    def value(self) -> float:
        """``INT Dz Dt f_0``."""
        return float(self.mean[0])

    @cached_property
    def mean(self) -> Array:
        """``< f_i >`` at every level, shape (k+1,): enters the stationarity in the break points."""
        return np.asarray(np.sum(self.p * self.f[:, _VALUE], axis=(1, 2)))

    @cached_property
    def w(self) -> Array:
        """``W_i = < f_a^2 >`` at every level, shape (k+1,)."""
        return np.asarray(np.sum(self.p * self.f[:, _A] ** 2, axis=(1, 2)))

    @cached_property
    def q(self) -> Array:
        """``q_i = < f_h^2 >`` at every level, shape (k+1,)."""
        return np.asarray(np.sum(self.p * self.f[:, _H] ** 2, axis=(1, 2)))

    @cached_property
    def response(self) -> Array:
        """Derivatives of (W_0..W_k, q_0..q_k) in (lambda_0..lambda_k, eps_0..eps_k), shape (2k+2, 2k+2).

        With ``V_s^{j,y} = < f_{y,j}^2 | level s >``, ``D_i = m_{i+1} - m_i``, c^a = lambda, c^h = eps:

            d< f_x^2 >_i/dc^y_j = (i == j) < f_xy^2 > - (D_j/2) { 2 < f_x dV_i^{j,y}/dx >
                                  + m_i < f_x^2 V_i^{j,y} > - sum_{s<i} D_s < V_s^{i,x} V_s^{j,y} > }

        for j >= i, and ``D_i d< f_x^2 >_i/dc^y_j = D_j d< f_y^2 >_j/dc^x_i``, both being second derivatives
        of the value. Derivatives of V are averages too: ``V_x -> E (V_x + m f_x V) - m (E f_x) (E V)``.
        """
        k = self.m.size
        m = np.concatenate([[0.0], self.m, [1.0]])
        gaps = np.diff(m)
        shape = self.p.shape[1:]
        # V: rows (j, y) for j = k down to i, each with its value, its a- and its h-derivative.
        V = np.zeros((0, 3, *shape))
        grams: list[Array] = []
        out = np.zeros((2, k + 1, 2, k + 1))
        parity = np.array([1.0, -1.0, -1.0])
        for i in range(k, -1, -1):
            first, second = self.f[i, _A : _H + 1], self.f[i, _AA:]
            if i < k:
                step = float(self.m[i])
                V[:, 1:] += step * self.f[i + 1, _A : _H + 1] * V[:, :1]
                V = self._expect(i, V.reshape(-1, *shape), np.tile(parity, len(V))).reshape(-1, 3, *shape)
                V[:, 1:] -= step * first * V[:, :1]
            new = np.empty((2, 3, *shape))
            for y in range(2):
                new[y] = first[y] ** 2, 2.0 * first[y] * second[y], 2.0 * first[y] * second[y + 1]
            V = np.concatenate([V, new])
            for x in range(2):
                weight = self.p[i] * first[x]
                part = 2.0 * np.tensordot(V[:, 1 + x], weight, 2)
                part += m[i] * np.tensordot(V[:, 0], weight * first[x], 2)
                # rows j = k..i of (j, y) turned into [y, j].
                out[x, i, :, i:] = part.reshape(-1, 2)[::-1].T
            flat = V[:, 0].reshape(len(V), -1)
            gram = (flat * self.p[i].ravel()) @ flat.T
            grams.append(gram.reshape(k + 1 - i, 2, k + 1 - i, 2)[::-1, :, ::-1].transpose(1, 0, 3, 2))
        overlap = np.zeros((2, k + 1, 2, k + 1))
        for i in range(k + 1):
            out[:, i, :, i:] -= overlap[:, i, :, i:]
            overlap[:, i:, :, i:] += gaps[i] * grams[k - i]
        out *= -0.5 * gaps
        squares = np.sum(self.p[:, None] * self.f[:, _AA:] ** 2, axis=(2, 3))
        for i in range(k + 1):
            out[:, i, :, i] += squares[i][[[0, 1], [1, 2]]]
            for j in range(i):
                out[:, i, :, j] = out[:, j, :, i].T * (gaps[j] / gaps[i])
        return np.asarray(out.reshape(2 * k + 2, 2 * k + 2))

    def _expect(self, i: int, g: Array, parity: Array) -> Array:
        """Averages of functions g (n, A, H) over step i + 1, from its inner fields to its outer ones."""
        return _along_a(self.T_a[i], _along_h(self.T_h[i], g, parity), parity)


def _along_h(T: Array, g: Array, parity: Array) -> Array:
    """``sum_b T[a, h, b] g[:, a, b]``; T for a >= 0, functions g (n, A, H) of the given parity (n,)."""
    centre = g.shape[1] // 2
    half = np.matmul(T, g[:, centre:].transpose(1, 2, 0)).transpose(2, 0, 1)
    return np.concatenate([parity[:, None, None] * half[:, :0:-1, ::-1], half], axis=1)


def _along_a(T: Array, g: Array, parity: Array) -> Array:
    """``sum_b T[h, a, b] g[:, b, h]``; T for h >= 0."""
    centre = g.shape[2] // 2
    half = np.matmul(T, g[:, :, centre:].transpose(2, 1, 0)).transpose(2, 1, 0)
    return np.concatenate([parity[:, None, None] * half[:, ::-1, :0:-1], half], axis=2)


def _stepped(f: Array, T: Array, m: float, along_h: bool) -> Array:
    """Derivatives (6, A, H) after one step along one field; row 0, the function, is left to the caller."""
    inside = f.copy()
    inside[_AA] += m * f[_A] ** 2
    inside[_AH] += m * f[_A] * f[_H]
    inside[_HH] += m * f[_H] ** 2
    out = _along_h(T, inside, _PARITY) if along_h else _along_a(T, inside, _PARITY)
    out[_AA] -= m * out[_A] ** 2
    out[_AH] -= m * out[_A] * out[_H]
    out[_HH] -= m * out[_H] ** 2
    return out


def _outwards(
    rows: Grid, columns: Grid, f: Array, sigma: tuple[float, float], m: float, T: tuple[Array, Array]
) -> Array:
    """``f_{i-1}`` with its derivatives from ``f_i`` (6, A, H); fills ``T``, the matrices in h and in a."""
    T_h, T_a = T
    top, right = rows.h.size // 2, columns.h.size // 2
    value = np.empty(f.shape[1:])
    for a in range(top, rows.h.size):
        line = f[:, a]
        value[a] = parisi_step.step(columns, sigma[1], m, line[_VALUE], line[_H], line[_HH], T_h[a - top])
    value[:top] = value[:top:-1, ::-1]
    middle = _stepped(f, T_h, m, along_h=True)
    middle[_VALUE] = value
    value = np.empty(f.shape[1:])
    lines = np.ascontiguousarray(middle.transpose(0, 2, 1))
    for h in range(right, columns.h.size):
        line = lines[:, h]
        value[:, h] = parisi_step.step(rows, sigma[0], m, line[_VALUE], line[_A], line[_AA], T_a[h - right])
    value[:, :right] = value[::-1, :right:-1]
    out = _stepped(middle, T_a, m, along_h=False)
    out[_VALUE] = value
    return out


def _inwards(p: Array, T: tuple[Array, Array]) -> Array:
    """The weights (A, H) carried through one step, from its outer fields to its inner ones."""
    T_h, T_a = (np.swapaxes(matrix, 1, 2) for matrix in T)
    even = np.ones(1)
    return np.asarray(_along_h(T_h, _along_a(T_a, p[None], even), even)[0])


def recursion(
    potential: Potential, overlap: Array, eps: Array, m: Array, step: float = terms.STEP
) -> JointRecursion:
    """Solve one site; ``overlap`` = lambda < 1 and ``eps`` (k+1,), not decreasing and >= 0, ``m`` (k,)."""
    overlap = np.maximum.accumulate(np.maximum(overlap, 0.0))
    eps = np.maximum.accumulate(np.maximum(eps, 0.0))
    complement = max(1.0 - float(overlap[-1]), _SMALLEST_COMPLEMENT)
    rows, columns = _grids(potential, overlap, eps, m, complement, step / terms.STEP)
    k, A, H = m.size, rows.h.size, columns.h.size
    f, p = np.empty((k + 1, 6, A, H)), np.empty((k + 1, A, H))
    T_h, T_a = np.empty((k, A - A // 2, H, H)), np.empty((k, H - H // 2, A, A))
    f[k] = terminal(potential, rows.h, columns.h, complement)
    sigma_a, sigma_h = np.sqrt(np.diff(overlap)), np.sqrt(np.diff(eps))
    for i in range(k, 0, -1):
        sigma = float(sigma_a[i - 1]), float(sigma_h[i - 1])
        f[i - 1] = _outwards(rows, columns, f[i], sigma, float(m[i - 1]), (T_h[i - 1], T_a[i - 1]))
    p[0] = np.outer(
        parisi_step.start(rows, math.sqrt(overlap[0]), np.zeros(A)),
        parisi_step.start(columns, math.sqrt(eps[0]), np.zeros(H)),
    )
    for i in range(1, k + 1):
        p[i] = _inwards(p[i - 1], (T_h[i - 1], T_a[i - 1]))
    return JointRecursion(m, overlap, eps, rows, columns, f, T_h, T_a, p)


def terminal(potential: Potential, a: Array, h: Array, complement: float) -> Array:
    """``F(a, h)`` and its derivatives a, h, aa, ah, hh on a grid (6, A, H); see :mod:`theory.joint`."""
    variance = np.full(1, complement)
    plus, minus = a - potential.margin, -a - potential.margin
    f_plus, f_minus = potential.value(plus, variance)[:, None], potential.value(minus, variance)[:, None]
    first = [potential.slopes(side, variance).first[:, None] for side in (plus, minus)]
    second = [potential.slopes(side, variance).second[:, None] for side in (plus, minus)]
    x = h + 0.5 * (f_plus - f_minus)
    up, down = expit(2.0 * x), expit(-2.0 * x)
    flat, total = 4.0 * up * down, first[0] + first[1]
    return np.array(
        [
            np.logaddexp(f_plus + h, f_minus - h),
            up * first[0] - down * first[1],
            np.tanh(x),
            up * second[0] + down * second[1] + 0.25 * flat * total**2,
            0.5 * flat * total,
            flat,
        ]
    )


def _grids(
    potential: Potential, overlap: Array, eps: Array, m: Array, complement: float, fineness: float
) -> tuple[Grid, Grid]:
    """Grids of a and h, symmetric with a node at 0.

    The neuron switches with width 1 in h along the line ``h = [f(-a) - f(a)]/2``, which the hard core bends
    down as ``-a^2/(4 (1 - lambda))``: up to its height 3 sqrt(eps) a is resolved evenly, geometrically
    beyond. A positive margin makes it steeper, ``-a margin/(1 - lambda)`` at 0; the gaps themselves meet the
    margin at a = +-margin.
    """
    width = math.sqrt(complement)
    rises, climbs = np.diff(overlap), np.diff(eps)
    reach = terms.REACH * (math.sqrt(eps[-1]) + _FLOOR) + float(m @ climbs)
    spacing = _spacing(eps, COLUMNS * fineness, _FINEST_COLUMNS * fineness)
    columns = _symmetric(reach, reach, spacing / reach, math.inf)

    reach = terms.REACH * (math.sqrt(overlap[-1]) + _FLOOR) + abs(potential.margin)
    spacing = _spacing(overlap / complement, ROWS * fineness, _FINEST_ROWS * fineness) * width
    scale = 2.0 * width * math.sqrt(max(1.0, 3.0 * math.sqrt(eps[-1])))
    grading = spacing / max(scale, abs(potential.margin))
    if potential.margin > width:
        scale *= width / potential.margin
    wide = rises[m * rises > _NARROW * (1.0 - overlap[1:])]
    cap = math.sqrt(float(np.min(wide, initial=math.inf))) / _RESOLVED
    return _symmetric(reach, scale, grading, cap), columns


def _spacing(c: Array, widest: float, finest: float) -> float:
    """As wide as the steps of the walk to variances ``c`` (k+1,) allow, in units of the function's own width.

    A step is wide, or it meets a function smooth enough, by the steps inside it, to be interpolated.
    """
    rises = np.diff(c, prepend=0.0)
    allowed = np.maximum(np.sqrt(rises) / _RESOLVED, finest * np.sqrt(1.0 + _SMOOTHING * (c[-1] - c)))
    return float(np.min(allowed[rises > 0.0], initial=widest))


def _symmetric(reach: float, scale: float, step: float, cap: float) -> Grid:
    """A grid from -reach to reach with an even number of intervals, hence a node at 0."""
    intervals = 2.0 * (math.asinh(reach / scale) / step + reach / cap)
    even = 2 * math.ceil(0.5 * max(intervals, float(FEWEST)))
    factor = intervals / even * (1.0 + 1e-9)
    return Grid(-reach, reach, 0.0, scale, step * factor, cap * factor)
