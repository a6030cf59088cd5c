"""Spin-flip attempts per second of the deep perceptron, beside a plain NumPy loop and the roofline.

    python -m benchmarks.perceptron [--seconds 1] [--threads 1] [--out FILE.json]

The baseline is what one writes first: gaps kept, one neuron of one pattern after another, the change of
energy of its own gap and of the c gaps above by a few calls of NumPy. Ours: sweeps of neurons alone, of a
batch of as many machines as threads. The best of three windows that last ``--seconds`` together.

Roofline: an attempt reads x and S of c readers, and writes x back where something flips: 12 c bytes in
float32. The bandwidth is that of ``x += a s`` on arrays of the size of a block of patterns, which the second
cache holds; "% roofline" is the time that traffic takes over the time of an attempt, with the gaps that are
computed afresh at each sweep, the noise and the decisions on top.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numba
import numpy as np
import torch
import typer

from benchmarks.timing import best, show
from simulate.dynamics.compiled_sweeps import CompiledSweeps
from simulate.dynamics.monte_carlo import MonteCarlo, Streams
from simulate.kernels import perceptron_neurons
from simulate.noise import Member
from simulate.systems.deep_perceptron import DeepPerceptron
from simulate.systems.disorder import draw, start

TEMPERATURE = 0.1
app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class Size:
    """A network: depth, width, patterns, neurons read."""

    depth: int
    width: int
    patterns: int
    degree: int

    def system(self, potential: str) -> DeepPerceptron:
        """In float32."""
        return DeepPerceptron(self.depth, self.width, self.patterns, self.degree, potential)


SIZES = (Size(3, 20, 80, 20), Size(3, 100, 400, 100), Size(3, 400, 800, 400), Size(3, 1000, 400, 20))


def plain(size: Size) -> Callable[[], int]:
    """A thousand attempts, one neuron of the last hidden layer of one pattern at a time."""
    system = size.system("soft")
    disorder = draw(system, "random", TEMPERATURE, 0, 0)
    state = start(system, disorder, "random", 0, Member(0))[None]
    spins = system.spins(state)[0].numpy()
    matrix = system.matrices(system.weights(state), [disorder.wiring])[0, -1].numpy() / np.sqrt(size.degree)
    gaps = system.gaps(state, [disorder.wiring])[0].numpy()
    readers = disorder.wiring.readers[-1]
    generator = np.random.default_rng(0)

    def cost(r: Any) -> Any:
        return 0.5 * np.minimum(r, 0) ** 2

    def attempts() -> int:
        for _ in range(1000):
            j, mu = generator.integers(size.width), generator.integers(size.patterns)
            who = readers[j]
            turned = gaps[-1, who, mu] - 2 * matrix[who, j] * spins[-1, who, mu] * spins[-2, j, mu]
            own = gaps[-2, j, mu]
            change = (cost(turned) - cost(gaps[-1, who, mu])).sum() + cost(-own) - cost(own)
            if generator.random() * (1 + np.exp(change / TEMPERATURE)) < 1:
                gaps[-1, who, mu], gaps[-2, j, mu] = turned, -own
                spins[-2, j, mu] *= -1
        return 1000

    return attempts


def ours(size: Size, potential: str, threads: int) -> Callable[[], int]:
    """A sweep of the neurons of as many machines as threads."""
    system = size.system(potential)
    disorders = [draw(system, "random", TEMPERATURE, 0, b) for b in range(threads)]
    members = [Member(b) for b in range(threads)]
    state = torch.stack([start(system, d, "random", 0, m) for d, m in zip(disorders, members, strict=True)])
    rule = MonteCarlo(weights=False)
    wirings = [d.wiring for d in disorders]
    sweeps = CompiledSweeps(system, rule, wirings, Streams.of(0, members), threads)
    done = 0

    def sweep() -> int:
        nonlocal done
        sweeps(state, done, np.full(1, TEMPERATURE))
        done += 1
        return threads * (size.depth - 1) * size.width * size.patterns

    return sweep


@numba.njit(fastmath={"contract"})
def _pass(x: Any, s: Any, a: Any) -> None:
    for i in range(x.size):
        x[i] += a * s[i]


def bandwidth(size: Size, seconds: float) -> float:
    """Bytes per second of x += a s on what a block of patterns takes along."""
    x, s = (np.ones(size.depth * size.width * perceptron_neurons.BLOCK, np.float32) for _ in range(2))

    def work() -> int:
        for _ in range(20):
            _pass(x, s, np.float32(1e-9))
        return 20 * 12 * x.size

    return best(work, seconds)


def measure(seconds: float, threads: int) -> list[dict[str, float | int | str]]:
    """A row for each size and potential."""
    rows: list[dict[str, float | int | str]] = []
    for size in SIZES:
        loop, roof = best(plain(size), seconds), bandwidth(size, seconds) / (12 * size.degree)
        for potential in ("soft", "hard"):
            rate = best(ours(size, potential, threads), seconds)
            rows.append(
                {
                    "L": size.depth, "N": size.width, "M": size.patterns, "c": size.degree,
                    "potential": potential, "threads": threads, "attempts/s": rate, "loop": loop,
                    "ratio": rate / loop, "% roofline": 100 * rate / threads / roof,
                }
            )  # fmt: skip
    return rows


@app.command()
def main(
    seconds: Annotated[float, typer.Option(help="Of each measurement.")] = 1.0,
    threads: Annotated[int, typer.Option(help="Machines that sweep side by side.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Also write the rows here, as JSON.")] = None,
) -> None:
    """Measure and print."""
    rows = measure(seconds, threads)
    show(rows, out)


if __name__ == "__main__":
    app()
