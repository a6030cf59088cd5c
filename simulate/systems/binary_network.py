"""Networks of binary weights, trained by local reparametrisation (Shayer et al.; arXiv:2007.08093), many at
once.

Each weight has a real field theta, P(w = +1) = 1/(1 + e^-theta), mean mu = tanh(theta/2). A unit that reads
n inputs a sees, by the central limit,

    z = sum_j mu_j a_j + eps sqrt(sum_j (1 - mu_j^2) a_j^2),      eps ~ N(0, 1) anew for every unit, sample
    and step

and passes on leaky(z)/sqrt(n), slope 0.1 below 0; the outputs are z itself. The cost is the softmax
cross-entropy, mean over the batch. A state is one flat row (B, N), theta_1 to theta_L, each (units, inputs).
With binary weights in the
place of mu the noise is gone: the deterministic network.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import leaky_relu

from simulate.systems.layered import Layered
from simulate.systems.softmax import cross_entropy

LEAK = 0.1
"""Slope of the activation below 0."""

TINY = 1e-20
"""Of a variance, which is 0 where all weights of a unit are certain."""


@dataclass(frozen=True)
class BinaryNetwork(Layered):
    """Sizes (20, 15, 15, 10) are the paper's deep network, (20, 10) its shallow one."""

    sizes: tuple[int, ...]

    def outputs(self, weights: Tensor, x: Tensor) -> Tensor:
        """Of deterministic networks with weights (B, N), any numbers: (B, classes, P) for points (inputs,
        P)."""
        return self.fields(weights, x)[-1]

    def fields(self, weights: Tensor, x: Tensor) -> list[Tensor]:
        """z of every layer of units behind the inputs, (B, units, P) each; likewise."""
        found = []
        for layer in self.layers(weights):
            found.append(torch.matmul(layer, x))
            x = activation(found[-1]) / math.sqrt(layer.shape[-1])
        return found

    def noises(self, patterns: int) -> int:
        """Normal deviates of one step of one network, for a batch of ``patterns``."""
        return patterns * sum(units for units, _ in self.shapes)

    def gradient(self, r: Tensor, x: Tensor, targets: Tensor, eps: Tensor, out: Tensor) -> Tensor:
        """d(cost)/d(theta) into ``out`` (B, N), and the cost (B,).

        ``x`` (B, inputs, P), ``targets`` (B, P) classes, ``eps`` (B, noises) unit by unit, layer by layer.
        """
        patterns = x.shape[-1]
        noise = torch.split(eps, [units * patterns for units, _ in self.shapes], dim=1)
        kept, answer = [], x
        for layer, own in zip(self.layers(r), noise, strict=True):
            mean = torch.tanh(layer / 2)
            spread = 1 - mean.square()
            squares = answer.square()
            deviation = torch.matmul(spread, squares).clamp_(min=TINY).sqrt_()
            own = own.view(len(r), -1, patterns)
            z = torch.matmul(mean, answer) + own * deviation
            kept.append((mean, spread, answer, squares, deviation, own, z))
            answer = activation(z) / math.sqrt(layer.shape[-1])
        cost, slope = cross_entropy(kept[-1][-1], targets)
        for slot, (mean, spread, answer, squares, deviation, own, _), below in zip(
            reversed(self.layers(out)), reversed(kept), reversed([None, *kept[:-1]]), strict=True
        ):
            by_variance = slope * own / (2 * deviation)
            through_mean = slope @ answer.transpose(1, 2)
            through_variance = by_variance @ squares.transpose(1, 2)
            # dmu/dtheta = (1 - mu^2)/2.
            slot.copy_((through_mean - 2 * mean * through_variance) * spread / 2)
            if below is not None:
                back = mean.transpose(1, 2) @ slope + 2 * answer * (spread.transpose(1, 2) @ by_variance)
                root = math.sqrt(below[0].shape[-1])
                slope = torch.ops.aten.leaky_relu_backward(back, below[-1], LEAK, False).div_(root)
        return cost


def activation(z: Tensor) -> Tensor:
    """z above 0, z/10 below."""
    return leaky_relu(z, LEAK)
