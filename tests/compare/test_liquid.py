"""Liquid or not, on ensembles whose multi-information is known: independent, enumerated, the authors'
moments.

Seeds are fixed. Where a mean over R repetitions is held against a value, 4 standard errors are allowed: a
right estimator fails with probability 6e-5 per comparison.
"""

import itertools
import json
import os
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy import stats
from scipy.special import ndtri

from compare import cli, partitions
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
    IsingModel,
    Moments,
    configurations,
    exact,
    gaussian_multi_information,
    independent_entropy,
    parts,
    permutation_average,
    permuted,
    probabilities,
    sample_moments,
)

SIZES = (5, 4, 3, 3)
N = 41


def complete(size, coupling, field=0.1):
    return IsingModel(coupling * (1 - np.eye(size)), np.full(size, field))


def glass(size, coupling, seed=1):
    rng = np.random.default_rng(seed)
    J = np.triu(coupling * rng.standard_normal((size, size)), 1)
    return IsingModel(J + J.T, 0.3 * rng.standard_normal(size))


def copies(model, blocks, S, rng):
    """(S, blocks N) of independent copies of an enumerated model, side by side."""
    chosen = rng.choice(2**model.N, size=(S, blocks), p=probabilities(model))
    return configurations(model.N)[chosen].reshape(S, -1)


def fair(rng, S, size=N):
    return rng.choice([-1.0, 1.0], size=(S, size))


def alone(S):
    return np.arange(S)


def latent(rng, S, sizes=SIZES, strength=0.8):
    """Signs of Gaussians that share a factor of each network: correlated, means not 0."""
    total = parts(sizes)["full"].stop
    pattern = np.random.default_rng(5).normal(size=total)
    return np.sign(rng.normal(size=(S, total)) + strength * rng.normal(size=(S, 1)) * pattern + 0.2 * pattern)


# the estimator, in the order given


@pytest.mark.parametrize(
    ("model", "S"),
    [
        (IsingModel(np.zeros((10, 10)), np.zeros(10)), 60),
        (glass(10, 0.4), 120),
        (glass(10, 0.15), 200),
        (complete(10, 0.12), 60),
        (complete(10, 0.12), 200),
    ],
)
def test_bias_is_removed_where_networks_are_hardly_more_than_weights(model, S):
    """40 weights: the plain value is off by 0.06 to 0.3, the corrected one within 4 standard errors of the
    enumerated; and the stated error is the scatter, or up to 2.3 times it where nothing is correlated."""
    rng = np.random.default_rng(0)
    truth = gaussian_multi_information(exact(model).moments)
    found = [ordered_information(copies(model, 4, S, rng), alone(S)) for _ in range(80)]
    values = np.array([each.value for each in found])
    assert np.mean([each.plain for each in found]) > truth + 0.04
    assert abs(values.mean() - truth) < 4 * values.std() / np.sqrt(len(values))
    ratio = np.sqrt(np.mean([each.error**2 for each in found])) / values.std()
    assert 0.8 < ratio < 2.3


def test_the_first_order_of_the_bias_would_not_do():
    rng = np.random.default_rng(1)
    found = [ordered_information(fair(rng, 80, 40), alone(80)) for _ in range(60)]
    plain = np.mean([each.plain for each in found])
    assert plain - 39 / (4 * 80) > 0.03
    assert abs(plain - found[0].gaussian_bias) < 0.003


def test_gaussian_multi_information_is_the_multi_information_of_weak_couplings():
    """S_ind - s by enumeration; without fields the relative difference falls as coupling^2."""
    off = []
    for coupling in (0.01, 0.005, 0.0025):
        found = exact(complete(10, coupling, field=0.0))
        deficit = independent_entropy(found.moments.m) - found.entropy
        off.append(gaussian_multi_information(found.moments) / deficit - 1)
    ratios = np.array(off[:-1]) / off[1:]
    assert abs(off[-1]) < 1e-4
    assert ((ratios > 3.9) & (ratios < 4.8)).all()


