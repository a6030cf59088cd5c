"""Bias-free ReLU networks with one linear output and quadratic hinge loss, many at once (arXiv:2405.13098).

    f(x) = W_L relu(W_{L-1} ... relu(W_1 x)),   D_i = 1 - y_i f(x_i),   y = +-1
    U(W) = L_D + (lambda/2) |W|^2,              L_D = (1/2P) sum_i max(0, D_i)^2

L counts layers of weights: ``depth`` 4 has three hidden layers. A state is one flat row (B, N), W_1 to W_L
one after another, each (outputs, inputs). With lambda > 0 and L >= 2, W = 0 is always a stable point, with U
= 1/2.
"""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from simulate.systems.layered import Layered

SATISFIED = 1e-3
"""Deficit up to which a pattern is satisfied: beyond jamming, marginal ones keep tiny positive deficits."""


@dataclass(frozen=True)
class ReluNetwork(Layered):
    """Sizes: ``inputs`` components, hidden layers of ``width``, ``depth`` layers of weights."""

    inputs: int
    width: int
    depth: int
    sizes: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", (self.inputs, *[self.width] * (self.depth - 1), 1))

    def scales(self, law: str) -> list[float]:
        """Of the start: standard deviation (``he``: Gaussian, 2/fan-in) or bound (``uniform``:
        1/sqrt(fan-in))."""
        return [math.sqrt((2 if law == "he" else 1) / fan_in) for _, fan_in in self.shapes]

    def outputs(self, r: Tensor, x: Tensor) -> Tensor:
        """f of every network, (B, P), for points (inputs, P) or, each its own, (B, inputs, P)."""
        *hidden, last = self.layers(r)
        for layer in hidden:
            x = torch.matmul(layer, x).clamp_(min=0)
        return torch.matmul(last, x)[:, 0]

    def gradient(self, r: Tensor, x: Tensor, y: Tensor, out: Tensor) -> None:
        """dL_D/dW of every network into ``out`` (B, N); x as in :meth:`outputs`, y (P,) or (B, P)."""
        layers, slots = self.layers(r), self.layers(out)
        answers = [x]
        for layer in layers[:-1]:
            answers.append(torch.matmul(layer, answers[-1]).clamp_(min=0))
        f = torch.matmul(layers[-1], answers[-1])
        # dL_D/df = -y max(0, 1 - y f)/P; with y = +-1 that is (f - y)/P where y f < 1.
        y = y.expand(len(r), -1)[:, None]
        slope = torch.where(f * y < 1, f - y, 0.0).div_(f.shape[-1])
        for layer, slot, answer in zip(reversed(layers), reversed(slots), reversed(answers), strict=True):
            slot.copy_(slope @ answer.transpose(-1, -2))
            if answer is not x:
                slope = torch.ops.aten.threshold_backward(layer.transpose(1, 2) @ slope, answer, 0)


def loss(f: Tensor, y: Tensor) -> Tensor:
    """L_D of answers (B, P), (B,)."""
    return (1 - y * f).clamp(min=0).square().mean(1) / 2
