"""The generated parts of docs: blocks of a page, tables, and where stored results come from.

A page holds blocks between ``<!-- NAME -->`` and ``<!-- end NAME -->``; :func:`refresh` fills them from the
stored results, and tests see to it that the committed pages are what is generated.
"""

import importlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType
from typing import TypeVar

import xarray as xr

from paper_figures.stored import reduced
from paper_figures.stored.results import Results
from paper_figures.stored.scores import columns, rows

Stored = TypeVar("Stored")
Blocks = Mapping[str, Callable[[Stored], str]]
"""What a block is filled with, from what is stored, by its name."""


def refresh(text: str, results: Stored, blocks: Blocks[Stored]) -> str:
    """A page with its blocks made anew; what stands outside them stays."""

    def block(match: re.Match[str]) -> str:
        name = match[1]
        return f"<!-- {name} -->\n{blocks[name](results).strip()}\n<!-- end {name} -->"

    return re.sub(r"<!-- (\w+) -->.*?<!-- end \1 -->", block, text, flags=re.DOTALL)


def markdown(columns: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table."""
    cells = [[str(cell).replace("|", "\\|") for cell in line] for line in lines]
    head = [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]
    return "\n".join([*head, *(f"| {' | '.join(line)} |" for line in cells)])


def scoreboard(package: ModuleType, null: str = "null") -> Callable[[Results], str]:
    """A block with all numbers of all figures of a package; ``null`` names what stands beside ours."""

    def block(results: Results) -> str:
        parts = []
        for name in package.FIGURES:
            found = importlib.import_module(f"{package.__name__}.{name}").draw(results, None, False)
            parts.append(f"**{name}**\n\n{markdown(columns(null), rows(found))}")
        return "\n\n".join(parts)

    return block


def provenance(results: Results) -> str:
    """What is stored: ensembles, samples, data, code, device, wall time; a bundle is one line."""
    lines, sources = [], set()
    for study in results.studies.values():
        found = {name: r for name in study.ensembles if (r := results.of(study, name)) is not None}
        sources |= {str(result.attrs["data_source"]) for result in found.values()}
        if study.bundled and found:
            lines.append(_made(study.name, f"{len(found)} readings", list(found.values())))
        else:
            lines += [_made(study.name, name, [result]) for name, result in found.items()]
    head = ("study", "ensemble", "M", "samples", "replicas", "steps", "code", "device", "core hours")
    told = ["", "Data:", "", *(f"* {source}" for source in sorted(sources) if source)]
    return "\n".join([markdown(head, lines), *(told if any(sources) else [])])


def _made(study: str, name: str, results: Sequence[xr.Dataset]) -> list[str]:
    """A line of the provenance; what differs among results is a span or a list."""
    parts = [part for result in results for part in reduced.parts(result)]
    hours = sum(float(part["wall_time_s"]) for part in parts) / 3600

    def span(values: Iterable[int]) -> str:
        low, *_, high = sorted([*values] * 2)
        return f"{low:,}" if low == high else f"{low:,} to {high:,}"

    return [
        study, name,
        span(int(result.attrs["patterns"]) for result in results),
        span(result.sizes["sample"] for result in results),
        span(int(result.attrs["replicas"]) for result in results),
        span(int(result.attrs["steps"]) for result in results),
        ", ".join(sorted({part["code_version"] for part in parts})),
        ", ".join(sorted({part["device_name"] for part in parts})),
        f"{hours:.2f}",
    ]  # fmt: skip
