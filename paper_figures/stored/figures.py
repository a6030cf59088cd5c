"""Figures that are drawn from stored results: run what is missing, then draw.

Such a figure is a module with STUDIES, the names of those it needs, and ``draw(results, paths, overwrite)``,
which returns the numbers it stands for.
"""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from deepglass import checks
from deepglass.errors import InvalidInput
from paper_figures.sheet import targets
from paper_figures.stored.results import Progress, Results


def make(
    package: ModuleType,
    results: Results,
    folder: Path,
    figure: str | None = None,
    *,
    runs: Path | None,
    workers: int | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
    prepare: Callable[[ModuleType], None] | None = None,
) -> Iterator[tuple[str, list[Any]]]:
    """Draw one of the ``FIGURES`` of a package, or all of them, into ``folder``; yields names and numbers.

    ``runs``: folder of the runs behind the results; None: run nothing, what is not there is not shown.
    ``prepare``: what else is done with the module of a figure before it is drawn, unless nothing is run.
    Raises InvalidInput before any work for an unknown figure, for files that cannot be written and, if
    nothing is to be run, for a folder of data that does not exist.
    """
    known: tuple[str, ...] = package.FIGURES
    names = known if figure is None else (checks.one_of("figure", figure, known),)
    if runs is None and not results.data.is_dir():
        raise InvalidInput(f"folder of stored results {results.data} does not exist")
    paths = {name: targets(folder, name, overwrite) for name in names}

    def work() -> Iterator[tuple[str, list[Any]]]:
        for name in names:
            module = importlib.import_module(f"{package.__name__}.{name}")
            if runs is not None:
                for study in module.STUDIES:
                    results.complete(results.studies[study], runs, workers, progress)
                if prepare is not None:
                    prepare(module)
            yield name, module.draw(results, paths[name], overwrite)

    return work()
