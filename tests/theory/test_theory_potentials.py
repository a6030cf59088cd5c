"""Potentials as data: soft core against high precision, its limits, a potential of the user's own."""

import math
from dataclasses import dataclass
from itertools import pairwise

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import log_ndtr
from scipy.stats import norm

from deepglass.errors import InvalidInput
from theory import measures, solve_profile
from theory.network import Chain
from theory.potentials import HardCore, Slopes, SoftCore, potential_of
from theory.saddle import least


def row(value):
    return np.array([float(value)])


@pytest.mark.parametrize("beta", [1e-3, 1.0, 50.0, 1e4, 1e8])
@pytest.mark.parametrize("variance", [1.0, 1e-3, 1e-8])
def test_soft_core_against_high_precision(beta, variance):
    """f, f' and f'' by 60-digit differentiation of exp f = Phi(u) + T; f keeps an absolute error where
    it is tiny.
    """
    with mp.workdps(60):
        v, b0 = mp.mpf(variance), mp.mpf(beta)
        b, s = b0 / (1 + b0 * v), 1 / mp.sqrt(1 + b0 * v)

        def f(h):
            u = h / mp.sqrt(v)
            return mp.log(mp.ncdf(u) + s * mp.exp(-b * h * h / 2) * mp.ncdf(-u * s))

        for u in (-30.0, -8.0, -0.5, 0.0, 1e-3, 0.7, 7.0):
            h = u * math.sqrt(variance)
            found = SoftCore(beta).value(row(h), row(variance)), *SoftCore(beta).slopes(row(h), row(variance))
            exact = f(mp.mpf(h)), mp.diff(f, mp.mpf(h)), mp.diff(f, mp.mpf(h), 2)
            assert found[0][0] == pytest.approx(float(exact[0]), rel=1e-12, abs=2e-16)
            for i in (1, 2):
                assert found[i][0] == pytest.approx(float(exact[i]), rel=1e-12)


@pytest.mark.parametrize("margin", [0.0, 0.7])
def test_soft_core_is_the_average_of_its_boltzmann_factor(margin):
    beta, variance = 6.0, 0.4
    for h in (-2.0, 0.1, margin, 3.0):
        kink = (margin - h) / math.sqrt(variance)

        def integrand(x, h=h):
            gap = min(h + math.sqrt(variance) * x - margin, 0.0)
            return norm.pdf(x) * math.exp(-beta * gap * gap / 2)

        exact = quad(integrand, -12, kink, epsrel=1e-12)[0] + quad(integrand, kink, 12, epsrel=1e-12)[0]
        found = SoftCore(beta, margin).value(row(h - margin), row(variance))[0]
        assert found == pytest.approx(math.log(exact), rel=1e-10)


def test_nothing_overflows_far_from_the_margin():
    h = np.array([-1e6, -1e3, 1e3, 1e6])
    for beta in (1e-3, 1.0, 1e8):
        for variance in (1.0, 1e-12):
            potential = SoftCore(beta)
            with np.errstate(over="raise", invalid="raise", divide="raise"):
                values = potential.value(h, np.full(4, variance)), *potential.slopes(h, np.full(4, variance))
            assert all(np.isfinite(v).all() for v in values)


@settings(max_examples=60, deadline=None)
@given(st.floats(-6, 6), st.floats(-3, 0), st.floats(-1.5, 1.5))
def test_soft_core_becomes_the_hard_core(u, log_variance, margin):
    """Corrections of relative order (1 + |u|)^3/sqrt(beta v2): the penalty is felt over a width
    1/sqrt(beta).
    """
    variance = row(10.0**log_variance)
    h, beta = u * np.sqrt(variance), 1e8 / variance[0]
    soft, hard = SoftCore(beta, margin), HardCore(margin)
    bound = 2e-4 * (1 + abs(u)) ** 3
    assert soft.value(h, variance)[0] == pytest.approx(hard.value(h, variance)[0], rel=bound)
    for a, b in zip(soft.slopes(h, variance), hard.slopes(h, variance), strict=True):
        assert a[0] == pytest.approx(b[0], rel=bound)


