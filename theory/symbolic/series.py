# mypy: disable-error-code="import-untyped"
"""Single-site terms of the replica-symmetric functional as power series in small overlaps.

A term of the functional has the form ``ln < G^n >``: n replicas share the Gaussian fields over which
``< >`` averages. A scenario is a number of replicas, and what it keeps is the derivative there,

    d/dn ln < G^n >  at n = 0 (random) or n = 1 (teacher-student),

since ``ln < G^0 > = 0`` and the teacher-student entropy is the response to one student more. Here
``ln G`` is expanded in ``sqrt(lambda)`` and ``sqrt(eps)``, ``exp(n ln G)`` averaged by the moments
of a Gaussian, and n stays a symbol until the derivative is taken.

Series hold for the hard core at a symbolic margin ``KAPPA``, with ``MILLS`` for ``phi(k)/Phi(-k)``
(:func:`mills_ratio`), so that ``w(0) = MILLS^2``. "Order k" keeps total degree k in the overlaps.
"""

from functools import cache
from math import factorial
from typing import Any

import sympy as sp
from sympy.polys.ring_series import rs_exp, rs_log, rs_mul
from sympy.polys.rings import ring

LAMBDA = sp.Symbol("lambda", nonnegative=True)
EPS = sp.Symbol("epsilon", nonnegative=True)
Q_WEIGHT = sp.Symbol("Q", nonnegative=True)
KAPPA = sp.Symbol("kappa", real=True)
MILLS = sp.Symbol("r", positive=True)

Poly = Any
"""An element of the ring below (sympy carries no types)."""

# Bookkeeping variable, sqrt(lambda), sqrt(eps), their unit Gaussians z and y, replicas, margin, Mills ratio.
_RING, _B, _T, _S, _Z, _Y, _N, _K, _R = ring("b t s z y n kappa r", sp.QQ)


def mills_ratio(margin: sp.Expr = KAPPA) -> sp.Expr:
    """``phi(margin)/Phi(-margin)``, the value of ``MILLS``; ``w(lambda = 0)`` is its square."""
    return sp.sqrt(2 / sp.pi) * sp.exp(-(margin**2) / 2) / sp.erfc(margin / sp.sqrt(2))


def log_tail(margin: sp.Expr = KAPPA) -> sp.Expr:
    """``ln Phi(-margin)``, the log volume a single gap leaves at zero overlap."""
    return sp.log(sp.erfc(margin / sp.sqrt(2)) / 2)


def gaussian_moment(power: int) -> int:
    """``INT Dz z^power``: 0 if odd, (power - 1)!! if even."""
    return 0 if power % 2 else int(sp.factorial2(power - 1))


def hermite(k: int, x: Poly) -> Poly:
    """The probabilists' Hermite polynomial ``He_k(x)``."""
    before, now = _RING(0), _RING(1)
    for i in range(k):
        before, now = now, x * now - i * before
    return now


def _average(polynomial: Poly) -> Poly:
    """``INT Dz Dy`` of a polynomial in z and y, by its monomials."""
    result = _RING(0)
    z, y = (_RING.gens.index(g) for g in (_Z, _Y))
    for powers, coefficient in polynomial.terms():
        moment = gaussian_moment(powers[z]) * gaussian_moment(powers[y])
        if moment:
            rest = tuple(0 if i in (z, y) else p for i, p in enumerate(powers))
            result += _RING({rest: coefficient * moment})
    return result


def _derivative_at(log_weight: Poly, prec: int, n: int) -> sp.Expr:
    """``d/dn ln < exp(n log_weight) >`` at n, below degree ``prec`` in sqrt(overlap), in LAMBDA and EPS."""
    free = rs_log(_average(rs_exp(_N * log_weight, _B, prec)), _B, prec)
    slope = free.diff(_N).evaluate(_N, n).as_expr()
    b, t, s = (sp.Symbol(name) for name in "bts")
    roots = {b: 1, t: sp.sqrt(LAMBDA), s: sp.sqrt(EPS), sp.Symbol("kappa"): KAPPA, sp.Symbol("r"): MILLS}
    return sp.expand(slope.subs(roots))


def _tilted_cumulative(prec: int) -> Poly:
    """``Phi(u)/Phi(-k)``, ``u = (sqrt(lambda) z - k)/sqrt(1 - lambda)``, in powers of sqrt(lambda).

    Smoothing theta(h - k) by a Gaussian of variance 1 - lambda undoes the growth of ``z^j`` into
    ``He_j(z)`` (Mehler): ``Phi(u) = sum_j lambda^(j/2) He_j(z) Phi^(j)(-k)/j!``, and
    ``Phi^(j)(-k) = He_{j-1}(k) phi(k)``.
    """
    result = _RING(1)
    for j in range(1, prec):
        result += _R * hermite(j - 1, _K) * (_B * _T) ** j * hermite(j, _Z) / factorial(j)
    return result


