"""How much random data a chain of hard cores can store: where all overlaps reach 1 together.

Near capacity all complements ``1 - q_l``, ``1 - Q_l`` shrink together, and the relations between them
become linear. What is left is an equation for alpha, one recursion through the layers in either closure.
"""

import math
from itertools import pairwise

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, ndtr

from deepglass import checks
from deepglass.errors import InvalidInput
from theory.closures import CLOSURES
from theory.gaussian import REACH, Array
from theory.network import check_depth
from theory.potentials import MARGIN_MAX, POTENTIALS, HardCore, Potential


def capacity(
    depth: int, margin: float = 0.0, *, closure: str = "gaussian", potential: str | Potential = "hard"
) -> float:
    """Storage ratio at which the replica-symmetric random branch ends, all overlaps reaching 1; inf if
    never.

    ``closure``: gaussian or site; ``potential``: hard, or soft, which forbids nothing and has no capacity.
    Depth 1 is Gardner's ``1/C`` (J. Phys. A 21, 257 (1988)) with ``C = INT_{-k}^inf Dt (t + k)^2``, k
    the margin, in either closure. At margin 0 and depth 2 the gaussian closure ends at 48.9588, and
    deeper gaussian chains store any number of patterns. Raises InvalidInput for values out of range.

    >>> [f"{capacity(depth):.4f}" for depth in (1, 2, 3)]
    ['2.0000', '48.9588', 'inf']
    """
    depth = check_depth(depth)
    margin = checks.real("margin", margin, at_least=-MARGIN_MAX, at_most=MARGIN_MAX)
    closure = checks.one_of("closure", closure, CLOSURES)
    if checks.one_of("potential", potential, POTENTIALS) == "soft":
        return math.inf
    return gaussian_capacity(depth, margin) if closure == "gaussian" else site_capacity(depth, margin)


def capacity_of(depth: int, potential: Potential, closure: str) -> float:
    """The capacity where it is known: of hard cores; inf for any other potential."""
    if not isinstance(potential, HardCore):
        return math.inf
    if closure not in CLOSURES:
        raise InvalidInput(f"the capacity of closure {closure!r} is not known")
    return capacity(depth, potential.margin, closure=closure)


def second_moment(margin: float) -> float:
    """``C = INT_{-k}^inf Dt (t + k)^2``: a perceptron near capacity has ``w = C/(1 - lambda)^2``."""
    density = math.exp(-0.5 * margin * margin) / math.sqrt(2.0 * math.pi)
    return (1.0 + margin * margin) * float(ndtr(margin)) + margin * density


def gaussian_capacity(depth: int, margin: float) -> float:
    """``1/(sqrt(C) - sqrt(X_L))^2`` if ``C > X_L``, else inf.

    ``w = C/(1 - lambda)^2`` and a neuron answers ``1 - q = sqrt(2/(pi eps))``: linear relations between the
    complements, with a positive solution up to this alpha. X_L is :func:`_depth_constant`.
    """
    moment, constant = second_moment(margin), _depth_constant(depth)
    return math.inf if moment <= constant else 1.0 / (math.sqrt(moment) - math.sqrt(constant)) ** 2


def site_capacity(depth: int, margin: float) -> float:
    """Capacity of the site closure: the alpha at which the recursion of :func:`_first_moment` gives
    ``alpha C_1 = 1``.

    Near capacity the neuron takes the sign of ``t + c(a)``, ``c = g(a) rho_l/sqrt(C_{l+1})``, with
    ``g = [(k+a)_+^2 - (k-a)_+^2]/4`` and ``rho_l = (1 - lambda_{l+1})/(1 - lambda_l)``. Then
    ``W_l = C_l/(1-lambda_l)^2``, ``1 - q_l = 2 E[phi(c)] (1 - lambda_{l+1})/sqrt(C_{l+1})`` and
    ``1 - Q_l = (1 - lambda_l)/sqrt(alpha C_l)``. inf where there is none up to e^60 times Gardner's, 1e26.
    """
    last = second_moment(margin)
    if depth == 1:
        return 1.0 / last

    def excess(log_alpha: float) -> float:
        alpha = math.exp(log_alpha)
        return alpha * _first_moment(depth, margin, alpha, last) - 1.0

    low = -math.log(last)
    high = low + 1.0
    while excess(high) < 0.0:
        high += 1.0
        if high > low + 60.0:
            return math.inf
    return math.exp(float(brentq(excess, low + 1e-12, high, xtol=1e-14, rtol=1e-14)))


