"""What is simulated of the deep perceptron: named studies, each a few ensembles.

Every study has three sizes: ``smoke`` (seconds), ``laptop`` (half an hour of two cores a study) and ``paper``
(for a GPU). All students start as their teacher.
"""

import itertools
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from paper_figures.stored.results import Results
from paper_figures.stored.study import Study
from simulate.perceptron.protocol import PerceptronProtocol

DATA = Path(__file__).parents[1] / "data" / "deep_perceptron"
RUNS = Path("results/runs/deep_perceptron")

CHAINS: Mapping[str, tuple[int, int, float]] = {
    "L=2.alpha=2.hard": (2, 2, 0.0),
    "L=2.alpha=4.hard": (2, 4, 0.0),
    "L=3.alpha=4.hard": (3, 4, 0.0),
    "L=5.alpha=4.hard": (5, 4, 0.0),
    "L=2.alpha=12.beta=5": (2, 12, 0.2),
    "L=2.alpha=8.beta=10": (2, 8, 0.1),
}
"""Depth, alpha and temperature of the chains that tell closures apart: soft core, hard core at 0.

The teacher of the hard core is a random network. That of the soft core is not: its weights adapt to its
neurons, and condense beyond some alpha (docs/deep_perceptron.md), 41 at beta = 5 and 17.4 at 10; at c = 16
some concentrate at half of it already.
"""

DILUTE: Mapping[str, tuple[tuple[int, int, int, int], ...]] = {
    "smoke": ((6, 12, 20, 2),),
    "laptop": ((8, 64, 10_000, 4), (16, 128, 4_000, 3), (32, 256, 20_000, 2)),
    "paper": ((16, 256, 100_000, 8), (32, 512, 100_000, 8), (64, 1024, 30_000, 4)),
}
"""c, N, sweeps and samples, smallest first; N/c is 8 or more, for loops to be few."""

LONGER: Mapping[str, Mapping[tuple[str, int], int]] = {
    "laptop": {
        ("L=2.alpha=4.hard", 16): 20_000,
        ("L=3.alpha=4.hard", 16): 40_000,
        ("L=5.alpha=4.hard", 16): 40_000,
    }
}
"""Sweeps of chains and c that take longer to forget their teacher."""

ONE_LAYER: Mapping[str, tuple[int, int, int, Mapping[str, Any]]] = {
    "teacher.alpha=1": (1, 400, 2, {"start": "planted"}),
    "teacher.alpha=2": (2, 400, 8, {"start": "planted"}),
    "random.alpha=1.beta=1000": (1, 400, 0, {"scenario": "random", "potential": "soft", "temperature": 1e-3}),
    "random.alpha=3.beta=5": (3, 100, 0, {"scenario": "random", "potential": "soft", "temperature": 0.2}),
}
"""Alpha, sweeps, the fewest of them for each neuron (a teacher is forgotten in a time that grows as N), ends
and constraints of networks of one layer, which are solved exactly."""

ONE_LAYER_SIZES: Mapping[str, tuple[tuple[int, int], ...]] = {
    "smoke": ((6, 2), (8, 2)),
    "laptop": ((50, 8), (100, 6), (200, 4)),
    "paper": ((100, 32), (200, 16), (400, 16), (800, 8)),
}
"""N and samples."""

DEPTHS = (1, 2, 3, 5)
"""Of the students of :func:`_students`."""

STUDENT_WIDTHS: Mapping[str, tuple[int, ...]] = {"smoke": (8,), "laptop": (10, 20), "paper": (100, 200)}
"""N of them, smallest first."""


@cache
def studies_at(size: str) -> Mapping[str, Study]:
    """All studies at one size, by name."""
    built = (_one_layer(size), _chains(size), _widths(size), _students(size))
    if size == "smoke":  # a run costs more than its sweeps
        built = tuple(replace(study, split=None) for study in built)  # type: ignore[assignment]
    return MappingProxyType({study.name: study for study in built})


def results_at(size: str, data: Path = DATA) -> Results:
    """The results of all studies at one size."""
    return Results(size, data, studies_at(size))


def label(chain: str, degree: int, width: int) -> str:
    """Of an ensemble of :func:`_chains`."""
    return f"{chain}.c={degree}.N={width}"


def student(depth: int, width: int, start: str) -> str:
    """Of an ensemble of :func:`_students`."""
    return f"L={depth}.N={width}.{start}"


def _protocol(size: str, **values: Any) -> PerceptronProtocol:
    common: dict[str, Any] = {"start": "planted", "replicas": 2, "per_decade": 8, "keep_state": False}
    common |= {"test_patterns": 0}
    if size == "paper":
        common |= {"replicas": 4, "keep_state": True}
    return PerceptronProtocol(**{**common, **values})


def _one_layer(size: str) -> Study:
    """The licence for everything deeper; random data from starts that are apart."""
    ensembles = {}
    for name, (alpha, fewest, each, values) in ONE_LAYER.items():
        for width, samples in ONE_LAYER_SIZES[size]:
            steps = 20 if size == "smoke" else max(fewest, each * width)
            ensembles[f"{name}.N={width}"] = _protocol(
                size, depth=1, width=width, patterns=alpha * width, steps=steps,
                samples=samples, **{"start": "apart", "test_patterns": 1_000, **values},
            )  # fmt: skip
    return Study("one_layer", ensembles)


def _chains(size: str) -> Study:
    """Dilute networks of growing c and N at fixed alpha = M/c."""
    ensembles = {}
    for chain, (depth, alpha, temperature) in CHAINS.items():
        core = {"potential": "soft" if temperature else "hard", "temperature": temperature}
        for degree, width, steps, samples in DILUTE[size]:
            ensembles[label(chain, degree, width)] = _protocol(
                size, depth=depth, width=width, degree=degree, patterns=alpha * degree,
                steps=LONGER.get(size, {}).get((chain, degree), steps), samples=samples, **core,
            )  # fmt: skip
    return Study("chains", ensembles)


def _widths(size: str) -> Study:
    """Five fully connected layers, hard core, alpha = 4: what a finite width does to the centre."""
    sizes = {
        "smoke": ((6, 20, 2), (8, 20, 2)),
        "laptop": ((10, 10_000, 6), (20, 5_000, 4), (40, 2_000, 3)),
        "paper": ((20, 200_000, 16), (40, 100_000, 16), (80, 50_000, 8), (160, 20_000, 4)),
    }[size]
    return Study(
        "widths",
        {
            f"N={n}": _protocol(size, depth=5, width=n, patterns=4 * n, steps=steps, samples=samples)
            for n, steps, samples in sizes
        },
    )


def _students(size: str) -> Study:
    """Greedy learning at alpha = 4, from both sides, fully connected, of several depths."""
    steps, samples, tests = {
        "smoke": (20, 2, 100),
        "laptop": (3_000, 6, 2_000),
        "paper": (30_000, 16, 10_000),
    }[size]
    ensembles = {}
    for depth, width, start in itertools.product(
        (1, 3) if size == "smoke" else DEPTHS, STUDENT_WIDTHS[size], ("planted", "random")
    ):
        ensembles[student(depth, width, start)] = _protocol(
                size, depth=depth, width=width, patterns=4 * width, steps=steps, samples=samples,
                start=start, test_patterns=tests,
            )  # fmt: skip
    return Study("students", ensembles)
