"""Our own figure ``readings``: which reading of the paper gives its curves (docs/readings.md).

(a) misfit of a Gaussian start against the amplitudes of spins and weights; (b) Fig. 2c at N = 10 and (c) Fig.
2g for the winner, the printed text and two others; (d) every finalist on every panel.
"""

import numpy as np
from matplotlib.colors import LogNorm

from paper_figures.huang2025 import measures, misfits, readings
from paper_figures.huang2025.figure import Figure
from paper_figures.huang2025.panel import Panel
from paper_figures.huang2025.readings import FINALISTS
from paper_figures.huang2025.reference import curves
from paper_figures.sheet import AMBER, BLUE, GREEN, ORANGE

WINNER = FINALISTS[0]
"""What the preset is. A test sees to it that it has the best fit of the finals."""
SHOWN = {
    WINNER.name: (BLUE, "winner: S ~ 0.1, J ~ 0.01"),
    f"{WINNER.name}, fresh velocities at t_w": (AMBER, "winner, fresh velocities"),
    "uniform:1,1, fresh velocities at t_w": (ORANGE, "as printed: uniform in (-1, 1)"),
    f"{WINNER.name}, thermostat literal": (GREEN, "winner, thermostat literal"),
}
"""Finalists drawn as curves."""


def amplitudes(panel: Panel) -> None:
    """(a): rms of ln(ours/paper) on Fig. 2c (N = 5, 10) over the plane of amplitudes."""
    points: dict[tuple[float, float], list[float]] = {}
    for _, reading, found in misfits.scan_table(panel.results):
        kind, _, given = reading.name.partition(":")
        if kind == "normal":
            spins, weights = map(float, given.split(","))
            points.setdefault((spins, weights), []).append(misfits.best(found)[1])
    places = [place for place in points if place[0] > 0]
    if not places:
        panel.empty("not run at this size")
        return
    x, y = np.array(places).T
    z = np.array([np.mean(points[place]) for place in places])
    norm = LogNorm(z.min(), max(z.max(), 2 * z.min()))
    drawn = panel.axes.scatter(x, y, c=z, s=38, norm=norm, cmap="viridis", lw=0)
    panel.axes.figure.colorbar(drawn, ax=panel.axes, label=r"rms of $\ln$(ours/paper), Fig. 2c")
    panel.axes.scatter([0.1], [0.01], s=110, fc="none", ec=ORANGE, lw=1.2)
    panel.axes.set(xscale="log", yscale="log")
    panel.axes.set(xlabel="start of the spins, std of $S$", ylabel="start of the weights, std of $J$")
    for weights in np.unique(y):
        panel.record("ours", f"rms against S at J = {weights:g}", x[y == weights], z[y == weights])


def energies(panel: Panel) -> None:
    """(b): E(t)/E(0) at M = 1715, N = 10."""
    panel.beside("paper, Fig. 2c", curves("2c")["lnalpha=5.3"], colour="0.3")
    for reading in FINALISTS:
        result = panel.get("readings-finals", readings.label(reading, "N=10"))
        if reading.name in SHOWN and result is not None:
            colour, text = SHOWN[reading.name]
            panel.ours(
                reading.name, *measures.curve(measures.energy_ratio(result)), colour=colour, label=text
            )
    panel.axes.set(xscale="log", yscale="log", xlim=(1, 2e4), ylim=(5e-3, 3))
    panel.axes.set(xlabel="$t$ (MD steps)", ylabel="$E(t)/E(0)$")
    panel.legend(loc="lower left", fontsize=6.5)


def correlations(panel: Panel) -> None:
    """(c): global c(t, t_w) at M = 1715, N = 10, for two t_w."""
    for t_w, name, style in ((100, "1e2", "-"), (1_000, "1e3", "--")):
        panel.beside(f"paper, Fig. 2g, tw={name}", curves("2g")[f"tw={name}"], colour="0.3")
        for reading in FINALISTS:
            result = panel.get("readings-finals", readings.label(reading, "N=10"))
            if reading.name in SHOWN and result is not None and t_w in result["t_w"]:
                values = result["c_global"].sel(t_w=t_w)
                colour = SHOWN[reading.name][0]
                label = f"$t_w = {t_w}$" if reading is WINNER else "_"
                panel.ours(
                    f"{reading.name}, tw={name}",
                    *measures.curve(values),
                    colour=colour,
                    label=label,
                    ls=style,
                )
    panel.axes.axhline(0, color="0.6", lw=0.6)
    panel.axes.set(xscale="log", xlim=(10, 2e4), xlabel="$t$ (MD steps)", ylabel="$c(t, t_w)$")
    panel.legend(loc="lower left")


def table(panel: Panel) -> None:
    """(d): rms of every finalist on every panel; left of the line those of the fit."""
    rows = misfits.finals_table(panel.results)
    names = [*misfits.FIT, *misfits.JUDGE]
    if not rows:
        panel.empty("not run at this size")
        return
    grid = np.array(
        [[row.misfits[name].rms if name in row.misfits else np.nan for name in names] for row in rows]
    )
    norm = LogNorm(0.02, 2)
    panel.axes.imshow(grid, norm=norm, cmap="viridis", aspect="auto")
    for (i, j), value in np.ndenumerate(grid):
        if np.isfinite(value):
            colour = "white" if norm(value) < 0.55 else "black"
            panel.axes.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=5.5, color=colour)
    panel.axes.axvline(len(misfits.FIT) - 0.5, color=ORANGE, lw=1.2)
    panel.axes.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=6)
    panel.axes.set_yticks(range(len(rows)), [_short(row.name) for row in rows], fontsize=6)
    panel.axes.tick_params(length=0)
    for row, values in zip(rows, grid, strict=True):
        panel.record("ours", f"rms of {row.name} on {'; '.join(names)}", range(len(names)), values)


def _short(name: str) -> str:
    """A reading by what sets it apart from the winner."""
    name = name.replace(f"{WINNER.name}, ", "").replace("fresh velocities at t_w", "fresh velocities")
    return "winner" if name == WINNER.name else name


FIGURE = Figure(
    name="readings",
    width=4.3,
    panels={"a": amplitudes, "b": energies, "c": correlations, "d": table},
    studies={
        "a": ("readings-scan",), "b": ("readings-finals",), "c": ("readings-finals",),
        "d": ("readings-finals",),
    },
)  # fmt: skip
