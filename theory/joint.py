"""A neuron together with its own gap: the single-site averages of the site closure.

The neuron S and the replica's field a on its gap meet in

    F(a, h) = ln sum_S exp(S h + f(S a)),    a = sqrt(lambda) z,   h = sqrt(eps) t,   z, t unit Gaussians

with f the potential after its innermost average. With ``x = h + [f(a) - f(-a)]/2``, ``m = tanh x`` and
``pi_S = (1 + S m)/2`` the derivatives are

    F_h = m,    F_a = pi_+ f'(a) - pi_- f'(-a),    F_hh = 1 - m^2,    F_ah = (1 - m^2) [f'(a) + f'(-a)]/2
    F_aa = pi_+ (f'' + f'^2)(a) + pi_- (f'' + f'^2)(-a) - F_a^2

Averages are plain for n = 0. For n = 1 they are tilted by exp F and normalised by
``2 exp[eps/2 + f(0; 1)]``. Both are even under (a, h) -> (-a, -h), so a >= 0 suffices.
``exp F = 2 exp[(f(a) + f(-a))/2] cosh x``: what a tilted average holds beyond that of f alone is
proportional to ``1 - m^2``, hence to ``sech x``, and lives at the switching line x = 0. There the grid
in t is centred, with the width ``1/sqrt(eps)`` of the switch.
"""

import math
from typing import NamedTuple

import numpy as np

from theory import measures
from theory.gaussian import REACH, Array, nodes
from theory.potentials import Potential

ROWS, COLUMNS = 0.06, 0.07
"""Steps of the grids in a and t: the switching line narrows the strip in which the integrand in a is
analytic.
"""

_FARTHEST = 8.0
"""A switch farther than this in t happens with probability 1e-15 and is not resolved."""

_NEWTON = 20
"""Most steps to place the nodes of a grid: from the table's guess a handful is enough."""

_DIRECT_BELOW = 4.0
"""n = 1: up to this eps averages are taken themselves, beyond it as what ``1 - m^2`` takes away."""


class Site(NamedTuple):
    """Answer of a hidden layer to (lambda, eps): ``W``, ``ln(q/(1-q))`` and their derivatives.

    ``w_eps`` = dW/deps = dq/dlambda; ``logit_overlap`` and ``logit_eps`` are derivatives of the logit.
    """

    w: float
    w_overlap: float
    w_eps: float
    logit: float
    logit_overlap: float
    logit_eps: float


class Moments(NamedTuple):
    """``E F_aa^2``, ``E F_ah^2``, ``E F_hh^2``: the responses to fluctuations that break replica
    symmetry.
    """

    chi_aa: float
    chi_ah: float
    chi_hh: float


class _Grid(NamedTuple):
    """Rows a >= 0 (A, 1) with both signs of f, columns t (A, T); ``weight`` counts a and -a."""

    plus: Array
    minus: Array
    slope_plus: Array
    slope_minus: Array
    curve_plus: Array
    curve_minus: Array
    t: Array
    x: Array
    weight: Array


