"""A small convolutional network and a small transformer: what is shared by six trainings, layer by layer."""

from functools import partial

import numpy as np

from paper_figures.own_networks import studies
from paper_figures.own_networks.profiles import Found, mean
from paper_figures.sheet import BLUE, GREEN, ORANGE, PINK, Paths, Row, page, write

STUDIES = ("architectures",)
gather = partial(studies.gather, STUDIES)
COLUMNS = ("network", "layer", "variable", "set", "mean", "error")
MARKS = {
    "trained": (ORANGE, "o-"),
    "untrained": (BLUE, "s--"),
    "shuffled": (GREEN, "^--"),
    "rotated": (PINK, "D:"),
}


def draw(found: Found, paths: Paths | None, overwrite: bool) -> list[list[str]]:
    """Draw what is stored; returns no numbers of its own."""
    rows: list[Row] = []
    cells = found["architectures"]
    with page(7.2, 4.6) as sheet:
        panels = sheet.subplots(2, len(cells), sharey=True, sharex="col", squeeze=False)
        for column, (cell, result) in zip(panels.T, cells, strict=True):
            names = [str(x) for x in result["layer"].values]
            x = np.arange(len(names))
            for axis, variable in zip(column, ("q", "cka"), strict=True):
                for which, (colour, mark) in MARKS.items():
                    if (variable, which) == ("cka", "rotated"):
                        continue
                    m = mean(result, variable, which)
                    axis.errorbar(x, m.value, yerr=m.error, fmt=mark, color=colour, ms=3, lw=1, label=which)
                    rows += [
                        (cell.line, n, variable, which, float(v), float(e))
                        for n, v, e in zip(names, m.value, m.error, strict=True)
                    ]
            column[0].set_title(cell.line, fontsize=8)
            column[1].set_xticks(x)
            column[1].set_xticklabels(names, rotation=60, ha="right", fontsize=5.5)
        panels[0, 0].set_ylabel("$q_l$, aligned")
        panels[1, 0].set_ylabel("CKA")
        panels[0, 0].legend(fontsize=6)
    write(sheet, COLUMNS, rows, paths, overwrite)
    return []
