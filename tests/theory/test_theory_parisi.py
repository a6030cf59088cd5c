"""The Parisi recursion: gradients, responses and limits, and brute-force nested averages."""

import math
from itertools import pairwise

import numpy as np
import pytest
from finite_differences import derivative
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import expit, log_ndtr

from theory import measures, parisi_step, terms
from theory.gaussian import nodes
from theory.grid import Grid
from theory.potentials import HardCore, SoftCore, inverse_mills

MARGINS = (0.0, 0.7, -0.7)
LEVELS = (0, 1, 3)


def ladder(k, seed, low, high):
    """Random break points (k,) and variances (k+1,) with increments that finite differences can resolve."""
    rng = np.random.default_rng([k, seed])
    m = np.sort(rng.uniform(0.05, 0.95, k)) + 0.01 * np.arange(k)
    parts = 0.3 + rng.uniform(size=k + 2)
    return m * 0.97, low + (high - low) * np.cumsum(parts)[:-1] / parts.sum()


def gaps(m):
    return np.diff(np.concatenate([[0.0], m, [1.0]]))


INTERACTIONS = [(HardCore(margin), 0.02, 0.9) for margin in MARGINS] + [(SoftCore(20.0, 0.3), 0.02, 0.9)]


@pytest.mark.parametrize("k", LEVELS)
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("case", INTERACTIONS, ids=lambda case: f"{case[0].name}{case[0].margin}")
def test_gradient_and_response_of_an_interaction(case, k, seed):
    potential, low, high = case
    m, c = ladder(k, seed, low, high)
    term = terms.interaction(potential, c, m)
    gradient = derivative(lambda x: np.float64(terms.interaction(potential, x, m).value), c, 2e-3)
    np.testing.assert_allclose(gradient, -0.5 * gaps(m) * term.w, rtol=2e-7, atol=1e-8)
    response = derivative(lambda x: terms.interaction(potential, x, m).w, c, 2e-3)
    np.testing.assert_allclose(term.response, response, rtol=2e-6, atol=1e-6 * term.w[-1])
    weighted = gaps(m)[:, None] * term.response
    np.testing.assert_allclose(weighted, weighted.T, rtol=1e-12)


@pytest.mark.parametrize("k", LEVELS)
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("high", [1.0, 8.0])
def test_gradient_and_response_of_a_neuron(k, seed, high):
    m, c = ladder(k, seed, 0.02, high)
    term = terms.neuron(c, m)
    h = 2e-3 * high
    gradient = derivative(lambda x: np.float64(terms.neuron(x, m).value), c, h)
    expected = -0.5 * gaps(m) * term.w
    # A terminal without smoothing: the innermost variance is not compensated.
    expected[-1] += 0.5
    np.testing.assert_allclose(gradient, expected, rtol=2e-7, atol=1e-8)
    response = derivative(lambda x: terms.neuron(x, m).w, c, h)
    np.testing.assert_allclose(term.response, response, rtol=2e-6, atol=2e-8)
    weighted = gaps(m)[:, None] * term.response
    np.testing.assert_allclose(weighted, weighted.T, rtol=1e-12)
    entropy = derivative(lambda x: np.float64(terms.neuron_entropy(terms.neuron(x, m), term.w)), c, h)
    np.testing.assert_allclose(entropy, 0.0, atol=1e-8)


@pytest.mark.parametrize("margin", MARGINS)
@pytest.mark.parametrize("overlap", [0.01, 0.1, 0.5, 0.9, 0.99, 0.999])
def test_no_level_is_the_symmetric_interaction(margin, overlap):
    potential, c = HardCore(margin), np.array([overlap])
    term = terms.interaction(potential, c, np.empty(0))
    exact = measures.interaction(potential, c, 1.0 - c, 0)
    assert term.w[0] == pytest.approx(exact.w[0], rel=1e-10)
    assert term.response[0, 0] == pytest.approx(exact.slope[0], rel=1e-8)
    assert term.value == pytest.approx(measures.interaction_entropy(potential, c, 1.0 - c, 0)[0], rel=1e-10)
    assert term.chi[0] == pytest.approx(measures.interaction_moment(potential, c, 1.0 - c, 0)[0], rel=1e-10)


@pytest.mark.parametrize("eps", [0.01, 0.1, 1.0, 10.0, 100.0])
def test_no_level_is_the_symmetric_neuron(eps):
    c = np.array([eps])
    term = terms.neuron(c, np.empty(0))
    assert term.w[0] == pytest.approx(expit(measures.neuron(c, 0).logit[0]), rel=1e-10)
    assert term.value == pytest.approx(measures.neuron_log_partition(c, 0)[0], rel=1e-10)
    assert term.chi[0] == pytest.approx(measures.neuron_moment(c, 0)[0], rel=1e-10)


