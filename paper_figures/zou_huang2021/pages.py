"""The generated parts of docs/effective_ising.md: the scoreboard, and where results come from."""

import importlib

from paper_figures import zou_huang2021 as package
from paper_figures.stored.pages import Blocks, markdown, provenance
from paper_figures.stored.results import Results
from paper_figures.stored.scores import columns, rows

PAGES = ("docs/effective_ising.md",)
"""Pages with generated blocks, from the root of the checkout."""


def scores(results: Results) -> str:
    """All numbers of all figures."""
    parts = []
    for name in package.FIGURES:
        found = importlib.import_module(f"{package.__name__}.{name}").draw(results, None, False)
        parts.append(f"**{name}**\n\n{markdown(columns(), rows(found))}")
    return "\n\n".join(parts)


BLOCKS: Blocks[Results] = {"scores": scores, "provenance": provenance}
"""What stands between the marks of each name."""