@pytest.mark.parametrize("n", [0, 1])
@pytest.mark.parametrize("complement", [0.7, 0.4, 1e-2, 1e-6, 1e-12])
@pytest.mark.parametrize(("beta", "margin"), [(1.0, 0.0), (300.0, 0.5), (1e8, -0.5)])
def test_averages_of_the_soft_core_against_adaptive_quadrature(beta, margin, complement, n):
    potential, overlap = SoftCore(beta, margin), 1.0 - complement
    root, centre = math.sqrt(overlap), margin / math.sqrt(overlap)
    widths = [math.sqrt(complement), math.sqrt(complement + 1 / beta)]
    steps = [0.0, *(k * w for w in widths for k in (1, 3, 10, 30, 100, 1e3, 1e4)), *(0.5, 1, 2, 4, 8)]
    cuts = sorted(
        {s for step in steps for s in (-step, step) if abs(centre + s) < 12} | {-12 - centre, 12 - centre}
    )

    def average(function):
        def integrand(offset):
            weight = norm.pdf(centre + offset)
            h = row(root * offset)
            if n:
                tilt = potential.value(h, row(complement)) - potential.value(row(-margin), row(1.0))
                weight *= math.exp(tilt[0])
            return weight * function(h)

        return sum(
            quad(integrand, a, b, epsabs=1e-300, epsrel=1e-11, limit=100)[0] for a, b in pairwise(cuts)
        )

    w = average(lambda h: potential.slopes(h, row(complement)).first[0] ** 2)
    found = measures.interaction(potential, row(overlap), row(complement), n).w[0]
    assert found == pytest.approx(w, rel=1e-9)


@pytest.mark.parametrize(
    ("closure", "scenario"),
    [
        ("gaussian", "random"),
        ("gaussian", "teacher-student"),
        ("site", "random"),
        pytest.param("site", "teacher-student", marks=pytest.mark.slow),
    ],
)
def test_profiles_of_the_soft_core_tend_to_the_hard_core(scenario, closure):
    hard = solve_profile(scenario, 2, 4.0, closure=closure)
    errors = [
        abs(solve_profile(scenario, 2, 4.0, closure=closure, potential="soft", beta=b).q[1] - hard.q[1])
        for b in (1e4, 1e6, 1e8)
    ]
    # The error falls as 1/sqrt(beta).
    assert errors[1] < 0.15 * errors[0]
    assert errors[2] < 0.15 * errors[1] < 1e-2


@pytest.mark.parametrize("alpha", [0.5, 3.0])
def test_energy_is_the_derivative_of_the_entropy(alpha):
    """Random, depth 1: -ds/dbeta is the mean penalty < v > per gap in the field P(h) exp(-beta v), by
    quadrature.
    """
    beta, step = 5.0, 1e-4
    up, here, down = (
        solve_profile("random", 1, alpha, potential="soft", beta=beta + k * step) for k in (1, 0, -1)
    )
    lam = here.Q[0]

    def mean_penalty(z):
        h, sigma = math.sqrt(lam) * z, math.sqrt(1 - lam)
        edge = -h / sigma

        def weighted(x):
            return norm.pdf(x) * math.exp(-beta * (h + sigma * x) ** 2 / 2)

        below = quad(lambda x: weighted(x) * (h + sigma * x) ** 2 / 2, -14, edge, epsrel=1e-11)[0]
        total = math.exp(SoftCore(beta).value(row(h), row(1 - lam))[0])
        return norm.pdf(z) * below / total

    exact = quad(mean_penalty, -10, 10, epsrel=1e-9, limit=200)[0]
    assert -(up.entropy - down.entropy) / (2 * step) == pytest.approx(exact, rel=1e-7)


@dataclass(frozen=True)
class Doubled:
    """A potential written as a user would: the hard core of twice the gap, so the same constraint."""

    margin: float = 0.0
    name: str = "doubled"

    def value(self, excess, variance):
        return log_ndtr(2 * excess / np.sqrt(4 * variance))

    def slopes(self, excess, variance):
        first, second = HardCore().slopes(2 * excess, 4 * variance)
        return Slopes(2 * first, 4 * second)


def test_a_potential_is_one_class():
    own = least(Chain("teacher-student", 3, 12.0, Doubled()))
    assert own.overlaps.q == pytest.approx(solve_profile("teacher-student", 3, 12.0).q, rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("hard", 0.0, 3.0), "beta"),
        (("soft", 0.0), "beta"),
        (("soft", 0.0, -1.0), "beta"),
        (("mild",), "potential"),
    ],
)
def test_bad_potentials_are_named(arguments, word):
    with pytest.raises(InvalidInput, match=word):
        potential_of(*arguments)
