"""Our own figure ``timestep``: is the late energy E* a time-step artefact?

The same machines at dt = 0.01, 0.005 and 0.0025, at the same physical time t dt and friction per time. (a)
E(t)/E(0) against physical time; (b) the late energy of every layer over its thermal scale n_l T, n_l = M N: a
layer that is a cone and at temperature T has 1 (docs/thermal_machine.md); the output, labels of +-1 that tanh
never reaches, is no cone and left out. (c) E*, here E/E(0) at the last step, against dt: at the finest dt the
last descent reaches into the late half of the run, which E* of the other figures is a mean over.

E(0) is here that of the start, step 0. The energy after the first step, which the other figures take, depends
on dt itself: the stiff first layer moves at once (M = 250: 77.6 at the start, then 77.2, 76.2, 72.5).

The claims beside E* are its ratios to that at dt = 0.01, with source ``null``, the hypothesis that the ratio
is 1: ``differs`` says that E* depends on dt. Nothing is extrapolated to dt -> 0: the walls of the cones give
errors of first order in dt, and at dt = 0.01 the stiffest layers are not where an expansion in dt holds.

Runs wait at half their length; replicas keep their velocities there, so that the late half is one relaxation.
Sample s starts alike at all dt; its errors are taken as independent, which if anything makes them too large.
"""

from paper_figures.huang2025 import measures, notes, relaxation
from paper_figures.huang2025.claims import Estimate, estimate
from paper_figures.huang2025.figure import Figure
from paper_figures.huang2025.panel import Panel
from paper_figures.sheet import BLUE, ORANGE, sequence

STEPS = (0.01, 0.005, 0.0025)
"""Time steps; the first is the paper's."""

SETS = {"M=250": BLUE, "M=2000": ORANGE}
"""Numbers of patterns asked for; the larger is 1715 where there are no more images."""


def _label(patterns: str, dt: float) -> str:
    return f"{patterns}.dt={dt:g}"


def relaxations(panel: Panel) -> None:
    """(a)."""
    for patterns, style in zip(SETS, ("-", "--"), strict=True):
        for dt, colour in zip(STEPS, sequence(len(STEPS)), strict=True):
            result = panel.get("timestep", _label(patterns, dt))
            if result is None:
                continue
            t, ratio, error = measures.curve(measures.energy_ratio(result, 0))
            name = f"M = {result.attrs['patterns']}, dt = {dt:g}"
            panel.ours(name, t * dt, ratio, error, colour=colour, ls=style)
    panel.axes.set(xscale="log", yscale="log", xlabel="physical time $t\\,dt$", ylabel="$E(t)/E(0)$")
    panel.legend(loc="lower left", fontsize=6)


def layers(panel: Panel) -> None:
    """(b): E_l/(n_l T) at the last step of the hidden layers 1..L-1, the larger M."""
    for dt, colour in zip(STEPS, sequence(len(STEPS)), strict=True):
        result = panel.get("timestep", _label("M=2000", dt))
        if result is None:
            continue
        hidden = result["E_layer"].isel(t=-1, weight_layer=slice(None, -1), drop=True)
        scale = (
            int(result.attrs["patterns"]) * int(result.attrs["width"]) * float(result.attrs["temperature"])
        )
        scaled = hidden.transpose("sample", "weight_layer") / scale
        panel.ours(
            f"dt = {dt:g}", scaled["weight_layer"], *measures.mean(scaled), colour=colour, bars=True, lw=0.8,
            ms=3.5, capsize=2,
        )  # fmt: skip
    panel.axes.axhline(1, color="0.5", lw=0.8, ls=":")
    panel.axes.set(yscale="log", xlabel="layer $l$", ylabel="$E_l/(n_l T)$ at the end")
    panel.legend()


def late_energy(panel: Panel) -> None:
    """(c); claims E* at each dt, and its ratios to that at dt = 0.01."""
    for patterns, colour in SETS.items():
        found: dict[float, Estimate] = {}
        remarks: dict[float, str] = {}
        for dt in STEPS:
            result = panel.get("timestep", _label(patterns, dt))
            remarks[dt] = notes.note(result, patterns=int(patterns.removeprefix("M=")))
            if result is not None:
                found[dt] = estimate(measures.energy_ratio(result, 0).isel(t=-1))
            panel.claim(f"E*/E(0) at dt = {dt:g}, {patterns}", found.get(dt), note=remarks[dt])
        first, *finer = STEPS
        for dt in finer:
            ratio = relaxation.quotient(found[dt], found[first]) if {dt, first} <= set(found) else None
            name = f"E*(dt = {dt:g})/E*(dt = {first:g}), {patterns}"
            panel.claim(name, ratio, 1.0, source="null", note=remarks[dt])
        if found:
            panel.ours(
                patterns, list(found), [e.value for e in found.values()], [e.error for e in found.values()],
                colour=colour, bars=True, lw=0.6, ms=3.5, capsize=2,
            )  # fmt: skip
    panel.axes.set(xlabel="time step $dt$", ylabel="$E^*/E(0)$", xlim=(0, 1.05 * max(STEPS)))
    panel.axes.set_ylim(0, 1.1 * panel.axes.get_ylim()[1])
    panel.legend()


FIGURE = Figure(
    name="timestep",
    panels={"a": relaxations, "b": layers, "c": late_energy},
    studies={"a": ("timestep",), "b": ("timestep",), "c": ("timestep",)},
    columns=3,
)
