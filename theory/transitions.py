"""Where the solutions of a chain change with alpha: every transition of a phase diagram.

* continuous: a hidden layer begins to freeze, where the growth of its infinitesimal overlap on the branch
  of the layers frozen before it (:meth:`theory.network.Chain.onset`) reaches 1.
* spinodal: a branch ends in a fold (:mod:`theory.branches`).
* first order: the entropies of two coexisting branches cross; the larger one is the equilibrium.
* capacity: the random branch ends with all overlaps at 1 (:mod:`theory.storage`).

Roots are bracketed and solved in ln alpha to about 1e-12.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq

from deepglass.errors import NotConverged
from theory import branches
from theory.continuation import Trace, at_parameter, trace
from theory.gaussian import Array
from theory.network import Chain
from theory.overlaps import Support
from theory.potentials import Potential, potential_of
from theory.profile import chain_of
from theory.saddle import SaddlePoint, greatest, least
from theory.solve import Certificate
from theory.storage import capacity_of

ALPHA_TOP = 1e6
"""Transitions are looked for up to this alpha."""

_TIE = 1e-9
"""Layers whose growth factors agree to this freeze together."""

_JUMP = 1e-5
"""A root at which the growth is farther from 1 is a jump: the branch has ended below it."""

_INSIDE = 1e-6
"""How far inside the end of a branch, in ln alpha, its last solution is taken."""

_PAST = (1e-3, 1e-5)
"""How far past a continuous transition, in ln alpha, a branch is picked up: its fold may follow closely."""

_OFF = 1e-7
"""Distance, in ln alpha, kept from a continuous transition when the next one is bracketed."""

_SAME = 1e-6
_TOLERANCE = 1e-13
_SATURATED = 20.0


@dataclass(frozen=True)
class Freezing:
    """Hidden layer ``layer`` freezes continuously at ``alpha``."""

    layer: int
    alpha: float


@dataclass(frozen=True)
class Spinodal:
    """A fold at ``alpha``: ``branch`` exists ``from`` or ``to`` there (``side``).

    Branches: ``continuous``, grown from zero overlap; ``crystal``; and, in deep teacher-student chains,
    ``filled``, a part of the same curve with a frozen centre to which the continuous branch jumps when
    it ends below a fold.
    """

    branch: str
    alpha: float
    side: str


@dataclass(frozen=True)
class Crossing:
    """At ``alpha`` two branches have the same ``entropy``: ``below`` more before it, ``above`` more after."""

    alpha: float
    below: str
    above: str
    entropy: float


@dataclass(frozen=True)
class Transitions:
    """All transitions of a chain with alpha up to 1e6, each list in growing alpha.

    ``capacity``: where the random branch ends, None if it does not. ``notes``: what is absent and why.
    """

    scenario: str
    depth: int
    closure: str
    potential: str
    margin: float
    beta: float | None
    continuous: tuple[Freezing, ...]
    spinodal: tuple[Spinodal, ...]
    first_order: tuple[Crossing, ...]
    capacity: float | None
    notes: tuple[str, ...] = ()


def transitions(
    scenario: str,
    depth: int,
    *,
    closure: str = "gaussian",
    margin: float = 0.0,
    potential: str | Potential = "hard",
    beta: float | None = None,
) -> Transitions:
    """Every transition of one chain; arguments as in :func:`theory.solve_profile`.

    Raises InvalidInput for a value out of range, NotConverged if a branch cannot be followed.

    Both hidden layers of depth 3 freeze at ``pi^2/4``:

    >>> found = transitions("teacher-student", depth=3)
    >>> [f"layer {each.layer}: {each.alpha:.4f}" for each in found.continuous]
    ['layer 1: 2.4674', 'layer 2: 2.4674']
    >>> [f"{each.branch} {each.side} {each.alpha:.2f}" for each in found.spinodal]
    ['crystal from 11.54', 'continuous to 27.81']
    """
    return _transitions(chain_of(scenario, depth, 1.0, closure, potential_of(potential, margin, beta)))


def phase_diagram(
    scenario: str,
    depths: int | Iterable[int],
    *,
    closure: str = "gaussian",
    margin: float = 0.0,
    potential: str | Potential = "hard",
    beta: float | None = None,
) -> tuple[Transitions, ...]:
    """:func:`transitions` of one depth or of several, in the order given.

    >>> [f"{each.capacity:.4f}" for each in phase_diagram("random", [1, 2])]
    ['2.0000', '48.9588']
    """
    chosen = [depths] if isinstance(depths, int) else list(depths)
    return tuple(
        transitions(scenario, depth, closure=closure, margin=margin, potential=potential, beta=beta)
        for depth in chosen
    )


@lru_cache(maxsize=256)
def _transitions(chain: Chain) -> Transitions:
    limit = capacity_of(chain.depth, chain.potential, chain.closure.name) if chain.n == 0 else math.inf
    freezing, frozen, end = _freezing(chain, min(ALPHA_TOP, limit * (1.0 - _INSIDE)))
    crystal = branches.crystal_spinodal(chain) if chain.n == 1 else None
    folds = [] if end is None else [Spinodal("continuous", end, "to")]
    filled = None
    if end is None and all(frozen.hidden) and (chain.n == 0 or crystal is not None):
        folds, filled = _folds(chain, freezing, crystal)
    end = next((fold.alpha for fold in folds if (fold.branch, fold.side) == ("continuous", "to")), None)
    high = math.log(ALPHA_TOP if end is None else end) - _INSIDE
    crossings = []
    if filled is not None:
        crossings.append(_crossing(chain, "filled", filled.bottom + _INSIDE, min(high, filled.top), filled))
    if crystal is not None:
        folds.append(Spinodal("crystal", crystal, "from"))
        crossings.append(_crossing(chain, "crystal", math.log(crystal) + _INSIDE, high, greatest))
    met = tuple(sorted((found for found in crossings if found is not None), key=lambda found: found.alpha))
    notes = [
        (not all(frozen.hidden) and end is None, f"some layers stay liquid up to alpha = {ALPHA_TOP:g}"),
        (chain.n == 1 and crystal is None, "no separate crystal: the teacher-student solution is unique"),
        (
            crystal is not None and end is None,
            f"the continuous branch does not end below alpha = {ALPHA_TOP:g}",
        ),
        (crystal is not None and not met, f"the entropies do not cross below alpha = {ALPHA_TOP:g}"),
        (chain.n == 0 and math.isinf(limit), "no capacity: the random branch never reaches overlap 1"),
    ]
    return Transitions(
        scenario=chain.scenario,
        depth=chain.depth,
        closure=chain.closure.name,
        potential=chain.potential.name,
        margin=chain.potential.margin,
        beta=getattr(chain.potential, "beta", None),
        continuous=tuple(freezing),
        spinodal=tuple(sorted(folds, key=lambda found: found.alpha)),
        first_order=met,
        capacity=None if math.isinf(limit) else limit,
        notes=tuple(note for holds, note in notes if holds),
    )


def _at(chain: Chain, log_alpha: float) -> Chain:
    return replace(chain, alpha=math.exp(log_alpha))


def _growth(chain: Chain, support: Support, log_alpha: float) -> Array:
    """Growth factors of the layers outside ``support`` on the least solution within it; -inf for the
    others.
    """
    point = least(_at(chain, log_alpha), support)
    growth = point.chain.onset(point.overlaps.q).growth
    return np.where(support.hidden, -np.inf, growth)


def _freezing(chain: Chain, top: float) -> tuple[list[Freezing], Support, float | None]:
    """The continuous transitions up to ``top``, the layers frozen in the end, and where the branch has
    jumped.
    """
    support = Support((False,) * (chain.depth - 1))
    found: list[Freezing] = []
    low, high = math.log(branches.ALPHA_MIN), math.log(top)
    while not all(support.hidden):

        def excess(log_alpha: float, support: Support = support) -> float:
            return float(np.max(_growth(chain, support, log_alpha))) - 1.0

        bracket = _bracket(excess, low, high)
        if bracket is None:
            break
        root = float(brentq(excess, *bracket, xtol=_TOLERANCE, rtol=_TOLERANCE))
        growth = _growth(chain, support, root)
        if abs(float(np.max(growth)) - 1.0) > _JUMP:
            return found, support, math.exp(root)
        fresh = growth > 1.0 - _TIE
        found += [Freezing(int(layer) + 1, math.exp(root)) for layer in np.flatnonzero(fresh)]
        support = Support(tuple(bool(a or b) for a, b in zip(support.hidden, fresh, strict=True)))
        # At the critical point itself the map only crawls.
        low = root + _OFF
    return found, support, None


def _bracket(function: Callable[[float], float], low: float, high: float) -> tuple[float, float] | None:
    """Two places in [low, high] between which a growing function passes 0; None if it stays below."""
    step = 0.05
    while low < high:
        upper = min(low + step, high)
        if function(upper) >= 0.0:
            return low, upper
        low, step = upper, 2.0 * step
    return None


class _Filled:
    """The part of a traced curve between its second fold and the third, if any: the solution at any
    alpha on it.
    """

    def __init__(self, support: Support, path: Trace):
        (first, fold), ends = path.folds[1], path.folds[2:3]
        last = ends[0][0] + 1 if ends else path.a.size
        self.support, self.bottom = support, fold.a
        # Newton steps do not contract at the very end of a short stretch.
        self.top = min((end.a - 0.02 * (end.a - fold.a) for _, end in ends), default=math.log(ALPHA_TOP))
        a = np.append(path.a[first + 1 : last], [end.a for _, end in ends])
        x = np.vstack([fold.x, path.x[first + 1 : last], *(end.x for _, end in ends)])
        # Near a fold x is smooth in the square root of the distance to it.
        self.guess = PchipInterpolator(np.append(0.0, np.sqrt(a - fold.a)), x)

    def __call__(self, chain: Chain) -> SaddlePoint:
        """The solution at the alpha of ``chain``, by Newton steps from the interpolated curve."""
        log_alpha = math.log(chain.alpha)
        guess = self.guess(math.sqrt(max(log_alpha - self.bottom, 0.0)))
        x = at_parameter(branches.family(chain, self.support), guess, log_alpha)
        return SaddlePoint(chain, self.support, x, Certificate(0.0, 0, reason="on a traced curve"))


def _picked_up(chain: Chain, last: float, crystal: float | None) -> tuple[float, SaddlePoint] | None:
    """A solution on the continuous branch just past its last transition, at ln alpha = ``last``.

    None where there is none: the last layer freezes by a jump, and the branch ends with its transition.
    """
    for past in _PAST:
        try:
            point = least(_at(chain, last + past))
        except NotConverged:
            # In the ghost of a fold: closer to the transition the branch may still exist.
            continue
        if crystal is None or last + past < math.log(crystal) or not branches.is_crystal(point):
            return last + past, point
    return None


def _folds(
    chain: Chain, freezing: list[Freezing], crystal: float | None
) -> tuple[list[Spinodal], _Filled | None]:
    """The folds of the curve that the continuous branch belongs to after its last transition, up to
    ALPHA_TOP.
    """
    last = math.log(freezing[-1].alpha if freezing else branches.ALPHA_MIN)
    picked = _picked_up(chain, last, crystal)
    if picked is None:
        return [Spinodal("continuous", math.exp(last), "to")], None
    start, point = picked

    def stop(x: Array, log_alpha: float) -> bool:
        melted, full = float(np.min(x)) < -_SATURATED, chain.n == 0 and float(np.max(x)) > _SATURATED
        return log_alpha > math.log(ALPHA_TOP) or log_alpha < start - 5.0 or melted or full

    path = trace(branches.family(chain, point.support), point.x, start, 1, stop)
    found, names = [], iter(["continuous", "filled", "filled again"])
    name = next(names)
    filled = None
    for index, (_, fold) in enumerate(path.folds):
        alpha = math.exp(fold.a)
        if index % 2 == 0:
            found.append(Spinodal(name, alpha, "to"))
            continue
        if crystal is not None and abs(alpha / crystal - 1.0) < _SAME:
            break
        name = next(names)
        filled = filled or _Filled(point.support, path)
        found.append(Spinodal(name, alpha, "from"))
    return found, filled


def _crossing(
    chain: Chain, name: str, low: float, high: float, other: Callable[[Chain], SaddlePoint]
) -> Crossing | None:
    """Where the entropies of another branch and of the continuous one cross, with ln alpha in [low, high]."""

    def excess(log_alpha: float) -> float:
        there = _at(chain, log_alpha)
        return other(there).entropy - least(there).entropy

    if not low < high:
        return None
    first = math.copysign(1.0, excess(low))
    bracket = _bracket(lambda log_alpha: -first * excess(log_alpha), low, high)
    if bracket is None:
        return None
    root = float(brentq(excess, *bracket, xtol=_TOLERANCE, rtol=_TOLERANCE))
    below, above = ("continuous", name) if first < 0.0 else (name, "continuous")
    return Crossing(math.exp(root), below, above, other(_at(chain, root)).entropy)
