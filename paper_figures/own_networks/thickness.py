"""Does the solid at the output grow as ln alpha? xi_s of ordinary perceptrons against ln(M/N), for three
readings of solid: units beyond all nulls, units with rotations not taken off, representations."""

import math
from functools import partial

import numpy as np
import xarray as xr

from paper_figures.own_networks import studies
from paper_figures.own_networks.measures import PROFILES, Growth, growth, thickness
from paper_figures.own_networks.profiles import Found
from paper_figures.own_networks.studies import Cell
from paper_figures.sheet import AMBER, BLUE, GREEN, ORANGE, PINK, Paths, Row, page, write

STUDIES = ("data",)
gather = partial(studies.gather, STUDIES)
COLUMNS = ("solid", "line", "M", "N", "L", "ln alpha", "xi_s", "error", "bound", "accuracy", "test accuracy")
TOLD = ("line", "solid", "slope of xi_s in ln alpha", "95 %", "verdict")


def draw(found: Found, paths: Paths | None, overwrite: bool) -> list[list[str]]:
    """Draw what is stored; returns the verdicts, a row each."""
    rows: list[Row] = []
    told: list[list[str]] = []
    cells = found["data"]
    lines = list(dict.fromkeys(cell.line for cell, _ in cells))
    colours = dict(zip(lines, (BLUE, GREEN, ORANGE, PINK, AMBER), strict=False))
    with page(7.2, 2.8) as sheet:
        panels = sheet.subplots(1, len(PROFILES), sharey=True)
        for axis, (profile, (_, _, words)) in zip(panels, PROFILES.items(), strict=True):
            for line in lines:
                chosen = [(cell, result) for cell, result in cells if cell.line == line]
                x = np.log([cell.alpha for cell, _ in chosen])
                values = [thickness(result, profile) for _, result in chosen]
                y, error = [t.value for t in values], [t.error for t in values]
                axis.errorbar(x, y, yerr=error, color=colours[line], marker="o", ms=3, lw=1, label=line)
                for a, t in zip(x, values, strict=True):
                    if t.bound:
                        axis.plot(a, t.value, "^", color=colours[line], ms=6, mfc="white")
                told.append([line, words, *_said(growth(x, values))])
                rows += [
                    (words, line, *_sizes(cell), float(a), t.value, t.error, int(t.bound), *_right(result))
                    for (cell, result), a, t in zip(chosen, x, values, strict=True)
                ]
            depth = max(int(result.attrs["depth"]) for _, result in cells)
            axis.axhline(depth, color="0.6", lw=0.7, ls="--")
            axis.set_title(words, fontsize=8)
            axis.set_xlabel(r"$\ln\alpha = \ln(M/N)$")
        panels[0].set_ylabel(r"$\xi_s$ from the output, layers")
        panels[0].set_ylim(0, depth + 1)
        panels[0].legend(fontsize=6, loc="upper left")
    write(sheet, COLUMNS, rows, paths, overwrite)
    return told


def _said(found: Growth) -> list[str]:
    if math.isnan(found.slope):
        return ["-", "-", found.verdict]
    return [
        f"{found.slope:.2f} +- {found.error:.2f}", f"{found.low:.2f} to {found.high:.2f}", found.verdict,
    ]  # fmt: skip


def _sizes(cell: Cell) -> tuple[int, int, int]:
    return cell.patterns, int(cell.arguments["width"]), int(cell.arguments["depth"])


def _right(result: xr.Dataset) -> tuple[float, float]:
    return float(result["accuracy"].mean()), float(result["test_accuracy"].mean())
