"""The verdict of :mod:`compare.liquid` in plain words, and what to know before believing it."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from compare.liquid import Contrast, Entry, Share
    from compare.weight_ensemble import Ensemble

STATES = {"liquid": "is liquid", "not liquid": "is not liquid", "undecided": "is undecided"}


def plus_minus(value: float, error: float) -> str:
    """E.g. ``0.0021 +- 0.0001``: the error to one digit (two if it begins with 1), ``-`` if missing."""
    if not math.isfinite(value):
        return "-"
    if not (math.isfinite(error) and error > 0):
        return f"{value:.3g}"
    digits = -math.floor(math.log10(error)) + (f"{error:e}"[0] == "1")
    return f"{value:.{max(digits, 0)}f} +- {error:.{max(digits, 0)}f}"


def sentence(
    entries: Mapping[tuple[str, str], "Entry"],
    controls: Sequence["Entry"],
    contrasts: Sequence["Contrast"],
    share: "Share",
) -> str:
    """A few sentences on the data; ``entries`` by part and order, ``controls``: their canonical interiors."""
    part = "interior" if ("interior", "raw") in entries else "full"
    name = "The interior" if part == "interior" else "The network"
    raw, canonical = entries[part, "raw"], entries.get((part, "canonical"))
    said = f"{name} {STATES[raw.verdict]} in the raw ensemble ({_value(raw)})"
    if canonical is None:
        said += (
            "; without a canonical ensemble nobody knows how much of that averaging over hidden units makes"
        )
    elif canonical.verdict == raw.verdict:
        said += f", and {_undecided(canonical)} in canonical order ({_value(canonical)})"
    else:
        said += f" but {STATES[canonical.verdict]} in canonical order ({_value(canonical)})"
    if part == "full":
        return f"{said}. It has no interior to set against its boundaries."
    found = [f"{said}."]
    alike = _sorted_alike(canonical, controls)
    if alike:
        names = ", ".join(f"{each.source} ({_value(each)})" for each in alike)
        found.append(
            f"But there the interior is no less correlated in {names}: canonical order does that by itself,"
            " learnt or not."
        )
    return " ".join([*found, *_boundaries(entries, contrasts, share, "at most " if alike else "")])


def _sorted_alike(data: "Entry | None", controls: Sequence["Entry"]) -> list["Entry"]:
    """Controls whose interior is as correlated in canonical order as the data's, perhaps by sorting alone."""
    if data is None or data.verdict != "not liquid":
        return []
    return [each for each in controls if each.value + 2 * math.hypot(each.error, data.error) >= data.value]


def _undecided(entry: "Entry") -> str:
    return f"{STATES[entry.verdict]} too" if entry.verdict != "undecided" else "is so too"


def _value(entry: "Entry") -> str:
    return entry.reason or f"{plus_minus(entry.value, entry.error)} nats per weight"


def _boundaries(
    entries: Mapping[tuple[str, str], "Entry"], contrasts: Sequence["Contrast"], share: "Share", bound: str
) -> list[str]:
    """``bound`` goes before the share: sorting that correlates the interior makes it too large."""
    raw = {part: entries[part, "raw"] for part in ("input", "output")}
    if all(each.verdict == "liquid" for each in (*raw.values(), entries["interior", "raw"])):
        return ["So are both boundaries in the raw ensemble: nothing sets the interior apart."]
    sides = (f"the {part} boundary {STATES[each.verdict]} ({_value(each)})" for part, each in raw.items())
    said = [f"In the raw ensemble {', '.join(sides)}."]
    ratios = {c.order: c for c in contrasts}
    ratio = " and ".join(
        f"{plus_minus(c.ratio, c.ratio_error)} ({order})"
        for order, c in ratios.items()
        if math.isfinite(c.ratio)
    )
    if ratio:
        said.append(f"Interior weights have {ratio} of the multi-information of boundary weights.")
    if math.isfinite(share.value) and not (bound and share.at_least):
        percent = f"{100 * share.value:.0f} %"
        if share.at_least:
            percent = f"at least {percent}"
        elif math.isfinite(share.error):
            percent = f"{plus_minus(100 * share.value, 100 * share.error)} %"
        said.append(
            f"Of this contrast {bound}{percent} (of its logarithm) comes from averaging over permutations of"
            " hidden units."
        )
    return said


def notes(
    entries: Mapping[tuple[str, str, str], "Entry"], data: "Ensemble", threshold: float
) -> tuple[str, ...]:
    """Of everything measured, by part, order and source."""
    found = []
    if np.bincount(data.samples).max() > 1:
        found.append(
            f"{len(data.samples)} draws of {data.networks} networks: values are means over draws of one"
            " of each network, errors over networks"
        )
    if data.canonical is None:
        found.append("no canonical ensemble: raw against canonical, the permutation control, is missing")
    elif {source for _, _, source in entries} <= {"data", "untrained", "independent"}:
        found.append(
            "sorting hidden units correlates even random weights; the nulls are not sorted: give untrained"
            " networks in canonical order as a control"
        )
    small, interior = entries.get(("random", "raw", "data")), entries.get(("interior", "raw", "data"))
    if small and interior and small.weights < interior.weights:
        found.append(
            f"random parts have {small.weights} weights, half the boundaries': fewer than the interior"
        )
    for (part, order, source), each in entries.items():
        if each.reason:
            continue
        if each.frozen and source not in ("untrained", "independent"):
            found.append(
                f"{part}, {order}, {source}: {each.frozen} of {each.weights} weights hardly flip and count as"
                " without correlations"
            )
        if source in ("untrained", "independent"):
            if each.verdict != "liquid":
                found.append(
                    f"{part}, {order}: {source} weights are {each.verdict} at {threshold:g} nats: too few"
                    " networks"
                )
        elif source == "data" and each.value - 2 * each.error <= 0:
            found.append(f"{part}, {order}: not told from weights without correlations")
        elif source == "data" and each.bias > max(each.value, threshold):
            found.append(f"{part}, {order}: a bias of {each.bias:.2g} was removed, more than what is left")
    return tuple(found)
