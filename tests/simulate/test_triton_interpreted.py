"""The Triton kernels under Triton's interpreter: exact steps, noise and forces without a GPU."""

import os
import subprocess
import sys
from contextlib import nullcontext
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from recorded_steps import (
    DTYPES,
    INTERPRETED,
    LAW,
    anneal,
    assert_force,
    assert_near,
    assert_same,
    interpreter,
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
from simulate.dynamics.langevin import plain_step
from simulate.systems.thermal_machine import C_SCALES, Merged, merge


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
