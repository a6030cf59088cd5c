"""Langevin leapfrog with reflecting walls (Huang et al., arXiv:2506.06789, Eqs. 9-11), one step at a time.

    v <- a v + F dt + b xi,    r <- r + v dt,    |r| > 1:  r <- 2 sgn(r) - r,  v <- -v

with mass 1, k_B = 1, xi unit Gaussian noise. ``per-step``: a = 1 - eta, b = sqrt(eta (2 - eta) T),
friction and noise act once per step and <v^2> = T exactly for free particles. ``literal`` is Eq. 11
as printed, friction and noise inside the force (a = 1 - eta dt, b multiplied by dt), which gives
<v^2> = dt T (2 - eta) / (2 - eta dt): kept as the negative control.

``v`` lives at half steps (v_{t-1/2} beside r_t), so without walls and thermostat the scheme is
second order in dt.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from deepglass import checks
from simulate import noise

THERMOSTATS = ("per-step", "literal")


@dataclass(frozen=True)
class Langevin:
    """The law of motion: time step ``dt``, friction ``eta`` per step, and which thermostat."""

    dt: float = 0.01
    eta: float = 1e-3
    thermostat: str = "per-step"

    def __post_init__(self) -> None:
        checks.real("dt", self.dt, above=0, at_most=1)
        checks.real("eta", self.eta, at_least=0, at_most=1)
        checks.one_of("thermostat", self.thermostat, THERMOSTATS)

    def coefficients(self, temperature: float, dtype: torch.dtype = torch.float64) -> tuple[float, float]:
        """(a, b) of the velocity update at ``temperature``, in float64.

        For a state in float32 a is the float32 number it is multiplied by, and b that of the friction which
        a then is: rounding a alone would leave T wrong by 1 % at eta = 1e-6.
        """
        scale = self.dt if self.thermostat == "literal" else 1.0
        a = 1 - self.eta * scale
        if dtype == torch.float32:
            a = float(np.float32(a))
        eta = (1 - a) / scale
        return a, math.sqrt(eta * (2 - eta) * temperature) * scale


def maxwell_boltzmann(
    keys: NDArray[np.uint32], step: int, elements: int, temperature: float, dtype: torch.dtype = torch.float64
) -> torch.Tensor:
    """Fresh velocities at ``temperature``, shape (B, elements), on the CPU; variance T each.

    Row by row, so that the temporaries of the noise are those of one machine.
    """
    v = torch.empty((len(keys), elements), dtype=dtype)
    for row, key in zip(v, keys, strict=True):
        row.copy_(noise.normal(key[None], step, elements)[0].double() * math.sqrt(temperature))
    return v


def plain_step(
    r: torch.Tensor,
    v: torch.Tensor,
    force: torch.Tensor,
    xi: torch.Tensor,
    a: float,
    dt: float,
    b: float | torch.Tensor,
) -> None:
    """The step as torch operations (any device); the oracle of the fused ones.

    As a 0-d float64 tensor on the device of ``r``, ``b`` can change inside a CUDA graph.
    """
    v.mul_(a).add_(force, alpha=dt)
    if isinstance(b, torch.Tensor):  # a tensor for alpha would be waited for
        v.add_(xi.to(v.dtype).mul(b.to(v.dtype)))
    else:
        v.add_(xi, alpha=b)
    r.add_(v, alpha=dt)
    outside = r.abs() > 1
    r.copy_(torch.where(outside, 2 * torch.sign(r) - r, r))
    v.copy_(torch.where(outside, -v, v))
