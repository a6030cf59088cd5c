"""The hierarchy of overlaps layer by layer: the step function q(x, l) and its distribution P(q).

Near the frozen boundary the overlaps of states spread over a wide range; towards the centre the range
shrinks until the liquid has none. q(x) of a layer rests on a plateau until, at larger x, the next layer
begins to freeze. Shown is the left half of the chain, which is its mirror image.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from paper_figures.checks import Check, at_most
from paper_figures.sheet import Colour, Paths, Row, page, sequence, targets, write
from paper_figures.yoshino2020.profiles import is_stationary
from theory import solve_hierarchy
from theory.broken import Hierarchy
from theory.predictions import hierarchy_by_layer, overlap_distribution

DEPTH = 10
COLUMNS = ("panel", "alpha", "k", "stationary", "layer", "level", "x_low", "x_high", "q", "weight")
MERGED = 5e-3
"""Levels of P(q) closer than this are drawn as one stem: the plateaus of q(x)."""


@dataclass(frozen=True)
class Settings:
    """The storage ratios shown and the number of steps."""

    alphas: tuple[float, ...]
    k: int


SETTINGS = {"smoke": Settings((30.0, 60.0), 10), "laptop": Settings((30.0, 60.0, 150.0), 30)}


def make(folder: Path, size: str = "laptop", overwrite: bool = False) -> list[Check]:
    """Draw it into ``folder``; returns the checked numbers."""
    settings, paths = SETTINGS[size], targets(folder, "hierarchy", overwrite)
    found = [solve_hierarchy("random", DEPTH, alpha, settings.k) for alpha in settings.alphas]
    _draw(found, paths, overwrite)
    return [check for hierarchy in found for check in _checks(hierarchy)]


def _checks(found: Hierarchy) -> list[Check]:
    at = f"alpha = {found.alpha:g}"
    half = found.q[: DEPTH // 2 + 1]
    layers = hierarchy_by_layer(found.m, half)
    mirror = float(np.max(np.abs(found.q - found.q[::-1])))
    checks = [
        at_most(f"{at}: residual", found.certificate.residual, 1e-7),
        at_most(f"{at}: left-right symmetry", mirror, 1e-6),
        at_most(f"{at}: largest fall of q(x)", float(max(0.0, -np.diff(found.q, axis=1).min())), 1e-12),
        at_most(f"{at}: gauge, q(x -> 0) of the hidden layers", _intercept(found), 0.5 / found.k),
        at_most(f"{at}: growth of q_EA from a layer to the next", _growth(layers.q_EA), 1e-12),
        Check(f"{at}: break points stationary (1 yes)", float(is_stationary(found))),
        Check(f"{at}: replicon", found.replicon),
        Check(f"{at}: x_max", float(found.m[-1])),
    ]
    for layer in range(1, DEPTH // 2 + 1):
        name = f"{at}, layer {layer}"
        checks += [
            Check(f"{name}: support of P(q) up to q_EA", float(layers.highest[layer])),
            Check(f"{name}: width of the continuous part", float(layers.width[layer])),
            Check(f"{name}: weight of the continuous part", float(layers.weight[layer])),
        ]
    return checks


def _intercept(found: Hierarchy) -> float:
    """Largest q(0) of a hidden layer, from its two outermost levels, each the value at its centre."""
    q = found.q[1:-1]
    return float(np.max(np.abs(1.5 * q[:, 0] - 0.5 * q[:, 1])))


def _growth(values: np.ndarray) -> float:
    return float(max(0.0, np.diff(values).max()))


def _draw(solutions: list[Hierarchy], paths: Paths, overwrite: bool) -> None:
    layers = range(1, DEPTH // 2 + 1)
    colours = dict(zip(layers, sequence(len(layers)), strict=True))
    rows: list[Row] = []
    with page(2.3 * len(solutions) + 0.4, 4.6) as figure:
        axes = figure.subplots(2, len(solutions), sharex="row", sharey="row")
        for column, found in enumerate(solutions):
            for layer in layers:
                rows += _steps(axes[0, column], found, layer, colours[layer])
                rows += _distribution(axes[1, column], found, layer, colours[layer])
            word = "" if is_stationary(found) else "\nbreak points not stationary (dashed)"
            axes[0, column].set_title(rf"$\alpha = {found.alpha:g}$, $k = {found.k}${word}", fontsize=8)
            axes[0, column].set(xlabel="$x$", xlim=(0, 1), ylim=(-0.02, 0.9))
            axes[1, column].set(xlabel="$q$", xlim=(-0.03, 0.95), ylim=(5.3, 0.0), yticks=list(layers))
        axes[0, 0].set_ylabel("overlap $q(x, l)$")
        axes[1, 0].set_ylabel("layer $l$; stems of $P_l(q)$,\n" r"height $\propto \sqrt{\rm weight}$")
        handles = [axes[0, 0].plot([], [], color=colours[layer])[0] for layer in layers]
        labels = [f"$l = {layer}$" for layer in layers]
        figure.legend(handles, labels, loc="outside upper center", ncols=len(layers))
        write(figure, COLUMNS, rows, paths, overwrite)


def _steps(axis: Axes, found: Hierarchy, layer: int, colour: Colour) -> list[Row]:
    """q(x) of one layer, dashed where the break points are not stationary."""
    edges, stationary = np.concatenate([[0.0], found.m, [1.0]]), is_stationary(found)
    q = found.q[layer]
    axis.stairs(q, edges, baseline=None, color=colour, lw=1.2, ls="-" if stationary else "--")
    return [
        ("q(x)", found.alpha, found.k, stationary, layer, i, edges[i], edges[i + 1], q[i], found.weights[i])
        for i in range(found.k + 1)
    ]


def _distribution(axis: Axes, found: Hierarchy, layer: int, colour: Colour) -> list[Row]:
    """P(q) of one layer as a row of stems, as high as the root of their weight, that of q_EA with a head."""
    p = overlap_distribution(found.m, found.q[layer], MERGED)
    axis.axhline(layer, color="0.85", lw=0.6, zorder=0)
    height = layer - 0.85 * np.sqrt(p.weights)
    axis.vlines(p.values, layer, height, color=colour, lw=1.1)
    axis.plot(p.values[-1], height[-1], "o", color=colour, ms=3.5)
    axis.annotate(f"{p.weights[-1]:.2f}", (p.values[-1], height[-1]), (4, -1), textcoords="offset points",
                  fontsize=6, va="top", color="0.25")  # fmt: skip
    return [
        ("P(q)", found.alpha, found.k, is_stationary(found), layer, i, math.nan, math.nan, value, weight)
        for i, (value, weight) in enumerate(zip(p.values, p.weights, strict=True))
    ]
