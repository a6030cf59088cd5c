"""Entropy landscape s(d) around a reference configuration, by belief propagation in a tilted model.

``P_x(s) ~ exp(-E(s) + x sum_i s*_i s_i)``: with ``q = (1/N) sum_i s*_i m_i`` and ``d = (1 - q)/2`` (Hamming
distance per spin), x is swept along a grid with the messages carried over, and s(d) is read off
parametrically. Sweeps of opposite direction that disagree show a first-order transition. Source: Zou & Huang,
Phys. Rev. Research 3, 033290 (2021).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import entr

from deepglass import checks
from deepglass.errors import InvalidInput, NotConverged
from theory.gaussian import Array
from theory.inverse_ising.bethe import BetheState, solve_bethe
from theory.inverse_ising.model import IsingModel
from theory.inverse_ising.moments import spins

GRID = np.linspace(-3.0, 3.0, 121)
"""The paper's tilts, in steps of 0.05."""
TOLERANCE = 1e-8
MAX_SWEEPS = 5000
ENERGY = 1e-5
"""How close an iso-energy point must come to its energy per spin."""
_DAMPING = 0.5


def entropy_bound(d: ArrayLike) -> Array:
    """``s_ub(d) = -d ln d - (1-d) ln(1-d)``: all configurations at distance d, nats per spin."""
    distance = np.asarray(d, dtype=np.float64)
    if not ((distance >= 0.0) & (distance <= 1.0)).all():
        raise InvalidInput("d must be in [0, 1]")
    bound: Array = entr(distance) + entr(1.0 - distance)
    return bound


@dataclass(frozen=True, eq=False)
class Landscape:
    """One sweep; arrays (X,) in the order of rising x, whatever the direction of the sweep.

    ``d`` distance, ``s`` entropy, ``energy`` of the untilted model at beta = 1, ``log_z`` of the tilted one,
    all per spin; ``beta`` 1 unless the energy was fixed. Points without a solution (iso-energy only) are NaN.
    ``residual``: largest of any point; ``sweeps``: all together.
    """

    x: Array = field(repr=False)
    d: Array = field(repr=False)
    s: Array = field(repr=False)
    energy: Array = field(repr=False)
    log_z: Array = field(repr=False)
    beta: Array = field(repr=False)
    direction: int
    residual: float
    sweeps: int

    @property
    def steps(self) -> Array:
        """Changes of d from one x to the next, (X-1,), as absolute values."""
        return np.abs(np.diff(self.d))


@dataclass(frozen=True)
class Hysteresis:
    """Where two sweeps of opposite direction disagree: from ``lower`` to ``upper`` in x.

    ``jump_rising``, ``jump_falling``: largest change of d in one step of either sweep. ``crossing``: x at
    which both branches have the same ln Z, None if they have not within the interval.
    """

    lower: float
    upper: float
    jump_rising: float
    jump_falling: float
    crossing: float | None


def _grid(x: ArrayLike) -> Array:
    grid = np.asarray(x, dtype=np.float64)
    if grid.ndim != 1 or grid.size < 2 or not np.isfinite(grid).all() or not (np.diff(grid) > 0.0).all():
        raise InvalidInput("x must be a rising grid of two or more finite tilts")
    return grid


def _directed(direction: int) -> int:
    if direction not in (1, -1):
        raise InvalidInput(f"direction = {direction!r} must be 1 (x rising) or -1 (x falling)")
    return direction


def _settle(model: IsingModel, messages: Array | None, tolerance: float, max_sweeps: int) -> BetheState:
    """A fixed point; damped where plain sweeps end in a cycle (the residual is undamped all the same)."""
    try:
        return solve_bethe(model, messages, tolerance=tolerance, max_sweeps=max_sweeps)
    except NotConverged:
        return solve_bethe(model, messages, damping=_DAMPING, tolerance=tolerance, max_sweeps=max_sweeps)


class _Rows:
    """The points of a sweep as they come."""

    def __init__(self, model: IsingModel, star: Array, grid: Array, direction: int):
        self.model, self.star, self.grid, self.direction = model, star, grid, direction
        self.values = np.full((5, grid.size), np.nan)
        self.residual, self.sweeps = 0.0, 0

    def add(self, index: int, state: BetheState, beta: float) -> None:
        q = float(self.star @ state.moments.m) / self.model.N
        energy = self.model.mean_energy(state.moments)
        self.values[:, index] = (0.5 * (1.0 - q), state.entropy, energy, state.log_z, beta)
        self.residual = max(self.residual, state.certificate.residual)
        self.sweeps += state.certificate.iterations

    def landscape(self) -> Landscape:
        d, s, energy, log_z, beta = self.values
        return Landscape(self.grid, d, s, energy, log_z, beta, self.direction, self.residual, self.sweeps)


