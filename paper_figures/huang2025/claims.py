"""Numbers that carry a figure's claim: ours with its error, the paper's beside it, and a verdict.

The test behind a verdict is Student's: t = (ours - paper)/error, with Welch's degrees of freedom (those of
our samples, and no end of them for the paper's error, whose samples are not known). A number *differs* when
a true one would be as far off once in a hundred times. What a text says (``tau_0 ~ 1e3``) is an interval as
wide as its words reach: only what lies beyond it is held against our error. A time at which a curve falls to
a level is judged by how far our curve is from the level at the paper's time: the error of a value is over
samples, that of a time is not, where curves linger at the level.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import stats

from compare.resampling import standard_error
from deepglass.cli import table as aligned
from paper_figures.stored.scores import number

RARE = 0.01
"""Probability of a verdict ``differs`` where ours and the paper's are the same."""

VERDICTS = (
    "agrees", "differs", "too few samples", "not reached", "no reference", "no error bar", "undefined",
    "not run at this size",
)  # fmt: skip

COLUMNS = ("panel", "number", "ours", "n", "paper", "z", "verdict", "source", "note")
"""Of a table of claims; n is the number of samples."""


@dataclass(frozen=True)
class Estimate:
    """A number with its standard error over ``samples`` (missing for one; 0 for what is no mean)."""

    value: float
    error: float
    samples: int


def estimate(values: xr.DataArray | Sequence[float]) -> Estimate:
    """Mean and standard error of one value a sample; values that are missing do not count."""
    array = np.asarray(values, dtype=float).ravel()
    array = array[np.isfinite(array)]
    if array.size == 0:
        return Estimate(math.nan, math.nan, 0)
    return Estimate(float(array.mean()), float(standard_error(array)), array.size)


@dataclass(frozen=True)
class Claim:
    """One row of the scoreboard.

    Attributes:
        panel: as the paper names it, ``2c``.
        name: what the number is.
        ours: our estimate; None if its study was not run at this size.
        paper: the paper's number, None if there is none.
        paper_error: its standard error, or for a text how far the words reach; 0 if not known.
        source: ``digitised``, ``text``, or empty without a paper's number.
        note: what is not as in the paper, such as M = 1715 for 2000.
        reading: error of reading ``paper`` off its figure; see :func:`reference.reading_error`.
        at_least: whether ours is only a lower bound, such as a time that is beyond the end of the run.
        test: what the verdict is taken from, beside 0, where it is not ours - paper; *not reached* where that
            is missing (NaN).
    """

    panel: str
    name: str
    ours: Estimate | None
    paper: float | None = None
    paper_error: float = 0.0
    source: str = ""
    note: str = ""
    reading: float = 0.0
    at_least: bool = False
    test: Estimate | None = None

    @property
    def key(self) -> str:
        """What explanations refer to it by."""
        return f"{self.panel}: {self.name}"

    @property
    def spread(self) -> float:
        """The paper's error, with that of reading its figure; 0 for a text, whose reach is no error."""
        if self.source == "text" or self.paper is None:
            return 0.0
        known = self.paper_error if math.isfinite(self.paper_error) else 0.0
        return math.hypot(known, self.reading)

    @property
    def error(self) -> float:
        """Of the difference, or of the test."""
        if self.test is not None:
            return self.test.error
        return math.nan if self.ours is None else math.hypot(self.ours.error, self.spread)

    @property
    def distance(self) -> float:
        """Ours - paper; of a text, what lies beyond its reach; the test, where there is one."""
        if self.test is not None:
            return self.test.value
        if self.ours is None or self.paper is None:
            return math.nan
        difference = self.ours.value - self.paper
        reach = self.paper_error if self.source == "text" else 0.0
        return math.copysign(max(abs(difference) - reach, 0.0), difference)

    @property
    def z(self) -> float:
        """distance/error; missing without a paper's number or an error."""
        return self.distance / self.error if self.error > 0 else math.nan

    @property
    def verdict(self) -> str:
        """One of :data:`VERDICTS`."""
        if self.ours is None:
            return "not run at this size"
        if not math.isfinite(self.ours.value):
            return "undefined"
        if self.paper is None or not math.isfinite(self.paper):
            return "no reference"
        if self.test is not None and not math.isfinite(self.test.value):
            return "not reached"
        if self.error == 0:
            return "agrees" if self.distance == 0 else "differs"
        if math.isnan(self.z):
            return "no error bar"
        if 2 * stats.t.sf(abs(self.z), self.freedom) < RARE:
            return "differs"
        # Two samples would hide 60 errors; what many would refute does not agree.
        return "too few samples" if 2 * stats.norm.sf(abs(self.z)) < RARE else "agrees"

    @property
    def freedom(self) -> float:
        """Welch's degrees of freedom of the difference, or those of the test."""
        if self.test is not None:
            return max(self.test.samples - 1, 1)
        if self.ours is None or not self.ours.error > 0:
            return math.inf
        return max(self.ours.samples - 1, 1) * (self.error / self.ours.error) ** 4


def rows(claims: Iterable[Claim]) -> list[dict[str, str]]:
    """The claims as cells of a table."""
    return [
        {
            "panel": claim.panel,
            "number": claim.name,
            "ours": "-" if claim.ours is None else _ours(claim, claim.ours),
            "n": "-" if claim.ours is None or not claim.ours.samples else str(claim.ours.samples),
            "paper": number(claim.paper, claim.paper_error),
            "z": "-" if math.isnan(claim.z) else f"{claim.z:+.1f}",
            "verdict": claim.verdict,
            "source": claim.source,
            "note": claim.note,
        }
        for claim in claims
    ]


def _ours(claim: Claim, ours: Estimate) -> str:
    return f"> {number(ours.value)}" if claim.at_least else number(ours.value, ours.error)


def table(claims: Iterable[Claim]) -> str:
    """The claims as an aligned text table."""
    listed = rows(claims)
    return aligned([(name, [row[name] for row in listed]) for name in COLUMNS])
