"""Solutions: known limits, transitions, branches, certificates, brute force."""

import contextlib
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import erfcx, ndtr
from scipy.stats import norm
from theory_reference import iterate

from deepglass.errors import InvalidInput, NoSolution, NotConverged
from theory import BRANCHES, SCENARIOS, capacity, saddle, solve_profile
from theory.solve import residual

W0 = 2 / math.pi


def mills(u):
    return math.sqrt(2 / math.pi) / erfcx(-u / math.sqrt(2))


@pytest.mark.parametrize("margin", [-1.0, 0.0, 0.5, 1.0])
@pytest.mark.parametrize("fraction", [0.2, 0.8])
def test_gardner_saddle_point(margin, fraction):
    """Depth 1: Q/(1-Q)^2 = alpha w by adaptive quadrature and bracketing."""
    alpha = fraction * capacity(1, margin)

    def equation(Q):
        def integrand(z):
            return norm.pdf(z) * mills((math.sqrt(Q) * z - margin) / math.sqrt(1 - Q)) ** 2

        w = quad(integrand, -12, 12, epsrel=1e-12, limit=400)[0] / (1 - Q)
        return Q / (1 - Q) ** 2 - alpha * w

    profile = solve_profile("random", 1, alpha, margin)
    assert profile.Q[0] == pytest.approx(brentq(equation, 1e-6, 0.999, xtol=1e-13), abs=1e-10)


def test_generalization_error_of_gibbs_learning():
    errors = [
        alpha * math.acos(solve_profile("teacher-student", 1, alpha).Q[0]) / math.pi
        for alpha in (50.0, 500.0)
    ]
    assert errors[1] == pytest.approx(0.625, abs=1e-3)
    assert abs(errors[1] - 0.6247) < abs(errors[0] - 0.6247)


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize(
    ("depth", "critical"), [(2, math.pi**2 / 8), (3, math.pi**2 / 4), (7, math.pi**2 / 4)]
)
def test_first_transition(scenario, depth, critical):
    """Exact zeros below; above, q_1 grows linearly from the critical alpha."""
    assert np.all(solve_profile(scenario, depth, critical * (1 - 1e-9)).q[1:-1] == 0.0)
    excess = np.array([1e-5, 2e-5])
    q = [solve_profile(scenario, depth, critical * (1 + e)).q[1] for e in excess]
    zero = excess[0] - q[0] * (excess[1] - excess[0]) / (q[1] - q[0])
    assert abs(zero) < 1e-8
    assert q[0] > 1e-6


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_second_layer_freezes_where_the_linearised_chain_says(scenario):
    def excess(alpha):
        return alpha * W0**2 * solve_profile(scenario, 8, alpha).q[1] ** 2 - 1

    critical = brentq(excess, 3.0, 100.0, xtol=1e-11)
    assert solve_profile(scenario, 8, critical * (1 - 1e-8)).q[2] == 0.0
    steps = np.array([1e-5, 2e-5])
    q = [solve_profile(scenario, 8, critical * (1 + e)).q[2] for e in steps]
    assert abs(steps[0] - q[0] * steps[0] / (q[1] - q[0])) < 1e-7
    profile = solve_profile(scenario, 8, critical * 1.01)
    assert profile.q[2] > 0.0
    assert np.all(profile.Q[2:6] == 0.0)


BRUTE_FORCE = [
    ("random", 1, 1.95, 0.0),
    ("random", 2, 1.3, 0.0),
    pytest.param("random", 2, 46.0, 0.0, marks=pytest.mark.slow),
    ("random", 3, 2.6, 0.0),
    ("random", 3, 9.5, 0.5),
    pytest.param("random", 4, 0.9, 1.5, marks=pytest.mark.slow),
    ("random", 4, 0.8, 1.5),
    ("random", 5, 100.0, 0.0),
    ("teacher-student", 1, 30.0, 0.0),
    ("teacher-student", 2, 9.95, 0.0),
    ("teacher-student", 2, 9.8, 0.0),
    ("teacher-student", 3, 20.0, 0.0),
    pytest.param("teacher-student", 3, 27.7, 0.0, marks=pytest.mark.slow),
    ("teacher-student", 3, 5.0, -0.5),
    ("teacher-student", 5, 20.0, 0.0),
    ("teacher-student", 6, 60.0, 0.0),
]


