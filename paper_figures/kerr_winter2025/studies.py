"""What is simulated of ReLU networks: named studies, each a few ensembles.

* ``smoke``: seconds, on the digits that come with scikit-learn.
* ``laptop``: P = 500 images of MNIST, three hidden layers, inputs of mean |x|^2 = 10; an hour of two cores.
  What must survive the scaling does: N/P from 0.15 to 3, T against P U, steps below the stability edge.
* ``paper``: the paper's P = 60000, six hidden layers; for a GPU and days.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from paper_figures.stored.results import Results
from paper_figures.stored.study import Study
from simulate.relu.protocol import ReluProtocol
from simulate.relu.system import ReluSystem

DATA = Path(__file__).parents[1] / "data" / "relu_network"
RUNS = Path("results/runs/relu_network")

STATES: Mapping[str, str] = {
    "under": "under-parametrised", "regularised": "with L2", "over": "over-parametrised"
}  # fmt: skip
"""The three states whose motion is followed, and their names in words."""

WIDTHS: Mapping[str, Mapping[str, tuple[int, ...]]] = {
    "smoke": {"mnist": (4, 8), "gaussian": (4,)},
    "laptop": {"mnist": (4, 6, 8, 10, 12, 14, 18, 24), "gaussian": (6, 10, 14, 18, 24)},
    "paper": {"mnist": tuple(range(30, 82, 3))},
}
"""w along the jamming line, by data."""

LAMBDAS: Mapping[str, tuple[float, ...]] = {
    "smoke": (0.01, 1.0),
    "laptop": (0.003, 0.01, 0.03, 0.06, 0.08, 0.10, 0.12, 0.15, 0.20),
    "paper": (1e-3, 5e-3, *(round(0.01 + 0.002 * k, 3) for k in range(16)), 0.08, 0.15),
}
"""Strengths of L2 along the trivialisation."""

PHASES: Mapping[str, tuple[tuple[int, ...], tuple[float, ...], int]] = {
    "smoke": ((4,), (0.0, 0.3), 2),
    "laptop": ((4, 6, 8, 10, 14, 18), (0.0, 0.003, 0.01, 0.03, 0.06, 0.1, 0.15), 4),
    "paper": (tuple(range(30, 82, 3)), (0.0, *(round(0.01 + 0.003 * k, 3) for k in range(15))), 10),
}
"""w, lambda and samples of the phase diagram."""

LEFT = ("loss", "U", "unsatisfied")
"""What is kept where only the end of the training is looked at."""

LOW = (0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
OVER = (0.0, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
DEEP = (0.0, 1e-5, 1e-3, 1e-2, 1e-1)


@cache
def studies_at(size: str) -> Mapping[str, Study]:
    """All studies at one size, by name."""
    built = (_phases(size), _jamming(size), _trivialisation(size), _motion(size), _controls(size))
    return MappingProxyType({study.name: study for study in built})


def results_at(size: str, data: Path = DATA) -> Results:
    """The results of all studies at one size."""
    return Results(size, data, studies_at(size))


def cost(protocol: ReluProtocol) -> float:
    """Floating-point operations of a run: 6 for each weight, pattern and step, in training those of a
    batch."""
    p, copies = protocol, len(protocol.temperatures)
    branches = p.replicas * sum(p.steps - max(t_w, p.train_steps) for t_w in p.waiting_times)
    full = copies * (max(p.waiting_times[-1] - p.train_steps, 0) + branches)
    trained = p.train_steps * min(p.batch, p.patterns)
    return 6.0 * p.network.weights * p.samples * (trained + full * p.patterns)


def _protocol(size: str, age: int | tuple[int, ...], after: int, **values: Any) -> ReluProtocol:
    """Times are counted from the end of the training."""
    common: dict[str, Any] = {"keep_state": False}
    if size == "smoke":
        common |= {"data": "digits", "patterns": 60, "width": 4, "train_steps": 150, "train_fine": 30}
        common |= {"samples": 2, "per_decade": 8, "batch": 20}
    if size == "paper":
        common |= ReluSystem.presets["kerr-winter2025"]
    values = {**common, **values}
    start = values.get("train_steps", ReluProtocol.train_steps)
    ages = age if isinstance(age, tuple) else (age,)
    times = {"waiting_time": tuple(start + a for a in ages), "steps": start + after}
    return ReluProtocol(**{**values, **times})


def _phases(size: str) -> Study:
    """The loss that is left over the plane of N/P and lambda."""
    widths, lambdas, samples = PHASES[size]
    small = {} if size == "paper" else {"eta": 0.005}
    ensembles = {
        f"w={w}.lambda={x:g}": _protocol(
            size, 0, 100, width=w, lambda_=x, samples=samples, temperatures=(0.0,), **small
        )
        for w in widths
        for x in lambdas
    }
    return Study("phases", ensembles, split=None, keep=LEFT, bundled=True)


def _jamming(size: str) -> Study:
    """The loss that is left against N/P, lambda = 0; at the end 100 steps on all patterns."""
    ensembles = {}
    samples = {"smoke": 2, "laptop": 8, "paper": 10}[size]
    for data, widths in WIDTHS[size].items():
        source: dict[str, Any] = {"data": "digits" if size == "smoke" and data == "mnist" else data}
        if (size, data) == ("laptop", "gaussian"):  # at 0.05 one network in forty diverged
            source |= {"train_eta": 0.025, "train_steps": 40_000, "train_fine": 8_000}
        for width in widths:
            small = {} if size == "paper" else {"eta": 0.005}
            ensembles[f"{data}.w={width}"] = _protocol(
                size, 0, 100, width=width, samples=samples, temperatures=(0.0,), **source, **small
            )
    return Study("jamming", ensembles, split=None, keep=LEFT, bundled=True)


def _trivialisation(size: str) -> Study:
    """Loss and distances against lambda; the last fifth on all patterns."""
    sgd, after, samples, step = {
        "smoke": (150, 60, 2, {"train_eta": 0.05, "eta": 0.05}),
        "laptop": (9_600, 2_400, 6, {"train_eta": 0.05, "eta": 0.05}),
        "paper": (10_000_000, 100, 10, {}),
    }[size]
    return Study(
        "trivialisation",
        {
            f"lambda={x:g}": _protocol(
                size, 0, after, train_steps=sgd, train_fine=0, lambda_=x, samples=samples,
                temperatures=(0.0,), matrix_times=(after,), **step,
            )
            for x in LAMBDAS[size]
        },
        split=None,
    )  # fmt: skip


def _motion(size: str) -> Study:
    """The three states at every temperature, from three ages; two of six hidden layers beside them."""
    if size == "paper":
        ages = (5_000, 20_000, 80_000, 160_000)
        hot = ReluSystem.presets["kerr-winter2025"]["temperatures"]
        cold = (0.0, 1e-10, 1e-8, *hot[1:])
        colour = {"data": "cifar10", "patterns": 50_000, "test_patterns": 10_000}
        few_hot = (0.0, 1e-10, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
        states: dict[str, dict[str, Any]] = {
            "under": {"samples": 26, "factors": (400.0, 500.0, 1000.0)},
            "regularised": {
                "lambda_": 0.01, "samples": 50, "temperatures": cold, "factors": (300.0, 400.0, 500.0)
            },
            "over": {"width": 72, "samples": 46, "temperatures": cold, "factors": (500.0, 6000.0)},
            "cifar.under": {**colour, "samples": 9, "temperatures": few_hot, "factors": (150.0, 250.0)},
            "cifar.regularised": {
                **colour, "lambda_": 1e-3, "samples": 9, "temperatures": few_hot, "factors": (150.0, 250.0)
            },
            "cifar.over": {
                **colour, "width": 80, "samples": 3, "temperatures": few_hot, "factors": (600.0, 700.0)
            },
        }  # fmt: skip
        return Study("motion", {name: _protocol(size, ages, 320_000, **x) for name, x in states.items()})
    if size == "smoke":
        few: dict[str, Any] = {"temperatures": (0.0, 1e-3, 1e-1)}
        return Study(
            "motion",
            {
                "under": _protocol(size, (20, 100), 400, **few),
                "regularised": _protocol(size, (20, 100), 400, lambda_=0.01, **few),
                "over": _protocol(size, (20, 100), 400, width=8, **few),
            },
            split=None,
        )
    early, late = (500, 2_000), (500, 2_000, 8_000)
    deep: dict[str, Any] = {"depth": 7, "patterns": 1_000, "temperatures": DEEP, "samples": 4}
    return Study(
        "motion",
        {
            "under": _protocol(size, late, 20_000, temperatures=LOW, samples=10),
            "regularised": _protocol(size, late, 20_000, lambda_=0.01, temperatures=LOW, samples=10),
            "over": _protocol(
                size, late, 20_000, width=20, train_steps=40_000, temperatures=OVER, samples=4,
                factors=(300.0, 1000.0, 3000.0),
            ),
            "under.deep": _protocol(size, early, 20_000, **deep),
            "regularised.deep": _protocol(size, early, 20_000, lambda_=0.003, **deep),
        },
        split=None,
    )  # fmt: skip


def _controls(size: str) -> Study:
    """N1 free walks, N2 walks in the well of L2, N4 half the step, N5 precision; N3 is T = 0 of the
    motion."""
    if size == "paper":
        walk: dict[str, Any] = {"forces": "decay", "samples": 10}
        slow: dict[str, Any] = {"eta": 5e-4, "samples": 10}
        return Study(
            "controls",
            {
                "free": _protocol(size, 20_000, 320_000, **walk),
                "well": _protocol(size, 20_000, 320_000, lambda_=0.01, **walk),
                "under.half": _protocol(size, 40_000, 640_000, **slow),
                "regularised.half": _protocol(size, 40_000, 640_000, lambda_=0.01, **slow),
                "walk.single": _protocol(size, 20_000, 320_000, precision="float32", **walk),
                "walk.double": _protocol(size, 20_000, 320_000, **walk),
            },
        )
    age, after, samples = (100, 400, 2) if size == "smoke" else (2_000, 20_000, 6)
    base: dict[str, Any] = {"samples": samples, "temperatures": (0.0, 1e-3, 1e-1) if size == "smoke" else LOW}
    lowest = {**base, "temperatures": (1e-10, 1e-8, 1e-6), "forces": "decay"}
    half = {**base, "eta": ReluProtocol.eta / 2}
    return Study(
        "controls",
        {
            "free": _protocol(size, age, after, forces="decay", **base),
            "well": _protocol(size, age, after, forces="decay", lambda_=0.01, **base),
            "under.half": _protocol(size, 2 * age, 2 * after, **half),
            "regularised.half": _protocol(size, 2 * age, 2 * after, lambda_=0.01, **half),
            "walk.single": _protocol(size, age, after, precision="float32", **lowest),
            "walk.double": _protocol(size, age, after, **lowest),
        },
        split=None,
    )
