"""Penetration of the solid, freezing of layers, generalization, distributions of overlaps."""

import math

import numpy as np
import pytest

from deepglass.errors import InvalidInput
from theory import solve_hierarchy, solve_profile
from theory.predictions import (
    continuous_width,
    generalization,
    generalization_of,
    hierarchy_by_layer,
    layer_thresholds,
    liquid_centre,
    overlap_distribution,
    penetration,
    penetration_of,
    propagate,
    slope,
)

W0 = 2 / math.pi


def test_slope_of_a_logarithm_is_exact_and_its_error_is_the_textbook_one():
    alpha = np.geomspace(1.0, 1e4, 9)
    exact = slope(alpha, 2.0 + 0.7 * np.log(alpha))
    assert exact.value == pytest.approx(0.7, rel=1e-12)
    assert exact.error < 1e-12
    y = 0.7 * np.log(alpha) + np.array([1, -1, 1, -1, 0, -1, 1, -1, 1]) * 0.1
    x = np.log(alpha)
    (fit, _), covariance = np.polyfit(x, y, 1, cov="unscaled")
    rest = y - np.polyval(np.polyfit(x, y, 1), x)
    found = slope(alpha, y)
    assert found.value == pytest.approx(fit, rel=1e-12)
    assert found.error == pytest.approx(math.sqrt(covariance[0, 0] * rest @ rest / 7), rel=1e-12)
    assert slope(alpha, y, (1e2, 1e9)).points == 5
    assert math.isnan(slope(alpha[:2], y[:2]).value)


def test_penetration_of_a_hand_made_profile():
    q = np.array([[1, 0.6, 0.2, 0, 0, 0.2, 0.6, 1], [1, 0.9, 0.8, 0.7, 0.7, 0.8, 0.9, 1]])
    found = penetration_of([10.0, 100.0], q)
    assert found.xi_input[0] == pytest.approx(1 + (0.6 - 1 / math.e) / 0.4)
    assert found.xi_output[0] == pytest.approx(found.xi_input[0])
    assert math.isnan(found.xi_input[1])
    assert list(found.n_liquid) == [4, 0]
    assert list(found.front_input) == [2, 6]


def test_penetration_grows_and_ends_in_nan_beyond_the_branch():
    alphas = [0.5, 3.0, 10.0, 30.0, 100.0, 1e3]
    found = penetration("random", 10, alphas)
    assert np.all(np.diff(found.xi_input) > 0.0)
    assert list(found.front_input[:3]) == [0, 1, 1]
    assert np.all(np.diff(found.n_liquid) <= 0.0)
    assert found.slope_input.points == 5
    ended = penetration("random", 2, [10.0, 60.0])
    assert math.isnan(ended.n_liquid[1])
    assert not math.isnan(ended.n_liquid[0])


@pytest.mark.parametrize(
    ("scenario", "first"),
    [("teacher-student", (12.91562554, 38.42129642)), ("random", (21.01165214, 86.09456931))],
)
def test_thresholds_of_layers_obey_the_linearised_chain(scenario, first):
    found = layer_thresholds(scenario, 10)
    assert found.steps[0] == pytest.approx(math.pi**2 / 4, rel=1e-9)
    np.testing.assert_allclose(found.steps[1:3], first, rtol=1e-8)
    np.testing.assert_allclose(found.alpha, found.alpha[::-1], rtol=1e-9)
    # Layer 2 freezes where alpha w(0)^2 q_1^2 = 1.
    q = solve_profile(scenario, 10, float(found.steps[1]) * (1 - 1e-9)).q[1]
    assert found.steps[1] * W0**2 * q**2 == pytest.approx(1.0, rel=1e-7)
    # The ratios shrink: the front is faster than a logarithm.
    assert np.all(np.diff(found.ratios[:3]) < 0.0)


def test_liquid_centre():
    two = liquid_centre("random", 2)
    assert two.frozen.alpha == pytest.approx(math.pi**2 / 8, rel=1e-9)
    assert two.frozen.how == "continuous"
    q = solve_profile("random", 2, two.solid.alpha).q[1]
    assert q == pytest.approx(1 / math.e, abs=1e-9)
    # A deep student crystallises while its centre is still liquid.
    crystal = liquid_centre("teacher-student", 10, branch="equilibrium")
    assert crystal.frozen.how == crystal.solid.how == "jump"
    assert crystal.solid.alpha == pytest.approx(100.8798738, rel=1e-8)
    with pytest.raises(InvalidInput, match="depth"):
        liquid_centre("random", 1)


def test_liquid_centre_that_stays_or_goes_in_two_ways():
    """Random, depth 6: every layer freezes, the overlap of the innermost stays below 1/e. Teacher-student,
    depth 6: frozen continuously, solid only in the crystal.
    """
    stays = liquid_centre("random", 6)
    assert stays.frozen.alpha == pytest.approx(layer_thresholds("random", 6).steps[-1], rel=1e-12)
    assert (stays.solid.how, stays.solid.alpha, stays.solid.vanishes) == ("never", math.inf, False)
    assert 0.0 < solve_profile("random", 6, 1e6).q[3] < 1 / math.e
    crystal = liquid_centre("teacher-student", 6, branch="equilibrium")
    assert (crystal.frozen.how, crystal.solid.how) == ("continuous", "jump")
    grown = liquid_centre("teacher-student", 6)
    assert grown.frozen == crystal.frozen
    assert grown.solid.alpha > crystal.solid.alpha
    assert solve_profile("teacher-student", 6, grown.solid.alpha).q[3] == pytest.approx(1 / math.e, abs=1e-9)


