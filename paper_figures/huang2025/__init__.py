"""The figures of the thermal machine: Huang, Chan, Yoshino, Zhang, Jin, arXiv:2506.06789 (2025).

One module per figure, drawn from stored results (``paper_figures/data/huang2025``) of a few shared studies
(:mod:`.studies`). Every figure makes claims: our number, the paper's, and a verdict (:mod:`.claims`).
"""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

from deepglass import checks as values
from deepglass.errors import InvalidInput
from paper_figures import sheet
from paper_figures.huang2025.claims import Claim
from paper_figures.huang2025.figure import Figure, stem
from paper_figures.huang2025.studies import DATA, RUNS, results_at
from paper_figures.stored.results import Progress
from paper_figures.stored.study import SIZES

FIGURES = (
    "1", "2", "3", "4", "S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9", "nulls", "readings", "timestep",
)  # fmt: skip
"""As the paper numbers them, then those of our own; each is the module ``figure_NAME``."""

__all__ = ["FIGURES", "SIZES", "Claim", "load", "make", "parse"]


def load(name: str) -> Figure:
    """The figure of a name in FIGURES."""
    module = importlib.import_module(f"{__name__}.figure_{name.lower()}")
    figure: Figure = module.FIGURE
    return figure


def parse(text: str | None) -> list[tuple[Figure, str]]:
    """Figures with a letter (empty: all panels) from ``3d``, ``3``, or None (all figures).

    Raises InvalidInput for a figure or a panel that is none.
    """
    if text is None:
        return [(load(name), "") for name in FIGURES]
    match = re.fullmatch(rf"({'|'.join(FIGURES)})([a-h]?)", text)
    if match is None:
        raise InvalidInput(
            f"figure = {text!r} must be one of {', '.join(FIGURES)}, with or without a panel: 3d"
        )
    figure = load(match[1])
    figure.chosen(match[2])
    return [(figure, match[2])]


def make(
    out: Path,
    figure: str | None = None,
    size: str = "laptop",
    *,
    from_stored: bool = False,
    data: Path = DATA,
    runs: Path = RUNS,
    workers: int | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> Iterator[tuple[str, list[Claim]]]:
    """Run what is missing, and draw; yields the name of each figure's files with its claims.

    ``from_stored``: run nothing; what is not there is not shown, and said to be missing. Raises InvalidInput
    before any work for an unknown figure or size, for files that cannot be written, and, if nothing is to be
    run, for a folder of data that does not exist.
    """
    chosen = parse(figure)
    if from_stored and not data.is_dir():
        raise InvalidInput(f"folder of stored results {data} does not exist")
    results = results_at(values.one_of("size", size, SIZES), data)
    names = [stem(what, letter) for what, letter in chosen]
    paths = [sheet.targets(out, name, overwrite) for name in names]

    def work() -> Iterator[tuple[str, list[Claim]]]:
        for (what, letter), name, files in zip(chosen, names, paths, strict=True):
            letters = what.chosen(letter)
            if not from_stored:
                for study, labels in what.needs(letters).items():
                    there = [x for x in results.studies[study].ensembles if labels is None or x in labels]
                    results.complete(results.studies[study], runs, workers, progress, there)
            yield name, what.draw(letters, results, files, overwrite)

    return work()
