"""Fig. 3: the layers of one machine, N = 10 and M = 2000.

The memory of a layer, how long it takes to be lost, and what replicas still share: solid layers beside input
and output, a liquid between them.
"""

import numpy as np

from deepglass.phases import THRESHOLD
from paper_figures.huang2025 import layers, measures, notes
from paper_figures.huang2025.claims import Estimate, estimate
from paper_figures.huang2025.figure import Figure
from paper_figures.huang2025.layer_panels import (
    LATE_WAIT,
    all_layers,
    at_our_time,
    claim_extents,
    latest,
    layer_curve,
    result_at,
    threshold,
    time_axes,
)
from paper_figures.huang2025.layers import LAST
from paper_figures.huang2025.panel import Panel
from paper_figures.huang2025.reference import READING_ERROR_LOG10
from paper_figures.sheet import BLUE, ORANGE, Colour, sequence

WAITS = {"tw=1e3": 1_000, "tw=1e4": 10_000, "tw=5e4": LATE_WAIT}
MEMORY_TIMES = (100, 1_000, 10_000, 50_000, LAST)
OVERLAP_TIMES = (1_000, 10_000, 50_000)
"""Steps at which c_l and q_l are compared; the late q_l is that of panel (d)."""


def memory(panel: Panel) -> None:
    """(a): c_l(t, t_w) of layers 5 and 9 for three waiting times."""
    for (name, t_w), colour in zip(WAITS.items(), sequence(len(WAITS)), strict=True):
        result = result_at(panel, t_w)
        for layer, line in ((5, "-"), (9, "--")):
            series = f"l={layer};{name}"
            values = None if result is None else layer_curve(result, "c", layer, t_w)
            panel.beside(series, panel.paper[series], colour=colour)
            if values is not None:
                label = f"$t_w={notes.power(t_w)}$" if layer == 5 else "_"
                panel.ours(series, *measures.curve(values), colour=colour, label=label, ls=line)
            claim = f"c_{layer}(t = {{short}}), t_w = {notes.short(t_w)}"
            panel.compare(claim, values, panel.paper[series], MEMORY_TIMES, note=notes.note(result))
    time_axes(panel, "$c_l(t, t_w)$")
    for layer, line in ((5, "-"), (9, "--")):
        panel.axes.plot([], [], line, color="0.3", label=f"$l={layer}$")
    panel.axes.legend(loc="lower left", fontsize=6.5, ncols=1, labelspacing=0.25)


def relaxation_times(panel: Panel, name: str) -> None:
    """Time at which c_l or C_l falls to 1/e against t_w, all layers; triangles: later than the run's end.

    Such a time is claimed as a lower bound, the last that was measured. The verdict on either is taken from
    how far our curve is from 1/e at the paper's time (:func:`layers.above`), and z is of that.
    """
    results = {t_w: result_at(panel, t_w) for t_w in _waits(panel)}
    layer_names = list(panel.paper)
    for series, colour in zip(layer_names, sequence(len(layer_names)), strict=True):
        layer, paper = int(series.removeprefix("l=")), panel.paper[series]
        panel.beside(series, paper, colour=colour)
        panel.axes.plot(paper.x, paper.y, ":", color=colour, lw=0.6, zorder=0)
        panel.axes.plot([], [], "-", color=colour, label=f"${layer}$")
        fallen: dict[int, Estimate] = {}
        bounds: dict[int, Estimate] = {}
        tests: dict[int, Estimate] = {}
        theirs = dict(zip(paper.x.astype(int), paper.y, strict=True))
        for t_w, result in results.items():
            if result is None:
                continue
            values = layer_curve(result, name, layer, t_w)
            found = layers.relaxation(values)
            if np.isfinite(found.value):
                fallen[t_w] = found
            else:
                last = float(layers.sampled(values)["t"][-1])
                bounds[t_w] = Estimate(np.log10(last), np.nan, found.samples)
            if t_w in theirs:
                tests[t_w] = layers.above(values, theirs[t_w])
        _draw_times(panel, layer, fallen, bounds, colour)
        for t_w, tau in theirs.items():
            panel.claim(
                f"log10 tau_{layer}^{name}, t_w = {notes.short(t_w)}",
                fallen.get(t_w, bounds.get(t_w)),
                float(np.log10(tau)),
                note=notes.note(results.get(t_w), "beyond the end of our run" if t_w in bounds else ""),
                reading=READING_ERROR_LOG10,
                at_least=t_w in bounds,
                test=tests.get(t_w),
            )
    symbol = rf"$\tau_l^{{\,{name}}}$ (MD steps)"
    panel.axes.set(xscale="log", yscale="log", xlabel="$t_w$ (MD steps)", ylabel=symbol)
    panel.axes.legend(
        title="$l$", loc="upper left", ncols=3, fontsize=6.5, title_fontsize=7, handlelength=1.2,
        columnspacing=0.9, labelspacing=0.25,
    )  # fmt: skip


