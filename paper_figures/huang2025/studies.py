"""What is simulated for the figures: named studies, each a few ensembles that differ in one parameter.

Figures share studies: Fig. 2c, 2d, 1b and S5 are all of ``widths``. Every study has three sizes:

* ``smoke``: seconds; the same machines on at most 60 of the 8 x 8 digits, for 400 steps. It shows that the
  scripts work, nothing else.
* ``laptop``: the paper's machines with M = 1715, the zeros and ones that the 10,000-image set of MNIST leaves
  beside 400 for the test; fewer samples and shorter times than the paper. Half an hour of two cores a study.
* ``paper``: the paper's M = 2000 (and 4000), times and samples; for a GPU, with the full MNIST.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from paper_figures.huang2025 import readings
from paper_figures.huang2025.readings import MOST
from paper_figures.stored.results import Results
from paper_figures.stored.study import Study
from simulate import Protocol
from simulate.thermal.presets import preset

DATA = Path(__file__).parents[1] / "data" / "huang2025"
RUNS = Path("results/runs/huang2025")


def results_at(size: str, data: Path = DATA) -> Results:
    """The results of all studies at one size."""
    return Results(size, data, studies_at(size))


@cache
def studies_at(size: str) -> Mapping[str, Study]:
    """All studies at one size, by name."""
    makers = (
        _widths,
        _late,
        _images,
        _patterns,
        _waits,
        _timestep,
        _temperatures,
        _depths,
        _pairs,
        _tree,
        _distributions,
        _nulls,
        readings.scan_study,
        readings.finals_study,
    )
    built = [maker(size) for maker in makers]
    if size == "smoke":  # a run costs more than its steps
        built = [replace(study, split=None) for study in built]
    return MappingProxyType({study.name: study for study in built})


def _protocol(size: str, **changes: Any) -> Protocol:
    """The winner of the readings, at one size."""
    common: dict[str, Any] = {"per_decade": 16, "keep_state": False, "patterns": MOST[size]}
    common |= {"classes": (0, 1), "threshold": None if size == "smoke" else 127.0}
    if size == "smoke":
        common |= {"data": "digits", "per_decade": 6}
    if size == "paper":
        common |= {"patterns": 2000, "keep_state": True}
    values = {**common, **changes}
    return preset("huang2025", **{**values, "patterns": min(values["patterns"], MOST[size])})


def _run(size: str, smoke: Mapping[str, Any], laptop: Mapping[str, Any], paper: Mapping[str, Any]) -> Any:
    """Those of three sets of values that belong to the size."""
    return {"smoke": smoke, "laptop": laptop, "paper": paper}[size]


LATE = {"steps": 100_000, "waiting_time": 50_000, "replicas": 2, "samples": 6}
LATE_PAPER = {"steps": 550_000, "waiting_time": 50_000, "replicas": 4, "samples": 20}
SHORT = {"steps": 400, "waiting_time": 200, "replicas": 2, "samples": 3}


def _widths(size: str) -> Study:
    """M fixed, N varied: Figs. 1b, 2c-f, 3c, 3d, S3, S5a."""
    few = {40: 3} if size == "laptop" else {}
    ensembles = {}
    for width in (40, 20, 10, 5):
        values = dict(_run(size, SHORT, LATE, LATE_PAPER))
        values["samples"] = few.get(width, values["samples"])
        ensembles[f"N={width}"] = _protocol(size, width=width, **values)
    return Study("widths", ensembles)


def _late(size: str) -> Study:
    """The paper's own times, for what laptops reach of ``widths``: Figs. 1b, 3a-d, S3a-d, S4, S5a.

    At paper size ``widths`` has these times itself.
    """
    if size == "paper":
        return Study("late", {})
    samples = {5: 4, 10: 4, 20: 2}
    timing = {"steps": 550_000, "waiting_time": 50_000, "replicas": 2}
    if size == "smoke":
        samples, timing = {10: 2}, {**timing, "steps": 500, "waiting_time": 200}
    return Study(
        "late", {f"N={n}": _protocol(size, width=n, samples=s, **timing) for n, s in samples.items()}
    )


def _images(size: str) -> Study:
    """The paper's M = 2000, for energies, where 115 images are enough for the test: Fig. 2c."""
    if size == "paper":
        return Study("images", {})
    ensembles = {}
    for width, samples in ((5, 8), (10, 6), (20, 4)):
        timing = {"steps": 20_000, "waiting_time": 10_000, "replicas": 1, "samples": samples}
        if size == "smoke":
            timing |= {"steps": 300, "waiting_time": 100, "samples": 2}
        protocol = _protocol(size, width=width, **timing)
        ensembles[f"N={width}"] = protocol if size == "smoke" else replace(protocol, patterns=2000)
    return Study("images", ensembles, split=None, keep=("E", "E_layer", "A_tanh", "A_sgn"))


def _patterns(size: str) -> Study:
    """N = 10 fixed, M varied: Figs. 2a, 2b, 2e, 2f, S5b. The largest M is that of ``widths``."""
    patterns = (10, 20, 40, 80, 160, 250, 500, 1000, *([4000] if size == "paper" else []))
    values = _run(size, SHORT, LATE, LATE_PAPER)
    return Study("patterns", {f"M={m}": _protocol(size, patterns=m, **values) for m in patterns})


