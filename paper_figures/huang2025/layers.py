"""What figures read off the layers: how far the solid reaches from each side, and when a layer forgets.

Both are read off curves averaged over samples, as the paper's are, with the jackknife or the bootstrap over
samples for their errors: a sample by itself has too few replicas for a profile that falls through 1/e once
and only once.
"""

import math
from collections.abc import Callable

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from compare.relaxation import crossing
from deepglass.phases import THRESHOLD, extent
from paper_figures.huang2025 import measures
from paper_figures.huang2025.claims import Estimate, estimate
from paper_figures.huang2025.reference import READING_ERROR, Curve, curves
from paper_figures.huang2025.relaxation import KNOWN, bootstrap, jackknife, unlike

Array = NDArray[np.float64]
Statistic = Callable[[Array], float]

LAST = 500_000
"""The paper's last t of everything at its late t_w, 5e4."""

EXTENTS: dict[str, Statistic] = {
    "xi_s": lambda q: extent(q).xi_input,
    "xi_output": lambda q: extent(q).xi_output,
    "xi_l": lambda q: len(q) - 1 - extent(q).xi_input - extent(q).xi_output,
}
"""Depth of the solid from the input and from the output and of the liquid between them, in layers."""


def padded(hidden: ArrayLike) -> Array:
    """A profile q_0..q_L from its hidden layers 1..L-1 (last axis): the boundaries are frozen, q = 1.

    Also that of the test: its images are given, its outputs are not, but the criterion is that of the paper.
    """
    array = np.asarray(hidden, dtype=float)
    ends = np.ones((*array.shape[:-1], 1))
    return np.concatenate([ends, array, ends], axis=-1)


def cells() -> dict[str, Curve]:
    """The paper's q_l* by ln alpha, Fig. 1b; those of ln alpha = 5.3 are those of Fig. 3d, with its bars."""
    found = curves("1b")
    known = found["lnalpha=5.3"]
    return found | {"lnalpha=5.3": Curve(known.x, known.y, curves("3d")["training"].error)}


def earlier(late: Curve, series: str, t: float) -> Curve:
    """A profile ``late`` of the paper, of time LAST, at time ``t``.

    From Fig. 3c (no bars), which has the training at ln alpha = 5.3; of another ``series`` all is missing
    (NaN).
    """
    if t == LAST:
        return late
    known = series == "lnalpha=5.3"
    q = [curves("3c")[f"l={layer:g}"].at(t) if known else math.nan for layer in late.x]
    return Curve(late.x, np.array(q), np.full(late.x.size, math.nan))


def last_profile(result: xr.Dataset, name: str = "q") -> xr.DataArray:
    """q of the training or ``q_test``, at the last time since the last t_w, (sample, neuron_layer)."""
    found = measures.profile(result) if name == "q" else result[name].isel(t_w=-1, drop=True)
    return found.transpose("sample", "neuron_layer")


def extents(profiles: xr.DataArray) -> dict[str, Estimate]:
    """EXTENTS and ``n_liquid`` of the mean of profiles (sample, neuron_layer) over l = 1..L-1.

    The error of a number of layers is by the bootstrap over samples: layers of one machine melt together.
    """
    found = {name: jackknife(profiles, _of_mean(rule)) for name, rule in EXTENTS.items()}
    return found | {"n_liquid": bootstrap(profiles.transpose("sample", "neuron_layer").values, _liquid)}


def _liquid(means: Array) -> Array:
    """Number of liquid layers of profiles (draw, neuron_layer) over l = 1..L-1."""
    return np.asarray((means <= THRESHOLD).sum(axis=-1), dtype=float)


def _of_mean(rule: Statistic) -> Callable[[xr.DataArray], float]:
    return lambda mean: rule(padded(mean))


def extents_of(curve: Curve) -> dict[str, Estimate]:
    """The same of a profile of the paper over l = 1..L-1, its error bars propagated; 0 where it has none.

    Its layers are taken as independent. All is missing (NaN) where a layer of the curve is.
    """
    if not np.isfinite(curve.y).all():
        return dict.fromkeys([*EXTENTS, "n_liquid"], Estimate(math.nan, 0.0, 0))
    q = padded(curve.y)
    error = np.concatenate([[0.0], np.nan_to_num(curve.error), [0.0]])
    found = {name: Estimate(rule(q), _propagated(q, error, rule), 0) for name, rule in EXTENTS.items()}
    inner, bars = q[1:-1], error[1:-1]
    known = bars > 0
    chance = stats.norm.cdf((THRESHOLD - inner[known]) / bars[known])
    uncertain = math.sqrt(float((chance * (1 - chance)).sum()))
    return found | {"n_liquid": Estimate(float(_liquid(inner)), uncertain, 0)}


def _propagated(q: Array, error: Array, statistic: Statistic) -> float:
    """To first order, of independent errors."""
    step = 1e-6
    moves = [step * (np.arange(q.size) == layer) for layer in range(q.size)]
    slopes = [(statistic(q + move) - statistic(q - move)) / (2 * step) for move in moves]
    return float(np.linalg.norm(np.array(slopes) * error))


def sampled(values: xr.DataArray) -> xr.DataArray:
    """Values (t, sample) at the times the paper measures at, up to our end; linear in ln t between ours."""
    array, t = values.transpose("sample", "t").values.astype(float), values["t"].values.astype(float)
    known = (t > 0) & np.isfinite(array).all(axis=0)
    times = curves("3a")["l=5;tw=1e3"].x
    shown = times[(times >= t[known][0]) & (times <= t[known][-1])]
    rows = [np.interp(np.log(shown), np.log(t[known]), row) for row in array[:, known]]
    return xr.DataArray(np.transpose(rows), {"t": shown}, ("t", "sample"))


def relaxation(values: xr.DataArray) -> Estimate:
    """log10 of the time at which the mean over samples of values (t, sample) first falls to 1/e.

    As the paper's, it is read off a straight line in t between the times of :func:`sampled`: from one to the
    next a curve may fall from 0.75 to -0.14. Missing where it does not fall so far.
    """

    def tau(mean: xr.DataArray) -> float:
        return float(np.log10(crossing(mean.expand_dims("sample"), logarithmic=False)[0]))

    return jackknife(sampled(values), tau)


def above(values: xr.DataArray, tau: float) -> Estimate:
    """How far values (t, sample) are above 1/e at the paper's ``tau``, read as in :func:`relaxation`.

    The error includes that of reading tau. Where our run ends before, the paper's curve is still above 1/e
    there: ours is taken at our end if it is below, and is missing (NaN) if it is not.
    """
    known = sampled(values)
    t = known["t"].values
    rows = known.transpose("sample", "t").values
    there = estimate([float(np.interp(tau, t, row)) for row in rows])
    if tau > t[-1]:
        below = there.value < THRESHOLD
        return Estimate(there.value - THRESHOLD if below else math.nan, there.error, there.samples)
    k = max(int(np.searchsorted(t, tau)), 1)
    mean = rows.mean(axis=0)
    slope = abs(float((mean[k] - mean[k - 1]) / (t[k] - t[k - 1])))
    return unlike(there, Estimate(THRESHOLD, slope * READING_ERROR * tau, KNOWN))
