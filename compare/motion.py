"""Numbers of how weights move, from curves along t: exponents, slopes, collapse, cages. By sample or of
their mean.

Curves are (samples, times) with times (T,), those of t = 0 left out. Errors are of the jackknife over
samples.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from compare.diffusion import free_master
from compare.resampling import jackknife_error

Values = NDArray[np.float64]

DECAY = float(np.exp(-1))

WINDOW = (1.0, 1e3)
"""Relaxation times between which the power law is fitted, as arXiv:2405.13098 does."""

FEWEST = 4
"""Points of a fit."""

RESOLVED = 4.0
"""Steps that a relaxation time must have for a shape to be read from it."""

REDUCED = np.logspace(-1.5, 1, 26)
"""Times in units of tau_e at which curves are compared."""


def first_passage(t: Values, curve: Values, level: float, *, logarithmic: bool = True) -> float:
    """When a curve first falls to ``level``, linear in ln t or else in t; missing if it never does, or has by
    the first t."""
    below = np.flatnonzero(curve <= level)
    if not below.size or below[0] == 0:
        return float("nan")
    k = int(below[0])
    share = (curve[k - 1] - level) / (curve[k - 1] - curve[k])
    ends = np.log(t[k - 1 : k + 1]) if logarithmic else t[k - 1 : k + 1]
    between = (1 - share) * ends[0] + share * ends[1]
    return float(np.exp(between) if logarithmic else between)


def exponent(t: Values, curve: Values) -> float:
    """Slope of ln Q in ln t for 1 <= t/tau_e <= 1000, unweighted; missing for fewer than 4 points."""
    tau = first_passage(t, curve, DECAY)
    inside = (t >= WINDOW[0] * tau) & (t <= WINDOW[1] * tau) & (curve > 0)
    if np.isnan(tau) or inside.sum() < FEWEST:
        return float("nan")
    return float(np.polyfit(np.log(t[inside]), np.log(curve[inside]), 1)[0])


def free_exponent(t: Values, curve: Values) -> float:
    """The same of the free walk with the same tau_e at the same times: what the estimator makes of the
    null."""
    tau = first_passage(t, curve, DECAY)
    return float("nan") if np.isnan(tau) else exponent(t, free_master(t / tau))


def slopes(t: Values, curve: Values) -> Values:
    """Log-log slopes of a curve in windows of a decade that begin at every t, in order; missing where it is
    not positive. The first and the last are those of the first and last decade."""
    found = []
    for low in t[t <= t[-1] / 10 * (1 + 1e-9)]:
        inside = (t >= low) & (t <= 10 * low * (1 + 1e-9)) & (curve > 0)
        fits = inside.sum() >= FEWEST
        found.append(np.polyfit(np.log(t[inside]), np.log(curve[inside]), 1)[0] if fits else np.nan)
    return np.array(found or [np.nan])


def caged(slopes: Values, plateau: float = 0.5, margin: float = 0.1) -> bool:
    """Whether a mean squared displacement has a plateau (slope below ``plateau``) and a steeper decade
    after."""
    known = slopes[np.isfinite(slopes)]
    return any(slope < plateau and (known[k + 1 :] > slope + margin).any() for k, slope in enumerate(known))


def reduced(t: Values, curve: Values) -> Values:
    """Q at :data:`REDUCED` times tau_e, linear in ln t; missing outside the times there are."""
    tau = first_passage(t, curve, DECAY)
    if np.isnan(tau):
        return np.full(len(REDUCED), np.nan)
    found = np.interp(np.log(REDUCED * tau), np.log(t), curve, left=np.nan, right=np.nan)
    return np.asarray(found)


def collapse(t: Values, curves: Sequence[Values]) -> tuple[float, float]:
    """How well curves fall on each other, and on the free law, in units of their tau_e.

    The rms over :data:`REDUCED` of the standard deviation between curves, and of their mean less the free
    master curve; at times that all curves have. Missing for fewer than two curves with a tau_e.
    """
    rows = np.array([row for row in (reduced(t, curve) for curve in curves) if np.isfinite(row).any()])
    if len(rows) < 2:
        return float("nan"), float("nan")
    common = np.isfinite(rows).all(0)
    if not common.any():
        return float("nan"), float("nan")
    spread = np.sqrt(rows[:, common].var(0, ddof=1).mean())
    off = np.sqrt(np.square(rows[:, common].mean(0) - free_master(REDUCED[common])).mean())
    return float(spread), float(off)


def jackknife(estimate: Callable[[Values], float], samples: Values) -> tuple[float, float]:
    """An estimate from the mean over samples (first axis), and its standard error, missing for one sample."""
    whole, count = estimate(samples.mean(0)), len(samples)
    if count < 2:
        return whole, float("nan")
    return whole, float(jackknife_error([estimate(np.delete(samples, k, 0).mean(0)) for k in range(count)]))
