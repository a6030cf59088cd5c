"""Recorded steps: their bookkeeping on the CPU, the Triton kernel interpreted, the real thing on a GPU."""

import gc
import os
import subprocess
import sys
from contextlib import nullcontext
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from simulate import noise
from simulate.dynamics import captured
from simulate.dynamics.captured import LARGEST, Captured, pieces
from simulate.dynamics.eager import Eager
from simulate.dynamics.langevin import Langevin, plain_step
from simulate.systems.thermal_machine import C_SCALES, Merged, ThermalMachine, merge

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DTYPES = [torch.float32, torch.float64]
LAW = Langevin(dt=0.02, eta=0.05)

interpreter = pytest.mark.skipif(not INTERPRETED, reason="run by test_under_the_interpreter")
gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


def make(device="cpu", dtype=torch.float64, depth=4, patterns=13, width=5, c_scale="1", merged=False):
    signs = np.random.default_rng(0).choice([-1, 1], (patterns, 21)).astype(np.int8)
    inputs = repeated(signs[:, :6], 40) if merged else signs
    machine = ThermalMachine(inputs, signs[:, :3], depth, width, c_scale, dtype=dtype, device=device)
    assert (machine.merged is not None) == merged
    return machine


def repeated(columns, pixels):
    """Pixels that repeat few columns, with both signs; a quarter is constant, again with both signs."""
    generator = np.random.default_rng(1)
    inputs = columns[:, generator.integers(0, columns.shape[1], pixels)]
    inputs[:, generator.permutation(pixels)[: pixels // 4]] = 1
    return inputs * generator.choice(np.array([-1, 1], np.int8), pixels)


def start(machine, batch=3):
    """Some particles near the walls, velocities that carry them across."""
    r = machine.start("uniform", 1, range(batch))
    v = noise.normal(noise.keys(4, members(batch), noise.VELOCITY), 0, machine.particles)
    return r, (0.5 * v).to(device=r.device, dtype=r.dtype)


def members(batch):
    return [(s, 0) for s in range(batch)]


def keys(batch=3):
    return noise.keys(7, members(batch))


def anneal(steps):
    return np.geomspace(0.5, 1e-4, steps)


def moved(advance, r, v, temperatures, first=1000, calls=()):
    """(r, v) after the steps, which are divided into ``calls`` (and the rest)."""
    r, v = r.clone(), v.clone()
    ends = [*np.cumsum(calls, dtype=int), len(temperatures)]
    done = 0
    for end in ends:
        advance(r, v, first + done, temperatures[done:end])
        done = end
    return r, v


def assert_same(got, expected):
    for x, y in zip(got, expected, strict=True):
        assert torch.equal(x, y)


def assert_force(machine, got, expected):
    """To rounding, relative to the norm of what acts on a machine's spins, on its weights of layer 1, .."""
    tolerance = 1e-12 if machine.dtype == torch.float64 else 1e-5
    for x, y in zip(vars(machine.views(got)).values(), vars(machine.views(expected)).values(), strict=True):
        norm = torch.linalg.vector_norm(y.flatten(1), dim=1)
        assert (torch.linalg.vector_norm((x - y).flatten(1), dim=1) <= tolerance * norm).all()


def assert_near(got, expected, tolerance):
    for x, y in zip(got, expected, strict=True):
        np.testing.assert_allclose(x.cpu(), y.cpu(), rtol=0, atol=tolerance)


# The CPU repeats what a graph would replay: everything but the recording itself.


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


# The kernel, under Triton's interpreter.


def test_under_the_interpreter():
    """Triton decides when it is imported whether it interprets: a process of its own."""
    if INTERPRETED or find_spec("triton") is None:
        pytest.skip("no Triton, or inside already")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "interpreted", __file__],
        env=os.environ | {"TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


def exact_step(r, v, force, xi, a, dt, b):
    """One rounding after every operation, in numpy; walls included."""
    r, v, force, xi = (x.numpy() for x in (r, v, force, xi.to(r.dtype)))
    a, dt, b, two = (r.dtype.type(x) for x in (a, dt, b, 2))
    velocity = a * v + dt * force + b * xi
    position = r + dt * velocity
    outside = np.abs(position) > 1
    r_new = np.where(outside, np.where(position > 0, two, -two) - position, position)
    return torch.from_numpy(r_new), torch.from_numpy(np.where(outside, -velocity, velocity))


@interpreter
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("particles", [1, 6, 1024, 1027, 4096])
def test_interpreted_step_is_exact(dtype, particles):
    from simulate.dynamics import triton_step

    stream_keys = noise.keys(3, [(0, 0), (1, 5), (2, 0)])
    generator = torch.Generator().manual_seed(1)
    r = torch.rand((3, particles), generator=generator, dtype=dtype) * 2 - 1
    v = torch.randn((3, particles), generator=generator, dtype=dtype)
    force = torch.randn((3, particles), generator=generator, dtype=dtype)
    v[1, 0] = torch.nan
    a, dt, b = 0.95, 0.3, [0.1, 0.7]
    xi = noise.normal(stream_keys, (3 << 32) + 8, particles)
    expected = exact_step(r, v, force, xi, a, dt, b[1])
    plain = (r.clone(), v.clone())
    plain_step(*plain, force, xi, a, dt, b[1])

    double = {"dtype": torch.float64}
    triton_step.step(
        r, v, force, torch.from_numpy(stream_keys.astype(np.int64)), torch.tensor([(3 << 32) + 7]), 1,
        torch.tensor(b, **double), torch.tensor([a, dt], **double),
    )  # fmt: skip
    np.testing.assert_array_equal(r, expected[0])
    np.testing.assert_array_equal(v, expected[1])
    assert_near((r, v), plain, 1e-14 if dtype == torch.float64 else 2e-6)
    assert r[1, 0].isnan()
    assert (r[::2].abs() <= 1).all()
    assert particles < 100 or (r[0] < -0.5).any()


@interpreter
@pytest.mark.parametrize("step", [0, 499_999, (7 << 32) + 5, (1 << 32) - 1])
def test_interpreted_noise_is_the_same_bit_for_bit(step):
    from simulate.dynamics import triton_step

    stream_keys = noise.keys(11, [(0, 0), (3, 2)])
    v = torch.zeros((2, 20_001))
    zero, one = torch.zeros(2, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    triton_step.step(
        torch.zeros_like(v), v, torch.zeros_like(v), torch.from_numpy(stream_keys.astype(np.int64)),
        torch.tensor([step]), 0, one, zero,
    )  # fmt: skip
    np.testing.assert_array_equal(v.numpy(), noise.normal(stream_keys, step, 20_001).numpy())


@interpreter
def test_interpreted_check_notices_other_noise(monkeypatch):
    from simulate.dynamics import triton_step

    triton_step.check(torch.device("cpu"))
    real = noise.normal
    monkeypatch.setattr(noise, "normal", lambda *a: torch.nextafter(real(*a), torch.tensor(9.0)))
    with pytest.raises(RuntimeError, match="bit for bit"):
        triton_step.check(torch.device("cpu"))


@interpreter
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("c_scale", C_SCALES)
@pytest.mark.parametrize(
    ("depth", "patterns", "merged"),
    [
        (2, 12, False),
        (3, 205, False),
        (5, 13, False),
        (2, 12, True),
        (3, 205, True),
        (5, 13, True),
        (3, 13_400, True),
    ],
)
def test_interpreted_force_is_that_of_the_machine(dtype, c_scale, depth, patterns, merged):
    """13,400 patterns of 5 spins: more tiles than partial sums."""
    from simulate.dynamics.triton_force import FusedForce

    machine = make(dtype=dtype, depth=depth, patterns=patterns, c_scale=c_scale, merged=merged)
    r, _ = start(machine)
    machine.views(r).S[1] = 0  # and J = 0: at the tip of every cone but the last
    machine.views(r).first[1] = 0
    machine.views(r).hidden[1] = 0
    expected, got = torch.empty_like(r), torch.full_like(r, torch.nan)
    machine.force(r, expected)
    force = FusedForce(machine, 3)
    for _ in range(2):
        force(r, got)
        assert_force(machine, got, expected)  # layer 1 sums over the patterns in another order


@interpreter
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("pixels", [1, 2, 21, 64, 1100])
@pytest.mark.parametrize("distinct", [1, 5, 10**6])
def test_interpreted_fold_is_the_product(dtype, pixels, distinct):
    """One column for all pixels, some, one for each; more pixels than a tile. Rows are those of a batch."""
    from simulate.dynamics.triton_force import Pixels

    signs = np.random.default_rng(2).choice([-1, 1], (40, min(distinct, pixels))).astype(np.int8)
    inputs = signs if distinct > pixels else repeated(signs, pixels)
    first, column, sign = merge(inputs.T)
    fold = np.zeros((pixels, first.size))
    fold[np.arange(pixels), column] = sign
    there = (torch.from_numpy(x) for x in (fold, inputs.T[first], inputs[:, first], column, sign))
    fold, *matrices, column, sign = (x.to(dtype) if x.dtype != torch.int64 else x for x in there)
    merged = Pixels(Merged(fold, *matrices, column, sign), 0.5)
    assert merged.width % 8 == 0

    batch = torch.randn((2, 3 * pixels + 7), generator=torch.Generator().manual_seed(1)).to(dtype)
    j, tolerance = batch[:, 4:-3].view(2, 3, pixels), 1e-14 if dtype == torch.float64 else 1e-5
    got = torch.zeros((2, 3, merged.width), dtype=dtype)
    merged.fold(j, got)
    assert_near([got[..., : first.size]], [0.5 * (j @ fold)], tolerance * pixels**0.5)
    assert not got[..., first.size :].any()
    assert_near([got @ merged.distinct], [0.5 * j @ torch.from_numpy(inputs.T).to(dtype)], tolerance * pixels)

    out = torch.full_like(batch, torch.nan)
    merged.unfold(got, out[:, 4:-3].view(2, 3, pixels))
    assert_near([out[:, 4:-3]], [(0.5 * got[..., : first.size] @ fold.T).flatten(1)], tolerance)
    assert out[:, :4].isnan().all()
    assert out[:, -3:].isnan().all()


@interpreter
def test_interpreted_check_notices_other_forces(monkeypatch):
    from simulate.dynamics import triton_force

    triton_force.check(torch.device("cpu"))
    unfold = triton_force.Pixels.unfold
    monkeypatch.setattr(triton_force.Pixels, "unfold", lambda self, f, out: unfold(self, 1.001 * f, out))
    with pytest.raises(RuntimeError, match="forces"):
        triton_force.check(torch.device("cpu"))


@interpreter
@pytest.mark.parametrize("broken", ["triton_step", "triton_force"])
def test_interpreted_torch_stands_in_for_what_fails(monkeypatch, caplog, broken):
    from simulate.dynamics import triton_force, triton_step

    def fail(device):
        raise RuntimeError("no such device")

    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
    for module in (triton_step, triton_force):
        monkeypatch.setattr(module, "check", lambda device: None)
    assert captured.usable.__wrapped__(torch.device("cuda")) == "triton"
    monkeypatch.setattr({"triton_step": triton_step, "triton_force": triton_force}[broken], "check", fail)
    assert captured.usable.__wrapped__(torch.device("cuda")) == "torch"
    assert "no such device" in caplog.text


@interpreter
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("merged", [False, True])
def test_interpreted_steps_follow_the_eager_ones(dtype, merged):
    machine = make(dtype=dtype, merged=merged)
    r, v = start(machine)
    expected = moved(Eager(machine, LAW, keys()), r, v, anneal(11))
    got = moved(Captured(machine, LAW, keys(), kernels="triton"), r, v, anneal(11))
    assert_near(got, expected, 1e-10 if dtype == torch.float64 else 1e-3)
    assert_same(moved(Captured(machine, LAW, keys(), "triton"), r, v, anneal(11), calls=[1, 3]), got)


# On a CUDA device.

KERNELS = ["torch"] + ["triton"] * (find_spec("triton") is not None)


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
