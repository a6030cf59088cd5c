"""Stored results of two systems: what is kept of a run, what is missing, killed and resumed, joined."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from compare.predicted import SHARED
from deepglass import schema
from deepglass.errors import DeepglassError, InvalidInput
from paper_figures.huang2025.studies import results_at
from paper_figures.stored import reduced
from paper_figures.stored.results import Results
from paper_figures.stored.study import Study
from simulate import Protocol, run
from simulate.data import load
from simulate.perceptron.protocol import PerceptronProtocol

SMALL = Protocol(
    depth=3, width=3, patterns=20, steps=40, waiting_time=(10, 20), samples=3, replicas=2, per_decade=3
)

PERCEPTRON = PerceptronProtocol(
    depth=3, width=6, patterns=12, steps=40, waiting_time=(10, 20), samples=3, replicas=2, per_decade=3,
    degree=4, potential="soft", temperature=0.2, ladder=(0.5,), exchange_every=5, test_patterns=20,
)  # fmt: skip

MACHINES = ("t_matrix", "hidden_layer", "machine_sample", "machine_replica")
SWEEP = "paper_figures.stored.results.run_sweep"


@pytest.fixture(params=[SMALL, PERCEPTRON], ids=["thermal", "perceptron"])
def small(request):
    """A small protocol of each system."""
    return request.param


@pytest.fixture(scope="module")
def whole():
    return run(replace(SMALL, matrix_times=(20,)))


@pytest.fixture(scope="module")
def perceptron():
    return run(replace(PERCEPTRON, matrix_times=(20,)))


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


def test_of_perceptrons_everything_is_kept(perceptron):
    result = reduced.reduce(perceptron)
    one_time = {"E", "E_layer", "E_rung", "violated", "generalization_error"}
    member = dict.fromkeys(("q", "Q", "q_aligned", "Q_aligned", "q_test"), "pair")
    member |= dict.fromkeys(("c", "C", "q_teacher", "Q_teacher", "q_test_teacher"), "replica")
    member |= dict.fromkeys(("q_aligned_teacher", "Q_aligned_teacher"), "replica")
    matrices = {"q_matrix", "Q_matrix"}
    assert set(result.data_vars) == one_time | set(member) | matrices
    kept = result.astype(float)
    for name in one_time:
        np.testing.assert_allclose(kept[name], perceptron[name].sel(t_w=20).mean("replica"), rtol=1e-6)
    for name, dimension in member.items():
        np.testing.assert_allclose(kept[name], perceptron[name].mean(dimension), rtol=1e-6, atol=1e-7)
    for name in matrices:
        np.testing.assert_allclose(kept[name], perceptron[name], rtol=1e-6)
    np.testing.assert_array_equal(kept["E_rung"].isel(rung=0), kept["E"])
    copies, neurons, weights = 2, 4 * 6 * 12, 3 * 6 * 4  # (L+1) N M, L N c
    assert result.attrs["particles"] == copies * (neurons + weights)


def test_what_is_kept_of_perceptrons_says_what_a_profile_must_share(perceptron, tmp_path):
    reduced.write(reduced.reduce(perceptron), tmp_path / "a.nc")
    attributes = reduced.read(tmp_path / "a.nc").attrs
    assert attributes["system"] == "deep-perceptron"
    for name in (*SHARED, "width", "degree", "seed"):
        assert attributes[name] == perceptron.attrs[name], name
    assert attributes["data_source"] == attributes["data_sha256"] == ""


def test_one_replica_has_no_pairs():
    result = reduced.reduce(run(replace(PERCEPTRON, replicas=1, samples=1)))
    assert result["q"].isnull().all()
    assert result["c"].sel(t=0).notnull().all()


def test_samples_run_apart_are_those_run_together(small):
    """Bit for bit, in any order."""
    apart = [reduced.reduce(run(replace(small, samples=1, first_sample=s))) for s in (2, 0, 1)]
    joined = reduced.join(apart)
    xr.testing.assert_equal(joined, reduced.reduce(run(small)))
    assert [entry["samples"] for entry in reduced.parts(joined)] == [[0], [1], [2]]


def test_what_does_not_belong_together_is_not_joined(whole):
    one = reduced.reduce(whole)
    with pytest.raises(InvalidInput, match="overlaps between machines"):
        reduced.join([one, one])
    one = one.drop_vars(["q_matrix_raw", "Q_matrix_raw"])
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


def test_the_name_of_the_system_is_part_of_an_identity_but_of_the_oldest():
    """Stored results of thermal machines are older than the choice."""
    thermal, other = reduced.identity(SMALL), reduced.identity(PERCEPTRON)
    assert "system" not in json.loads(thermal)
    assert json.loads(other)["system"] == "deep-perceptron"
    assert reduced.difference(thermal, other) == "system = 'thermal-machine' and 'deep-perceptron'"
    old = json.loads(other)
    del old["reach"]  # a parameter that thermal machines do not have
    assert reduced.difference(json.dumps(old), other) == ""
    moved = reduced.identity(replace(PERCEPTRON, reach=0.3, samples=9, threads=1))
    assert reduced.difference(json.dumps(old), moved) == "reach = 0.0 and 0.3"


def test_identities_of_stored_results_are_those_of_their_studies():
    """But for parameters that are younger than the result; letters, not only what they mean."""
    results, found = results_at("laptop"), 0
    for study in results.studies.values():
        for label in study.ensembles:
            if (result := results.of(study, label)) is not None:
                stored, now = (
                    json.loads(text)
                    for text in (result.attrs["identity"], reduced.identity(study.ensembles[label]))
                )
                assert stored.items() <= now.items(), (study.name, label)
                assert json.dumps(stored, sort_keys=True) == result.attrs["identity"]
                found += 1
    assert found > 30


def test_bundle_gives_back_what_went_in(small, tmp_path):
    """Ensembles of different times, t_w, samples, and ladders in one file."""
    shorter = replace(small, steps=15, waiting_time=5, samples=2)
    if small is PERCEPTRON:
        shorter = replace(shorter, ladder=())
    keep = ("E", "E_layer", "c", "q") if small is SMALL else None
    long, short = reduced.reduce(run(small), keep), reduced.reduce(run(shorter), keep)
    schema.write(reduced.pack({"long": long, "short": short}), tmp_path / "b.nc", "bundle")
    found = reduced.unpack(schema.read(tmp_path / "b.nc", "bundle"))
    for name, result in (("long", long), ("short", short)):
        there = found[name]
        xr.testing.assert_equal(there.drop_attrs(), result.drop_attrs())
        assert there.attrs == result.attrs  # and not those of the bundle, which would grow each time


def _study(small=SMALL, **changes):
    return Study("tiny", {"a": replace(small, waiting_time=10, **changes)})


def _results(folder):
    return Results("smoke", folder, {})


@pytest.mark.parametrize("split", [1, None])
@pytest.mark.parametrize("bundled", [False, True])
def test_what_is_there_is_completed(small, tmp_path, monkeypatch, bundled, split):
    """Two ensembles, first one sample fewer; every value is that of the ensemble run at once."""

    def study(samples):
        ensembles = {
            label: replace(small, waiting_time=10, samples=samples, patterns=patterns)
            for label, patterns in (("a", 12), ("b", 15))
        }
        return Study("tiny", ensembles, split, bundled=bundled)

    two, three = study(2), study(3)
    results, runs = Results("smoke", tmp_path / "data", {"tiny": three}), tmp_path / "runs"
    assert results.get("tiny", "a") is None
    results.complete(two, runs)
    before = results.of(two, "a")
    assert before["sample"].values.tolist() == [0, 1]
    assert [part.first_sample for part in results.missing(three, "a")] == ([2] if split else [0])
    results.complete(three, runs)
    after = results.get("tiny", "a")
    xr.testing.assert_equal(after.isel(sample=slice(2)), before)
    for label, protocol in three.ensembles.items():
        at_once = reduced.reduce(run(protocol))
        xr.testing.assert_equal(results.get("tiny", label)[list(at_once.data_vars)], at_once)
    assert results.get("tiny", "c") is None
    monkeypatch.setattr(SWEEP, None)  # nothing is left to run
    results.complete(three, runs)


def test_a_run_of_other_parameters_is_refused_and_never_stored(tmp_path):
    """The study was changed and its result deleted, but not its runs; what else was run is kept."""
    results, runs = _results(tmp_path / "data"), tmp_path / "runs"
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
    results, runs = _results(tmp_path / "data"), tmp_path / "runs"
    results.complete(_study(samples=1), runs)
    other = load("digits", patterns=20, seed=1, width=3, depth=3)
    monkeypatch.setattr("simulate.thermal.system.data_of", lambda protocol: other)
    monkeypatch.setattr(SWEEP, None)
    with pytest.raises(InvalidInput, match="other data"):
        results.complete(_study(samples=2), runs)


def test_a_place_that_cannot_be_written_is_refused_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(SWEEP, None)
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="cannot be written"):
        _results(tmp_path / "file").complete(_study(), tmp_path / "runs")


def test_what_a_killed_call_left_is_kept_by_the_next(small, tmp_path, monkeypatch):
    """Killed between the run and the storing of its result: the run is not repeated."""
    results, runs = _results(tmp_path / "data"), tmp_path / "runs"
    study = _study(small, samples=1)
    with monkeypatch.context() as patched:
        patched.setattr(Results, "harvest", lambda *arguments: None)
        results.complete(study, runs)
    assert results.of(study, "a") is None
    monkeypatch.setattr(SWEEP, None)
    results.complete(study, runs)
    assert results.of(study, "a") is not None


def test_two_processes_may_store_different_samples(small, tmp_path):
    """Both look, both run, one stores, then the other: nothing is lost."""
    results = _results(tmp_path / "data")
    study = _study(small, samples=2)
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


def test_finished_runs_of_a_stopped_study_are_kept(small, tmp_path, monkeypatch):
    results, runs = _results(tmp_path / "data"), tmp_path / "runs"
    study = _study(small, samples=3)
    real = __import__("simulate.sweep", fromlist=["run_sweep"]).run_sweep

    def stopped(points, *rest, **more):
        real(points[:2], *rest, **more)
        raise KeyboardInterrupt

    monkeypatch.setattr(SWEEP, stopped)
    with pytest.raises(KeyboardInterrupt):
        results.complete(study, runs)
    assert results.of(study, "a")["sample"].values.tolist() == [0, 1]


def test_a_result_of_other_parameters_is_refused(small, tmp_path):
    results = _results(tmp_path / "data")
    results.complete(_study(small, samples=1), tmp_path / "runs")
    with pytest.raises(InvalidInput, match=rf"a is of other parameters \(width = {small.width} and 8\)"):
        results.of(_study(small, samples=1, width=8), "a")
    other = SMALL if small is PERCEPTRON else PERCEPTRON
    with pytest.raises(InvalidInput, match=r"a is of other parameters \(system = '[a-z-]+' and '[a-z-]+'\)"):
        results.of(_study(other, samples=1), "a")


def test_a_failed_run_is_named(tmp_path):
    study = _study(samples=1, patterns=100_000)
    with pytest.raises(DeepglassError, match=r"study tiny: 1 of 1 runs are not done; a\.samples=0-0"):
        _results(tmp_path / "data").complete(study, tmp_path / "runs")
    assert not (tmp_path / "data").exists()
