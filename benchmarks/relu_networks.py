"""Langevin steps per second of batches of ReLU networks, beside a plain loop over networks in torch.nn.

    python -m benchmarks.relu_networks [--seconds 1] [--out FILE.json]

The baseline is what one writes first: one ``torch.nn.Sequential`` after another, ``backward()``, a step of
descent with L2, noise by ``torch.randn_like``. Ours: all networks in one batch, gradient by hand,
counter-based noise. Both in float64 on one thread, full batch; best of three windows that last ``--seconds``
together. Gflop/s counts 6 for each weight and pattern; the roofline beside it is the rate of the batched
product of the hidden layers at its shape.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from torch import nn

from benchmarks.timing import best, show
from simulate.dynamics.descent import Descent, DescentLaw
from simulate.noise import Member
from simulate.systems.relu_network import ReluNetwork

PATTERNS, ETA, LAMBDA, TEMPERATURE = 500, 0.01, 0.01, 1e-3
SIZES = ((6, 4, 1), (6, 4, 24), (6, 4, 70), (20, 4, 24), (10, 7, 24))
"""Width, layers of weights, networks."""

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def points() -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs (10, P) and labels (P,)."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(10, PATTERNS, generator=generator, dtype=torch.float64)
    return x, torch.sign(torch.randn(PATTERNS, generator=generator, dtype=torch.float64))


def loop(network: ReluNetwork, count: int) -> Callable[[], int]:
    """One step of every network, one after another."""
    x, y = points()
    inputs, amplitude = x.T.contiguous(), (2 * TEMPERATURE * ETA / PATTERNS) ** 0.5
    networks = []
    for _ in range(count):
        layers = [nn.Linear(b, a, bias=False, dtype=torch.float64) for a, b in network.shapes]
        networks.append(nn.Sequential(*[m for layer in layers for m in (layer, nn.ReLU())][:-1]))

    def step() -> int:
        for one in networks:
            one.zero_grad()
            deficit = torch.relu(1 - y * one(inputs)[:, 0])
            (deficit.square().mean() / 2).backward()
            with torch.no_grad():
                for w in one.parameters():
                    w -= ETA * (w.grad + LAMBDA * w)
                    w += amplitude * torch.randn_like(w)
        return 1

    return step


def ours(network: ReluNetwork, count: int) -> Callable[[], int]:
    """Twenty steps of the batch."""
    x, y = points()
    law = DescentLaw(LAMBDA, 0, ETA, 0, 100, ETA, (TEMPERATURE,), True)
    move = Descent(network, law, x, y, 0, [Member(k) for k in range(count)])
    r = 0.3 * torch.randn(count, network.weights, dtype=torch.float64)
    done = 0

    def steps() -> int:
        nonlocal done
        move(r, done, 20)
        done += 20
        return 20

    return steps


def product(network: ReluNetwork, count: int) -> Callable[[], int]:
    """Operations of one batched product (w, w) x (w, P)."""
    a = torch.randn(count, network.width, network.width, dtype=torch.float64)
    b = torch.randn(count, network.width, PATTERNS, dtype=torch.float64)

    def work() -> int:
        torch.bmm(a, b)
        return 2 * count * network.width**2 * PATTERNS

    return work


def measure(seconds: float) -> list[dict[str, Any]]:
    """A row for each size."""
    torch.set_num_threads(1)
    rows = []
    for width, depth, count in SIZES:
        network = ReluNetwork(10, width, depth)
        plain, fast = best(loop(network, count), seconds), best(ours(network, count), seconds)
        rows.append(
            {
                "w": width, "L": depth, "N": network.weights, "networks": count, "steps/s": fast,
                "loop": plain, "ratio": fast / plain,
                "Gflop/s": 6e-9 * network.weights * PATTERNS * count * fast,
                "product": 1e-9 * best(product(network, count), seconds),
            }
        )  # fmt: skip
    return rows


@app.command()
def main(
    seconds: Annotated[float, typer.Option(help="Of each measurement.")] = 1.0,
    out: Annotated[Path | None, typer.Option(help="Also write the rows here, as JSON.")] = None,
) -> None:
    """Measure and print."""
    rows = measure(seconds)
    show(rows, out)


if __name__ == "__main__":
    app()
