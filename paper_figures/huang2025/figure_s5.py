"""Fig. S5: profiles of the overlap at every alpha, M fixed (a), N fixed (b), and the depth of the solid."""

import numpy as np
import xarray as xr

from paper_figures.huang2025 import layers, measures, notes, relaxation
from paper_figures.huang2025.claims import Estimate
from paper_figures.huang2025.figure import Figure
from paper_figures.huang2025.layer_panels import (
    MACHINE,
    at_our_time,
    claim_extents,
    late_note,
    latest,
    threshold,
)
from paper_figures.huang2025.layers import LAST, Array
from paper_figures.huang2025.panel import Panel
from paper_figures.huang2025.reference import FIXED_M, curves
from paper_figures.sheet import Colour, sequence
from theory.predictions import slope

FIXED_N = {f"M={m}": ("patterns", f"M={m}") for m in (10, 20, 40, 80, 160, 250, 500, 1000)} | {
    "M=2000": MACHINE,
    "M=4000": ("patterns", "M=4000"),
}
"""By the paper's M (Table S1): where ours are."""

FIXED_N_SLOPE = 0.0
"""The paper's words: at N fixed, M matters little."""


Depths = dict[str, tuple[float, Estimate]]
"""alpha and xi_s by ensemble."""


def draw_profile(
    panel: Panel, series: str, result: xr.Dataset, colour: Colour, label: str
) -> dict[str, Estimate]:
    """q_l* against l with error bars; returns its extents."""
    hidden = layers.last_profile(result)[:, 1:-1]
    panel.ours(
        series, hidden["neuron_layer"], *measures.mean(hidden), colour=colour, label=label, bars=True, ms=2.5,
        lw=1.0, capsize=1.5, elinewidth=0.7,
    )  # fmt: skip
    return layers.extents(hidden)


def profile_axes(panel: Panel, last: int = 9) -> None:
    """Layers, overlaps and the line of 1/e."""
    threshold(panel)
    panel.axes.set(xlabel="layer $l$", ylabel="$q_l^*$", ylim=(-0.15, 1.06), xticks=range(1, last + 1))


def legend(panel: Panel, columns: int = 5) -> None:
    """Under the panel: profiles leave no corner free."""
    panel.legend(
        loc="upper center", bbox_to_anchor=(0.5, -0.19), ncols=columns, fontsize=6, handlelength=1.3,
        columnspacing=0.9, frameon=False,
    )  # fmt: skip


def fixed_m(panel: Panel) -> None:
    """(a): M = 2000. Circles: the cells of Fig. 1b, the same quantity; the two differ by up to 0.13 there.
    Where ours is of another time: the paper's at that time, if there is one.

    Our slope is that of the ensembles of one time, the time most of them have. The paper's is that of its
    cells of the same ensembles, of all if ours has too few for a line, and missing if ours is of another
    time; its error is from their distance to the line.
    """
    cells = layers.cells()
    by_time: dict[int, Depths] = {}
    theirs: dict[str, tuple[float, float]] = {}
    said: dict[int, set[str]] = {}
    for (label, series), colour in zip(FIXED_M.items(), sequence(len(FIXED_M)), strict=True):
        result = latest(panel, label)
        found = None
        reference, note = at_our_time(result, cells[series], series)
        panel.beside(f"{series}, paper", reference, colour=colour)
        paper = layers.extents_of(reference)
        theirs[label] = 2_000 / int(label.removeprefix("N=")), layers.extents_of(cells[series])["xi_s"].value
        if result is not None:
            alpha = float(result.attrs["alpha"])
            t = measures.last_times(result)[0]
            name = rf"$\ln\alpha={np.log(alpha):.1f}$, $t={notes.power(t)}$"
            found = draw_profile(panel, series, result, colour, name)
            by_time.setdefault(t, {})[label] = alpha, found["xi_s"]
            said.setdefault(t, set()).add(late_note(result))
        claim_extents(panel, label, found, paper, note, ("n_liquid", "xi_s"))
    most = max(by_time, key=lambda t: (len(by_time[t]), t), default=LAST)
    ours, note = by_time.get(most, {}), notes.joined(*sorted(said.get(most, ())))
    drawn = paper_slope({label: theirs[label] for label in (ours if len(ours) > 2 else theirs)})
    if most != LAST:
        drawn = (np.nan, 0.0)
    panel.claim("d xi_s/d ln alpha, M fixed", our_slope(ours), *drawn, "digitised", _undefined(ours, note))
    profile_axes(panel)
    legend(panel, 2)


