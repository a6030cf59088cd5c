"""The phase diagram as a picture: every transition against depth."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from theory.transitions import Transitions

_STYLE: dict[str, Any] = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "figure.dpi": 150,
}


def draw(diagram: Sequence[Transitions], path: Path) -> None:
    """Draw alpha against depth to ``path`` (its suffix is the format). ``diagram``: one entry per depth."""
    with plt.rc_context(_STYLE):  # type: ignore[arg-type]
        figure, axes = plt.subplots(figsize=(6.4, 5.6), layout="constrained")
        _layers(axes, diagram)
        for branch, side in (("crystal", "from"), ("continuous", "to"), ("filled", "from"), ("filled", "to")):
            values = [[s.alpha for s in d.spinodal if (s.branch, s.side) == (branch, side)] for d in diagram]
            word = f"spinodal: {branch} branch {'appears' if side == 'from' else 'ends'}"
            _line(axes, diagram, values, word, "^--" if side == "from" else "v--")
        for branch in ("crystal", "filled"):
            values = [[c.alpha for c in d.first_order if c.above == branch] for d in diagram]
            _line(axes, diagram, values, f"first order: to the {branch} branch", "s-")
        values = [[] if d.capacity is None else [d.capacity] for d in diagram]
        _line(axes, diagram, values, "capacity", "D-.")
        first = diagram[0]
        axes.set(xlabel="depth $L$", ylabel=r"storage ratio $\alpha$", yscale="log")
        beta = "" if first.beta is None else rf", $\beta$ = {first.beta:g}"
        axes.set_title(
            f"{first.scenario}, {first.closure} closure, {first.potential}, margin {first.margin:g}{beta}",
            fontsize=10,
        )
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if axes.get_legend_handles_labels()[0]:
            figure.legend(fontsize=8, loc="outside lower center", ncols=2)
        figure.savefig(path)
        plt.close(figure)


def _layers(axes: Axes, diagram: Sequence[Transitions]) -> None:
    """One mark per layer that freezes, with its number."""
    points = [(d.depth, f.alpha) for d in diagram for f in d.continuous]
    if not points:
        return
    axes.plot(*zip(*points, strict=True), "o", color="0.45", ms=4, label="continuous: layer $l$ freezes")
    for d in diagram:
        together: dict[float, list[int]] = {}
        for f in d.continuous:
            together.setdefault(f.alpha, []).append(f.layer)
        for alpha, layers in together.items():
            axes.annotate(
                ",".join(map(str, sorted(layers))), (d.depth, alpha), (5, 0), textcoords="offset points",
                fontsize=6, color="0.35", va="center",
            )  # fmt: skip


def _line(
    axes: Axes, diagram: Sequence[Transitions], values: Sequence[list[float]], label: str, style: str
) -> None:
    """One line through the first value of each depth, broken at depths that have none."""
    if any(values):
        alphas = [found[0] if found else math.nan for found in values]
        axes.plot([d.depth for d in diagram], alphas, style, ms=5, lw=1.0, label=label)