def entropy_landscape(
    model: IsingModel,
    reference: ArrayLike,
    x: ArrayLike = GRID,
    direction: int = 1,
    *,
    tolerance: float = TOLERANCE,
    max_sweeps: int = MAX_SWEEPS,
) -> Landscape:
    """Sweep the tilt x towards ``reference`` (N,), rising (1: from far away) or falling (-1: from it).

    Raises NotConverged, carrying the points so far, where belief propagation finds no fixed point.

    Of free spins it is the entropy of all configurations at that distance:

    >>> from theory.inverse_ising import IsingModel
    >>> found = entropy_landscape(IsingModel(np.zeros((4, 4)), np.zeros(4)), np.ones(4))
    >>> bool(np.abs(found.s - entropy_bound(found.d)).max() < 1e-12)
    True
    """
    grid, way = _grid(x), _directed(direction)
    star = spins(np.atleast_2d(np.asarray(reference)), model.N)[0]
    rows = _Rows(model, star, grid, way)
    messages: Array | None = None
    for index in range(grid.size)[::way]:
        try:
            state = _settle(model.tilted(star, float(grid[index])), messages, tolerance, max_sweeps)
        except NotConverged as error:
            raise NotConverged(f"x = {grid[index]:g}: {error}", rows.landscape(), error.residual) from error
        rows.add(index, state, 1.0)
        messages = state.messages
    return rows.landscape()


def hysteresis(rising: Landscape, falling: Landscape, threshold: float = 0.05) -> Hysteresis | None:
    """The interval of x on which two sweeps differ in d by more than ``threshold``; None if nowhere."""
    if rising.direction != 1 or falling.direction != -1 or not np.array_equal(rising.x, falling.x):
        raise InvalidInput("hysteresis needs one rising and one falling sweep of the same grid")
    limit = checks.real("threshold", threshold, above=0.0)
    apart = np.flatnonzero(np.abs(rising.d - falling.d) > limit)
    if apart.size == 0:
        return None
    first, last = int(apart[0]), int(apart[-1])
    gap = (rising.log_z - falling.log_z)[first : last + 1]
    x = rising.x[first : last + 1]
    change = np.flatnonzero(gap[:-1] * gap[1:] <= 0.0)
    crossing = None
    if change.size:
        k = int(change[0])
        share = gap[k] / (gap[k] - gap[k + 1]) if gap[k] != gap[k + 1] else 0.0
        crossing = float(x[k] + share * (x[k + 1] - x[k]))
    return Hysteresis(
        float(x[0]), float(x[-1]), float(rising.steps.max()), float(falling.steps.max()), crossing
    )


def _bracket(excess: Callable[[float], float], low: float, high: float) -> tuple[float, float] | None:
    """Where the falling function ``excess`` changes sign; None if nowhere in [low, high].

    Its cold end may have no fixed point though the root does: then the end comes closer.
    """
    if excess(low) < 0.0:
        return None
    bad: float | None = None
    for _ in range(12):
        try:
            value = excess(high)
        except NotConverged:
            bad, high = high, 0.5 * (low + high)
            continue
        if value <= 0.0:
            return low, high
        if bad is None:
            return None
        low, high = high, 0.5 * (high + bad)
    return None


def _at_energy(
    model: IsingModel,
    solve: Callable[[float], BetheState],
    target: float,
    ends: tuple[float, float],
) -> tuple[float, BetheState] | None:
    """The beta of energy ``target`` and its state; None where no fixed point has that energy."""

    def excess(beta: float) -> float:
        return model.mean_energy(solve(beta).moments) - target

    try:
        bracket = _bracket(excess, *ends)
        if bracket is None:
            return None
        beta = float(brentq(excess, *bracket, xtol=1e-12, rtol=1e-10))
        state = solve(beta)
    except NotConverged:
        return None
    # A jump over the target changes sign as well, but neither of its two states has the energy.
    return (beta, state) if abs(model.mean_energy(state.moments) - target) <= ENERGY else None


def iso_energy_landscape(
    model: IsingModel,
    reference: ArrayLike,
    x: ArrayLike = GRID,
    direction: int = 1,
    *,
    energy: float | None = None,
    beta: tuple[float, float] = (0.1, 3.0),
    tolerance: float = TOLERANCE,
    max_sweeps: int = MAX_SWEEPS,
) -> Landscape:
    """The landscape at fixed energy: at every x, beta is such that the energy per spin is ``energy``.

    The law is ``exp(-beta E(s) + x sum s*_i s_i)`` (x is not scaled by beta). energy: that of the reference
    by default. beta: bracket. A point is NaN where no fixed point of a beta within it has the energy to 1e-5;
    the next one goes on from the messages of the last that has.
    """
    grid, way = _grid(x), _directed(direction)
    low, high = (checks.real("beta", value, above=0.0) for value in beta)
    if low >= high:
        raise InvalidInput(f"beta = {beta} must rise")
    star = spins(np.atleast_2d(np.asarray(reference)), model.N)[0]
    target = float(model.energy(star[None])[0]) / model.N if energy is None else checks.real("energy", energy)
    rows = _Rows(model, star, grid, way)
    messages: Array | None = None
    for index in range(grid.size)[::way]:
        # Each evaluation starts from the same messages, so that the energy is one function of beta.
        solve = _tilted_solver(model, star, float(grid[index]), messages, tolerance, max_sweeps)
        found = _at_energy(model, solve, target, (low, high))
        if found is not None:
            rows.add(index, found[1], found[0])
            messages = found[1].messages
    return rows.landscape()


def _tilted_solver(
    model: IsingModel, star: Array, x: float, messages: Array | None, tolerance: float, max_sweeps: int
) -> Callable[[float], BetheState]:
    def solve(beta: float) -> BetheState:
        return _settle(model.at(beta).tilted(star, x), messages, tolerance, max_sweeps)

    return solve
