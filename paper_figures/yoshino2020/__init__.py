"""Figures of the layered replica theory: Yoshino, SciPost Phys. Core 2, 005 (2020), arXiv:1910.09918.

One module per figure: ``make(folder, size, overwrite)`` of one that is solved, ``draw(results, paths,
overwrite)`` of one that is measured. Both write PNG, PDF and CSV, and return the numbers that were checked
(:class:`paper_figures.checks.Check`).
"""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path

from deepglass import checks as values
from paper_figures.checks import Check
from paper_figures.sheet import targets

THEORY = ("profiles", "hierarchy", "penetration", "branches", "capacity", "generalization", "closures")
"""Names of the figures that are solved, which are those of their modules."""

FIGURES = ("relaxation", "widths")
"""Those that are measured, of stored results; see :mod:`paper_figures.perceptron.overlaps`."""

SIZES = ("smoke", "laptop")

__all__ = ["FIGURES", "SIZES", "THEORY", "Check", "make"]


def make(
    folder: Path, figure: str | None = None, size: str = "laptop", overwrite: bool = False
) -> Iterator[tuple[str, list[Check]]]:
    """Draw one figure that is solved, or all of them, into ``folder``; yields names and checked numbers.

    ``size``: ``smoke`` (seconds a figure) or ``laptop`` (minutes). Raises InvalidInput before any work for
    an unknown figure or size and for files that cannot be written.
    """
    names = THEORY if figure is None else (values.one_of("figure", figure, THEORY),)
    size = values.one_of("size", size, SIZES)
    for name in names:
        targets(folder, name, overwrite)
    return _made(folder, names, size, overwrite)


def _made(
    folder: Path, names: tuple[str, ...], size: str, overwrite: bool
) -> Iterator[tuple[str, list[Check]]]:
    for name in names:
        draw: Callable[[Path, str, bool], list[Check]] = importlib.import_module(f"{__name__}.{name}").make
        yield name, draw(folder, size, overwrite)