class _Graded:
    """A grid in z, refined around several places: equidistant in ``sum_i asinh((z - c_i)/w_i)``.

    Positions are kept as offsets from the last place, so that they are exact there.
    """

    def __init__(self, places: list[tuple[float, float]]):
        self.origin = places[-1][0]
        self.shifts = [(self.origin - centre, width) for centre, width in places]

    def height(self, offset: Array) -> Array:
        return np.asarray(sum(np.arcsinh((offset + shift) / width) for shift, width in self.shifts))

    def slope(self, offset: Array) -> Array:
        return np.asarray(sum(1.0 / np.hypot(offset + shift, width) for shift, width in self.shifts))

    def _start(self, target: Array, low: float, high: float) -> Array:
        """Offsets near those of the targets, from a table graded around every place."""
        t = np.linspace(-1.0, 1.0, 201)
        grades = [
            -shift + width * np.sinh(t * math.asinh((high - low) / width)) for shift, width in self.shifts
        ]
        table = np.unique(np.clip(np.concatenate([*grades, [low, high]]), low, high))
        return np.asarray(np.interp(target, self.height(table), table))

    def offsets(self, low: float, high: float, spacing: float) -> tuple[Array, Array]:
        """Offsets from ``low`` to ``high`` and the weights of INT dz, by Newton steps inside a shrinking
        bracket.
        """
        bottom, top = (float(self.height(np.array(end))) for end in (low, high))
        # Gradings share one variable: each advances by its share of a step.
        intervals = math.ceil((top - bottom) / (len(self.shifts) * spacing))
        target = np.linspace(bottom, top, intervals + 1)
        offset = self._start(target, low, high)
        for _ in range(_NEWTON):
            moved = np.clip(offset - (self.height(offset) - target) / self.slope(offset), low, high)
            done = np.all(np.abs(moved - offset) <= 1e-14 * np.abs(moved))
            offset = moved
            if done:
                break
        return offset, (top - bottom) / intervals / self.slope(offset)


def _rows(potential: Potential, overlap: float, complement: float, eps: float) -> tuple[Array, Array, Array]:
    """a - margin, -a - margin and weights of ``INT Dz`` over a >= 0, counted twice; each of shape (A,).

    f(a) and f(-a) vary around z = +-|margin|/sqrt(lambda); between the two, where a positive margin is
    met by neither sign, the neuron switches at z = 0 over a still narrower range.
    """
    margin = potential.margin
    root, reach = math.sqrt(overlap), REACH + abs(margin)
    broad = overlap < 0.5
    centre = 0.0 if broad else abs(margin) / root
    width = 1.0 if broad else min(1.0, math.sqrt(complement / overlap))
    places = [(-centre, width), (centre, width)] if centre > 0.0 else [(0.0, width)]
    if margin > 0.0 and not broad:
        pull = float(potential.slopes(np.full(1, -margin), np.full(1, complement)).first[0])
        places = [(0.0, min(max(1.0, math.sqrt(eps)) / (root * pull), centre + width)), *places]
    offset, weight = _Graded(places).offsets(-centre, reach - centre, ROWS / (1.0 + 0.5 * abs(margin)))
    z = centre + offset
    weight = weight * np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    weight[1:-1] *= 2.0
    if broad:
        return root * z - margin, -root * z - margin, weight
    # root c = |margin|: the excess at the near place is exact, however narrow the feature.
    near, far = root * offset, -root * (offset + 2.0 * centre)
    return (near, far, weight) if margin >= 0.0 else (-far, -near, weight)


def _grid(potential: Potential, overlap: float, complement: float, eps: float) -> _Grid:
    above, below, row_weight = _rows(potential, overlap, complement, eps)
    variance = np.full(above.shape, complement)
    f = [potential.value(side, variance)[:, None] for side in (above, below)]
    slopes = [potential.slopes(side, variance) for side in (above, below)]
    half = 0.5 * (f[0] - f[1])
    scale = 1.0 / math.sqrt(max(eps, 1.0))
    centre = -half[:, 0] / math.sqrt(eps) if eps > 1.0 else np.zeros_like(row_weight)
    centre = np.clip(centre, -_FARTHEST, _FARTHEST)
    offset, weight = nodes(centre, np.full_like(centre, scale), spacing=COLUMNS)
    t = centre[:, None] + offset
    # x = sqrt(eps) t + half; at an unclipped centre the two cancel exactly.
    x = math.sqrt(eps) * offset + (math.sqrt(eps) * centre[:, None] + half)
    return _Grid(
        f[0], f[1],
        slopes[0].first[:, None], slopes[1].first[:, None],
        slopes[0].second[:, None], slopes[1].second[:, None],
        t, x, row_weight[:, None] * weight,
    )  # fmt: skip


class _Shares(NamedTuple):
    """Functions of x on the grid (A, T): sech, tanh, pi_+ and pi_-."""

    sech: Array
    tanh: Array
    up: Array
    down: Array


