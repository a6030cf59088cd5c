"""Fig. S6: machines of several depths L, N = 10, M = 2000: energy, accuracy, and profiles of the overlap."""

import math

import xarray as xr

from paper_figures.huang2025 import layers, measures, notes, relaxation
from paper_figures.huang2025.claims import Estimate, estimate
from paper_figures.huang2025.figure import Figure
from paper_figures.huang2025.figure_s5 import draw_profile, legend, profile_axes
from paper_figures.huang2025.late_values import at_chance
from paper_figures.huang2025.layer_panels import MACHINE, at_our_time, claim_extents, late_note
from paper_figures.huang2025.panel import Panel
from paper_figures.huang2025.reference import curves
from paper_figures.sheet import sequence

DEPTHS = {
    5: ("depths", "L=5"),
    7: ("depths", "L=7"),
    10: MACHINE,
    12: ("depths", "L=12"),
    15: ("depths", "L=15"),
}
"""Study and ensemble of each L."""

DEEP = 10
"""From here on, the paper says, the solid does not notice L."""


def _results(panel: Panel) -> dict[int, xr.Dataset | None]:
    return {depth: panel.get(*where) for depth, where in DEPTHS.items()}


def energy(panel: Panel) -> None:
    """(a): E(t)/E(0); the paper's curves are not digitised."""
    for (depth, result), colour in zip(_results(panel).items(), sequence(len(DEPTHS)), strict=True):
        ours = None
        if result is not None:
            ratio = measures.energy_ratio(result)
            panel.ours(f"L={depth}", *measures.curve(ratio), colour=colour, label=f"$L={depth}$")
            ours = estimate(relaxation.late(ratio))
        panel.claim(f"late E/E(0), L = {depth}", ours, note=late_note(result))
    panel.axes.set(xscale="log", yscale="log", xlabel="$t$ (MD steps)", ylabel="$E(t)/E(0)$")
    legend(panel)


def accuracy(panel: Panel) -> None:
    """(b): accuracy on the test patterns, network with tanh; not digitised either."""
    for (depth, result), colour in zip(_results(panel).items(), sequence(len(DEPTHS)), strict=True):
        ours, stuck = None, ""
        if result is not None:
            panel.ours(f"L={depth}", *measures.curve(result["A_tanh"]), colour=colour, label=f"$L={depth}$")
            late = relaxation.late(result["A_tanh"])
            ours, stuck = estimate(late), at_chance(late)
        panel.claim(f"late A, L = {depth}", ours, note=notes.joined(late_note(result), stuck))
    panel.axes.set(xscale="log", xlabel="$t$ (MD steps)", ylabel="test accuracy $A(t)$")
    legend(panel)


def profile(panel: Panel) -> None:
    """(c): q_l* against l.

    The paper's words, xi_s unchanged for L >= 10, reach as far as the difference of two of its xi_s is known:
    sqrt(2) times the error of that of L = 10, from the bars of Fig. 3d.
    """
    found: dict[int, dict[str, Estimate] | None] = {}
    results = _results(panel)
    for (depth, result), colour in zip(results.items(), sequence(len(DEPTHS)), strict=True):
        found[depth] = (
            None if result is None else draw_profile(panel, f"L={depth}", result, colour, f"$L={depth}$")
        )
    paper = curves("3d")["training"]
    reference, _ = at_our_time(results[DEEP], layers.cells()["lnalpha=5.3"], "lnalpha=5.3")
    panel.beside(f"L={DEEP}, paper", reference, colour=sequence(len(DEPTHS))[list(DEPTHS).index(DEEP)])
    for depth, result in results.items():
        claim_extents(panel, f"L = {depth}", found[depth], None, late_note(result), ("n_liquid", "xi_s"))
    reach = math.sqrt(2) * layers.extents_of(paper)["xi_s"].error
    for depth in (depth for depth in DEPTHS if depth > DEEP):
        deeper, deep = found[depth], found[DEEP]
        ours = None if deeper is None or deep is None else relaxation.unlike(deeper["xi_s"], deep["xi_s"])
        undefined = ours is not None and math.isnan(ours.value)
        solid = f"{notes.NO_LIQUID} in one of them" if undefined else ""
        note = notes.joined("text: unchanged by L", late_note(results[depth]), solid)
        panel.claim(f"xi_s(L = {depth}) - xi_s(L = {DEEP})", ours, 0.0, reach, "text", note)
    profile_axes(panel, max(DEPTHS) - 1)
    legend(panel)


FIGURE = Figure(
    name="S6",
    panels={"a": energy, "b": accuracy, "c": profile},
    studies=dict.fromkeys("abc", ("depths", "/".join(MACHINE))),
    columns=3,
    height=3.1,
)
