"""Belief propagation against enumeration on trees, and closed forms on rings and complete graphs."""

import math

import numpy as np
import pytest
from ising_systems import complete, random_model, tree_model

from deepglass.errors import InvalidInput, NotConverged
from theory.inverse_ising import (
    IsingModel,
    bethe_log_z,
    bethe_response,
    exact,
    growth,
    matched_bethe,
    moment_error,
    solve_bethe,
)


@pytest.mark.parametrize(("coupling", "fields"), [(0.3, 0.2), (1.0, 0.7), (3.0, 0.5), (1.0, 0.0)])
def test_exact_on_trees(coupling, fields):
    model = tree_model(11, coupling, fields, seed=2)
    found, true = solve_bethe(model), exact(model)
    bonds = model.J != 0.0
    np.testing.assert_allclose(found.moments.m, true.moments.m, atol=1e-13)
    np.testing.assert_allclose(found.moments.C[bonds], true.moments.C[bonds], atol=1e-13)
    # Beliefs know coupled pairs only; responses know all.
    assert moment_error(found.moments, true.moments).C > 0.003
    assert moment_error(bethe_response(found), true.moments).total < 1e-9
    assert found.log_z == pytest.approx(true.log_z, abs=1e-13)
    assert found.energy == pytest.approx(true.energy, abs=1e-12)
    assert found.entropy == pytest.approx(true.entropy, abs=1e-12)
    # Every message of a tree is final after as many sweeps as the tree is long.
    assert found.certificate.iterations <= 12


def test_exact_without_couplings():
    h = np.array([0.0, 0.3, -2.0, 30.0])
    found = solve_bethe(IsingModel(np.zeros((4, 4)), h))
    np.testing.assert_allclose(found.moments.m, np.tanh(h), atol=1e-15)
    assert found.log_z == pytest.approx(np.mean(np.logaddexp(h, -h)), abs=1e-15)


@pytest.mark.parametrize("J", [0.4, -0.7])
def test_ring_lacks_exactly_the_loop(J):
    """ln Z of a ring is N ln 2cosh J + ln(1 + t^N); Bethe has the first term."""
    N = 6
    couplings = J * (np.eye(N, k=1) + np.eye(N, k=N - 1))
    model = IsingModel(couplings + couplings.T, np.zeros(N))
    found = solve_bethe(model)
    assert found.log_z == pytest.approx(math.log(2 * math.cosh(J)), abs=1e-14)
    assert exact(model).log_z - found.log_z == pytest.approx(math.log(1 + math.tanh(J) ** N) / N, abs=1e-14)
    assert growth(found) == pytest.approx(abs(math.tanh(J)), rel=1e-6)


@pytest.mark.parametrize(("N", "J"), [(5, 0.1), (8, 0.3), (12, -0.05)])
def test_growth_on_complete_graphs(N, J):
    """Without fields a change common to all messages grows by (N - 2) t."""
    model = complete(N, J)
    zero = np.zeros((N, N))
    try:
        state = solve_bethe(model, zero)
    except NotConverged as error:
        state = error.last
    assert growth(state) == pytest.approx((N - 2) * abs(math.tanh(J)), rel=1e-3)


def test_no_overflow_at_strong_couplings():
    N = 5
    couplings = 400.0 * np.eye(N, k=1)
    model = IsingModel(couplings + couplings.T, np.array([0.3, 0.0, 0.0, 0.0, 0.0]))
    found = solve_bethe(model)
    np.testing.assert_allclose(found.moments.m, math.tanh(0.3), rtol=1e-12)
    assert found.log_z == pytest.approx((4 * 400.0 + math.log(2 * math.cosh(0.3))) / N, rel=1e-13)


def test_free_energy_is_stationary_at_the_fixed_point_only():
    """A change eps of the messages changes ln Z by eps^2 there, by eps elsewhere."""
    model = random_model(8, 0.3, 0.4, seed=3)
    fixed = solve_bethe(model, tolerance=1e-14).messages
    direction = np.random.default_rng(0).standard_normal(fixed.shape)

    def ratio(messages):
        change = [
            bethe_log_z(model, messages + e * direction) - bethe_log_z(model, messages) for e in (1e-3, 5e-4)
        ]
        return change[0] / change[1]

    assert ratio(fixed) == pytest.approx(4.0, rel=0.02)
    assert ratio(fixed + 0.3) == pytest.approx(2.0, rel=0.02)


