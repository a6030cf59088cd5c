"""Fig. 2: learning as relaxation. Energy and test accuracy against time, their late values against alpha, and
the global correlations."""

import xarray as xr

from paper_figures.huang2025 import measures
from paper_figures.huang2025.claims import estimate
from paper_figures.huang2025.figure import Figure
from paper_figures.huang2025.panel import Panel
from paper_figures.sheet import sequence

TIMES = (20, 100, 200, 300, 500, 700, 1_000, 2_000, 5_000, 10_000)
"""Ten steps at which E(t)/E(0) is compared."""

FIXED_N = {
    "lnalpha=0": "M=10",
    "lnalpha=0.7": "M=20",
    "lnalpha=1.4": "M=40",
    "lnalpha=2.1": "M=80",
    "lnalpha=3.2": "M=250",
}
FIXED_M = {"lnalpha=3.9": "N=40", "lnalpha=4.6": "N=20", "lnalpha=5.3": "N=10", "lnalpha=6.0": "N=5"}
"""Series of the paper by ensembles of the studies ``patterns`` and ``widths``."""


def _energy(panel: Panel, study: str, series: dict[str, str], origin: int) -> None:
    """E(t)/E(0) of several ensembles."""
    for (name, label), colour in zip(series.items(), sequence(len(series)), strict=True):
        result = panel.get(study, label)
        paper = panel.paper[name]
        panel.beside(name, paper, colour=colour)
        ratio = None
        if result is not None:
            ratio = measures.energy_ratio(result, origin)
            panel.ours(name, *measures.curve(ratio), colour=colour, label=_label(name, label))
        for t in TIMES:
            ours = None if ratio is None else estimate(measures.at(ratio, t))
            panel.claim(f"E({t:g})/E(0), {label}", ours, paper.at(t), note=_note(result))
    panel.axes.set(xscale="log", yscale="log", xlabel="$t$ (MD steps)", ylabel="$E(t)/E(0)$")
    panel.axes.legend(loc="lower left")


def _label(series: str, label: str) -> str:
    return rf"$\ln\alpha = {series.removeprefix('lnalpha=')}$ (${label}$)"


def _note(result: xr.Dataset | None) -> str:
    """What our ensemble lacks of the paper's."""
    if result is not None and result.attrs["patterns"] == 1715:
        return "M = 1715 for 2000"
    return ""


def energy_fixed_n(panel: Panel) -> None:
    """(a): N = 10; the paper's E(0) is its first point, t = 12."""
    _energy(panel, "patterns", FIXED_N, 12)


def energy_fixed_m(panel: Panel) -> None:
    """(c): M = 2000."""
    _energy(panel, "widths", FIXED_M, measures.E0_TIME)


FIGURE = Figure(
    name="2",
    panels={"a": energy_fixed_n, "c": energy_fixed_m},
    studies={"a": ("patterns",), "c": ("widths",)},
)
