"""Trees of overlaps and errors over samples, against matrices whose answer is known."""

import numpy as np
import pytest
from scipy import stats

from compare import resampling
from compare.resampling import Pairs, jackknife, resample_pairs
from compare.trees import (
    block_chance,
    block_contrast,
    flat_cophenetic,
    normalised,
    tree,
    tree_chance,
    without_effects,
)
from deepglass.errors import InvalidInput

SAMPLE = np.repeat(np.arange(6), 6)


def directions(rng, share, samples=6, replicas=6, size=400):
    """Overlaps of random vectors, of which those of a sample have ``share`` in common; and the samples."""
    common = np.sqrt(share) * rng.normal(size=(samples, 1, size))
    x = common + np.sqrt(1 - share) * rng.normal(size=(samples, replicas, size))
    x = x.reshape(samples * replicas, size)
    return normalised(x @ x.T), np.repeat(np.arange(samples), replicas)


def additive(rng, spread=0.3):
    """Q_ab = e_a + e_b + noise, e the effect of a sample: mean 0."""
    effect, noise = rng.normal(size=6)[SAMPLE], spread * rng.normal(size=(36, 36))
    return effect[:, None] + effect[None, :] + np.triu(noise) + np.triu(noise, 1).T


def test_normalised_is_the_cosine():
    x = np.array([[3.0, 4.0], [-3.0, 4.0], [0.0, 2.0]])
    expected = np.array([[1, 7 / 25, 4 / 5], [7 / 25, 1, 4 / 5], [4 / 5, 4 / 5, 1]])
    np.testing.assert_allclose(normalised(x @ x.T / 2), expected, rtol=1e-14)
    assert np.isnan(normalised(np.diag([1.0, 0.0]))[1]).all()


def test_tree_of_an_ultrametric_matrix():
    """Two pairs at 0.1, the pairs at 0.4, the rest at 0.9: the tree is the matrix."""
    order = np.array([0, 0, 1, 1, 2, 2])
    distance = np.where(order[:, None] == order, 0.1, 0.9)
    distance[:4, :4] = np.where(distance[:4, :4] > 0.1, 0.4, 0.1)
    np.fill_diagonal(distance, 0)
    shuffle = np.random.default_rng(3).permutation(6)
    found = tree((1 - distance)[np.ix_(shuffle, shuffle)])
    np.testing.assert_allclose(found.linkage[:, 2], [0.1, 0.1, 0.1, 0.4, 0.9], atol=1e-12)
    assert found.cophenetic == pytest.approx(1.0)
    leaves = order[shuffle][found.order]
    assert [leaves[i] == leaves[i + 1] for i in (0, 2, 4)] == [True] * 3
    np.testing.assert_array_equal(
        found.matrix, (1 - distance)[np.ix_(shuffle, shuffle)][np.ix_(*2 * [found.order])]
    )


def test_tree_joins_by_the_farthest_members():
    """Three on a line: complete linkage joins the third at its distance to the far end."""
    x = np.array([0.0, 0.1, 0.25])
    found = tree(1 - np.abs(x[:, None] - x))
    np.testing.assert_allclose(found.linkage[:, 2], [0.1, 0.25])


@pytest.mark.parametrize("bad", [np.eye(2), np.ones((3, 4)), np.full((3, 3), np.nan)])
def test_tree_refuses(bad):
    with pytest.raises(InvalidInput):
        tree(bad)


def test_equal_overlaps_have_no_cophenetic_correlation():
    assert np.isnan(tree(np.ones((4, 4))).cophenetic)


def test_flat_cophenetic_tells_a_hierarchy_from_none():
    rng = np.random.default_rng(0)
    for share, structured in ((0.0, False), (0.6, True)):
        matrix, _ = directions(rng, share)
        mean, spread = flat_cophenetic(matrix, 40)
        assert (tree(matrix).cophenetic > mean + 5 * spread) == structured


def groups(rng, contrast, machines=8):
    """Two groups beside effects of machines and noise 1."""
    noise, effect = rng.normal(size=(machines, machines)), rng.normal(size=machines)
    same = np.arange(machines) % 2
    flat = np.triu(noise, 1) + np.triu(noise, 1).T + effect[:, None] + effect[None, :]
    return flat + contrast * (same[:, None] == same)


