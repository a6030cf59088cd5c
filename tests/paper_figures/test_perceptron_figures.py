"""Figures of the deep perceptron at their smallest size: run, kept, drawn again from what is kept."""

import csv
from pathlib import Path

import numpy as np
import pytest

from deepglass.errors import InvalidInput
from paper_figures import perceptron, yoshino2020, yoshino2023
from paper_figures.perceptron import overlaps
from paper_figures.perceptron.pages import BLOCKS, PAGES
from paper_figures.perceptron.studies import CHAINS, DILUTE, label, results_at, studies_at
from paper_figures.perceptron.which_closure import predicted
from paper_figures.stored import figures
from paper_figures.stored.pages import refresh
from paper_figures.stored.study import SIZES

ROOT = Path(__file__).parents[2]
PACKAGES = {"perceptron": perceptron, "yoshino2020": yoshino2020, "yoshino2023": yoshino2023}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All figures, with the studies behind them run."""
    root = tmp_path_factory.mktemp("perceptron")
    for package in PACKAGES.values():
        results = results_at("smoke", root / "data")
        made = figures.make(package, results, root / "out", runs=root / "runs")
        assert {name for name, checks in made if checks} == set(package.FIGURES)
    return root


@pytest.mark.parametrize("package", PACKAGES)
def test_figures_are_drawn_and_drawn_again_from_what_is_stored(folder, package, tmp_path):
    made = figures.make(PACKAGES[package], results_at("smoke", folder / "data"), tmp_path, runs=None)
    for name, checks in made:
        assert all(check.verdict != "off" for check in checks)
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        numbers = (tmp_path / f"{name}.csv").read_bytes()
        assert numbers == (folder / "out" / f"{name}.csv").read_bytes()
        columns, *rows = csv.reader(numbers.decode().splitlines())
        assert len(rows) > 20
        assert all(len(row) == len(columns) for row in rows)


def test_drawn_overlaps_are_those_of_the_runs(folder):
    results = results_at("smoke", folder / "data")
    degree, width, steps, samples = DILUTE["smoke"][-1]
    found = results.get("chains", label("L=3.alpha=4.hard", degree, width))
    assert dict(found.sizes)["sample"] == samples
    mean, error = overlaps.late(found, "Q")
    last = found.Q.isel(t_w=0).sel(t=steps).values.astype(float)
    np.testing.assert_allclose(mean, last.mean(0))
    np.testing.assert_allclose(error, last.std(0, ddof=1) / np.sqrt(samples))
    t, value, _ = overlaps.curve(found, "Q", 2)
    assert t[0] == 1
    np.testing.assert_allclose(value[-1], mean[1])


def test_a_verdict_is_given_in_equilibrium_only(folder):
    chain = "L=2.alpha=12.beta=5"
    found = results_at("smoke", folder / "data").get("chains", label(chain, *DILUTE["smoke"][-1][:2]))
    profiles = list(predicted(chain).values())
    generator = np.random.default_rng(0)
    exact = found.isel(sample=[0] * 6).assign_coords(sample=range(6)).copy(deep=True)
    for kind, layers in (("q", profiles[0].q.values), ("Q", profiles[0].Q.values)):
        for name in (f"{kind}_aligned", f"{kind}_aligned_teacher"):
            exact[name][:] = layers + 0.01 * generator.standard_normal(exact[name].shape)
    assert overlaps.verdict_on(exact, profiles) == "agrees with gaussian, not with site"
    exact["Q_aligned_teacher"] += 0.2
    assert overlaps.verdict_on(exact, profiles) == "on its way (Q_1, Q_2 do not meet)"


@pytest.mark.parametrize("size", SIZES)
def test_every_chain_is_judged_by_predictions_of_the_same_thing(size):
    for chain, (depth, alpha, _) in CHAINS.items():
        for degree, width, *_ in DILUTE[size]:
            protocol = studies_at(size)["chains"].ensembles[label(chain, degree, width)]
            assert (protocol.depth, protocol.alpha, protocol.degree) == (depth, alpha, degree)
            for profile in predicted(chain).values():
                beta = profile.attrs.get("beta", np.inf)
                assert 1 / beta == pytest.approx(protocol.temperature)
                assert profile.attrs["potential"].startswith(protocol.potential)


def test_bad_input_is_refused_before_any_work(folder, tmp_path):
    with pytest.raises(InvalidInput, match="figure = 'maps'"):
        figures.make(perceptron, results_at("smoke"), tmp_path, "maps", runs=None)
    with pytest.raises(InvalidInput, match="does not exist"):
        figures.make(perceptron, results_at("smoke", tmp_path / "none"), tmp_path, runs=None)
    with pytest.raises(InvalidInput, match="exists"):
        figures.make(perceptron, results_at("smoke", folder / "data"), folder / "out", runs=None)


@pytest.mark.parametrize("page", PAGES)
def test_committed_pages_are_what_is_generated(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert refresh(text, results_at("laptop"), BLOCKS) == text, "run python -m paper_figures pages"
