"""Plain torch operations, step by step, on any device: what the fast backends are held against."""

import numpy as np
import torch
from numpy.typing import NDArray

from simulate import noise
from simulate.dynamics.langevin import Langevin, plain_step
from simulate.systems.thermal_machine import ThermalMachine


class Eager:
    """See :class:`simulate.contract.Advance`."""

    def __init__(self, machine: ThermalMachine, law: Langevin, stream_keys: NDArray[np.uint32]):
        self.machine, self.law = machine, law
        self.keys = torch.from_numpy(stream_keys.astype(np.int64)).to(machine.device)

    def __call__(
        self, r: torch.Tensor, v: torch.Tensor, first: int, temperatures: NDArray[np.float64]
    ) -> None:
        """Advance in place, one step per temperature."""
        force = torch.empty_like(r)
        for step, temperature in enumerate(temperatures, start=first):
            a, b = self.law.coefficients(float(temperature), r.dtype)
            self.machine.force(r, force)
            plain_step(r, v, force, noise.normal(self.keys, step, r.shape[1]), a, self.law.dt, b)
