"""Numbers of a relaxation: where it sets in, where it ends, its late value, its straight line in ln t.

The same functions read ours, values (t, sample) or their mean over samples, and the paper's digitised curves,
turned into one sample by :func:`as_values`: what is compared is then defined alike on both sides.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from compare.relaxation import crossing
from compare.resampling import jackknife_error
from paper_figures.huang2025.claims import Estimate
from paper_figures.huang2025.reference import Curve

ONSET = 0.8
"""tau_0: the first time at which E/E(0) falls to this."""

NEAR = 2.0
"""tau_th: the first time at which E is within this factor of its late value."""

STRAIGHT = (1e3, 1e4)
"""Between the text's tau_0 and tau_th: where E is to fall as -ln t."""

DRAWS = 2000
"""Of a bootstrap."""

KNOWN = 10**9
"""Samples of a number whose error is known: no end of degrees of freedom."""


def as_values(curve: Curve) -> xr.DataArray:
    """A curve of the paper as values (t, sample), one sample."""
    return xr.DataArray(
        curve.y[:, None], dims=("t", "sample"), coords={"t": curve.x, "sample": [0]}
    ).drop_duplicates("t")


def end(*values: xr.DataArray | None) -> float:
    """The longest time that all of them reach."""
    return min(float(v["t"][-1]) for v in values if v is not None)


def late(values: xr.DataArray, until: float | None = None) -> xr.DataArray:
    """Mean over the measured times from ``until``/2 to ``until``, the last one if None."""
    until = end(values) if until is None else until
    return values.sel(t=slice(until / 2, until)).mean("t")


def onset(ratio: xr.DataArray) -> float:
    """tau_0: the time at which the mean over samples of E/E(0), (t), first falls to ONSET.

    Missing where it never does.
    """
    return float(crossing(ratio.expand_dims("sample"), ONSET)[0])


def settled(energy: xr.DataArray, until: float) -> float:
    """tau_th: the time at which the mean over samples of E, (t), is first at most NEAR times its late value.

    The late value is that of the same mean at ``until``, see :func:`late`. Missing where E has not fallen by
    that factor at all.
    """
    return float(crossing((energy / (NEAR * late(energy, until))).expand_dims("sample"), 1.0)[0])


def line(average: xr.DataArray) -> tuple[float, float]:
    """How straight values (t) are in ln t over STRAIGHT: R^2 of a line, and the curvature k.

    k is that of ``y = a + b (x + k (x^2 - 1/3))`` with x from -1 to 1 over the span and b the slope of the
    line: 0 for a straight line, negative for a curve that flattens. At x = -1 and 1 the slopes are as
    (1 - 2k) to (1 + 2k): a factor of two for |k| = 1/6. Missing for values that do not cover the span.
    """
    t, y = average["t"].values.astype(float), average.values.astype(float)
    if t[0] > STRAIGHT[0] or t[-1] < STRAIGHT[1]:
        return math.nan, math.nan
    x = np.linspace(-1, 1, 33)
    at = np.log(STRAIGHT[0]) + (x + 1) / 2 * np.log(STRAIGHT[1] / STRAIGHT[0])
    known = t > 0
    sampled = np.interp(at, np.log(t[known]), y[known])
    slope = float(np.polyfit(x, sampled, 1)[0])
    r_squared = float(np.corrcoef(x, sampled)[0, 1] ** 2)
    return r_squared, float(np.polyfit(x, sampled, 2)[0]) / slope


def r_squared(average: xr.DataArray) -> float:
    """Of a straight line in ln t, see :func:`line`."""
    return line(average)[0]


def curvature(average: xr.DataArray) -> float:
    """k of :func:`line`."""
    return line(average)[1]


def jackknife(values: xr.DataArray, measure: Callable[[xr.DataArray], float]) -> Estimate:
    """A measure of the mean over samples, with its error from leaving out one sample at a time.

    For what is not linear in the values, such as a minimum: a mean of minima would be below the minimum of
    the mean, which is what can be read off a published curve.
    """
    count = values.sizes["sample"]
    whole = measure(values.mean("sample"))
    if count < 2:
        return Estimate(whole, math.nan, count)
    without = [measure(values.drop_isel(sample=k).mean("sample")) for k in range(count)]
    return Estimate(whole, float(jackknife_error(without)), count)


