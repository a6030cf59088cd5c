"""Fig. S3: all four correlations at t_w = 5e4: of all layers at ln alpha = 5.3 (a-d), and of layer 8 at four
ln alpha, M fixed (e-h)."""

from functools import partial

import numpy as np

from paper_figures.huang2025 import measures, notes
from paper_figures.huang2025.figure import Figure
from paper_figures.huang2025.layer_panels import (
    LATE_WAIT,
    MACHINE,
    all_layers,
    layer_curve,
    time_axes,
)
from paper_figures.huang2025.layers import LAST
from paper_figures.huang2025.panel import Panel
from paper_figures.huang2025.reference import FIXED_M
from paper_figures.sheet import sequence

LAYER = 8
TIMES = (LATE_WAIT, LAST)
"""When the curves are compared: at the end of a run on a laptop, and at the end of the paper's."""

NAMES = ("c", "C", "q", "Q")


def every_layer(panel: Panel, name: str) -> None:
    """(a-d): (c) is Fig. 3c once more, where its claims are."""
    all_layers(panel, name, () if name == "q" else TIMES)


def every_alpha(panel: Panel, name: str) -> None:
    """(e-h): layer 8; that of ln alpha = 5.3 is among the layers of (a-d) and claimed there."""
    for (label, series), colour in zip(FIXED_M.items(), sequence(len(FIXED_M)), strict=True):
        result = panel.get(MACHINE[0], label)
        panel.beside(series, panel.paper[series], colour=colour)
        note, values = "", None
        if result is not None:
            t_w = measures.last_times(result)[1]
            note = notes.note(result, t_w=LATE_WAIT)
            values = layer_curve(result, name, LAYER, t_w)
            text = rf"${label}$, $\ln\alpha={np.log(result.attrs['alpha']):.1f}$"
            panel.ours(series, *measures.curve(values), colour=colour, label=text)
        if label != MACHINE[1]:
            claim = f"{name}_{LAYER}(t = {{short}}), {label}"
            panel.compare(claim, values, panel.paper[series], TIMES, note=note)
    time_axes(panel, rf"${name}_{LAYER}(t, t_w)$")
    panel.legend(loc="lower left", fontsize=6.5)


FIGURE = Figure(
    name="S3",
    panels={
        **{letter: partial(every_layer, name=name) for letter, name in zip("abcd", NAMES, strict=True)},
        **{letter: partial(every_alpha, name=name) for letter, name in zip("efgh", NAMES, strict=True)},
    },
    studies=dict.fromkeys("abcd", ("/".join(MACHINE), "late/N=10")) | dict.fromkeys("efgh", (MACHINE[0],)),
    columns=2,
)
