"""Fig. S1: energy and test accuracy at five temperatures, ln alpha = 4.6 (N = 10, M = 1000)."""

import math

from paper_figures.huang2025 import late_values, notes, relaxation, time_panels
from paper_figures.huang2025.claims import estimate
from paper_figures.huang2025.figure import Figure
from paper_figures.huang2025.panel import Panel
from paper_figures.huang2025.reference import curves

SERIES = {
    "T=0.01": "T=1e-2", "T=0.002": "T=2e-3", "T=0.001": "T=1e-3", "T=0.0005": "T=5e-4", "T=1e-05": "T=1e-5",
}  # fmt: skip
"""Series of the paper by ensembles of the study ``temperatures``."""

NAMES = {
    "T=1e-2": "$T = 10^{-2}$",
    "T=2e-3": r"$T = 2 \times 10^{-3}$",
    "T=1e-3": "$T = 10^{-3}$",
    "T=5e-4": r"$T = 5 \times 10^{-4}$",
    "T=1e-5": "$T = 10^{-5}$",
}

TIMES = (100, 500, 1_000, 3_000, 10_000, 30_000)
LEARNING = (1_000, 10_000, 30_000)
"""Steps at which E(t)/E(0) and A(t) are compared."""

PATTERNS = 1000
"""The caption has ln alpha = 4.6 alone; :func:`.studies._temperatures` says why it is M = 1000, N = 10."""

REPEATED = "T=1e-5"
"""Also shown in Figs. 2c and 2d at the same ln alpha, which are of N = 20."""


def _elsewhere(series: str, panel: str, t: float) -> str:
    """What the paper's other figure of the same setting has at that time."""
    other = curves(panel)["lnalpha=4.6"].at(t) if series == REPEATED else math.nan
    return f"the paper's Fig. {panel}, N = 20: {other:.3g}" if math.isfinite(other) else ""


def energy(panel: Panel) -> None:
    """(a): E(t)/E(0)."""
    shown = time_panels.traces(panel, "temperatures", SERIES)
    found = time_panels.energy(panel, shown, NAMES)
    for trace in shown:
        ours, paper = found.get(trace.label), trace.paper
        assert paper is not None  # all of these are digitised
        for t in TIMES:
            told = notes.note(trace.result, _elsewhere(trace.series, "2c", t), patterns=PATTERNS)
            panel.compare(f"E({{t:g}})/E(0), {trace.series}", ours, paper, (t,), note=told)
        until = relaxation.end(ours, relaxation.as_values(paper))
        value = None if ours is None else estimate(relaxation.late(ours, until))
        drawn = late_values.of_paper(paper, until)
        told = notes.note(trace.result, late_values.span(until), patterns=PATTERNS)
        panel.claim(f"late E/E(0), {trace.series}", value, drawn, late_values.ERROR_E * drawn, note=told)


def accuracy(panel: Panel) -> None:
    """(b): A(t)."""
    shown = time_panels.traces(panel, "temperatures", SERIES)
    found = time_panels.accuracy(panel, shown, NAMES)
    for trace in shown:
        ours, paper = found.get(trace.label), trace.paper
        assert paper is not None
        for t in LEARNING:
            told = notes.note(trace.result, _elsewhere(trace.series, "2d", t), patterns=PATTERNS)
            name, error = f"A({{t:g}}), {trace.series}", late_values.accuracy_error
            panel.compare(name, ours, paper, (t,), note=told, error=error)


FIGURE = Figure(
    name="S1",
    panels={"a": energy, "b": accuracy},
    studies={"a": ("temperatures",), "b": ("temperatures",)},
)
