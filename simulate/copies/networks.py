"""Small networks to try things on: a multilayer perceptron, a convolutional network, a transformer.

Inputs are rows (M, pixels); the last two fold them into a square. Starts are those of PyTorch but for the
perceptron, whose depth would let signals die: Gaussian weights of variance gain^2/fan-in, biases zero.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from deepglass import checks

ACTIVATIONS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU, "gelu": nn.GELU}
GAINS = {"tanh": 1.0, "relu": math.sqrt(2), "gelu": math.sqrt(2)}


def mlp(
    inputs: int = 64, width: int = 64, depth: int = 10, outputs: int = 10, activation: str = "tanh"
) -> nn.Sequential:
    """``depth`` layers of weights, the last one linear."""
    made = ACTIVATIONS[checks.one_of("activation", activation, ACTIVATIONS)]
    sizes = [inputs, *[width] * (checks.integer("depth", depth, 1) - 1), outputs]
    layers: list[nn.Module] = []
    for fan_in, units in pairwise(sizes):
        linear = nn.Linear(fan_in, units)
        nn.init.normal_(linear.weight, std=GAINS[activation] / math.sqrt(fan_in))
        nn.init.zeros_(linear.bias)
        layers += [linear, made()]
    return nn.Sequential(*layers[:-1])


class ConvNet(nn.Module):
    """Three convolutions and a linear layer on ``side`` x ``side`` images."""

    def __init__(self, side: int = 8, channels: int = 16, outputs: int = 10):
        super().__init__()
        self.side = side
        self.layers = nn.Sequential(
            nn.Conv2d(1, channels, 3, padding=1), nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(), nn.Flatten(),
            nn.Linear(channels * (side // 2) ** 2, outputs),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Logits (M, outputs) of rows (M, side^2)."""
        out: Tensor = self.layers(x.view(len(x), 1, self.side, self.side))
        return out


class Transformer(nn.Module):
    """Rows of a ``side`` x ``side`` image as tokens; ``depth`` blocks of attention, the mean, a linear
    layer."""

    def __init__(self, side: int = 8, width: int = 32, heads: int = 4, depth: int = 2, outputs: int = 10):
        super().__init__()
        self.side = side
        self.embed = nn.Linear(side, width)
        self.place = nn.Parameter(0.1 * torch.randn(side, width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.head = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (M, outputs) of rows (M, side^2)."""
        x = self.embed(x.view(len(x), self.side, self.side)) + self.place
        for block in self.blocks:
            x = block(x)
        out: Tensor = self.head(x.mean(1))
        return out


class Block(nn.Module):
    """Attention and a two-layer network, each after a LayerNorm and beside a skip connection."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.up, self.down, self.act = nn.Linear(width, 2 * width), nn.Linear(2 * width, width), nn.GELU()

    def forward(self, x: Tensor) -> Tensor:
        """(M, tokens, width) to the same."""
        y = self.before(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        out: Tensor = x + self.down(self.act(self.up(self.between(x))))
        return out
