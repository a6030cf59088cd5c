"""What every deepglass command line has in common: options, one-line errors, exit codes, JSON.

Exit codes: 0 done, 1 it failed while running, 2 bad input, 3 no solution.
"""

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import numpy as np
import typer

from deepglass.errors import DeepglassError

INTERRUPTED = 130


class Format(StrEnum):
    """How a command prints its result on standard output."""

    table = "table"
    json = "json"


def application(help: str) -> typer.Typer:
    """A command group with deepglass's conventions; commands stay sub-commands even when there is one."""
    app = typer.Typer(
        help=help,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(lambda: None)
    return app


def plain(value: Any) -> Any:
    """``value`` as JSON can hold it: arrays become lists, a missing number (NaN) becomes null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def print_json(value: Any) -> None:
    """Print one JSON object on one line."""
    typer.echo(json.dumps(plain(value), allow_nan=False))


def table(columns: Mapping[str, Iterable[Any]]) -> str:
    """Columns as an aligned text table; numbers with four significant digits, missing ones as ``-``."""

    def text(value: Any) -> str:
        if isinstance(value, float | np.floating):
            return f"{value:.4g}" if math.isfinite(value) else "-"
        return str(value)

    cells = [[name, *(text(value) for value in values)] for name, values in columns.items()]
    widths = [max(map(len, column)) for column in cells]
    rows = zip(*cells, strict=True)
    return "\n".join("  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in rows)


def fail(message: str, code: int) -> int:
    """Print a one-line error on standard error; returns the exit code."""
    typer.echo("error: " + " ".join(str(message).split()), err=True)
    return code


def main(app: typer.Typer, arguments: Sequence[str] | None = None) -> int:
    """Run a Typer app; every expected failure ends in one line on standard error and its exit code."""
    # prog_name: `python -m theory`, not `__main__.py`, in every usage line.
    name = f"python -m {sys.argv[0].rsplit('/', 2)[-2]}" if sys.argv[0].endswith("__main__.py") else None
    try:
        code = app(arguments, prog_name=name, standalone_mode=False)
    except DeepglassError as error:
        return fail(str(error), error.exit_code)
    except Exception as error:
        # Typer carries its own copy of click in newer releases, so usage errors are known by shape.
        if hasattr(error, "format_message") and hasattr(error, "exit_code"):
            return fail(error.format_message(), int(error.exit_code))
        raise
    if code == INTERRUPTED:  # Typer turns Ctrl-C into this code
        return fail("interrupted; nothing was written", INTERRUPTED)
    return int(code) if isinstance(code, int) else 0