@st.composite
def flat(draw):
    """Any break points, one variance."""
    points = draw(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=5, unique_by=lambda x: round(x, 3)))
    return np.sort(points), draw(st.floats(0.0, 0.999))


@settings(max_examples=25)
@given(flat(), st.sampled_from(MARGINS))
def test_equal_levels_are_replica_symmetric(case, margin):
    m, c = case
    potential = HardCore(margin)
    equal = terms.interaction(potential, np.full(m.size + 1, c), m)
    single = terms.interaction(potential, np.array([c]), np.empty(0))
    np.testing.assert_allclose(equal.w, single.w[0], rtol=1e-12)
    assert equal.value == pytest.approx(single.value, rel=1e-12)
    equal = terms.neuron(np.full(m.size + 1, 20.0 * c), m)
    single = terms.neuron(np.array([20.0 * c]), np.empty(0))
    np.testing.assert_allclose(equal.w, single.w[0], rtol=1e-12, atol=1e-15)
    assert equal.value == pytest.approx(single.value, rel=1e-12)


@settings(max_examples=25)
@given(st.integers(0, 100), st.integers(0, 3), st.floats(0.05, 0.95))
def test_a_break_point_between_equal_levels_changes_nothing(seed, level, where):
    m, c = ladder(3, seed, 0.02, 0.9)
    ends = np.concatenate([[0.0], m, [1.0]])
    extra = ends[level] + where * (ends[level + 1] - ends[level])
    more, twice = np.insert(m, level, extra), np.insert(c, level, c[level])
    for solve in (
        lambda c, m: terms.interaction(HardCore(-0.3), c, m),
        lambda c, m: terms.neuron(9.0 * c, m),
    ):
        plain, redundant = solve(c, m), solve(twice, more)
        assert redundant.value == pytest.approx(plain.value, rel=1e-11)
        np.testing.assert_allclose(np.delete(redundant.w, level), plain.w, rtol=1e-10)
        assert redundant.w[level] == pytest.approx(plain.w[level], rel=1e-10)


@pytest.mark.parametrize("margin", MARGINS)
def test_limits_of_one_step(margin):
    """m -> 0 leaves the inner level, m -> 1 the outer one: Gaussians convolve."""
    potential, c = HardCore(margin), np.array([0.3, 0.8])
    inner = terms.interaction(potential, c[1:], np.empty(0))
    outer = terms.interaction(potential, c[:1], np.empty(0))
    for m, tolerance in ((0.0, 1e-9), (1e-5, 1e-4)):
        term = terms.interaction(potential, c, np.array([m]))
        assert term.value == pytest.approx(inner.value, rel=tolerance)
        assert term.w[1] == pytest.approx(inner.w[0], rel=tolerance)
    term = terms.interaction(potential, c, np.array([1.0 - 1e-9]))
    assert term.value == pytest.approx(outer.value, rel=1e-8)
    assert term.w[0] == pytest.approx(outer.w[0], rel=1e-8)


@pytest.mark.parametrize("eps", [(0.2, 1.0), (1.0, 10.0)])
def test_limits_of_one_step_of_a_neuron(eps):
    c = np.array(eps)
    inner, outer = terms.neuron(c[1:], np.empty(0)), terms.neuron(c[:1], np.empty(0))
    for m, tolerance in ((0.0, 1e-9), (1e-5, 1e-4)):
        term = terms.neuron(c, np.array([m]))
        assert term.value == pytest.approx(inner.value, rel=tolerance)
        assert term.w[1] == pytest.approx(inner.w[0], rel=tolerance)
    # INT Dz 2cosh(h + sigma z) = 2cosh(h) exp(sigma^2/2)
    term = terms.neuron(c, np.array([1.0 - 1e-9]))
    assert term.value == pytest.approx(outer.value + 0.5 * (c[1] - c[0]), rel=1e-8)
    assert term.w[0] == pytest.approx(outer.w[0], rel=1e-8)


