"""Replica symmetry breaking on random data: which hierarchy of overlaps solves the chain, and how it is
reached.

Two facts shape the search. As the largest break point x_max goes to 0 the innermost level becomes the
replica-symmetric solution, so the branch that grows continuously is followed from there, x_max rising
(:func:`_climb`). And equations at fixed break points have many roots, of which the one stable under the
flow is taken (:mod:`theory.flow`). The branch is stationary in its break points where ``d(s)/d(x_max)
= 0``; when it ends before, by its innermost level falling into a perfectly frozen state, that is reported,
not hidden.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq

from deepglass.errors import NoSolution, NotConverged
from theory.flow import Mapped, Relaxed, relax
from theory.gaussian import Array
from theory.hierarchy import HierarchicalChain
from theory.levels import Levels, Solved
from theory.measures import interaction_at_zero
from theory.overlaps import Support
from theory.potentials import Potential
from theory.site_hierarchy import SiteChain

BrokenChain = HierarchicalChain | SiteChain
"""A chain with a hierarchy of overlaps, in either closure."""

TOLERANCE = 2e-8
"""Residual at which a hierarchy is accepted: over 100 levels the noise of the field grids, 1e-11, adds up
to 1e-8.

The last Newton step usually leaves far less.
"""

COARSE = 5
"""Levels of the hierarchy with which the largest break point is found for k >= 2."""

_FIRST = 0.02
_HIGHEST = 0.999
_STRIDE = 0.1
_SHORTEST = 0.01
_RETREAT = 0.93
_RETREATS = 20
_FROZEN = 1e-2
_REFINEMENT = 2
_WIDER = 1.08
_PLATEAU = 1e-3
_WIDENED = 20


@dataclass(frozen=True)
class State:
    """A solved hierarchy with the chain it solves."""

    chain: BrokenChain
    relaxed: Relaxed
    solved: Solved

    @property
    def slope(self) -> Array:
        """``ds/dm_i``, shape (k,)."""
        return self.solved.slope

    @property
    def stretch(self) -> float:
        """``d s/d ln x_max`` when all break points scale together."""
        return float(self.chain.m @ self.slope)


def uniform(k: int) -> Array:
    """Evenly spaced break points ending at 1: ``i/k``, i = 1..k, to be scaled by x_max."""
    return np.asarray(np.arange(1, k + 1) / k)


def settle(chain: BrokenChain, levels: Levels) -> State:
    """The stable solution to which the flow leads from ``levels``; liquid layers freeze as their overlap
    grows.

    Raises NotConverged if there is none, or if the innermost level falls into the perfectly frozen state.
    """
    evaluations = 0
    start = levels
    while True:
        chain, start = _extended(chain, start)

        limits = _FROZEN * (1.0 - start.q[1:-1, -1])

        def mapping(x: Array, chain: BrokenChain = chain, limits: Array = limits) -> Mapped:
            found = chain.evaluate(x)
            if np.any(1.0 - found.levels.q[1:-1, -1] < limits):
                raise NotConverged("the innermost level falls into the perfectly frozen state", last=x)
            return Mapped(found.image, found.jacobian)

        relaxed = relax(mapping, chain.pack(start), chain.levels, tolerance=TOLERANCE)
        evaluations += relaxed.evaluations
        solved = chain.unpack(relaxed.x)
        if not np.any((chain.growth(solved) > 1.0) & ~chain.support.neurons[1:-1]):
            return State(chain, replace(relaxed, evaluations=evaluations), chain.solved(relaxed.x))
        start = solved


def _after(state: State, before: State | None) -> State:
    """``state`` with the evaluations spent on the way to it counted."""
    if before is None:
        return state
    total = before.relaxed.evaluations + state.relaxed.evaluations
    return replace(state, relaxed=replace(state.relaxed, evaluations=total))


def _extended(chain: BrokenChain, levels: Levels) -> tuple[BrokenChain, Levels]:
    """The chain with every layer frozen whose overlap would grow, with a first guess for it."""
    q, Q = levels.q.copy(), levels.Q.copy()
    w = interaction_at_zero(chain.potential)
    shape = np.linspace(0.2, 1.0, chain.levels)
    while True:
        growth = chain.growth(Levels(q, Q))
        new = (growth > 1.0) & ~chain.support.neurons[1:-1]
        if not new.any():
            return chain, Levels(q, Q)
        support = Support(tuple(bool(frozen) for frozen in chain.support.neurons[1:-1] | new))
        q[1:-1][new] = np.minimum(0.3, 0.2 * (growth[new] - 1.0))[:, None] * shape
        for index in np.flatnonzero(support.bonds & ~chain.support.bonds):
            p = chain.alpha * w * q[index] * q[index + 1]
            Q[index] = 4.0 * p / (1.0 + np.sqrt(1.0 + 4.0 * p)) ** 2
        chain = replace(chain, support=support)


def _raised(levels: Levels, shape: Array) -> Levels:
    """Innermost overlaps kept, the outer levels started in proportion ``shape`` (k+1,), ending with 1."""
    return Levels(
        np.concatenate(
            [np.ones((1, shape.size)), np.outer(levels.q[1:-1, -1], shape), np.ones((1, shape.size))]
        ),
        np.outer(levels.Q[:, -1], shape),
    )


def _climb(chain: BrokenChain, symmetric: Levels, unit: Array, top: float) -> Iterator[State]:
    """Solutions on break points ``x_max unit``, x_max rising from the symmetric limit to ``top`` or to the
    end of the branch. ``unit`` (k,) ends with 1.
    """
    shape = np.append(np.linspace(0.1, 0.8, unit.size), 1.0)
    levels, stride = symmetric, _STRIDE
    before: State | None = None
    last, x_max = 0.0, min(_FIRST, top)
    while last < top:
        try:
            state = _after(settle(replace(chain, m=x_max * unit), _raised(levels, shape)), before)
        except NotConverged:
            stride *= 0.5
            if stride < _SHORTEST:
                return
            x_max = min(last + stride, top)
            continue
        yield state
        before = state
        chain = replace(chain, support=state.chain.support)
        levels, last = state.solved.levels, x_max
        x_max = min(x_max + stride, top)


def interpolated(levels: Levels, old: Array, new: Array) -> Levels:
    """Overlaps as functions of x, read off at other break points: (k+1 values at m of shape k) -> new."""

    def centres(m: Array) -> Array:
        edges = np.concatenate([[0.0], m, [2.0 * m[-1] - (m[-2] if m.size > 1 else 0.0)]])
        return np.asarray(0.5 * (edges[1:] + edges[:-1]))

    at, to = np.append(0.0, centres(old)), centres(new)

    def rows(values: Array) -> Array:
        outer = np.where(values[:, :1] == 1.0, 1.0, 0.0)
        return np.array([np.interp(to, at, row) for row in np.hstack([outer, values])])

    return Levels(rows(levels.q), rows(levels.Q))


def one_step(chain: BrokenChain, symmetric: Levels) -> State:
    """1RSB with its break point stationary: the first zero of ``ds/dm`` met from m = 0.

    Raises NoSolution if the branch ends before.
    """
    below: State | None = None
    for state in _climb(chain, symmetric, uniform(1), _HIGHEST):
        if state.stretch >= 0.0:
            return state if below is None else _stationary(below, state)
        below = state
    if below is None:
        raise NotConverged("1RSB could not be started from the symmetric solution", last=symmetric)
    raise NoSolution(
        f"no break point is stationary: at depth {chain.depth}, alpha {chain.alpha:.10g} the 1RSB branch "
        f"ends at m = {float(below.chain.m[0]):.3g} with ds/dm = {float(below.slope[0]):.2e}"
    )


def _stationary(below: State, above: State) -> State:
    """The state between two at which all break points may scale together without changing s."""
    latest = above
    unit = above.chain.m / above.chain.m[-1]

    def stretch(x_max: float) -> float:
        nonlocal latest
        chain = replace(latest.chain, m=x_max * unit)
        latest = _after(settle(chain, latest.solved.levels), latest)
        return latest.stretch

    low, high = float(below.chain.m[-1]), float(above.chain.m[-1])
    if below.stretch < 0.0 < above.stretch:
        stretch(float(brentq(stretch, low, high, xtol=1e-10, rtol=1e-12)))
    return latest


def continuous(chain: BrokenChain, symmetric: Levels, k: int) -> State:
    """k-RSB, k >= 2, on evenly spaced break points up to the x_max of a coarse hierarchy.

    x_max is where the coarse hierarchy is stationary, or just inside the end of its branch; a finer one whose
    branch ends earlier retreats from there.
    """
    coarse = min(k, COARSE)
    state: State | None = None
    ended = True
    for found in _climb(chain, symmetric, uniform(coarse), 1.0 - 1.0 / (k + 1)):
        below, state = state, found
        if found.stretch >= 0.0:
            state = found if below is None else _stationary(below, found)
            ended = False
            break
    if state is None:
        raise NotConverged("k-RSB could not be started from the symmetric solution", last=symmetric)
    x_max = float(state.chain.m[-1]) * (_RETREAT if ended and k > coarse else 1.0)
    while state.chain.m.size < k:
        state, x_max = _refined(state, min(k, _REFINEMENT * state.chain.m.size), x_max)
        if state.chain.m.size <= _WIDENED:
            state = _widened(state, 1.0 - 1.0 / (k + 1))
            x_max = float(state.chain.m[-1])
    return state


def _widened(state: State, top: float) -> State:
    """The hierarchy on break points reaching further, to its plateau, to ``top``, or to where its branch
    ends.

    A fine hierarchy may need a larger x_max than the coarse one that found it: the true hierarchy is
    continuous up to a plateau, of which a finite one only knows the nearest break point.
    """
    k = state.chain.m.size
    while state.chain.m[-1] < top:
        innermost = state.solved.levels.q[1:-1]
        if np.all(innermost[:, -1] - innermost[:, -2] <= _PLATEAU * innermost[:, -1]):
            return state
        m = min(top, _WIDER * float(state.chain.m[-1])) * uniform(k)
        levels = interpolated(state.solved.levels, state.chain.m, m)
        try:
            state = _after(settle(replace(state.chain, m=m), levels), state)
        except NotConverged:
            return state
    return state


def relevelled(state: State, k: int) -> State:
    """The same hierarchy with k levels, on break points up to the same x_max. Raises NotConverged."""
    m = float(state.chain.m[-1]) * uniform(k)
    return settle(replace(state.chain, m=m), interpolated(state.solved.levels, state.chain.m, m))


def _refined(state: State, k: int, x_max: float) -> tuple[State, float]:
    """The hierarchy with more levels, at x_max or, where that branch has ended, a little below."""
    for _ in range(_RETREATS):
        m = x_max * uniform(k)
        levels = interpolated(state.solved.levels, state.chain.m, m)
        try:
            return _after(settle(replace(state.chain, m=m), levels), state), x_max
        except NotConverged as error:
            failure = error
            x_max *= _RETREAT
    raise NotConverged(f"{k} levels: {failure}", failure.last, failure.residual)


def start(
    depth: int, alpha: float, potential: Potential, q: Array, Q: Array, closure: str = "gaussian"
) -> tuple[BrokenChain, Levels]:
    """A symmetric solution q (L+1,), Q (L,) as the first chain and levels of a hierarchy."""
    support = Support(tuple(bool(value) for value in q[1:-1] > 0.0))
    kind = SiteChain if closure == "site" else HierarchicalChain
    return kind(depth, alpha, potential, np.zeros(0), support), Levels(q[:, None], Q[:, None])


def at(chain: BrokenChain, symmetric: Levels, m: Array) -> State:
    """The solution at given break points ``m`` (k,). Raises NoSolution if the branch ends before they are
    reached.
    """
    state: State | None = None
    for found in _climb(chain, symmetric, m / m[-1], float(m[-1])):
        state = found
    if state is None or state.chain.m[-1] < m[-1]:
        reached = 0.0 if state is None else float(state.chain.m[-1])
        raise NoSolution(
            f"at depth {chain.depth}, alpha {chain.alpha:.10g} the branch ends before the break points "
            f"are reached; scaled to end at {reached:.3g} they have a solution"
        )
    return state


def solve(chain: BrokenChain, symmetric: Levels, k: int) -> State:
    """k steps of replica symmetry breaking on the branch that grows from the symmetric solution."""
    if k == 0:
        return settle(chain, symmetric)
    return one_step(chain, symmetric) if k == 1 else continuous(chain, symmetric, k)
