"""What benchmarks share: the best rate of several windows, and the rows they end in."""

import json
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

WINDOWS = 3


def best(work: Callable[[], int], seconds: float) -> float:
    """Units of ``work`` per second, the best of three windows that last ``seconds`` together; it says how
    many it did."""
    work()
    rates = []
    for _ in range(WINDOWS):
        made, begun = 0, time.perf_counter()
        while time.perf_counter() - begun < seconds / WINDOWS:
            made += work()
        rates.append(made / (time.perf_counter() - begun))
    return max(rates)


def show(rows: Sequence[Mapping[str, Any]], out: Path | None = None, width: int = 11) -> None:
    """Print rows as a table and, if ``out`` is named, write them as JSON with the device."""
    print(" ".join(f"{name:>{width}}" for name in rows[0]))
    for row in rows:
        cells = (f"{value:.4g}" if isinstance(value, float) else str(value) for value in row.values())
        print(" ".join(f"{cell:>{width}}" for cell in cells))
    if out is not None:
        about = {"device": platform.processor() or platform.machine(), "torch": torch.__version__}
        out.write_text(json.dumps({**about, "rows": rows}, indent=1))
