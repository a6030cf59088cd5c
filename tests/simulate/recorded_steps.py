"""What tests of recorded steps share: small machines, their noise, and how near two trajectories are."""

import os
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from simulate import noise
from simulate.dynamics.langevin import Langevin
from simulate.systems.thermal_machine import ThermalMachine

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DTYPES = [torch.float32, torch.float64]
LAW = Langevin(dt=0.02, eta=0.05)

interpreter = pytest.mark.skipif(not INTERPRETED, reason="run by test_under_the_interpreter")
gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


KERNELS = ["torch"] + ["triton"] * (find_spec("triton") is not None)


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
