"""Replica-steps per second of the thermal machine beside plain PyTorch autograd, one thread, one run.

    python -m benchmarks.simulate [--out FILE.json]

The baseline is what the paper describes: one machine, forces by ``backward()``, noise by
``torch.randn``, the step in torch operations. Ours: forces by hand, noise and step fused, machines
in batches. Every row repeats until it has run two seconds; the best of three is kept.
"""

import json
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from deepglass.cli import table
from simulate import noise
from simulate.dynamics.langevin import Langevin, plain_step
from simulate.systems.thermal_machine import ThermalMachine

SIZES = {
    "demo (N=8, M=240, 64 inputs)": (10, 8, 240, 64),
    "M=2000, N=10, 784 inputs": (10, 10, 2000, 784),
}
BATCHES = (1, 8, 16)
TEMPERATURE = 1e-5


def machine(depth: int, width: int, patterns: int, inputs: int) -> ThermalMachine:
    """A machine on random signs of the given shape; speed does not depend on the data."""
    signs = np.random.default_rng(0).choice([-1, 1], (patterns, inputs)).astype(np.int8)
    return ThermalMachine(signs, signs[:, :2], depth, width)


def autograd(m: ThermalMachine) -> Callable[[int], None]:
    """One step of one machine the plain way."""
    law = Langevin()
    a, b = law.coefficients(TEMPERATURE)
    r, v = m.start("small", 0, range(1)), torch.zeros(1, m.particles)

    def step(t: int) -> None:
        leaf = r.detach().requires_grad_()
        w = m.views(leaf)
        below, total = m.inputs[None], torch.zeros(())
        weights = [w.first, *w.hidden.unbind(1), w.last]
        for j, here in zip(weights, [*w.S.unbind(1), m.outputs[None]], strict=True):
            total = total + torch.linalg.vector_norm(here - torch.tanh(j @ below))
            below = here
        total.backward()
        assert leaf.grad is not None
        plain_step(r, v, -leaf.grad, torch.randn_like(r), a, law.dt, b)

    return step


def ours(m: ThermalMachine, batch: int) -> Callable[[int], None]:
    """One step of a batch."""
    law, keys = Langevin(), noise.keys(0, [(s, 0) for s in range(batch)])
    r = m.start("small", 0, range(batch))
    v, force = torch.zeros_like(r), torch.empty_like(r)

    def step(t: int) -> None:
        m.force(r, force)
        law.step(r, v, force, keys, t, TEMPERATURE)

    return step


def rate(step: Callable[[int], None], seconds: float = 2.0) -> float:
    """Steps per second, best of three."""
    step(0)
    best = 0.0
    for _ in range(3):
        count, started = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - started) < seconds / 3:
            step(count)
            count += 1
        best = max(best, count / elapsed)
    return best


def main(arguments: list[str]) -> None:
    """Measure, print a table and, with ``--out``, write JSON."""
    torch.set_num_threads(1)
    rows = []
    for name, size in SIZES.items():
        m = machine(*size)
        base = rate(autograd(m))
        rows.append({"size": name, "engine": "autograd, 1 replica", "replica-steps/s": base, "ratio": 1.0})
        for batch in BATCHES:
            speed = batch * rate(ours(m, batch))
            engine = f"deepglass, batch {batch}"
            rows.append({"size": name, "engine": engine, "replica-steps/s": speed, "ratio": speed / base})
    print(table((key, [row[key] for row in rows]) for key in rows[0]))
    if "--out" in arguments:
        record = {
            "device": f"cpu {platform.machine()}",
            "threads": 1,
            "torch": torch.__version__,
            "rows": rows,
        }
        Path(arguments[arguments.index("--out") + 1]).write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])
