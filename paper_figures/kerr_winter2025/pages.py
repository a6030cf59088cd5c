"""The generated parts of docs/glassy_dynamics.md: the scoreboard, what a paper-size run costs, and
origins."""

from paper_figures import kerr_winter2025 as package
from paper_figures.kerr_winter2025.studies import cost, studies_at
from paper_figures.stored.pages import Blocks, markdown, provenance, scoreboard
from paper_figures.stored.results import Results
from simulate.relu.protocol import ReluProtocol

PAGES = ("docs/glassy_dynamics.md",)
"""Pages with generated blocks, from the root of the checkout."""

NULL = "free diffusion"
"""What stands beside our numbers."""

RATE = 30e12
"""Operations per second a GPU is taken to give on these small products, for the table of costs; not
measured."""


def costs(results: Results) -> str:
    """Of the studies at paper size."""
    lines = []
    for study in studies_at("paper").values():
        flops = sum(cost(p) for p in study.ensembles.values() if isinstance(p, ReluProtocol))
        if flops:
            hours = flops / RATE / 3600
            told = f"{hours:,.0f}" if hours >= 1 else "< 1"
            lines.append([study.name, str(len(study.ensembles)), f"{flops:.2g}", told])
    return markdown(("study", "ensembles", "operations", f"hours at {RATE:.0e}/s, not measured"), lines)


BLOCKS: Blocks[Results] = {"scores": scoreboard(package, NULL), "costs": costs, "provenance": provenance}
