"""Measured: layers of a chain forget at different speeds, the centre first.

A dilute hard-core chain of five layers that starts as its teacher, in equilibrium at once: auto-correlations
of neurons and weights by layer, and the times at which they have fallen to 1/e.
"""

import numpy as np

from paper_figures.checks import Check
from paper_figures.perceptron.overlaps import curve, times
from paper_figures.perceptron.studies import CHAINS, DILUTE, label
from paper_figures.sheet import GREEN, Paths, Row, page, sequence, write
from paper_figures.stored.results import Results

STUDIES = ("chains",)
CHAIN = "L=5.alpha=4.hard"
COLUMNS = ("panel", "layer", "t", "value", "error")
NAMES = {"c": "neurons", "C": "weights"}


def draw(results: Results, paths: Paths, overwrite: bool) -> list[Check]:
    """Draw what is stored; returns the relaxation times by layer."""
    depth = CHAINS[CHAIN][0]
    degree, width, *_ = DILUTE[results.size][len(DILUTE[results.size]) // 2]
    found = results.get("chains", label(CHAIN, degree, width))
    rows: list[Row] = []
    checks: list[Check] = []
    with page(7.0, 2.7) as sheet:
        axes = sheet.subplots(1, 3)
        marks = {"c": ("o", "white"), "C": ("s", GREEN)}
        for axis, (name, what) in zip(axes, NAMES.items(), strict=False):
            layers = range(1, depth) if name == "c" else range(1, depth + 1)
            axis.set(xscale="log", xlabel="sweeps $t$", ylim=(-0.05, 1.05))
            axis.set_ylabel(f"${name}_l(t)$ of {what}")
            axis.axhline(1 / np.e, color="0.6", lw=0.7, ls=":")
            if found is None:
                continue
            for layer, colour in zip(layers, sequence(len(layers)), strict=True):
                t, value, error = curve(found, name, layer)
                axis.plot(t, value, color=colour, label=f"$l={layer}$")
                axis.fill_between(t, value - error, value + error, color=colour, alpha=0.25, lw=0)
                rows += [(name, layer, *map(float, row)) for row in zip(t, value, error, strict=True)]
            axis.legend(fontsize=6)
            tau, spread = times(found, name, list(layers))
            axes[2].errorbar(
                layers,
                tau,
                tau * spread,
                fmt=marks[name][0],
                mfc=marks[name][1],
                color=GREEN,
                ms=4,
                label=what,
            )
            rows += [
                (f"tau_{name}", *row) for row in zip(layers, [""] * len(tau), tau, tau * spread, strict=True)
            ]
            checks += [
                Check(f"tau of {what}, layer {layer} (sweeps)", float(x))
                for layer, x in zip(layers, tau, strict=True)
            ]
        axes[2].set(yscale="log", xlabel="layer $l$", ylabel=r"$\tau_l$ (to $1/e$), sweeps")
        axes[2].set_xticks(range(1, depth + 1))
        if found is not None:
            axes[2].legend(fontsize=6)
        what = rf"$L={depth}$, hard core, $\alpha={CHAINS[CHAIN][1]}$, $c={degree}$, $N={width}$"
        sheet.suptitle(f"{what}: {results.size} size", fontsize=7, color="0.3")
        write(sheet, COLUMNS, rows, paths, overwrite)
    return checks
