"""Transitions: known values, both closures, folds, crossings, and the curve that is followed."""

import math

import numpy as np
import pytest

from deepglass.errors import InvalidInput
from theory import capacity, follow, phase_diagram, solve_profile, transitions

HALF_PI_SQUARED = math.pi**2 / 4
GOLDEN = (math.sqrt(5) - 1) / 2


def layers(found):
    return [(f.layer, f.alpha) for f in found.continuous]


@pytest.mark.parametrize("scenario", ["random", "teacher-student"])
def test_depth_two_freezes_where_its_closure_says(scenario):
    for closure, exact in (("gaussian", math.pi**2 / 8), ("site", GOLDEN * HALF_PI_SQUARED)):
        found = transitions(scenario, 2, closure=closure)
        assert layers(found) == [(1, pytest.approx(exact, rel=1e-9))]


@pytest.mark.parametrize("scenario", ["random", "teacher-student"])
def test_three_layers_and_more_freeze_from_the_boundaries(scenario):
    for depth in (3, 5):
        first = layers(transitions(scenario, depth))[:2]
        assert first == [
            (1, pytest.approx(HALF_PI_SQUARED, rel=1e-9)),
            (depth - 1, pytest.approx(HALF_PI_SQUARED)),
        ]


@pytest.mark.parametrize("scenario", ["random", "teacher-student"])
def test_site_closure_freezes_from_the_output(scenario):
    """Last hidden layer at (pi/2)^2; the first one, last, at x (1 + x) q_2^2 = 1 with x = alpha
    (2/pi)^2.
    """
    found = layers(transitions(scenario, 3, closure="site"))
    assert [layer for layer, _ in found] == [2, 1]
    assert found[0][1] == pytest.approx(HALF_PI_SQUARED, rel=1e-9)
    alpha = found[1][1]
    q = solve_profile(scenario, 3, alpha * (1 - 1e-9), closure="site").q[2]
    x = alpha / HALF_PI_SQUARED
    assert x * (1 + x) * q**2 == pytest.approx(1.0, rel=1e-6)
    assert solve_profile(scenario, 3, alpha * (1 + 1e-3), closure="site").q[1] > 0.0


def test_inner_layers_freeze_where_the_linearised_chain_says():
    for closure in ("gaussian", "site"):
        found = dict(layers(transitions("random", 4, closure=closure)))
        q = solve_profile("random", 4, found[2] * (1 - 1e-9), closure=closure).q
        neighbours = q[1] ** 2 + q[3] ** 2 if closure == "gaussian" else q[3] ** 2
        assert found[2] / HALF_PI_SQUARED * neighbours == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize(
    ("depth", "crystal", "end", "low", "high"),
    [
        (2, 9.8717769, 9.9928979, 9.90, 9.95),
        (3, 11.5397974, 27.8136959, 15.7, 17.9),
        (5, 12.3638748, None, 30.7, 35.1),
    ],
)
def test_teacher_student_branches(depth, crystal, end, low, high):
    found = transitions("teacher-student", depth)
    spinodals = {(s.branch, s.side): s.alpha for s in found.spinodal}
    assert spinodals[("crystal", "from")] == pytest.approx(crystal, rel=1e-7)
    assert spinodals.get(("continuous", "to")) == (None if end is None else pytest.approx(end, rel=1e-7))
    (crossing,) = found.first_order
    assert low < crossing.alpha < high
    one, other = (
        solve_profile("teacher-student", depth, crossing.alpha, branch=b).entropy
        for b in ("continuous", "crystal")
    )
    assert one == pytest.approx(other, abs=1e-11)
    assert found.capacity is None


def test_deep_chain_has_a_second_continuous_branch():
    """Depth 10: the front leaves a liquid centre that fills by a jump, between two folds of one curve."""
    found = transitions("teacher-student", 10)
    assert [f.layer for f in found.continuous] == [1, 9, 2, 8, 3, 7, 4, 6, 5]
    folds = {(s.branch, s.side): s.alpha for s in found.spinodal}
    to, start = folds[("continuous", "to")], folds[("filled", "from")]
    assert start < found.continuous[-1].alpha < to
    before, after = (solve_profile("teacher-student", 10, to * (1 + s * 1e-4)).q[5] for s in (-1, 1))
    assert after - before > 0.05
    crystal, filled = found.first_order
    assert 90 < crystal.alpha < 103
    assert (crystal.above, filled.above) == ("crystal", "filled")
    assert start < filled.alpha < to


def test_capacity_and_notes():
    assert transitions("random", 2).capacity == capacity(2)
    nothing = transitions("random", 1)
    assert (nothing.continuous, nothing.spinodal, nothing.first_order) == ((), (), ())
    deep = transitions("random", 3)
    assert deep.capacity is None
    assert any("capacity" in note for note in deep.notes)
    assert any("unique" in note for note in transitions("teacher-student", 1).notes)
    soft = transitions("random", 2, potential="soft", beta=20.0)
    assert soft.capacity is None
    assert soft.beta == 20.0
    (freezing,) = soft.continuous
    assert solve_profile("random", 2, freezing.alpha * (1 - 1e-6), potential="soft", beta=20.0).q[1] == 0.0
    assert solve_profile("random", 2, freezing.alpha * (1 + 1e-4), potential="soft", beta=20.0).q[1] > 0.0


def test_phase_diagram_is_the_transitions_of_its_depths():
    assert phase_diagram("random", [1, 2]) == (transitions("random", 1), transitions("random", 2))
    assert phase_diagram("random", 2) == (transitions("random", 2),)


def test_a_curve_is_followed_through_both_folds():
    """Depth 3 from the crystal down, through the unstable branch, up along the continuous one."""
    curve = follow("teacher-student", 3, 20.0, branch="crystal", to=5.0)
    assert curve.folds == (pytest.approx(11.5397974, rel=1e-7), pytest.approx(27.8136959, rel=1e-7))
    assert curve.reason == "the end asked for"
    assert np.max(curve.residual) < 1e-8
    assert curve.values[-1] <= 5.0
    end = solve_profile("teacher-student", 3, float(curve.values[-1]))
    np.testing.assert_allclose(curve.q[-1], end.q, atol=1e-8)
    assert curve.entropy[-1] == pytest.approx(end.entropy, abs=1e-9)
    dataset = curve.to_dataset()
    assert dataset.sizes["point"] == curve.values.size
    assert list(dataset.fold.values) == list(curve.folds)


@pytest.mark.parametrize(
    ("parameter", "to", "more"),
    [
        ("margin", 0.4, {}),
        ("beta", 300.0, {"potential": "soft", "beta": 30.0}),
        ("alpha", 8.0, {"closure": "site"}),
    ],
)
def test_following_in_each_parameter_ends_on_the_solution(parameter, to, more):
    curve = follow("random", 2, 6.0, parameter=parameter, to=to, **more)
    at = {"alpha": 6.0, "margin": 0.0, **more, parameter: float(curve.values[-1])}
    end = solve_profile("random", 2, **at)
    np.testing.assert_allclose(curve.q[-1], end.q, atol=1e-8)
    assert curve.folds == ()


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"parameter": "depth", "to": 1.0}, "parameter"),
        ({"parameter": "beta", "to": 5.0}, "beta"),
        ({"to": 1.5}, "starts"),
        ({"to": math.nan}, "to = nan"),
    ],
)
def test_bad_curves_are_refused(more, word):
    with pytest.raises(InvalidInput, match=word):
        follow("random", 1, 1.5, **more)


def test_a_liquid_chain_has_no_curve():
    with pytest.raises(InvalidInput, match="liquid"):
        follow("random", 3, 1.0, to=2.0)
