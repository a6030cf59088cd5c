"""Peaks and histograms of overlaps, against distributions that are known."""

import numpy as np
import pytest
from scipy import stats

from compare.peaks import _maxima, bins, histogram, independent_pairs, independent_width, peak_number, peaks
from compare.resampling import Pairs


def quantiles(law, count=600):
    return law.ppf((np.arange(count) + 0.5) / count)


def test_one_gaussian_is_one_peak():
    rng = np.random.default_rng(0)
    assert {peaks(rng.normal(0.02, 0.05, 300)).number for _ in range(25)} == {1}
    found = peaks(quantiles(stats.norm(0.02, 0.05)))
    assert found.means == pytest.approx([0.02])
    assert found.widths == pytest.approx([0.05], rel=0.02)


@pytest.mark.parametrize("share", [0.03, 0.14, 0.5])
def test_two_gaussians_are_found_where_they_are(share):
    """Also a small one: same-sample pairs are few among all pairs."""
    rng = np.random.default_rng(1)
    x = np.r_[rng.normal(0, 0.1, round(2000 * (1 - share))), rng.normal(0.9, 0.05, round(2000 * share))]
    found = peaks(x)
    assert found.number == 2
    assert found.means == pytest.approx([0, 0.9], abs=0.02)
    assert found.weights == pytest.approx([1 - share, share], abs=0.003)
    assert found.widths == pytest.approx([0.1, 0.05], rel=0.2)
    grid = np.linspace(-1, 2, 3001)
    assert np.trapezoid(found.density(grid), grid) == pytest.approx(1, abs=1e-6)


def test_a_tail_is_not_a_peak():
    found = peaks(quantiles(stats.t(2.5), 2000))
    assert found.margin > 10
    assert len(found.means) == 2
    assert found.number == 1


@pytest.mark.parametrize(("apart", "number"), [(1.9, 1), (2.1, 2)])
def test_equal_gaussians_have_two_maxima_beyond_two_widths(apart, number):
    half = np.array([0.5, 0.5])
    assert _maxima(half, np.array([0.0, apart]), np.ones(2)) == number


def test_scale_and_place_do_not_matter():
    x = np.r_[quantiles(stats.norm(0, 1), 200), quantiles(stats.norm(6, 1), 200)]
    for scale in (1e-4, 1.0):
        found = peaks(0.99 + scale * x)
        assert found.number == 2
        assert (found.means - 0.99) / scale == pytest.approx([0, 6], abs=0.1)


@pytest.mark.parametrize("few", [[], [0.1, 0.2, 0.3], [0.5] * 20, [np.nan] * 30])
def test_nothing_is_said_of_too_few(few):
    assert peaks(few).number == 0


def test_number_over_samples():
    rng = np.random.default_rng(0)
    sample = np.repeat(np.arange(4), 5)
    noise = 0.05 * np.triu(rng.normal(size=(20, 20)), 1)
    apart = noise + noise.T + 0.9 * (sample[:, None] == sample)
    found = peak_number(Pairs.of(apart, sample), 10)
    assert (found.value, found.error, found.samples) == (2, 0, 4)


def made(rng, samples, replicas, of_sample, own, apart=0.0):
    """Same-sample pairs: an effect of the sample, one of the pair, and half the samples ``apart``."""
    sample = np.repeat(np.arange(samples), replicas)
    level = rng.normal(0, of_sample, samples) + apart * (np.arange(samples) % 2)
    noise = np.triu(rng.normal(0, own, (len(sample), len(sample))), 1)
    return Pairs.of(level[sample][:, None] + noise + noise.T, sample).within


@pytest.mark.parametrize(("samples", "replicas"), [(4, 6), (8, 8), (20, 4)])
@pytest.mark.parametrize("own", [0.02, 0.002])
def test_samples_that_differ_are_one_law(samples, replicas, own):
    """At most 5 % of sets have two peaks: of 40, 6 or fewer (99 %). As independent pairs, up to all."""
    rng = np.random.default_rng(samples)
    sets = [made(rng, samples, replicas, 0.05, own) for _ in range(40)]
    assert sum(peaks(p.values, independent_pairs(p)).number == 2 for p in sets) <= 6
    if (samples, own) == (8, 0.02):
        assert sum(peaks(p.values).number == 2 for p in sets) > 10


def test_two_separate_peaks_are_found_in_every_set():
    rng = np.random.default_rng(0)
    for samples in (8, 20):
        for _ in range(10):
            pairs = made(rng, samples, 5, 0.01, 0.02, apart=0.4)
            assert peaks(pairs.values, independent_pairs(pairs)).number == 2


def test_pairs_are_worth_as_many_as_are_independent():
    rng = np.random.default_rng(2)
    assert independent_pairs(made(rng, 8, 4, 0.0, 0.1)) == pytest.approx(32, rel=0.2)  # at most: machines
    assert independent_pairs(made(rng, 8, 4, 1.0, 1e-4)) == pytest.approx(8, rel=1e-3)
    # As much of either, r = 1/2: 48/(1 + 5/2).
    worth = [independent_pairs(made(rng, 8, 4, 0.1, 0.1)) for _ in range(200)]
    assert np.mean(worth) == pytest.approx(48 / 3.5, rel=0.15)
    assert independent_pairs(Pairs.of(np.ones((1, 1)), [0])) == 1
    assert independent_pairs(made(rng, 1, 12, 1.0, 0.1)) == 12


def test_histogram_is_a_density_with_errors_over_samples():
    sample = np.repeat(np.arange(3), 3)
    values = np.array([0.1, 0.1, 0.3])[sample]
    pairs = Pairs.of(np.where(sample[:, None] == sample, values, 0.0), sample).within
    found = histogram(pairs, np.array([0.0, 0.2, 0.4, 0.6]), 2000)
    np.testing.assert_allclose(found.value, [10 / 3, 5 / 3, 0])
    # A share p = 2/3 of three samples: sqrt(p (1 - p)/(3 - 1)), over the bin.
    np.testing.assert_allclose(found.error, np.sqrt(2 / 9 / 2) / 0.2 * np.array([1, 1, 0]), rtol=0.1)


def test_histogram_without_pairs_is_zero():
    pairs = Pairs.of(np.ones((4, 4)), np.zeros(4)).between
    assert histogram(pairs, np.array([0.0, 1.0])).value.tolist() == [0.0]


def test_bins_hold_all_values():
    for x in (np.random.default_rng(0).normal(size=200), np.array([0.3, 0.9]), np.full(5, 0.99), np.zeros(0)):
        edges = bins(x)
        assert len(edges) < 90
        assert np.histogram(x, edges)[0].sum() == x.size


@pytest.mark.parametrize("law", ["normal", "box"])
def test_independent_width(law):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(150, 100)) if law == "normal" else rng.uniform(-1, 1, (150, 100))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    overlaps = (x @ x.T)[np.triu_indices(150, 1)]
    assert overlaps.std() == pytest.approx(independent_width(100), rel=0.03)
