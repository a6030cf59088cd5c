"""Liquid or not: what is said of whole networks, beside nulls and controls, and by the command."""

import json

import numpy as np
import pytest
import xarray as xr
from ensembles import SIZES, N, alone, complete, copies, fair, latent

from compare import cli
from compare.liquid import RANDOM, Share, _share, liquid, verdict_of
from compare.liquid_report import describe_liquid
from compare.liquid_words import plus_minus
from compare.pair_models import pair_model
from compare.weight_ensemble import Ensemble, ensemble
from compare.weight_space import (
    Jackknife,
    averaged_information,
    ordered_information,
)
from deepglass import schema
from deepglass.cli import main
from deepglass.errors import InvalidInput
from theory.inverse_ising import (
    exact,
    independent_entropy,
    parts,
    permuted,
    sample_moments,
)


@pytest.mark.parametrize(
    ("value", "error", "expected"),
    [
        (0.0, 0.0049, "liquid"),
        (0.0, 0.0051, "undecided"),
        (0.02, 0.0049, "not liquid"),
        (0.02, 0.0051, "undecided"),
        (0.01, 0.0, "undecided"),
        (-1.0, np.nan, "undecided"),
        (np.nan, 0.1, "undecided"),
    ],
)
def test_a_verdict_needs_the_whole_interval(value, error, expected):
    assert verdict_of(value, error) == expected


def test_share_of_the_contrast():
    """57 times in the raw ensemble, 5.3 in canonical order: 1 - ln 5.3/ln 57 = 0.588, the card's numbers."""
    flat = np.full(9, 1.0)
    raw, canonical = Jackknife(1 / 57, flat / 57), Jackknife(1 / 5.3, flat / 5.3)
    found = _share(raw, canonical)
    assert found.value == pytest.approx(0.5875, abs=1e-4)
    assert not found.at_least
    noisy = Jackknife(0.01, 0.01 + 0.003 * np.array([1, -1, 1, -1, 1, -1, 1, -1, 0.0]))
    bound = _share(noisy, canonical)
    assert bound.at_least
    assert bound.value == pytest.approx(1 - np.log(5.3) / -np.log(noisy.value + 2 * noisy.error), rel=1e-9)
    assert np.isnan(_share(raw, None).value)
    assert np.isnan(_share(Jackknife(1.2, 1.2 * flat), canonical).value)
    assert Share().at_least is False


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [(0.00213, 0.00012, "0.00213 +- 0.00012"), (0.119, 0.004, "0.119 +- 0.004"), (5.31, np.nan, "5.31")],
)
def test_values_with_errors_in_words(value, error, text):
    assert plus_minus(value, error) == text


# all together


@pytest.fixture(scope="module")
def planted():
    """Canonical weights share one latent factor of each network, raw ones have lost their labels."""
    rng = np.random.default_rng(13)
    sizes = (8, 6, 6, 4)
    canonical = latent(rng, 600, sizes)
    return permuted(canonical, sizes, rng), sizes, canonical


def test_what_averaging_hides(planted):
    weights, sizes, canonical = planted
    null = fair(np.random.default_rng(14), 400, canonical.shape[1])
    found = liquid(weights, sizes, canonical=canonical, controls={"coin": null}, fits=False)
    assert found.entry("interior").verdict == "liquid"
    assert found.entry("interior", "canonical").verdict == "not liquid"
    assert "is liquid in the raw ensemble" in found.verdict
    assert "but is not liquid in canonical order" in found.verdict
    for order in ("raw", "canonical"):
        for source in ("untrained", "independent"):
            entry = found.entry("interior", order, source)
            assert entry.verdict == "liquid"
            assert abs(entry.value) < 3 * entry.error
        assert found.entry(RANDOM, order).weights == 36
    assert found.entry("full", "raw", "coin").verdict == "liquid"
    with pytest.raises(InvalidInput, match="no full of coin"):
        found.entry("full", "canonical", "coin")
    lines = describe_liquid(found).splitlines()
    assert len(lines) > 30
    assert lines[-1] == f"verdict: {found.verdict}"


def test_a_control_that_sorting_correlates_as_much_is_said(planted):
    """The data again as a control: its canonical interior is no less correlated."""
    weights, sizes, canonical = planted
    found = liquid(weights, sizes, canonical=canonical, fits=False, repetitions=1)
    both = {"sorted": Ensemble(weights, sizes, canonical=canonical)}
    beside = liquid(weights, sizes, canonical=canonical, controls=both, fits=False, repetitions=1)
    assert {each.source for each in found.contrasts} == {"data"}
    assert "no less correlated" not in found.verdict
    assert "no less correlated in sorted" in beside.verdict
    assert any("nulls are not sorted" in note for note in found.notes)
    assert not any("nulls are not sorted" in note for note in beside.notes)


def test_sorting_correlates_coins():
    """Hidden units of fair weights, sorted by the sum of their weights: correlations come from nowhere."""
    rng = np.random.default_rng(21)
    weights = fair(rng, 2000, 8).reshape(-1, 4, 2)
    order = np.argsort(weights.sum(axis=2) + 1e-3 * rng.normal(size=(2000, 4)), axis=1)
    canonical = np.take_along_axis(weights, order[:, :, None], axis=1).reshape(-1, 8)
    found = ordered_information(canonical, alone(2000))
    assert found.value > 10 * found.error
    assert found.value > 0.01


