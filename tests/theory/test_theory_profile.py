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
from theory import BRANCHES, SCENARIOS, branches, capacity, solve_profile
from theory.branches import continuous_spinodal, crystal_spinodal
from theory.network import Chain
from theory.potentials import HardCore
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


@pytest.mark.parametrize("margin", [-1.0, 0.0, 0.5, 1.0])
def test_gardner_capacity(margin):
    second = quad(lambda t: norm.pdf(t) * (t + margin) ** 2, -margin, 15, epsrel=1e-12)[0]
    assert capacity(1, margin) == pytest.approx(1 / second, rel=1e-10)
    assert solve_profile("random", 1, capacity(1, margin) * (1 - 1e-6), margin).Q_complement[0] < 1e-6
    with pytest.raises(NoSolution, match="capacity") as caught:
        solve_profile("random", 1, capacity(1, margin) * (1 + 1e-9), margin)
    assert caught.value.limit == pytest.approx(1 / second, rel=1e-10)


def test_capacity_of_deep_chains():
    assert capacity(1) == pytest.approx(2.0, rel=1e-14)
    assert capacity(2) == pytest.approx(2 / (1 - math.sqrt(2 / math.pi)) ** 2, rel=1e-12)
    assert capacity(3) == math.inf
    C = 1.25 * ndtr(0.5) + 0.5 * norm.pdf(0.5)
    assert capacity(3, 0.5) == pytest.approx(1 / (math.sqrt(C) - math.sqrt(W0 / 1.25)) ** 2, rel=1e-12)
    # Depth 4: delta_2/delta_1 = 1 + sqrt 3.
    X = W0 / (1 + 1 / (2 + math.sqrt(3)) ** 2)
    assert capacity(4, 0.5) == pytest.approx(1 / (math.sqrt(C) - math.sqrt(X)) ** 2, rel=1e-10)
    assert capacity(60, 0.5) == pytest.approx(1 / (math.sqrt(C) - math.sqrt(W0)) ** 2, rel=1e-10)


@pytest.mark.parametrize(("depth", "margin"), [(1, 0.0), (2, 0.0), (2, 3.0), (3, 0.5), (4, 1.5), (5, 0.5)])
def test_random_branch_reaches_one_linearly_at_its_capacity(depth, margin):
    limit = capacity(depth, margin)
    rest = [solve_profile("random", depth, limit * (1 - d), margin).Q_complement for d in (1e-2, 1e-6, 1e-8)]
    np.testing.assert_allclose(rest[2] / rest[1], 1e-2, rtol=1e-3)
    assert np.all(np.diff(rest, axis=0) < 0)


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_overlaps_near_capacity_obey_the_constant_of_the_depth(depth):
    """The profile of 1 - q near capacity solves the nonlinear eigenproblem behind ``capacity``."""
    margin = 0.5
    profile = solve_profile("random", depth, capacity(depth, margin) * (1 - 1e-9), margin)
    delta = profile.q_complement
    mu = (delta[1:-1] / (delta[:-2] + delta[1:-1])) ** 2 + (delta[1:-1] / (delta[1:-1] + delta[2:])) ** 2
    C = 1.25 * ndtr(0.5) + 0.5 * norm.pdf(0.5)
    X = (math.sqrt(C) - 1 / math.sqrt(capacity(depth, margin))) ** 2
    np.testing.assert_allclose(mu, W0 / X, rtol=1e-4)


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
    ("random", 2, 46.0, 0.0),
    ("random", 3, 2.6, 0.0),
    ("random", 3, 9.5, 0.5),
    ("random", 4, 0.9, 1.5),
    ("random", 4, 0.8, 1.5),
    ("random", 5, 100.0, 0.0),
    ("teacher-student", 1, 30.0, 0.0),
    ("teacher-student", 2, 9.95, 0.0),
    ("teacher-student", 2, 9.8, 0.0),
    ("teacher-student", 3, 20.0, 0.0),
    ("teacher-student", 3, 27.7, 0.0),
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


@pytest.mark.parametrize(("depth", "alpha"), [(2, 9.9), (3, 11.6), (3, 20.0), (5, 40.0)])
def test_crystal_is_where_plain_iteration_from_one_goes(depth, alpha):
    profile = solve_profile("teacher-student", depth, alpha, branch="crystal")
    q, p, _, P = iterate("teacher-student", depth, alpha, start="high")
    np.testing.assert_allclose(profile.q, q, rtol=1e-8)
    np.testing.assert_allclose(profile.q_complement[1:-1], p[1:-1], rtol=1e-7)
    np.testing.assert_allclose(profile.Q_complement, P, rtol=1e-8)


@pytest.mark.parametrize("alpha", [3.0, 15.0, 1e3, 1e6])
@pytest.mark.parametrize("depth", [1, 2, 3, 5, 10, 20])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_residual_symmetry_and_range(scenario, depth, alpha):
    solved = 0
    for branch in ("continuous", "crystal"):
        try:
            profile = solve_profile(scenario, depth, alpha, branch=branch)
        except (NoSolution, InvalidInput):
            continue
        solved += 1
        assert profile.certificate.residual <= (1e-10 if alpha <= 1e3 else 1e-9)
        assert math.isfinite(profile.entropy)
        np.testing.assert_allclose(profile.q, profile.q[::-1], rtol=1e-12)
        np.testing.assert_allclose(profile.Q_complement, profile.Q_complement[::-1], rtol=1e-11)
        for overlap in (profile.q, profile.Q):
            assert np.all((overlap >= 0) & (overlap <= 1))
        if scenario == "teacher-student" and depth <= 5:
            assert profile.entropy <= 0.0
    assert solved or (scenario == "random" and alpha >= capacity(depth))


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


