"""What a sweep file asks for: points, names, and what is refused before any work."""

from pathlib import Path

import pytest

from deepglass.cli import main
from deepglass.errors import InvalidInput
from simulate import Protocol
from simulate.cli import app
from simulate.grid import expand, load, pick, share

HUGE = "[grid]\n" + "\n".join(f"{name} = {list(range(1, 101))}" for name in ("width", "depth", "seed"))


def test_grid_times_points_times_parts_of_the_samples(tmp_path):
    path = tmp_path / "sweep.toml"
    path.write_text(
        """
        samples_per_file = 4
        [run]
        samples = 6
        first_sample = 10
        [grid]
        width = [5, 10]
        temperature = [1e-5, 1]
        [[points]]
        waiting_time = [100, 1000]
        [[points]]
        waiting_time = 7
        patterns = 250
        """
    )
    points = load(path)
    assert [point.index for point in points] == list(range(16))
    assert points[0].name == "temperature=1e-05_waiting_time=100-1000_width=5.samples=10-13"
    assert points[15].name == "patterns=250_temperature=1.0_waiting_time=7_width=10.samples=14-15"
    assert [(p.protocol.first_sample, p.protocol.samples) for p in points[:2]] == [(10, 4), (14, 2)]
    assert points[0].protocol == Protocol(
        width=5, temperature=1e-5, waiting_time=(100, 1000), samples=4, first_sample=10
    )
    assert points[0].values == {"temperature": 1e-5, "waiting_time": (100, 1000), "width": 5}
    # Two t_w: the trunk to the later one, then both branches.
    assert points[0].replica_steps == 4 * (1000 + 4 * (19_900 + 19_000))


def test_names_do_not_depend_on_the_rest_of_the_grid_and_fit_every_file_system():
    one = expand({"grid": {"width": [4], "patterns": [20]}})
    more = expand({"grid": {"patterns": [10, 20], "width": [2, 4]}})
    assert one[0].name == "patterns=20_width=4"
    assert one[0].name in [point.name for point in more]
    awkward = {
        "data": ["a b/x.npz", "c/x.npz", "./x y"],
        "classes": [[0, 1], [-1, 1], [-1, -1]],
        "extra_times": [[], list(range(100, 200))],
    }
    names = [point.name for point in expand({"grid": awkward})]
    assert len(set(names)) == 18
    for name in names:
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-_=")
        assert len(name) <= 150
    assert [p.name for p in expand({"run": {"width": 3}})] == ["run"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[run", ["no TOML"]),
        ("[rum]\nwidth = 3", ["rum", "did you mean run"]),
        ("run = 3", ["[run]", "table"]),
        ("[run]\nwidht = 3", ["[run]", "widht", "width"]),
        ("[grid]\nwidht = [3]", ["[grid]", "widht", "width"]),
        ("[[points]]\nwidht = 3", ["[[points]] 0", "widht", "width"]),
        ("[run]\nwidth = 0", ["width = 0", ">= 1"]),
        ("[grid]\nwidth = [3, 0, -1]", ["point 1", "width = 0", "1 more"]),
        ("[grid]\nwidth = [3, '4']", ["point 1", "width = '4'"]),
        ("[grid]\nwidth = 3", ["[grid] width = 3", "list"]),
        ("[grid]\nwidth = []", ["[grid] width = []", "at least one"]),
        ("[grid]", ["[grid] is empty"]),
        ("points = []", ["[[points]]", "at least one"]),
        ("[[points]]", ["[[points]] 0 is empty"]),
        ("[grid]\nwidth = [3, 4, 3]", ["points 0 and 2 are the same", "width=3"]),
        ("[grid]\ntemperature = [1, 1.0]", ["points 0 and 1 are the same"]),
        ("[[points]]\nwidth = 10\n[[points]]\npatterns = 240", ["points 0 and 1 are the same"]),
        ("[run]\nwidth = 3\n[grid]\nwidth = [3]", ["width", "[run]", "[grid]"]),
        ("[grid]\nwidth = [3]\n[[points]]\nwidth = 3", ["width", "[grid]", "[[points]] 0"]),
        ("samples_per_file = 0", ["samples_per_file = 0"]),
        ("[grid]\nsteps = [10, 100_000]", ["point 0", "steps=10", "waiting_time"]),
        (HUGE, ["1,000,000 points"]),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_before_any_work_naming_file_and_value(tmp_path, capsys, text, words):
    path = tmp_path / "sweep.toml"
    path.write_text(text)
    assert main(app, ["sweep", str(path), "--out", str(tmp_path / "out")]) == 2
    message = capsys.readouterr().err
    assert len(message.strip().splitlines()) == 1
    for word in ["sweep.toml", *words]:
        assert word in message
    assert not (tmp_path / "out").exists()


def test_the_example_of_the_docs_is_the_series_it_says():
    points = load(Path(__file__).parents[2] / "docs" / "examples" / "sweep.toml")
    assert len(points) == 12
    assert sorted({point.protocol.alpha for point in points}) == [50, 100, 200, 400]


def test_shares_hold_every_point_once():
    points = expand({"grid": {"seed": list(range(10))}})
    for count in (1, 3, 12):
        shares = [share(points, f"{i}/{count}") for i in range(count)]
        assert sorted(point.index for part in shares for point in part) == list(range(10))
    for wrong in ("3/3", "-1/3", "1", "a/b", "1/0", "1/2/3", "1/2\n"):
        with pytest.raises(InvalidInput, match="I/N"):
            share(points, wrong)
    assert [point.index for point in pick(points, [7, 2, 7])] == [2, 7]
    with pytest.raises(InvalidInput, match="only = 10"):
        pick(points, [10])


def test_an_empty_file_is_no_sweep(tmp_path):
    path = tmp_path / "sweep.toml"
    for text in ("", "samples_per_file = 2"):
        path.write_text(text)
        with pytest.raises(InvalidInput, match="holds no sweep"):
            load(path)
