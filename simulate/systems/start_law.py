"""The laws a thermal machine's positions are drawn from at step 0, each one word such as ``normal:0.1,0.01``.

normal:S,J     spins S N(0, 1), weights J N(0, 1) (clipped at the walls)
uniform:S,J    spins uniform in (-S, S), weights in (-J, J)
fan-in:S,g     spins uniform in (-S, S), J_l uniform in (-g, g)/sqrt(N_{l-1}): the usual start of networks
forward:J      weights J N(0, 1), spins the network's own answer, S_l = tanh(c_l J_l S_{l-1})
small          normal:0.1,0.01
uniform        uniform:1,1, as arXiv:2506.06789 says
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepglass.errors import InvalidInput

NAMED = {"small": "normal:0.1,0.01", "uniform": "uniform:1,1"}
AMPLITUDES = {"normal": 2, "uniform": 2, "fan-in": 2, "forward": 1}
EXAMPLES = (*NAMED, "normal:S,J", "uniform:S,J", "fan-in:S,g", "forward:J")


@dataclass(frozen=True)
class StartLaw:
    """A law and its amplitudes; :meth:`parse` checks them."""

    kind: str
    amplitudes: tuple[float, ...]

    @classmethod
    def parse(cls, text: str) -> "StartLaw":
        """Raises InvalidInput for an unknown law, and for amplitudes that are missing or outside 0..1."""
        kind, _, given = NAMED.get(text, text).partition(":")
        if kind not in AMPLITUDES:
            raise InvalidInput(f"start = {text!r} must be one of {', '.join(EXAMPLES)}, RUN.nc or ARRAY.npy")
        try:
            amplitudes = tuple(float(x) for x in given.split(","))
        except ValueError:
            amplitudes = ()
        if len(amplitudes) != AMPLITUDES[kind]:
            wanted = next(x for x in EXAMPLES if x.startswith(f"{kind}:"))
            raise InvalidInput(f"start = {text!r} must give its amplitudes, {wanted}")
        for x in amplitudes:
            if not 0 <= x <= 1:  # NaN too
                raise InvalidInput(f"start = {text!r}: the amplitude {x:g} must be between 0 and 1")
        return cls(kind, amplitudes)

    @property
    def forward(self) -> bool:
        """Whether the spins are the network's own answer, to be computed once the weights are drawn."""
        return self.kind == "forward"

    def draw(
        self, generator: np.random.Generator, spins: int, weights: list[tuple[int, int]]
    ) -> NDArray[np.float64]:
        """Positions (P,): ``spins`` of them, then the weights of layers with (number, fan-in) each."""
        total = spins + sum(count for count, _ in weights)
        of_spins = 0.0 if self.forward else self.amplitudes[0]
        of_weights = self.amplitudes[-1]
        if self.kind in ("normal", "forward"):
            row = generator.standard_normal(total)
        else:
            row = generator.uniform(-1, 1, total)
        row[:spins] *= of_spins
        start = spins
        for count, fan_in in weights:
            row[start : start + count] *= (
                of_weights / math.sqrt(fan_in) if self.kind == "fan-in" else of_weights
            )
            start += count
        return row.clip(-1, 1, out=row)
