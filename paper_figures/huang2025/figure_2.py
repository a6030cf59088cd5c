"""Fig. 2: learning as relaxation. Energy and test accuracy against time, their late values against alpha, and
the global correlations."""

import math

import xarray as xr

from paper_figures.huang2025 import global_correlations, late_values, measures, notes, relaxation, time_panels
from paper_figures.huang2025.claims import Estimate, estimate
from paper_figures.huang2025.figure import Figure
from paper_figures.huang2025.panel import Panel
from paper_figures.huang2025.reference import FIXED_M, FIXED_N, READING_ERROR, READING_ERROR_LOG10, Curve
from paper_figures.huang2025.time_panels import Trace
from paper_figures.sheet import sequence

TIMES = (20, 100, 200, 300, 500, 700, 1_000, 2_000, 5_000, 10_000)
"""Ten steps at which E(t)/E(0) is compared."""

LEARNING = (1_000, 10_000)
"""Steps at which A(t) is compared, beside its late value."""

TYPICAL = ("M=250", "N=10")
"""The ensembles, one a panel, that the text's numbers are held against: it names one for all."""

TEXT_TIMES = {"tau_0": 3.0, "tau_th": 4.0}
FACTOR = math.log10(2)
"""log10 of the times in the text, tau_0 ~ 1e3 and tau_th ~ 1e4, and how far ``~`` is taken to reach."""


def _names(series: dict[str, str]) -> dict[str, str]:
    return {
        name: rf"$\ln\alpha = {name.removeprefix('lnalpha=')}$ (${label}$)" for label, name in series.items()
    }


def _patterns(label: str) -> int:
    """M of an ensemble in the paper."""
    return int(label.removeprefix("M=")) if label.startswith("M=") else 2000


def _energy(panel: Panel, study: str, series: dict[str, str], origin: int) -> None:
    """E(t)/E(0) of several ensembles, and what the text says of its course."""
    shown = time_panels.traces(panel, study, series)
    found = time_panels.energy(panel, shown, _names(series), origin)
    for trace in shown:
        ours, paper = found.get(trace.label), trace.paper
        note = _note(trace)
        assert paper is not None  # all of these are digitised
        panel.compare(f"E({{t:g}})/E(0), {trace.label}", ours, paper, TIMES, note=note)
        _course(panel, trace.label, ours, paper, note)


def _course(panel: Panel, label: str, ours: xr.DataArray | None, curve: Curve, note: str) -> None:
    """tau_0, tau_th, and how straight E is in ln t between them."""
    paper = relaxation.as_values(curve)
    until = relaxation.end(ours, paper)
    for name in TEXT_TIMES:
        drawn = _moment(name, paper, until).value
        value = None if ours is None else _moment(name, ours, until)
        known = relaxation.resolution(curve, 10**drawn) if math.isfinite(drawn) else 0.0
        panel.claim(f"log10 {name}, {label}", value, drawn, known, note=note, reading=READING_ERROR_LOG10)
        if label in TYPICAL:
            theirs = f"the paper's curve: {drawn:.2f}" if math.isfinite(drawn) else ""
            told = notes.joined(note, theirs)
            panel.claim(f"log10 {name}, {label}, text", value, TEXT_TIMES[name], FACTOR, "text", told)
    average = paper.isel(sample=0)
    covered = ours is not None and measures.last_time(ours) >= relaxation.STRAIGHT[1]
    for name, shape in (("R^2", relaxation.r_squared), ("curvature", relaxation.curvature)):
        value = relaxation.jackknife(ours, shape) if ours is not None and covered else None
        drawn = shape(average)
        panel.claim(f"{name} of E in ln t, {label}", value, drawn, note=note, reading=READING_ERROR)
    if label in TYPICAL:
        told = notes.joined(note, f"the paper's curve: {drawn:.2f}")
        # Straight: slopes at both ends within a factor of two (see relaxation.line).
        panel.claim(f"curvature of E in ln t, {label}, text", value, 0.0, 1 / 6, "text", told)


def _moment(name: str, ratio: xr.DataArray, until: float) -> Estimate:
    """log10 of tau_0 or tau_th of the mean over samples."""

    def moment(mean: xr.DataArray) -> float:
        return math.log10(relaxation.onset(mean) if name == "tau_0" else relaxation.settled(mean, until))

    return relaxation.jackknife(ratio, moment)


def _accuracy(panel: Panel, study: str, series: dict[str, str]) -> None:
    """A(t) of several ensembles; a number of the paper is as uncertain as its points scatter."""
    shown = time_panels.traces(panel, study, series)
    found = time_panels.accuracy(panel, shown, _names(series))
    for trace in shown:
        ours, paper = found.get(trace.label), trace.paper
        assert paper is not None
        name = f"A({{t:g}}), {trace.label}"
        panel.compare(name, ours, paper, LEARNING, note=_note(trace), error=late_values.accuracy_error)
        until = relaxation.end(ours, relaxation.as_values(paper))
        late = None if ours is None else relaxation.late(ours, until)
        drawn = late_values.of_paper(paper, until)
        told = notes.joined(_note(trace), late_values.span(until), late_values.at_chance(late))
        value = None if late is None else estimate(late)
        panel.claim(f"late A, {trace.label}", value, drawn, late_values.ERROR_A, note=told)


def _note(trace: Trace) -> str:
    return notes.note(trace.result, patterns=_patterns(trace.label))


def energy_fixed_n(panel: Panel) -> None:
    """(a): N = 10; the paper's E(0) is its first point, t = 12."""
    _energy(panel, "patterns", FIXED_N, 12)


def accuracy_fixed_n(panel: Panel) -> None:
    """(b): N = 10."""
    _accuracy(panel, "patterns", FIXED_N)


def energy_fixed_m(panel: Panel) -> None:
    """(c): M = 2000; ours with as many images as leave 400 for the test, and dashed with all 2000."""
    _energy(panel, "widths", FIXED_M, measures.E0_TIME)
    for (label, series), colour in zip(FIXED_M.items(), sequence(len(FIXED_M)), strict=True):
        result = panel.get("images", label)
        if result is None:
            continue
        ratio = measures.energy_ratio(result)
        panel.ours(f"{series}, M = 2000", *measures.curve(ratio), colour=colour, label="_", ls="--", lw=0.9)
        note = "all 2000 images, 115 left for the test"
        panel.compare(f"E({{t:g}})/E(0), {label}, M = 2000", ratio, panel.paper[series], TIMES, note=note)
    if panel.get("images", "N=5") is not None:
        panel.axes.plot([], [], "--", color="0.3", lw=0.9, label="ours, all 2000 images")
        panel.axes.legend(loc="lower left", fontsize=6.5)


def accuracy_fixed_m(panel: Panel) -> None:
    """(d): M = 2000."""
    _accuracy(panel, "widths", FIXED_M)


FIGURE = Figure(
    name="2",
    panels={
        "a": energy_fixed_n, "b": accuracy_fixed_n, "c": energy_fixed_m, "d": accuracy_fixed_m,
        "e": late_values.energies, "f": late_values.accuracies,
        "g": global_correlations.against_t, "h": global_correlations.against_wait,
    },
    studies={
        "a": ("patterns",), "b": ("patterns",), "c": ("widths", "images"), "d": ("widths",),
        "e": ("patterns", "widths"), "f": ("patterns", "widths"), "g": ("waits",), "h": ("waits", "widths"),
    },
)  # fmt: skip
