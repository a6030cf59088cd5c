"""Rings of messages: against the edge matrix itself, one ring in closed form, and enumeration."""

import numpy as np
import pytest
from ising_systems import complete, random_model, tree_model

from deepglass.errors import InvalidInput
from theory.inverse_ising import (
    IsingModel,
    exact,
    fit,
    independent_entropy,
    loop_entropy,
    loop_log_z,
    solve_bethe,
)


def ring(N, coupling):
    J = np.zeros((N, N))
    for i in range(N):
        J[i, (i + 1) % N] = J[(i + 1) % N, i] = coupling
    return IsingModel(J, np.zeros(N))


def test_the_determinant_is_that_of_the_edge_matrix():
    state = solve_bethe(random_model(5, 0.2, 0.4))
    t, m = np.tanh(state.model.J), np.tanh(state.messages)
    u = t * (1 - m**2) / (1 - (t * m) ** 2)
    edges = [(i, j) for i in range(5) for j in range(5) if i != j]
    B = np.array([[u[k, i] * (i == a and b != k) for a, b in edges] for k, i in edges])
    expected = state.log_z - 0.5 * np.linalg.slogdet(np.eye(20) - B)[1] / 5
    assert loop_log_z(state) == pytest.approx(expected, abs=1e-13)


def test_one_ring():
    """ln Z is Bethe's + ln(1 + x), x = tanh(J)^N; the rings give - ln(1 - x): they differ by x^2."""
    state = solve_bethe(ring(5, 0.8))
    x = np.tanh(0.8) ** 5
    assert exact(state.model).log_z == pytest.approx(state.log_z + np.log1p(x) / 5, abs=1e-12)
    assert loop_log_z(state) == pytest.approx(state.log_z - np.log1p(-x) / 5, abs=1e-12)


def test_nothing_to_add_on_trees():
    state = solve_bethe(tree_model(12, 0.7, 0.5))
    assert loop_log_z(state) == pytest.approx(state.log_z, abs=1e-12)


def test_order_in_weak_couplings():
    """Bethe is off by triangles, J^3; with loops what is left is of J^5 or higher in zero field."""
    off = []
    for coupling in (0.06, 0.03):
        state = solve_bethe(complete(10, coupling))
        truth = exact(state.model).log_z
        off.append((state.log_z - truth, loop_log_z(state) - truth))
    ratios = np.array(off[0]) / np.array(off[1])
    assert 8 < ratios[0] < 14
    assert ratios[1] > 32
    assert abs(off[0][1]) < 0.05 * abs(off[0][0])


def test_entropy_of_a_fit():
    """From exact moments: the enumerated deficit to 1 %, of which Bethe misses half."""
    truth = exact(complete(10, 0.06, 0.2))
    deficit = independent_entropy(truth.moments.m) - truth.entropy
    state = solve_bethe(fit(truth.moments, "bethe-response").model)
    alone = independent_entropy(truth.moments.m)
    assert alone - loop_entropy(state, truth.moments) == pytest.approx(deficit, rel=0.01)
    assert alone - state.entropy < 0.6 * deficit


def test_unstable_messages_have_no_sum():
    model = complete(10, 0.2)
    with pytest.raises(InvalidInput, match="diverges"):
        loop_log_z(solve_bethe(model))


def test_unstable_modes_in_pairs_are_seen():
    """Two copies of a magnet beyond its instability: the determinant is positive, the sum diverges."""
    block = 0.2 * (1 - np.eye(10))
    twice = IsingModel(np.kron(np.eye(2), block), np.zeros(20))
    for model in (IsingModel(block, np.zeros(10)), twice):
        paramagnet = solve_bethe(model, np.zeros((model.N, model.N)))
        with pytest.raises(InvalidInput, match="messages are unstable"):
            loop_log_z(paramagnet)