def _even_odd(polynomial: Poly) -> tuple[Poly, Poly]:
    """Parts even and odd in z."""
    flipped = polynomial.compose(_Z, -_Z)
    return (polynomial + flipped) / 2, (polynomial - flipped) / 2


def _exponential_parts(prec: int) -> tuple[Poly, Poly]:
    """``cosh h`` and ``sinh h`` of the neuron's field ``h = sqrt(eps) y``."""
    terms = [(_B * _S * _Y) ** j / factorial(j) for j in range(prec)]
    return sum(terms[::2], _RING(0)), sum(terms[1::2], _RING(0))


@cache
def bond_series(order: int, n: int) -> sp.Expr:
    """``d/dn (1/2) ln det Q`` of the symmetric overlap matrix (1 on its diagonal, Q off it), in Q_WEIGHT."""
    replicas = sp.Symbol("n")
    log_det = (replicas - 1) * sp.log(1 - Q_WEIGHT) + sp.log(1 + (replicas - 1) * Q_WEIGHT)
    slope = (sp.diff(log_det, replicas) / 2).subs(replicas, n)
    return sp.expand(sp.series(slope, Q_WEIGHT, 0, order + 1).removeO())


@cache
def interaction_series(order: int, n: int) -> sp.Expr:
    """``d/dn A(lambda)``, ``A = ln INT Dz Phi(u)^n``: the gap of a perceptron (note, section 2), in LAMBDA.

    Equals ``INT Dz f`` (n = 0) and ``INT Dz g f / INT Dz g`` (n = 1); its slope is ``-+ w(lambda)/2``.
    """
    prec = 2 * order + 1
    return log_tail() + _derivative_at(rs_log(_tilted_cumulative(prec), _B, prec), prec, n)


@cache
def neuron_series(order: int, n: int) -> sp.Expr:
    """``d/dn [ln INT Dy (2 cosh sqrt(eps) y)^n - n eps/2]``: a free neuron in its field, in EPS.

    ``n eps/2`` removes the diagonal a = b from the field; the conjugate term ``- eps q n (n - 1)/2`` is
    added by :func:`theory.symbolic.landau.functional`.
    """
    prec = 2 * order + 1
    cosh, _ = _exponential_parts(prec)
    return sp.log(2) + _derivative_at(rs_log(cosh, _B, prec), prec, n) - EPS / 2


@cache
def site_series(order: int, n: int) -> sp.Expr:
    """``d/dn [ln INT Dz Dy G^n - n eps/2]``: a neuron tied to its own gap (site closure), in LAMBDA and EPS.

    ``G = e^h Phi(u) + e^-h Phi(-u)`` at margin 0; at a margin both signs of the output keep their gap
    above it, ``Phi((+-sqrt(lambda) z - k)/sqrt(1 - lambda))`` (note, section 6). ``h = sqrt(eps) y``.
    """
    prec = 2 * order + 1
    cosh, sinh = _exponential_parts(prec)
    even, odd = _even_odd(_tilted_cumulative(prec))
    weight = rs_mul(cosh, even, _B, prec) + rs_mul(sinh, odd, _B, prec)
    return sp.log(2) + log_tail() + _derivative_at(rs_log(weight, _B, prec), prec, n) - EPS / 2


def site_slope(n: int, overlap: sp.Expr) -> sp.Expr:
    """Slope in LAMBDA of the site term at lambda = 0 for *any* eps, in ``overlap = < tanh^2 h >`` there.

    ``ln G = ln 2cosh h + ln(E + O tanh h)`` with E, O the even and odd parts of ``Phi(u)/Phi(-k)``;
    only the square of ``O = MILLS sqrt(lambda) z`` and the mean of E count at first order. The field h
    of a frozen neighbour need not be small.
    """
    prec = 3
    even, odd = _even_odd(_tilted_cumulative(prec))
    # y stands for tanh h here: a number, not a Gaussian.
    power = rs_exp(_N * rs_log(even + odd * _Y, _B, prec), _B, prec)
    tangent = sp.Symbol("y")
    z, n_symbol = sp.Symbol("z"), sp.Symbol("n")
    second = sp.Poly(power.as_expr().coeff(sp.Symbol("b"), 2).coeff(sp.Symbol("t"), 2), z)
    mean = sum(c * gaussian_moment(k) for (k,), c in second.terms())
    slope = sp.expand(sp.diff(mean, n_symbol).subs({n_symbol: n, sp.Symbol("r"): MILLS}))
    return sp.expand(slope.subs(tangent**2, overlap))
