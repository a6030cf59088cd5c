"""The interaction of a perceptron with its gap, after its innermost Gaussian average.

A potential v enters the replica equations only through

    f(h; v2) = ln INT Dx exp(-beta v(h + sqrt(v2) x))

and its h-derivatives, with ``v2 = 1 - lambda`` the variance left inside a state. They are given in
closed form, so that a step or a kink of v never meets a quadrature. They are asked at the *excess*
``h - margin``: near the margin the caller knows it better than the difference of two doubles.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from scipy.special import erfcx, log_ndtr

from theory.gaussian import Array

_FRACTION_FROM = 6.0
_FRACTION_DEPTH = 24


class Slopes(NamedTuple):
    """df/dh and d2f/dh2, each of the shape of h."""

    first: Array
    second: Array


class Potential(Protocol):
    """What the chain asks of an interaction."""

    @property
    def name(self) -> str:
        """The word under which results are labelled."""
        ...

    @property
    def margin(self) -> float:
        """The gap at which the potential acts; the feature a quadrature has to resolve."""
        ...

    def value(self, excess: Array, variance: Array) -> Array:
        """f(margin + excess; variance); arguments broadcast, ``variance`` > 0."""
        ...

    def slopes(self, excess: Array, variance: Array) -> Slopes:
        """The first two h-derivatives of f(margin + excess; variance)."""
        ...


def inverse_mills(u: Array) -> tuple[Array, Array]:
    """``H(u) = phi(u)/Phi(u)`` and ``H(u) + u``, both to rounding error for any u.

    H by the scaled error function; H + u, which cancels for u << 0, there by the continued fraction
    ``1/(y + 2/(y + 3/(y + ...)))`` with ``y = -u`` (Abramowitz & Stegun 26.2.14).
    """
    ratio = math.sqrt(2.0 / math.pi) / erfcx(-u / math.sqrt(2.0))
    total = np.asarray(ratio + u)
    deep = u < -_FRACTION_FROM
    y = -u[deep]
    tail = y
    for k in range(_FRACTION_DEPTH, 1, -1):
        tail = y + k / tail
    total[deep] = 1.0 / tail
    return np.asarray(ratio), total


@dataclass(frozen=True)
class HardCore:
    """Every gap at least ``margin``: ``exp(-beta v(r)) = theta(r - margin)``.

    ``f = ln Phi(u)``, ``f' = H(u)/sqrt(v2)``, ``f'' = -H(u) [H(u) + u]/v2`` with
    ``u = (h - margin)/sqrt(v2)``.
    """

    margin: float = 0.0
    name: str = "hard-core"

    def value(self, excess: Array, variance: Array) -> Array:
        """``ln Phi(u)``."""
        return np.asarray(log_ndtr(excess / np.sqrt(variance)))

    def slopes(self, excess: Array, variance: Array) -> Slopes:
        """The inverse Mills ratio and its derivative, in units of the width."""
        width = np.sqrt(variance)
        ratio, total = inverse_mills(np.asarray(excess / width))
        return Slopes(ratio / width, -ratio * total / variance)
