"""Replica exchange: copies of a machine at neighbouring temperatures swap their configurations.

Copies i and i + 1 swap with probability min(1, exp((beta_i - beta_(i+1)) (H_i - H_(i+1)))), the even pairs at
even rounds and the odd ones at odd rounds (Hukushima and Nemoto, J. Phys. Soc. Jpn. 65, 1604 (1996)), which
leaves the product of the Boltzmann laws as it is. At temperature 0, beta is infinite: a swap that lowers H at
the cold end is always made, one that raises it never; between equals it is a matter of taste: it is made.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepglass import checks
from deepglass.errors import InvalidInput
from simulate import noise


@dataclass(frozen=True)
class Ladder:
    """Temperatures of the copies of a machine, the one of interest first, then ever hotter.

    Raises InvalidInput unless they are ascending, and ``every`` (sweeps between two rounds) is 1 or more.
    """

    temperatures: tuple[float, ...]
    every: int = 1

    def __post_init__(self) -> None:
        values = tuple(checks.real("temperatures", t, at_least=0) for t in self.temperatures)
        if not values or any(b <= a for a, b in pairwise(values)):
            raise InvalidInput(f"temperatures = {self.temperatures} must be ascending, the lowest first")
        object.__setattr__(self, "temperatures", values)
        checks.integer("exchange_every", self.every, 1)

    @property
    def rungs(self) -> int:
        """How many copies there are."""
        return len(self.temperatures)

    def chances(self, energies: Tensor) -> Tensor:
        """Probabilities (..., K - 1) that copies i, i + 1 of ``energies`` (..., K) swap, if asked."""
        with np.errstate(divide="ignore"):
            betas = 1 / np.array(self.temperatures)
        gain = energies[..., :-1] - energies[..., 1:]
        difference = torch.from_numpy(betas[:-1] - betas[1:]).to(gain)
        exponent = torch.where(gain == 0, torch.zeros_like(gain), difference * gain)
        return exponent.clamp(max=0).exp()

    def swaps(self, energies: Tensor, keys: NDArray[np.uint32], round_: int) -> Tensor:
        """Where the copy at each rung comes from after round ``round_``, (B, K), with energies (B, K).

        ``keys`` (B, 2) are the streams of the machines for :data:`simulate.noise.EXCHANGE`.
        """
        chances = self.chances(energies.double().cpu())
        blocks = torch.arange(-(-self.rungs // 4), dtype=torch.int64)[None]
        words = noise.philox(blocks, round_, torch.from_numpy(np.asarray(keys, dtype=np.int64)))
        uniform = (torch.stack(words, dim=-1).flatten(1).double() + 0.5) * 2.0**-32
        order = torch.arange(self.rungs).repeat(len(chances), 1)
        for i in range(round_ % 2, self.rungs - 1, 2):
            swapped = uniform[:, i] < chances[:, i]
            order[:, i] += swapped.long()
            order[:, i + 1] -= swapped.long()
        return order
