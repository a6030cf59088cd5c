"""Energy and forces of the machine, against autograd, finite differences and the printed formulas."""

import numpy as np
import pytest
import torch

from deepglass.errors import InvalidInput
from simulate.systems.thermal_machine import ThermalMachine
from simulate.thermal.observables import TestSet

CASES = [(1, 3, 5, 2, 7), (2, 4, 6, 2, 9), (3, 4, 6, 3, 9), (6, 5, 7, 2, 11)]  # L, N, N_0, N_L, M


def machine(depth, width, inputs, outputs, patterns, c_scale="1", dtype=torch.float64):
    rng = np.random.default_rng(depth)
    return ThermalMachine(
        rng.choice([-1, 1], (patterns, inputs)).astype(np.int8),
        rng.choice([-1, 1], (patterns, outputs)).astype(np.int8),
        depth, width, c_scale, dtype,
    )  # fmt: skip


def printed_energy(m: ThermalMachine, row: torch.Tensor) -> torch.Tensor:
    """H of one machine as in Eqs. 2-3, pattern by pattern, neuron by neuron."""
    w = m.views(row[None])
    weights = [w.first[0], *w.hidden[0], *([w.last[0]] if m.depth > 1 else [])]
    spins = [m.inputs.T, *(s.T for s in w.S[0]), m.outputs.T]
    total = row.new_zeros(())
    for j, below, here in zip(weights, spins[:-1], spins[1:], strict=True):
        c = below.shape[1] ** -0.5 if m.c != 1 or m.c_first != 1 else 1.0
        square = row.new_zeros(())
        for mu in range(m.patterns):
            for i in range(here.shape[1]):
                square = square + (here[mu, i] - torch.tanh(c * torch.dot(j[i], below[mu]))) ** 2
        total = total + square.sqrt()
    return total


@pytest.mark.parametrize("c_scale", ["1", "inv-sqrt"])
@pytest.mark.parametrize("start", ["small", "uniform"])
@pytest.mark.parametrize("case", CASES)
def test_forces_are_minus_the_gradient_of_the_printed_energy(case, start, c_scale):
    m = machine(*case, c_scale)
    r = m.start(start, 4, range(3))
    force = torch.full_like(r, torch.nan)
    m.force(r, force)
    for row, f in zip(r, force, strict=True):
        leaf = row.clone().requires_grad_()
        h = printed_energy(m, leaf)
        h.backward()
        assert m.energy(row[None]).sum().item() == pytest.approx(h.item(), rel=1e-13)
        np.testing.assert_allclose(f, -leaf.grad, atol=2e-14)


@pytest.mark.parametrize("case", CASES)
def test_forces_are_finite_differences_of_the_energy(case):
    m = machine(*case)
    r = m.start("uniform", 1, range(2))
    force = torch.empty_like(r)
    m.force(r, force)
    step = 1e-5
    for p in range(0, m.particles, max(1, m.particles // 17)):
        up, down = r.clone(), r.clone()
        up[:, p] += step
        down[:, p] -= step
        slope = (m.energy(up).sum(1) - m.energy(down).sum(1)) / (2 * step)
        np.testing.assert_allclose(force[:, p], -slope, atol=1e-8)


def test_float32_forces_follow_float64():
    exact = machine(*CASES[3])
    single = machine(*CASES[3], dtype=torch.float32)
    r = exact.start("uniform", 0, range(4))
    force, approximate = torch.empty_like(r), torch.empty_like(r, dtype=torch.float32)
    exact.force(r, force)
    single.force(r.float(), approximate)
    assert (approximate - force).norm() / force.norm() < 1e-6


def test_force_at_the_tip_of_the_cone_is_finite():
    m = ThermalMachine(np.ones((3, 2), np.int8), np.ones((3, 1), np.int8), depth=2, width=2)
    r = torch.zeros((1, m.particles))  # S_1 = 0 = tanh(0): E_1 = 0 exactly
    force = torch.empty_like(r)
    m.force(r, force)
    assert m.energy(r)[0, 0] == 0
    assert torch.isfinite(force).all()


def test_layout_covers_every_particle_once():
    m = machine(4, 3, 5, 2, 6)
    flat = torch.arange(2 * m.particles, dtype=torch.float64).view(2, -1)
    layers = [*m.neuron_layers(flat), *m.weight_layers(flat)]
    assert [x.shape[1] for x in layers] == [18, 18, 18, 15, 9, 9, 6]
    assert torch.equal(torch.cat(layers, dim=1).sort(dim=1).values, flat)


def test_starts_follow_their_laws():
    """Size of 1e5 particles, each at 4 sigma: false alarm 2e-4; samples differ, a seed repeats."""
    m = machine(3, 20, 60, 2, 1_000)
    small, uniform = m.views(m.start("small", 0, range(2))), m.views(m.start("uniform", 0, range(2)))
    n = small.S.numel()
    assert abs(small.S.square().mean().item() / 0.01 - 1) < 4 * np.sqrt(2 / n)
    n = small.first.numel()
    assert abs(small.first.square().mean().item() / 1e-4 - 1) < 4 * np.sqrt(2 / n)
    assert abs(uniform.S.square().mean().item() * 3 - 1) < 4 * np.sqrt(0.8 / uniform.S.numel())
    assert uniform.S.abs().max() <= 1
    assert not torch.isin(small.S[0], small.S[1]).any()
    assert torch.equal(m.start("small", 0, range(1, 2))[0], m.start("small", 0, range(2))[1])
    assert not torch.equal(m.start("small", 1, range(1)), m.start("small", 0, range(1)))
    with pytest.raises(InvalidInput, match="start"):
        m.start("big", 0, range(1))


def test_feed_forward_and_accuracy_on_a_network_by_hand():
    """Two inputs, the output copies the larger one: J_1 = 1, J_2 = 1 separates +- from -+."""
    inputs = np.array([[1, -1], [-1, 1], [1, -1]], np.int8)
    m = ThermalMachine(inputs, inputs, depth=2, width=2, dtype=torch.float64)
    r = torch.zeros((2, m.particles), dtype=torch.float64)
    w = m.views(r)
    w.first[0] = w.last[0] = torch.eye(2)
    w.first[1], w.last[1] = torch.eye(2), -torch.eye(2)
    z = m.feed_forward(r, m.inputs, "tanh")
    np.testing.assert_allclose(z[0], np.tanh(1) * inputs.T)
    for one_hot in (True, False):
        test = TestSet(m, inputs, inputs, one_hot)
        for activation in ("tanh", "sgn"):
            np.testing.assert_array_equal(test.accuracy(m, r, activation), [1, 0])
    none = TestSet(m, inputs[:0], inputs[:0], True)
    assert np.isnan(none.accuracy(m, r, "tanh")).all()
