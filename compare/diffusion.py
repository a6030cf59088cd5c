"""What weights do when nothing holds them: the null of every claim about glassy motion.

Overdamped Langevin dynamics without forces makes each weight a free walk, of mean squared displacement 2 eta
T t/P (arXiv:2405.13098; the notation of :mod:`simulate.dynamics.descent`). The overlap, the fraction of
weights that have moved by at most a length, is then exactly Q(t) = erf(length/sqrt(4 eta T t/P)): it falls
as t^(-1/2) at late times, curves of all T collapse when t is measured in relaxation times, and these go as
1/T. None of the three is glassy.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, erfinv

Values = NDArray[np.float64]


def free_overlap(t: Any, diffusivity: float, length: float) -> Values:
    """Q(t) of free walks; ``diffusivity`` is eta T/P, in squared weights a step; 1 at t = 0."""
    times = np.asarray(t, dtype=float)
    spread = np.sqrt(4 * diffusivity * times)
    found = erf(np.divide(length, spread, out=np.full_like(times, np.inf), where=spread > 0))
    return np.asarray(found)


def free_time(level: float, diffusivity: float, length: float) -> float:
    """When Q falls to ``level``: 0.18481 length^2 P/(eta T) for 0.9, 2.1815 for 1/e; infinite at T = 0."""
    if diffusivity == 0:
        return math.inf
    return float(length**2 / (4 * diffusivity * erfinv(level) ** 2))


def free_master(u: Any, level: float = math.exp(-1)) -> Values:
    """Q of free walks against t in units of the time at which it falls to ``level``."""
    return np.asarray(erf(erfinv(level) / np.sqrt(np.asarray(u, dtype=float))))


def well_displacement(t: Any, temperature: float, lambda_: float, eta: float, patterns: int) -> Values:
    """Mean squared displacement of a weight in equilibrium in the well of L2 alone: 2 T/(P lambda) (1 - k^t).

    k = 1 - eta lambda; it tends to 2 T/(P lambda): a trap, with no rise after it.
    """
    keep = 1 - eta * lambda_
    variance = 2 * temperature * eta / patterns / (1 - keep**2)
    return np.asarray(2 * variance * (1 - keep ** np.asarray(t, dtype=float)))
