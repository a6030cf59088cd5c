"""Our own figure ``timestep``: is the late energy E* a time-step artefact?

The same machines at dt = 0.01, 0.005 and 0.0025, at the same physical time t dt and friction per time. (a)
E(t)/E(0) against physical time; (b) the late energy of every layer over its thermal scale n_l T, n_l = M N: a
layer that is a cone and at temperature T has 1 (docs/thermal_machine.md); (c) E* against dt, with the line in
dt^2 that a leapfrog's error follows where it is small.
"""

import numpy as np

from paper_figures.huang2025 import measures
from paper_figures.huang2025.claims import Estimate, estimate
from paper_figures.huang2025.figure import Figure
from paper_figures.huang2025.panel import Panel
from paper_figures.sheet import BLUE, ORANGE, sequence

STEPS = (0.01, 0.005, 0.0025)
SETS = {"M=250": BLUE, "M=2000": ORANGE}
"""Numbers of patterns asked for; the larger is 1715 where there are no more images."""


def _label(patterns: str, dt: float) -> str:
    return f"{patterns}.dt={dt:g}"


def relaxation(panel: Panel) -> None:
    """(a)."""
    for patterns, style in zip(SETS, ("-", "--"), strict=True):
        for dt, colour in zip(STEPS, sequence(len(STEPS)), strict=True):
            result = panel.get("timestep", _label(patterns, dt))
            if result is None:
                continue
            t, ratio, error = measures.curve(measures.energy_ratio(result))
            name = f"M = {result.attrs['patterns']}, dt = {dt:g}"
            panel.ours(name, t * dt, ratio, error, colour=colour, ls=style)
    panel.axes.set(xscale="log", yscale="log", xlabel="physical time $t\\,dt$", ylabel="$E(t)/E(0)$")
    panel.legend(loc="lower left", fontsize=6)


def layers(panel: Panel) -> None:
    """(b): E_l/(n_l T) at the end, the larger M."""
    for dt, colour in zip(STEPS, sequence(len(STEPS)), strict=True):
        result = panel.get("timestep", _label("M=2000", dt))
        if result is None:
            continue
        outputs = 2
        sizes = np.full(result.sizes["weight_layer"], result.attrs["width"])
        sizes[-1] = outputs
        end = float(result["t"][-1])
        late = result["E_layer"].sel(t=slice(end / 2, None)).mean("t")
        scaled = late / (int(result.attrs["patterns"]) * sizes * float(result.attrs["temperature"]))
        panel.ours(f"dt = {dt:g}", result["weight_layer"], *measures.mean(scaled), colour=colour, bars=True)
    panel.axes.axhline(1, color="0.5", lw=0.8, ls=":")
    panel.axes.set(yscale="log", xlabel="layer $l$", ylabel="$E_l/(n_l T)$")
    panel.legend()


def late_energy(panel: Panel) -> None:
    """(c); claims E* at each dt, and the limit dt -> 0 beside the value at dt = 0.01."""
    for patterns, colour in SETS.items():
        found: list[tuple[float, Estimate]] = []
        for dt in STEPS:
            result = panel.get("timestep", _label(patterns, dt))
            name = f"E*/E(0) at dt = {dt:g}, {patterns}"
            if result is None:
                panel.claim(name, None)
                continue
            ratio = measures.energy_ratio(result)
            end = float(ratio["t"][-1])
            value = estimate(ratio.sel(t=slice(end / 2, None)).mean("t"))
            note = "" if f"M={result.attrs['patterns']}" == patterns else f"M = {result.attrs['patterns']}"
            panel.claim(name, value, note=note)
            found.append((dt, value))
        if len(found) < 2:
            continue
        dts = np.array([dt for dt, _ in found])
        values, errors = (np.array([getattr(e, what) for _, e in found]) for what in ("value", "error"))
        panel.ours(patterns, dts, values, errors, colour=colour, bars=True)
        slope = measures.slope(dts**2, [e for _, e in found])
        weights = 1 / errors**2
        centre = float(np.average(dts**2, weights=weights))
        limit = float(np.average(values, weights=weights)) - slope.value * centre
        error = float(np.hypot(slope.error * centre, weights.sum() ** -0.5))
        x = np.linspace(0, max(dts), 50)
        panel.ours(
            f"{patterns}, line in dt^2", x, limit + slope.value * x**2, colour=colour, label="_", ls=":"
        )
        panel.claim(
            f"E*/E(0), limit dt -> 0, {patterns}", Estimate(limit, error, min(e.samples for _, e in found))
        )
        share = Estimate(1 - limit / values[0], error / values[0], min(e.samples for _, e in found))
        panel.claim(f"share of E* at dt = 0.01 that is the time step's, {patterns}", share)
    panel.axes.set(xlabel="time step $dt$", ylabel="$E^*/E(0)$", xlim=(0, None), ylim=(0, None))
    panel.legend()


FIGURE = Figure(
    name="timestep",
    panels={"a": relaxation, "b": layers, "c": late_energy},
    studies={"a": ("timestep",), "b": ("timestep",), "c": ("timestep",)},
    columns=3,
)
