"""Fig. 3: the layers of one machine, N = 10 and M = 2000.

The memory of a layer, how long it takes to be lost, and what replicas still share: solid layers beside input
and output, a liquid between them.
"""

import numpy as np
import xarray as xr

from deepglass.phases import THRESHOLD
from paper_figures.huang2025 import layers, measures
from paper_figures.huang2025.claims import Estimate, estimate
from paper_figures.huang2025.figure import Figure
from paper_figures.huang2025.panel import Panel
from paper_figures.sheet import BLUE, ORANGE, Colour, sequence

MACHINE = ("widths", "N=10")
"""Study and ensemble of ln alpha = 5.3."""

LATE_WAIT = 50_000
LAST = 500_000
"""The paper's t_w and last t of everything at a late t_w."""

WAITS = {"tw=1e3": 1_000, "tw=1e4": 10_000, "tw=5e4": LATE_WAIT}
MEMORY_TIMES = (100, 1_000, 10_000, 50_000, LAST)
OVERLAP_TIMES = (1_000, 10_000, 50_000)
"""Steps at which c_l and q_l are compared; the late q_l is that of panel (d)."""


def result_at(panel: Panel, t_w: int) -> xr.Dataset | None:
    """The result that has ``t_w``: of the study of waiting times, else of the late machine, or None."""
    for study, label in (("waits", "all"), MACHINE):
        result = panel.get(study, label)
        if result is not None and t_w in result["t_w"].values:
            return result
    return None


def layer_curve(result: xr.Dataset, name: str, layer: int, t_w: int) -> xr.DataArray:
    """c, C, q or Q of a layer since ``t_w``, (t, sample)."""
    kind = "weight_layer" if name.isupper() else "neuron_layer"
    return result[name].sel(t_w=t_w, drop=True).sel({kind: layer}, drop=True)


def time_axes(panel: Panel, ylabel: str) -> None:
    """Logarithmic time since t_w, overlaps up to 1, and the line of 1/e."""
    threshold(panel)
    panel.axes.set(xscale="log", xlim=(8, 7e5), ylim=(-0.12, 1.08), xlabel="$t$ (MD steps)", ylabel=ylabel)


def threshold(panel: Panel) -> None:
    """The line between solid and liquid."""
    panel.axes.axhline(THRESHOLD, color="0.5", ls="--", lw=0.8, zorder=0)


def compare(
    panel: Panel, name: str, series: str, values: xr.DataArray | None, times: tuple[int, ...], note: str
) -> None:
    """Claims of a curve (t, sample) at several times beside the paper's ``series``; ``name`` has {t}."""
    for t in times:
        ours = None if values is None else estimate(measures.at(values, t))
        panel.claim(name.format(t=measures.short(t)), ours, panel.paper[series].at(t), note=note)


def all_layers(panel: Panel, name: str, times: tuple[int, ...]) -> None:
    """c_l, C_l, q_l or Q_l against t at the late t_w, all layers, with claims at ``times``."""
    result = panel.get(*MACHINE)
    t_w = LATE_WAIT if result is None else layers.last_times(result)[1]
    note = layers.note(result, t_w=LATE_WAIT)
    for (series, paper), colour in zip(panel.paper.items(), sequence(len(panel.paper)), strict=True):
        layer = int(series.removeprefix("l="))
        values = None if result is None else layer_curve(result, name, layer, t_w)
        panel.beside(series, paper, colour=colour)
        if values is not None:
            panel.ours(series, *measures.curve(values), colour=colour, label=f"${layer}$")
        compare(panel, f"{name}_{layer}(t = {{t}})", series, values, times, note)
    time_axes(panel, rf"${name}_l(t, t_w = {_power(t_w)})$")
    if result is not None:
        legend(panel, "$l$")


def _power(t_w: int) -> str:
    mantissa, _, exponent = measures.short(t_w).partition("e")
    return rf"{mantissa} \times 10^{exponent}" if exponent else mantissa


def legend(panel: Panel, title: str) -> None:
    """Narrow, in two columns, where late curves leave room: below early plateaus."""
    panel.axes.legend(
        title=title, loc="lower left", ncols=2, fontsize=6.5, title_fontsize=7, handlelength=1.2,
        columnspacing=0.9, labelspacing=0.25,
    )  # fmt: skip


def memory(panel: Panel) -> None:
    """(a): c_l(t, t_w) of layers 5 and 9 for three waiting times."""
    for (name, t_w), colour in zip(WAITS.items(), sequence(len(WAITS)), strict=True):
        result = result_at(panel, t_w)
        for layer, line in ((5, "-"), (9, "--")):
            series = f"l={layer};{name}"
            values = None if result is None else layer_curve(result, "c", layer, t_w)
            panel.beside(series, panel.paper[series], colour=colour)
            if values is not None:
                label = rf"$l={layer}$, $t_w={_power(t_w)}$"
                panel.ours(series, *measures.curve(values), colour=colour, label=label, ls=line)
            claim = f"c_{layer}(t = {{t}}), t_w = {measures.short(t_w)}"
            compare(panel, claim, series, values, MEMORY_TIMES, layers.note(result))
    time_axes(panel, "$c_l(t, t_w)$")
    if panel.axes.get_legend_handles_labels()[0]:
        panel.axes.legend(loc="lower left", fontsize=6.5)


