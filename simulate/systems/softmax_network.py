"""Bias-free ReLU networks of real weights with softmax outputs, many at once (the "FNN" of arXiv:2007.08093).

    z = W_L relu(W_{L-1} ... relu(W_1 x)),      cost: cross-entropy of softmax(z), mean over the batch

The counterpart of :mod:`.binary_network`, with its methods: what there is a distribution of weights is one
network here.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from simulate.systems.layered import Layered
from simulate.systems.softmax import cross_entropy


@dataclass(frozen=True)
class SoftmaxNetwork(Layered):
    """Sizes from the inputs to the classes."""

    sizes: tuple[int, ...]

    def outputs(self, weights: Tensor, x: Tensor) -> Tensor:
        """Of networks (B, N): (B, classes, P) for points (inputs, P)."""
        *hidden, last = self.layers(weights)
        for layer in hidden:
            x = torch.matmul(layer, x).clamp_(min=0)
        return torch.matmul(last, x)

    def noises(self, patterns: int) -> int:
        """None are needed."""
        return 0

    def gradient(self, r: Tensor, x: Tensor, targets: Tensor, eps: Tensor, out: Tensor) -> Tensor:
        """d(cost)/dW into ``out`` (B, N), and the cost (B,); x (B, inputs, P), targets (B, P) classes."""
        layers, answers = self.layers(r), [x]
        for layer in layers[:-1]:
            answers.append(torch.matmul(layer, answers[-1]).clamp_(min=0))
        cost, slope = cross_entropy(torch.matmul(layers[-1], answers[-1]), targets)
        for layer, slot, answer in zip(
            reversed(layers), reversed(self.layers(out)), reversed(answers), strict=True
        ):
            slot.copy_(slope @ answer.transpose(1, 2))
            if answer is not x:
                slope = torch.ops.aten.threshold_backward(layer.transpose(1, 2) @ slope, answer, 0)
        return cost
