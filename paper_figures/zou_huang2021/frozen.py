"""Frozen layers: how well networks do when one layer of weights stays at random, each layer in turn.

The claim is about the interior; the boundaries are its controls. Left: learning; middle and right: accuracy
on the test of every network, mean over its draws and best of them.
"""

import math

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from compare.resampling import standard_error
from paper_figures.sheet import BLUE, GREEN, ORANGE, Paths, Row, page, write
from paper_figures.stored.results import Results
from paper_figures.stored.scores import OPEN, Score, judged
from paper_figures.zou_huang2021.studies import FROZEN
from simulate.store import over_samples

STUDIES = ("frozen",)

STYLE = {
    "none": ("0.3", "all learn"),
    "input": (ORANGE, "input\nfrozen"),
    "interior": (BLUE, "interior\nfrozen"),
    "output": (GREEN, "output\nfrozen"),
}

NEAR = 0.02
"""Loss of accuracy up to which a frozen layer costs "almost nothing"; networks that all learn differ by 0.02
from one another."""

COLUMNS = ("panel", "frozen", "t or network", "value", "error")


def draw(results: Results, paths: Paths | None, overwrite: bool) -> list[Score]:
    """Draw what is stored, into files if ``paths`` says where; returns its numbers."""
    rows: list[Row] = []
    stored = {name: results.get("frozen", name) for name in FROZEN}
    found = {name: result for name, result in stored.items() if result is not None}
    with page(7.2, 2.5) as sheet:
        left, middle, right = sheet.subplots(1, 3, width_ratios=[1.2, 1, 1])
        for place, (name, result) in enumerate(found.items()):
            colour, label = STYLE[name]
            mean = result["test_accuracy"].mean("draw").astype(float)
            curve, error = over_samples(mean)
            known = result["t"].values > 0
            t = result["t"].values[known]
            left.errorbar(t, curve.values[known], error.values[known], color=colour, lw=1.0,
                          label=label.replace("\n", " "))  # fmt: skip
            rows += [
                ("learning", name, int(a), float(b), float(c))
                for a, b, c in zip(t, curve.values[known], error.values[known], strict=True)
            ]
            for axis, best in ((middle, False), (right, True)):
                values = accuracy(result, best=best)
                shifts = np.linspace(-0.25, 0.25, len(values))
                axis.plot(place + shifts, np.sort(values), ".", ms=2, color=colour)
                axis.plot(place, values.mean(), "_", ms=16, mew=1.5, color="black")
                rows += [
                    ("best of draws" if best else "mean of draws", name, k, float(x), "")
                    for k, x in enumerate(values)
                ]
        left.set(xscale="log", xlabel="steps of Adam", ylabel="accuracy on the test")
        names = [STYLE[name][1] for name in found]
        for axis, title in ((middle, "mean of its draws"), (right, "best of its draws")):
            axis.set_xticks(range(len(names)), names, fontsize=6)
            axis.set(ylabel=f"accuracy, {title}")
        if found:
            left.legend(fontsize=6)
        write(sheet, COLUMNS, rows, paths, overwrite)
    return _scores(results, found)


def accuracy(result: xr.Dataset, *, best: bool) -> NDArray[np.float64]:
    """On the test, of every network: mean over its draws, or the best of them."""
    last = result["test_accuracy"].sel(t=int(result.attrs["steps"])).astype(float)
    chosen: NDArray[np.float64] = (last.max("draw") if best else last.mean("draw")).values
    return chosen


def _scores(results: Results, found: dict[str, xr.Dataset]) -> list[Score]:
    if "none" not in found:
        return []
    scores = []
    for best in (False, True):
        kind = "best of its draws" if best else "mean of its draws"
        own = accuracy(found["none"], best=best)
        spread = float(standard_error(own))
        scores.append(Score(f"all learn, {kind}: accuracy", float(own.mean()), spread, 0.1))
        for name, result in found.items():
            if name == "none":
                continue
            other = accuracy(result, best=best)
            cost = float(own.mean() - other.mean())
            both = math.hypot(spread, standard_error(other))
            # Equality needs the whole interval of two errors.
            bounds = judged(results, None, NEAR - 2 * both) if name == "interior" else OPEN
            what = f"{name} frozen, {kind}: accuracy lost"
            scores.append(Score(what, cost, both, 0.0, bounds))
    return scores