def _shares(x: Array) -> _Shares:
    decay = np.exp(-np.abs(x))
    square = decay * decay
    major = 1.0 / (1.0 + square)
    minor = square * major
    positive = x >= 0.0
    up, down = np.where(positive, major, minor), np.where(positive, minor, major)
    return _Shares(2.0 * decay * major, up - down, up, down)


def _derivatives(grid: _Grid, share: _Shares) -> tuple[Array, Array]:
    """F_a and ``F_aa = pi_+ f''(a) + pi_- f''(-a) + pi_+ pi_- [f'(a) + f'(-a)]^2``, free of
    cancellation.
    """
    first = share.up * grid.slope_plus - share.down * grid.slope_minus
    second = share.up * grid.curve_plus + share.down * grid.curve_minus
    return first, second + 0.25 * share.sech**2 * (grid.slope_plus + grid.slope_minus) ** 2


def site(potential: Potential, overlap: float, complement: float, eps: float, n: int) -> Site:
    """The answer of a hidden layer at lambda = ``overlap`` >= 0, 1 - lambda = ``complement`` > 0,
    ``eps`` >= 0.

    ``W = E F_a^2``, ``q = E F_h^2``, and for both n ``dW/dlambda = E[F_aa^2 - 2 (1-n) F_a^2 F_aa]``,
    ``dW/deps = dq/dlambda = E[F_ah^2 - 2 (1-n) F_a F_h F_ah]``,
    ``dq/deps = E[F_hh^2 - 2 (1-n) F_h^2 F_hh]``.
    """
    grid = _grid(potential, overlap, complement, eps)
    share = _shares(grid.x)
    return _planted(potential, overlap, complement, eps, grid, share) if n == 1 else _plain(eps, grid, share)


def _plain(eps: float, grid: _Grid, share: _Shares) -> Site:
    first, second = _derivatives(grid, share)
    flat = grid.weight * share.sech**2
    q, rest = float(np.sum(grid.weight * share.tanh**2)), float(np.sum(flat))
    # flat F_a is what multiplies [f'(a) + f'(-a)]/2 in E[F_a F_ah ...].
    mixed = 0.5 * (grid.slope_plus + grid.slope_minus)
    if eps < 1.0:
        square = share.sech**2
        w_eps = float(np.sum(flat * mixed * (mixed * square - 2.0 * first * share.tanh)))
        q_eps = float(np.sum(flat * (square - 2.0 * share.tanh**2)))
    else:
        # By parts in t: the terms of the other form cancel at large eps.
        w_eps = float(np.sum(flat * mixed * first * grid.t)) / math.sqrt(eps)
        q_eps = float(np.sum(flat * share.tanh * grid.t)) / math.sqrt(eps)
    w = float(np.sum(grid.weight * first * first))
    w_overlap = float(np.sum(grid.weight * second * (second - 2.0 * first * first)))
    if q == 0.0:
        return Site(w, w_overlap, w_eps, -math.inf, 0.0, 0.0)
    logit = math.log(q) - math.log(rest)
    return Site(w, w_overlap, w_eps, logit, w_eps / (q * rest), q_eps / (q * rest))


