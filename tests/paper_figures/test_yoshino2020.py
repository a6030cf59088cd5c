"""Every figure of the replica theory at its smallest size: files written, known numbers reached."""

import csv

import pytest

from deepglass.errors import InvalidInput
from paper_figures.checks import table
from paper_figures.yoshino2020 import THEORY, Check, make


@pytest.mark.parametrize("figure", THEORY)
def test_figure_writes_png_and_csv_and_its_numbers_agree(figure, tmp_path):
    ((name, checks),) = make(tmp_path / "figures", figure, "smoke")
    assert name == figure
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {
        f"{figure}.{suffix}" for suffix in ("png", "pdf", "csv")
    }
    assert (tmp_path / "figures" / f"{figure}.png").read_bytes().startswith(b"\x89PNG")
    with open(tmp_path / "figures" / f"{figure}.csv", newline="") as stream:
        columns, *rows = csv.reader(stream)
    assert len(rows) > 10
    assert all(len(row) == len(columns) for row in rows)
    assert any(check.verdict == "ok" for check in checks)
    assert [check for check in checks if check.verdict == "off"] == []


def test_figures_are_checked_before_any_work(tmp_path):
    with pytest.raises(InvalidInput, match="figure"):
        make(tmp_path, "no such figure")
    with pytest.raises(InvalidInput, match="size"):
        make(tmp_path, "capacity", "huge")
    (tmp_path / "closures.csv").write_text("kept")
    with pytest.raises(InvalidInput, match="exists"):
        make(tmp_path, size="smoke")
    assert [path.name for path in tmp_path.iterdir()] == ["closures.csv"]


def test_a_check_says_whether_its_number_is_right():
    checks = [Check("a", 2.0, 2.0, 1e-9), Check("b", 2.1, 2.0, 0.01), Check("c", 3.0)]
    assert [check.verdict for check in checks] == ["ok", "off", "reported"]
    assert Check("nan", float("nan"), 1.0, 1.0).verdict == "off"
    assert table(checks).splitlines()[2].split() == ["b", "2.1", "2", "0.01", "off"]


def test_command_line(command, refused, tmp_path):
    assert "unknown" in refused("paper_figures", "yoshino2020", "--figure", "unknown")
    done = command("paper_figures", "yoshino2020", "--figure", "capacity", "--size", "smoke", "--out", "here")
    assert done.returncode == 0, done.stderr
    assert "20.64876457" in done.stdout
    assert (tmp_path / "here" / "capacity.csv").exists()
