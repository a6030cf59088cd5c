"""k-step breaking in the site closure: the recursion of a joint site, the chain on it, its solutions."""

import math
from dataclasses import replace

import numpy as np
import pytest
from finite_differences import derivative
from scipy.special import expit

from theory import joint, rsb, spherical
from theory.broken import solve_hierarchy
from theory.hierarchy import HierarchicalChain
from theory.joint_recursion import recursion, terminal
from theory.levels import Levels
from theory.overlaps import Support
from theory.potentials import HardCore, SoftCore
from theory.profile import solve_profile
from theory.site_hierarchy import SiteChain

POTENTIALS = (HardCore(), HardCore(0.7), HardCore(-0.5), SoftCore(30.0, 0.5))
NONE = np.zeros(0)
LADDERS = [
    ([0.1, 0.5], [0.3, 2.0], [0.4]),
    ([0.2, 0.8], [0.5, 5.0], [0.7]),
    ([0.1, 0.25, 0.4], [0.3, 0.9, 1.5], [0.2, 0.6]),
]


def arrays(*lists):
    return tuple(np.array(values) for values in lists)


def gaps(m):
    return np.diff(np.concatenate([[0.0], m, [1.0]]))


@pytest.mark.parametrize("potential", POTENTIALS, ids=repr)
@pytest.mark.parametrize("overlap", [0.02, 0.3, 0.8, 0.97])
@pytest.mark.parametrize("eps", [0.05, 1.0, 25.0])
def test_one_level_is_the_symmetric_site(potential, overlap, eps):
    found = recursion(potential, np.array([overlap]), np.array([eps]), NONE)
    site = joint.site(potential, overlap, 1.0 - overlap, eps, 0)
    q = expit(site.logit)
    assert found.value == pytest.approx(
        joint.log_partition(potential, overlap, 1.0 - overlap, eps, 0), rel=1e-11
    )
    assert found.w[0] == pytest.approx(site.w, rel=1e-8)
    assert found.q[0] == pytest.approx(q, abs=1e-10)
    expected = [[site.w_overlap, site.w_eps], [site.w_eps, q * (1 - q) * site.logit_eps]]
    np.testing.assert_allclose(found.response, expected, rtol=1e-8, atol=1e-8)


def test_one_step_is_the_nested_average():
    """By Gauss-Hermite quadrature of the closed form of F, without any grid."""
    overlap, eps, m = 0.1, 0.4, 0.6
    z, weight = np.polynomial.hermite_e.hermegauss(40)
    weight = weight / math.sqrt(2.0 * math.pi)
    a, h = math.sqrt(0.2) * z, math.sqrt(0.5) * z
    total = 0.0
    for i, outer_a in enumerate(math.sqrt(overlap) * z):
        for j, outer_h in enumerate(math.sqrt(eps) * z):
            if weight[i] * weight[j] > 1e-12:
                inner = terminal(HardCore(0.2), outer_a + a, outer_h + h, 1.0 - 0.3)[0]
                total += weight[i] * weight[j] * math.log(weight @ np.exp(m * inner) @ weight) / m
    found = recursion(HardCore(0.2), *arrays([0.1, 0.3], [0.4, 0.9], [m]))
    assert found.value == pytest.approx(total, abs=1e-9)


@pytest.mark.parametrize("ladder", LADDERS, ids=repr)
@pytest.mark.parametrize("potential", POTENTIALS[:2], ids=repr)
def test_overlaps_are_the_gradient_of_the_value_and_responses_theirs(potential, ladder):
    overlap, eps, m = arrays(*ladder)
    k = m.size
    found = recursion(potential, overlap, eps, m)
    gradient = -0.5 * np.concatenate([gaps(m) * found.w, gaps(m) * found.q])
    gradient[-1] += 0.5

    def moved(x):
        site = recursion(potential, x[: k + 1], x[k + 1 :], m)
        return np.concatenate([[site.value], site.w, site.q])

    slopes = derivative(moved, np.concatenate([overlap, eps]))
    np.testing.assert_allclose(slopes[0], gradient, atol=1e-9)
    np.testing.assert_allclose(slopes[1:], found.response, rtol=1e-7, atol=1e-8)
    assert np.all(np.diff(found.w) > 0.0)
    assert np.all(np.diff(found.q) > 0.0)
    in_m = derivative(lambda x: recursion(potential, overlap, eps, x).value, m)
    np.testing.assert_allclose(np.diff(found.mean) / m, in_m, atol=1e-9)


