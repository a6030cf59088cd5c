"""Estimates of multi-information where it is known: independent and enumerated weights.

Seeds are fixed. Where a mean over R repetitions is held against a value, 4 standard errors are allowed: a
right estimator fails with probability 6e-5 per comparison.
"""

import itertools

import numpy as np
import pytest
from ensembles import SIZES, N, alone, complete, copies, fair, glass, latent

from compare import partitions
from compare.liquid import verdict_of
from compare.weight_ensemble import Ensemble
from compare.weight_space import (
    averaged_information,
    ordered_information,
)
from theory.inverse_ising import (
    IsingModel,
    exact,
    gaussian_multi_information,
    independent_entropy,
    parts,
    permutation_average,
    sample_moments,
)

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


# random parts


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
