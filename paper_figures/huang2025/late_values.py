"""E* and A*, the late energy and test accuracy, against ln alpha: Figs. 2e and 2f.

Late is a window of time, the last factor of two that ours and the paper's curves share; the paper's numbers
are the means of its own curves, Figs. 2a to 2d, over that window.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr

from paper_figures.huang2025 import measures, notes, relaxation, time_panels
from paper_figures.huang2025.claims import Estimate, estimate
from paper_figures.huang2025.panel import Panel
from paper_figures.huang2025.reference import FIXED_M, FIXED_N, Curve, curves
from paper_figures.huang2025.studies import studies_at
from paper_figures.sheet import BLUE, ORANGE

REPEAT_A, REPEAT_E = 0.012, 0.06
"""By how much the paper's own repeats of one setting differ: in A*, and as a fraction in E*."""

ERROR_A, ERROR_E = REPEAT_A / math.sqrt(2), REPEAT_E / math.sqrt(2)
"""Hence the error of one: the difference of two has sqrt(2) times as much."""

MOST_ACCURATE = 3.2
"""ln alpha of the largest A* at N = 10, as the text says it, and the ensemble there."""
BEST = "M=250"

HIGHEST = 0.98
"""Test accuracy that machines reach, as the text says; 98 % is meant to half a percent."""

LEARNT = 0.6
"""Late test accuracy below which a machine sits at chance: as one does that answers one class for all."""

LARGEST = "M=4000"
"""At N = 10; runs only exist at the size that has so many images."""

SHOWN = {f"M={m}": FIXED_N.get(f"M={m}", "") for m in (10, 20, 40, 80, 160, 250, 500, 1000)}
SHOWN |= {"N=10": FIXED_M["N=10"]}
"""The paper's series by ensembles at N = 10, empty where it has no curve; N=10 at M = 2000 is of both."""


@dataclass(frozen=True, eq=False)
class Point:
    """A late value.

    Attributes:
        values: ours, one a sample; None if there is none.
        x: ln alpha of ours.
        paper, paper_x: the paper's and its ln alpha; missing if there is none.
        note: for its claim.
    """

    values: xr.DataArray | None
    x: float
    paper: float
    paper_x: float
    note: str

    @property
    def ours(self) -> Estimate | None:
        """Over samples."""
        return None if self.values is None else estimate(self.values)


def accuracy_error(curve: Curve, t: float) -> float:
    """Of A(t) of the paper: the scatter of its points, and no less than that of its repeats."""
    return max(relaxation.scatter(curve, t), ERROR_A)


def of_paper(curve: Curve, until: float) -> float:
    """A late value of the paper's, see :func:`relaxation.late`; missing where the curve has no points."""
    return float(relaxation.late(relaxation.as_values(curve), until)[0])


def at_chance(late: xr.DataArray | None) -> str:
    """How many late test accuracies are below LEARNT, ``2 of 6 samples at chance``; empty if none."""
    stuck = 0 if late is None else int((late < LEARNT).sum())
    return "" if late is None or not stuck else f"{stuck} of {int(late.count())} samples at chance"


def span(until: float) -> str:
    """In words, the times a late value is a mean over."""
    first, last = (notes.short(float(f"{t:.2g}")) for t in (until / 2, until))
    return f"t = {first}..{last}"


def point(panel: Panel, label: str, series: str, quantity: str) -> Point:
    """The late ``quantity``, E or A, of an ensemble."""
    by_patterns = label.startswith("M=")
    result = panel.get("patterns" if by_patterns else "widths", label)
    letter = {"E": "a", "A": "b"}[quantity] if by_patterns else {"E": "c", "A": "d"}[quantity]
    curve = curves(f"2{letter}").get(series)
    values = None
    if result is not None:
        # As in Figs. 2a and 2c: the paper's E(0) is not at the same step in both.
        ratio = measures.energy_ratio(result, 12 if by_patterns else measures.E0_TIME)
        values = ratio if quantity == "E" else result["A_tanh"]
    reach = [v for v in (values, None if curve is None else relaxation.as_values(curve)) if v is not None]
    until = relaxation.end(*reach) if reach else math.nan
    patterns = int(label.removeprefix("M=")) if by_patterns else 2000
    late = None if values is None else relaxation.late(values, until)
    told = (span(until) if reach else "", at_chance(late) if quantity == "A" else "")
    return Point(
        late,
        math.nan if result is None else math.log(result.attrs["alpha"]),
        math.nan if curve is None else of_paper(curve, until),
        float(series.removeprefix("lnalpha=") or "nan"),
        notes.note(result, *told, patterns=patterns),
    )


