"""Overlaps of configurations, layer by layer, on their device; every reduction is in float64.

Per layer, averaged over the layer's particles (neurons and patterns, or weights): raw <a b>, and normalised
<a b>/sqrt(<a a><b b>), which starts at 1 whatever the particles' size (arXiv:2506.06789, Eqs. 13-20; its
figures are normalised, its printed formulas are not). The global ones take all hidden spins, or all weights,
as one layer: they are not the mean of the layers.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

__all__ = ["Correlation", "mean_square", "overlap_matrix", "pairs", "with_boundaries"]

Layers = Sequence[Tensor]
"""One tensor (B, n_l) per layer."""


def mean_square(layers: Layers) -> Tensor:
    """<x^2> of every layer and machine, (B, layers); of velocities: the kinetic temperature."""
    return torch.stack([x.double().square().mean(1) for x in layers], dim=1)


def with_boundaries(hidden: Tensor | None, frozen: float, like: Tensor) -> Tensor:
    """Hidden layers (..., L-1) as all neuron layers 0..L; the frozen ends get the value ``frozen``.

    ``hidden`` is None for L = 1, where ``like`` (..., anything) says the leading shape.
    """
    end = torch.full_like(like[..., :1], frozen)
    return torch.cat([end, end] if hidden is None else [end, hidden, end], dim=-1)


def pairs(replicas: int) -> list[tuple[int, int]]:
    """All pairs a < b of one sample's replicas."""
    return list(combinations(range(replicas), 2))


def overlap_matrix(layer: Tensor, replicas: int) -> Tensor:
    """<x^a x^b> between the replicas of each sample, (samples, replicas, replicas), from (B, n)."""
    x = layer.double().view(-1, replicas, layer.shape[1])
    return x @ x.transpose(1, 2) / layer.shape[1]


class Correlation:
    """<a b> per layer with <a a> and <b b>: (..., layers) each, and the layers' sizes."""

    def __init__(self, raw: Tensor, aa: Tensor, bb: Tensor, layers: Layers):
        self.raw = raw
        self.normalised = _ratio(raw, aa, bb)
        size = torch.tensor([x.shape[1] for x in layers], dtype=torch.float64, device=raw.device)
        # Not a matrix product: that would round as the size of the batch wants it.
        self.all_layers = _ratio(*((x * size).sum(-1) for x in (raw, aa, bb)))

    def named(self, name: str) -> dict[str, Tensor]:
        """The three under their names in the schema."""
        return {name: self.normalised, f"{name}_raw": self.raw, f"{name}_global": self.all_layers}

    @classmethod
    def with_past(cls, now: Layers, past: Layers) -> "Correlation":
        """<x(t_w + t) x(t_w)>, (B, layers)."""
        raw = [(x.double() * y.double()).mean(1) for x, y in zip(now, past, strict=True)]
        return cls(torch.stack(raw, dim=1), mean_square(now), mean_square(past), now)

    @classmethod
    def between_replicas(cls, layers: Layers, replicas: int) -> "Correlation":
        """<x^a x^b> of the pairs of each sample, (samples, pairs, layers)."""
        a, b = np.array(pairs(replicas), dtype=int).reshape(-1, 2).T
        matrix = torch.stack([overlap_matrix(layer, replicas) for layer in layers], dim=-1)
        return cls(matrix[:, a, b], matrix[:, a, a], matrix[:, b, b], layers)


def _ratio(ab: Tensor, aa: Tensor, bb: Tensor) -> Tensor:
    """ab / sqrt(aa bb), missing where a layer is exactly zero (no direction to compare)."""
    product = aa * bb
    return torch.where(product > 0, ab / product.sqrt(), np.nan)
