"""The paper's curves, digitised from its figures (``reference/``).

Their columns are ``x, y, series`` and, where the paper draws error bars, ``yerr``.
"""

import csv
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepglass.errors import InvalidInput

READING_ERROR = 1e-3
"""Of a digitised value: as a share of it on a logarithmic axis; else as it is, the axes span about 1."""

LOGARITHMIC = ("2a", "2c", "2e", "S1a")
"""Panels whose values are energies, on a logarithmic axis."""

READING_ERROR_LOG10 = READING_ERROR / math.log(10)
"""Of log10 of a time."""

FIXED_M = {"N=40": "lnalpha=3.9", "N=20": "lnalpha=4.6", "N=10": "lnalpha=5.3", "N=5": "lnalpha=6.0"}
FIXED_N = {
    "M=10": "lnalpha=0", "M=20": "lnalpha=0.7", "M=40": "lnalpha=1.4", "M=80": "lnalpha=2.1",
    "M=250": "lnalpha=3.2",
}  # fmt: skip
"""The paper's series by our ensembles of the studies ``widths`` (M = 2000) and ``patterns`` (N = 10)."""

FOLDER = Path(__file__).with_name("reference")


@dataclass(frozen=True, eq=False)
class Curve:
    """One series of a panel; ``error`` is missing (NaN) where the paper draws no bar."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    error: NDArray[np.float64]

    def at(self, x: float) -> float:
        """y at ``x``, linear in ln x between the digitised points; NaN outside them."""
        if not self.x[0] <= x <= self.x[-1]:
            return float("nan")
        return float(np.interp(np.log(x), np.log(self.x), self.y))


def reading_error(panel: str, value: float) -> float:
    """Of a value read off a panel."""
    return READING_ERROR * (abs(value) if panel in LOGARITHMIC else 1.0)


@cache
def curves(panel: str) -> dict[str, Curve]:
    """All series of a panel such as ``2c`` or ``S1a``, by name; empty where none was digitised."""
    if not FOLDER.is_dir():
        raise InvalidInput(f"the digitised curves are missing: there is no folder {FOLDER}")
    path = FOLDER / f"fig{panel}.csv"
    if not path.exists():
        return {}
    found: dict[str, list[tuple[float, float, float]]] = {}
    with path.open(newline="") as stream:
        for row in csv.DictReader(stream):
            error = float(row.get("yerr") or "nan")
            found.setdefault(row["series"], []).append((float(row["x"]), float(row["y"]), error))
    return {name: Curve(*np.array(sorted(points)).T) for name, points in found.items()}
