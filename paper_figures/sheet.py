"""What every figure has in common: its three files, its style, its colours and its table of drawn numbers."""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps, style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from compare.figure import PALETTE, STYLE, save
from deepglass import files

BLUE, ORANGE, GREEN, PINK, AMBER = PALETTE

Row = Sequence[str | float | int]
Colour = str | tuple[float, float, float, float]
Paths = tuple[Path, Path, Path]
"""PNG, PDF and CSV of a figure."""


def targets(folder: Path, name: str, overwrite: bool) -> Paths:
    """The files of a figure. Raises InvalidInput if one of them cannot be written."""
    image, vector, numbers = (
        files.check_target(folder / f"{name}.{suffix}", overwrite) for suffix in ("png", "pdf", "csv")
    )
    return image, vector, numbers


@contextmanager
def page(width: float, height: float) -> Iterator[Figure]:
    """An empty figure, inches, in the project's style."""
    with style.context(STYLE):
        yield Figure(figsize=(width, height), layout="constrained")


def absent(axis: Axes, why: str = "not run") -> None:
    """A panel of which nothing is stored."""
    axis.text(0.5, 0.5, why, transform=axis.transAxes, ha="center", va="center", color="0.5")


def write(
    figure: Figure,
    columns: Sequence[str],
    rows: Sequence[Row],
    paths: Paths | None,
    overwrite: bool,
) -> None:
    """Save the figure and the numbers it shows; None: neither is wanted."""
    if paths is None:
        return
    *pictures, numbers = paths
    for picture in pictures:
        save(figure, picture, overwrite)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    files.write_bytes(numbers, text.getvalue().encode(), overwrite)


def _cell(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return "" if math.isnan(value) else f"{value:.10g}"
    return str(value)


def sequence(count: int) -> list[Colour]:
    """``count`` colours from dark to light, in order also without colour vision; the palest are left out."""
    shades = np.linspace(0.0, 0.86, count) if count > 1 else np.array([0.0])
    return [colormaps["viridis"](float(shade)) for shade in shades]


def power(alpha: float) -> str:
    """An alpha as a label: 1, 10, then powers of ten where it is one."""
    exponent = math.log10(alpha)
    if exponent >= 2 and exponent == round(exponent):
        return f"$10^{round(exponent)}$"
    return f"{alpha:g}"
