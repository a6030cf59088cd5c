"""Entropy landscapes, TAP states and third moments against enumeration and the Curie-Weiss model."""

import math

import numpy as np
import pytest
from ising_systems import complete, exact_sampler, random_model
from scipy.optimize import brentq

from deepglass.errors import InvalidInput, NotConverged
from theory.inverse_ising import (
    IsingModel,
    configurations,
    entropy_bound,
    entropy_landscape,
    exact,
    hysteresis,
    iso_energy_landscape,
    probabilities,
    solve_bethe,
    tap_states,
    third_moment_test,
    third_moments,
)
from theory.inverse_ising.tap import tap_equations, tap_log_z

GRID = np.linspace(-1.5, 1.5, 7)


def reference_of(N, seed=0):
    return np.sign(np.random.default_rng(seed).standard_normal(N))


def enumerated(model, star, grid):
    """d, s, energy of the tilted law, each (X,)."""
    rows = []
    for x in grid:
        found = exact(model.tilted(star, x))
        d = 0.5 * (1.0 - star @ found.moments.m / model.N)
        rows.append((d, found.entropy, model.mean_energy(found.moments)))
    return np.array(rows).T


def test_landscape_without_couplings_is_exact():
    """Independent spins in fields h + x s*: everything in closed form."""
    h, star = np.linspace(-1.0, 1.0, 16), reference_of(16)
    model = IsingModel(np.zeros((16, 16)), h)
    found = entropy_landscape(model, star, GRID)
    for x, d, s in zip(GRID, found.d, found.s, strict=True):
        field = h + x * star
        m = np.tanh(field)
        assert d == pytest.approx(0.5 * (1 - np.mean(star * m)), abs=1e-14)
        assert s == pytest.approx(np.mean(np.log(2 * np.cosh(field)) - field * m), abs=1e-13)


def test_landscape_without_fields_and_couplings_is_the_bound():
    found = entropy_landscape(IsingModel(np.zeros((16, 16)), np.zeros(16)), reference_of(16), GRID)
    np.testing.assert_allclose(found.s, entropy_bound(found.d), atol=1e-14)
    assert entropy_bound(0.5) == pytest.approx(math.log(2))
    assert entropy_bound(0.0) == 0.0


def test_landscape_of_sixteen_spins_against_enumeration():
    """Within the Bethe error, of third order in the couplings (triangles): halved, 8 times smaller."""
    star = reference_of(16, seed=1)
    shape = random_model(16, 1.0, 0.3, seed=1)
    worst = []
    for g in (0.06, 0.03):
        model = IsingModel(g * shape.J, shape.h)
        found, true = entropy_landscape(model, star, GRID, tolerance=1e-12), enumerated(model, star, GRID)
        worst.append(
            [np.max(np.abs(a - b)) for a, b in zip((found.d, found.s, found.energy), true, strict=True)]
        )
    assert max(worst[0]) < 2e-3
    np.testing.assert_allclose(np.log2(np.array(worst[0]) / worst[1]), 3.0, atol=0.5)


def test_tilt_and_distance_are_conjugate():
    """d(ln Z)/dx = q = 1 - 2 d, and the first law."""
    model, star, eps = random_model(12, 0.15, 0.3, seed=2), reference_of(12), 1e-4
    found = entropy_landscape(model, star, np.array([0.7 - eps, 0.7, 0.7 + eps]), tolerance=1e-13)
    assert (found.log_z[2] - found.log_z[0]) / (2 * eps) == pytest.approx(1 - 2 * found.d[1], abs=1e-7)
    # ds = d(energy) - x dq, the first law at beta = 1.
    ds, de, dq = (v[2] - v[0] for v in (found.s, found.energy, 1 - 2 * found.d))
    assert ds == pytest.approx(de - 0.7 * dq, abs=1e-8)


def test_smooth_landscape_is_the_same_both_ways():
    model, star = random_model(30, 0.08, 0.2, seed=3), reference_of(30)
    rising, falling = (entropy_landscape(model, star, direction=way) for way in (1, -1))
    assert hysteresis(rising, falling) is None
    np.testing.assert_allclose(rising.d, falling.d, atol=1e-6)
    assert (np.diff(rising.d) < 0.0).all()
    assert (rising.s <= entropy_bound(rising.d) + 1e-12).all()