def test_false_alarms_of_independent_weights():
    """|value| > 2 errors in at most 5 % of ensembles (the jackknife's error is too large there: about 0.5 %);
    more than 12 of 300 would come by chance with probability 1e-8 if the rate were 1 %."""
    rng = np.random.default_rng(2)
    found = [ordered_information(fair(rng, 100, 20), alone(100)) for _ in range(300)]
    alarms = sum(abs(each.value) > 2 * each.error for each in found)
    assert alarms <= 12
    both = [averaged_information(Ensemble(fair(rng, 60), SIZES), "full") for _ in range(300)]
    assert sum(abs(each.value) > 2 * each.error for each in both) <= 12
    assert not any(verdict_of(each.value, each.error, 0.2) == "not liquid" for each in found)


# the average over permutations


@pytest.mark.parametrize("sizes", [(4, 3), (4, 3, 2), SIZES, (3, 4, 2, 3, 2), (3, 1, 2, 2)])
def test_blocks_are_the_averaged_correlations(sizes):
    weights = latent(np.random.default_rng(3), 300, sizes)
    moments = permutation_average(sample_moments(weights), sizes)
    for part, where in parts(sizes).items():
        expected = gaussian_multi_information(moments.part(where))
        assert averaged_information(Ensemble(weights, sizes), part).plain == pytest.approx(
            expected, abs=1e-12
        )


def test_the_average_is_the_one_over_all_permutations():
    """3! 2! relabellings of a 2-3-2-2 network, one by one."""
    sizes = (2, 3, 2, 2)
    weights = latent(np.random.default_rng(4), 200, sizes)
    ends = ((0, 6, 3, 2), (6, 12, 2, 3), (12, 16, 2, 2))
    W = [weights[:, start:end].reshape(-1, rows, columns) for start, end, rows, columns in ends]
    every = []
    for p in itertools.permutations(range(3)):
        for q in itertools.permutations(range(2)):
            relabelled = W[0][:, p], W[1][:, q][:, :, p], W[2][:, :, q]
            every.append(np.concatenate([x.reshape(len(x), -1) for x in relabelled], axis=1))
    moments = sample_moments(np.concatenate(every))
    for part, where in parts(sizes).items():
        expected = gaussian_multi_information(moments.part(where))
        found = averaged_information(Ensemble(weights, sizes), part).plain
        assert found == pytest.approx(expected, abs=1e-12)


def test_bias_of_the_average():
    """Counted free correlations p give p/(2 N S); measured on 400 ensembles of fair weights, then removed."""
    rng = np.random.default_rng(5)
    S = 80
    found = [averaged_information(Ensemble(fair(rng, S), SIZES), "input") for _ in range(400)]
    free = 5 * 4 / 2 + 5 * 6 / 2  # pairs of inputs at one unit, and at two
    assert found[0].gaussian_bias == pytest.approx(free / (2 * 20 * S), rel=0.03)
    plain, values = (np.array([getattr(each, name) for each in found]) for name in ("plain", "value"))
    assert abs(plain.mean() - found[0].gaussian_bias) < 4 * plain.std() / 20
    assert abs(values.mean()) < 4 * values.std() / 20


def test_leaving_networks_out_is_measuring_without_them():
    weights = latent(np.random.default_rng(6), 120)
    whole, average = (
        ordered_information(weights, alone(120)),
        averaged_information(Ensemble(weights, SIZES), "full"),
    )
    for g in (0, 17, 119):
        kept = np.delete(weights, g, axis=0)
        less = ordered_information(kept, alone(119)), averaged_information(Ensemble(kept, SIZES), "full")
        assert whole.statistic.without[g] == pytest.approx(less[0].statistic.whole, abs=1e-12)
        assert average.statistic.without[g] == pytest.approx(less[1].statistic.whole, abs=1e-12)


# draws of one network


