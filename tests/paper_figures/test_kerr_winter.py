"""Figures of glassy dynamics at their smallest size: run, kept, drawn again; scores and their verdicts."""

import csv
import importlib
import math
from pathlib import Path

import numpy as np
import pytest

from deepglass.errors import InvalidInput
from paper_figures import kerr_winter2025 as package
from paper_figures.kerr_winter2025 import pages
from paper_figures.kerr_winter2025.displacements import _free_histogram
from paper_figures.kerr_winter2025.jamming import mean_loss
from paper_figures.kerr_winter2025.studies import cost, results_at, studies_at
from paper_figures.stored import figures
from paper_figures.stored.pages import refresh
from paper_figures.stored.scores import Score, table
from paper_figures.stored.study import SIZES
from simulate.relu.protocol import ReluProtocol

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All figures, with the studies behind them run."""
    root = tmp_path_factory.mktemp("relu")
    made = figures.make(package, results_at("smoke", root / "data"), root / "out", runs=root / "runs")
    assert {name for name, scores in made if scores} == set(package.FIGURES)
    return root


def test_figures_are_drawn_again_from_what_is_stored(folder, tmp_path):
    made = figures.make(package, results_at("smoke", folder / "data"), tmp_path, runs=None)
    for name, scores in made:
        assert all(score.verdict in ("reported", "not measured") for score in scores)
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        numbers = (tmp_path / f"{name}.csv").read_bytes()
        assert numbers == (folder / "out" / f"{name}.csv").read_bytes()
        columns, *rows = csv.reader(numbers.decode().splitlines())
        assert len(rows) > 1
        assert all(len(row) == len(columns) for row in rows)


def test_drawn_numbers_are_those_of_the_runs(folder):
    results = results_at("smoke", folder / "data")
    found = results.get("jamming", "mnist.w=4")
    losses = found.loss.sel(t=int(found.attrs["steps"])).values.ravel()
    with open(folder / "out" / "jamming.csv") as file:
        rows = [row for row in csv.DictReader(file) if row["panel"] == "line" and row["data"] == "mnist"]
    drawn = [
        float(row["loss"]) for row in rows if float(row["N/P"]) == pytest.approx(1 / found.attrs["alpha"])
    ]
    np.testing.assert_allclose(drawn, losses, rtol=1e-6)
    assert mean_loss(np.array([1e-2, 1e-4])) == pytest.approx(1e-3)
    assert mean_loss(np.array([0.0, 1.0])) == pytest.approx(1e-10)  # floored at 1e-20
    collapsed = results.get("trivialisation", "lambda=1")
    assert float(collapsed.distance.max()) < 0.1


def test_a_figure_without_its_runs_says_so(tmp_path):
    for name in package.FIGURES:
        module = importlib.import_module(f"{package.__name__}.{name}")
        scores = module.draw(results_at("smoke", tmp_path), None, False)
        assert all(score.verdict == "not measured" for score in scores)


def test_verdicts():
    inside, near, off = (Score("x", v, 0.1, 1.0, (0.9, 1.1)) for v in (1.05, 1.25, 1.4))
    assert [s.verdict for s in (inside, near, off)] == ["passes", "within error", "fails"]
    assert Score("x", 0.95, within=(1.0, None)).verdict == "fails"
    assert Score("x", 0.0, within=(None, 0.0)).verdict == "passes"
    assert Score("x", 3.0).verdict == "reported"
    assert Score("x", math.nan, within=(0.0, 1.0)).verdict == "not measured"
    assert [s.expected for s in (inside, Score("x", 1, within=(2, None)), Score("x", 1))] == [
        "0.9 to 1.1",
        ">= 2",
        "",
    ]
    assert "1.25(10)" in table([near])


def test_the_free_histogram_is_a_distribution():
    """Its total is 1, the median of log10 |d| is log10(rms) - 0.170, its deviation 0.483 (numbers of the
    note)."""
    bins = np.arange(-12, 3, 0.01)
    share = _free_histogram(bins, 1e-4)
    assert share.sum() == pytest.approx(1, abs=1e-3)
    assert bins[np.searchsorted(share.cumsum(), 0.5)] == pytest.approx(-2 - 0.170, abs=0.01)
    mean = (bins * share).sum()
    assert math.sqrt((np.square(bins - mean) * share).sum()) == pytest.approx(0.483, abs=2e-3)


@pytest.mark.parametrize("size", SIZES)
def test_every_protocol_is_one_and_costs_what_it_costs(size):
    """Dry run: all ensembles of all sizes are protocols; ages are counted from the end of the training."""
    for study in studies_at(size).values():
        for protocol in study.ensembles.values():
            assert isinstance(protocol, ReluProtocol)
            assert protocol.waiting_times[0] >= protocol.train_steps
            assert cost(protocol) > 0
    paper = studies_at("paper")["motion"].ensembles
    assert {name: p.network.weights for name, p in paper.items()} == {
        "under": 4830,
        "regularised": 4830,
        "over": 26712,
        "cifar.under": 4830,
        "cifar.regularised": 4830,
        "cifar.over": 32880,
    }
    assert [paper[name].samples for name in paper] == [26, 50, 46, 9, 9, 3]
    assert paper["under"].power is None


def test_cost_counts_what_is_computed():
    """A trunk of 10 + 5 steps and a branch of 15 at two temperatures; batches of 4 of 20 patterns, N = 2 (1
    + 1)."""
    protocol = ReluProtocol(
        data="gaussian", components=1, depth=2, width=2, patterns=20, batch=4, train_steps=10, train_fine=0,
        waiting_time=15, steps=30, samples=3, replicas=1, temperatures=(0.0, 1.0),
    )  # fmt: skip
    assert protocol.network.weights == 4
    assert cost(protocol) == 6 * 4 * 3 * (10 * 4 + 2 * (5 + 15) * 20)


def test_bad_input_is_refused_before_any_work(folder, tmp_path):
    results = results_at("smoke", folder / "data")
    with pytest.raises(InvalidInput, match="figure = 'maps'"):
        figures.make(package, results, tmp_path, "maps", runs=None)
    with pytest.raises(InvalidInput, match="exists"):
        figures.make(package, results, folder / "out", runs=None)


@pytest.mark.parametrize("page", pages.PAGES)
def test_committed_pages_are_what_is_generated(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert refresh(text, results_at("laptop"), pages.BLOCKS) == text, "run python -m paper_figures pages"
