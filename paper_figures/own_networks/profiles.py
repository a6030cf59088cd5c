"""Profiles of ordinary perceptrons against depth, width and data: aligned overlap of neurons beside that of
the same networks with rotated units, and CKA beside that of shuffled labels."""

from functools import partial

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from compare.layers.overlaps import Mean, mean_of_pairs
from paper_figures.own_networks import studies
from paper_figures.own_networks.studies import Cell
from paper_figures.sheet import Paths, Row, page, sequence, write

STUDIES = ("depth", "width", "data")
gather = partial(studies.gather, STUDIES)
COLUMNS = (
    "study", "cell", "layer", "q", "error", "q rotated", "q untrained", "q shuffled", "CKA", "CKA error",
    "CKA untrained", "CKA shuffled", "Q", "Q rotated", "dimension",
)  # fmt: skip
TITLES = {"depth": "depth", "width": "width", "data": "training patterns"}

Found = dict[str, list[tuple[Cell, xr.Dataset]]]


def draw(found: Found, paths: Paths | None, overwrite: bool) -> list[list[str]]:
    """Draw what is stored; returns no numbers of its own."""
    rows: list[Row] = []
    sources = list(dict.fromkeys(cell.data for study in STUDIES for cell, _ in found[study]))
    with page(7.2, 0.3 + 3.9 * len(sources)) as sheet:
        panels = sheet.subplots(2 * len(sources), 3, squeeze=False)
        for place, source in enumerate(sources):
            for column, study in zip(panels[2 * place : 2 * place + 2].T, STUDIES, strict=True):
                cells = _first_line([one for one in found[study] if one[0].data == source])
                for colour, (cell, result) in zip(sequence(len(cells)), cells, strict=True):
                    _line(column[0], result, "q", "rotated", colour, _name(cell, study))
                    _line(column[1], result, "cka", "shuffled", colour, _name(cell, study))
                column[0].set_title(f"{studies.SOURCES[source]}, {TITLES[study]}", fontsize=8)
                if cells:
                    column[0].legend(fontsize=5.5, ncols=2, loc="lower center")
            panels[2 * place, 0].set_ylabel("$q_l$ (lines), units rotated (dots)", fontsize=7)
            panels[2 * place + 1, 0].set_ylabel("CKA (lines), shuffled labels (dots)", fontsize=7)
        for axis in panels.ravel():
            axis.set_ylim(0, 1.03)
            axis.label_outer()
        for axis in panels[-1]:
            axis.set_xlabel("layer, of all: $l/L$")
    for study in STUDIES:
        rows += [row for cell, result in found[study] for row in _rows(study, cell, result)]
    write(sheet, COLUMNS, rows, paths, overwrite)
    return []


def _first_line(cells: list[tuple[Cell, xr.Dataset]]) -> list[tuple[Cell, xr.Dataset]]:
    """Those of the first line: of several activations and optimizers, one."""
    return [(cell, result) for cell, result in cells if cell.line == cells[0][0].line]


def mean(result: xr.Dataset, name: str, which: str) -> Mean:
    """Of the pairs of copies of a set, by layer, on training probes."""
    chosen = result[f"{name}_matrix"].sel(set=which)
    if "probes" in chosen.dims:
        chosen = chosen.sel(probes="training")
    return mean_of_pairs(chosen.values.astype(float))


def _line(axis: Axes, result: xr.Dataset, name: str, null: str, colour: object, label: str) -> None:
    trained, beside = mean(result, name, "trained"), mean(result, name, null)
    x = np.arange(1, len(trained.value) + 1) / len(trained.value)
    axis.errorbar(x, trained.value, yerr=trained.error, color=colour, marker="o", ms=2.5, lw=1, label=label)
    # Of rotated outputs there is nothing to see: they are not matched.
    inner = slice(None, -1) if null == "rotated" else slice(None)
    axis.plot(x[inner], beside.value[inner], ":", color=colour, lw=1)


def _name(cell: Cell, study: str) -> str:
    return {
        "depth": f"L = {cell.arguments.get('depth')}", "width": f"N = {cell.arguments.get('width')}",
        "data": f"M = {cell.patterns}",
    }[study]  # fmt: skip


def _rows(study: str, cell: Cell, result: xr.Dataset) -> list[Row]:
    q = {s: mean(result, "q", s) for s in ("trained", "rotated", "untrained", "shuffled")}
    c = {s: mean(result, "cka", s) for s in ("trained", "untrained", "shuffled")}
    w = {s: mean(result, "Q", s) for s in ("trained", "rotated")}
    size = result["dimension"].sel(set="trained", probes="training").mean("copy").values
    return [
        (
            study, cell.label, l + 1, q["trained"].value[l], q["trained"].error[l], q["rotated"].value[l],
            q["untrained"].value[l], q["shuffled"].value[l], c["trained"].value[l], c["trained"].error[l],
            c["untrained"].value[l], c["shuffled"].value[l], w["trained"].value[l], w["rotated"].value[l],
            float(size[l]),
        )
        for l in range(len(size))  # noqa: E741
    ]  # fmt: skip
