"""Peaks and histograms of overlaps, against distributions that are known."""

import numpy as np
import pytest
from scipy import stats

from compare.errors import Pairs
from compare.peaks import _maxima, bins, histogram, independent_width, peak_number, peaks


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
