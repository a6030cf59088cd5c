"""Recorded steps on a CUDA device: graphs and fused kernels, against the eager machine."""

import gc

import numpy as np
import pytest
import torch
from recorded_steps import (
    DTYPES,
    KERNELS,
    LAW,
    anneal,
    assert_force,
    assert_near,
    assert_same,
    gpu,
    keys,
    make,
    moved,
    repeated,
    start,
)

from simulate import noise
from simulate.dynamics import captured
from simulate.dynamics.captured import Captured
from simulate.dynamics.eager import Eager
from simulate.dynamics.langevin import Langevin
from simulate.systems.thermal_machine import C_SCALES, ThermalMachine


@gpu
@pytest.mark.gpu
def test_triton_is_what_moves_particles_on_cuda():
    pytest.importorskip("triton")
    assert captured.usable(torch.device("cuda")) == "triton"


@gpu
@pytest.mark.gpu
@pytest.mark.parametrize(
    ("dtype", "steps", "tolerance"), [(torch.float64, 100, 1e-10), (torch.float32, 20, 1e-4)]
)
@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("depth", [1, 2, 4])
def test_captured_follows_the_eager_steps(kernels, depth, merged, dtype, steps, tolerance):
    machine = make("cuda", dtype, depth=depth, merged=merged)
    r, v = start(machine)
    expected = moved(Eager(machine, LAW, keys()), r, v, anneal(steps))
    got = moved(Captured(machine, LAW, keys(), kernels), r, v, anneal(steps))
    assert_near(got, expected, tolerance)
    on_cpu = make(dtype=dtype, depth=depth, merged=merged)
    expected = moved(Eager(on_cpu, LAW, keys()), r.cpu(), v.cpu(), anneal(steps))
    assert_near(got, expected, tolerance)


def check_fused_force(machine, batch):
    """Against the machine's own, and against itself bit for bit."""
    from simulate.dynamics.triton_force import FusedForce

    r, _ = start(machine, batch)
    expected, got, again = (torch.full_like(r, torch.nan) for _ in range(3))
    machine.force(r, expected)
    force = FusedForce(machine, batch)
    force(r, got)
    force(r, again)
    assert_force(machine, got, expected)
    assert torch.equal(got, again)


@gpu
@pytest.mark.gpu
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("c_scale", C_SCALES)
@pytest.mark.parametrize("depth", [2, 3, 5])
def test_fused_force_is_that_of_the_machine_and_repeats_to_the_bit(depth, c_scale, merged, dtype):
    pytest.importorskip("triton")
    machine = make("cuda", dtype, depth, patterns=2000, width=10, c_scale=c_scale, merged=merged)
    check_fused_force(machine, 3)


def make_as_mnist(dtype):
    """784 pixels, some 460 of them distinct, at the size of the paper."""
    signs = np.random.default_rng(3).choice([-1, 1], (2000, 1100)).astype(np.int8)
    inputs = repeated(signs, 784)
    machine = ThermalMachine(inputs, signs[:, :2], 10, 10, dtype=dtype, device="cuda")
    assert machine.merged is not None
    return machine


@gpu
@pytest.mark.gpu
@pytest.mark.parametrize("dtype", DTYPES)
def test_fused_force_at_the_size_of_the_paper(dtype):
    pytest.importorskip("triton")
    check_fused_force(make_as_mnist(dtype), 64)


@gpu
@pytest.mark.gpu
@pytest.mark.parametrize("kernels", KERNELS)
def test_one_after_another_they_are_right_and_leave_no_memory_behind(kernels):
    machine = make("cuda", patterns=2000, width=10, merged=True)
    r, v = start(machine)
    expected = moved(Eager(machine, LAW, keys()), r, v, anneal(35))
    held = []
    for _ in range(5):
        got = moved(Captured(machine, LAW, keys(), kernels), r, v, anneal(35))
        assert_near(got, expected, 1e-10)
        del got
        gc.collect()
        torch.cuda.synchronize()
        held.append(torch.cuda.memory_allocated())
    assert held[1:] == held[:1] * 4  # the first leaves what cuBLAS keeps


@gpu
@pytest.mark.gpu
def test_two_side_by_side_do_not_disturb_each_other():
    machine = make("cuda", merged=True)
    r, v = start(machine, 5)
    one, two = Captured(machine, LAW, keys()), Captured(machine, LAW, keys(5))
    for _ in range(2):
        assert_near(
            moved(one, r[:3], v[:3], anneal(35)), [x[:3] for x in moved(two, r, v, anneal(35))], 1e-10
        )


@gpu
@pytest.mark.gpu
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kernels", KERNELS)
def test_division_into_calls_does_not_matter_on_cuda(kernels, dtype):
    machine = make("cuda", dtype, patterns=300, width=10)
    r, v = start(machine)
    whole = moved(Captured(machine, LAW, keys(), kernels), r, v, anneal(100))
    advance = Captured(machine, LAW, keys(), kernels)
    assert_same(moved(advance, r, v, anneal(100), calls=[1, 2, 0, 7, 40]), whole)
    # Another batch takes other scratch memory of the machine; the graphs keep theirs.
    machine.force(r[:1].clone(), torch.empty_like(r[:1]))
    assert_same(moved(advance, r, v, anneal(100)), whole)


@gpu
@pytest.mark.gpu
def test_noise_of_the_captured_step_is_the_same_bit_for_bit():
    """eta = 1 and T = 1: v = F dt + xi, with a dt that F dt cannot be seen beside."""
    machine = make("cuda", torch.float32)
    r, v = start(machine)
    Captured(machine, Langevin(dt=1e-30, eta=1.0), keys())(r, v, 77, np.array([1.0]))
    assert torch.equal(v.cpu(), noise.normal(keys(), 77, machine.particles))


@gpu
@pytest.mark.gpu
def test_a_machine_moves_the_same_in_any_batch():
    machine = make("cuda")
    r, v = start(machine, 5)
    together = moved(Captured(machine, LAW, keys(5)), r, v, anneal(100))
    alone = moved(Captured(machine, LAW, keys(5)[3:4]), r[3:4], v[3:4], anneal(100))
    assert_near(alone, [x[3:4] for x in together], 1e-10)


@gpu
@pytest.mark.gpu
@pytest.mark.parametrize("kernels", KERNELS)
def test_a_call_does_not_wait_for_the_device(kernels):
    machine = make("cuda")
    r, v = start(machine)
    advance = Captured(machine, LAW, keys(), kernels)
    advance(r, v, 0, anneal(45))  # records
    torch.cuda.set_sync_debug_mode("error")
    try:
        advance(r, v, 45, anneal(45))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert (r.abs() <= 1).all()
