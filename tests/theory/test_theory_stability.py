"""The replicon: the note's values, de Almeida-Thouless at depth 1, the quadratic form by differences."""

import math

import numpy as np
import pytest

from theory import capacity, measures, solve_profile
from theory.closures import CLOSURES, Moments
from theory.overlaps import Overlaps
from theory.potentials import HardCore
from theory.stability import replicon

STUDENTS = [
    (1, 5.0, "continuous"),
    (2, 3.0, "continuous"),
    (3, 10.0, "continuous"),
    (5, 20.0, "crystal"),
    (5, 30.0, "continuous"),
]


@pytest.mark.parametrize(
    ("depth", "critical", "eigenvalue"), [(2, math.pi**2 / 8, 4.6e-5), (3, math.pi**2 / 4, 3.1e-5)]
)
def test_random_chains_are_unstable_at_once(depth, critical, eigenvalue):
    above = solve_profile("random", depth, 1.02 * critical)
    assert -above.stability.curvature == pytest.approx(eigenvalue, rel=0.02)
    assert above.replicon < 0.0
    assert solve_profile("random", depth, 0.98 * critical).replicon > 0.0
    assert solve_profile("random", depth, 3 * critical, closure="site").replicon < 0.0


@pytest.mark.parametrize("margin", [-1.0, -0.5, 0.0, 0.5])
@pytest.mark.parametrize("fraction", [0.3, 0.95])
def test_depth_one_is_de_almeida_and_thouless(margin, fraction):
    alpha = fraction * capacity(1, margin)
    found = solve_profile("random", 1, alpha, margin)
    chi = measures.interaction_moment(HardCore(margin), found.Q, found.Q_complement, 0)[0]
    assert found.replicon == pytest.approx(1 - alpha * found.Q_complement[0] ** 2 * chi, rel=1e-12)
    # Convex for margins >= 0: stable up to capacity. Negative margins become unstable before.
    assert (found.replicon > 0.0) == (margin >= 0.0 or fraction == 0.3)


@pytest.mark.parametrize(
    ("depth", "alpha", "branch", "closure"),
    [
        *((*case, "gaussian") for case in STUDENTS),
        *((*case, "site") for case in STUDENTS if case[2] == "continuous"),
        pytest.param(5, 20.0, "crystal", "site", marks=pytest.mark.slow),
    ],
)
def test_teacher_student_is_stable_on_every_branch(closure, depth, alpha, branch):
    assert solve_profile("teacher-student", depth, alpha, branch=branch, closure=closure).replicon > 0.0


def quadratic(closure, alpha, overlaps, Lam, moments, x, y):
    """H of the note, written out for one direction."""
    q, Q = overlaps.q, overlaps.Q
    total = -np.sum(x**2 / (alpha * Lam**2))
    if closure == "gaussian":
        change = q[:-1] * q[1:] * x + Q * q[1:] * y[:-1] + q[:-1] * Q * y[1:]
        second = q[1:] * x * y[:-1] + q[:-1] * x * y[1:] + Q * y[:-1] * y[1:]
    else:
        change, second = q[:-1] * x + Q * y[:-1], x * y[:-1]
    total += np.sum(moments.chi_aa * change**2 + 2 * moments.w * second)
    return total - np.sum((y[1:-1] - moments.chi_ah[:-1] * change[:-1]) ** 2 / moments.chi_hh[:-1])


@pytest.mark.parametrize("closure", ["gaussian", "site"])
def test_smallest_curvature_is_the_minimum_of_the_form_of_the_note(closure):
    """No direction is softer than the one returned, and the returned one has its value, for arbitrary
    numbers.
    """
    generator, L, alpha = np.random.default_rng(5), 4, 2.7
    q = np.concatenate([[1.0], generator.uniform(0.2, 0.9, L - 1), [1.0]])
    overlaps, Lam = Overlaps.of(q, generator.uniform(0.2, 0.9, L)), generator.uniform(0.1, 0.6, L)
    ah = np.zeros(L) if closure == "gaussian" else generator.uniform(0.1, 0.3, L)
    moments = Moments(*generator.uniform(0.2, 1.0, (2, L)), ah, generator.uniform(0.3, 1.0, L))
    found = replicon(CLOSURES[closure], alpha, overlaps, Lam, moments)
    scale_x, scale_y = math.sqrt(alpha) * Lam, np.concatenate([[0], np.sqrt(moments.chi_hh[:-1]), [0]])

    def value(x, y):
        return -quadratic(closure, alpha, overlaps, Lam, moments, scale_x * x, scale_y * y)

    assert value(found.weights, found.neurons) == pytest.approx(found.replicon, rel=1e-12)
    assert np.sum(found.weights**2) + np.sum(found.neurons**2) == pytest.approx(1.0, rel=1e-12)
    assert np.all(found.neurons[[0, -1]] == 0.0)
    form = np.zeros((2 * L - 1, 2 * L - 1))
    unit = np.eye(2 * L - 1)

    def plain(v):
        return -quadratic(closure, alpha, overlaps, Lam, moments, v[:L], np.concatenate([[0], v[L:], [0]]))

    for i in range(2 * L - 1):
        for j in range(2 * L - 1):
            form[i, j] = (plain(unit[i] + unit[j]) - plain(unit[i] - unit[j])) / 4
    assert np.linalg.eigvalsh(form)[0] == pytest.approx(found.curvature, rel=1e-10)
    units = np.concatenate([scale_x, scale_y[1:-1]])
    assert np.linalg.eigvalsh(form * np.outer(units, units))[0] == pytest.approx(found.replicon, rel=1e-10)


def test_rigid_neurons_do_not_spoil_the_crystal():
    """chi_hh of a crystal falls below the smallest double; its bonds decouple into perceptrons alone."""
    deep = solve_profile("teacher-student", 4, 1e5, branch="crystal")
    assert deep.replicon == pytest.approx(solve_profile("teacher-student", 1, 1e5).replicon, rel=1e-6)
