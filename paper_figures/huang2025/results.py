"""Where the results behind these figures lie."""

from pathlib import Path

from paper_figures.huang2025.studies import studies_at
from paper_figures.stored.results import Results

DATA = Path(__file__).parents[1] / "data" / "huang2025"
RUNS = Path("results/runs/huang2025")


def results_at(size: str, data: Path = DATA) -> Results:
    """The results of all studies at one size."""
    return Results(size, data, studies_at(size))