def _waits(panel: Panel) -> list[int]:
    """All waiting times of ours and of the paper."""
    found = {int(t_w) for curve in panel.paper.values() for t_w in curve.x}
    waits = panel.get("waits", "all")
    return sorted(found | (set() if waits is None else {int(t_w) for t_w in waits["t_w"].values}))


def _draw_times(
    panel: Panel, layer: int, fallen: dict[int, Estimate], bounds: dict[int, Estimate], colour: Colour
) -> None:
    """Lines with bars for times that were reached, triangles for their lower bounds."""
    if fallen:
        # A time that was not reached breaks the line.
        t_w = np.array(sorted([*fallen, *bounds]))
        missing = Estimate(np.nan, np.nan, 0)
        logs = [fallen.get(int(x), missing) for x in t_w]
        tau = 10 ** np.array([log.value for log in logs])
        error = np.log(10) * tau * np.array([log.error for log in logs])
        panel.ours(f"l={layer}", t_w, tau, error, colour=colour, label="_", bars=True, ms=3)
    if bounds:
        at, least = np.array(list(bounds)), 10 ** np.array([log.value for log in bounds.values()])
        panel.axes.plot(at, least, "^", ms=3.5, mfc="none", color=colour)
        panel.record("ours", f"l={layer}, lower bound", at, least)


def relaxation(panel: Panel) -> None:
    """(b): of the spins."""
    relaxation_times(panel, "c")


def overlaps(panel: Panel) -> None:
    """(c): q_l(t, t_w = 5e4), all layers."""
    all_layers(panel, "q", OVERLAP_TIMES)


def profile(panel: Panel) -> None:
    """(d): q_l* against l in training and in test, 1/e, and the liquid between the solids."""
    result = latest(panel)
    for series, name, colour, symbol in (
        ("training", "q", BLUE, "o"),
        ("test", "q_test", ORANGE, "s"),
    ):
        paper = panel.paper[series]
        panel.beside(series, paper, colour=colour)
        panel.axes.errorbar(
            paper.x, paper.y, paper.error, fmt="none", ecolor=colour, elinewidth=0.5, capsize=0, alpha=0.7
        )
        hidden = None if result is None else layers.last_profile(result, name)[:, 1:-1]
        if hidden is not None:
            panel.ours(
                series, hidden["neuron_layer"], *measures.mean(hidden), colour=colour, bars=True,
                fmt=f"{symbol}-", ms=3.5, capsize=2,
            )  # fmt: skip
        # Of the test the paper has no curve against t.
        theirs, note = at_our_time(result, paper, "lnalpha=5.3" if name == "q" else "")
        for k, layer in enumerate(paper.x.astype(int)):
            ours = None if hidden is None else estimate(hidden.sel(neuron_layer=layer))
            panel.claim(f"q_{layer}*, {series}", ours, theirs.y[k], theirs.error[k], note=note)
        found = None if hidden is None else layers.extents(hidden)
        claim_extents(panel, series, found, layers.extents_of(theirs), note)
        if series == "training" and found is not None:
            _liquid(panel, found)
    threshold(panel)
    panel.axes.set(xlabel="layer $l$", ylabel="$q_l^*$", xticks=range(1, 10), ylim=(-0.12, 1.08))
    if result is not None:
        panel.axes.legend(loc="upper center")


def _liquid(panel: Panel, found: dict[str, Estimate]) -> None:
    """An arrow over the liquid layers."""
    first, depth = found["xi_s"].value, found["xi_l"].value
    if np.isfinite(depth) and depth > 0:
        ends = {"arrowstyle": "<->", "color": "0.3", "lw": 0.8, "shrinkA": 0, "shrinkB": 0}
        height = THRESHOLD + 0.06
        panel.axes.annotate("", (first, height), (first + depth, height), arrowprops=ends)
        panel.axes.text(first + depth / 2, height + 0.02, r"$\xi_l$", ha="center", va="bottom", fontsize=8)
        panel.record("ours", "liquid", [first, first + depth], [THRESHOLD, THRESHOLD])


FIGURE = Figure(
    name="3",
    panels={"a": memory, "b": relaxation, "c": overlaps, "d": profile},
    studies=dict.fromkeys("ab", ("waits", "widths/N=10", "late/N=10"))
    | dict.fromkeys("cd", ("widths/N=10", "late/N=10")),
)
