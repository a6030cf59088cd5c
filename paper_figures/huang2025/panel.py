"""A panel: axes that remember what was drawn on them, and the claims that go with it.

Ours is drawn as lines (a band is the standard error over samples), the paper's digitised curves as open
circles in the same colour. Whatever is drawn goes into the figure's CSV.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from paper_figures.huang2025 import measures, notes
from paper_figures.huang2025.claims import Claim, Estimate
from paper_figures.huang2025.reference import Curve, curves, reading_error
from paper_figures.sheet import Colour, Row
from paper_figures.stored.results import Results

COLUMNS = ("panel", "who", "series", "x", "y", "error")


@dataclass
class Panel:
    """One panel of a figure.

    Attributes:
        name: as the paper names it, ``2c``.
        axes: where it is drawn.
        results: the stored results at the size in hand.
        claims, rows: what has been claimed and drawn so far.
    """

    name: str
    axes: Axes
    results: Results
    claims: list[Claim] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    @property
    def paper(self) -> dict[str, Curve]:
        """The paper's digitised curves of this panel by name; empty if there are none."""
        return curves(self.name)

    def get(self, study: str, label: str) -> xr.Dataset | None:
        """A stored result, or None."""
        return self.results.get(study, label)

    def ours(
        self, series: str, x: ArrayLike, y: ArrayLike, error: ArrayLike | None = None, *,
        colour: Colour | None = None, label: str | None = None, bars: bool = False, **style: Any,
    ) -> None:  # fmt: skip
        """Draw a curve of ours: a line with a band, or with ``bars`` points with error bars."""
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        error = np.full_like(y, np.nan) if error is None else np.asarray(error, dtype=float)
        name = series if label is None else label
        if bars:
            known = np.where(np.isfinite(error), error, 0.0)
            self.axes.errorbar(x, y, yerr=known, color=colour, label=name, **{"fmt": "o-", **style})
        else:
            (line,) = self.axes.plot(x, y, color=colour, label=name, **style)
            if np.isfinite(error).any():
                self.axes.fill_between(x, y - error, y + error, color=line.get_color(), alpha=0.25, lw=0)
        self._record("ours", series, x, y, error)

    def beside(self, series: str, curve: Curve, *, colour: Colour | None = None) -> None:
        """Draw a curve of the paper as open circles."""
        self.axes.plot(curve.x, curve.y, "o", ms=2.4, mfc="none", mew=0.6, color=colour, zorder=1)
        self._record("paper", series, curve.x, curve.y, curve.error)

    def record(
        self, who: str, series: str, x: ArrayLike, y: ArrayLike, error: ArrayLike | None = None
    ) -> None:
        """Put into the CSV what was drawn otherwise, such as a histogram or an image (x: its flat index)."""
        y = np.asarray(y, dtype=float).ravel()
        self._record(
            who,
            series,
            np.asarray(x, dtype=float).ravel(),
            y,
            np.full_like(y, np.nan) if error is None else np.asarray(error, dtype=float).ravel(),
        )

    def claim(
        self, name: str, ours: Estimate | None, paper: float | None = None, paper_error: float = 0.0,
        source: str = "digitised", note: str = "", *, reading: float | None = None, at_least: bool = False,
        test: Estimate | None = None,
    ) -> None:  # fmt: skip
        """Add a row to the scoreboard; see :class:`Claim`.

        ``reading`` is only needed for a digitised number that is not as the panel's axis has it. Nothing is
        compared at the smallest size: its machines are toys.
        """
        if paper is not None and not np.isfinite(paper):
            paper = None
        if self.results.size == "smoke" and paper is not None:
            paper, note = None, notes.joined(note, notes.TOYS)
        if paper is None:
            source, reading, test = "", 0.0, None
        elif source != "digitised":
            reading = 0.0
        elif reading is None:
            reading = reading_error(self.name, paper)
        self.claims.append(
            Claim(self.name, name, ours, paper, paper_error, source, note, reading or 0.0, at_least, test)
        )

    def compare(
        self, name: str, ours: xr.DataArray | None, curve: Curve, times: Sequence[int], *, note: str = "",
        error: Callable[[Curve, float], float] | None = None,
    ) -> None:  # fmt: skip
        """Claims of values (t, sample) at several times beside a curve of the paper.

        ``name`` has the time as ``{t}`` or, in short, ``{short}``; ``error`` gives that of the paper's curve.
        """
        for t in times:
            known = 0.0 if error is None else error(curve, t)
            told = name.format(t=t, short=notes.short(t))
            self.claim(told, measures.reading(ours, t, curve.x), curve.at(t), known, note=note)

    def legend(self, **style: Any) -> None:
        """A legend, if there is anything to name."""
        if self.axes.get_legend_handles_labels()[0]:
            self.axes.legend(**style)

    def empty(self, why: str) -> None:
        """Say in the panel why something is missing."""
        self.axes.text(
            0.5, 0.5, why, transform=self.axes.transAxes, ha="center", va="center", fontsize=7, color="0.4"
        )

    def _record(self, who: str, series: str, x: Any, y: Any, error: Any) -> None:
        rows: Sequence[Row] = [
            (self.name, who, series, *(float(v) for v in values)) for values in zip(x, y, error, strict=True)
        ]
        self.rows.extend(rows)
