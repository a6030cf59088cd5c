"""Measured: what students at temperature 0 learn of their teacher, layer by layer and depth by depth.

Fully connected, hard core, alpha = 4. Students who start as the teacher leave it and stay solutions;
students who start at random move towards being one. Both are judged on fresh inputs. The theory beside them
is that of equilibrium and N to infinity. At these times the two sides have met at N = 10 for all depths (at
L = 2 nearly), at N = 20 for L = 1 only; errors still rise from one width to the other, towards it.
"""

import numpy as np
from matplotlib.axes import Axes

from compare.resampling import standard_error
from deepglass.errors import NoSolution
from paper_figures.checks import Check
from paper_figures.perceptron.overlaps import curve
from paper_figures.perceptron.studies import DEPTHS, STUDENT_WIDTHS, student
from paper_figures.sheet import BLUE, GREEN, ORANGE, Paths, Row, page, sequence, write
from paper_figures.stored.results import Results
from simulate.store import over_samples
from theory import CLOSURES
from theory.predictions import generalization

STUDIES = ("students",)
ALPHA = 4.0
SHOWN = 3
"""Depth whose layers are shown."""

COLUMNS = ("panel", "start", "depth", "N", "layer", "t", "value", "error")
STARTS = {"planted": (GREEN, "o"), "random": ("0.35", "s")}


def draw(results: Results, paths: Paths, overwrite: bool) -> list[Check]:
    """Draw what is stored; returns errors of generalization, and the gaps that stay violated."""
    rows: list[Row] = []
    checks: list[Check] = []
    widths = STUDENT_WIDTHS[results.size]
    with page(7.2, 2.8) as sheet:
        left, middle, right = sheet.subplots(1, 3)
        for start, axis in (("planted", left), ("random", middle)):
            rows += _layers(results, start, widths[-1], axis)
        left.set_ylabel("overlap with the teacher's neurons,\nfresh inputs")
        for width in widths:
            for start in STARTS:
                more, said = _errors(results, start, width, width == widths[-1], right)
                rows, checks = rows + more, checks + said
            checks += _apart(results, width)
        for closure, shade, line in zip(CLOSURES, (BLUE, ORANGE), ("-", "--"), strict=True):
            predicted = [_predicted(depth, closure) for depth in DEPTHS]
            right.plot(DEPTHS, predicted, line, color=shade, lw=1.4, label=closure)
            rows += [
                ("generalization", closure, d, "", "", "", x, 0.0)
                for d, x in zip(DEPTHS, predicted, strict=True)
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


def _layers(results: Results, start: str, width: int, axis: Axes) -> list[Row]:
    """How the layers of one depth forget, or find, their teacher."""
    axis.set(xscale="log", xlabel="sweeps $t$", ylim=(-0.05, 1.05))
    axis.set_title(f"{start} start, $L={SHOWN}$, $N={width}$", fontsize=8)
    found = results.get("students", student(SHOWN, width, start))
    if found is None:
        return []
    rows: list[Row] = []
    for layer, colour in zip(range(1, SHOWN + 1), sequence(SHOWN), strict=True):
        t, value, error = curve(found, "q_test_teacher", layer)
        axis.plot(t, value, color=colour, label=f"$l={layer}$")
        axis.fill_between(t, value - error, value + error, color=colour, alpha=0.25, lw=0)
        for point in zip(t, value, error, strict=True):
            rows.append(("layers", start, SHOWN, width, layer, *map(float, point)))
    axis.legend(fontsize=6)
    return rows


def _errors(
    results: Results, start: str, width: int, filled: bool, axis: Axes
) -> tuple[list[Row], list[Check]]:
    """Errors of generalization at the end against depth, and whether students are solutions."""
    rows: list[Row] = []
    checks: list[Check] = []
    errors = {}
    for depth in DEPTHS:
        found = results.get("students", student(depth, width, start))
        if found is None:
            continue
        end, at = int(found.attrs["steps"]), f"L = {depth}, N = {width}, {start}"
        last = found.sel(t=end)
        missed, spread = map(float, over_samples(last["generalization_error"].astype(float)))
        errors[depth] = missed, spread
        rows.append(("generalization", start, depth, width, "", end, missed, spread))
        checks.append(Check(f"{at}: generalization error, +- {spread:.3f}", missed))
        violated = float(last["violated"].mean())
        bounds = (0.0, 0.0) if start == "planted" else ()
        checks.append(Check(f"{at}: fraction of gaps violated at the end", violated, *bounds))
    if errors:
        colour, mark = STARTS[start]
        axis.errorbar(
            list(errors), [x for x, _ in errors.values()], [e for _, e in errors.values()], fmt=mark,
            color=colour, mfc=colour if filled else "white", ms=4, capsize=1.5, label=f"{start}, $N={width}$",
        )  # fmt: skip
    return rows, checks


def _apart(results: Results, width: int) -> list[Check]:
    """How far the two starts still are from each other."""
    checks = []
    for depth in DEPTHS:
        ends = []
        for start in STARTS:
            found = results.get("students", student(depth, width, start))
            if found is not None:
                ends.append(found["generalization_error"].sel(t=int(found.attrs["steps"])).values)
        if len(ends) == len(STARTS):
            apart = ends[1] - ends[0]  # of the same samples
            error = float(standard_error(apart))
            at = f"L = {depth}, N = {width}"
            name = f"{at}: generalization error of random less planted starts, +- {error:.3f}"
            checks.append(Check(name, float(np.mean(apart))))
    return checks


def _predicted(depth: int, closure: str) -> float:
    try:
        return generalization(depth, ALPHA, closure=closure).error
    except NoSolution:
        return float(np.nan)
