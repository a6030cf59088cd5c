"""Whether a run can be believed: particles inside their walls, numbers finite, layers not too hot."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from deepglass.errors import Diverged
from simulate.noise import Member
from simulate.protocol import Protocol

THERMAL = 10
"""Friction times 1/eta after which a layer should have the temperature of the thermostat."""


def check(r: torch.Tensor, v: torch.Tensor, t: int, members: Sequence[Member]) -> None:
    """Every particle inside its walls and every velocity finite, or Diverged naming where."""
    sane = (r.abs().amax(dim=1) <= 1) & torch.isfinite(v).all(dim=1)
    if not bool(sane.all()):
        member = members[int(torch.nonzero(~sane)[0])]
        raise Diverged(
            f"step {t}: a particle of sample {member.sample}, replica {member.replica} left (-1, 1) or became"
            " NaN; a smaller dt or temperature is needed"
        )


def hot_layers(
    protocol: Protocol, t: int, kinetic: dict[str, NDArray[np.float64]], particles: dict[str, list[int]]
) -> list[str]:
    """Layers warmer than ``hot`` T at step ``t`` by more than four standard errors of a thermal layer.

    ``kinetic`` holds <v^2> of ``spins`` (machines, L+1) and ``weights`` (machines, L), ``particles`` how many
    a machine has in each of these layers. Entries read ``weights 1 (6.4 T)``.
    """
    temperature = float(protocol.temperatures().temperatures(t, 1)[0])
    if temperature == 0:
        return []
    found = []
    for what, values in kinetic.items():
        ratios = values.mean(axis=0) / temperature
        for column, (ratio, n) in enumerate(zip(ratios, particles[what], strict=True)):
            noise = 4 * math.sqrt(2 / (n * len(values))) if n else 0.0
            if n and ratio > protocol.hot and ratio - 1 > noise:
                found.append(f"{what} {column + (what == 'weights')} ({ratio:.2g} T)")
    return found


def describe(protocol: Protocol, t: int, found: Sequence[str]) -> str:
    """One line about hot layers at step ``t``; empty if there are none."""
    if not found:
        return ""
    young = t * protocol.eta < THERMAL
    cause = "the run is shorter than 10/eta, not yet thermal" if young else "dt may be too long for them"
    return f"layers hotter than {protocol.hot:g} T at step {t}: {', '.join(found)}; {cause}"