def test_copies_of_configurations_change_nothing():
    rng = np.random.default_rng(7)
    weights = latent(rng, 150)
    single = Ensemble(weights, SIZES)
    many = Ensemble(np.repeat(weights, 4, axis=0), SIZES, np.repeat(alone(150), 4))
    for part in ("input", "full"):
        one, four = averaged_information(single, part), averaged_information(many, part)
        assert (four.value, four.error) == pytest.approx((one.value, one.error), rel=1e-9)
    one, four = (ordered_information(each.weights, each.samples) for each in (single, many))
    assert (four.value, four.error) == pytest.approx((one.value, one.error), rel=1e-9)


def test_errors_over_configurations_would_be_too_small():
    """Four copies taken for independent: half the error, and a bias of N/(4 S) hardly removed."""
    rng = np.random.default_rng(8)
    weights = np.repeat(latent(rng, 400), 4, axis=0)
    right = ordered_information(weights, np.repeat(alone(400), 4))
    naive = ordered_information(weights, alone(1600))
    assert right.error / naive.error == pytest.approx(2, rel=0.15)
    assert naive.value - right.value > 3 * right.error


def test_draws_that_differ_are_averaged_without_bias():
    """Draws of correlation 0.8, 5 of each of 80 networks: of independent weights 0 to 4 standard errors."""
    rng = np.random.default_rng(9)
    G, k, values = 80, 5, []
    for _ in range(40):
        flips = np.where(rng.random((G, k, 30)) < (1 + np.sqrt(0.8)) / 2, 1, -1)
        weights = (fair(rng, G, 30)[:, None] * flips).reshape(G * k, 30)
        found = ordered_information(weights, np.repeat(alone(G), k))
        values.append(found.value)
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(40)
    single = [ordered_information(fair(rng, G, 30), alone(G)).value for _ in range(40)]
    assert np.std(values) < np.std(single)


def test_the_order_of_networks_does_not_matter():
    rng = np.random.default_rng(10)
    weights, owner = latent(rng, 120), np.repeat(alone(60), 2)
    networks = rng.permutation(60)
    shuffle = np.concatenate([2 * networks, 2 * networks + 1])
    one = averaged_information(Ensemble(weights, SIZES, owner), "full")
    other = averaged_information(Ensemble(weights[shuffle], SIZES, 1000 - 7 * owner[shuffle]), "full")
    assert (other.value, other.error) == pytest.approx((one.value, one.error), rel=1e-9)


def test_weights_that_hardly_ever_flip_carry_nothing():
    weights = latent(np.random.default_rng(11), 200)
    frozen = np.column_stack([weights, np.ones((200, 2))])
    frozen[:2, -1] = -1.0
    one, other = (ordered_information(each, alone(200)) for each in (weights, frozen))
    assert other.frozen == 2
    assert other.value * (N + 2) == pytest.approx(one.value * N, rel=1e-9)


# random parts, share, verdict


def test_random_parts_are_parts_of_the_averaged_network():
    rng = np.random.default_rng(12)
    weights = latent(rng, 300)
    chosen = partitions.draw(SIZES, 3, rng)
    boundaries = [*range(20), *range(32, 41)]
    assert {len(where) for where in chosen} == {partitions.size(SIZES)} == {12}
    assert all(set(where.tolist()) <= set(boundaries) for where in chosen)
    moments = permutation_average(sample_moments(weights), SIZES)
    for where, found in zip(chosen, partitions.averaged(Ensemble(weights, SIZES), chosen), strict=True):
        mask = np.isin(np.arange(N), where)
        assert found.whole == pytest.approx(gaussian_multi_information(moments.part(mask)), abs=1e-12)
    assert partitions.draw((20, 10), 3, rng) == ()
    assert partitions.size((4, 9, 9, 4)) == 36


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


# the authors' moments

CARD = {
    "under_para": {"input": 0.119, "interior": 0.0021, "output": 0.069, "full": 0.077},
    "over_para": {"input": 0.110, "interior": 0.0010, "output": 0.070, "full": 0.073},
    "fashion": {"input": 0.118, "interior": 0.0013, "output": 0.095, "full": 0.083},
}
AUTHORS = (20, 15, 15, 10)


