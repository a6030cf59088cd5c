"""Double descent: cross-entropy against the number of weights, of real networks (a peak where training can
just reach 0) and of binary ones (none).

Every dot is the mean over networks of one width, all trained on all patterns at once; bars are standard
errors. Below the dashed line is better than chance.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compare.resampling import standard_error
from paper_figures.sheet import BLUE, ORANGE, Paths, Row, page, write
from paper_figures.stored.results import Results
from paper_figures.stored.scores import Score, judged
from paper_figures.zou_huang2021.studies import WIDTHS

STUDIES = ("double_descent",)

CHANCE = math.log(10)
"""Cross-entropy of ten classes told apart by nothing."""

INTERPOLATED = 0.01
"""Mean training cross-entropy below which networks count as having learnt all patterns."""

STYLE = {"real": (BLUE, "o", "real weights"), "binary": (ORANGE, "s", "binary weights")}

INDEPENDENT_RUN = {
    "real": {6: (15.0, 32.0), 10: (3.0, 6.5), 20: (1.3, 2.7)}, "binary": {4: (1.9, 2.2), 10: (1.1, 1.5)}
}  # fmt: skip
"""Test cross-entropies of an independent run (6 networks a width, P = 500) by h, as ranges: 23.2, 4.6 and 1.9
of real weights; 2.07 and 1.30 of binary ones. Means of a few networks near the peak scatter by a third."""

COLUMNS = ("synapses", "h", "N/P", "networks", "quantity", "mean", "error")
QUANTITIES = (
    ("test_cost", "test cross-entropy"), ("cost", "training cross-entropy"), ("test_error", "test error")
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Curve:
    """Means over networks by width, and their standard errors; ``values[name]`` (2, widths)."""

    widths: NDArray[np.int64]
    ratio: NDArray[np.float64]
    """N/P."""
    networks: int
    values: dict[str, NDArray[np.float64]]


def curve(results: Results, kind: str) -> Curve | None:
    """What is stored of one kind of synapses; None where nothing is."""
    widths, ratios, columns, networks = [], [], [], 0
    for width in WIDTHS[results.size]:
        found = results.get("double_descent", f"{kind}.h={width}")
        if found is None:
            continue
        last = found.sel(t=int(found.attrs["steps"])).mean("draw").astype(float)
        each = {
            "cost": last["cost"].values, "test_cost": last["test_cost"].values,
            "test_error": 1 - last["test_accuracy"].values,
        }  # fmt: skip
        networks = found.sizes["sample"]
        widths.append(width)
        ratios.append(1 / float(found.attrs["alpha"]))
        columns.append({k: (x.mean(), standard_error(x)) for k, x in each.items()})
    if not widths:
        return None
    values = {k: np.array([column[k] for column in columns]).T for k, _ in QUANTITIES}
    return Curve(np.array(widths), np.array(ratios), networks, values)


def draw(results: Results, paths: Paths | None, overwrite: bool) -> list[Score]:
    """Draw what is stored, into files if ``paths`` says where; returns its numbers."""
    rows: list[Row] = []
    curves: dict[str, Curve] = {}
    with page(7.2, 2.5) as sheet:
        axes = sheet.subplots(1, 3)
        for kind, (colour, mark, name) in STYLE.items():
            found = curve(results, kind)
            if found is None:
                continue
            for axis, (quantity, _) in zip(axes, QUANTITIES, strict=True):
                mean, error = found.values[quantity]
                drawn = {"ms": 3, "lw": 0.9, "color": colour, "label": name}
                axis.errorbar(found.ratio, mean, error, fmt=f"{mark}-", **drawn)
                rows += [
                    (kind, int(h), float(x), found.networks, quantity, float(a), float(b))
                    for h, x, a, b in zip(found.widths, found.ratio, mean, error, strict=True)
                ]
            curves[kind] = found
        for axis, (_, label) in zip(axes, QUANTITIES, strict=True):
            axis.set(xscale="log", xlabel="weights per pattern $N/P$", ylabel=label)
            axis.set_xticks([0.1, 0.2, 0.5, 1, 2], ["0.1", "0.2", "0.5", "1", "2"])
            axis.minorticks_off()
        for axis in axes[:2]:
            axis.axhline(CHANCE, color="0.6", lw=0.7, ls="--")
        axes[0].set(yscale="log")
        axes[1].set(yscale="log", ylim=(1e-6, 5))
        if axes[0].get_legend_handles_labels()[0]:
            axes[0].legend(fontsize=6)
        write(sheet, COLUMNS, rows, paths, overwrite)
    if "real" not in curves:
        return []
    # Others are looked at where real networks have their peak: a place they did not choose themselves.
    top = int(curves["real"].values["test_cost"][0].argmax())
    scores = _real(results, curves["real"], top)
    return scores + (_binary(results, curves["binary"], top) if "binary" in curves else [])


def _step(found: Curve, quantity: str, place: int) -> tuple[float, float]:
    """Change of a quantity from the width before ``place`` to it, and its error."""
    mean, error = found.values[quantity]
    before = max(place - 1, 0)
    return float(mean[place] - mean[before]), math.hypot(error[place], error[before])


def _real(results: Results, found: Curve, top: int) -> list[Score]:
    test, error = found.values["test_cost"]
    learnt = np.flatnonzero(found.values["cost"][0] < INTERPOLATED)
    threshold = float(found.widths[learnt[0]]) if len(learnt) else math.nan
    fall = test[top] / test[-1]
    relative = math.hypot(error[top] / test[top], error[-1] / test[-1])
    highest = float(found.widths[top])
    return [
        Score("real: h of the largest test cross-entropy", highest, within=judged(results, 5, 7)),
        Score("real: smallest h that learns all patterns", threshold, within=judged(results, 5, 8)),
        Score("real: test cross-entropy at the peak over that at the largest h", fall, fall * relative, 1.0,
              judged(results, 4.0, None)),
        Score("real: change of test error to that h from the one before", *_step(found, "test_error", top)),
        *_independent_run(results, "real", found),
    ]  # fmt: skip


def _binary(results: Results, found: Curve, top: int) -> list[Score]:
    change, both = _step(found, "test_cost", top)
    left, spread = (float(x) for x in found.values["cost"][:, -1])
    rise = "binary: change of test cross-entropy to that h from the one before"
    some = "binary: training cross-entropy at the largest h"
    return [
        Score(rise, change, both, 0.0, judged(results, None, 0.0)),
        Score(some, left, spread, within=judged(results, INTERPOLATED, None)),
        *_independent_run(results, "binary", found),
    ]


def _independent_run(results: Results, kind: str, found: Curve) -> list[Score]:
    """Beside an independent run of the same networks."""
    scores = []
    for width, (low, high) in INDEPENDENT_RUN[kind].items():
        for k in np.flatnonzero(found.widths == width):
            value, error = map(float, found.values["test_cost"][:, k])
            name = f"{kind}: test cross-entropy at h = {width}"
            scores.append(Score(name, value, error, CHANCE, judged(results, low, high)))
    return scores
