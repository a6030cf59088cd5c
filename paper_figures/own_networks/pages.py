"""The generated parts of docs/own_networks.md: verdicts, a line for each stored cell, replicas."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from paper_figures.own_networks import replicas, studies, thickness
from paper_figures.own_networks.measures import thickness as xi
from paper_figures.own_networks.profiles import Found, mean
from paper_figures.own_networks.studies import Cell
from paper_figures.stored.pages import Blocks, markdown

PAGES = ("docs/own_networks.md",)
"""Pages with generated blocks, from the root of the checkout."""


@dataclass(frozen=True)
class Stored:
    """What is stored: cells by study, and replicas by (T, forces)."""

    cells: Found
    around: Mapping[tuple[float, str], xr.Dataset]


def stored(data: Path = studies.DATA, size: str = "laptop") -> Stored:
    """All of a size."""
    names = tuple(studies.studies(size))
    return Stored(studies.gather(names, size, data, False, None), studies.around(size, data, False))


def verdicts(found: Stored) -> str:
    """Whether xi_s grows as ln alpha."""
    told = thickness.draw(found.cells, None, False)
    depth = ", ".join(sorted({str(c.arguments["depth"]) for c, _ in found.cells["data"]}))
    width = ", ".join(sorted({str(c.arguments["width"]) for c, _ in found.cells["data"]}))
    cells = {line: [c for c, _ in found.cells["data"] if c.line == line] for line in {row[0] for row in told}}
    rows = [[f"{line}, {len(cells[line])} cells", *rest] for line, *rest in told]
    return markdown(("networks, L = " + depth + ", N = " + width, *thickness.TOLD[1:]), rows)


def cells(found: Stored) -> str:
    """All cells: how well they fit, and the layer in the middle."""
    columns = (
        "network", "data", "by", "L", "N", "M", "right", "of the test", "q", "rotated", "CKA", "shuffled",
        *(f"xi_s, {name}" for name in ("units", "CKA")),
    )  # fmt: skip
    lines: dict[str, list[str]] = {}
    for study in found.cells.values():
        for cell, result in study:
            lines.setdefault(cell.label, _cell(cell, result))
    return markdown(columns, lines.values())


def _cell(cell: Cell, result: xr.Dataset) -> list[str]:
    layers = result.sizes["layer"]
    middle = layers // 2 - 1
    chosen = (("q", "trained"), ("q", "rotated"), ("cka", "trained"), ("cka", "shuffled"))
    values = [mean(result, name, which).value[middle] for name, which in chosen]
    given = cell.arguments
    thick = []
    for profile in ("units", "representation"):
        one = xi(result, profile)
        thick.append(
            f"{'>= ' if one.bound else ''}{one.value:.1f}" + ("" if one.bound else f" +- {one.error:.1f}")
        )
    return [
        f"{cell.network} {given.get('activation', '')}".strip(), studies.SOURCES[cell.data], cell.optimizer,
        str(layers), str(given.get("width", given.get("channels"))), str(cell.patterns),
        f"{float(result['accuracy'].mean()):.3f}", f"{float(result['test_accuracy'].mean()):.3f}",
        *(f"{v:.2f}" for v in values), *thick,
    ]  # fmt: skip


def around(found: Stored) -> str:
    """Replicas after the last step."""
    columns = (
        "T",
        "forces",
        "U",
        "right",
        "layer of least q",
        "q there",
        "q first",
        "q last",
        "Q first",
        "Q last",
    )
    rows = []
    for (temperature, forces), result in sorted(found.around.items()):
        q, error = (np.array(x) for x in replicas.late(result, "q"))
        weights = replicas.late(result, "Q")[0]
        end, least = result.isel(t=-1), int(q.argmin())
        rows.append([
            f"{temperature:g}", forces, f"{float(end['U'].mean()):.3g}",
            f"{float(end['accuracy'].mean()):.3f}",
            str(least + 1), f"{q[least]:.2f} +- {error[least]:.2f}", f"{q[0]:.2f}", f"{q[-1]:.2f}",
            f"{weights[0]:.2f}", f"{weights[-1]:.2f}",
        ])  # fmt: skip
    return markdown(columns, rows)


BLOCKS: Blocks[Stored] = {"verdicts": verdicts, "cells": cells, "around": around}
"""What stands between the marks of each name."""
