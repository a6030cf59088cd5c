"""``python -m simulate`` as a user meets it."""

import json

import numpy as np
import pytest

from deepglass import schema
from deepglass.cli import main
from simulate import Protocol, run
from simulate.cli import app

SMALL = [
    "--depth", 3, "--width", 4, "--patterns", 20, "--steps", 50, "--waiting-time", 20, "--samples", 2,
    "--replicas", 3, "--seed", 5, "--temperature", 1e-4, "--device", "cpu",
]  # fmt: skip


def test_run_prints_the_documented_json_and_writes_the_run(command, tmp_path):
    result = command("simulate", "run", *SMALL, "--out", "run.nc", "--format", "json")
    assert result.returncode == 0, result.stderr
    printed = json.loads(result.stdout)
    assert set(printed) == {
        "steps", "energy_ratio", "test_accuracy", "q_star", "Q_star", "kinetic_temperature",
        "replica_steps_per_second", "t_w",
    }  # fmt: skip
    assert printed["steps"] == 50
    assert len(printed["q_star"]) == 2
    assert len(printed["Q_star"]) == 3
    assert set(printed["test_accuracy"]) == {"tanh", "sgn"}
    stored = schema.read(tmp_path / "run.nc", "run")
    same = run(
        Protocol(depth=3, width=4, patterns=20, steps=50, waiting_time=20, samples=2, replicas=3, seed=5,
                 temperature=1e-4, device="cpu")
    )  # fmt: skip
    for name in same.data_vars:
        np.testing.assert_array_equal(stored[name], same[name], err_msg=str(name))
    stored = stored.isel(t_w=0)
    energy = stored.E.mean(["sample", "replica"])
    assert printed["energy_ratio"] == pytest.approx(float(energy.sel(t=50) / energy.sel(t=2)))
    assert printed["kinetic_temperature"] == pytest.approx(float(stored.kinetic.sel(t=50).mean()))
    np.testing.assert_allclose(printed["q_star"], stored.q_star[1:-1])


def test_existing_output_needs_overwrite(tmp_path, capsys):
    path = tmp_path / "run.nc"
    path.write_text("precious")
    arguments = [str(a) for a in ["run", *SMALL, "--out", path]]
    assert main(app, arguments) == 2
    assert "exists" in capsys.readouterr().err
    assert path.read_text() == "precious"
    assert main(app, [*arguments, "--overwrite"]) == 0
    assert "q*" in capsys.readouterr().out
    schema.read(path, "run")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--depth", 0], ["depth", ">= 1"]),
        (["--temperature", "nan"], ["temperature", "finite"]),
        (["--dt", "inf"], ["dt", "finite"]),
        (["--patterns", 361], ["361", "360"]),
        (["--waiting-time", 50], ["waiting_time", "50"]),
        (["--data", "letters"], ["letters", "mnist"]),
        (["--data", "absent.npz"], ["absent.npz"]),
        (["--data", "mnist", "--data-dir", "nowhere"], ["nowhere"]),
        (["--start", "cold"], ["cold", "uniform"]),
        (["--classes", "0,99"], ["99"]),
        (["--steps", "many"], ["steps"]),
    ],
)
def test_bad_input_is_one_line_code_2_and_no_file(monkeypatch, tmp_path, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    code = main(app, [str(a) for a in ["run", *SMALL, *arguments, "--out", "run.nc"]])
    printed = capsys.readouterr()
    assert code == 2
    assert printed.out == ""
    assert len(printed.err.strip().splitlines()) == 1
    for word in words:
        assert word in printed.err
    assert not list(tmp_path.iterdir())


def test_bad_input_through_the_real_entry_point(refused, tmp_path):
    assert "waiting_time" in refused("simulate", "run", *SMALL, "--waiting-time", 99, "--out", "run.nc")
    assert not list(tmp_path.iterdir())