def test_hysteresis_of_the_ferromagnet():
    """Curie-Weiss, b = 1.5: spinodals at |x| = b m - artanh m = 0.208, m^2 = 1 - 1/b; BP differs by 1/N."""
    N, b = 200, 1.5
    model, star, grid = complete(N, b / N), np.ones(N), np.linspace(-0.4, 0.4, 81)
    found = hysteresis(*(entropy_landscape(model, star, grid, way, max_sweeps=20000) for way in (1, -1)))
    m = math.sqrt(1 - 1 / b)
    spinodal = b * m - math.atanh(m)
    # The last x of the interval is up to one step (0.01) short of the spinodal.
    assert found.upper == pytest.approx(spinodal, abs=0.02)
    assert found.lower == pytest.approx(-found.upper, abs=1e-9)
    assert found.crossing == pytest.approx(0.0, abs=1e-6)
    assert found.jump_rising > 0.5
    cold = complete(N, 0.7 / N)
    assert hysteresis(*(entropy_landscape(cold, star, grid, way) for way in (1, -1))) is None


def test_iso_energy_against_enumeration():
    """beta(x) of the exact energy, within the Bethe error of the model."""
    model, star = random_model(12, 0.06, 0.3, seed=4), reference_of(12, seed=4)
    target = -0.08
    found = iso_energy_landscape(model, star, GRID[:-1], energy=target, beta=(0.05, 5.0))
    np.testing.assert_allclose(found.energy, target, atol=1e-9)

    def excess(beta, x):
        return model.mean_energy(exact(model.at(beta).tilted(star, x)).moments) - target

    true = [brentq(excess, 0.05, 5.0, args=(x,)) for x in GRID[:-1]]
    np.testing.assert_allclose(found.beta, true, rtol=0.02)
    entropies = [exact(model.at(b).tilted(star, x)).entropy for b, x in zip(true, GRID[:-1], strict=True)]
    np.testing.assert_allclose(found.s, entropies, atol=5e-3)


def test_iso_energy_default_is_that_of_the_reference_and_out_of_reach_is_missing():
    model = random_model(12, 0.1, 0.3, seed=5)
    p = probabilities(model)
    star = configurations(12)[np.argsort(p)[-40]]
    found = iso_energy_landscape(model, star, np.array([0.0, 0.5]))
    np.testing.assert_allclose(found.energy, model.energy(star[None])[0] / 12, atol=1e-9)
    ground = -model.energy(configurations(12)).min() / 12
    none = iso_energy_landscape(model, star, np.array([-2.0, 0.0]), energy=-1.1 * ground)
    assert np.isnan(none.d).all()
    assert np.isnan(none.beta).all()


def test_a_sweep_without_fixed_point_carries_what_it_has():
    """Strong frustration: no stable messages at small tilts, but far out all is polarised."""
    model, star = random_model(40, 0.6, 0.0, seed=6), reference_of(40)
    with pytest.raises(NotConverged, match="x = ") as raised:
        entropy_landscape(model, star, np.linspace(-30.0, 0.0, 16), max_sweeps=300)
    got = raised.value.last
    assert np.isfinite(got.d[0])
    assert np.isnan(got.d[-1])


def test_tap_equations_are_where_the_tap_free_energy_is_stationary():
    """N d(ln Z)/dm_i = artanh(right-hand side) - artanh m_i at any m: ties the reaction to the energy."""
    model = random_model(7, 0.4, 0.5, seed=7)
    m, eps = np.tanh(np.random.default_rng(1).standard_normal(7)), 1e-6
    slope = [
        7 * (tap_log_z(model, m + eps * e) - tap_log_z(model, m - eps * e)) / (2 * eps) for e in np.eye(7)
    ]
    np.testing.assert_allclose(slope, np.arctanh(tap_equations(model, m)) - np.arctanh(m), atol=1e-7)


def test_tap_free_energy_is_third_order_exact():
    """Plefka's expansion to second order: the rest is of third order in the couplings."""
    shape = random_model(8, 1.0, 0.5, seed=8)
    off = []
    for g in (0.04, 0.02):
        model = IsingModel(g * shape.J, shape.h)
        found = tap_states(model, 5)
        assert found.found == (5,)
        off.append(abs(found.log_z[0] - exact(model).log_z))
    assert np.log2(off[0] / off[1]) == pytest.approx(3.0, abs=0.4)


