"""Solid or liquid: the 1/e criterion, and how far the solid reaches from each boundary."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["THRESHOLD", "Extent", "extent", "phase"]

THRESHOLD = 1 / math.e
"""A layer is solid where its normalised overlap exceeds 1/e (arXiv:2506.06789, Fig. 1)."""


@dataclass(frozen=True)
class Extent:
    """Where the solid ends: all in layers of a profile q_0..q_L.

    Attributes:
        xi_input: interpolated layer at which q falls to 1/e, counted from the input; NaN if it never does.
        xi_output: the same counted from the output.
        n_liquid: number of hidden layers with q_l <= 1/e.
    """

    xi_input: float
    xi_output: float
    n_liquid: int


def phase(q: ArrayLike) -> list[str]:
    """The phase of each layer: solid, liquid or, where the overlap is, missing.

    >>> phase([1.0, 0.5, 0.3])
    ['solid', 'solid', 'liquid']
    """
    values = np.asarray(q, dtype=float)
    return ["missing" if math.isnan(x) else "solid" if x > THRESHOLD else "liquid" for x in values]


def extent(q: ArrayLike) -> Extent:
    """Penetration depths and number of liquid layers of a profile q_0..q_L (boundaries included).

    >>> found = extent([1.0, 0.5, 0.1, 0.0, 0.6, 1.0])
    >>> f"{found.xi_input:.2f} {found.xi_output:.2f} {found.n_liquid}"
    '1.33 1.39 2'
    """
    profile = np.asarray(q, dtype=float)
    hidden = profile[1:-1]
    return Extent(_depth(profile), _depth(profile[::-1]), int(np.sum(hidden <= THRESHOLD)))


def _depth(q: NDArray[np.float64]) -> float:
    below = np.flatnonzero(q <= THRESHOLD)
    if below.size == 0 or below[0] == 0 or np.isnan(q[: below[0]]).any():
        return math.nan
    first = int(below[0])
    above, under = q[first - 1], q[first]
    return float(first - 1 + (above - THRESHOLD) / (above - under))
