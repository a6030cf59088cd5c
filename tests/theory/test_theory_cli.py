"""``python -m theory`` as a user runs it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from deepglass import schema
from deepglass.cli import main
from theory import solve_profile
from theory.cli import app

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "theory", *map(str, arguments)], capture_output=True, text=True, cwd=ROOT
    )


def options(scenario, depth, alpha, *more):
    return list(map(str, ("profile", "--scenario", scenario, "--depth", depth, "--alpha", alpha, *more)))


def profile(*arguments):
    return run(*options(*arguments))


def test_json_is_one_object_with_the_profile():
    done = profile("teacher-student", 3, 20, "--branch", "equilibrium", "--format", "json")
    assert done.returncode == 0
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert {"scenario", "depth", "alpha", "q", "Q", "eps", "entropy", "residual", "branch"} <= set(found)
    assert [len(found[name]) for name in ("q", "Q", "eps")] == [4, 3, 2]
    expected = solve_profile("teacher-student", 3, 20.0, branch="crystal")
    assert found["branch"] == "crystal"
    assert found["q"] == pytest.approx(list(expected.q), rel=1e-12)
    assert found["entropy"] == pytest.approx(expected.entropy, rel=1e-12)


def test_table_and_round_trip_and_overwrite(tmp_path):
    out = tmp_path / "new" / "profile.nc"
    done = profile("random", 3, 5, "--out", out)
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.startswith("random, depth 3, alpha 5, margin 0: continuous branch")
    dataset = schema.read(out, "profile")
    expected = solve_profile("random", 3, 5.0)
    np.testing.assert_array_equal(dataset.q.values, expected.q)
    np.testing.assert_array_equal(dataset.Q_complement.values, expected.Q_complement)
    assert dataset.attrs["entropy"] == expected.entropy
    refused = profile("random", 3, 6, "--out", out)
    assert refused.returncode == 2
    assert "--overwrite" in refused.stderr
    assert schema.read(out, "profile").attrs["alpha"] == 5.0
    assert main(app, options("random", 3, 6, "--out", out, "--overwrite")) == 0
    assert schema.read(out, "profile").attrs["alpha"] == 6.0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("random", 3, "nan"), 2, ("alpha", "> 0")),
        (("random", 3, "1e300"), 2, ("alpha = 1e+300", "<= 1e+09")),
        (("random", 10**9, 1), 2, ("depth = 1000000000", "<= 200")),
        (("random", 3, 1, "--branch", "glass"), 2, ("branch = 'glass' must be one of continuous, crystal",)),
        (("random", 0, 1), 2, ("depth = 0", ">= 1")),
        (("other", 3, 1), 2, ("scenario = 'other' must be one of random, teacher-student",)),
        (("random", 3, 1, "--margin", "11"), 2, ("margin = 11", "<= 4")),
        (("random", 3, 1, "--branch", "crystal"), 2, ("crystal", "continuous")),
        (("random", 1, 2.5), 3, ("alpha = 2.5", "below 2,", "capacity")),
        (("teacher-student", 3, 30), 3, ("27.813696", "spinodal")),
        (("teacher-student", 3, 5, "--branch", "crystal"), 3, ("11.539797", "spinodal")),
    ],
)
def test_failures_are_one_line_with_their_code_and_no_file(tmp_path, capsys, arguments, code, words):
    """In process, for speed; the same through a real process below."""
    out = tmp_path / "profile.nc"
    assert main(app, options(*arguments, "--out", out)) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert all(word in printed.err for word in words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("arguments", "code"), [(("random", 3, -1), 2), (("random", 1, 2.5), 3)])
def test_exit_codes_of_the_process(tmp_path, arguments, code):
    done = profile(*arguments, "--out", tmp_path / "profile.nc")
    assert done.returncode == code
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_help_teaches(capsys):
    assert main(app, ["profile", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "planted" in text
    assert "random|teacher-student" in text
    assert "continuous|crystal|equilibrium" in text
    assert "Example: python -m theory profile" in text
