"""Recorded steps on the CPU, which repeats what a graph would replay: their bookkeeping."""

import numpy as np
import pytest
import torch
from recorded_steps import DTYPES, LAW, anneal, assert_near, assert_same, keys, make, moved, start

from simulate import noise
from simulate.dynamics.captured import LARGEST, Captured, pieces
from simulate.dynamics.eager import Eager
from simulate.dynamics.langevin import Langevin, plain_step


@pytest.mark.parametrize("steps", [0, 1, 2, 31, 32, 33, 100, 5000])
def test_steps_are_made_of_few_graphs(steps):
    sizes = list(pieces(steps))
    assert sum(sizes) == steps
    assert sizes == sorted(sizes, reverse=True)
    assert all(size <= LARGEST and size.bit_count() == 1 for size in sizes)
    assert len(sizes) <= steps // LARGEST + LARGEST.bit_length() - 1


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_repeated_steps_follow_the_eager_ones(depth):
    machine = make(depth=depth)
    r, v = start(machine)
    expected = moved(Eager(machine, LAW, keys()), r, v, anneal(75))
    got = moved(Captured(machine, LAW, keys()), r, v, anneal(75))
    assert_near(got, expected, 1e-10)
    assert not torch.equal(got[0], moved(Captured(machine, LAW, keys()), r, v, anneal(75), first=999)[0])


@pytest.mark.parametrize("dtype", DTYPES)
def test_division_into_calls_does_not_matter(dtype):
    machine = make(dtype=dtype)
    r, v = start(machine)
    whole = moved(Captured(machine, LAW, keys()), r, v, anneal(75))
    advance = Captured(machine, LAW, keys())
    assert_same(moved(advance, r, v, anneal(75), calls=[1, 2, 0, 40]), whole)
    assert_same(moved(advance, r, v, anneal(75)), whole)  # and it can begin again


def test_counter_and_amplitudes_are_those_of_the_call():
    seen = []
    advance = Captured(make(), LAW, keys())

    def move(n):
        seen.append((int(advance.step) + n, float(advance.amplitudes[n])))

    advance._move = move
    r, v = start(advance.machine)
    advance(r, v, (5 << 32) - 3, anneal(71))
    steps, amplitudes = zip(*seen, strict=True)
    assert list(steps) == list(range((5 << 32) - 3, (5 << 32) + 68))
    np.testing.assert_array_equal(amplitudes, [LAW.coefficients(t)[1] for t in anneal(71)])


@pytest.mark.parametrize("dtype", DTYPES)
def test_friction_and_noise_are_those_of_the_rounded_friction(dtype):
    """1 - eta is no float32: the noise must belong to the friction that is applied."""
    law = Langevin(dt=0.02, eta=1e-7)
    advance = Captured(make(dtype=dtype), law, keys())
    a, b = law.coefficients(0.3, dtype)
    assert float(advance.constants[0]) == advance.a == a == float(torch.tensor(a, dtype=dtype))
    assert float(advance._schedule(np.array([0.3]))[0]) == b
    assert b**2 == pytest.approx((1 - a**2) * 0.3, rel=1e-6)


def test_each_graph_is_recorded_once_and_before_the_state_is_put_in():
    advance = Captured(make(), LAW, keys())
    recorded = []

    def record(work):
        work()  # the warm-up of a real recording: it spoils the buffers
        recorded.append(work)
        return work

    advance._record = record
    r, v = start(advance.machine)
    got = moved(advance, r, v, anneal(77), calls=[35, 3])
    assert len(recorded) == 4  # 32 + 2 + 1, 2 + 1, 32 + 4 + 2 + 1
    assert_same(got, moved(Captured(make(), LAW, keys()), r, v, anneal(77)))


def test_a_tensor_amplitude_moves_as_a_number():
    machine = make()
    r, v = start(machine)
    r2, v2, force = r.clone(), v.clone(), torch.zeros_like(r)
    xi = noise.normal(keys(), 3, machine.particles)
    plain_step(r, v, force, xi, 0.9, 0.1, 0.3)
    plain_step(r2, v2, force, xi, 0.9, 0.1, torch.tensor(0.3, dtype=torch.float64))
    assert_near((r2, v2), (r, v), 1e-15)
