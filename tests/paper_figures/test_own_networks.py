"""Figures of ordinary networks: thickness of a known profile, verdicts of known lines, a smoke run, stored
cells."""

import csv
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from deepglass.cli import main
from deepglass.errors import InvalidInput
from deepglass.phases import THRESHOLD
from paper_figures.cli import app
from paper_figures.own_networks import measures, pages, studies
from paper_figures.own_networks.measures import Thickness, excess, growth, matrices_of, thickness
from paper_figures.stored.pages import refresh

ROOT = Path(__file__).parents[2]
SETS = ("trained", "untrained", "shuffled", "alignment", "rotated")


def cell(trained, null=0.0, effects=None) -> xr.Dataset:
    """A result whose trained copies overlap by ``trained`` (L,), all others by ``null``."""
    depth, k = len(trained), 4
    q = np.zeros((len(SETS), 1, depth, k, k))
    q[0, 0] = np.asarray(trained)[:, None, None]
    q[1:] = null
    if effects is not None:
        q[0, 0] += effects[:, None] + effects[None, :]
    q[..., np.arange(k), np.arange(k)] = 1
    dims = ("set", "probes", "layer", "copy", "copy_b")
    names = {"set": list(SETS), "probes": ["training"]}
    return xr.Dataset({"q_matrix": (dims, q), "cka_matrix": (dims, q)}, names, {"copies": k, "depth": depth})


def test_excess_is_against_the_null_that_leaves_least():
    result = cell([0.2, 0.6, 1.0], null=0.2)
    np.testing.assert_allclose(excess(matrices_of(result, "units")), [0, 0.5, 1])
    result["q_matrix"].loc[{"set": "rotated"}] = 0.5
    np.testing.assert_allclose(excess(matrices_of(result, "units")), [-0.6, 0.2, 1])
    np.testing.assert_allclose(excess(matrices_of(result, "training")), [0, 0.5, 1])
    np.testing.assert_allclose(excess(matrices_of(result, "representation")), [0, 0.5, 1])


def test_thickness_of_a_known_profile():
    """From the output, with the input a solid layer 0."""
    found = thickness(cell([0.1, 0.1, 0.5, 0.9]), "units")
    assert found.value == pytest.approx(1 + (0.5 - THRESHOLD) / 0.4)
    assert (found.error, found.bound) == (0, False)
    assert thickness(cell([0.9, 0.8, 0.7]), "units") == Thickness(3.0, 0.0, True)
    assert thickness(cell([0.9, 0.8, 0.2]), "units").value == 0


def test_error_of_the_thickness_is_that_of_its_copies():
    """xi = 1 + (q - 1/e)/0.4 is linear in q, whose error is 2 std(effects)/sqrt(K)."""
    effects = np.array([0.02, -0.01, 0.005, -0.015])
    profile = np.array([0.1, 0.1, 0.5, 0.9])
    found = thickness(cell(profile, effects=effects), "units")
    shift = 2 * effects.std(ddof=1) / np.sqrt(4)
    assert found.error == pytest.approx(shift / 0.4, rel=1e-6)


def test_verdicts_of_known_lines():
    x = np.arange(6.0)
    wiggle = 0.05 * np.array([1, -1, 1, -1, 1, -1])

    def of(values, *bounds):
        return growth(x, [Thickness(v, 0.02, i in bounds) for i, v in enumerate(values)]).verdict

    assert of(1 + 0.5 * x + wiggle) == "grows"
    assert of(4 - 0.5 * x + wiggle) == "shrinks"
    assert of(2 + wiggle) == "does not grow"
    assert of(2 + 40 * wiggle) == "undecided"
    assert of(np.full(6, 9.0), 0, 1, 2, 3, 4, 5) == "solid throughout"
    assert of(9 + wiggle, 2) == "undecided"
    exact = growth(x, [Thickness(v, 0.1, False) for v in 1 + 0.5 * x])
    assert exact.slope == pytest.approx(0.5)
    assert exact.error == pytest.approx(0.1 / np.sqrt(17.5))  # sum of (x - 2.5)^2
    assert growth(x, [Thickness(v, 2.0, False) for v in 1 + 0.5 * x]).verdict == "undecided"
    assert growth(x[:2], [Thickness(1.0, 0.1, False)] * 2).verdict == "undecided"


def test_smoke(tmp_path, capsys):
    """Trained where it is missing, stored, and drawn again from what is stored."""
    out, data = tmp_path / "out", tmp_path / "data"
    words = ["own-networks", "--size", "smoke", "--figure", "thickness", "--stored", str(data)]
    assert main(app, [*words, "--from-stored", "--out", str(out)]) == 2
    assert "what thickness needs at size smoke is not stored" in capsys.readouterr().err
    assert main(app, [*words, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "digits, tanh, Adam" in said
    with open(out / "thickness.csv") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 3 * len(measures.PROFILES)
    before = {p: p.stat().st_mtime_ns for p in data.rglob("*.nc")}
    assert len(before) == 3
    assert main(app, [*words, "--overwrite", "--out", str(out)]) == 0
    assert {p: p.stat().st_mtime_ns for p in data.rglob("*.nc")} == before


@pytest.fixture(scope="module")
def stored() -> pages.Stored:
    return pages.stored()


def test_the_page_is_what_is_stored(stored):
    """The committed page, from the committed results of laptop size."""
    text = (ROOT / pages.PAGES[0]).read_text(encoding="utf-8")
    assert set(re.findall(r"<!-- (\w+) -->", text)) == set(pages.BLOCKS)
    assert refresh(text, stored, pages.BLOCKS) == text, "run python -m paper_figures pages"


def test_everything_of_laptop_size_is_stored(stored):
    """And of nothing else: MNIST is not always at hand to train on."""
    wanted = {cell.label for cells in studies.studies("laptop").values() for cell in cells}
    assert {p.stem for p in (studies.DATA / "laptop" / "cells").iterdir()} == wanted
    assert len(stored.around) == 2 * len(studies.AROUND["laptop"].temperatures)


def test_studies_share_their_cells():
    """A cell of two studies is one file, so that it must be one training."""
    known: dict[str, dict] = {}
    for cells in studies.studies("laptop").values():
        for cell in cells:
            told = {k: v for k, v in asdict(cell).items() if k != "line"}
            assert known.setdefault(cell.label, told) == told


def test_what_cannot_be(tmp_path):
    with pytest.raises(InvalidInput, match="size = 'paper' must be one of smoke, laptop"):
        studies.studies("paper")
    labels = [c.label for cells in studies.studies("laptop").values() for c in cells]
    by_study = [(s, c.label) for s, cells in studies.studies("laptop").items() for c in cells]
    assert len(set(by_study)) == len(labels)
