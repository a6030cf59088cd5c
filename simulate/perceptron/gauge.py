"""Overlaps that do not notice flips: the energy is the same when a hidden neuron is flipped with its weights.

A small network makes such flips now and then, and each takes its share away from the plain overlaps, down to
zero at last. Here every hidden neuron of one replica has the sign of the other's.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from simulate.systems.deep_perceptron import DeepPerceptron
from simulate.systems.wiring import Wiring


def aligned(
    machine: DeepPerceptron, a: Tensor, b: Tensor, wirings: Sequence[Wiring]
) -> tuple[Tensor, Tensor]:
    """Overlaps of neurons (B, L + 1) and of weights (B, L) of states ``a`` and ``b`` (B, P), in float64.

    A neuron's sign is that of its overlap in one half of the patterns, and its overlap is taken in the other
    half, both ways; a weight has the signs of its two neurons in all patterns. Where replicas have nothing in
    common this is 0 on average, which absolute values would not be. Where the signs are uncertain, q below
    some 2 sqrt(2/M), it is too small.
    """
    product = machine.spins(a).double() * machine.spins(b)  # (B, L + 1, N, M)
    half = machine.patterns // 2
    first, second = product[..., :half], product[..., half:]
    neurons = (_sign(second) * first.sum(-1) + _sign(first) * second.sum(-1)) / machine.patterns
    neurons[:, [0, -1]] = product[:, [0, -1]].mean(-1)
    sign = _sign(product)
    sign[:, [0, -1]] = 1
    inputs = torch.from_numpy(np.stack([w.inputs for w in wirings]).astype(np.int64)).to(a.device)
    below = sign[:, :-1, None, :].expand(-1, -1, machine.width, -1).gather(3, inputs)
    weights = machine.weights(a).double() * machine.weights(b) * below * sign[:, 1:, :, None]
    return neurons.mean(-1), weights.mean((2, 3))


def _sign(products: Tensor) -> Tensor:
    """Of sums over patterns; where they are 0, or there is no pattern, +1."""
    return torch.where(products.sum(-1) >= 0, 1.0, -1.0).double()