def _waits(size: str) -> Study:
    """Many t_w at N = 10 and the largest M: Figs. 2g, 2h, 3a, 3b, S2, S4."""
    values = _run(
        size,
        {"steps": 400, "waiting_time": (10, 100), "replicas": 2, "samples": 3},
        {
            "steps": 60_000, "replicas": 2, "samples": 4,
            "waiting_time": (10, 100, 1_000, 2_000, 5_000, 10_000, 20_000),
        },
        {
            "steps": 600_000, "replicas": 4, "samples": 20,
            "waiting_time": (1, 10, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000),
        },
    )  # fmt: skip
    return Study("waits", {"all": _protocol(size, **values)})


NULLS: Mapping[str, Mapping[str, str]] = {
    "shuffled": {"labels": "shuffled"},
    "teacher": {"labels": "teacher"},
    "random-images": {"images": "random"},
    "random-images-teacher": {"images": "random", "labels": "teacher"},
}
"""Data without some of their structure (:mod:`simulate.data.nulls`)."""


def _nulls(size: str) -> Study:
    """N = 10 at the largest M on data without structure; MNIST itself is that of ``widths``."""
    values = _run(size, SHORT, {**LATE, "samples": 4}, LATE_PAPER)
    return Study("nulls", {label: _protocol(size, **values, **replaced) for label, replaced in NULLS.items()})


def _temperatures(size: str) -> Study:
    """ln alpha = 4.6 as N = 10, M = 1000, several T: Fig. S1.

    The caption has ln alpha alone. With N = 20, M = 2000, the other machine of that ratio, energies are
    twice the paper's (at high T a machine has T for each stiff direction, of which E(0) knows the root), and
    the curve at T = 1e-5 is that of N = 10 (docs/readings.md).
    """
    temperatures = (1e-2, 2e-3, 1e-3, 5e-4, 1e-5)
    values = _run(
        size,
        {"steps": 400, "waiting_time": 200, "replicas": 1, "samples": 3},
        {"steps": 100_000, "waiting_time": 50_000, "replicas": 1, "samples": 4},
        {"steps": 220_000, "waiting_time": 100_000, "replicas": 1, "samples": 20},
    )
    return Study(
        "temperatures",
        {f"T={t:g}": _protocol(size, temperature=t, patterns=1000, **values) for t in temperatures},
    )


def _depths(size: str) -> Study:
    """N = 10 at the largest M, several depths; L = 10 is that of ``widths``: Fig. S6."""
    values = _run(size, SHORT, {**LATE, "samples": 4}, LATE_PAPER)
    return Study("depths", {f"L={depth}": _protocol(size, depth=depth, **values) for depth in (5, 7, 12, 15)})


def _timestep(size: str) -> Study:
    """The same physical time and friction per time at several dt: is the late energy a time-step artefact?"""
    ensembles = {}
    for divisor in (1, 2, 4):
        for patterns, steps, samples in ((250, 60_000, 4), (2000, 40_000, 2)):
            values = {"samples": samples if size != "paper" else 20, "replicas": 1, "patterns": patterns}
            steps = {"smoke": 200, "laptop": steps, "paper": 200_000}[size] * divisor
            timing = {"dt": 0.01 / divisor, "eta": 1e-3 / divisor, "steps": steps, "waiting_time": steps // 2}
            ensembles[f"M={patterns}.dt={0.01 / divisor:g}"] = _protocol(size, **values, **timing)
    return Study("timestep", ensembles)


def _matrices(since: int, **more: Any) -> dict[str, Any]:
    """All pairs of machines are compared ``since`` steps after t_w = 1000, at the end."""
    return {"steps": since + 1_000, "waiting_time": 1_000, "matrix_times": (since,), **more}


SMOKE_MATRICES = {"steps": 400, "waiting_time": 100, "matrix_times": (300,)}


def _pairs(size: str) -> Study:
    """All pairs of many machines at ln alpha = 4.6 (N = 10, M = 1000): Figs. 4a, 4b, 4d, 4e.

    As for :func:`_temperatures` the caption has ln alpha alone; Fig. S1, of the same ratio, is of N = 10, and
    so are Figs. S7-S9.
    """
    values = _run(
        size,
        {**SMOKE_MATRICES, "replicas": 3, "samples": 3},
        _matrices(30_000, replicas=6, samples=6),
        _matrices(100_000, replicas=16, samples=38),
    )
    return Study("pairs", {"M=1000": _protocol(size, patterns=1000, **values)}, split=None)


def _tree(size: str) -> Study:
    """Many replicas of one sample at ln alpha = 4.6 (N = 10, M = 1000): Figs. 4c, 4f."""
    values = _run(
        size,
        {**SMOKE_MATRICES, "replicas": 6, "samples": 1},
        _matrices(30_000, replicas=40, samples=1),
        _matrices(100_000, replicas=40, samples=1),
    )
    return Study("tree", {"M=1000": _protocol(size, patterns=1000, **values)}, split=None)


def _distributions(size: str) -> Study:
    """P(Q_l) at N = 10 for ln alpha = 0, 3.2 and the largest M: Figs. S7-S9."""
    values = _run(
        size,
        {**SMOKE_MATRICES, "replicas": 3, "samples": 3},
        _matrices(20_000, replicas=8, samples=8),
        _matrices(500_000, replicas=8, samples=8),
    )
    ensembles = {f"M={m}": _protocol(size, patterns=m, **values) for m in (10, 250, 4000)}
    return Study("distributions", ensembles, split=None)
