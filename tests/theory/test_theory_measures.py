"""Single-site averages against high-precision and adaptive quadrature."""

from itertools import pairwise

import mpmath as mp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erfcx, log_ndtr
from scipy.stats import norm

from theory import measures
from theory.gaussian import nodes
from theory.potentials import HardCore, inverse_mills


def row(value):
    return np.array([float(value)])


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e-6])
@pytest.mark.parametrize("centre", [0.0, 1.5])
def test_nodes_average_polynomials_and_narrow_features(scale, centre):
    offset, weight = nodes(row(centre), row(scale))
    z = offset[0] + centre
    assert np.sum(weight) == pytest.approx(1.0, rel=1e-14)
    assert np.sum(weight[0] * z**6) == pytest.approx(15.0, rel=1e-13)
    narrow = np.sum(weight[0] / np.cosh(np.clip(offset[0] / scale, -300, 300)) ** 2)
    points = [c for c in (centre - 30 * scale, centre, centre + 30 * scale) if abs(c) < 12]
    exact = quad(
        lambda x: norm.pdf(x) / np.cosh(min(abs(x - centre) / scale, 300.0)) ** 2,
        max(-12.0, centre - 40 * scale),
        min(12.0, centre + 40 * scale),
        points=points,
        epsrel=1e-13,
        limit=200,
    )[0]
    assert narrow == pytest.approx(exact, rel=1e-12)


def test_inverse_mills_ratio_is_accurate_everywhere():
    for u in (-1e6, -50.0, -12.0, -6.1, -5.9, -1.0, 0.0, 3.0, 8.0):
        y = mp.mpf(-u)
        with mp.workdps(40):
            if u < -20:
                exact = y
                for k in range(300, 0, -1):
                    exact = y + k / exact
            else:
                exact = mp.npdf(u) / mp.ncdf(u)
            ratio, total = inverse_mills(row(u))
            assert float(ratio[0] / exact - 1) == pytest.approx(0.0, abs=1e-14)
            assert float(total[0] / (exact + mp.mpf(u)) - 1) == pytest.approx(0.0, abs=2e-14)


@pytest.mark.parametrize("margin", [-2.0, -0.5, 0.0, 0.5, 3.0])
@pytest.mark.parametrize("n", [0, 1])
def test_w_at_zero_overlap(margin, n):
    exact = (norm.pdf(margin) / norm.cdf(-margin)) ** 2
    found = measures.interaction(HardCore(margin), row(0), row(1), n)
    assert found.w[0] == pytest.approx(exact, rel=1e-13)
    assert measures.interaction_at_zero(HardCore(margin)) == pytest.approx(exact, rel=1e-13)


def adaptive(margin, overlap, complement, n, which):
    """One average by scipy's adaptive quadrature, split around the feature."""
    width = np.sqrt(complement)
    centre, feature = margin / np.sqrt(overlap), np.sqrt(complement / overlap)

    def integrand(offset):
        # Counted from the feature: z - centre of two doubles would lose it at complement 1e-12.
        z, u = centre + offset, np.sqrt(overlap) * offset / width
        weight = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
        if n:
            weight *= np.exp(log_ndtr(u) - log_ndtr(-margin))
        mills = np.sqrt(2 / np.pi) / erfcx(-u / np.sqrt(2))
        return weight * (log_ndtr(u) if which == "A" else (mills / width) ** 2)

    reach = 12.0 + abs(margin)
    low, high = -reach - centre, reach - centre
    cuts = feature * np.array([-1e5, -1e4, -1e3, -300, -100, -30, -10, -3, 0, 3, 10, 30])
    cuts = np.unique(np.concatenate([cuts, np.arange(-11.0, 12.0, 2.0) - centre, [low, high]]))
    cuts = cuts[(cuts >= low) & (cuts <= high)]
    return sum(quad(integrand, a, b, epsabs=1e-200, epsrel=1e-12, limit=200)[0] for a, b in pairwise(cuts))


@pytest.mark.filterwarnings("ignore::scipy.integrate.IntegrationWarning")
@pytest.mark.parametrize("n", [0, 1])
@pytest.mark.parametrize("margin", [-1.0, 0.0, 2.0])
@pytest.mark.parametrize("complement", [0.7, 0.4, 1e-2, 1e-6, 1e-12])
def test_interaction_against_adaptive_quadrature(complement, margin, n):
    overlap = 1.0 - complement
    found = measures.interaction(HardCore(margin), row(overlap), row(complement), n)
    assert found.w[0] == pytest.approx(adaptive(margin, overlap, complement, n, "w"), rel=2e-11)
    entropy = measures.interaction_entropy(HardCore(margin), row(overlap), row(complement), n)
    assert entropy[0] == pytest.approx(adaptive(margin, overlap, complement, n, "A"), rel=2e-11)


