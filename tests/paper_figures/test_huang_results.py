"""Studies and their stored results: what is kept of a run, what is missing, killed and resumed, joined."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from paper_figures.huang2025.study import MOST, SIZES, Study

from deepglass import schema
from deepglass.errors import DeepglassError, InvalidInput
from paper_figures.huang2025 import reduced
from paper_figures.huang2025.results import Results
from paper_figures.huang2025.studies import studies_at
from simulate import Protocol, run
from simulate.data import load

SMALL = Protocol(
    depth=3, width=3, patterns=20, steps=40, waiting_time=(10, 20), samples=3, replicas=2, per_decade=3
)

MACHINES = ("t_matrix", "hidden_layer", "machine_sample", "machine_replica")


@pytest.fixture(scope="module")
def whole():
    return run(replace(SMALL, matrix_times=(20,)))


def test_what_is_kept_is_the_mean_over_replicas_and_pairs(whole):
    result = reduced.reduce(whole)
    kept = result.astype(float)
    # Of one-time variables the branches of the last t_w: they were the undisturbed trajectory for longest.
    np.testing.assert_allclose(kept["E"], whole["E"].sel(t_w=20).mean("replica"), rtol=1e-6)
    np.testing.assert_allclose(kept["q"], whole["q"].mean("pair"), rtol=1e-6)
    np.testing.assert_allclose(kept["c_global"], whole["c_global"].mean("replica"), rtol=1e-6)
    np.testing.assert_allclose(kept["q_test"], whole["q_test"].mean("pair").sel(t=20), rtol=1e-6)
    np.testing.assert_allclose(kept["Q_matrix_raw"], whole["Q_matrix_raw"], rtol=1e-6)
    assert result.attrs["particles"] == 2 * 3 * 20 + 3 * 64 + 9 + 2 * 3
    (part,) = reduced.parts(result)
    assert part["samples"] == [0, 1, 2]
    assert {"code_version", "device_name", "wall_time_s", "torch_version"} <= set(part)
    assert set(reduced.reduce(whole, ("E", "c")).data_vars) == {"E", "c"}


def test_samples_run_apart_are_those_run_together(whole):
    """Bit for bit, in any order."""
    apart = [reduced.reduce(run(replace(SMALL, samples=1, first_sample=s))) for s in (2, 0, 1)]
    together = reduced.reduce(whole).drop_vars([*reduced.MATRICES, *MACHINES])
    joined = reduced.join(apart)
    xr.testing.assert_equal(joined, together)
    assert [entry["samples"] for entry in reduced.parts(joined)] == [[0], [1], [2]]


def test_what_does_not_belong_together_is_not_joined(whole):
    one = reduced.reduce(whole)
    with pytest.raises(InvalidInput, match="overlaps between machines"):
        reduced.join([one, one])
    one = one.drop_vars(reduced.MATRICES)
    other = one.assign_attrs(identity=reduced.identity(replace(SMALL, matrix_times=(20,), eta=0.01)))
    with pytest.raises(InvalidInput, match=r"eta = 0\.001 and 0\.01"):
        reduced.join([one, other])
    with pytest.raises(InvalidInput, match="share a sample"):
        reduced.join([one, one])
    with pytest.raises(InvalidInput, match="different data"):
        reduced.join([one, one.assign_attrs(data_sha256="0")])


def test_a_parameter_younger_than_the_result_had_its_default():
    now = reduced.identity(SMALL)
    old = json.loads(now)
    del old["labels"]
    assert reduced.difference(json.dumps(old), now) == ""
    assert "labels" in reduced.difference(
        json.dumps(old), reduced.identity(replace(SMALL, labels="shuffled"))
    )
    assert reduced.identity(replace(SMALL, samples=9, threads=1, keep_state=False)) == now


def test_bundle_gives_back_what_went_in(whole, tmp_path):
    """Ensembles of different times, t_w and samples in one file."""
    long = reduced.reduce(whole, ("E", "c_global"))
    short = reduced.reduce(run(replace(SMALL, steps=15, waiting_time=5, samples=2)), ("E", "c_global"))
    schema.write(reduced.pack({"long": long, "short": short}), tmp_path / "b.nc", "bundle")
    found = reduced.unpack(schema.read(tmp_path / "b.nc", "bundle"))
    for name, result in (("long", long), ("short", short)):
        there = found[name]
        xr.testing.assert_equal(there[["E", "c_global"]].drop_attrs(), result.drop_attrs())
        assert there.attrs == result.attrs  # and not those of the bundle, which would grow each time


def _study(**changes):
    return Study("tiny", {"a": replace(SMALL, waiting_time=10, **changes)})


@pytest.mark.parametrize("split", [1, None])
@pytest.mark.parametrize("bundled", [False, True])
def test_what_is_there_is_completed(tmp_path, monkeypatch, bundled, split):
    results, runs = Results("smoke", tmp_path / "data"), tmp_path / "runs"
    two = replace(_study(samples=2), bundled=bundled, split=split)
    assert results.of(two, "a") is None
    results.complete(two, runs)
    before = results.of(two, "a")
    assert before["sample"].values.tolist() == [0, 1]
    three = replace(_study(samples=3), bundled=bundled, split=split)
    assert [part.first_sample for part in results.missing(three, "a")] == ([2] if split else [0])
    results.complete(three, runs)
    after = results.of(three, "a")
    xr.testing.assert_equal(after.isel(sample=slice(2)), before)
    assert after.sizes["sample"] == 3
    monkeypatch.setattr("paper_figures.huang2025.results.run_sweep", None)  # nothing is left to run
    results.complete(three, runs)


def test_a_run_of_other_parameters_is_refused_and_never_stored(tmp_path):
    """The study was changed and its result deleted, but not its runs; what else was run is kept."""
    results, runs = Results("smoke", tmp_path / "data"), tmp_path / "runs"
    old = _study(samples=1)
    results.complete(old, runs)
    path = results.file("tiny", "a")
    new = Study(
        "tiny", {**_study(samples=1, eta=0.01).ensembles, "b": _study(samples=1, width=4).ensembles["a"]}
    )
    with pytest.raises(InvalidInput, match=r"a is of other parameters \(eta = 0\.001 and 0\.01\); delete it"):
        results.complete(new, runs)
    path.unlink()
    results.complete(new, runs, labels=["b"])
    with pytest.raises(InvalidInput, match=r"a\.samples=0-0\.nc is a run of other parameters"):
        results.complete(new, runs)
    assert not path.exists()
    assert results.of(new, "b") is not None
    (runs / "smoke" / "tiny" / "a.samples=0-0.nc").unlink()
    results.complete(new, runs)
    assert results.of(new, "a") is not None


def test_further_samples_on_other_data_are_refused_before_they_are_run(tmp_path, monkeypatch):
    results, runs = Results("smoke", tmp_path / "data"), tmp_path / "runs"
    results.complete(_study(samples=1), runs)
    other = load("digits", patterns=20, seed=1, width=3, depth=3)
    monkeypatch.setattr("paper_figures.huang2025.results.data_of", lambda protocol: other)
    monkeypatch.setattr("paper_figures.huang2025.results.run_sweep", None)
    with pytest.raises(InvalidInput, match="other data"):
        results.complete(_study(samples=2), runs)


def test_a_place_that_cannot_be_written_is_refused_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr("paper_figures.huang2025.results.run_sweep", None)
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="cannot be written"):
        Results("smoke", tmp_path / "file").complete(_study(), tmp_path / "runs")


def test_what_a_killed_call_left_is_kept_by_the_next(tmp_path, monkeypatch):
    """Killed between the run and the storing of its result: the run is not repeated."""
    results, runs = Results("smoke", tmp_path / "data"), tmp_path / "runs"
    study = _study(samples=1)
    with monkeypatch.context() as patched:
        patched.setattr(Results, "harvest", lambda *arguments: None)
        results.complete(study, runs)
    assert results.of(study, "a") is None
    monkeypatch.setattr("paper_figures.huang2025.results.run_sweep", None)
    results.complete(study, runs)
    assert results.of(study, "a") is not None


def test_two_processes_may_store_different_samples(tmp_path):
    """Both look, both run, one stores, then the other: nothing is lost."""
    results = Results("smoke", tmp_path / "data")
    study = _study(samples=2)
    for samples, first in ((1, 0), (1, 1)):
        part = Study("tiny", {"a": replace(study.ensembles["a"], samples=samples, first_sample=first)})
        folder = tmp_path / f"runs{first}" / "smoke" / "tiny"
        run(part.ensembles["a"], out=folder / f"a.samples={first}-{first}.nc")
        results.harvest(study, tmp_path / f"runs{first}")
    assert results.of(study, "a")["sample"].values.tolist() == [0, 1]


def test_reference_curves_and_results_go_into_the_wheel():
    root = Path(__file__).parents[2]
    patterns = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    shipped = {
        path for pattern in patterns["paper_figures"] for path in (root / "paper_figures").glob(pattern)
    }
    there = {path for kind in ("csv", "nc") for path in (root / "paper_figures").rglob(f"*.{kind}")}
    assert len(there) > 20
    assert there <= shipped


def test_finished_runs_of_a_stopped_study_are_kept(tmp_path, monkeypatch):
    results, runs = Results("smoke", tmp_path / "data"), tmp_path / "runs"
    study = _study(samples=3)
    real = __import__("simulate.sweep", fromlist=["run_sweep"]).run_sweep

    def stopped(points, *rest, **more):
        real(points[:2], *rest, **more)
        raise KeyboardInterrupt

    monkeypatch.setattr("paper_figures.huang2025.results.run_sweep", stopped)
    with pytest.raises(KeyboardInterrupt):
        results.complete(study, runs)
    assert results.of(study, "a")["sample"].values.tolist() == [0, 1]


def test_a_result_of_other_parameters_is_refused(tmp_path):
    results = Results("smoke", tmp_path / "data")
    results.complete(_study(samples=1), tmp_path / "runs")
    with pytest.raises(InvalidInput, match=r"width = 3 and 4"):
        results.of(_study(samples=1, width=4), "a")


def test_a_failed_run_is_named(tmp_path):
    study = _study(samples=1, patterns=100_000)
    with pytest.raises(DeepglassError, match=r"study tiny: 1 of 1 runs are not done; a\.samples=0-0"):
        Results("smoke", tmp_path / "data").complete(study, tmp_path / "runs")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("size", SIZES)
def test_every_study_is_a_valid_set_of_runs(size):
    """Protocols check themselves; parts cover the samples once; matrices need all machines in one run."""
    for study in studies_at(size).values():
        for label, protocol in study.ensembles.items():
            parts = study.parts(label)
            samples = [s for p in parts for s in range(p.first_sample, p.first_sample + p.samples)]
            assert samples == list(range(protocol.samples))
            assert protocol.patterns <= (2000 if study.name == "images" else MOST[size])
            if protocol.matrix_times:
                assert len(parts) == 1
                assert protocol.matrix_times[0] == protocol.steps - protocol.waiting_times[0]
            if size == "paper" and study.name in ("widths", "patterns"):
                assert (protocol.steps, protocol.waiting_times) == (550_000, (50_000,))


def test_sizes_have_the_same_ensembles():
    """But for the readings, and for what only laptops need: at paper size it is in the others."""
    smoke, laptop, paper = (studies_at(size) for size in SIZES)
    for name in set(laptop) - {"readings-scan", "readings-finals", "late"}:
        assert set(smoke[name].ensembles) == set(laptop[name].ensembles)
        assert name == "images" or set(laptop[name].ensembles) <= set(paper[name].ensembles)
    assert set(smoke["late"].ensembles) <= set(laptop["late"].ensembles)
    assert not paper["late"].ensembles
