"""Checks on values and the conventions of every command line."""

import json

import numpy as np
import pytest
import typer

from deepglass import checks, cli
from deepglass.errors import DeepglassError, Diverged, InvalidInput, NoSolution


@pytest.mark.parametrize("bad", [0, -3, 1.5, True, "2", None, float("nan")])
def test_integers(bad):
    assert checks.integer("depth", np.int64(4), 1) == 4
    with pytest.raises(InvalidInput, match=r"depth = .* must be an integer >= 1"):
        checks.integer("depth", bad, 1)


def test_integers_have_a_largest():
    with pytest.raises(InvalidInput, match=r"seed = 9223372036854775808 must be an integer >= 0 and <= "):
        checks.integer("seed", 2**63, 0)
    with pytest.raises(InvalidInput, match="threads = 9 must be an integer >= 1 and <= 4"):
        checks.integer("threads", 9, 1, 4)


@pytest.mark.parametrize("bad", [0, -1.0, float("nan"), float("inf"), "2", None, False, 1e9])
def test_reals(bad):
    assert checks.real("alpha", np.float32(2.5), above=0, at_most=10) == 2.5
    with pytest.raises(InvalidInput, match=r"alpha = .* must be .*finite and > 0 and <= 10"):
        checks.real("alpha", bad, above=0, at_most=10)


def test_words():
    assert checks.one_of("start", "small", ["small", "uniform"]) == "small"
    with pytest.raises(InvalidInput, match="start = 'warm' must be one of small, uniform"):
        checks.one_of("start", "warm", ["small", "uniform"])


def test_plain_json_has_null_for_what_is_missing():
    value = {"a": np.array([1.0, np.nan]), "b": (np.int64(3), np.float32(0.5)), "c": float("inf"), "d": "x"}
    assert json.loads(json.dumps(cli.plain(value), allow_nan=False)) == {
        "a": [1, None],
        "b": [3, 0.5],
        "c": None,
        "d": "x",
    }


def test_table_aligns_and_marks_missing():
    text = cli.table([("layer", [1, 10]), ("q", np.array([0.5, np.nan]))])
    assert text.splitlines() == ["layer    q", "    1  0.5", "   10    -"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidInput("alpha = -1 must be\n> 0"), 2),
        (NoSolution("no solution", limit=2.0), 3),
        (Diverged("step 3"), 1),
        (DeepglassError("x"), 1),
        (KeyboardInterrupt(), 130),
        (MemoryError("12 GiB"), 1),
        (OSError(28, "No space left on device"), 1),
    ],
)
def test_errors_end_in_one_line_and_their_code(error, code, capsys):
    app = cli.application("Test.")

    @app.command()
    def fail() -> None:
        raise error

    assert cli.main(app, ["fail"]) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert len(printed.err.strip().splitlines()) == 1


def test_usage_errors_end_in_one_line_and_code_2(capsys):
    app = cli.application("Test.")

    @app.command()
    def go(number: int = 1) -> None:
        typer.echo(number)

    for arguments in (["go", "--number", "x"], ["go", "--unknown", "1"], ["stop"], ["go", "extra"]):
        assert cli.main(app, arguments) == 2
        printed = capsys.readouterr()
        assert len(printed.err.strip().splitlines()) == 1, printed.err
        assert printed.err.startswith("error: ")
    assert cli.main(app, ["go", "--number", "3"]) == 0
    assert cli.main(app, ["go", "--help"]) == 0
    assert cli.main(app, []) == 2
    assert "Commands:" in capsys.readouterr().out


def test_usage_errors_name_the_value(capsys):
    app = cli.application("Test.")

    @app.command()
    def go(number: int = 1) -> None:
        typer.echo(number)

    for arguments in (["go", "--number", "2.5"], ["go", "--number=2.5"]):
        assert cli.main(app, arguments) == 2
        assert "--number = '2.5'" in capsys.readouterr().err
