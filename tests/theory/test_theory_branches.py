"""Branches: where they exist, how they end, which of them wins."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr
from scipy.stats import norm
from theory_reference import iterate

from deepglass.errors import InvalidInput, NoSolution
from theory import SCENARIOS, branches, capacity, solve_profile
from theory.branches import continuous_spinodal, crystal_spinodal
from theory.network import Chain
from theory.potentials import HardCore

W0 = 2 / math.pi


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
    chain = Chain("teacher-student", depth, 1.0)
    assert crystal_spinodal(chain) == pytest.approx(below, abs=1e-6)
    assert continuous_spinodal(chain, 100.0) == pytest.approx(above, abs=1e-6)
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


def test_unique_branch_at_depth_one():
    with pytest.raises(NoSolution, match="unique"):
        solve_profile("teacher-student", 1, 20.0, branch="crystal")
    equilibrium = solve_profile("teacher-student", 1, 20.0, branch="equilibrium")
    assert equilibrium.branch == "continuous"


@pytest.mark.parametrize("alpha", [340.0, 400.0, 421.6965034285823, 1e3, 1e6])
def test_end_of_the_continuous_branch_does_not_depend_on_where_it_is_asked(alpha):
    """Bisections from above pass the ghost of the fold at different distances."""
    with pytest.raises(NoSolution) as caught:
        solve_profile("teacher-student", 4, alpha)
    assert caught.value.limit == pytest.approx(336.4461776, rel=1e-9)
