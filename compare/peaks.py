"""Distributions of overlaps, P(Q): histograms with errors over samples, and how many peaks they have."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from compare.errors import Pairs, Resampled, resample_pairs

DECISIVE = 10.0
"""Difference of BIC beyond which two Gaussians are preferred: "very strong" of Kass and Raftery (1995)."""

FEWEST = 8
"""Overlaps below which nothing is said about peaks."""

NARROWEST = 1e-3
"""Least variance of a Gaussian, over that of all overlaps: a few equal numbers are not a peak."""

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


def peaks(values: ArrayLike) -> Peaks:
    """Fit one and two Gaussians and count the maxima of the better.

    Two Gaussians make two peaks only if their sum has two maxima: a broad tail is not a peak.
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
    one_bic = -2 * float(stats.norm.logpdf(scaled).sum()) + 2 * math.log(x.size)
    margin = one_bic - float(double.bic(scaled))
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


def peak_number(pairs: Pairs, count: int = 20, seed: int = 0) -> Resampled:
    """The number of peaks, with its error over samples: 0 where every resample has the same."""
    return resample_pairs(lambda x, counts: peaks(np.repeat(x, counts)).number, pairs, count, seed)


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