def relaxation_times(panel: Panel, name: str) -> None:
    """Time at which c_l or C_l falls to 1/e against t_w, all layers; triangles: later than the run's end."""
    results = {t_w: result_at(panel, t_w) for t_w in _waits(panel)}
    layer_names = list(panel.paper)
    for series, colour in zip(layer_names, sequence(len(layer_names)), strict=True):
        layer, paper = int(series.removeprefix("l=")), panel.paper[series]
        panel.beside(series, paper, colour=colour)
        fallen: dict[int, Estimate] = {}
        bounds: dict[int, float] = {}
        for t_w, result in results.items():
            if result is None:
                continue
            values = layer_curve(result, name, layer, t_w)
            found = layers.relaxation(values)
            if np.isfinite(found.value):
                fallen[t_w] = found
            else:
                bounds[t_w] = layers.last_time(values)
        _draw_times(panel, layer, fallen, bounds, colour)
        for t_w, tau in zip(paper.x.astype(int), paper.y, strict=True):
            extra = f"tau > {measures.short(bounds[t_w])}, the end of our run" if t_w in bounds else ""
            panel.claim(
                f"log10 tau_{layer}^{name}, t_w = {measures.short(t_w)}",
                fallen.get(t_w),
                float(np.log10(tau)),
                note=layers.note(results.get(t_w), extra),
            )
    symbol = rf"$\tau_l^{{\,{name}}}$ (MD steps)"
    panel.axes.set(xscale="log", yscale="log", xlabel="$t_w$ (MD steps)", ylabel=symbol)
    if panel.axes.get_legend_handles_labels()[0]:
        panel.axes.legend(title="$l$", loc="upper left", ncols=3, fontsize=6.5, title_fontsize=7)


def _waits(panel: Panel) -> list[int]:
    """All waiting times of ours and of the paper."""
    found = {int(t_w) for curve in panel.paper.values() for t_w in curve.x}
    waits = panel.get("waits", "all")
    return sorted(found | (set() if waits is None else {int(t_w) for t_w in waits["t_w"].values}))


def _draw_times(
    panel: Panel, layer: int, fallen: dict[int, Estimate], bounds: dict[int, float], colour: Colour
) -> None:
    """Lines with bars for times that were reached, triangles for their lower bounds."""
    if fallen:
        t_w = np.array(sorted(fallen))
        tau = 10 ** np.array([fallen[x].value for x in t_w])
        error = np.log(10) * tau * np.array([fallen[x].error for x in t_w])
        panel.ours(f"l={layer}", t_w, tau, error, colour=colour, label=f"${layer}$", bars=True, ms=3)
    if bounds:
        at, least = np.array(list(bounds)), np.array(list(bounds.values()))
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
    result = panel.get(*MACHINE)
    note = late_note(result)
    for series, name, colour, symbol in (
        ("training", "q", BLUE, "o"),
        ("test", "q_test", ORANGE, "s"),
    ):
        paper = panel.paper[series]
        panel.beside(series, paper, colour=colour)
        panel.axes.errorbar(
            paper.x, paper.y, paper.error, fmt="none", ecolor=colour, elinewidth=0.5, alpha=0.6
        )
        hidden = None if result is None else layers.last_profile(result, name)[:, 1:-1]
        if hidden is not None:
            panel.ours(
                series, hidden["neuron_layer"], *measures.mean(hidden), colour=colour, bars=True,
                fmt=f"{symbol}-", ms=3.5, capsize=2,
            )  # fmt: skip
        for k, layer in enumerate(paper.x.astype(int)):
            ours = None if hidden is None else estimate(hidden.sel(neuron_layer=layer))
            panel.claim(f"q_{layer}*, {series}", ours, paper.y[k], paper.error[k], note=note)
        found = None if hidden is None else layers.extents(hidden)
        claim_extents(panel, series, found, layers.extents_of(paper), note)
        if series == "training" and found is not None:
            _liquid(panel, found)
    threshold(panel)
    panel.axes.set(xlabel="layer $l$", ylabel="$q_l^*$", xticks=range(1, 10), ylim=(-0.12, 1.08))
    panel.axes.legend(loc="upper center")


def late_note(result: xr.Dataset | None, patterns: int = 2000) -> str:
    """What of q* is not as in the paper."""
    return layers.note(result, patterns=patterns, t=LAST, t_w=LATE_WAIT)


def claim_extents(
    panel: Panel, what: str, ours: dict[str, Estimate] | None, paper: dict[str, Estimate] | None, note: str,
    names: tuple[str, ...] = ("n_liquid", "xi_s", "xi_l"),
) -> None:  # fmt: skip
    """Claims of the number of liquid layers and of the depths of solid and liquid."""
    for name in names:
        mine = None if ours is None else ours[name]
        missing = mine is not None and not np.isfinite(mine.value)
        said = "; ".join(part for part in (note, "no layer is liquid" if missing else "") if part)
        reference = None if paper is None else paper[name]
        panel.claim(
            f"{name}, {what}",
            mine,
            None if reference is None else reference.value,
            0.0 if reference is None else reference.error,
            note=said,
        )


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
    studies={"a": ("waits", "widths"), "b": ("waits", "widths"), "c": ("widths",), "d": ("widths",)},
)
