"""Laws of motion, and the machinery that advances a batch by them: one contract, three backends.

``eager`` is plain torch operations on any device, the reference; ``compiled`` the fused kernels of the CPU;
``captured`` steps recorded in CUDA graphs. They draw the same noise bit for bit and follow the same law;
their trajectories differ by rounding.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from deepglass import checks
from deepglass.errors import InvalidInput
from simulate.contract import Advance
from simulate.dynamics.langevin import Langevin
from simulate.systems.thermal_machine import ThermalMachine

BACKENDS = ("auto", "eager", "compiled", "captured")


def choose(backend: str, device: torch.device) -> str:
    """The backend that ``auto`` stands for on ``device``; raises InvalidInput where one cannot run."""
    checks.one_of("backend", backend, BACKENDS)
    if backend == "auto":
        return "captured" if device.type == "cuda" else "compiled"
    wanted = {"compiled": "cpu", "captured": "cuda"}.get(backend, device.type)
    if wanted != device.type:
        raise InvalidInput(f"backend = {backend!r} needs device = {wanted!r}, not {device.type!r}")
    return backend


def advance(
    backend: str, machine: ThermalMachine, law: Langevin, keys: NDArray[np.uint32], threads: int = 1
) -> Advance:
    """What moves a batch with noise streams (B, 2); ``backend`` as :func:`choose` gives.

    ``threads`` share the batch of the compiled backend; torch has its own number for the others.
    """
    # Imported here: each backend's compiler is loaded only where it is used.
    if backend == "eager":
        from simulate.dynamics.eager import Eager

        return Eager(machine, law, keys)
    if backend == "compiled":
        from simulate.dynamics.compiled import Compiled

        return Compiled(machine, law, keys, threads)
    from simulate.dynamics.captured import Captured

    return Captured(machine, law, keys)