def averaged(function, m, c, width, centre):
    """value and w_0..w_k by nested averages over graded nodes: no grid of fields, no interpolation.

    ``function(h)`` returns f_k and f_k', which vary around ``centre`` over ``width``.
    """
    m = np.append(0.0, m)
    sigma = np.sqrt(np.diff(c, prepend=0.0))

    def level(i, h):
        """f_{i-1} and its derivative at h (n,), and < f_j'^2 | h > for j >= i, each (n,)."""
        if i == m.size:
            f, slope = function(h)
            return f, slope, []
        if sigma[i] == 0.0:
            f, slope, squares = level(i + 1, h)
            return f, slope, [slope**2, *squares]
        feature = max(width, *(sigma[i + 1 :] / 2.0), 0.0) / sigma[i]
        z0, reach = (centre - h) / sigma[i], 12.0 + 2.0 * m[i] * sigma[i]
        far = (np.abs(z0) > reach) | (feature > 1.0)
        z0 = np.where(far, 0.0, z0)
        offset, weight = nodes(z0, np.where(far, 1.0, feature), reach=reach, spacing=0.1)
        inside = h[:, None] + sigma[i] * (z0[:, None] + offset)
        f, slope, squares = level(i + 1, inside.ravel())
        f, slope = f.reshape(inside.shape), slope.reshape(inside.shape)
        top = np.max(f, axis=1, keepdims=True)
        tilt = weight * np.exp(m[i] * (f - top))
        total = tilt.sum(axis=1)
        value = (weight * f).sum(axis=1) if m[i] == 0.0 else top[:, 0] + np.log(total) / m[i]
        tilt = tilt / total[:, None]
        inner = [slope**2, *(square.reshape(inside.shape) for square in squares)]
        return value, (tilt * slope).sum(axis=1), [(tilt * square).sum(axis=1) for square in inner]

    value, _, squares = level(0, np.zeros(1))
    return value[0], np.array([square[0] for square in squares])


def perceptron(margin, complement):
    width = math.sqrt(complement)

    def function(h):
        u = (h - margin) / width
        return log_ndtr(u), inverse_mills(u)[0] / width

    return function, width, margin


def ising(h):
    return np.logaddexp(h, -h), np.tanh(h)


@pytest.mark.parametrize("margin", MARGINS)
@pytest.mark.parametrize(
    ("m", "c"),
    [
        ((0.4,), (0.2, 0.9)),
        ((0.4,), (0.3, 0.999)),
        ((0.8,), (0.0, 0.5)),
        ((0.05,), (0.5, 0.5 + 1e-6)),
        ((0.3, 0.7), (0.2, 0.6, 0.95)),
        ((0.3, 0.7), (0.4, 0.4 + 1e-6, 0.9)),
        ((0.02, 0.1), (0.0, 0.9, 0.999)),
        ((0.5, 0.9), (0.5, 0.998, 0.999)),
    ],
)
def test_interaction_against_nested_averages(margin, m, c):
    m, c = np.array(m), np.array(c)
    term = terms.interaction(HardCore(margin), c, m)
    value, w = averaged(*perceptron(margin, 1.0 - c[-1])[:1], m, c, *perceptron(margin, 1.0 - c[-1])[1:])
    assert term.value == pytest.approx(value, rel=1e-9)
    np.testing.assert_allclose(term.w, w, rtol=1e-8, atol=1e-15)


@pytest.mark.parametrize(
    ("m", "c"),
    [
        ((0.4,), (0.2, 0.9)),
        ((0.4,), (1.0, 10.0)),
        ((0.9,), (0.0, 9.0)),
        ((0.6,), (0.1, 0.1 + 1e-6)),
        ((0.05,), (1.0, 400.0)),
        ((0.3, 0.7), (0.2, 1.0, 5.0)),
        ((0.3, 0.7), (2.0, 2.0 + 1e-6, 11.0)),
        ((0.3, 0.7), (2.0, 11.0, 11.0 + 1e-6)),
        ((0.01, 0.1), (0.0, 100.0, 101.0)),
    ],
)
def test_neuron_against_nested_averages(m, c):
    m, c = np.array(m), np.array(c)
    term = terms.neuron(c, m)
    value, w = averaged(ising, m, c, 1.0, 0.0)
    assert term.value == pytest.approx(value, rel=1e-9)
    np.testing.assert_allclose(term.w, w, rtol=1e-8, atol=1e-15)