def test_what_is_left_without_effects():
    """Nothing of e_a + e_b; of noise, rows of sum 0, and what a fit by least squares leaves."""
    rng = np.random.default_rng(4)
    effect = rng.normal(size=7)
    np.testing.assert_allclose(without_effects(effect[:, None] + effect[None, :]), 0, atol=1e-14)
    found, a, b = without_effects(groups(rng, 0.0, 7)), *np.triu_indices(7, 1)
    np.testing.assert_allclose(found.sum(1), 0, atol=1e-13)
    design = np.zeros((len(a), 7))
    design[np.arange(len(a)), a] = design[np.arange(len(a)), b] = 1
    matrix = groups(rng, 1.0, 7)
    fit = design @ np.linalg.lstsq(design, matrix[a, b], rcond=None)[0]
    np.testing.assert_allclose(without_effects(matrix)[a, b], matrix[a, b] - fit, atol=1e-12)


def test_a_tree_is_told_from_a_flat_matrix():
    """Flat, with machines of different quality: alarms at 10 %, of 80 matrices (binomial, mean 8, within
    99.9 %). Two groups are found at 6 standard deviations of the noise, whatever the effects. One machine
    apart from all is no tree, though its tree fits."""
    rng = np.random.default_rng(1)
    flat = [groups(rng, 0.0) for _ in range(80)]
    assert 1 <= sum(tree_chance(matrix, 19, i) <= 0.1 for i, matrix in enumerate(flat)) <= 18
    assert all(tree_chance(groups(rng, 6.0), 199, i) <= 0.01 for i in range(3))
    apart = groups(rng, 0.0)
    apart[0, 1:] = apart[1:, 0] = apart[0, 1:] - 20
    assert tree_chance(apart, 199) > 0.05
    assert tree(apart).cophenetic > 0.95


def cosines(rng, share, numbers=400):
    """Of vectors that are a common one to these shares, and else their own."""
    f = np.asarray(share)[:, None]
    rows = f * rng.normal(size=numbers) + np.sqrt(1 - f**2) * rng.normal(size=(len(f), numbers))
    rows /= np.linalg.norm(rows, axis=1)[:, None]
    return rows @ rows.T


def test_copies_of_unequal_quality_are_no_tree():
    """Two poor copies overlap least with each other, as f_a f_b: alarms at 10 %, of 60 matrices, binomial of
    mean 6 within 99.9 %; with effects that add more than half are alarms at 5 %. Two groups
    beside them are found."""
    rng = np.random.default_rng(2)
    share = [0.5, 0.5, *[0.9] * 6]
    assert sum(tree_chance(cosines(rng, share), 19, i) <= 0.1 for i in range(60)) <= 15
    together = cosines(rng, share)
    together[2:5, 2:5] = 0.95
    np.fill_diagonal(together, 1)
    assert tree_chance(together, 199) <= 0.01


def test_too_few_or_equal_machines_have_no_chance():
    assert np.isnan(tree_chance(groups(np.random.default_rng(0), 3.0, 5)))
    assert np.isnan(tree_chance(np.ones((8, 8))))
    assert np.isnan(tree_chance(np.full((8, 8), np.nan)))


def test_block_contrast():
    matrix = np.where(SAMPLE[:, None] == SAMPLE, 0.7, 0.2)
    assert block_contrast(matrix, SAMPLE) == pytest.approx(0.5)
    assert np.isnan(block_contrast(matrix, np.zeros(36)))
    assert np.isnan(block_contrast(matrix, np.arange(36)))


def test_block_chance_is_exact():
    """False alarms at 10 %: 200 flat matrices; blocks as weak as 0.05 are found."""
    rng = np.random.default_rng(1)
    alarms = sum(block_chance(*directions(rng, 0.0, 3, 4, 50), 39, i) <= 0.1 for i in range(200))
    assert 6 <= alarms <= 36  # binomial, mean 20, beyond 99.9 %
    assert all(block_chance(*directions(rng, 0.05), 199) < 0.01 for _ in range(3))
    assert np.isnan(block_chance(np.eye(4), np.zeros(4)))


def test_pairs_and_their_kinds():
    matrix = np.arange(16.0).reshape(4, 4)
    pairs = Pairs.of(matrix, [7, 7, 9, 9])
    np.testing.assert_array_equal(pairs.within.values, [1, 11])
    np.testing.assert_array_equal(pairs.between.values, [2, 3, 6, 7])
    assert pairs.samples == 2
    with pytest.raises(InvalidInput):
        Pairs.of(matrix, [0, 1])