def _first_moment(depth: int, margin: float, alpha: float, last: float) -> float:
    """C_1 from C_L = ``last``: each layer solves
    ``2 E[phi(c)] sqrt(alpha)/(sqrt(alpha C_{l+1}) - 1) = 1`` for rho_l.

    The left side falls with rho. Where even rho = 0 leaves it below 1, or C is below ``1/alpha``, the
    layers further in carry no positive complements: C is 0 there.
    """
    a, weight = _half_line(abs(margin))
    above, below = np.maximum(margin - a, 0.0) ** 2, np.maximum(margin + a, 0.0) ** 2
    gap = 0.25 * (below - above)
    moment = last
    for _ in range(depth - 1):
        if alpha * moment <= 1.0:
            return 0.0
        target = (math.sqrt(alpha * moment) - 1.0) / (2.0 * math.sqrt(alpha))

        def miss(log_ratio: float, target: float = target) -> float:
            c = math.exp(log_ratio) * gap
            return float(np.sum(weight * np.exp(-0.5 * c * c))) / math.sqrt(2.0 * math.pi) - target

        if miss(-60.0) <= 0.0:
            return math.inf
        if miss(60.0) >= 0.0:
            return 0.0
        c = math.exp(float(brentq(miss, -60.0, 60.0, xtol=1e-15, rtol=1e-15))) * gap
        moment = float(np.sum(weight * (ndtr(c) * above + ndtr(-c) * below)))
    return moment


def _half_line(kink: float) -> tuple[Array, Array]:
    """Nodes a > 0 and weights of ``2 INT_0 Da``, graded towards 0 and towards a kink (tanh-sinh on both
    pieces).
    """
    t = np.arange(-3.7, 3.7, 0.025)
    share = 0.5 * np.pi * np.cosh(t) * 0.025
    piece = expit(np.pi * np.sinh(t))
    slope = 2.0 * share * piece * expit(-np.pi * np.sinh(t))
    ends = [0.0, kink, kink + REACH] if kink > 0.0 else [0.0, REACH]
    a = np.concatenate([low + (high - low) * piece for low, high in pairwise(ends)])
    weight = np.concatenate([(high - low) * slope for low, high in pairwise(ends)])
    return a, 2.0 * weight * np.exp(-0.5 * a * a) / math.sqrt(2.0 * math.pi)


def _depth_constant(depth: int) -> float:
    """X_L of :func:`gaussian_capacity`: 0, 1/pi, (2/pi)/1.25, ... growing to 2/pi.

    Near capacity ``1 - q_l`` is proportional to a ``delta_l > 0`` (delta_0 = delta_L = 0) with

        X [(delta_l/(delta_{l-1} + delta_l))^2 + (delta_l/(delta_l + delta_{l+1}))^2] = 2/pi

    for every hidden layer. With ``v_l = delta_l/(delta_l + delta_{l+1})`` and 2/pi = mu X this is the
    recursion ``v_l^2 = mu - (1 - v_{l-1})^2`` from ``v_1^2 = mu - 1``, ended by the symmetry of the chain:
    ``v = 1/2`` on its middle bond (odd L), ``2 (1 - v)^2 = mu`` before its middle layer (even L).
    """
    if depth == 1:
        return 0.0
    half = depth // 2

    def mismatch(log_first: float) -> float:
        first = math.exp(2.0 * log_first)
        v = math.exp(log_first)
        for _ in range(half - 1 if depth % 2 else half - 2):
            v = math.sqrt(first + v * (2.0 - v))
        return v - 0.5 if depth % 2 else (1.0 + first) - 2.0 * (1.0 - v) ** 2

    if depth == 2:
        return 1.0 / math.pi
    low, high = -300.0, math.log(0.5)
    if mismatch(low) > 0.0:
        return 2.0 / math.pi
    first = math.exp(2.0 * float(brentq(mismatch, low, high, xtol=1e-15, rtol=1e-15)))
    return 2.0 / math.pi / (1.0 + first)
