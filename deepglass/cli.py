"""What every deepglass command line has in common: options, one-line errors, exit codes, JSON.

Options that several packages have live here, or are worded alike: a test walks all commands and holds it.
"""

import importlib
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import numpy as np
import typer
from typer.core import TyperGroup

from deepglass.errors import DeepglassError, InvalidInput

INTERRUPTED = 130

EXIT_CODES = "Exit codes: 0 done, 1 failed while running, 2 bad input, 3 no solution, 130 interrupted."


class Format(StrEnum):
    """How a command prints its result on standard output."""

    table = "table"
    json = "json"


Output = Annotated[Format, typer.Option("--format", help="table to read, json for one JSON object.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what an earlier call wrote.")]


def application(help: str, group: type[TyperGroup] = TyperGroup) -> typer.Typer:
    """A command group with deepglass's conventions; commands stay sub-commands even when there is one."""
    app = typer.Typer(
        cls=group,
        help=help,
        epilog=f"{EXIT_CODES} COMMAND --help says what a command does, with an example.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(lambda: None)
    return app


def choice(words: Iterable[str], help: str) -> Any:
    """An option whose value is one of ``words``; whoever uses the value checks it."""
    return typer.Option(help=help, metavar="|".join(words))


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


def table(columns: Iterable[tuple[str, Iterable[Any]]]) -> str:
    """Named columns as an aligned text table; four significant digits, ``-`` for a missing number."""

    def text(value: Any) -> str:
        if isinstance(value, float | np.floating):
            return f"{value:.4g}" if math.isfinite(value) else "-"
        return str(value)

    cells = [[name, *(text(value) for value in values)] for name, values in columns]
    widths = [max(map(len, column)) for column in cells]
    rows = zip(*cells, strict=True)
    return "\n".join("  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in rows)


def fail(message: str, code: int) -> int:
    """Print a one-line error on standard error; returns the exit code."""
    typer.echo("error: " + " ".join(str(message).split()), err=True)
    return code


def main(app: typer.Typer | str, arguments: Sequence[str] | None = None) -> int:
    """Run a Typer app; every expected failure ends in one line on standard error and its exit code.

    ``app`` may be named, ``simulate.cli``, so that its slow imports can be interrupted like the rest.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    name = f"python -m {app.split('.')[0]}" if isinstance(app, str) else None
    try:
        loaded: typer.Typer = importlib.import_module(app).app if isinstance(app, str) else app
        code = loaded(given, prog_name=name, standalone_mode=False)
    except DeepglassError as error:
        return fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except MemoryError as error:
        return fail(f"not enough memory: {error}", 1)
    except OSError as error:
        return fail(f"{error.strerror or error}", 1)
    except Exception as error:
        # Typer carries its own copy of click in newer releases, so its errors are known by their shape.
        if type(error).__name__ == "NoArgsIsHelpError":
            typer.echo(error.format_message())  # type: ignore[attr-defined]
            return InvalidInput.exit_code
        if hasattr(error, "format_message") and hasattr(error, "exit_code"):
            return fail(_named(error, given), int(error.exit_code))
        if type(error).__name__ == "OutOfMemoryError":  # torch's, on a device
            return fail(f"not enough device memory: {error}", 1)
        raise
    if code == INTERRUPTED:  # Typer turns Ctrl-C into this code
        return fail("interrupted", INTERRUPTED)
    return int(code) if isinstance(code, int) else 0


def _named(error: Any, given: Sequence[str]) -> str:
    """A usage error's message, with the value the user gave where it is a value that is wrong."""
    message = str(error.format_message())
    for option in getattr(getattr(error, "param", None), "opts", ()):
        for i, word in reversed(list(enumerate(given))):
            value = given[i + 1] if word == option and i + 1 < len(given) else None
            value = word.removeprefix(f"{option}=") if word.startswith(f"{option}=") else value
            if value is not None:
                return f"{option} = {value!r}: {message.partition(': ')[2] or message}"
    return message