def test_one_step_against_adaptive_quadrature():
    """The same by scipy alone: a check of the check."""
    m, low, high = 0.3, 0.4, 0.8
    width, sigma = math.sqrt(1.0 - high), math.sqrt(high - low)

    def dz(function):
        density = 1.0 / math.sqrt(2.0 * math.pi)
        return quad(
            lambda z: density * math.exp(-0.5 * z * z) * function(z), -10, 10, epsabs=0, epsrel=1e-11
        )[0]

    def f0(h):
        return math.log(dz(lambda z: math.exp(m * log_ndtr((h + sigma * z) / width)))) / m

    term = terms.interaction(HardCore(0.0), np.array([low, high]), np.array([m]))
    assert term.value == pytest.approx(dz(lambda z: f0(math.sqrt(low) * z)), rel=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_chain_of_fields(seed):
    m, c = ladder(3, seed, 0.05, 0.95)
    for term in (terms.interaction(HardCore(0.4), c, m), terms.neuron(10.0 * c, m)):
        h = term.grid.h
        np.testing.assert_allclose(term.p.sum(axis=1), 1.0, rtol=1e-13)
        np.testing.assert_allclose(term.T.sum(axis=2), 1.0, rtol=1e-12)
        variance = term.c[0]
        for power, moment in ((1, 0.0), (2, variance), (4, 3.0 * variance**2), (6, 15.0 * variance**3)):
            assert term.p[0] @ h**power == pytest.approx(moment, rel=1e-9, abs=1e-12)
        # Innermost slopes are a martingale of the tilted walk; f' and f'' are derivatives of f.
        for i in (2, 1, 0):
            np.testing.assert_allclose(term.T[i] @ term.f1[i + 1], term.f1[i], rtol=1e-13, atol=1e-15)
            inner = np.abs(h) < 0.45 * np.max(np.abs(h))
            for lower, upper in ((term.f[i], term.f1[i]), (term.f1[i], term.f2[i])):
                numeric = term.grid.derivative @ lower
                scale = np.max(np.abs(upper[inner]))
                np.testing.assert_allclose(numeric[inner], upper[inner], rtol=0.0, atol=4e-6 * scale)
        assert np.all(np.diff(term.w) > 0.0)


@pytest.mark.parametrize("sigma", [0.0, 1e-6, 1e-3, 0.05, 0.2, 1.0, 3.0])
def test_one_step_of_gaussians_is_exact(sigma):
    """f = -b h^2/2: f_out = -(b/2) h^2/(1 + m b sigma^2) - ln(1 + m b sigma^2)/(2 m), at every width."""
    grid = Grid(-40.0, 40.0, 0.3, 0.5, 0.1, 0.5)
    h, m, b = grid.h, 0.4, 0.7
    T = np.empty((h.size, h.size))
    out = parisi_step.step(grid, sigma, m, -0.5 * b * h**2, -b * h, np.full(h.size, -b), T)
    spread = 1.0 + m * b * sigma**2
    inner = np.abs(h) < 8.0
    exact = -0.5 * b * h**2 / spread - math.log(spread) / (2.0 * m)
    np.testing.assert_allclose(out[inner], exact[inner], rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose((T @ h)[inner], (h / spread)[inner], rtol=1e-9, atol=1e-10)
    second = (h / spread) ** 2 + sigma**2 / spread
    np.testing.assert_allclose((T @ h**2)[inner], second[inner], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(
    ("margin", "m", "c"),
    [
        (0.7, (0.69,), (0.9394, 0.99966)),
        (0.0, (0.1, 0.7), (0.3, 0.95, 0.9999)),
    ],
)
def test_wide_tilted_steps_onto_a_narrow_gap(margin, m, c):
    """m (lambda_i - lambda_{i-1}) much above 1 - lambda_i: a field far below lands on the margin."""
    coarse, fine = (
        terms.interaction(HardCore(margin), np.array(c), np.array(m), step) for step in (0.1, 0.025)
    )
    np.testing.assert_allclose(coarse.w, fine.w, rtol=1e-7)


@pytest.mark.parametrize("k", [1, 5, 20])
def test_finer_grids_change_little(k):
    m = np.linspace(0.0, 0.6, k + 1)[1:]
    c = np.linspace(0.1, 0.97, k + 1)
    for solve in (
        lambda step: terms.interaction(HardCore(-0.5), c, m, step),
        lambda step: terms.neuron(20.0 * c, m, step),
    ):
        coarse, fine, finest = (solve(step) for step in (0.2, 0.1, 0.05))
        assert fine.value == pytest.approx(finest.value, rel=1e-8)
        np.testing.assert_allclose(fine.w, finest.w, rtol=1e-8)
        np.testing.assert_allclose(fine.response, finest.response, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(coarse.w, finest.w, rtol=1e-4)


def test_grid_holds_its_ends_and_its_derivative_is_accurate():
    grid = Grid(-3.0, 5.0, 0.7, 1e-3, 0.1, 0.2)
    h = grid.h
    assert (h[0], h[-1]) == pytest.approx((-3.0, 5.0), rel=1e-12)
    assert all(a < b for a, b in pairwise(h))
    assert np.min(grid.spacing) < 1.1e-4
    np.testing.assert_allclose(grid.derivative @ np.sin(h), np.cos(h), atol=1e-7)
    assert grid.spacing @ np.exp(-0.5 * (h - 0.7) ** 2 / 1e-6) == pytest.approx(
        math.sqrt(2e-6 * math.pi), rel=1e-12
    )
