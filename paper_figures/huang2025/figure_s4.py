"""Fig. S4: the time weights take to forget, as Fig. 3b shows it of the spins."""

from paper_figures.huang2025.figure import Figure
from paper_figures.huang2025.figure_3 import relaxation_times
from paper_figures.huang2025.panel import Panel


def relaxation(panel: Panel) -> None:
    """Time at which C_l falls to 1/e against t_w, all layers but the last, whose weights stay."""
    relaxation_times(panel, "C")


FIGURE = Figure(
    name="S4", panels={"": relaxation}, studies={"": ("waits", "widths/N=10", "late/N=10")}, columns=1
)