@pytest.mark.slow
def test_liquid_centre_on_a_branch_that_ends():
    """Site closure, depth 5: the last layer freezes just below the fold, beyond which the crystal remains."""
    found = liquid_centre("teacher-student", 5, closure="site")
    assert found.frozen.how == "continuous"
    assert (found.solid.how, found.solid.vanishes) == ("ends", False)
    assert found.frozen.alpha < found.solid.alpha == pytest.approx(51.0765345, rel=1e-8)


@pytest.mark.slow
def test_front_runs_away_at_a_finite_alpha():
    """The front of a deep student does not feel the other one: it gets loose at one alpha for all depths."""
    loose = [layer_thresholds("teacher-student", depth).jump for depth in (36, 50)]
    assert loose[0] == pytest.approx(1024.73187, rel=1e-7)
    assert loose[1] == pytest.approx(loose[0], rel=1e-9)
    assert liquid_centre("teacher-student", 36).frozen.how == "jump"


@pytest.mark.parametrize("alpha", [1.0, 10.0, 1e3])
def test_generalization_of_a_perceptron(alpha):
    found = generalization(1, alpha)
    Q = solve_profile("teacher-student", 1, alpha).Q[0]
    assert found.error == pytest.approx(math.acos(Q) / math.pi, rel=1e-9)
    if alpha == 1e3:
        assert found.error * alpha == pytest.approx(0.625, rel=2e-3)


def test_generalization_improves_with_alpha_and_jumps_to_the_crystal():
    errors = [generalization(3, alpha).error for alpha in (1.0, 5.0, 15.0, 17.0, 30.0)]
    assert errors[0] == 0.5
    assert np.all(np.diff(errors) < 0.0)
    below, above = (generalization(3, 16.44871916 * (1 + s * 1e-6)) for s in (-1, 1))
    assert (below.branch, above.branch) == ("continuous", "crystal")
    assert below.error - above.error > 0.1
    with pytest.raises(InvalidInput, match="teacher"):
        generalization_of(solve_profile("random", 3, 5.0))
    with pytest.raises(InvalidInput, match="teacher"):
        generalization_of(solve_profile("teacher-student", 3, 5.0, 0.5))


def test_propagation_is_what_two_networks_do():
    """Two networks of two layers, N = 600, weights of overlap Q: sign outputs on 400 common inputs. The
    overlap of 240,000 signs has standard error below 6e-3 (neurons share inputs); 5 sigma, false alarm
    below 1e-6.
    """
    generator, N, overlaps = np.random.default_rng(4), 600, (0.8, 0.6)
    here = there = generator.choice([-1.0, 1.0], (400, N))
    for Q in overlaps:
        J = generator.normal(size=(N, N))
        K = Q * J + math.sqrt(1 - Q * Q) * generator.normal(size=(N, N))
        here, there = np.sign(here @ J.T), np.sign(there @ K.T)
    expected = 1.0 - propagate([1 - Q for Q in overlaps])[-1]
    assert float(np.mean(here * there)) == pytest.approx(expected, abs=0.03)
    assert abs(expected - math.prod(overlaps)) > 0.1


def test_propagation_keeps_small_differences():
    r = propagate([1e-14])
    assert r[1] == pytest.approx(2 / math.pi * math.sqrt(2e-14), rel=1e-6)


def test_distributions_by_hand():
    one = overlap_distribution([], [0.4])
    assert (one.values, one.weights) == (0.4, 1.0)
    assert continuous_width([], [0.4]).width == 0.0
    two = overlap_distribution([0.3], [0.0, 0.6])
    np.testing.assert_allclose(two.weights, [0.3, 0.7])
    assert two.mean == pytest.approx(0.42)
    assert two.variance == pytest.approx(0.3 * 0.7 * 0.36)
    assert continuous_width([0.3], [0.0, 0.6]).weight == 0.0
    merged = overlap_distribution([0.1, 0.2, 0.5], [0.0, 0.2, 0.2, 0.6])
    np.testing.assert_allclose(merged.weights, [0.1, 0.4, 0.5])
    part = continuous_width([0.1, 0.2, 0.5], [0.0, 0.2, 0.3, 0.6])
    assert (part.width, part.weight) == (pytest.approx(0.1), pytest.approx(0.4))
    with pytest.raises(InvalidInput, match="fall"):
        overlap_distribution([0.5], [0.6, 0.2])
    with pytest.raises(InvalidInput, match="one more"):
        overlap_distribution([0.5], [0.6])


def test_hierarchy_simplifies_with_depth():
    found = solve_hierarchy("random", 5, 20.0, 10)
    layers = hierarchy_by_layer(found.m, found.q, tolerance=1e-4)
    assert layers.levels[0] == 1
    assert layers.levels[1] > layers.levels[2]
    assert layers.zero[2] > layers.zero[1] == 0.0
    assert layers.q_EA[1] > layers.q_EA[2]
    np.testing.assert_allclose(layers.mean, found.q @ found.weights, atol=1e-12)