@pytest.mark.parametrize(("scenario", "depth", "alpha", "margin"), BRUTE_FORCE)
def test_continuous_branch_is_where_plain_iteration_goes(scenario, depth, alpha, margin):
    profile = solve_profile(scenario, depth, alpha, margin)
    q, p, Q, P = iterate(scenario, depth, alpha, margin)
    liquid = profile.q == 0.0
    np.testing.assert_allclose(profile.q[~liquid], q[~liquid], rtol=1e-8)
    np.testing.assert_allclose(profile.q_complement, p, rtol=1e-8, atol=1e-300)
    assert np.all(q[liquid] < 1e-9)
    np.testing.assert_allclose(profile.Q, Q, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(profile.Q_complement, P, rtol=1e-8)


@pytest.mark.parametrize(
    ("depth", "alpha", "branch"),
    [(1, 4.0, "continuous"), (2, 6.0, "continuous"), (3, 20.0, "crystal"), (3, 20.0, "continuous")],
)
def test_nishimori_with_separate_unknowns(depth, alpha, branch):
    """One map of the (R, r; Q, q) equations, student-student apart from teacher-student, stays put."""
    profile = solve_profile("teacher-student", depth, alpha, branch=branch)
    q, Q = profile.q, profile.Q
    shift = 1e-4
    for R, r, identity in ((Q, q, True), (Q * (1 - shift), q, False)):
        lam, rho = q[:-1] * Q * q[1:], r[:-1] * R * r[1:]
        w, mixed = np.empty(depth), np.empty(depth)
        for i in range(depth):
            a = rho[i] / math.sqrt(lam[i] - rho[i] ** 2)
            root, width = math.sqrt(lam[i]), math.sqrt(1 - lam[i])
            split = [-5 * width / root, 0.0, 5 * width / root]

            def average(function, split=split):
                points = [-12.0, *[c for c in split if abs(c) < 12], 12.0]
                return sum(
                    quad(function, b, c, epsabs=1e-15, epsrel=1e-12, limit=300)[0]
                    for b, c in pairwise(points)
                )

            def slope(z, root=root, width=width):
                return mills(root * z / width) / width

            norm_ = average(lambda z, a=a: norm.pdf(z) * ndtr(a * z))
            w[i] = average(lambda z, a=a, s=slope: norm.pdf(z) * ndtr(a * z) * s(z) ** 2) / norm_
            jac = 1 / math.sqrt(1 - rho[i] ** 2 / lam[i])
            mixed[i] = (
                average(lambda z, a=a, s=slope, j=jac: norm.pdf(z) * norm.pdf(a * z) * j * s(z)) / norm_
            )
        new_R = alpha * r[:-1] * r[1:] * mixed * (1 - Q)
        new_Q = new_R**2 + alpha * q[:-1] * q[1:] * w * (1 - Q) ** 2
        residuals = [np.max(np.abs(new_R - R)), np.max(np.abs(new_Q - Q))]
        eps = q[:-2] * Q[:-1] * w[:-1] + Q[1:] * q[2:] * w[1:]
        mean = r[:-2] * R[:-1] * mixed[:-1] + R[1:] * r[2:] * mixed[1:]
        for hidden in range(depth - 1):
            field = lambda z, m=mean[hidden], e=eps[hidden]: m + math.sqrt(e) * z  # noqa: E731
            for power, old in ((1, r[hidden + 1]), (2, q[hidden + 1])):
                kink = -mean[hidden] / math.sqrt(eps[hidden])
                value = quad(
                    lambda z, f=field, k=power: norm.pdf(z) * math.tanh(f(z)) ** k,
                    -12,
                    12,
                    points=[min(max(kink, -11.9), 11.9)],
                    epsabs=1e-14,
                    limit=300,
                )[0]
                residuals.append(abs(value - old))
        if identity:
            assert max(residuals) < 1e-9
        else:
            assert max(residuals) > 1e-6


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("margin", [-4.0, 4.0])
def test_ends_of_the_range_are_solved(depth, margin):
    for alpha in (1e-6, 1e6):
        profile = solve_profile("teacher-student", depth, alpha, margin, "equilibrium")
        assert profile.certificate.residual < 4e-9  # rounding of logits; 1.9e-9 without AVX-512


def test_a_failing_branch_is_named(monkeypatch):
    def fail(*_, **__):
        raise NotConverged("no fixed point after 7 evaluations", residual=0.5)

    monkeypatch.setattr(saddle, "fixed_point", fail)
    with pytest.raises(NotConverged, match=r"equilibrium.*teacher-student.*3.*0\.25.*20.*7 eval") as caught:
        solve_profile("teacher-student", 3, 20.0, 0.25, "equilibrium")
    assert caught.value.residual == 0.5


def test_deterministic():
    first, second = (solve_profile("teacher-student", 7, 33.0) for _ in range(2))
    assert np.array_equal(first.q, second.q)
    assert np.array_equal(first.Q_complement, second.Q_complement)
    assert first.entropy == second.entropy


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("other", 3, 1.0), "scenario"),
        (("random", 0, 1.0), "depth"),
        (("random", 2.5, 1.0), "depth"),
        (("random", 3, 0.0), "alpha"),
        (("random", 3, math.nan), "alpha"),
        (("random", 3, math.inf), "alpha"),
        (("random", 3, 1.0, 4.1), "margin"),
        (("teacher-student", 3, 5.0, -10.0, "equilibrium"), "margin"),
        (("random", 201, 1.0), "depth"),
        (("random", 3, 1e300), "alpha"),
        (("random", 3, 1e-7), "alpha"),
        (("random", 3, 1.0, 0.0, "glass"), "branch"),
        (("random", 3, 1.0, 0.0, "crystal"), "branch"),
    ],
)
def test_bad_input_is_named(arguments, word):
    with pytest.raises(InvalidInput, match=word):
        solve_profile(*arguments)


