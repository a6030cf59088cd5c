"""Weights of layered networks as one flat row: W_1 to W_L one after another, each (units, inputs)."""

from itertools import pairwise

import torch
from torch import Tensor


class Layered:
    """What follows from the sizes alone; a base of frozen dataclasses that have them."""

    sizes: tuple[int, ...]
    """From the inputs to the outputs: (20, 15, 15, 10) has three layers of weights, two of hidden units."""

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """(units, inputs) of every layer of weights."""
        return [(b, a) for a, b in pairwise(self.sizes)]

    @property
    def weights(self) -> int:
        """N."""
        return sum(a * b for a, b in self.shapes)

    def layers(self, r: Tensor) -> list[Tensor]:
        """Views (B, units, inputs) of states (B, N)."""
        parts = torch.split(r, [a * b for a, b in self.shapes], dim=1)
        return [part.view(-1, *shape) for part, shape in zip(parts, self.shapes, strict=True)]
