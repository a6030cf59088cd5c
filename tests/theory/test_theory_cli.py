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
    assert found["closure"] == "gaussian"
    assert found["potential"] == "hard-core"
    assert found["beta"] is None
    assert found["replicon"] > 0.0
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
        (("random", 3, 1, "--potential", "soft"), 2, ("beta", "soft")),
        (("random", 3, 1, "--beta", "3"), 2, ("beta = 3.0", "soft")),
        (("random", 3, 1, "--potential", "soft", "--beta", "-3"), 2, ("beta = -3", ">= 0.001")),
        (("random", 3, 1, "--closure", "mean"), 2, ("closure = 'mean' must be one of gaussian, site",)),
        (("random", 2, 30, "--closure", "site"), 3, ("below 20.648765", "capacity", "site")),
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


@pytest.mark.parametrize(
    ("arguments", "code"),
    [pytest.param(("random", 3, -1), 2, marks=pytest.mark.slow), (("random", 1, 2.5), 3)],
)
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


def test_site_closure_and_soft_potential_from_the_command_line(capsys):
    given = options(
        "random", 2, 5, "--closure", "site", "--potential", "soft", "--beta", 20, "--format", "json"
    )
    assert main(app, given) == 0
    found = json.loads(capsys.readouterr().out)
    expected = solve_profile("random", 2, 5.0, closure="site", potential="soft", beta=20.0)
    assert found["q"] == list(expected.q)
    assert (found["closure"], found["potential"], found["beta"]) == ("site", "soft-core", 20.0)
    assert main(app, [*given[:-2]]) == 0
    assert "soft-core, beta 20, site closure" in capsys.readouterr().out


def test_transitions_as_json_and_table(capsys):
    given = ["transitions", "--scenario", "teacher-student", "--depth", "2"]
    assert main(app, [*given, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["layer"] for row in found["continuous"]] == [1]
    assert found["continuous"][0]["alpha"] == pytest.approx(np.pi**2 / 8, rel=1e-9)
    sides = [(row["branch"], row["side"]) for row in found["spinodal"]]
    assert sides == [("crystal", "from"), ("continuous", "to")]
    assert 9.90 < found["first_order"][0]["alpha"] < 9.95
    assert found["capacity"] is None
    assert main(app, given) == 0
    table = capsys.readouterr().out
    assert "layer 1 freezes" in table
    assert "the crystal branch appears" in table


def test_phase_diagram_draws_a_picture(tmp_path, capsys):
    out = tmp_path / "new" / "phases.png"
    given = ["phase-diagram", "--scenario", "random", "--depths", "2,3", "--out", str(out)]
    assert main(app, given) == 0
    assert out.read_bytes().startswith(b"\x89PNG")
    before = out.stat().st_size
    assert before > 10_000
    assert main(app, given) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main(app, [*given, "--overwrite"]) == 0


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--depths", "2,x"), "depths = '2,x'"),
        (("--depths", "0"), "depth = 0"),
        ((), "--max-depth"),
        (("--depths", "2", "--max-depth", "3"), "--max-depth"),
        (("--max-depth", "0"), "depth = 0"),
        (("--depths", "2", "--closure", "x"), "closure"),
    ],
)
def test_bad_diagrams_are_refused(tmp_path, capsys, arguments, word):
    out = tmp_path / "phases.png"
    assert main(app, ["phase-diagram", "--scenario", "random", *arguments, "--out", str(out)]) == 2
    assert word in capsys.readouterr().err
    given = ["phase-diagram", "--scenario", "random", "--depths", "2", "--out", str(tmp_path / "a.txt")]
    assert main(app, given) == 2
    assert list(tmp_path.iterdir()) == []