def authors(name):
    beside = Path(__file__).resolve().parents[3] / "shared" / "reference" / "zou_huang_2021"
    path = Path(os.environ.get("DEEPGLASS_REFERENCE", beside)) / f"{name}.npz"
    if not path.is_file():
        pytest.skip(f"the authors' arrays are not here ({path})")
    data = np.load(path)
    return Moments(data["mi_data"].ravel(), data["Ca_data"])


@pytest.mark.parametrize("name", CARD)
def test_authors_moments(name):
    moments = authors(name)
    for part, where in parts(AUTHORS).items():
        digits = 4 if part == "interior" else 3
        value = gaussian_multi_information(moments.part(where))
        assert value == pytest.approx(CARD[name][part], abs=0.6 * 10**-digits)


def _area(a, rho):
    """P(x_i > a_i, x_j > a_j) less its value at rho = 0, of pairs of Gaussians, and its slope (Plackett)."""
    p, q = np.broadcast_arrays(a[:, None], a[None, :])

    def density(r):
        left = 1 - r * r
        return np.exp(-(p * p - 2 * r * p * q + q * q) / (2 * left)) / (2 * np.pi * np.sqrt(left))

    x, w = np.polynomial.legendre.leggauss(12)
    inside = [wk * density(0.5 * rho * (1 + xk)) for xk, wk in zip(x, w, strict=True)]
    return 0.5 * rho * sum(inside), density(rho)


def off_diagonal(matrix):
    return matrix - np.diag(np.diagonal(matrix))


def underlying(moments):
    """Thresholds and correlations of Gaussians whose signs have these moments, by Newton."""
    target = off_diagonal(moments.connected) / 4
    rho = np.sin(np.pi / 2 * 4 * target)
    for _ in range(6):
        area, slope = _area(-ndtri((1 + moments.m) / 2), rho)
        rho = off_diagonal(rho - (area - target) / slope)
    return -ndtri((1 + moments.m) / 2), rho + np.eye(len(rho))


def of_signs(a, rho):
    """The moments of signs of x - a, x Gaussian of correlations rho."""
    m = 1 - 2 * stats.norm.cdf(a)
    return Moments(m, off_diagonal(4 * _area(a, off_diagonal(rho))[0] + np.outer(m, m)) + np.eye(len(m)))


def test_signs_of_gaussians_with_nearly_the_authors_moments():
    """1500 networks whose multi-information is known: the nearest signs of Gaussians to the authors' moments,
    which themselves are none. All parts come back within their errors, as given (bias 0.1) and averaged."""
    a, rho = underlying(permutation_average(authors("under_para"), AUTHORS))
    values, vectors = np.linalg.eigh(rho)
    root = vectors * np.sqrt(np.maximum(values, 1e-3))
    root /= np.linalg.norm(root, axis=1, keepdims=True)
    moments = of_signs(a, root @ root.T)
    draws = np.random.default_rng(20).normal(size=(1500, 675)) @ root.T
    weights = np.where(draws > a, 1.0, -1.0)
    found = liquid(weights, AUTHORS, canonical=weights, fits=False, repetitions=1)
    for part, where in parts(AUTHORS).items():
        truth = gaussian_multi_information(moments.part(where))
        assert truth == pytest.approx(CARD["under_para"][part], rel=0.5)
        for order in ("raw", "canonical"):
            entry = found.entry(part, order)
            assert abs(entry.value - truth) < 3.5 * entry.error
            assert entry.error < (0.02 if order == "raw" else 0.05) * 0.1
    verdicts = {part: found.entry(part).verdict for part in (*parts(AUTHORS), RANDOM)}
    assert verdicts.pop("interior") == "liquid"
    assert set(verdicts.values()) == {"not liquid"}


def test_signs_of_gaussians_are_what_scipy_says():
    m, C = np.array([0.3, -0.5]), np.array([[1.0, 0.1], [0.1, 1.0]])
    a, rho = underlying(Moments(m, C))
    np.testing.assert_allclose(of_signs(a, rho).C, C, atol=1e-12)
    both = stats.multivariate_normal([0, 0], rho).cdf(a)
    assert 1 - 2 * stats.norm.cdf(a).sum() + 4 * both == pytest.approx(0.1, abs=1e-6)