def test_both_teacher_student_branches_and_the_equilibrium():
    low = solve_profile("teacher-student", 3, 20.0)
    high = solve_profile("teacher-student", 3, 20.0, branch="crystal")
    assert low.q[1] == pytest.approx(0.77927, abs=1e-5)
    assert low.Q[0] == pytest.approx(0.95574, abs=1e-5)
    assert high.q[1] == pytest.approx(0.9999916, abs=1e-7)
    assert high.Q[0] == pytest.approx(0.99522, abs=1e-5)
    both = solve_profile("teacher-student", 3, 20.0, branch="equilibrium")
    assert both.entropies == {"continuous": low.entropy, "crystal": high.entropy}
    assert both.branch == "crystal"
    assert both.entropy == high.entropy > low.entropy
    # Deep chains: the crystal pays for every layer, and the continuous branch wins.
    deep = solve_profile("teacher-student", 10, 20.0, branch="equilibrium")
    assert deep.branch == "continuous"
    assert solve_profile("random", 3, 20.0, branch="equilibrium").branch == "continuous"


@pytest.mark.parametrize(
    ("depth", "below", "above"), [(2, 9.8717769, 9.9928979), (3, 11.5397974, 27.8136959)]
)
def test_spinodals(depth, below, above):
    """Located by continuation; plain iteration confirms either side of each (see brute force)."""
    assert crystal_spinodal(depth, 0.0) == pytest.approx(below, abs=1e-6)
    assert continuous_spinodal(depth, 0.0, 100.0) == pytest.approx(above, abs=1e-6)
    for alpha, branch, limit in (
        (below * (1 - 1e-6), "crystal", below),
        (above * (1 + 1e-6), "continuous", above),
    ):
        with pytest.raises(NoSolution, match="spinodal") as caught:
            solve_profile("teacher-student", depth, alpha, branch=branch)
        assert caught.value.limit == pytest.approx(limit, abs=1e-6)
    inside = solve_profile("teacher-student", depth, below * (1 + 1e-6), branch="crystal")
    assert inside.q[1] - solve_profile("teacher-student", depth, below * (1 + 1e-6)).q[1] > 0.02
    outside = solve_profile("teacher-student", depth, above * (1 - 1e-6))
    crystal = solve_profile("teacher-student", depth, above * (1 - 1e-6), branch="crystal")
    assert crystal.q[1] - outside.q[1] > 0.02


def test_brute_force_jumps_at_the_spinodals():
    """Depth 3: plain iteration melts the crystal at 11.53, and leaves the continuous branch at 27.85."""
    melted = iterate("teacher-student", 3, 11.53, start="high")[0]
    assert melted[1] == pytest.approx(solve_profile("teacher-student", 3, 11.53).q[1], abs=1e-7)
    assert melted[1] < 0.9
    assert iterate("teacher-student", 3, 27.85)[0][1] > 0.999


def test_ghosts_of_folds_are_passed():
    """Just above the spinodal, where plain and Newton steps crawl (5000 evaluations were not enough)."""
    chain = Chain("teacher-student", 8, 0.007389202151005679, HardCore(4.188))
    least, greatest = branches.least(chain), branches.greatest(chain)
    assert least.certificate.evaluations < 5000
    np.testing.assert_allclose(least.x, greatest.x, atol=1e-9)
    below = branches.least(Chain("teacher-student", 8, 0.007388, HardCore(4.188)))
    assert below.has_liquid


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("margin", [-4.0, 4.0])
def test_ends_of_the_range_are_solved(depth, margin):
    for alpha in (1e-6, 1e6):
        profile = solve_profile("teacher-student", depth, alpha, margin, "equilibrium")
        assert profile.certificate.residual < 1e-9


def test_a_failing_branch_is_named(monkeypatch):
    def fail(*_, **__):
        raise NotConverged("no fixed point after 7 evaluations", residual=0.5)

    monkeypatch.setattr(branches, "fixed_point", fail)
    with pytest.raises(NotConverged, match=r"equilibrium.*teacher-student.*3.*20.*0\.25.*7 eval") as caught:
        solve_profile("teacher-student", 3, 20.0, 0.25, "equilibrium")
    assert caught.value.residual == 0.5


def test_unique_branch_at_depth_one():
    with pytest.raises(NoSolution, match="unique"):
        solve_profile("teacher-student", 1, 20.0, branch="crystal")
    equilibrium = solve_profile("teacher-student", 1, 20.0, branch="equilibrium")
    assert equilibrium.branch == "continuous"


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


@pytest.mark.parametrize("alpha", [340.0, 400.0, 421.6965034285823, 1e3, 1e6])
def test_end_of_the_continuous_branch_does_not_depend_on_where_it_is_asked(alpha):
    """Bisections from above pass the ghost of the fold at different distances."""
    with pytest.raises(NoSolution) as caught:
        solve_profile("teacher-student", 4, alpha)
    assert caught.value.limit == pytest.approx(336.4461776, rel=1e-9)


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
