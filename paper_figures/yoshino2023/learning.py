"""Measured: what students at temperature 0 learn of their teacher, layer by layer and depth by depth.

Fully connected, hard core, alpha = 4. Students who start as the teacher leave it and stay solutions;
students who start at random move towards being one. Both are judged on fresh inputs. The theory beside them
is that of equilibrium and N to infinity: at this width and time the two sides have met at L = 1 only, so that
for deeper chains it shows where they would go, not what they should be now.
"""

import numpy as np

from deepglass.errors import NoSolution
from paper_figures.perceptron.drawing import curve
from paper_figures.perceptron.studies import DEPTHS
from paper_figures.sheet import BLUE, GREEN, ORANGE, Paths, Row, page, sequence, write
from paper_figures.stored.results import Results
from paper_figures.yoshino2020.checks import Check
from simulate.store import over_samples
from theory import CLOSURES
from theory.predictions import generalization

STUDIES = ("students",)
ALPHA = 4.0
SHOWN = 3
"""Depth whose layers are shown."""

COLUMNS = ("panel", "start", "depth", "layer", "t", "value", "error")
STARTS = {"planted": (GREEN, "o"), "random": ("0.35", "s")}


def draw(results: Results, paths: Paths, overwrite: bool) -> list[Check]:
    """Draw what is stored; returns errors of generalization, and the gaps that stay violated."""
    rows: list[Row] = []
    checks: list[Check] = []
    with page(7.2, 2.8) as sheet:
        left, middle, right = sheet.subplots(1, 3)
        for start, axis in (("planted", left), ("random", middle)):
            found = results.get("students", f"L={SHOWN}.{start}")
            axis.set(xscale="log", xlabel="sweeps $t$", ylim=(-0.05, 1.05))
            axis.set_title(f"{start} start, $L={SHOWN}$", fontsize=8)
            if found is None:
                continue
            for layer, colour in zip(range(1, SHOWN + 1), sequence(SHOWN), strict=True):
                t, value, error = curve(found, "q_test_teacher", layer)
                axis.plot(t, value, color=colour, label=f"$l={layer}$")
                axis.fill_between(t, value - error, value + error, color=colour, alpha=0.25, lw=0)
                rows += [
                    ("layers", start, SHOWN, layer, *map(float, x)) for x in zip(t, value, error, strict=True)
                ]
            axis.legend(fontsize=6)
        left.set_ylabel("overlap with the teacher's neurons,\nfresh inputs")
        for start, (colour, mark) in STARTS.items():
            errors = {}
            for depth in DEPTHS:
                found = results.get("students", f"L={depth}.{start}")
                if found is None:
                    continue
                last = found.sel(t=int(found.attrs["steps"]))
                average, deviation = over_samples(last["generalization_error"].astype(float))
                missed, spread = float(average), float(deviation)
                errors[depth] = missed, spread
                rows.append(("generalization", start, depth, "", int(found.attrs["steps"]), missed, spread))
                checks.append(Check(f"L = {depth}, {start}: generalization error, +- {spread:.3f}", missed))
                violated = float(last["violated"].mean())
                name = f"L = {depth}, {start}: fraction of gaps violated at the end"
                checks.append(
                    Check(name, violated, 0.0, 0.0) if start == "planted" else Check(name, violated)
                )
            if errors:
                right.errorbar(
                    list(errors), [x for x, _ in errors.values()], [e for _, e in errors.values()],
                    fmt=mark, color=colour, ms=4, capsize=1.5, label=f"{start} start",
                )  # fmt: skip
        for depth in DEPTHS:
            both = [results.get("students", f"L={depth}.{start}") for start in STARTS]
            if all(x is not None for x in both):
                first, second = (
                    x["generalization_error"].sel(t=int(x.attrs["steps"])).values
                    for x in both
                    if x is not None
                )
                name = f"L = {depth}: generalization error of random less planted starts, same samples"
                checks.append(Check(name, float(np.mean(second - first))))
        for closure, shade, line in zip(CLOSURES, (BLUE, ORANGE), ("-", "--"), strict=True):
            predicted = [_predicted(depth, closure) for depth in DEPTHS]
            right.plot(DEPTHS, predicted, line, color=shade, lw=1.4, label=closure)
            rows += [
                ("generalization", closure, d, "", "", x, 0.0) for d, x in zip(DEPTHS, predicted, strict=True)
            ]
            checks += [
                Check(f"L = {d}: generalization error by {closure}", x)
                for d, x in zip(DEPTHS, predicted, strict=True)
            ]
        right.axhline(0.5, color="0.6", lw=0.7, ls=":")
        right.set(xlabel="depth $L$", ylabel="generalization error", ylim=(0, 0.55))
        right.legend(fontsize=6)
        write(sheet, COLUMNS, rows, paths, overwrite)
    return checks


def _predicted(depth: int, closure: str) -> float:
    try:
        return generalization(depth, ALPHA, closure=closure).error
    except NoSolution:
        return float(np.nan)