@settings(max_examples=12, deadline=None)
@given(
    st.sampled_from(SCENARIOS),
    st.integers(1, 8),
    st.floats(-3, 5),
    st.floats(-1, 1.5),
    st.floats(1e-3, 0.5),
)
def test_overlaps_grow_with_alpha(scenario, depth, log_alpha, margin, more):
    profiles = []
    for alpha in (math.exp(log_alpha), math.exp(log_alpha + more)):
        with contextlib.suppress(NoSolution):
            profiles.append(solve_profile(scenario, depth, alpha, margin))
    for profile in profiles:
        for overlap in (profile.q, profile.Q):
            assert np.all((overlap >= 0) & (overlap <= 1))
        assert math.isfinite(profile.entropy)
        assert profile.certificate.residual < 1e-10
    if len(profiles) == 2:
        assert np.all(profiles[1].q_complement <= profiles[0].q_complement + 1e-15)
        assert np.all(profiles[1].Q_complement < profiles[0].Q_complement + 1e-15)


def test_dataset_labels():
    profile = solve_profile("teacher-student", 4, 5.0, 0.2)
    dataset = profile.to_dataset()
    assert dict(dataset.sizes) == {"neuron_layer": 5, "weight_layer": 4}
    assert list(dataset.neuron_layer.values) == [0, 1, 2, 3, 4]
    assert list(dataset.weight_layer.values) == [1, 2, 3, 4]
    assert np.isnan(dataset.eps.values[[0, -1]]).all()
    np.testing.assert_array_equal(dataset.eps.values[1:-1], profile.eps)
    assert dataset.attrs["rsb"] == 0
    assert dataset.attrs["closure"] == "gaussian"
    assert dataset.attrs["ensemble"] == "planted"
    assert set(BRANCHES) == {"continuous", "crystal", "equilibrium"}


@pytest.mark.parametrize(
    ("scenario", "depth", "alpha", "branch", "entropy"),
    [
        ("random", 2, 30.0, "continuous", -1.10273847369),
        ("random", 10, 30.0, "continuous", -0.760085594339),
        ("random", 1, 1.5, "continuous", -1.0594721598),
        ("teacher-student", 3, 20.0, "continuous", -0.512933392713),
        ("teacher-student", 3, 20.0, "crystal", -0.475536129851),
    ],
)
def test_absolute_entropies(scenario, depth, alpha, branch, entropy):
    """Values of an independent implementation with scipy.integrate.quad; derivatives cannot see constants."""
    assert solve_profile(scenario, depth, alpha, branch=branch).entropy == pytest.approx(entropy, abs=2e-10)


def test_the_residual_is_relative_to_the_complement():
    """|q' - q|/(1 - q) of logits x and x', by its definition; never 0 away from a solution."""
    x, image = np.array([-3.0, 0.2, 6.0]), np.array([-3.1, 0.25, 5.0])
    q, after = 1 / (1 + np.exp(-x)), 1 / (1 + np.exp(-image))
    assert residual(x, image) == pytest.approx(np.max(np.abs(after - q) / (1 - q)), rel=1e-12)
    assert residual(x, image) > 1
