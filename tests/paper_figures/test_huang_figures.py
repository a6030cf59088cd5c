"""Every figure of the thermal machine: drawn from nothing, again from what is stored, and empty."""

import csv
import re
from pathlib import Path

import pytest

from deepglass.errors import InvalidInput
from paper_figures.huang2025 import FIGURES, load, make, parse
from paper_figures.huang2025.claims import VERDICTS
from paper_figures.huang2025.explanations import EXPLANATIONS
from paper_figures.huang2025.figure import stem
from paper_figures.huang2025.pages import BLOCKS, PAGES
from paper_figures.huang2025.studies import results_at, studies_at
from paper_figures.stored.pages import markdown, refresh

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """All figures, with all their runs: what a user gets from ``huang2025 --size smoke``."""
    folder = tmp_path_factory.mktemp("smoke")
    places = {"data": folder / "data", "runs": folder / "runs"}
    return folder, places, dict(make(folder / "figures", None, "smoke", **places))


def test_every_figure_is_drawn_and_claims_something(smoke):
    folder, _, claims = smoke
    assert list(claims) == [stem(load(name), "") for name in FIGURES]
    assert {path.name for path in (folder / "figures").iterdir()} == {
        f"{name}.{suffix}" for name in claims for suffix in ("png", "pdf", "csv")
    }
    for name, found in claims.items():
        assert found or name == "readings"
        assert (folder / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        with open(folder / "figures" / f"{name}.csv", newline="") as stream:
            columns, *rows = csv.reader(stream)
        assert columns == ["panel", "who", "series", "x", "y", "error"]
        assert "ours" in {row[1] for row in rows}, name
        assert all(len(row) == 6 for row in rows)
    verdicts = {claim.verdict for found in claims.values() for claim in found}
    assert verdicts <= {"no reference", "undefined", "not run at this size"} <= set(VERDICTS)


def test_keys_of_claims_are_unique(smoke):
    keys = [claim.key for found in smoke[2].values() for claim in found]
    assert len(keys) == len(set(keys)), sorted(key for key in keys if keys.count(key) > 1)


def test_one_panel_is_drawn_from_what_is_stored_without_running(smoke, monkeypatch, tmp_path):
    _, places, claims = smoke
    monkeypatch.setattr("paper_figures.stored.results.run_sweep", None)
    ((name, found),) = make(tmp_path, "2c", "smoke", **places)
    assert name == "fig2c"
    assert repr(found) == repr([claim for claim in claims["fig2"] if claim.panel == "2c"])  # NaN != NaN
    assert {path.name for path in tmp_path.iterdir()} == {"fig2c.png", "fig2c.pdf", "fig2c.csv"}


@pytest.mark.parametrize("name", FIGURES)
def test_without_results_nothing_is_claimed(name, tmp_path):
    """What needs no run (the theory of Fig. 1a) may be."""
    for claim in load(name).claims(results_at("laptop", tmp_path)):
        assert claim.verdict == "not run at this size" or claim.panel == "1a", claim.key


def test_every_panel_of_the_paper_is_there():
    """The list of the issue: 1a, 1b, 2a-h, 3a-d, 4a-f, S1-S9."""
    letters = {"1": "ab", "2": "abcdefgh", "3": "abcd", "4": "abcdef"}
    assert {name: "".join(load(name).panels) for name in letters} == letters
    assert {f"S{k}" for k in range(1, 10)} <= set(FIGURES)
    assert [(figure.name, letter) for figure, letter in parse("3d")] == [("3", "d")]
    assert len(parse(None)) == len(FIGURES)


@pytest.mark.parametrize("text", ["5", "2i", "S10", "", "2ab", "nulls9"])
def test_what_is_no_figure_is_refused(text, tmp_path):
    with pytest.raises(InvalidInput, match=r"figure|panel"):
        make(tmp_path, text, "smoke")
    assert list(tmp_path.iterdir()) == []


def test_files_are_looked_at_before_any_work(tmp_path):
    (tmp_path / "fig4.pdf").write_text("kept")
    with pytest.raises(InvalidInput, match="exists"):
        make(tmp_path, "4", "smoke")
    with pytest.raises(InvalidInput, match="size"):
        make(tmp_path, "4", "huge")
    assert (tmp_path / "fig4.pdf").read_text() == "kept"


def test_blocks_of_a_page_are_made_anew_and_the_rest_stays():
    blocks = {"scan": lambda results: "new"}
    page = "a\n<!-- scan -->\nold\n<!-- end scan -->\nb\n"
    assert refresh(page, None, blocks) == "a\n<!-- scan -->\nnew\n<!-- end scan -->\nb\n"
    assert markdown(("x", "y"), [("1", "a|b")]) == "| x | y |\n| --- | --- |\n| 1 | a\\|b |"


@pytest.mark.parametrize("page", PAGES)
def test_committed_pages_are_what_is_generated(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert refresh(text, results_at("laptop"), BLOCKS) == text, "run python -m paper_figures pages"


def test_every_number_that_differs_is_explained():
    """By an explanation or an open question; and every explanation has a number that needs it."""
    rows = [line.split(" | ") for line in (ROOT / PAGES[0]).read_text(encoding="utf-8").splitlines()]
    verdicts = {f"{row[0].removeprefix('| ')}: {row[1]}": row[6] for row in rows if len(row) > 8}
    differing = [key for key, verdict in verdicts.items() if "differs" in verdict]
    assert differing, "the scoreboard is empty"
    assert [key for key in differing if verdicts[key] == "differs"] == []
    idle = [
        pattern for pattern, _ in EXPLANATIONS if not any(re.fullmatch(pattern, key) for key in differing)
    ]
    assert idle == []


def test_command_line(command, refused, tmp_path):
    assert "3d" in refused("paper_figures", "huang2025", "--figure", "7z", "--size", "smoke")
    assert "none does not exist" in refused("paper_figures", "huang2025", "--from-stored", "--stored", "none")
    (tmp_path / "empty").mkdir()
    given = "--figure S9 --from-stored --stored empty --out out"
    said = command("paper_figures", "huang2025", *given.split())
    assert said.returncode == 0, said.stderr
    assert re.search(r"S9 .* not run at this size", said.stdout)


def test_a_panel_wants_its_own_ensembles_only():
    assert load("3").needs(["d"]) == {"widths": ["N=10"], "late": ["N=10"]}
    assert load("3").needs(["a", "d"]) == {"waits": None, "widths": ["N=10"], "late": ["N=10"]}
    for name in FIGURES:  # what is named is there
        for study, labels in load(name).needs(list(load(name).panels)).items():
            assert study in studies_at("laptop")
            assert set(labels or ()) <= set(studies_at("laptop")[study].ensembles)
