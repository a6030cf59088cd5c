"""Measured: how the layers of a chain of finite width forget, the centre first.

Fully connected chains of five layers, hard core, alpha = 4, that start as their teacher. Replica theory, for
N to infinity and in equilibrium, has a liquid centre. The narrower the network, the sooner it gets there, and
beyond: it flips and swaps hidden units, which takes the overlaps of all layers to zero.
"""

from paper_figures.checks import Check
from paper_figures.perceptron.overlaps import curve, late, times
from paper_figures.sheet import BLUE, ORANGE, Paths, Row, page, sequence, write
from paper_figures.stored.results import Results
from theory import CLOSURES, solve_profile

STUDIES = ("widths",)
DEPTH, ALPHA, CENTRE = 5, 4.0, 3
COLUMNS = ("panel", "N", "layer", "t", "value", "error")


def draw(results: Results, paths: Paths, overwrite: bool) -> list[Check]:
    """Draw what is stored; returns the centre's last overlap and relaxation time by width."""
    rows: list[Row] = []
    checks: list[Check] = []
    with page(7.0, 2.8) as sheet:
        left, middle, right = sheet.subplots(1, 3)
        for closure, shade, line in zip(CLOSURES, (BLUE, ORANGE), ("-", "--"), strict=True):
            predicted = solve_profile("teacher-student", DEPTH, ALPHA, closure=closure).Q
            left.plot(range(1, DEPTH + 1), predicted, line, color=shade, lw=1.4, label=closure)
            rows += [("profile", closure, layer, "", q, 0.0) for layer, q in enumerate(predicted, start=1)]
            checks.append(
                Check(f"centre Q_{CENTRE} by {closure}, N to infinity", float(predicted[CENTRE - 1]))
            )
        layers = list(range(1, DEPTH + 1))
        names = list(results.studies["widths"].ensembles)
        for name, colour in zip(names, sequence(len(names)), strict=True):
            found = results.get("widths", name)
            if found is None:
                continue
            width = int(found.attrs["width"])
            mean, error = late(found, "Q")
            left.errorbar(
                range(1, DEPTH + 1),
                mean,
                error,
                fmt="o",
                color=colour,
                ms=3.5,
                label=f"$N={width}$",
                capsize=1.5,
            )
            end = int(found.attrs["steps"])
            rows += [("profile", width, i, end, *x) for i, x in enumerate(zip(mean, error, strict=True), 1)]
            t, value, spread = curve(found, "C", CENTRE)
            middle.plot(t, value, color=colour)
            middle.fill_between(t, value - spread, value + spread, color=colour, alpha=0.25, lw=0)
            rows += [
                ("centre", width, CENTRE, *map(float, row)) for row in zip(t, value, spread, strict=True)
            ]
            tau, relative = times(found, "C", layers)
            right.errorbar(layers, tau, tau * relative, fmt="o-", lw=0.8, color=colour, ms=4, capsize=1.5)
            for layer, value, share in zip(layers, tau, relative, strict=True):
                rows.append(("tau", width, layer, "", float(value), float(value * share)))
                checks.append(
                    Check(f"N = {width}: tau of the weights of layer {layer} (sweeps)", float(value))
                )
            checks.append(
                Check(
                    f"N = {width}: Q_{CENTRE} of the centre at t = {end}, +- {error[2]:.3f}", float(mean[2])
                )
            )
        left.set(xlabel="layer $l$", ylabel="$Q_l$ at the end", ylim=(-0.05, 1.05))
        middle.set(
            xscale="log", xlabel="sweeps $t$", ylabel=f"$C_{CENTRE}(t)$ of the centre", ylim=(-0.05, 1.05)
        )
        right.set(yscale="log", xlabel="layer $l$", ylabel=r"$\tau_l$ of weights (to $1/e$), sweeps")
        for axis in (left, right):
            axis.set_xticks(layers)
        handles, labels = left.get_legend_handles_labels()
        sheet.legend(handles, labels, loc="outside upper center", ncols=6)
        write(sheet, COLUMNS, rows, paths, overwrite)
    return checks
