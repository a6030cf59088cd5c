"""What is trained for the effective Ising model: named studies, each a few ensembles of classifiers.

* ``smoke``: seconds, on the digits that come with scikit-learn.
* ``laptop``: the authors' components of 10,000 MNIST images, 2000 of them for the test; an hour.
* ``paper``: MNIST, the authors' steps; for a GPU.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from paper_figures.stored.results import Results
from paper_figures.stored.study import Study
from simulate.classifier.protocol import ClassifierProtocol

DATA = Path(__file__).parents[1] / "data" / "weight_space"
RUNS = Path("results/runs/weight_space")

SOURCE: Mapping[str, Mapping[str, Any]] = {
    "smoke": {"data": "digits", "patterns": 1200, "test_patterns": 500},
    "laptop": {"data": "zou2021", "patterns": 8000, "test_patterns": 2000},
    "paper": {"data": "mnist", "patterns": 60_000, "test_patterns": 10_000},
}

ENSEMBLES: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "smoke": {
        "under": (40, 60), "over": (16, 30), "shuffled": (16, 30), "shallow": (60, 60),
        "untrained": (16, 1), "frozen": (16, 30),
    },
    "laptop": {
        "under": (800, 3000), "over": (600, 2000), "shuffled": (200, 2000), "shallow": (2400, 800),
        "untrained": (800, 1), "frozen": (300, 2000),
    },
    "paper": {
        "under": (20_000, 60_000), "over": (20_000, 60_000), "shuffled": (20_000, 60_000),
        "shallow": (20_000, 30_000), "untrained": (20_000, 1), "frozen": (20_000, 60_000),
    },
}  # fmt: skip
"""Networks and steps of the ensembles whose weights are kept."""

FEW: Mapping[str, int] = {"smoke": 200, "laptop": 500, "paper": 500}
"""Patterns of the over-parametrised networks."""

FROZEN: Mapping[str, tuple[int, ...]] = {"none": (), "input": (1,), "interior": (2,), "output": (3,)}
"""Layers of weights that stay at random."""

WIDTHS: Mapping[str, tuple[int, ...]] = {
    "smoke": (2, 4, 8),
    "laptop": (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20),
    "paper": tuple(range(1, 31)),
}
"""h of the double descent."""

MEASURED = ("cost", "accuracy", "test_cost", "test_accuracy")


@cache
def studies_at(size: str) -> Mapping[str, Study]:
    """All studies at one size, by name."""
    built = (_ensembles(size), _frozen(size), _double_descent(size))
    return MappingProxyType({study.name: study for study in built})


def results_at(size: str, data: Path = DATA) -> Results:
    """The results of all studies at one size."""
    return Results(size, data, studies_at(size))


def _protocol(size: str, **values: Any) -> ClassifierProtocol:
    return ClassifierProtocol(**{"draws": 1, **SOURCE[size], **values})


def _ensembles(size: str) -> Study:
    """Networks whose weights become spins."""
    own: Mapping[str, dict[str, Any]] = {
        "under": {},
        "over": {"patterns": FEW[size]},
        "shuffled": {"labels": "shuffled"},
        "shallow": {"depth": 1},
        "untrained": {"eta": 1e-9},
        "frozen": {"frozen": (2,)},
    }
    return Study(
        "ensembles",
        {
            name: _protocol(size, samples=samples, steps=steps, **own[name])
            for name, (samples, steps) in ENSEMBLES[size].items()
        },
        split=200,
    )


def _frozen(size: str) -> Study:
    """One layer at random, each in turn: the interior, and the boundaries as its controls."""
    samples, steps, draws = {"smoke": (4, 40, 5), "laptop": (100, 2000, 20), "paper": (100, 60_000, 50)}[size]
    return Study(
        "frozen",
        {
            name: _protocol(size, frozen=layers, samples=samples, steps=steps, draws=draws, keep_state=False)
            for name, layers in FROZEN.items()
        },
        split=50,
        keep=("test_accuracy",),
        bundled=True,
    )


def _double_descent(size: str) -> Study:
    """All patterns at once, real and binary weights, against the width of two hidden layers."""
    patterns = {"smoke": 100, "laptop": 500, "paper": 2000}[size]
    samples = {"smoke": 3, "laptop": 12, "paper": 20}[size]
    steps = {"smoke": (60, 30), "laptop": (6000, 1500), "paper": (1_000_000, 100_000)}[size]
    drop = 25_000 if size == "paper" else 0
    kinds: Mapping[str, dict[str, Any]] = {
        "real": {"synapses": "real", "eta": 0.01, "lambda_": 0.0, "steps": steps[0]},
        "binary": {"synapses": "binary", "eta": 0.5, "draws": 20, "steps": steps[1]},
    }
    return Study(
        "double_descent",
        {
            f"{kind}.h={width}": _protocol(
                size, **{
                    **own, "width": width, "patterns": patterns, "batch": patterns, "samples": samples,
                    "eta_drop": drop, "keep_state": False,
                },
            )
            for kind, own in kinds.items()
            for width in WIDTHS[size]
        },
        split=None,
        keep=MEASURED,
        bundled=True,
    )  # fmt: skip
