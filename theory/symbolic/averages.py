# mypy: disable-error-code="import-untyped"
"""Single-site averages of the replica-symmetric equations to any number of digits (mpmath).

Gauss-Legendre panels that shrink geometrically towards the narrow feature of each integrand, and the plain
formulas: with 40 digits nothing needs to be rearranged. All work at mpmath's current precision. ``n`` is 0
for random, 1 for teacher-student. Hard core: ``f = ln Phi(u)``, ``u = (sqrt(lambda) z - k)/sqrt(1-lambda)``.
"""

from functools import cache
from typing import Any, NamedTuple

from mpmath import mp
from mpmath.calculus.quadrature import GaussLegendre

Number = Any
"""An mpmath real (mpmath carries no types)."""

LOW = 15
"""Digits of the rough solution from which the precise one starts."""

_WIDEST = 3
_GROWTH = 0.7


class Gap(NamedTuple):
    """``w = < f'^2 >`` and ``log = < f >``."""

    w: Number
    log: Number


class Neuron(NamedTuple):
    """Overlap ``q`` and average log partition function ``log``."""

    q: Number
    log: Number


class Site(NamedTuple):
    """Of a neuron with its own gap: ``w`` (the note's W), overlap ``q``, ``log = < ln G >``."""

    w: Number
    q: Number
    log: Number


@cache
def _legendre(digits: int) -> list[tuple[Number, Number]]:
    """Nodes and weights on [-1, 1]: 12, 24 or 48 of them.

    Seen from a panel below, the poles of the integrands lie outside an ellipse with its foci at the ends of
    the panel and half-axes that sum to 6 half-widths or more: m nodes give 1.5 m digits.
    """
    level = 3 if digits <= LOW else 4 if digits <= 40 else 5
    return list(GaussLegendre(mp).calc_nodes(level, mp.prec))


def _rule(centre: Number, scale: Number) -> list[tuple[Number, Number]]:
    """Nodes and weights of ``INT Dz`` for an integrand with a feature of width ``scale`` at ``centre``."""
    reach = mp.sqrt(2 * mp.ln(10) * (mp.dps + 2))
    nodes = []
    for side in (-1, 1):
        end = reach - side * centre
        low, width = mp.mpf(0), scale
        while low < end:
            high = min(low + width, end)
            middle, half = (high + low) / 2, (high - low) / 2
            for x, weight in _legendre(mp.dps):
                z = centre + side * (middle + half * x)
                nodes.append((z, weight * half * mp.npdf(z)))
            low, width = high, min(_GROWTH * high, mp.mpf(_WIDEST))
    return nodes


def _gap_rule(overlap: Number, margin: Number) -> list[tuple[Number, Number]]:
    """Panels around the gap's margin, ``z = margin/sqrt(lambda)``, of width ``sqrt((1-lambda)/lambda)``."""
    if overlap < 0.5:
        return _rule(mp.mpf(0), mp.mpf(1))
    return _rule(margin / mp.sqrt(overlap), mp.sqrt((1 - overlap) / overlap))


def _field_rule(eps: Number, n: int) -> list[tuple[Number, Number]]:
    """Panels around the zero of the neuron's field ``n eps + sqrt(eps) z``."""
    return _rule(-n * mp.sqrt(eps), 1 / mp.sqrt(max(eps, mp.mpf(1))))


def gap(overlap: Number, margin: Number, n: int) -> Gap:
    """A perceptron's gap at overlap lambda; for n = 1 averages are weighted by ``Phi(u)/Phi(-k)``."""
    width = mp.sqrt(1 - overlap)
    square, log = mp.mpf(0), mp.mpf(0)
    for z, weight in _gap_rule(overlap, margin):
        u = (mp.sqrt(overlap) * z - margin) / width
        volume = mp.erfc(-u / mp.sqrt(2)) / 2
        tilt = weight * volume if n else weight
        square += tilt * (mp.npdf(u) / volume / width) ** 2
        log += tilt * mp.ln(volume)
    norm = mp.erfc(margin / mp.sqrt(2)) / 2 if n else 1
    return Gap(square / norm, log / norm)


def neuron(eps: Number, n: int) -> Neuron:
    """A neuron in the field ``h = n eps + sqrt(eps) z``: ``< tanh^2 h >`` (n = 0) or ``< tanh h >`` (n = 1).

    ``log`` is ``< ln 2cosh h >``.
    """
    overlap, log = mp.mpf(0), mp.mpf(0)
    for z, weight in _field_rule(eps, n):
        h = n * eps + mp.sqrt(eps) * z
        overlap += weight * mp.tanh(h) ** (1 if n else 2)
        log += weight * mp.ln(2 * mp.cosh(h))
    return Neuron(overlap, log)


def site(overlap: Number, eps: Number, margin: Number, n: int) -> Site:
    """A neuron with its own gap (site closure), ``G = e^h Phi(u+) + e^-h Phi(u-)``.

    ``u+- = (+-sqrt(lambda) z - k)/sqrt(1 - lambda)``; ``q`` is the mean square magnetisation, ``w`` that of
    the slope of ln G in the gap's field. For n = 1 the weight is ``Phi(u+)/Phi(-k)`` and h has mean eps.
    """
    width, root = mp.sqrt(1 - overlap), mp.sqrt(overlap)
    factors = []
    for t, weight in _field_rule(eps, n):
        up = mp.exp(n * eps + mp.sqrt(eps) * t)
        factors.append((up, 1 / up, weight))
    w, q, log = mp.mpf(0), mp.mpf(0), mp.mpf(0)
    for z, outer in _gap_rule(overlap, mp.mpf(0)):
        above, below = (root * z - margin) / width, (-root * z - margin) / width
        plus, minus = mp.ncdf(above), mp.ncdf(below)
        slope_plus, slope_minus = mp.npdf(above), mp.npdf(below)
        tilt = outer * plus if n else outer
        for up, down, inner in factors:
            a, b = up * plus, down * minus
            total, weight = a + b, tilt * inner
            w += weight * ((up * slope_plus - down * slope_minus) / total) ** 2
            q += weight * ((a - b) / total) ** 2
            log += weight * mp.ln(total)
    norm = mp.ncdf(-margin) if n else 1
    return Site(w / norm / (1 - overlap), q / norm, log / norm)
