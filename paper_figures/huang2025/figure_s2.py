"""Fig. S2: global correlations C of the weights, and overlaps q, Q between replicas, since several t_w."""

from collections.abc import Callable

from paper_figures.huang2025 import notes, time_panels
from paper_figures.huang2025.figure import Figure
from paper_figures.huang2025.panel import Panel

TIMES = (300, 1_000, 3_000, 10_000, 40_000)
"""Steps since t_w at which they are compared."""


def _against_t(variable: str) -> Callable[[Panel], None]:
    """The panel of one variable."""

    def draw(panel: Panel) -> None:
        result = panel.get("waits", "all")
        found = time_panels.correlation(panel, result, variable)
        panel.axes.set(ylim=(0, 1.05), ylabel=f"${variable}(t, t_w)$, global")
        time_panels.legend(panel, "lower left")
        for series, paper in panel.paper.items():
            t_w = time_panels.waiting(series)
            name = f"{variable}({{t:g}}, {t_w:g})"
            panel.compare(name, found.get(t_w), paper, TIMES, note=notes.note(result))

    return draw


FIGURE = Figure(
    name="S2",
    panels={"a": _against_t("C"), "b": _against_t("q"), "c": _against_t("Q")},
    studies=dict.fromkeys("abc", ("waits",)),
    columns=3,
)
