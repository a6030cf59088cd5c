"""Replicas around trained networks at temperature T: what each layer keeps, beside the same walk without
data.

Left and middle: overlaps of neurons and of weights between replicas after the last step, by layer. Right: of
neurons in time, at the highest T. Dashed: no forces, the same noise from the same trained states.
"""

import numpy as np
import xarray as xr

from paper_figures.own_networks.studies import around
from paper_figures.sheet import BLUE, ORANGE, Paths, Row, page, sequence, write
from simulate.store import over_samples

gather = around
COLUMNS = ("T", "forces", "layer", "q", "q error", "Q", "Q error", "U", "accuracy")
SHOWN = 4
"""Layers whose overlap is drawn against time, at most."""

Found = dict[tuple[float, str], xr.Dataset]


def draw(found: Found, paths: Paths | None, overwrite: bool) -> list[list[str]]:
    """Draw what is stored; returns no numbers of its own."""
    rows: list[Row] = []
    temperatures = sorted({t for t, _ in found})
    with page(7.2, 2.9) as sheet:
        left, middle, right = sheet.subplots(1, 3)
        for colour, temperature in zip((BLUE, ORANGE), temperatures, strict=False):
            for forces, dash in (("all", "-"), ("decay", "--")):
                result = found.get((temperature, forces))
                if result is None:
                    continue
                q, Q = (late(result, name) for name in ("q", "Q"))
                label = f"T = {temperature:g}" + ("" if forces == "all" else ", no forces")
                for axis, (mean, error) in ((left, q), (middle, Q)):
                    x = np.arange(1, len(mean) + 1)
                    axis.errorbar(x, mean, yerr=error, fmt=f"o{dash}", color=colour, ms=3, lw=1, label=label)
                end = result.isel(t=-1)
                fit = float(end["U"].mean()), float(end["accuracy"].mean())
                rows += [
                    (temperature, forces, i + 1, q[0][i], q[1][i], Q[0][i], Q[1][i], *fit)
                    for i in range(len(q[0]))
                ]
        for forces, dash in (("all", "-"), ("decay", "--")):
            result = found.get((temperatures[-1], forces))
            if result is not None:
                curves = result["q"].isel(t_w=0).mean("sample")
                layers = curves["answer_layer"].values
                chosen = layers[np.unique(np.linspace(0, len(layers) - 1, SHOWN).round().astype(int))]
                for shade, layer in zip(sequence(len(chosen)), chosen, strict=True):
                    one = curves.sel(answer_layer=layer)
                    known = (one["t"] > 0) & np.isfinite(one)
                    named = f"layer {layer}" if forces == "all" else None
                    right.plot(one["t"][known], one[known], dash, color=shade, lw=1, label=named)
        left.set(xlabel="layer", ylabel="$q_l$ between replicas")
        middle.set(xlabel="layer", ylabel="$Q_l$ between replicas")
        right.set(xlabel="$t$, steps", ylabel=f"$q_l(t)$, T = {temperatures[-1]:g}", xscale="log")
        for axis in (left, middle):
            axis.xaxis.get_major_locator().set_params(integer=True)
        marks, words = left.get_legend_handles_labels()
        sheet.legend(marks, words, loc="outside upper left", ncols=4, fontsize=6.5)
        right.legend(fontsize=5.5)
    write(sheet, COLUMNS, rows, paths, overwrite)
    return []


def late(result: xr.Dataset, name: str) -> tuple[list[float], list[float]]:
    """After the last step: mean over samples and its standard error, by layer."""
    steps = int(result.attrs["steps"]) - int(result["t_w"].values[0])
    mean, error = over_samples(result[name].isel(t_w=0).sel(t=steps).astype(float))
    return mean.values.tolist(), error.values.tolist()
