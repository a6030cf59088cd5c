"""Broken replica symmetry on the chain: limits, stationarity, marginality, what the command line says."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from deepglass import schema
from deepglass.cli import main
from deepglass.errors import InvalidInput, NoSolution, NotConverged
from theory import rsb, solve_hierarchy, solve_profile
from theory.cli import app
from theory.closures import CLOSURES, Moments
from theory.convergence import convergence
from theory.flow import Mapped, relax
from theory.hierarchy import HierarchicalChain
from theory.levels import Levels
from theory.overlaps import Overlaps, Support
from theory.potentials import HardCore
from theory.stability import replicon


def chain(depth, alpha, m, frozen=True):
    return HierarchicalChain(depth, alpha, HardCore(), np.asarray(m, float), Support((frozen,) * (depth - 1)))


@pytest.mark.parametrize(("depth", "alpha"), [(1, 1.5), (2, 5.0), (3, 5.0), (10, 100.0)])
def test_no_step_is_replica_symmetry(depth, alpha):
    found, symmetric = solve_hierarchy("random", depth, alpha, 0), solve_profile("random", depth, alpha)
    np.testing.assert_allclose(found.q[:, 0], symmetric.q, atol=1e-10)
    np.testing.assert_allclose(found.Q[:, 0], symmetric.Q, atol=1e-10)
    assert found.entropy == pytest.approx(symmetric.entropy, abs=1e-10)
    assert found.replicon == pytest.approx(symmetric.replicon, abs=1e-7)


@pytest.mark.parametrize("m", [[0.4], [0.1, 0.5, 0.8]])
def test_equal_levels_solve_the_equations(m):
    """The symmetric solution repeated at every level is a (degenerate) root for any break points."""
    symmetric = solve_profile("random", 3, 5.0)
    broken = chain(3, 5.0, m)
    copies = [1.0] * broken.levels
    x = broken.pack(Levels(np.outer(symmetric.q, copies), np.outer(symmetric.Q, copies)))
    found = broken.evaluate(x)
    np.testing.assert_allclose(found.image, x, atol=1e-10)
    assert broken.entropy(found) == pytest.approx(symmetric.entropy, abs=1e-10)
    # Degenerate and unstable: that is why relaxation does not end here.
    assert np.max(np.linalg.eigvals(found.jacobian).real) > 1.05


def test_one_step_is_stationary_and_between():
    """ds/dm by finite differences of solutions at fixed m; each step of breaking lowers the entropy (n ->
    0).
    """
    one = solve_hierarchy("random", 3, 5.0, 1)
    m = float(one.m[0])
    near = [
        solve_hierarchy("random", 3, 5.0, 1, break_points=[m + shift]).entropy for shift in (-0.02, 0.0, 0.02)
    ]
    assert near[1] == pytest.approx(one.entropy, abs=1e-12)
    assert abs(near[2] - near[0]) / 0.04 < 1e-3 * (near[0] - near[1] + near[2] - near[1]) / 0.02**2
    assert near[0] > near[1] < near[2]
    many = solve_hierarchy("random", 3, 5.0, 20)
    assert one.symmetric.entropy > one.entropy + 5e-5 > many.entropy
    assert one.entropy > many.entropy + 1e-6
    assert many.q[1, -1] > one.q[1, 0] > 0.0


def test_slope_in_given_break_points_is_a_derivative():
    m = np.array([0.2, 0.35, 0.5])
    found = solve_hierarchy("random", 3, 5.0, 3, break_points=m)
    for i in (0, 2):
        shift = 0.01 * (np.arange(3) == i)
        up, down = (solve_hierarchy("random", 3, 5.0, 3, break_points=m + s * shift).entropy for s in (1, -1))
        assert (up - down) / 0.02 == pytest.approx(found.m_slope[i], rel=0.05, abs=2e-8)


def test_vanishing_break_point_gives_the_symmetric_innermost_level():
    symmetric = solve_profile("random", 3, 5.0)
    gaps = [
        solve_hierarchy("random", 3, 5.0, 1, break_points=[m]).q[1, 1] - symmetric.q[1] for m in (4e-3, 2e-3)
    ]
    assert 0.0 < gaps[1] < gaps[0] < 1e-3
    assert gaps[0] / gaps[1] == pytest.approx(2.0, rel=0.02)


def test_planted_states_are_one_step_states_at_m_one():
    """At m = 1, q_0 = 0 the 1RSB equations of random data are the teacher-student ones."""
    teacher = solve_profile("teacher-student", 5, 20.0)
    misfits = []
    for rest in (1e-3, 1e-4):
        broken = chain(5, 20.0, [1.0 - rest])
        zero = np.array([0.0, 1.0])
        q = np.outer(teacher.q, zero)
        q[[0, -1]] = 1.0
        x = broken.pack(Levels(q, np.outer(teacher.Q, zero)))
        misfits.append(float(np.max(np.abs(broken.evaluate(x, jacobian=False).image - x))))
    assert misfits[1] < 1e-3
    assert misfits[0] / misfits[1] == pytest.approx(10.0, rel=0.05)


@pytest.mark.parametrize(
    ("depth", "alpha", "k"), [(3, 5.0, 20), pytest.param(5, 20.0, 30, marks=pytest.mark.slow)]
)
def test_many_steps_are_marginal_and_stationary(depth, alpha, k):
    """The continuous hierarchy: replicon 0 (the symmetric one is clearly unstable), ds/dm = 0 everywhere."""
    found = solve_hierarchy("random", depth, alpha, k)
    assert found.symmetric.replicon < -0.05
    assert abs(found.replicon) < 5e-4
    assert np.max(np.abs(found.m_slope)) < 1e-5
    assert found.certificate.residual < 1e-7
    assert found.rho < 1.0 + 1e-4
    assert np.all(np.diff(found.q, axis=1) >= 0.0)
    assert np.all(found.q[1, :2] < 0.1)
    np.testing.assert_allclose(found.q, found.q[::-1], atol=1e-14)


def test_continuous_part_is_a_null_vector_of_the_stability_form():
    """Between levels of a continuous stretch (Q', q') is marginal with Lam(x), w(x), chi(x) of its level."""
    symmetric = solve_profile("random", 3, 5.0)
    base, levels = rsb.start(3, 5.0, HardCore(), symmetric.q, symmetric.Q)
    state = rsb.solve(base, levels, 20)
    found, closure = state.chain.evaluate(state.relaxed.x, jacobian=False), CLOSURES["gaussian"]
    form = []
    for i in (4, 8):
        moments = Moments(
            np.array([found.interactions[state.chain.bond(layer)].w[i] for layer in (1, 2, 3)]),
            np.array([found.interactions[state.chain.bond(layer)].chi[i] for layer in (1, 2, 3)]),
            np.zeros(3),
            np.array([found.neurons[1].chi[i], found.neurons[1].chi[i], 1.0]),
        )
        Lam = np.array([found.spheres[state.chain.bond(layer)].Lam[i] for layer in (1, 2, 3)])
        here = replicon(closure, 5.0, Overlaps.of(found.levels.q[:, i], found.levels.Q[:, i]), Lam, moments)
        form.append(abs(here.replicon))
        slope = found.levels.q[1, i + 1] - found.levels.q[1, i - 1]
        in_units = (
            slope / np.sqrt(moments.chi_hh[0]),
            (found.levels.Q[0, i + 1] - found.levels.Q[0, i - 1]) / (np.sqrt(5.0) * Lam[0]),
        )
        assert in_units[1] / in_units[0] == pytest.approx(here.weights[0] / here.neurons[1], rel=0.02)
    assert max(form) < 2e-3


def test_deeper_layers_break_at_their_innermost_levels_only():
    found = solve_hierarchy("random", 5, 20.0, 10)
    broken = [int(np.sum(found.q[layer] > 1e-3)) for layer in (1, 2)]
    assert broken[0] == 11
    assert 0 < broken[1] < 8
    assert np.all(found.q[2] < found.q[1])


def test_transition_is_where_the_hierarchy_appears():
    critical = math.pi**2 / 4
    below, above = (solve_hierarchy("random", 3, critical * f, 5) for f in (0.99, 1.05))
    assert np.all(below.q[1:-1] == 0.0)
    assert above.q[1, -1] > above.symmetric.q[1] > 0.0


def test_one_step_ends_where_no_break_point_is_stationary():
    with pytest.raises(NoSolution, match="no break point is stationary") as caught:
        solve_hierarchy("random", 3, 20.0, 1)
    assert caught.value.limit == pytest.approx(18.74, abs=0.1)
    assert solve_hierarchy("random", 3, caught.value.limit * 0.99, 1).m_slope == pytest.approx(0.0, abs=1e-8)


def test_branch_ends_before_large_break_points():
    with pytest.raises(NoSolution, match="ends before the break points"):
        solve_hierarchy("random", 3, 20.0, 2, break_points=[0.5, 0.95])


def test_soft_core_hardens():
    """The same hierarchy for beta -> infinity; at beta = 1 the symmetric solution is nearer to stability."""
    hard = solve_hierarchy("random", 3, 5.0, 2, break_points=[0.2, 0.4])
    stiff = solve_hierarchy("random", 3, 5.0, 2, break_points=[0.2, 0.4], potential="soft", beta=1e8)
    softer = solve_hierarchy("random", 3, 5.0, 2, break_points=[0.2, 0.4], potential="soft", beta=1e6)
    np.testing.assert_allclose(stiff.q, hard.q, atol=2e-3)
    assert np.max(np.abs(stiff.q - hard.q)) < 0.2 * np.max(np.abs(softer.q - hard.q))


def test_teacher_student_has_equal_levels():
    found = solve_hierarchy("teacher-student", 3, 5.0, 3)
    symmetric = solve_profile("teacher-student", 3, 5.0)
    np.testing.assert_array_equal(found.q, np.outer(symmetric.q, np.ones(4)))
    assert found.replicon == symmetric.replicon > 0.0


def test_relaxation_leaves_a_merged_root():
    """x_i -> tanh(g x_i)-like rises: the merged root is unstable for growth 1.5, and the split one is
    found.
    """

    def mapping(x):
        rise = x[1] - x[0]
        image = np.array([0.2, 0.2 + 0.5 * np.tanh(3.0 * rise)])
        slope = 1.5 / np.cosh(3.0 * rise) ** 2
        return Mapped(image, np.array([[0.0, 0.0], [-slope, slope]]))

    found = relax(mapping, np.array([0.2, 0.2]), 2, tolerance=1e-12)
    rise = found.x[1] - found.x[0]
    assert rise == pytest.approx(0.5 * np.tanh(3.0 * rise), abs=1e-12)
    assert rise > 0.3
    assert found.rho < 1.0


def test_relaxation_refuses_maps_without_a_fixed_point():
    with pytest.raises(NotConverged, match="reaches 1"):
        relax(lambda x: Mapped(0.5 * (1.0 + x), 0.5 * np.eye(1)), np.array([0.1]), 1, tolerance=1e-12)
    with pytest.raises(NotConverged, match="no stable fixed point") as caught:
        relax(lambda x: Mapped(x + 1e-3, np.eye(1)), np.array([0.1]), 1, limit=4)
    assert caught.value.residual > 1e-3
    with pytest.raises(NotConverged, match="not a number"):
        relax(lambda x: Mapped(x * np.nan, np.eye(1)), np.array([0.1]), 1)


def test_grid_convergence_of_a_hierarchy():
    """Halving the grading changes overlaps by less than 1e-8: the discretisation is not the limit."""
    symmetric = solve_profile("random", 3, 5.0)
    base, levels = rsb.start(3, 5.0, HardCore(), symmetric.q, symmetric.Q)
    m = np.array([0.15, 0.3, 0.45])
    coarse, fine = (rsb.at(replace(base, step=step), levels, m) for step in (0.07, 0.035))
    np.testing.assert_allclose(coarse.solved.levels.q, fine.solved.levels.q, atol=1e-8)


@pytest.mark.parametrize(
    ("arguments", "keywords", "word"),
    [
        (("random", 3, 5.0, -1), {}, "rsb"),
        (("random", 3, 5.0, 201), {}, "rsb"),
        (("random", 3, 5.0, 2), {"break_points": [0.5, 0.4]}, "break_points"),
        (("random", 3, 5.0, 2), {"break_points": [0.5]}, "break_points"),
        (("random", 3, 5.0, 1), {"break_points": [1.0]}, "break_points"),
        (("other", 3, 5.0, 1), {}, "scenario"),
        (("random", 3, -5.0, 1), {}, "alpha"),
    ],
)
def test_bad_input_is_named(arguments, keywords, word):
    with pytest.raises(InvalidInput, match=word):
        solve_hierarchy(*arguments, **keywords)


def test_beyond_capacity_there_is_no_hierarchy():
    with pytest.raises(NoSolution, match="capacity"):
        solve_hierarchy("random", 1, 2.5, 1)


def test_command_line(tmp_path, capsys):
    out = tmp_path / "broken.nc"
    words = [
        "profile",
        "--scenario",
        "random",
        "--depth",
        "3",
        "--alpha",
        "5",
        "--rsb",
        "2",
        "--format",
        "json",
    ]
    assert main(app, [*words, "--out", str(out)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [len(found["q"]), len(found["Q"]), len(found["m"])] == [4, 3, 2]
    assert all(len(row) == 3 for row in found["q"] + found["Q"])
    assert isinstance(found["replicon"], float)
    stored = schema.read(out, "profile")
    assert stored.attrs["rsb"] == 2
    np.testing.assert_allclose(stored.q_level.values, found["q"], rtol=1e-14)
    np.testing.assert_array_equal(stored.q.values, stored.q_level.values[:, -1])
    assert float(stored.weight.sum()) == pytest.approx(1.0)
    assert main(app, [*words[:-2], "--branch", "crystal"]) == 2
    assert "branch" in capsys.readouterr().err
    assert main(app, words[:-2]) == 0
    assert "2 steps of replica symmetry breaking" in capsys.readouterr().out


def test_spin_glass_on_the_command_line(capsys):
    assert main(app, ["sk", "--temperature", "0.5", "--rsb", "8", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"energy", "q_ea", "free_energy"} <= set(found)
    assert found["energy"] == pytest.approx(-0.71146, abs=2e-4)
    assert main(app, ["sk", "--temperature", "-1"]) == 2


def test_convergence_in_levels_and_grid():
    """The entropy approaches its limit as a power of k near 4, as in the Sherrington-Kirkpatrick model."""
    found = convergence(3, 5.0, (5, 10, 20))
    assert found.levels == (5, 10, 20)
    assert 3.0 < found.order < 5.0
    assert found.limit < found.entropy[2] < found.entropy[1] < found.entropy[0]
    assert found.entropy[2] - found.limit < 5e-9
    assert found.grid_q < 1e-8
    assert found.grid_entropy < 1e-10
    assert math.isnan(convergence(3, 5.0, (2, 3)).order)
