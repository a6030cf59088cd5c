"""The interaction of a perceptron with its gap, after its innermost Gaussian average.

A potential v enters the replica equations only through

    f(h; v2) = ln INT Dx exp(-beta v(h + sqrt(v2) x))

and its h-derivatives, with ``v2 = 1 - lambda`` the variance left inside a state. They are given in
closed form, so that a step or a kink of v never meets a quadrature. They are asked at the *excess*
``h - margin``: near the margin the caller knows it better than the difference of two doubles.

A new interaction is one class with ``name``, ``margin``, ``value`` and ``slopes``: nothing else asks what
it is. Quadratures refine around the margin down to the width ``sqrt(v2)``, below which f cannot vary.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from scipy.special import erfcx, log_ndtr

from deepglass import checks
from deepglass.errors import InvalidInput
from theory.gaussian import Array

__all__ = ["POTENTIALS", "HardCore", "Potential", "Slopes", "SoftCore", "potential_of"]

MARGIN_MAX = 4.0
"""Largest |margin|. At -4 chance meets all but 3e-5 of the constraints: spinodals lie near 2e9 already."""

BETA_MIN, BETA_MAX = 1e-3, 1e8
"""Inverse temperatures of the soft core: at 1e8 it is the hard core to 1e-4."""

_LOG_SQRT_2PI = 0.5 * math.log(2.0 * math.pi)
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


@dataclass(frozen=True)
class SoftCore:
    """A harmonic penalty for gaps below the margin: ``v(r) = (r - margin)^2/2`` there, else 0.

    With u = h/sqrt(v2) (h the excess), ``b = beta/(1 + beta v2)``, ``s = 1/sqrt(1 + beta v2)``, y = s u:

        exp f = Phi(u) + T,   T = s exp(-b h^2/2) Phi(-y) = s phi(u) M(y),   M(y) = Phi(-y)/phi(y)
        f'  = [b sqrt(v2) phi(u) - b h T] exp(-f) = b sqrt(v2) phi(u) [1 - y M(y)] exp(-f)
        f'' = -b T exp(-f) - b sqrt(v2) f' [H(u) + u] Phi(u) exp(-f)

    The first form of f' is a sum of positive terms for h < 0, the second for h >= 0; f'' always is.
    ``beta -> infinity`` is the hard core.
    """

    beta: float
    margin: float = 0.0
    name: str = "soft-core"

    def value(self, excess: Array, variance: Array) -> Array:
        """``ln[Phi(u) + T]``."""
        excess, variance = np.broadcast_arrays(excess, variance)
        return np.asarray(
            np.logaddexp(log_ndtr(excess / np.sqrt(variance)), self._log_inside(excess, variance))
        )

    def slopes(self, excess: Array, variance: Array) -> Slopes:
        """f' and f'' from the shares Phi(u)/exp f and T/exp f of the two sides of the margin."""
        excess, variance = np.broadcast_arrays(excess, variance)
        width = np.sqrt(variance)
        u = excess / width
        stiffness = self.beta / (1.0 + self.beta * variance)
        f = self.value(excess, variance)
        inside = np.exp(self._log_inside(excess, variance) - f)
        outside = np.exp(log_ndtr(u) - f)
        edge = stiffness * width * np.exp(-0.5 * u * u - _LOG_SQRT_2PI - f)
        # 1 - y M(y) = (H(-y) - y)/H(-y), for y >= 0 only: H(-y) vanishes on the other side.
        above = excess >= 0.0
        y = np.where(above, u, 0.0) / np.sqrt(1.0 + self.beta * variance)
        ratio, total = inverse_mills(np.asarray(-y))
        first = np.where(above, edge * total / ratio, edge - stiffness * excess * inside)
        second = -stiffness * (inside + width * first * inverse_mills(np.asarray(u))[1] * outside)
        return Slopes(first, second)

    def _log_inside(self, excess: Array, variance: Array) -> Array:
        """ln T, the weight of gaps below the margin."""
        spread = 1.0 + self.beta * variance
        y = excess / np.sqrt(variance * spread)
        return np.asarray(-0.5 * np.log(spread) - 0.5 * self.beta * excess**2 / spread + log_ndtr(-y))


POTENTIALS = ("hard", "soft")
"""The words by which the command line and ``solve_profile`` name the potentials."""


def potential_of(word: str | Potential, margin: float = 0.0, beta: float | None = None) -> Potential:
    """The potential a user names, or brings along as an object with margin and temperature of its own.

    Raises InvalidInput for values out of range, or a margin or beta where none belongs.
    """
    if not isinstance(word, str):
        if margin != 0.0 or beta is not None:
            raise InvalidInput(f"potential = {word!r} has its own parameters; leave out margin and beta")
        return word
    word = checks.one_of("potential", word, POTENTIALS)
    margin = checks.real("margin", margin, at_least=-MARGIN_MAX, at_most=MARGIN_MAX)
    if word == "hard":
        if beta is not None:
            raise InvalidInput(f"beta = {beta!r} belongs to the soft potential; the hard core has none")
        return HardCore(margin)
    if beta is None:
        raise InvalidInput("potential = 'soft' needs beta, the inverse temperature")
    return SoftCore(checks.real("beta", beta, at_least=BETA_MIN, at_most=BETA_MAX), margin)