def _planted(
    potential: Potential, overlap: float, complement: float, eps: float, grid: _Grid, share: _Shares
) -> Site:
    base, log_factor = _switching(potential, grid, eps)
    factor = math.exp(log_factor)
    mean = float(np.sum(base * share.sech))
    log_rest = math.log(mean) + log_factor
    square = (grid.slope_plus + grid.slope_minus) ** 2
    cube = base * share.sech**3
    mixed, switch = float(np.sum(0.25 * cube * square)), float(np.sum(cube))
    if eps < _DIRECT_BELOW:
        first, second = _derivatives(grid, share)
        # exp F/2 = exp[(f(a) + f(-a))/2] cosh x, with the two large exponents added first.
        half_sum = 0.5 * (grid.plus + grid.minus)
        size = np.exp(half_sum + np.abs(grid.x) - _log_partition_at_zero(potential))
        tilted = math.exp(-0.5 * eps) * grid.weight * size / (1.0 + np.abs(share.tanh))
        q = float(np.sum(tilted * share.tanh**2))
        w, w_overlap = float(np.sum(tilted * first**2)), float(np.sum(tilted * second**2))
    else:
        q = -math.expm1(log_rest)
        alone = measures.interaction(potential, np.array([overlap]), np.array([complement]), 1)
        w = float(alone.w[0]) - factor * float(np.sum(0.25 * base * share.sech * square))
        both = share.up * grid.curve_plus + share.down * grid.curve_minus
        more = -((grid.curve_plus - grid.curve_minus) ** 2) + square * (
            2.0 * both + 0.25 * share.sech**2 * square
        )
        w_overlap = float(alone.slope[0]) + factor * float(np.sum(0.25 * base * share.sech * more))
    if q == 0.0:
        return Site(w, w_overlap, factor * mixed, -math.inf, 0.0, 0.0)
    # q_x/(q (1 - q)): the factor exp(-eps/2) of 1 - q cancels.
    return Site(w, w_overlap, factor * mixed, math.log(q) - log_rest, mixed / (q * mean), switch / (q * mean))


def _log_partition_at_zero(potential: Potential) -> float:
    """f(0; 1), the logarithm of the normaliser of the tilted average."""
    return float(potential.value(np.full(1, -potential.margin), np.ones(1))[0])


def _switching(potential: Potential, grid: _Grid, eps: float) -> tuple[Array, float]:
    """Weights b and a logarithm c such that ``b exp(c) cosh x`` is the tilted measure; b is at most the
    plain one.
    """
    half_sum = 0.5 * (grid.plus + grid.minus)
    top = float(np.max(half_sum))
    return grid.weight * np.exp(half_sum - top), top - _log_partition_at_zero(potential) - 0.5 * eps


def log_partition(potential: Potential, overlap: float, complement: float, eps: float, n: int) -> float:
    """``E F - n eps``.

    For n = 1, ``F = pi_+ [f(a) + h] + pi_- [f(-a) - h] + entropy of pi``: the first two terms average to
    those of a field that always agrees with its gap, the entropy is confined to the switching line.
    """
    grid = _grid(potential, overlap, complement, eps)
    if n == 0:
        h = math.sqrt(eps) * grid.t
        return float(np.sum(grid.weight * np.logaddexp(grid.plus + h, grid.minus - h)))
    size = np.abs(grid.x)
    decay = np.exp(-2.0 * size)
    ratio = np.divide(np.log1p(decay), decay, out=np.ones_like(decay), where=decay > 0.0)
    # cosh x [ln 2cosh x - x tanh x] = exp(-|x|) [|x| + (1 + d) ln(1 + d)/(2 d)], d = exp(-2 |x|).
    confined = np.exp(-size) * (size + 0.5 * (1.0 + decay) * ratio)
    base, log_factor = _switching(potential, grid, eps)
    alone = measures.interaction_entropy(potential, np.array([overlap]), np.array([complement]), 1)
    return float(alone[0]) + math.exp(log_factor) * float(np.sum(base * confined))


def moments(potential: Potential, overlap: float, complement: float, eps: float, n: int) -> Moments:
    """The second moments of the second derivatives of F; for n = 1 they are the derivatives of
    :class:`Site`.
    """
    grid = _grid(potential, overlap, complement, eps)
    share = _shares(grid.x)
    if n == 1:
        answer = _planted(potential, overlap, complement, eps, grid, share)
        base, log_factor = _switching(potential, grid, eps)
        return Moments(
            answer.w_overlap, answer.w_eps, math.exp(log_factor) * float(np.sum(base * share.sech**3))
        )
    _, second = _derivatives(grid, share)
    flat = share.sech**2
    mixed = 0.5 * flat * (grid.slope_plus + grid.slope_minus)
    return Moments(*(float(np.sum(grid.weight * part * part)) for part in (second, mixed, flat)))
