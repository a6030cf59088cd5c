"""Steps of Adam per second of batches of binary networks, beside plain autograd, batched and one by one.

    python -m benchmarks.classifiers [--seconds 1] [--out FILE.json]

The baselines are what one writes first: the stochastic graph of local reparametrisation in torch with
``backward()``, ``torch.optim.Adam`` and ``torch.randn``, one network after another ("loop") and all in one
batched tensor ("autograd"). Ours: gradient by hand, counter-based noise, own mini-batches, networks in groups
that fit the cache. All in float32 on one thread, batches of 200 of 8000 patterns; best of three windows that
last ``--seconds`` together. Gflop/s counts 12 for each weight and pattern of a batch: mean and variance,
forward once, backward twice.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from torch.nn.functional import cross_entropy, leaky_relu

from benchmarks.timing import best, show
from simulate.dynamics.adam import Adam, AdamLaw
from simulate.noise import Member
from simulate.systems.binary_network import LEAK, BinaryNetwork

PATTERNS, BATCH, ETA, LAMBDA = 8000, 200, 0.3, 1e-5
SIZES = (((20, 15, 15, 10), 16), ((20, 15, 15, 10), 128), ((20, 10), 128))
"""Layers of units, networks."""

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def points() -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs (P, 20) and classes (P,)."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(PATTERNS, 20, generator=generator), torch.arange(PATTERNS) % 10


def autograd(network: BinaryNetwork, count: int, together: int) -> Callable[[], int]:
    """One step of all networks, ``together`` in one batched tensor."""
    inputs, classes = points()
    groups = []
    for _ in range(count // together):
        theta = [(0.1 * torch.randn(together, b, a)).requires_grad_() for b, a in network.shapes]
        groups.append((theta, torch.optim.Adam(theta, lr=ETA, weight_decay=LAMBDA)))

    def step() -> int:
        for theta, optimizer in groups:
            chosen = torch.randint(PATTERNS, (together, BATCH))
            x, targets = inputs[chosen].transpose(1, 2), classes[chosen]
            for k, layer in enumerate(theta):
                mean = torch.tanh(layer / 2)
                z = mean @ x
                z = z + torch.randn_like(z) * ((1 - mean**2) @ x**2).clamp(min=1e-20).sqrt()
                x = leaky_relu(z, LEAK) / math.sqrt(layer.shape[2]) if k + 1 < len(theta) else z
            optimizer.zero_grad()
            (cross_entropy(x, targets, reduction="none").mean(1)).sum().backward()
            optimizer.step()
        return 1

    return step


def ours(network: BinaryNetwork, count: int) -> Callable[[], int]:
    """Ten steps of the batch."""
    inputs, classes = points()
    law = AdamLaw(ETA, 0, LAMBDA, BATCH)
    members = [Member(k) for k in range(count)]
    move = Adam(network, law, inputs.T.contiguous(), classes, torch.ones(network.weights), 0, members)
    r = torch.zeros(count, 3 * network.weights)
    r[:, : network.weights] = 0.1 * torch.randn(count, network.weights)
    done = 0

    def steps() -> int:
        nonlocal done
        move(r, done, 10)
        done += 10
        return 10

    return steps


def measure(seconds: float) -> list[dict[str, Any]]:
    """A row for each size."""
    torch.set_num_threads(1)
    rows = []
    for sizes, count in SIZES:
        network = BinaryNetwork(sizes)
        loop = best(autograd(network, count, 1), seconds)
        batched = best(autograd(network, count, count), seconds)
        fast = best(ours(network, count), seconds)
        rows.append(
            {
                "sizes": "-".join(map(str, sizes)), "networks": count, "steps/s": fast,
                "loop": loop, "ratio": fast / loop, "autograd": batched, "ratio to it": fast / batched,
                "Gflop/s": 12e-9 * network.weights * BATCH * count * fast,
            }
        )  # fmt: skip
    return rows


@app.command()
def main(
    seconds: Annotated[float, typer.Option(help="Of each measurement.")] = 1.0,
    out: Annotated[Path | None, typer.Option(help="Also write the rows here, as JSON.")] = None,
) -> None:
    """Measure and print."""
    show(measure(seconds), out)


if __name__ == "__main__":
    app()
