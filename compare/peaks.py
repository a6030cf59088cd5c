"""Distributions of overlaps, P(Q): histograms with errors over samples, and how many peaks they have."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from compare.resampling import Pairs, Resampled, resample_pairs

__all__ = ["Peaks", "bins", "histogram", "independent_pairs", "peak_number", "peaks"]

DECISIVE = 10.0
"""Difference of BIC beyond which two Gaussians are preferred: "very strong" of Kass and Raftery (1995)."""

FEWEST = 8
"""Overlaps below which nothing is said about peaks."""

NARROWEST = 1e-3
"""Least variance of a Gaussian, over that of all overlaps: a few equal numbers are not a peak."""

EXTRA = 3
"""Parameters of two Gaussians, 5, beyond those of one, 2."""

MOST = 4_000
"""Overlaps a mixture is fitted to; of more, as many evenly spaced quantiles."""


@dataclass(frozen=True, eq=False)
class Peaks:
    """Overlaps as one Gaussian or two.

    Attributes:
        number: of maxima of the density; 0 where there are too few overlaps to say, or all are equal.
        weights, means, widths: of the Gaussians, in order of their means; two of them can be one peak.
        margin: BIC of one Gaussian less that of two; two are taken beyond :data:`DECISIVE`.
    """

    number: int
    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    widths: NDArray[np.float64]
    margin: float

    def density(self, x: ArrayLike) -> NDArray[np.float64]:
        """The mixture's density."""
        x = np.asarray(x, dtype=float)
        return np.asarray(
            self.weights @ stats.norm.pdf(x[None, :], self.means[:, None], self.widths[:, None])
        )


def peaks(values: ArrayLike, independent: float | None = None) -> Peaks:
    """Fit one and two Gaussians and count the maxima of the better.

    Two Gaussians make two peaks only if their sum has two maxima: a broad tail is not a peak. The likelihood
    is that of as many values as are ``independent`` (all, if None), see :func:`independent_pairs`.
    """
    from sklearn.mixture import GaussianMixture  # slow to import

    x = np.asarray(values, dtype=float)
    x = np.sort(x[np.isfinite(x)])
    centre, spread = (float(x.mean()), float(x.std())) if x.size else (math.nan, math.nan)
    one = (np.ones(1), np.array([centre]), np.array([spread]))
    if x.size < FEWEST or not spread > 0:
        return Peaks(0, *one, math.nan)
    if x.size > MOST:
        x = np.quantile(x, (np.arange(MOST) + 0.5) / MOST)
    scaled = ((x - centre) / spread)[:, None]
    double = GaussianMixture(
        2, reg_covar=NARROWEST, n_init=2, init_params="k-means++", random_state=0, max_iter=300
    ).fit(scaled)
    count = x.size if independent is None else min(independent, x.size)
    gain = float(double.score(scaled)) - float(stats.norm.logpdf(scaled).mean())
    margin = 2 * count * gain - EXTRA * math.log(count)
    if margin <= DECISIVE:
        return Peaks(1, *one, margin)
    order = np.argsort(double.means_[:, 0])
    means, widths = double.means_[order, 0], np.sqrt(double.covariances_[order, 0, 0])
    weights = double.weights_[order]
    number = _maxima(weights, means, widths)
    return Peaks(number, weights, centre + spread * means, spread * widths, margin)


def _maxima(weights: NDArray[np.float64], means: NDArray[np.float64], widths: NDArray[np.float64]) -> int:
    """Of a sum of two Gaussians; all lie between the means."""
    pad = widths.min()
    x = np.linspace(means[0] - pad, means[1] + pad, 2001)
    y = weights @ stats.norm.pdf(x[None, :], means[:, None], widths[:, None])
    return int(((y[1:-1] > y[:-2]) & (y[1:-1] >= y[2:])).sum())


def independent_pairs(pairs: Pairs) -> float:
    """How many independent values the overlaps of pairs are worth.

    Of n pairs in groups, one for each sample and each two samples, with a correlation r inside a group:
    n/(1 + (m - 1) r), Kish's design effect; m is the mean size of the group of a pair, r the intraclass
    correlation by analysis of variance. No more than there are machines, since pairs share machines.
    """
    group, index, sizes = np.unique(
        pairs.a * pairs.samples + pairs.b, return_inverse=True, return_counts=True
    )
    n, groups = len(pairs.values), len(group)
    if n == 0:
        return 1.0
    shared = 0.0
    typical = float((sizes**2).sum()) / n
    if 1 < groups < n:
        means = np.bincount(index, pairs.values) / sizes
        inside = float(((pairs.values - means[index]) ** 2).sum()) / (n - groups)
        across = float((sizes * (means - pairs.values.mean()) ** 2).sum()) / (groups - 1)
        own = max(across - inside, 0.0) / ((n - typical) / (groups - 1))
        shared = own / (own + inside) if own > 0 else 0.0
    return max(min(n / (1 + (typical - 1) * shared), pairs.machines), 1.0)


def peak_number(pairs: Pairs, count: int = 20, seed: int = 0) -> Resampled:
    """The number of peaks, with its error over samples: 0 where every resample has the same.

    Sets of one law with two peaks, of 300 each for 4 samples of 6 machines, 8 of 8 and 20 of 4 (in brackets
    if pairs counted as independent, ``independent`` = None):

    * same-sample pairs, a standard deviation of 0.05 between samples and 0.02 inside: 0, 0, 0 (79, 162, 12);
    * the same with 0.002 inside: 6, 2, 0 (290, 282, 120);
    * independent pairs, pairs v_a + v_b of machines that differ (0.05, own part 0.02), all pairs of random
      vectors in 100 dimensions: 0 (at most 1);
    * all pairs v_a + v_b of samples that differ (0.05, own part 0.02): 0, 1, 1 (79, 65, 8).

    Two peaks ten widths apart inside every sample, or same-sample pairs beside those of different samples,
    are found in all sets; half the samples at one place and half at another in all of 8 or 20 samples, but in
    17 of 300 sets of 4: so few samples cannot tell two peaks from samples that differ.
    """
    independent = independent_pairs(pairs)
    return resample_pairs(
        lambda x, counts: peaks(np.repeat(x, counts), independent).number, pairs, count, seed
    )


def histogram(pairs: Pairs, edges: NDArray[np.float64], count: int = 200, seed: int = 0) -> Resampled:
    """Density of the overlaps in bins, with its error over samples; what lies outside is not shown."""

    def density(values: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
        inside, _ = np.histogram(values, edges, weights=counts)
        return np.asarray(inside / max(int(counts.sum()), 1) / np.diff(edges))

    return resample_pairs(density, pairs, count, seed)


def bins(values: ArrayLike, most: int = 80) -> NDArray[np.float64]:
    """Edges for a histogram: width by Freedman and Diaconis, at most so many over the range of the values."""
    x = np.asarray(values, dtype=float)
    x = x[np.isfinite(x)]
    if x.size < 2 or np.ptp(x) < 1e-9:
        centre = float(x.mean()) if x.size else 0.0
        return np.linspace(centre - 0.01, centre + 0.01, 4)
    low, high = np.quantile(x, (0.25, 0.75))
    step = max(2 * (high - low) / np.cbrt(x.size), np.ptp(x) / most)
    first, last = math.floor(x.min() / step), math.floor(x.max() / step) + 1
    return np.asarray(step * np.arange(first, last + 1))


def independent_width(size: int) -> float:
    """Width of the overlap of two independent random directions in ``size`` dimensions, exactly."""
    return 1 / math.sqrt(size)
