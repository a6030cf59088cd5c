"""A figure: its panels on one page, drawn from stored results."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from matplotlib.figure import Figure as Page

from deepglass.errors import InvalidInput
from paper_figures.huang2025.claims import Claim
from paper_figures.huang2025.panel import COLUMNS, Panel
from paper_figures.sheet import Paths, Row, page, write
from paper_figures.stored.results import Results

Draw = Callable[[Panel], None]


@dataclass(frozen=True)
class Figure:
    """What is drawn, and from what.

    Attributes:
        name: as the paper numbers it, ``2`` or ``S1``; a word for a figure of our own.
        panels: by letter; the empty letter for a figure without.
        studies: what each panel is drawn from: a study, ``widths``, or one ensemble of it, ``widths/N=10``.
        columns: panels side by side.
        width, height: of a panel, inches.
    """

    name: str
    panels: Mapping[str, Draw]
    studies: Mapping[str, Sequence[str]]
    columns: int = 2
    width: float = 3.4
    height: float = 2.7

    def chosen(self, letter: str) -> list[str]:
        """All panels for an empty ``letter``, else that one; raises InvalidInput if there is none."""
        if not letter or letter in self.panels:
            return [letter] if letter in self.panels else list(self.panels)
        raise InvalidInput(f"figure {self.name} has no panel {letter!r}; it has {', '.join(self.panels)}")

    def draw(self, letters: Sequence[str], results: Results, paths: Paths, overwrite: bool) -> list[Claim]:
        """Draw panels on one page; returns their claims."""
        with self._page(letters) as sheet:
            panels = self._fill(sheet, letters, results)
            rows: list[Row] = [row for panel in panels for row in panel.rows]
            write(sheet, COLUMNS, rows, paths, overwrite)
        return [claim for panel in panels for claim in panel.claims]

    def claims(self, results: Results) -> list[Claim]:
        """The claims of all panels; nothing is written."""
        with self._page(list(self.panels)) as sheet:
            panels = self._fill(sheet, list(self.panels), results)
        return [claim for panel in panels for claim in panel.claims]

    def _page(self, letters: Sequence[str]) -> AbstractContextManager[Page]:
        columns = min(self.columns, len(letters))
        return page(self.width * columns, self.height * -(-len(letters) // columns) + 0.25)

    def _fill(self, sheet: Page, letters: Sequence[str], results: Results) -> list[Panel]:
        columns = min(self.columns, len(letters))
        axes = sheet.subplots(-(-len(letters) // columns), columns, squeeze=False).ravel()
        panels = []
        for letter, axis in zip(letters, axes, strict=False):
            panel = Panel(f"{self.name}{letter}", axis, results)
            self.panels[letter](panel)
            if letter:
                axis.set_title(f"({letter})", loc="left", fontsize=9)
            panels.append(panel)
        for axis in axes[len(letters) :]:
            axis.remove()
        sheet.suptitle(f"{_title(self.name)}: {results.size} size", fontsize=7, color="0.3")
        return panels

    def needs(self, letters: Sequence[str]) -> dict[str, list[str] | None]:
        """Studies behind panels, with the labels of the ensembles that are wanted; None: all of them."""
        found: dict[str, list[str] | None] = {}
        for name in dict.fromkeys(name for letter in letters for name in self.studies[letter]):
            study, _, label = name.partition("/")
            known = found.setdefault(study, [])
            if not label:
                found[study] = None
            elif known is not None:
                known.append(label)
        return found


def _title(name: str) -> str:
    return f"Fig. {name} of arXiv:2506.06789" if name[-1].isdigit() else f"deepglass, {name}"


def stem(figure: Figure, letter: str) -> str:
    """Name of the files of a figure or of one of its panels."""
    return f"fig{figure.name}{letter}" if figure.name[-1].isdigit() else f"{figure.name}{letter}"
