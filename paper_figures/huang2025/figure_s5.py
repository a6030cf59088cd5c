"""Fig. S5: profiles of the overlap at every alpha, M fixed (a), N fixed (b), and the depth of the solid."""

import numpy as np
import xarray as xr

from paper_figures.huang2025 import layers, measures
from paper_figures.huang2025.claims import Estimate
from paper_figures.huang2025.figure import Figure
from paper_figures.huang2025.figure_2 import FIXED_M
from paper_figures.huang2025.layer_panels import MACHINE, claim_extents, late_note, threshold
from paper_figures.huang2025.panel import Panel
from paper_figures.huang2025.reference import Curve, curves
from paper_figures.huang2025.studies import studies_at
from paper_figures.sheet import Colour, sequence
from theory.predictions import slope

FIXED_N = {f"M={m}": ("patterns", f"M={m}") for m in (10, 20, 40, 80, 160, 250, 500, 1000)} | {
    "M=2000": MACHINE,
    "M=4000": ("patterns", "M=4000"),
}
"""By the paper's M (Table S1): where ours are."""

FIXED_N_SLOPE = 0.0
"""The paper's words: at N fixed, M matters little."""


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


def legend(panel: Panel) -> None:
    """Under the panel: profiles leave no corner free."""
    if panel.axes.get_legend_handles_labels()[0]:
        panel.axes.legend(
            loc="upper center", bbox_to_anchor=(0.5, -0.19), ncols=5, fontsize=6, handlelength=1.3,
            columnspacing=0.9, frameon=False,
        )  # fmt: skip


def paper_slope(cells: dict[str, Curve]) -> tuple[float, float]:
    """d xi_s/d ln alpha of the paper's cells of Fig. 1b, and its error from their distance to a line."""
    log_alphas = [float(series.removeprefix("lnalpha=")) for series in cells]
    depths = [layers.extents_of(curve)["xi_s"].value for curve in cells.values()]
    found = slope(np.exp(log_alphas), depths)
    return found.value, found.error


def fixed_m(panel: Panel) -> None:
    """(a): M = 2000. Circles: the cells of Fig. 1b, the same quantity; the two differ by up to 0.13 there."""
    cells = layers.cells()
    depths: list[tuple[float, Estimate]] = []
    notes = set()
    for (series, label), colour in zip(FIXED_M.items(), sequence(len(FIXED_M)), strict=True):
        result = panel.get("widths", label)
        panel.beside(f"{series}, Fig. 1b", cells[series], colour=colour)
        found = None
        if result is not None:
            log_alpha = float(np.log(result.attrs["alpha"]))
            text = rf"$\ln\alpha={log_alpha:.1f}$"
            found = draw_profile(panel, series, result, colour, text)
            depths.append((log_alpha, found["xi_s"]))
            notes.add(late_note(result))
        paper = layers.extents_of(cells[series])
        claim_extents(panel, label, found, paper, late_note(result), ("n_liquid", "xi_s"))
    _claim_slope(panel, "M fixed", depths, *paper_slope(cells), "digitised", "; ".join(sorted(notes)))
    profile_axes(panel)
    legend(panel)


def fixed_n(panel: Panel) -> None:
    """(b): N = 10.

    Only ln alpha = 5.3 is among the paper's cells; it is claimed in (a). Its words on the
    rest, that M matters little, reach as far as its error bars of xi_s (Fig. 3d) tell a slope from none.
    """
    depths: list[tuple[float, Estimate]] = []
    for (name, where), colour in zip(FIXED_N.items(), sequence(len(FIXED_N)), strict=True):
        result = panel.get(*where) if where in known(panel) else None
        patterns = int(name.removeprefix("M="))
        note = late_note(result, patterns)
        found = None
        if result is not None:
            log_alpha = float(np.log(result.attrs["alpha"]))
            text = rf"$\ln\alpha={log_alpha:.1f}$"
            found = draw_profile(panel, name, result, colour, text)
            depths.append((log_alpha, found["xi_s"]))
        if name == "M=2000":
            panel.beside("lnalpha=5.3, Fig. 1b", layers.cells()["lnalpha=5.3"], colour=colour)
        claim_extents(panel, name, found, None, note, ("n_liquid", "xi_s"))
    x = np.log([int(name.removeprefix("M=")) / 10 for name in FIXED_N])
    error = layers.extents_of(curves("3d")["training"])["xi_s"].error
    reach = error / float(np.sqrt(((x - x.mean()) ** 2).sum()))
    note = "M matters little: a slope its error bars of xi_s (Fig. 3d) do not tell from none"
    _claim_slope(panel, "N fixed", depths, FIXED_N_SLOPE, reach, "text", note)
    profile_axes(panel)
    legend(panel)


def known(panel: Panel) -> set[tuple[str, str]]:
    """Ensembles there are at the size in hand."""
    return {
        (name, label) for name, study in studies_at(panel.results.size).items() for label in study.ensembles
    }


def _claim_slope(
    panel: Panel, what: str, depths: list[tuple[float, Estimate]], paper: float, error: float, source: str,
    note: str,
) -> None:  # fmt: skip
    x = np.array([log_alpha for log_alpha, _ in depths])
    ours = measures.slope(x, [depth for _, depth in depths]) if depths else None
    panel.claim(f"d xi_s/d ln alpha, {what}", ours, paper, error, source, note)


FIGURE = Figure(
    name="S5",
    panels={"a": fixed_m, "b": fixed_n},
    studies={"a": ("widths",), "b": ("patterns", "widths")},
    height=3.2,
)