def test_shuffled_weights_keep_means_and_draws(planted):
    weights, sizes, _ = planted
    data = Ensemble(np.repeat(weights, 2, axis=0), sizes, np.repeat(alone(600), 2))
    found = liquid(data, fits=False, repetitions=1)
    alone_found = liquid(weights, sizes, fits=False, repetitions=1)
    for source in ("data", "independent", "untrained"):
        a, b = found.entry("full", "raw", source), alone_found.entry("full", "raw", source)
        assert a.error == pytest.approx(b.error, rel=1e-9 if source == "data" else 0.2)
    assert any("1200 draws of 600 networks" in note for note in found.notes)


@pytest.mark.parametrize("sizes", [(6, 4), (6, 4, 3)])
def test_networks_without_interior(sizes):
    found = liquid(latent(np.random.default_rng(15), 200, sizes), sizes, repetitions=1)
    assert "has no interior" in found.verdict
    assert {entry.part for entry in found.entries} == set(parts(sizes))
    assert found.contrasts == ()


def test_too_few_networks_is_said_not_raised():
    rng = np.random.default_rng(16)
    found = liquid(fair(rng, 30), SIZES, canonical=fair(rng, 30), fits=False)
    entry = found.entry("full", "canonical")
    assert entry.verdict == "undecided"
    assert "30 networks, must be more than the 41 weights" in entry.reason
    assert np.isfinite(found.entry("output", "canonical").value)


def test_pair_model_of_an_enumerated_one():
    """The deficit of 10 coupled spins is the enumerated one to 3 errors; by Bethe alone it is half of it."""
    model = complete(10, 0.06, field=0.2)
    rng = np.random.default_rng(18)
    weights = copies(model, 1, 8000, rng)
    null = [rng.permuted(weights, axis=0) for _ in range(2)]
    found = pair_model("full", "canonical", weights, alone(8000), sample_moments, null)
    truth = exact(model)
    deficit = independent_entropy(truth.moments.m) - truth.entropy
    assert found.reason == ""
    assert abs(found.deficit - deficit) < 3 * found.error
    assert found.bethe < 0.6 * deficit
    assert found.error < 0.1 * deficit
    assert found.moment_error < 0.1 * found.independent_error
    assert found.strength.mean_J == pytest.approx(0.06, abs=0.005)


def test_no_pair_model_beyond_its_transition():
    weights = copies(complete(12, 0.3, field=0.0), 1, 400, np.random.default_rng(19))
    found = pair_model("full", "canonical", weights, alone(400), sample_moments, [])
    assert found.strength is None
    assert np.isnan(found.deficit)
    assert "bethe-response" in found.reason


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"weights": np.zeros((9, N))}, "must be \\+1 or -1"),
        ({"weights": np.ones((9, N - 1))}, "must be \\(configurations, 41\\)"),
        ({"samples": np.zeros(9)}, "1 networks, must be >= 3"),
        ({"samples": np.zeros(8)}, "samples have shape"),
        ({"canonical": np.ones((8, N))}, "8 canonical configurations"),
        ({"sizes": None}, "sizes are missing"),
        ({"threshold": 0.0}, "threshold"),
        ({"repetitions": 0}, "repetitions"),
        ({"controls": {"data": np.ones((9, N))}}, "control name 'data'"),
        ({"controls": {"x": Ensemble(np.ones((9, 8)), (4, 2))}}, "control x has sizes"),
    ],
)
def test_bad_input(changed, message):
    given = {"weights": np.ones((9, N)), "sizes": SIZES} | changed
    with pytest.raises(InvalidInput, match=message):
        liquid(**given)


# the command


@pytest.fixture
def file(tmp_path, planted):
    weights, sizes, canonical = planted
    path = tmp_path / "weights.nc"
    where = ("configuration", "weight")
    dataset = xr.Dataset(
        {"weights": (where, weights.astype(np.int8)), "canonical": (where, canonical.astype(np.int8))},
        coords={"sample": ("configuration", alone(len(weights)))},
        attrs={"sizes": ",".join(map(str, sizes)), "what": "planted"},
    )
    schema.write(dataset, path, "weights")
    return path


def test_command(file, tmp_path, capsys):
    figure = tmp_path / "liquid.png"
    arguments = ["liquid", str(file), "--control", f"again={file}", "--no-fits", "--repetitions", "2"]
    assert main(cli.app, [*arguments, "--out", str(figure), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert figure.stat().st_size > 10_000
    sources = {entry["source"] for entry in found["entries"]}
    assert sources == {"data", "untrained", "independent", "again"}
    data = ensemble(schema.read(file, "weights"))
    assert found["entries"][0]["value"] == pytest.approx(averaged_information(data, "input").value)
    assert main(cli.app, arguments) == 0
    assert "verdict: The interior is liquid" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("sizes", "message"), [("8,6", "must be (configurations, 48)"), ("8,6,x", "must be integers")]
)
def test_files_of_other_networks(file, tmp_path, sizes, message, capsys):
    other = tmp_path / "other.nc"
    schema.write(schema.read(file, "weights").assign_attrs(sizes=sizes), other, "weights")
    assert main(cli.app, ["liquid", str(other)]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("control", ["name", "=x", "name="])
def test_command_refuses(file, control, capsys):
    assert main(cli.app, ["liquid", str(file), "--control", control]) == 2
    assert "must be NAME=FILE" in capsys.readouterr().err
