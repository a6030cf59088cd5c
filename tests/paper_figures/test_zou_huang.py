"""Figures of the effective Ising model at their smallest size: trained, inferred, kept, drawn again."""

import csv
import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from typer.testing import CliRunner

from paper_figures import zou_huang2021 as package
from paper_figures.cli import app
from paper_figures.stored import figures
from paper_figures.stored.pages import refresh
from paper_figures.zou_huang2021 import pages, reference_arrays, stage
from paper_figures.zou_huang2021.double_descent import curve
from paper_figures.zou_huang2021.studies import FROZEN, WIDTHS, results_at, studies_at
from paper_figures.zou_huang2021.weights import configurations, means
from simulate.data.zou_huang import VARIABLE
from theory.inverse_ising import Moments, parts, permutation_average, sample_moments

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All figures, with networks trained and models inferred; without the authors' arrays, as on most
    machines."""
    root = tmp_path_factory.mktemp("spins")
    results, told = results_at("smoke", root / "data"), []

    def prepare(module: ModuleType) -> None:
        stage.prepare(module, results, None, told.append)

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(VARIABLE, raising=False)
        patch.setattr(reference_arrays, "BESIDE", root / "nowhere")
        made = figures.make(package, results, root / "out", runs=root / "runs", prepare=prepare)
        assert {name for name, scores in made if scores} == set(package.FIGURES)
    assert any("not here" in line for line in told)
    return root


def test_figures_are_drawn_again_from_what_is_stored(folder, tmp_path):
    made = figures.make(package, results_at("smoke", folder / "data"), tmp_path, runs=None)
    for name, _ in made:
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        numbers = (tmp_path / f"{name}.csv").read_bytes()
        assert numbers == (folder / "out" / f"{name}.csv").read_bytes()
        columns, *rows = csv.reader(numbers.decode().splitlines())
        assert len(rows) > 1, name
        assert all(len(row) == len(columns) for row in rows)


def test_stored_weights_are_those_of_the_runs(folder):
    results = results_at("smoke", folder / "data")
    found = configurations(results, "under")
    assert found["weights"].shape == (40, 675)
    assert found["canonical"].shape == (40, 675)
    mean, error = means(found["weights"].values, (20, 15, 15, 10), 1)
    boundary = found["weights"].values[:, :300].reshape(40, 15, 20)
    np.testing.assert_allclose(mean, boundary.mean((0, 1)))
    np.testing.assert_allclose(error, boundary.mean(1).std(0, ddof=1) / np.sqrt(40))
    by_class, _ = means(found["weights"].values, (20, 15, 15, 10), 3)
    np.testing.assert_allclose(by_class, found["weights"].values[:, 525:].reshape(40, 10, 15).mean((0, 2)))
    frozen = configurations(results, "frozen")["weights"].values[:, 300:525]
    assert abs(frozen.mean()) < 5 / np.sqrt(frozen.size)  # fair signs: five standard errors
    assert "canonical" not in configurations(results, "shallow")


def test_curves_are_means_over_networks(folder):
    results = results_at("smoke", folder / "data")
    found = curve(results, "binary")
    assert found.widths.tolist() == list(WIDTHS["smoke"])
    one = results.get("double_descent", "binary.h=4")
    costs = one["test_cost"].sel(t=int(one.attrs["steps"])).values
    assert costs.shape == (3, 20)
    assert found.values["test_cost"][0][1] == pytest.approx(costs.mean(), rel=1e-6)
    assert found.ratio[1] == pytest.approx((20 * 4 + 16 + 40) / 100)
    assert results.get("double_descent", "real.h=4").sizes["draw"] == 1


def test_a_figure_without_its_runs_says_so(tmp_path):
    for name in package.FIGURES:
        module = importlib.import_module(f"{package.__name__}.{name}")
        scores = module.draw(results_at("smoke", tmp_path), None, False)
        assert all(score.verdict == "not measured" for score in scores)


def test_every_study_is_there_at_every_size():
    for size in ("smoke", "laptop", "paper"):
        studies = studies_at(size)
        assert set(studies) == {"ensembles", "frozen", "double_descent"}
        assert set(studies["frozen"].ensembles) == set(FROZEN)
        assert {"under", "over", "shuffled", "shallow"} <= set(studies["ensembles"].ensembles)


def test_the_page_is_what_is_stored():
    """The committed page, from the committed results of laptop size."""
    text = (ROOT / pages.PAGES[0]).read_text(encoding="utf-8")
    assert refresh(text, results_at("laptop"), pages.BLOCKS) == text


def test_from_the_command_line(folder, tmp_path):
    given = ["zou_huang2021", "--size", "smoke", "--figure", "frozen", "--from-stored"]
    place = ["--stored", str(folder / "data"), "--out", str(tmp_path)]
    result = CliRunner().invoke(app, [*given, *place])
    assert result.exit_code == 0, result.output
    assert "interior frozen" in result.output
    assert (tmp_path / "frozen.png").is_file()


ARRAYS = reference_arrays.folder()


@pytest.mark.skipif(ARRAYS is None, reason="the authors' arrays are not here")
def test_trained_ensembles_are_like_the_authors():
    """Stored networks of laptop size: connected moments and means, at least as an independent small run."""
    results = results_at("laptop")
    for label, name, wanted in (
        ("under", "under_para", {"input": (0.85, 0.75), "output": (0.8, 0.75), "interior": (0.7, None)}),
        ("shallow", "shallow", {"full": (None, 0.95)}),
    ):
        found = configurations(results, label)
        sizes = tuple(int(n) for n in found.attrs["sizes"].split(","))
        ours = permutation_average(sample_moments(found["weights"].values), sizes)
        with np.load(ARRAYS / f"{name}.npz") as data:
            theirs = Moments(data["mi_data"].ravel(), data["Ca_data"])
        for part, (pairs, means_) in wanted.items():
            a, b = (x.part(parts(sizes)[part]) for x in (ours, theirs))
            above = np.triu_indices(a.N, 1)
            if pairs is not None:
                assert np.corrcoef(a.connected[above], b.connected[above])[0, 1] > pairs
            if means_ is not None:
                assert np.corrcoef(a.m, b.m)[0, 1] > means_