def test_narrow_and_vanishing_steps():
    """Levels that are nearly, or exactly, equal: the symmetric site, and the grid does not matter."""
    overlap, eps, m = arrays([0.3, 0.3, 0.3], [1.2, 1.2, 1.2], [0.2, 0.6])
    site = joint.site(HardCore(), 0.3, 0.7, 1.2, 0)
    found = recursion(HardCore(), overlap, eps, m)
    np.testing.assert_allclose(found.w, site.w, rtol=1e-11)
    np.testing.assert_allclose(found.q, expit(site.logit), rtol=1e-11)
    near = arrays([0.3, 0.301, 0.302], [1.2, 1.203, 1.206], [0.2, 0.6])
    for one, two in zip(
        *((s.w, s.q, s.response) for s in (recursion(HardCore(), *near, h) for h in (0.07, 0.05))),
        strict=True,
    ):
        np.testing.assert_allclose(one, two, rtol=1e-8, atol=1e-10)


def chain_at(depth, alpha, m=NONE, hidden=None, potential=None):
    support = Support(tuple(hidden or [True] * (depth - 1)))
    return SiteChain(depth, alpha, potential or HardCore(), m, support)


def random_unknowns(chain, seed):
    rng = np.random.default_rng(seed)
    parts = 0.2 + rng.uniform(size=(chain.unknowns // chain.levels, chain.levels + 1))
    return (np.cumsum(parts, axis=1)[:, :-1] / parts.sum(axis=1, keepdims=True)).ravel()


@pytest.mark.parametrize(("depth", "alpha"), [(2, 1.2), (2, 3.0), (3, 4.0), (3, 12.0)])
def test_the_symmetric_chain_is_the_profile(depth, alpha):
    profile = solve_profile("random", depth, alpha, closure="site")
    chain = chain_at(depth, alpha, hidden=[bool(value > 0.0) for value in profile.q[1:-1]])
    levels = Levels(profile.q[:, None], profile.Q[:, None])
    found = chain.evaluate(chain.pack(levels), jacobian=False)
    np.testing.assert_allclose(found.image, chain.pack(levels), atol=1e-9)
    np.testing.assert_allclose(found.eps[1:-1, 0], profile.eps, atol=1e-9)
    np.testing.assert_array_equal(found.levels.q, levels.q)
    assert chain.entropy(found) == pytest.approx(profile.entropy, abs=1e-11)


@pytest.mark.parametrize("hidden", [(True,), (True, True), (False, True), (True, False)], ids=repr)
def test_jacobian_is_the_derivative_of_the_map(hidden):
    chain = chain_at(len(hidden) + 1, 4.0, np.array([0.4]), hidden, HardCore(0.3))
    x = random_unknowns(chain, 1)
    found = chain.evaluate(x)
    numeric = derivative(lambda y: chain.evaluate(y, jacobian=False).image, x)
    np.testing.assert_allclose(found.jacobian, numeric, rtol=1e-7, atol=1e-8)


def test_equal_levels_are_the_symmetric_chain():
    symmetric = chain_at(3, 5.0)
    x = random_unknowns(symmetric, 2)
    one = symmetric.evaluate(x, jacobian=False)
    chain = replace(symmetric, m=np.array([0.3, 0.8]))
    found = chain.evaluate(np.repeat(x, 3), jacobian=False)
    np.testing.assert_allclose(found.image, np.repeat(one.image, 3), rtol=1e-10)
    assert chain.entropy(found) == pytest.approx(symmetric.entropy(one), abs=1e-11)
    np.testing.assert_allclose(chain.break_point_slope(found), 0.0, atol=1e-10)


def test_residual_is_the_gradient_of_the_entropy():
    """At random overlaps with the fields of their map. With eps fixed,

    ``ds/dQ_i(l) = D_i [-(Q^-1)_i/alpha - q_i(l-1) W_i(l)]/2``,
    ``ds/dq_i(l) = D_i [eps_i - Q_i(l+1) W_i(l+1)]/2``
    and ``ds/deps_i(l) = D_i [q_i - site's]/2``; the last times the slope of the fields adds to the others.
    """
    alpha, depth = 4.0, 3
    chain = chain_at(depth, alpha, np.array([0.35]))
    x = random_unknowns(chain, 3)
    found = chain.evaluate(x, jacobian=False)
    D, levels, size = gaps(chain.m), found.levels, chain.unknowns
    w = np.array([found.sites[1].w, found.sites[2].w, found.output.w])
    answers = np.array([np.ones(2), found.sites[1].q, found.sites[2].q, np.ones(2)])
    pulls = np.array([spherical.pull(Q, chain.m) for Q in levels.Q])
    in_Q = 0.5 * D * (pulls / alpha - levels.q[:-1] * w)
    in_q = 0.5 * D * (found.eps[1:-1] - levels.Q[1:] * w[1:])
    in_eps = 0.5 * D * (levels.q - answers)[1:-1]
    eps_slope = derivative(lambda y: chain.evaluate(y, jacobian=False).eps[1:-1], x)
    expected = np.concatenate([in_Q.ravel(), in_q.ravel()]) + np.tensordot(in_eps, eps_slope, 2)
    numeric = derivative(lambda y: np.asarray(chain.entropy(chain.evaluate(y, jacobian=False))), x)
    assert expected.size == size
    np.testing.assert_allclose(numeric, expected, atol=1e-8)


def test_break_point_slope_is_the_derivative_of_the_entropy():
    """At a solution eps may move freely: the entropy is stationary in it."""
    chain = chain_at(2, 3.0, np.array([0.2]))
    shape = np.array([0.1, 1.0])
    start = Levels(np.vstack([[1, 1], 0.2 * shape, [1, 1]]), np.vstack([0.2 * shape, 0.3 * shape]))
    state = rsb.settle(chain, start)
    x = state.relaxed.x

    def entropy(m):
        moved = replace(chain, m=m)
        return np.asarray(moved.entropy(moved.evaluate(x, jacobian=False)))

    np.testing.assert_allclose(state.slope, derivative(entropy, chain.m), atol=1e-9)


def test_one_step_beyond_the_instability_at_depth_2():
    """Lower entropy than RS, stable, stationary; the gaussian closure gains more at this alpha."""
    alpha = 3.0
    broken = {}
    for name, kind in (("site", SiteChain), ("gaussian", HierarchicalChain)):
        profile = solve_profile("random", 2, alpha, closure=name)
        assert profile.replicon < 0.0
        chain = kind(2, alpha, HardCore(), NONE, Support((True,)))
        state = rsb.one_step(chain, Levels(profile.q[:, None], profile.Q[:, None]))
        entropy = state.solved.entropy
        assert entropy < profile.entropy - 5e-5
        assert state.relaxed.rho <= 1.0
        assert abs(state.slope[0]) < 1e-9
        q = state.solved.levels.q[1]
        assert 0.0 < q[0] < profile.q[1] < q[1]
        broken[name] = (profile.entropy - entropy, float(state.chain.m[0]), q)
    assert broken["gaussian"][0] > broken["site"][0]
    assert broken["site"][1] == pytest.approx(0.364326, abs=1e-5)
    np.testing.assert_allclose(broken["site"][2], [0.0847993, 0.2665097], atol=1e-6)


def test_two_steps_lower_the_entropy_further():
    profile = solve_profile("random", 2, 3.0, closure="site")
    symmetric = Levels(profile.q[:, None], profile.Q[:, None])
    state = rsb.continuous(chain_at(2, 3.0), symmetric, 2)
    entropy = state.solved.entropy
    assert entropy == pytest.approx(-0.6956926691, abs=2e-9)
    assert entropy < -0.6956908377  # one step


def test_both_closures_by_name_and_the_symmetric_limit():
    """``closure="site"`` through the public door: k = 0 is the symmetric solution, its replicon included."""
    for depth, alpha in ((2, 3.0), (3, 4.0)):  # at depth 3 the first layer is liquid
        found = solve_hierarchy("random", depth, alpha, 0, closure="site")
        assert found.entropy == pytest.approx(found.symmetric.entropy, abs=1e-11)
        assert found.replicon == pytest.approx(found.symmetric.replicon, abs=1e-8)
    one = solve_hierarchy("random", 2, 3.0, 1, closure="site")
    assert one.entropy == pytest.approx(-0.6956908377, abs=1e-9)
    assert one.symmetric.replicon < one.replicon < 0.0
    assert one.closure == "site"