@pytest.mark.parametrize("n", [0, 1])
@pytest.mark.parametrize("margin", [-1.0, 0.0, 1.5])
@pytest.mark.parametrize("complement", [0.9, 0.3, 1e-3, 1e-8])
def test_slope_of_w_and_of_the_interaction_entropy(complement, margin, n):
    potential, step = HardCore(margin), 1e-4 * complement

    def at(shift):
        # Extended spacing: complement moves, and overlap follows to rounding.
        c = row(complement - shift)
        return measures.interaction(potential, 1 - c, c, n), measures.interaction_entropy(
            potential, 1 - c, c, n
        )

    (up, A_up), (down, A_down) = at(step), at(-step)
    middle = at(0.0)[0]
    assert (up.w - down.w)[0] / (2 * step) == pytest.approx(middle.slope[0], rel=1e-6)
    # dA/dlambda = -(1 - 2n) w / 2
    assert (A_up - A_down)[0] / (2 * step) == pytest.approx(-(1 - 2 * n) * middle.w[0] / 2, rel=1e-6)


@pytest.mark.parametrize("eps", [1e-9, 1e-3, 0.7, 3.99, 4.01, 60.0, 1e4, 1e6])
@pytest.mark.parametrize("n", [0, 1])
def test_neuron_against_high_precision(eps, n):
    with mp.workdps(20):
        e, root = mp.mpf(eps), mp.sqrt(mp.mpf(eps))
        unit = 1 / max(mp.mpf(1), root)
        half = sorted(
            {mp.mpf(0), mp.mpf(13)} | {k * unit for k in (1, 2, 4, 8, 16, 32, 64, 128) if k * unit < 13}
        )

        def even(function):
            return 2 * mp.quad(lambda z: mp.npdf(z) * function(root * z), half)

        if n == 0:
            rest, value, log_partition = (
                even(lambda h: mp.sech(h) ** 2),
                even(lambda h: mp.tanh(h) ** 2),
                even(lambda h: mp.log(2 * mp.cosh(h))),
            )
        else:
            rest = mp.exp(-e / 2) * even(mp.sech)
            value = mp.exp(-e / 2) * even(lambda h: mp.sinh(h) * mp.tanh(h)) if eps < 50 else 1 - rest
            log_partition = mp.exp(-e / 2) * even(
                lambda h: (mp.exp(h) * mp.log1p(mp.exp(-2 * h)) + mp.exp(-h) * mp.log1p(mp.exp(2 * h))) / 2
            )
        exact = mp.log(value) - mp.log(rest)
    found = measures.neuron(row(eps), n)
    assert found.logit[0] == pytest.approx(float(exact), rel=1e-14, abs=1e-14)
    assert measures.neuron_log_partition(row(eps), n)[0] == pytest.approx(float(log_partition), rel=1e-13)
    step = 1e-4 * eps
    numeric = (measures.neuron(row(eps + step), n).logit - measures.neuron(row(eps - step), n).logit) / (
        2 * step
    )
    assert found.slope[0] == pytest.approx(numeric[0], rel=1e-6)


@pytest.mark.parametrize("eps", [0.3, 3.0, 9.0])
def test_teacher_student_neuron_is_the_mean_and_the_mean_square(eps):
    """The Nishimori identity <tanh> = <tanh^2> in a field of mean and variance eps."""

    def field(z):
        return eps + np.sqrt(eps) * z

    mean = quad(lambda z: norm.pdf(z) * np.tanh(field(z)), -12, 12, epsrel=1e-13, limit=400)[0]
    square = quad(lambda z: norm.pdf(z) * np.tanh(field(z)) ** 2, -12, 12, epsrel=1e-13, limit=400)[0]
    log_partition = quad(lambda z: norm.pdf(z) * np.logaddexp(field(z), -field(z)), -12, 12, epsrel=1e-13)[0]
    q = 1 / (1 + np.exp(-measures.neuron(row(eps), 1).logit[0]))
    assert q == pytest.approx(mean, abs=1e-12)
    assert q == pytest.approx(square, abs=1e-12)
    assert measures.neuron_log_partition(row(eps), 1)[0] + eps == pytest.approx(log_partition, rel=1e-11)


@pytest.mark.parametrize("p", [1e-8, 0.1, 3.0, 1e7])
def test_weight_solves_its_equation(p):
    with mp.workdps(30):
        Q = [1 / (1 + mp.exp(-mp.mpf(measures.weight(row(np.log(p)), n).logit[0]))) for n in (0, 1)]
        assert float(Q[0] / (1 - Q[0]) ** 2) == pytest.approx(p, rel=1e-13)
        assert float(Q[1] / (1 - Q[1])) == pytest.approx(p, rel=1e-13)
