"""What notes and labels say in words: numbers, times, and what of ours is not as in the paper."""

import math
from collections.abc import Mapping

import xarray as xr

from paper_figures.huang2025 import measures

NO_LIQUID = "no layer is liquid"
"""Why a depth of the solid is undefined."""

TOYS = "a toy, not compared"
"""Of the size ``smoke``."""


def short(number: float) -> str:
    """A number as in a text: 200, 1715, 5e4."""
    mantissa, exponent = f"{number:.3g}", math.floor(math.log10(abs(number))) if number else 0
    if exponent < 4 or number % 10 ** (exponent - 1):
        return f"{number:g}" if exponent < 6 else mantissa
    return f"{number / 10**exponent:g}e{exponent}"


def power(t: float) -> str:
    """A time as a formula without its dollars, all its digits: 200, 10^3, 1.5 x 10^3."""
    if t < 1_000:
        return f"{t:g}"
    exponent = math.floor(math.log10(t))
    factor = f"{t / 10**exponent:.10g}"
    return f"10^{exponent}" if factor == "1" else rf"{factor} \times 10^{exponent}"


def joined(*remarks: str) -> str:
    """Those that are not empty, as one note."""
    return "; ".join(remark for remark in remarks if remark)


def instead(name: str, ours: float, paper: float) -> str:
    """``t = 5e4 for 5e5``; empty if ours is the paper's."""
    return "" if ours == paper else f"{name} = {short(ours)} for {short(paper)}"


def differences(ours: Mapping[str, float], paper: Mapping[str, float]) -> str:
    """All of ``paper`` that is not so in ours: ``M = 1715 for 2000; t = 2e4 for 1e5``; empty if all is."""
    return joined(*(instead(name, ours[name], value) for name, value in paper.items()))


def note(result: xr.Dataset | None, *more: str, patterns: int = 2000, **paper: int) -> str:
    """What of a claim is not as in the paper, and ``more``.

    Compared are M, and t and t_w (:func:`measures.last_times`) where ``paper`` has them. A result that knows
    how many samples were ``asked`` for (:func:`layer_panels.latest`) says if it has fewer.
    """
    if result is None:
        return joined(*more)
    ours = {"M": int(result.attrs["patterns"])}
    if paper:
        ours |= dict(zip(("t", "t_w"), measures.last_times(result), strict=True))
    asked, there = result.attrs.get("asked", 0), result.sizes.get("sample", 0)
    few = f"{there} of {asked} samples" if there < asked else ""
    return joined(differences(ours, {"M": patterns, **paper}), few, *more)
