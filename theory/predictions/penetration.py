"""How far the solid reaches into a chain, where each layer freezes, and where the liquid centre vanishes.

Nothing here solves an equation of its own: everything is read off :func:`theory.solve_profile` and
:func:`theory.transitions`, or off overlaps that any solver (k-RSB included) may hand over. Questions:
Yoshino, SciPost Phys. Core 2, 005 (2020), arXiv:1910.09918.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from deepglass import checks
from deepglass.errors import InvalidInput, NoSolution
from deepglass.phases import THRESHOLD, extent
from theory import branches
from theory.gaussian import Array
from theory.potentials import Potential, potential_of
from theory.profile import chain_of, solve_profile
from theory.transitions import ALPHA_TOP, Transitions, transitions

_TIE = 1e-9
_TOP = 1.0 - 1e-9
_NEAR = 1e-6
_JUMP = 1e-3

_BEYOND = 1.05
"""Where to look for what is left beyond a fold: at the fold itself iterations crawl."""


@dataclass(frozen=True)
class Slope:
    """Least squares ``y = a + value ln alpha`` over ``points`` storage ratios between ``low`` and ``high``.

    ``error``: standard error of ``value``, ``sqrt(RSS/((n - 2) S_xx))``. A predicted curve has no noise: the
    error says how far it is from a logarithm. All NaN where fewer than 3 points are left.
    """

    value: float
    error: float
    low: float
    high: float
    points: int


@dataclass(frozen=True)
class Penetration:
    """How far the solid reaches at A storage ratios ``alpha``; every array has shape (A,).

    ``xi_input``, ``xi_output``: interpolated layer where q falls to 1/e, counted from each boundary
    (:func:`deepglass.phases.extent`); NaN where the two solids have met. ``n_liquid``: hidden layers with
    q <= 1/e. ``front_input``, ``front_output``: hidden layers with q > 0 exactly that are joined to each
    boundary; both count all of them once the fronts have met. All NaN where the branch does not exist.
    ``slope_input``, ``slope_output``: ``d xi / d ln alpha``.
    """

    alpha: Array
    xi_input: Array
    xi_output: Array
    n_liquid: Array
    front_input: Array
    front_output: Array
    slope_input: Slope
    slope_output: Slope


def slope(alpha: npt.ArrayLike, y: npt.ArrayLike, fit: tuple[float, float] = (0.0, math.inf)) -> Slope:
    """The slope of y, shape (A,), against ln alpha, over the alphas in ``fit`` at which y is a number."""
    ratios, values = np.asarray(alpha, dtype=float), np.asarray(y, dtype=float)
    used = (ratios >= fit[0]) & (ratios <= fit[1]) & np.isfinite(values)
    ratios, values = ratios[used], values[used]
    if np.unique(ratios).size < 3:
        return Slope(math.nan, math.nan, math.nan, math.nan, int(ratios.size))
    x = np.log(ratios)
    centred = x - x.mean()
    square = float(centred @ centred)
    value = float(centred @ values) / square
    rest = values - values.mean() - value * centred
    error = math.sqrt(float(rest @ rest) / ((x.size - 2) * square))
    return Slope(value, error, float(ratios.min()), float(ratios.max()), int(x.size))


def penetration_of(
    alphas: npt.ArrayLike, q: npt.ArrayLike, fit: tuple[float, float] = (0.0, math.inf)
) -> Penetration:
    """The penetration of profiles q, shape (A, L+1), one for each of A storage ratios.

    Any overlap will do: the symmetric one, or one level or the average of a hierarchy. A row of NaN is a
    branch that does not exist. The slopes use the alphas in ``fit`` at which the layer next to that boundary
    has begun to freeze and the solids have not met. Raises InvalidInput for shapes that do not match.
    """
    alpha, profiles = np.asarray(alphas, dtype=float), np.asarray(q, dtype=float)
    if alpha.ndim != 1 or alpha.size == 0 or profiles.ndim != 2 or len(profiles) != alpha.size:
        raise InvalidInput(
            f"q of shape {profiles.shape} must hold one profile for each of {alpha.size} alphas"
        )
    if profiles.shape[1] < 3:
        raise InvalidInput("depth = 1 has no hidden layer to penetrate; use depth >= 2")
    found = [extent(row) for row in profiles]
    exists = np.isfinite(profiles).all(axis=1)
    frozen = profiles[:, 1:-1] > 0.0
    liquid = np.array([e.n_liquid for e in found], dtype=float)
    reached = np.array([e.xi_input for e in found]), np.array([e.xi_output for e in found])
    fronts = _leading(frozen), _leading(frozen[:, ::-1])
    slopes = [slope(alpha, np.where(n > 0, xi, np.nan), fit) for xi, n in zip(reached, fronts, strict=True)]
    return Penetration(
        alpha=alpha,
        xi_input=reached[0],
        xi_output=reached[1],
        n_liquid=np.where(exists, liquid, np.nan),
        front_input=np.where(exists, fronts[0], np.nan),
        front_output=np.where(exists, fronts[1], np.nan),
        slope_input=slopes[0],
        slope_output=slopes[1],
    )


def _leading(rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """The number of True before the first False of each row."""
    return np.asarray(np.sum(np.logical_and.accumulate(rows, axis=1), axis=1))


def penetration(
    scenario: str,
    depth: int,
    alphas: npt.ArrayLike,
    *,
    margin: float = 0.0,
    branch: str = "continuous",
    closure: str = "gaussian",
    potential: str | Potential = "hard",
    beta: float | None = None,
    fit: tuple[float, float] = (0.0, math.inf),
) -> Penetration:
    """How far the solid of the replica-symmetric solution reaches, against alpha; see :func:`penetration_of`.

    Storage ratios at which the branch has ended are NaN. Other arguments and errors as in
    :func:`theory.solve_profile`; InvalidInput at depth 1.
    """
    values = np.atleast_1d(np.asarray(alphas, dtype=float))
    if values.ndim != 1:
        raise InvalidInput(f"alphas of shape {values.shape} must be a list of storage ratios")

    def q(alpha: float) -> Array:
        try:
            return solve_profile(
                scenario, depth, alpha, margin, branch, closure=closure, potential=potential, beta=beta
            ).q
        except NoSolution:
            return np.full(depth + 1, np.nan)

    return penetration_of(values, np.array([q(float(alpha)) for alpha in values]), fit)


@dataclass(frozen=True)
class Thresholds:
    """Where each hidden layer freezes continuously.

    ``layer`` = 1..L-1 and ``alpha``, shape (L-1,); NaN for a layer that does not. ``steps``: the distinct
    alphas in growing order, one for each move of the front, and ``ratios`` of successive ones. ``jump``: the
    alpha at which the layers that are left freeze all at once; None if there is no such jump up to 1e6.
    """

    layer: npt.NDArray[np.int64]
    alpha: Array
    steps: Array
    ratios: Array
    jump: float | None


def layer_thresholds(
    scenario: str,
    depth: int,
    closure: str = "gaussian",
    *,
    margin: float = 0.0,
    potential: str | Potential = "hard",
    beta: float | None = None,
) -> Thresholds:
    """Where every hidden layer freezes, from :func:`theory.transitions`, and the ratios of successive alphas.

    In the gaussian closure layer l next to the front freezes where ``alpha w(0)^2 q_{l-1}^2 = 1``. Layers
    beyond a liquid one do not feel it, so all depths share the thresholds of layers whose front has not met
    the other one.
    """
    return _thresholds(
        transitions(scenario, depth, closure=closure, margin=margin, potential=potential, beta=beta)
    )


def _thresholds(found: Transitions) -> Thresholds:
    alpha = np.full(found.depth - 1, np.nan)
    for freezing in found.continuous:
        alpha[freezing.layer - 1] = freezing.alpha
    steps = np.sort(alpha[np.isfinite(alpha)])
    if steps.size:
        steps = steps[np.append(True, np.diff(np.log(steps)) > _TIE)]
    ends = [s.alpha for s in found.spinodal if (s.branch, s.side) == ("continuous", "to")]
    jump = min(ends) if ends and np.isnan(alpha).any() else None
    return Thresholds(np.arange(1, found.depth), alpha, steps, steps[1:] / steps[:-1], jump)


@dataclass(frozen=True)
class Vanishing:
    """Where the last liquid layer goes, and ``how``.

    ``continuous``: its overlap passes the criterion at ``alpha``; ``jump``: it leaps over it there; ``ends``:
    the branch ends at ``alpha`` with a layer still liquid; ``never``: not up to alpha = 1e6 (``alpha`` inf).
    """

    alpha: float
    how: str

    @property
    def vanishes(self) -> bool:
        """Whether the liquid centre vanishes on the branch."""
        return self.how in ("continuous", "jump")


@dataclass(frozen=True)
class LiquidCentre:
    """Where the liquid centre of a chain vanishes: ``frozen``, when the last layer with q = 0 exactly has
    gone; ``solid``, when the last with q <= 1/e has.
    """

    scenario: str
    depth: int
    branch: str
    frozen: Vanishing
    solid: Vanishing


def liquid_centre(
    scenario: str,
    depth: int,
    *,
    branch: str = "continuous",
    margin: float = 0.0,
    closure: str = "gaussian",
    potential: str | Potential = "hard",
    beta: float | None = None,
) -> LiquidCentre:
    """The alpha at which the last liquid layer of ``branch`` (continuous or equilibrium) vanishes, up to 1e6.

    On the continuous branch both overlap criteria are passed once, since overlaps grow with alpha; the
    equilibrium may pass them by the first-order transition to the crystal before that. Raises InvalidInput
    for a value out of range or at depth 1.
    """
    branch = checks.one_of("branch", branch, ("continuous", "equilibrium"))
    depth = checks.integer("depth", depth, 1)
    if depth < 2:
        raise InvalidInput("depth = 1 has no hidden layer that could be liquid; use depth >= 2")

    chain = chain_of(scenario, depth, 1.0, closure, potential_of(potential, margin, beta))
    found = transitions(scenario, depth, closure=closure, margin=margin, potential=potential, beta=beta)
    freezing = _thresholds(found)

    @cache
    def centre(log_alpha: float) -> float:
        """The smallest overlap of a hidden layer on the continuous branch; NaN where that has ended."""
        point = branches.existing(replace(chain, alpha=math.exp(log_alpha))).get("continuous")
        return math.nan if point is None else float(np.min(point.overlaps.q[1:-1]))

    # Beyond a fold the branch goes on where it jumps to another part of its curve.
    end = None if found.capacity is None or found.capacity > ALPHA_TOP else found.capacity
    folds = [s.alpha for s in found.spinodal if s.branch != "crystal" and s.side == "to"]
    if folds and scenario != "random" and math.isnan(centre(math.log(_BEYOND * max(folds)))):
        end = max(folds)
    low = math.log(float(freezing.steps[0]) * _TOP if freezing.steps.size else branches.ALPHA_MIN)
    high = math.log(ALPHA_TOP if end is None else end * _TOP)
    if np.isfinite(freezing.alpha).all():
        frozen = Vanishing(float(freezing.steps[-1]), "continuous")
    elif freezing.jump not in (None, end) and centre(math.log(_BEYOND * freezing.jump)) > 0.0:
        frozen = Vanishing(freezing.jump, "jump")
    else:
        frozen = _passing(centre, 0.0, low, high, end)
    solid = _passing(centre, THRESHOLD, low, high, end)
    if branch == "equilibrium":
        crossings = [c.alpha for c in found.first_order if (c.below, c.above) == ("continuous", "crystal")]
        for alpha in crossings:
            crystal = solve_profile(
                scenario, depth, alpha, margin, "crystal", closure=closure, potential=potential, beta=beta
            )
            smallest = float(np.min(crystal.q[1:-1]))
            frozen, solid = (
                Vanishing(alpha, "jump") if smallest > level and not (v.vanishes and v.alpha < alpha) else v
                for v, level in ((frozen, 0.0), (solid, THRESHOLD))
            )
    return LiquidCentre(scenario, depth, branch, frozen, solid)


def _passing(
    centre: Callable[[float], float], level: float, low: float, high: float, end: float | None
) -> Vanishing:
    """Where ``centre``, a function of ln alpha, rises above ``level`` in [low, high]; it is below at low."""
    if centre(high) <= level:
        return Vanishing(math.inf, "never") if end is None else Vanishing(end, "ends")

    def excess(log_alpha: float) -> float:
        value = centre(log_alpha)
        # At level 0 the liquid is exactly there: only its sign can be bracketed.
        return value - level if level > 0.0 else (1.0 if value > 0.0 else -1.0)

    root = float(brentq(excess, low, high, xtol=1e-12, rtol=1e-12))
    leap = centre(min(root + _NEAR, high)) - centre(root - _NEAR)
    return Vanishing(math.exp(root), "jump" if leap > _JUMP else "continuous")
