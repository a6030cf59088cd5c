"""The Sherrington-Kirkpatrick model at temperature T = 1/beta, with any number of steps of symmetry breaking.

A neuron in fields of variance ``eps_i = beta^2 (q_i + h^2)``, h the strength of a Gaussian random field; with
``D_i = m_{i+1} - m_i`` (Parisi, J. Phys. A 13, 1101 and L115 (1980))

    q_i = w_i,       - beta f = (beta^2/4) (1 + sum_i D_i q_i^2 - 2 q_k) + value,
    U = - (beta/2) (1 - sum_i D_i q_i^2) - beta h^2 (1 - sum_i D_i q_i).

f is stationary in q(x), and marginal along its continuous part: a staircase of k steps errs by ``k^-4``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from deepglass import checks
from deepglass.errors import InvalidInput
from theory import terms
from theory.gaussian import Array
from theory.models.ladder import TOLERANCE, Image, Ladder, climb, gaps, given, optimise
from theory.parisi import Recursion

OPTIMISED = 3
"""Up to this k the break points are made stationary unless they are given."""

TEMPERATURE_MIN = 1e-3
"""Coldest: the field spans beta, and the nodes of its grid grow with it."""


def _graded(k: int, last: float, width: float) -> Array:
    """Break points (k,) up to ``last``: even below ``width``, geometric above."""
    rise = math.asinh(last / width)
    return np.asarray(width * np.sinh(rise * np.arange(1, k + 1) / k))


@dataclass(frozen=True)
class SKSolution:
    """The Sherrington-Kirkpatrick model at one temperature; overlaps ``q`` (k+1,), break points ``m`` (k,).

    ``free_energy``, ``energy`` and ``entropy`` per spin; ``replicon`` = ``1 - beta^2 < f_k''^2 >`` is 0 where
    the states are marginal. ``residual``, ``rho`` and ``evaluations`` as in :class:`Ladder`.
    """

    temperature: float
    random_field: float
    m: Array = field(repr=False)
    q: Array = field(repr=False)
    free_energy: float
    energy: float
    replicon: float
    residual: float
    rho: float
    evaluations: int

    @property
    def q_ea(self) -> float:
        """The self-overlap of a state."""
        return float(self.q[-1])

    @property
    def entropy(self) -> float:
        """``(U - f)/T``; negative at low T for small k."""
        return (self.energy - self.free_energy) / self.temperature

    @property
    def susceptibility(self) -> float:
        """``beta (1 - sum_i D_i q_i)``: exactly 1 below T = 1 in the continuous limit without field."""
        return float(1.0 - gaps(self.m) @ self.q) / self.temperature

    def as_json(self) -> dict[str, object]:
        """Numbers and lists of ``python -m theory sk``."""
        return {
            "temperature": self.temperature,
            "energy": self.energy,
            "free_energy": self.free_energy,
            "entropy": self.entropy,
            "q_ea": self.q_ea,
            "replicon": self.replicon,
            "m": self.m.tolist(),
            "q": self.q.tolist(),
            "residual": self.residual,
            "evaluations": self.evaluations,
        }


def sk_break_points(temperature: float, k: int) -> Array:
    """A grid (k,) for many levels: q(x) varies over ``x ~ T`` and is flat from just below its last node."""
    last = 0.54 * math.tanh(3.8 * max(1.0 - temperature, 0.01))
    return _graded(k, last, 0.5 * temperature)


def sk(
    temperature: float,
    k: int = 0,
    break_points: Sequence[float] | Array | None = None,
    *,
    random_field: float = 0.0,
    tolerance: float = TOLERANCE,
    step: float = terms.STEP,
) -> SKSolution:
    """Solve the SK model with k steps of replica symmetry breaking.

    ``break_points`` (k,): given, or stationary for ``k <= OPTIMISED`` and :func:`sk_break_points` beyond.
    ``random_field``: standard deviation of a Gaussian field on every spin. ``step``: grading of the field
    grid. Time and memory grow as ``k n^2`` with n grid nodes: a second at k = 100, and 0.6 GB at T = 0.02.
    Raises InvalidInput, NotConverged.

    Above T = 1 the spins are free of each other, and the energy is ``-1/(2T)``:

    >>> f"{sk(2.0, k=1).energy:.6f}"
    '-0.250000'
    """
    T = checks.real("temperature", temperature, at_least=TEMPERATURE_MIN)
    h = checks.real("random_field", random_field, at_least=0.0)
    k, m = given(k, break_points)
    beta = 1.0 / T
    liquid = h == 0.0 and T >= 1.0

    def solve(m: Array, start: Array | None, spent: int) -> Ladder[Recursion]:
        def mapping(q: Array) -> Image[Recursion]:
            term = terms.neuron(beta**2 * (q + h**2), m, step)
            return Image(term.w, beta**2 * term.response, term)

        if start is None:
            size = 0.0 if liquid else max(0.1, 1.0 - min(T, 1.0) ** 1.5)
            start = size * np.arange(1, m.size + 2) / (m.size + 1)
        return climb(mapping, m, start, tolerance, spent)

    def slope(ladder: Ladder[Recursion]) -> Array:
        return -0.25 * beta**2 * np.diff(ladder.x**2) + np.diff(ladder.term.mean) / ladder.m

    if m is not None or k > OPTIMISED or liquid:
        found = solve(sk_break_points(T, k) if m is None else m, None, 0)
    elif k == 0:
        found = solve(np.empty(0), None, 0)
    else:
        found = optimise(solve, slope, sk_break_points(T, k + 1)[:-1])
    q, term, width = found.x, found.term, gaps(found.m)
    square = float(width @ q**2)
    potential = 0.25 * beta**2 * (1.0 + square - 2.0 * q[-1]) + term.value
    energy = -0.5 * beta * (1.0 - square) - beta * h**2 * (1.0 - width @ q)
    return SKSolution(
        T,
        h,
        found.m,
        q,
        float(-T * potential),
        float(energy),
        float(1.0 - beta**2 * term.chi[-1]),
        found.residual,
        found.rho,
        found.evaluations,
    )


@dataclass(frozen=True)
class GroundState:
    """Ground-state energy of the SK model per spin, with the error its extrapolations admit.

    ``free_energies``: rows by temperature, columns by k.
    """

    energy: float
    error: float
    temperatures: tuple[float, ...]
    levels: tuple[int, ...]
    free_energies: Array = field(repr=False)


def sk_ground_state(
    temperatures: Sequence[float] = (0.02, 0.03, 0.045, 0.06), levels: Sequence[int] = (8, 16, 32)
) -> GroundState:
    """Extrapolate f(T; k) to infinite k as ``k^-4`` and to T = 0 as ``E + a T^3 + b T^4 + ...``.

    The entropy vanishes as T^2, hence ``f = E - O(T^3)``. The error is what leaving out the finest level and
    what leaving out the highest temperature change.
    """
    T = np.sort(np.asarray(temperatures, dtype=np.float64))
    k = np.asarray(sorted(levels), dtype=np.float64)
    if T.size < 2 or k.size < 3:
        raise InvalidInput("an extrapolation with its error needs 2 temperatures and 3 levels")
    f = np.array([[sk(float(t), int(n)).free_energy for n in k] for t in T])
    fourth = (k[1:] / k[:-1]) ** 4
    limit = f[:, 1:] + np.diff(f, axis=1) / (fourth - 1.0)

    def at_zero(T: Array, f: Array) -> float:
        powers = np.column_stack([np.ones_like(T), *(T**n for n in range(3, 2 + T.size))])
        return float(np.linalg.solve(powers, f)[0])

    energy = at_zero(T, limit[:, -1])
    error = abs(energy - at_zero(T, limit[:, -2])) + abs(energy - at_zero(T[:-1], limit[:-1, -1]))
    return GroundState(energy, error, tuple(T.tolist()), tuple(int(n) for n in k), f)