def test_moments_are_derivatives_of_the_bethe_free_energy():
    model, eps = random_model(8, 0.25, 0.4, seed=4), 1e-4
    moments = solve_bethe(model, tolerance=1e-14).moments

    def log_z(J, h):
        return 8 * solve_bethe(IsingModel(J, h), tolerance=1e-13).log_z

    dh, dJ = np.zeros(8), np.zeros((8, 8))
    dh[3] = dJ[1, 6] = dJ[6, 1] = eps
    m3 = (log_z(model.J, model.h + dh) - log_z(model.J, model.h - dh)) / (2 * eps)
    C16 = (log_z(model.J + dJ, model.h) - log_z(model.J - dJ, model.h)) / (2 * eps)
    assert m3 == pytest.approx(moments.m[3], abs=1e-7)
    assert pytest.approx(moments.C[1, 6], abs=1e-7) == C16


def test_loops_cost_third_order():
    """Without fields the first loop is a triangle: ln Z - ln Z_Bethe = sum t_ij t_jk t_ki + O(t^4)."""
    model = random_model(7, 0.02, 0.0, seed=5)
    t = np.tanh(model.J)
    triangles = np.trace(t @ t @ t) / 6
    # The next order is a square: smaller by t times the number of ways, here a few per cent.
    assert 7 * (exact(model).log_z - solve_bethe(model).log_z) == pytest.approx(triangles, rel=0.15)


def test_damping_changes_the_way_not_the_end():
    model = random_model(10, 0.2, 0.3, seed=6)
    plain, damped = solve_bethe(model, tolerance=1e-12), solve_bethe(model, damping=0.6, tolerance=1e-12)
    assert damped.certificate.iterations > plain.certificate.iterations
    assert moment_error(plain.moments, damped.moments).total < 1e-11


def test_a_cycle_is_not_convergence():
    """All spins against all: parallel sweeps alternate; damped ones settle."""
    model = complete(12, -0.3, field=0.5)
    with pytest.raises(NotConverged, match="belief propagation") as raised:
        solve_bethe(model, max_sweeps=200)
    assert raised.value.residual > 1e-3
    assert raised.value.last.certificate.iterations == 200
    assert solve_bethe(model, damping=0.5).certificate.residual <= 1e-9


def test_two_states_from_two_starts():
    """A ferromagnet has two fixed points, images of each other; the start decides."""
    model = complete(20, 0.1)
    up, down = (solve_bethe(model, np.full((20, 20), c)) for c in (1.0, -1.0))
    assert up.moments.m[0] > 0.5
    np.testing.assert_allclose(up.moments.m, -down.moments.m, atol=1e-8)
    assert up.log_z > solve_bethe(model, np.zeros((20, 20))).log_z


@pytest.mark.parametrize("model", [tree_model(9, 0.8, 0.5, seed=7), random_model(9, 0.1, 0.4, seed=7)])
def test_matched_model_has_the_moments_and_is_a_fixed_point(model):
    moments = exact(model).moments
    found = matched_bethe(moments)
    assert found.certificate.residual < 1e-13
    again = solve_bethe(found.model, tolerance=1e-12)
    assert moment_error(again.moments, moments).total < 1e-11


def test_responses_are_derivatives_of_the_means():
    model, eps = random_model(8, 0.2, 0.4, seed=4), 1e-4
    found = bethe_response(solve_bethe(model, tolerance=1e-14)).connected
    dh = np.zeros(8)
    dh[2] = eps
    up, down = (
        solve_bethe(IsingModel(model.J, model.h + a * dh), tolerance=1e-13).moments.m for a in (1, -1)
    )
    rest = np.arange(8) != 2
    np.testing.assert_allclose(found[2, rest], ((up - down) / (2 * eps))[rest], atol=1e-7)


def test_matched_model_of_a_pair_is_the_pair():
    pair = tree_model(2, 1.0, 0.7, seed=8)
    found = matched_bethe(exact(pair).moments).model
    np.testing.assert_allclose(found.J, pair.J, atol=1e-13)
    np.testing.assert_allclose(found.h, pair.h, atol=1e-13)


def test_bad_input_is_named():
    model = random_model(3, 0.1, 0.1)
    with pytest.raises(InvalidInput, match=r"damping = 1 must be < 1"):
        solve_bethe(model, damping=1.0)
    with pytest.raises(InvalidInput, match=r"messages have shape \(2, 2\)"):
        solve_bethe(model, np.zeros((2, 2)))
    with pytest.raises(InvalidInput, match="tolerance = 0"):
        solve_bethe(model, tolerance=0.0)
