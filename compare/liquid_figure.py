"""Liquid or not as a picture: parts with their nulls, raw and canonical side by side, and the threshold."""

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from compare.figure import AMBER, BLUE, COLOURS, GREEN, ORANGE, PINK, STYLE
from compare.liquid import DATA, ERRORS, INDEPENDENT, RANDOM, UNTRAINED, Entry, Liquid

ORDERS = {"raw": "raw, averaged over permutations", "canonical": "canonical order"}
LABELS = {
    "input": "input",
    "interior": "interior",
    "output": "output",
    "full": "full",
    RANDOM: "random\nboundary",
}
MARKS = {
    DATA: ("o", BLUE, "trained"),
    UNTRAINED: ("^", "#999999", "untrained (fair)"),
    INDEPENDENT: ("v", "#000000", "shuffled over networks"),
}
OTHERS = (("s", ORANGE), ("D", GREEN), ("P", PINK), ("X", AMBER))
LINEAR = 0.1
"""Share of the threshold around 0 that is drawn linear: nulls may be negative."""


def draw(found: Liquid) -> Figure:
    """One panel for each order; bars of two standard errors, of nulls two standard deviations."""
    orders = [order for order in ORDERS if any(each.order == order for each in found.entries)]
    controls = dict.fromkeys(each.source for each in found.entries if each.source not in MARKS)
    marks = MARKS | {name: (*OTHERS[i % len(OTHERS)], f"control: {name}") for i, name in enumerate(controls)}
    with style.context(STYLE):
        figure = Figure(figsize=(1.0 + 3.1 * len(orders), 3.4), layout="constrained")
        axes = figure.subplots(1, len(orders), sharey=True, squeeze=False)[0]
        for axis, order in zip(axes, orders, strict=True):
            _panel(axis, [each for each in found.entries if each.order == order], marks, found.threshold)
            axis.set_title(ORDERS[order])
        axes[0].set_ylabel("multi-information (nats per weight)")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=min(4, len(labels)))
    return figure


def _panel(
    axis: Axes, entries: list[Entry], marks: dict[str, tuple[str, str, str]], threshold: float
) -> None:
    names = [name for name in LABELS if any(each.part == name for each in entries)]
    step = 0.7 / len(marks)
    axis.set_yscale("symlog", linthresh=LINEAR * threshold, linscale=0.5)
    axis.axhline(threshold, color="0.4", lw=0.8, ls="--")
    axis.axhspan(-1.0, threshold, color=COLOURS["liquid"], alpha=0.18, lw=0)
    values = [each.value for each in entries if not each.reason]
    axis.set_ylim(-threshold, 2.5 * max([threshold, *values]))
    axis.text(
        0.98, threshold, "liquid", transform=axis.get_yaxis_transform(), ha="right", va="top", fontsize=7
    )
    axis.axhline(0.0, color="0.7", lw=0.5)
    for i, (source, (marker, colour, label)) in enumerate(marks.items()):
        mine = [each for each in entries if each.source == source]
        beside = {each.part: (i - 0.5 * (len(marks) - 1)) * step for each in mine} | {RANDOM: 0.0}
        x = [names.index(each.part) + beside[each.part] for each in mine]
        # A null has no error of its own beside how it scatters; a random part has both.
        bars = [ERRORS * (each.error if each.spread != each.spread else each.spread) for each in mine]
        axis.errorbar(
            x, [each.value for each in mine], bars, fmt=marker, color=colour, ms=4, label=label,
            mfc="white" if i else colour,
        )  # fmt: skip
    for i, name in enumerate(names):
        data = [each for each in entries if each.part == name and each.source == DATA]
        if data and data[0].reason:
            axis.text(i, threshold, "too few\nnetworks", ha="center", va="bottom", fontsize=6, color="0.4")
    axis.set_xticks(range(len(names)), [LABELS[name] for name in names])
    axis.set_xlim(-0.5, len(names) - 0.5)
    axis.tick_params(axis="x", length=0)
