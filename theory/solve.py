"""Fixed points of monotone maps, with a certificate. Knows no physics.

A map F is monotone when every entry of its Jacobian is >= 0. Then plain iteration from a sub-solution
(``F(x) >= x``) climbs to the least fixed point above it, and from a super-solution (``F(x) <= x``) it
descends to the greatest one below (Tarski). Both facts survive acceleration as long as every iterate
stays a sub- (super-)solution: a path along which ``F(x) - x > 0`` cannot leave the box below the least
fixed point, since on the face it would cross, ``F_i(x) - x_i <= F_i(x*) - x*_i = 0``. So Newton steps
are taken where they keep the sign, plain steps elsewhere, and undamped Newton steps polish at the end.

Near a fold both can crawl. Then the curve ``F(x) - x = s G`` is followed from s = 1 at the current iterate,
of gap G, to its first s = 0: along it all gaps keep one sign, so it ends in the same fixed point, and it
passes the ghost of a fold by letting s turn around there (a homotopy, walked by pseudo-arclength).

Unknowns are logits of overlaps, ``x = ln(q/(1-q))``.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from scipy.special import expit

from deepglass.errors import NotConverged
from theory.continuation import Local, reach_zero
from theory.gaussian import Array

METHOD = "sign-preserving Newton on logits of the overlaps"

_EPSILON = float(np.finfo(np.float64).eps)
ROUNDING = 64.0 * _EPSILON
_NEAR = 0.05
_STRIDE = 20.0
_REPAIRS = 3
_PATIENCE = 300


class Image(NamedTuple):
    """F(x), shape (K,), and its Jacobian dF_i/dx_j, shape (K, K)."""

    value: Array
    jacobian: Array


Map = Callable[[Array], Image]


@dataclass(frozen=True)
class Certificate:
    """Why a solution may be believed.

    ``residual``: largest change of any overlap under one undamped map, relative to one minus it.
    ``evaluations``: number of times the map was evaluated. ``reason``: why the solver stopped.
    """

    residual: float
    evaluations: int
    method: str = METHOD
    reason: str = ""


@dataclass(frozen=True)
class Solution:
    """A fixed point x, shape (K,), with its certificate."""

    x: Array
    certificate: Certificate


def residual(x: Array, image: Array) -> float:
    """Largest ``|q' - q|/(1 - q)`` with q, q' the overlaps of ``x`` and of its image; 0 if empty.

    Written without cancellation as ``expit(x') |1 - exp(x - x')|``; bounds the absolute change.
    """
    return float(np.max(expit(image) * np.abs(np.expm1(np.minimum(x - image, 700.0))), initial=0.0))


def accepted(x: Array) -> float:
    """Residual up to which a fixed point is accepted: 1e-10, or the rounding of very large logits."""
    return max(1e-10, 8.0 * _EPSILON * float(np.max(np.abs(x), initial=0.0)))


class _Counted:
    """The map with its error, counting its evaluations and refusing values that are not numbers."""

    def __init__(self, mapping: Map, limit: int, noise: float):
        self.mapping = mapping
        self.limit = limit
        self.noise = noise
        self.evaluations = 0

    def __call__(self, x: Array) -> Image:
        self.evaluations += 1
        try:
            with np.errstate(divide="raise", over="raise", invalid="raise"):
                image = self.mapping(x)
        except FloatingPointError as error:
            raise NotConverged(f"the map leaves the range of doubles ({error})", last=x) from error
        if not (np.isfinite(image.value).all() and np.isfinite(image.jacobian).all()):
            raise NotConverged("the map is not a number", last=x)
        if self.evaluations > self.limit:
            off = residual(x, image.value)
            raise NotConverged(
                f"no fixed point after {self.limit} evaluations; residual {off:.1e}", last=x, residual=off
            )
        return image


def _newton(x: Array, image: Image) -> Array | None:
    """The Newton step of ``F(x) - x = 0``, or None where the linear system is singular."""
    try:
        step = np.asarray(np.linalg.solve(np.eye(x.size) - image.jacobian, image.value - x), dtype=np.float64)
    except np.linalg.LinAlgError:
        return None
    return step if np.isfinite(step).all() else None


def _slack(x: Array, noise: float) -> Array:
    """Error to be expected of F(x) - x."""
    return np.asarray(noise * (1.0 + np.abs(x)))


def _size(step: Array) -> float:
    return float(np.max(np.abs(step), initial=0.0))


def _polish(mapping: _Counted, x: Array, image: Image, step: Array) -> tuple[Array, Image] | None:
    """Undamped Newton steps down to rounding error; None if they wander off instead of contracting."""
    start = x
    while True:
        trial = x + step
        if _size(trial - start) > 4.0 * _NEAR:
            return None
        trial_image = mapping(trial)
        trial_step = _newton(trial, trial_image)
        if residual(trial, trial_image.value) < residual(x, image.value):
            best = trial, trial_image
        else:
            best = x, image
        if trial_step is None or not _size(trial_step) < 0.5 * _size(step):
            return best if residual(best[0], best[1].value) <= accepted(best[0]) else None
        if np.all(np.abs(trial_step) <= 4.0 * _EPSILON * (1.0 + np.abs(trial))):
            return best
        x, image, step = trial, trial_image, trial_step


def _finish(mapping: _Counted, x: Array) -> tuple[Array, Image] | None:
    """Polish a point that should be a solution; None if it is not close to one."""
    image = mapping(x)
    step = _newton(x, image)
    return None if step is None or _size(step) > _NEAR else _polish(mapping, x, image, step)


def _kept(mapping: _Counted, trial: Array, side: int) -> tuple[Array, Image] | None:
    """A sub- (super-)solution at or just below (above) ``trial``, or None if a few tries give none."""
    for _ in range(_REPAIRS):
        image = mapping(trial)
        deficit = np.minimum(side * (image.value - trial), 0.0)
        if np.all(deficit >= -_slack(trial, mapping.noise)):
            return trial, image
        # Twice the deficit: the image of the repaired point moves back as well.
        trial = trial + side * 2.0 * deficit
    return None


def _advance(mapping: _Counted, x: Array, image: Image, step: Array | None, side: int) -> tuple[Array, Image]:
    """One step that keeps ``side (F(x) - x) >= 0``: Newton if possible, plain otherwise."""
    gap = image.value - x
    if step is not None and np.all(side * step >= -_slack(x, mapping.noise)):
        # Logits of small overlaps: the equation is linear in exp(x), so a long step is shortened to its
        # log.
        long = float(np.max(np.abs(step) / np.maximum(1.0, np.abs(x) / _STRIDE)))
        length = np.log1p(long) / long if long > 0.0 else 1.0
        while length * _size(step) > _size(gap):
            found = _kept(mapping, x + length * step, side)
            # A repair that undoes the step is no progress.
            if found is not None and _size(found[0] - x) > _size(gap):
                return found
            length *= 0.5
    elif _size(gap) < _NEAR:
        # Past a fold of which only the ghost is left: stretched plain steps cross the bottleneck.
        found = _kept(mapping, x + gap * (_NEAR / max(_size(gap), _EPSILON)), side)
        if found is not None and _size(found[0] - x) > _size(gap):
            return found
    return image.value, mapping(image.value)


def _homotopy(mapping: _Counted, x: Array, image: Image, side: int) -> Array | None:
    """The end of the curve ``F(x) - x = s G`` with s falling from 1 to 0; None if it cannot be followed.

    Its parameter is ``asinh(s)``: beyond a ghost the gaps grow by orders of magnitude.
    """
    gap = side * np.maximum(side * (image.value - x), 0.0)

    def family(y: Array, a: float) -> Local:
        there = mapping(y)
        return Local(there.value - y - math.sinh(a) * gap, there.jacobian, -math.cosh(a) * gap)

    try:
        return reach_zero(family, x, math.asinh(1.0))
    except (NotConverged, np.linalg.LinAlgError):
        return None


def fixed_point(
    mapping: Map,
    start: Array,
    side: Literal[1, -1],
    *,
    loose: float | None = None,
    limit: int = 5_000,
    noise: float = ROUNDING,
) -> Solution:
    """The fixed point next to ``start``: the least above a sub-solution (side = 1), or the greatest
    below a super-solution (side = -1).

    With ``loose`` it stops early, at a sub- (super-)solution of that residual, never beyond the fixed
    point. ``noise`` is the error of the map relative to ``1 + |x|``. Raises NotConverged (with the last
    iterate) if the map leaves the doubles, or if ``limit`` evaluations leave the residual of the
    undamped map above :func:`accepted`.
    """
    counted = _Counted(mapping, limit, noise)
    x = np.asarray(start, dtype=np.float64)
    image = counted(x)
    tried, patience = np.inf, _PATIENCE
    while True:
        off = residual(x, image.value)
        if loose is not None and off <= loose:
            return Solution(x, Certificate(off, counted.evaluations, reason="loose"))
        step = _newton(x, image)
        if loose is None and step is not None and _size(step) < min(_NEAR, 0.5 * tried):
            tried = _size(step)
            polished = _polish(counted, x, image, step)
            if polished is not None:
                x, image = polished
                off = residual(x, image.value)
                return Solution(x, Certificate(off, counted.evaluations, reason="converged to rounding"))
        if np.all(np.abs(image.value - x) <= _slack(x, noise)):
            # A critical point: Newton cannot contract, and nothing is left to gain in doubles.
            return Solution(x, Certificate(off, counted.evaluations, reason="gap at rounding error"))
        if counted.evaluations > patience:
            patience = 4 * counted.evaluations
            end = _homotopy(counted, x, image, side)
            polished = None if end is None else _finish(counted, end)
            if polished is not None:
                x, image = polished
                off = residual(x, image.value)
                return Solution(x, Certificate(off, counted.evaluations, reason="homotopy, then rounding"))
        x, image = _advance(counted, x, image, step, side)
