"""The overlay as a picture: predicted and measured overlap against layer, solid and liquid shaded."""

import io
import textwrap
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from compare.overlay import Overlay
from deepglass import files
from deepglass.errors import InvalidInput
from deepglass.phases import THRESHOLD

__all__ = ["FORMATS", "draw", "format_of", "save"]

STYLE = Path(__file__).with_name("deepglass.mplstyle")
COLOURS = {"solid": "#56B4E9", "liquid": "#F0E442", "missing": "#DDDDDD"}
FORMATS = ("png", "pdf", "svg")
BLUE, ORANGE, GREEN, PINK, AMBER = PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")
PREDICTED, MEASURED, CONTROL = "#000000", ORANGE, BLUE


def draw(overlay: Overlay, control: Overlay | None = None) -> Figure:
    """A column-wide figure: the two profiles, under them a strip of phases for each.

    ``control`` is an overlay of the same profile with another run, such as one on shuffled labels.
    """
    with style.context(STYLE):
        figure = Figure(figsize=(3.6, 4.1), layout="constrained")
        axis, strip = figure.subplots(2, 1, sharex=True, height_ratios=[5, 1])
        if control is not None:
            _control(axis, control)
        _profiles(axis, overlay)
        _phases(strip, overlay)
        figure.legend(loc="outside upper center", ncols=2)
        caption = "\n".join("\n".join(textwrap.wrap(line, 78)) for line in overlay.captions)
        figure.supxlabel(caption, fontsize=5.5, color="0.25", x=0.02, ha="left")
    return figure


def _profiles(axis: Axes, overlay: Overlay) -> None:
    layers = overlay.layers["neuron_layer"].values
    predicted, measured = overlay.layers["predicted"].values, overlay.layers["measured"].values
    error = overlay.layers["error"].values[1:-1]
    axis.axhspan(THRESHOLD, 1.05, color=COLOURS["solid"], alpha=0.18, lw=0)
    axis.axhspan(-0.05, THRESHOLD, color=COLOURS["liquid"], alpha=0.25, lw=0)
    axis.axhline(THRESHOLD, color="0.4", lw=0.8, ls="--")
    axis.plot(layers, predicted, "s-", color=PREDICTED, mfc="white", label=r"theory, $q_l$")
    axis.plot(layers, measured, "-", color=MEASURED, lw=1)
    # The frozen boundaries have no error; one sample has none either: points without bars.
    axis.plot(layers[[0, -1]], measured[[0, -1]], "o", color=MEASURED)
    bars = error if np.isfinite(error).all() and (error > 0).all() else None
    label = r"simulation, $q_l^*$" + (" $\\pm$ s.e." if bars is not None else " (no error bar)")
    axis.errorbar(layers[1:-1], measured[1:-1], yerr=bars, fmt="o", color=MEASURED, label=label)
    axis.set(ylim=(-0.05, 1.05), ylabel="overlap $q_l$")
    for y, word in ((0.5 * (1.05 + THRESHOLD), "solid"), (0.5 * (THRESHOLD - 0.05), "liquid")):
        axis.text(
            1.02, y, word, transform=axis.get_yaxis_transform(), rotation=270, va="center", fontsize=7.5
        )
    nearest = overlay.alpha_eff
    sign = {"": "=", "lower": r"\geq", "upper": r"\leq"}[nearest.bound]
    axis.set_title(
        rf"$\alpha =$ {overlay.alpha_theory:g} (theory), {overlay.alpha_run:g} (run),"
        rf" $\alpha_{{\rm eff}} {sign}$ {nearest.alpha:.3g}",
        fontsize=8,
    )


def _control(axis: Axes, control: Overlay) -> None:
    hidden = control.layers.isel(neuron_layer=slice(1, -1))
    layers, q, error = (hidden[name].values for name in ("neuron_layer", "measured", "error"))
    bars = error if np.isfinite(error).all() else None
    name = control.null or "control"
    axis.errorbar(layers, q, yerr=bars, fmt="^:", color=CONTROL, mfc="white", ms=4, lw=0.9, label=name)


def _phases(axis: Axes, overlay: Overlay) -> None:
    layers = overlay.layers["neuron_layer"].values
    for row, side in enumerate(("measured", "predicted")):
        for layer, phase in zip(layers, overlay.layers[f"{side}_phase"].values, strict=True):
            hatch = "///" if phase == "liquid" else None
            colour = COLOURS[str(phase)]
            axis.bar(layer, 0.8, bottom=row + 0.1, width=0.94, color=colour, hatch=hatch, ec="0.5", lw=0.4)
    axis.set(ylim=(0, 2), yticks=[0.5, 1.5], xlabel="layer $l$  (0 input, $L$ output)")
    axis.set_yticklabels(["simulation", "theory"], fontsize=7)
    axis.set_xticks(layers)
    axis.tick_params(axis="y", length=0)


def save(figure: Figure, path: str | Path, overwrite: bool = False) -> Path:
    """Write the figure whole or not at all; the suffix of ``path`` is its format (see FORMATS).

    Raises InvalidInput for another suffix or a place that cannot be written.
    """
    buffer = io.BytesIO()
    with style.context(STYLE):
        figure.savefig(buffer, format=format_of(path))
    return files.write_bytes(path, buffer.getvalue(), overwrite)


def format_of(path: str | Path) -> str:
    """The format a path asks for, or InvalidInput."""
    suffix = Path(path).suffix.lstrip(".").lower()
    if suffix not in FORMATS:
        raise InvalidInput(f"figure {path} must end in one of .{', .'.join(FORMATS)}")
    return suffix