def test_tap_states_of_the_ferromagnet():
    """Two states, images of each other: one or the other from every start, equal in ln Z."""
    model = complete(100, 1.5 / 100)
    found = tap_states(model, 60, seed=1)
    assert len(found.m) == 2
    assert sum(found.found) == 60
    np.testing.assert_allclose(found.m[0], -found.m[1], atol=1e-6)
    assert found.log_z[0] == pytest.approx(found.log_z[1], abs=1e-12)
    assert found.certificate.residual <= 1e-8
    bethe = solve_bethe(model, np.full((100, 100), 1.0))
    np.testing.assert_allclose(np.abs(found.m[0]), bethe.moments.m, atol=1e-3)
    assert found.log_z[0] == pytest.approx(bethe.log_z, abs=1e-4)


def test_tap_that_cycles_is_not_a_state():
    with pytest.raises(NotConverged, match="no TAP state from 3 starts"):
        tap_states(complete(12, -1.0, field=0.5), 3, max_iterations=100)


def test_third_moments_by_hand():
    model = random_model(5, 0.5, 0.5, seed=9)
    s, p = configurations(5), probabilities(model)
    triples = np.array([[0, 1, 2], [0, 1, 4], [1, 3, 4]])
    m = p @ s
    for row, (i, j, k) in enumerate(triples):
        raw = p @ (s[:, i] * s[:, j] * s[:, k])
        C = {pair: p @ (s[:, pair[0]] * s[:, pair[1]]) for pair in ((i, j), (i, k), (j, k))}
        cumulant = raw - m[i] * C[j, k] - m[j] * C[i, k] - m[k] * C[i, j] + 2 * m[i] * m[j] * m[k]
        assert third_moments(s, triples, p, connected=False)[row] == pytest.approx(raw, abs=1e-14)
        assert third_moments(s, triples, p)[row] == pytest.approx(cumulant, abs=1e-14)


def test_third_moment_test_accepts_its_model_and_refuses_triplets():
    """Data of the model differ by noise; data with a three-spin term that pairs cannot know by much more."""
    model, sample = random_model(8, 0.3, 0.4, seed=10), exact_sampler(20000, seed=6)
    own = third_moment_test(sample(model.J, model.h), model, sample)
    assert len(own.triples) == 56
    # The noise is that of independent spins; correlated triples share theirs: within 30 %.
    assert own.difference == pytest.approx(own.noise, rel=0.3)
    assert own.correlation > 0.9
    assert own.slope == pytest.approx(1.0, abs=0.1)
    s = configurations(8)
    weights = probabilities(model) * np.exp(0.5 * s[:, 0] * s[:, 1] * s[:, 2])
    rng = np.random.default_rng(7)
    triplets = s[rng.choice(256, size=20000, p=weights / weights.sum())]
    assert third_moment_test(triplets, model, sample).difference > 5 * own.noise
    assert third_moment_test(triplets, model, sample, subset=[2, 0, 1]).data[0] > 0.2


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: entropy_landscape(random_model(3, 0.1, 0.1), np.ones(3), [1.0, 0.0]), "rising grid"),
        (lambda: entropy_landscape(random_model(3, 0.1, 0.1), np.ones(3), direction=0), "direction = 0"),
        (lambda: entropy_landscape(random_model(3, 0.1, 0.1), np.zeros(3)), "hold 0"),
        (lambda: iso_energy_landscape(random_model(3, 0.1, 0.1), np.ones(3), beta=(2.0, 1.0)), "must rise"),
        (lambda: entropy_bound(1.2), r"d must be in \[0, 1\]"),
        (lambda: third_moments(np.ones((2, 3)), np.array([[0, 1, 3]])), "spins 0..2"),
        (lambda: third_moment_test(np.ones((2, 3)), random_model(3, 0.1, 0.1), np.ones, [0, 1]), "2 spins"),
    ],
)
def test_bad_input_is_named(call, said):
    with pytest.raises(InvalidInput, match=said):
        call()
