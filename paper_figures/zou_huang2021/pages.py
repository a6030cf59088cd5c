"""The generated parts of docs/effective_ising.md: the scoreboard, and where results come from."""

from paper_figures import zou_huang2021 as package
from paper_figures.stored.pages import Blocks, provenance, scoreboard
from paper_figures.stored.results import Results

PAGES = ("docs/effective_ising.md",)
"""Pages with generated blocks, from the root of the checkout."""

BLOCKS: Blocks[Results] = {"scores": scoreboard(package), "provenance": provenance}
"""What stands between the marks of each name."""