def bootstrap(
    values: NDArray[np.float64], measure: Callable[[NDArray[np.float64]], NDArray[np.float64]], seed: int = 0
) -> Estimate:
    """A measure of the mean over samples of values (sample, k), with its error over samples.

    For what jumps, such as a number of layers. ``measure`` takes means (draw, k), all at once, and gives
    (draw). Whole samples are weighted at random, so that what goes together stays together; the weights are
    Gaussian over the root of a chi-square, which gives every mean the spread of Student's t (a few samples
    drawn again would hardly spread). The error is missing for one sample.
    """
    count = len(values)
    mean = values.mean(axis=0)
    whole = float(measure(mean[None])[0])
    if count < 2:
        return Estimate(whole, math.nan, count)
    generator = np.random.default_rng(seed)
    weights = generator.normal(size=(DRAWS, count)) / math.sqrt(count * (count - 1))
    weights /= np.sqrt(generator.chisquare(count - 1, size=(DRAWS, 1)) / (count - 1))
    return Estimate(whole, float(measure(mean + weights @ (values - mean)).std()), count)


def maximum(values: Mapping[float, NDArray[np.float64]], seed: int = 0) -> Estimate:
    """Where the mean over samples of values at x is largest; its error by resampling samples at every x."""
    x = np.array(list(values))
    counts = [len(found) for found in values.values()]
    place = float(x[np.argmax([found.mean() for found in values.values()])])
    if min(counts) < 2:
        return Estimate(place, math.nan, min(counts))
    generator = np.random.default_rng(seed)
    means = [
        found[generator.integers(n, size=(DRAWS, n))].mean(1)
        for found, n in zip(values.values(), counts, strict=True)
    ]
    places = x[np.argmax(means, axis=0)]
    return Estimate(place, float((places - place).std(ddof=1)), min(counts))


def combined(estimates: Sequence[Estimate], weights: ArrayLike) -> Estimate:
    """The sum of independent estimates times ``weights``.

    ``samples`` - 1 are its degrees of freedom, by Welch and Satterthwaite. Missing if one of them is.
    """
    by = np.asarray(weights, dtype=float)
    value = float(by @ [e.value for e in estimates])
    parts = by * [e.error for e in estimates]
    error, counts = float(np.linalg.norm(parts)), np.array([e.samples for e in estimates])
    if not error > 0:
        return Estimate(value, error, int(counts.min()))
    known = parts != 0
    freedom = 1 / float(((parts[known] / error) ** 4 / (counts[known] - 1)).sum())
    # Rounding may leave the quotient just below a whole number.
    return Estimate(value, error, 1 + max(int(freedom + 1e-9), 1))


def unlike(a: Estimate, b: Estimate) -> Estimate:
    """a - b for two that are independent, see :func:`combined`."""
    return combined((a, b), (1, -1))


def quotient(a: Estimate, b: Estimate) -> Estimate:
    """a/b for two that are positive and independent: the difference of their logarithms, to first order."""
    logs = [Estimate(math.log(e.value), e.error / e.value, e.samples) for e in (a, b)]
    found = unlike(*logs)
    value = math.exp(found.value)
    return Estimate(value, value * found.error, found.samples)


def error_at(curve: Curve, t: float) -> float:
    """The paper's error bar at ``t``, between those it draws; missing where it draws none."""
    return replace(curve, y=curve.error).at(t)


def resolution(curve: Curve, t: float) -> float:
    """log10 of a time on a curve is known to half the distance of the points on either side of it."""
    after = min(int(np.searchsorted(curve.x, t, side="right")), len(curve.x) - 1)
    return float(np.log10(curve.x[after] / curve.x[after - 1])) / 2


def scatter(curve: Curve, t: float, points: int = 5) -> float:
    """How far points of a curve scatter about the straight line in ln t through the nearest few.

    The least that the paper's number at one time can be uncertain by, where it draws no error bars.
    """
    nearest = np.argsort(np.abs(np.log(curve.x / t)))[:points]
    x, y = np.log(curve.x[nearest]), curve.y[nearest]
    rest = y - np.polyval(np.polyfit(x, y, 1), x)
    return float(np.sqrt((rest**2).sum() / (points - 2)))