def test_a_sample_is_not_paired_with_its_copy():
    """Sample 0 three times, 1 twice, 2 not: 3 and 2 copies of the pairs inside, 6 between, none of 2."""
    pairs = Pairs.of(np.ones((6, 6)), [0, 0, 1, 1, 2, 2])
    counts = pairs.counts(np.array([3, 2, 0]))
    assert counts[pairs.a == pairs.b].tolist() == [3, 2, 0]
    assert counts[(pairs.a == 0) & (pairs.b == 1)].tolist() == [6] * 4
    assert not counts[pairs.b == 2].any()


def test_standard_errors_of_means_and_of_what_is_left():
    values = np.random.default_rng(2).normal(size=(7, 3))
    found = resampling.standard_error(values)
    np.testing.assert_allclose(found, values.std(0, ddof=1) / np.sqrt(7))
    np.testing.assert_allclose(resampling.standard_error(values.T, -1), found)
    without = (values.sum(0) - values).T / 6  # the jackknife of a mean is its standard error
    np.testing.assert_allclose(resampling.jackknife_error(without), found)
    assert np.isnan(resampling.standard_error(values[:1])).tolist() == [True] * 3
    assert np.isnan(resampling.standard_error([1.0]))


def test_error_of_a_mean_over_samples():
    """All pairs of a sample alike: as if there were one number a sample."""
    per_sample = np.random.default_rng(5).normal(size=6)
    found = resample_pairs(
        resampling.mean, Pairs.of(np.diag(per_sample)[SAMPLE][:, SAMPLE], SAMPLE).within, 4000
    )
    assert found.value == pytest.approx(per_sample.mean())
    assert found.error == pytest.approx(per_sample.std(ddof=1) / np.sqrt(6), rel=0.05)


def test_false_alarms_of_the_error_bars():
    """At 1 %: some 2 % where samples have effects, none for independent vectors; a shift is always seen."""
    rng, rare = np.random.default_rng(2), stats.t.isf(0.005, 5)

    def alarms(make, runs, shift=0.0):
        found = np.zeros(2)
        for i in range(runs):
            pairs = Pairs.of(make() + shift, SAMPLE)
            for k, part in enumerate((pairs.within, pairs.between)):
                one = resample_pairs(resampling.mean, part, 100, i)
                found[k] += abs(one.value) > rare * one.error
        return found / runs

    assert (alarms(lambda: additive(rng), 100) < 0.07).all()
    assert (alarms(lambda: directions(rng, 0.0)[0], 40) < 0.07).all()
    assert (alarms(lambda: directions(rng, 0.0)[0], 10, 0.05) == 1).all()


def test_moments():
    ones = np.ones(100_000, dtype=int)
    x = (np.arange(100_000) + 0.5) / 100_000
    assert resampling.width(x, ones) == pytest.approx(12**-0.5, rel=1e-6)
    assert resampling.skewness(x, ones) == pytest.approx(0, abs=1e-9)
    assert resampling.excess_kurtosis(x, ones) == pytest.approx(-1.2, rel=1e-6)
    assert resampling.skewness(-np.log(x), ones) == pytest.approx(2, rel=2e-3)
    assert resampling.mean(np.array([1.0, 4.0]), np.array([2, 1])) == 2
    assert np.isnan(resampling.mean(np.zeros(0), np.zeros(0, dtype=int)))


def test_too_few_samples_have_no_error():
    matrix, sample = directions(np.random.default_rng(0), 0.5, 2, 4)
    for part in (Pairs.of(matrix, sample), Pairs.of(matrix, sample).between):
        assert np.isnan(resample_pairs(resampling.mean, part).error)
    assert np.isnan(jackknife(lambda kept: float(kept.sum()), sample).error)


def test_jackknife_of_a_mean_is_the_standard_error():
    x = np.random.default_rng(0).normal(size=6)
    found = jackknife(lambda kept: float(x[SAMPLE][kept].mean()), SAMPLE)
    assert found.value == pytest.approx(x.mean())
    assert found.error == pytest.approx(x.std(ddof=1) / np.sqrt(6))