def _draw(panel: Panel, quantity: str) -> dict[str, Point]:
    """Both series; returns the points by label."""
    fixed_n = dict(SHOWN)
    if LARGEST in studies_at(panel.results.size)["patterns"].ensembles:
        fixed_n[LARGEST] = ""
    found: dict[str, Point] = {}
    for name, series, colour in (("N = 10", fixed_n, BLUE), ("M = 2000", FIXED_M, ORANGE)):
        points = {label: point(panel, label, of, quantity) for label, of in series.items()}
        theirs = [p for p in points.values() if math.isfinite(p.paper)]
        panel.axes.plot(
            [p.paper_x for p in theirs], [p.paper for p in theirs], "o", ms=5, mfc="none", color=colour
        )
        panel.record("paper", name, [p.paper_x for p in theirs], [p.paper for p in theirs])
        ours = [(p.x, p.ours) for p in points.values() if p.ours is not None]
        if ours:
            panel.ours(
                name, [x for x, _ in ours], [e.value for _, e in ours], [e.error for _, e in ours],
                colour=colour, bars=True, label=f"${name}$", ms=3,
            )  # fmt: skip
        for label, p in points.items():
            if label not in found:
                error = ERROR_A if quantity == "A" else ERROR_E * p.paper
                panel.claim(f"{quantity}*, {label}", p.ours, p.paper, error, note=p.note)
        found |= points
    _mark_largest(panel, found, "right" if quantity == "E" else "left")
    panel.axes.set(xlabel=r"$\ln\alpha$")
    return found


def _mark_largest(panel: Panel, found: Mapping[str, Point], side: Literal["left", "right"]) -> None:
    """Say how large M is at most, if it is not the paper's 4000."""
    largest = panel.get("widths", "N=10")
    if LARGEST not in found and largest is not None:
        most = largest.attrs["patterns"]
        time_panels.remark(panel, rf"ours: $M \leq {most}$" + "\n(paper: 2000, 4000)", side)


def energies(panel: Panel) -> None:
    """(e): E* = E(t)/E(0) at late times."""
    _draw(panel, "E")
    panel.axes.set(yscale="log", ylabel="$E^*/E(0)$")
    time_panels.legend(panel, "upper left")


def accuracies(panel: Panel) -> None:
    """(f): A* of the tanh network at late times, and whether it is largest in between, as the text says.

    The ends are compared with the ensemble at the text's maximum, not with the largest of ours, which is
    larger than its neighbours by chance alone.
    """
    points = _draw(panel, "A")
    found = {label: p for label, p in points.items() if label.startswith("M=") or label == "N=10"}
    panel.axes.axvline(MOST_ACCURATE, color="0.6", lw=0.6, ls=":")
    panel.axes.set(ylim=(0.45, 1.02), ylabel="$A^*$")
    time_panels.legend(panel, "lower right")
    top = max(points, key=lambda label: np.nan_to_num(points[label].paper))
    told = notes.joined("up to 98 %, said of all machines; ours of the best by its curves", points[top].note)
    panel.claim(f"largest A*, {top}", points[top].ours, HIGHEST, 0.005, "text", told)
    missing = [label for label, p in found.items() if p.values is None]
    values = {p.x: p.values.values for p in found.values() if p.values is not None}
    # Fewer than all could hide the largest; at the smallest size several have the same M.
    place = relaxation.maximum(values) if len(values) == len(found) else None
    # The text's place cannot be meant more closely than the points lie.
    reach = math.log(500 / 160) / 2
    told = f"missing: {', '.join(missing)}" if missing else ""
    panel.claim("ln alpha of the largest A*, N = 10", place, MOST_ACCURATE, reach, "text", told)
    best = found[BEST]
    ends = [label for label in ("M=10", "N=10", LARGEST) if label in found]
    for label in ends:
        other = found[label]
        ours = None
        if best.ours is not None and other.ours is not None:
            ours = relaxation.unlike(best.ours, other.ours)
        told = notes.joined("text: > 0", other.note)
        panel.claim(f"A*, {BEST} - A*, {label}", ours, best.paper - other.paper, REPEAT_A, note=told)
