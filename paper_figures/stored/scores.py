"""Numbers that carry a figure's claim: ours, that of the null, and what was to be expected.

Where a paper's figures are not digitised, the expected ranges are those of an independent run of the same
scaled-down networks, and those of the paper's own claims. They are judged at laptop size only.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from deepglass.cli import table as aligned
from paper_figures.stored.results import Results

Range = tuple[float | None, float | None]
"""Lowest and highest; either may be open."""

OPEN: Range = (None, None)
"""Nothing is expected."""

JUDGED = "laptop"
"""The size at which numbers are held against what is expected."""


def number(value: float | None, error: float = math.nan) -> str:
    """``0.574(12)``: a value with the uncertainty of its last digits; ``-`` if it is missing."""
    if value is None or not math.isfinite(value):
        return "-"
    if not math.isfinite(error) or error <= 0:
        return f"{value:.4g}"
    digits = max(
        -math.floor(math.log10(error)) + (1 if error / 10 ** math.floor(math.log10(error)) < 2.95 else 0), 0
    )
    if abs(value) >= 1e5 or digits > 7:
        return f"{value:.3g} +- {error:.1g}"
    shown = round(error * 10**digits)
    return f"{value:.{digits}f}({shown})" if digits else f"{value:.0f}({error:.0f})"


def columns(null: str = "null") -> tuple[str, ...]:
    """Of a table of scores; ``null`` names what stands beside our numbers."""
    return ("number", "ours", null, "expected", "verdict")


def judged(results: Results, low: float | None, high: float | None) -> Range:
    """Bounds of a score, where they mean anything."""
    return (low, high) if results.size == JUDGED else OPEN


@dataclass(frozen=True)
class Score:
    """One number. ``null``: the same where there is nothing to be found; ``within``: where it should be."""

    what: str
    value: float
    error: float = math.nan
    null: float = math.nan
    within: Range = OPEN

    @property
    def verdict(self) -> str:
        """``passes``, ``within error`` (two standard ones), ``fails``, ``reported``, or ``not measured``."""
        low, high = self.within
        if math.isnan(self.value):
            return "not measured"
        if self.within == OPEN:
            return "reported"
        below = 0.0 if low is None else max(low - self.value, 0.0)
        above = 0.0 if high is None else max(self.value - high, 0.0)
        if below == above == 0:
            return "passes"
        return "within error" if max(below, above) <= 2 * self.error else "fails"

    @property
    def expected(self) -> str:
        """The range in words."""
        low, high = self.within
        if low is None:
            return "" if high is None else f"<= {high:.3g}"
        return f">= {low:.3g}" if high is None else f"{low:.3g} to {high:.3g}"


def rows(scores: Iterable[Score]) -> list[list[str]]:
    """As cells of a table."""
    return [
        [
            s.what,
            number(s.value, s.error),
            "" if math.isnan(s.null) else f"{s.null:.3g}",
            s.expected,
            s.verdict,
        ]
        for s in scores
    ]


def table(scores: Iterable[Score], null: str = "null") -> str:
    """As an aligned text table."""
    cells = rows(scores)
    return aligned([(name, [row[k] for row in cells]) for k, name in enumerate(columns(null))])