def fixed_n(panel: Panel) -> None:
    """(b): N = 10.

    Only ln alpha = 5.3 is among the paper's cells; it is claimed in (a). Its words on the
    rest, that M matters little, reach as far as its error bars of xi_s (Fig. 3d) tell a slope from none.
    """
    ours: Depths = {}
    spans: set[int] = set()
    for (name, where), colour in zip(FIXED_N.items(), sequence(len(FIXED_N)), strict=True):
        result = panel.get(*where)
        patterns = int(name.removeprefix("M="))
        note = late_note(result, patterns)
        found = None
        if result is not None:
            alpha = float(result.attrs["alpha"])
            found = draw_profile(panel, name, result, colour, rf"$\ln\alpha={np.log(alpha):.1f}$")
            ours[name] = alpha, found["xi_s"]
            spans.add(measures.last_times(result)[0])
        if name == "M=2000":
            reference, _ = at_our_time(result, layers.cells()["lnalpha=5.3"], "lnalpha=5.3")
            panel.beside("lnalpha=5.3, paper", reference, colour=colour)
        claim_extents(panel, name, found, None, note, ("n_liquid", "xi_s"))
    x = np.log([int(name.removeprefix("M=")) / 10 for name in ours or FIXED_N])
    error = layers.extents_of(curves("3d")["training"])["xi_s"].error
    reach = error * float(np.linalg.norm(_weights(x))) if np.ptp(x) > 0 else error
    times = sorted(spans)
    said = "M matters little: a slope its error bars of xi_s (Fig. 3d) do not tell from none"
    if times and times != [LAST]:
        said = notes.joined(
            said, f"ours at t = {', '.join(map(notes.short, times))}, said of {notes.short(LAST)}"
        )
    note = _undefined(ours, said)
    panel.claim("d xi_s/d ln alpha, N fixed", our_slope(ours), FIXED_N_SLOPE, reach, "text", note)
    profile_axes(panel)
    legend(panel)


def paper_slope(depths: dict[str, tuple[float, float]]) -> tuple[float, float]:
    """d xi_s/d ln alpha of (alpha, xi_s), least squares without weights, and its error from the residuals."""
    found = slope(*np.array([*depths.values()]).T)
    return found.value, found.error


def our_slope(depths: Depths) -> Estimate | None:
    """The same, its error that of the points; missing if one has no xi_s, None without three ensembles."""
    x = np.log([alpha for alpha, _ in depths.values()])
    found = [depth for _, depth in depths.values()]
    if not np.isfinite([depth.value for depth in found]).all():
        return Estimate(np.nan, np.nan, min(depth.samples for depth in found))
    if np.unique(x).size < 3:
        return None
    return relaxation.combined(found, _weights(x))


def _weights(x: Array) -> Array:
    """Of the values at x in the slope of their least-squares line."""
    centred = x - x.mean()
    return np.asarray(centred / (centred @ centred))


def _undefined(depths: Depths, note: str) -> str:
    """The note, and which ensembles have no xi_s."""
    solid = [label for label, (_, depth) in depths.items() if np.isnan(depth.value)]
    return notes.joined(note, f"{notes.NO_LIQUID} at {', '.join(solid)}" if solid else "")


FIGURE = Figure(
    name="S5",
    panels={"a": fixed_m, "b": fixed_n},
    studies={"a": ("widths", "late"), "b": ("patterns", "widths")},
    height=3.2,
)
