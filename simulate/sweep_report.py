"""What a person, or a program, is told about a sweep."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deepglass.cli import table
from simulate.sweep import Result, State


def listing(results: Sequence[Result]) -> str:
    """All points as a table: what each is, how large, how far."""
    points = [result.point for result in results]
    columns: list[tuple[str, list[Any]]] = [
        ("#", [point.index for point in points]),
        ("point", [point.name for point in points]),
        ("machines", [point.machines for point in points]),
        ("replica-steps", [point.replica_steps for point in points]),
    ]
    return _beside(columns, "state", [_state(result) for result in results])


def describe(results: Sequence[Result]) -> str:
    """How many points are how far; those that failed, and why; what finished runs warn of."""
    counts = Counter(result.state for result in results)
    parts = ", ".join(f"{counts[state]} {state}" for state in State if counts[state])
    lines = [f"{len(results)} points: {parts}"]
    warned = [result for result in results if result.state is State.done and result.reason]
    if warned:
        lines.append(
            f"{len(warned)} finished with warnings (attribute warnings of their files); the first,"
            f" {warned[0].point.name}: {warned[0].reason}"
        )
    failed = [result for result in results if result.state is State.failed]
    if failed:
        columns: list[tuple[str, list[Any]]] = [
            ("#", [result.point.index for result in failed]),
            ("failed", [result.point.name for result in failed]),
        ]
        lines.append(_beside(columns, "reason", [result.reason for result in failed]))
    return "\n".join(lines)


def as_json(results: Sequence[Result], folder: str | Path) -> dict[str, Any]:
    """The same for programs."""
    return {
        "folder": str(folder),
        "points": [
            {
                "index": result.point.index,
                "name": result.point.name,
                "file": str(result.point.file(Path(folder))),
                "parameters": result.point.values,
                "state": str(result.state),
                "reason": result.reason,
                "replica_steps": result.replica_steps,
                "replica_steps_total": result.point.replica_steps,
            }
            for result in results
        ],
    }


def _state(result: Result) -> str:
    percent = result.replica_steps / result.point.replica_steps
    share = f" {percent:.0%}" if result.state is State.unfinished else ""
    return f"{result.state}{share}" + (f": {result.reason}" if result.state is State.failed else "")


def _beside(columns: list[tuple[str, list[Any]]], name: str, texts: list[str]) -> str:
    """A table with a column of free text, which is long and therefore last and left-aligned."""
    rows = table(columns).splitlines()
    return "\n".join(f"{row}  {text}" for row, text in zip(rows, [name, *texts], strict=True))
