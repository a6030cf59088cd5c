"""What figures read off the layers: how far the solid reaches from each side, and when a layer forgets.

Both are read off curves averaged over samples, as the paper's are, with the jackknife over samples for their
errors: a sample by itself has too few replicas for a profile that falls through 1/e once and only once.
"""

import math
from collections.abc import Callable

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from deepglass.phases import THRESHOLD, extent
from paper_figures.huang2025 import measures
from paper_figures.huang2025.claims import Estimate
from paper_figures.huang2025.reference import Curve, curves
from paper_figures.huang2025.relaxation import jackknife

Array = NDArray[np.float64]
Statistic = Callable[[Array], float]

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


def last_profile(result: xr.Dataset, name: str = "q") -> xr.DataArray:
    """q of the training or ``q_test``, at the last time since the last t_w, (sample, neuron_layer)."""
    found = measures.profile(result) if name == "q" else result[name].isel(t_w=-1, drop=True)
    return found.transpose("sample", "neuron_layer")


def _liquid(q: Array, error: Array, freedom: float) -> tuple[float, float]:
    """Number of liquid layers 1..L-1 and its error: layers near 1/e are liquid with a probability."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (THRESHOLD - q[1:-1]) / error[1:-1]
    # An exact 1/e without an error is liquid by definition, whatever 0/0 says.
    chance = stats.t.cdf(np.where((error[1:-1] == 0) & (q[1:-1] == THRESHOLD), np.inf, z), freedom)
    return float(extent(q).n_liquid), math.sqrt(float((chance * (1 - chance)).sum()))


def extents(profiles: xr.DataArray) -> dict[str, Estimate]:
    """EXTENTS and ``n_liquid`` of the mean of profiles (sample, neuron_layer) over l = 1..L-1."""
    found = {name: jackknife(profiles, _of_mean(rule)) for name, rule in EXTENTS.items()}
    array = padded(profiles.transpose("sample", "neuron_layer"))
    count = len(array)
    spread = array.std(axis=0, ddof=1) if count > 1 else np.full(array.shape[1], np.nan)
    liquid = _liquid(array.mean(axis=0), spread / math.sqrt(count), max(count - 1, 1))
    return found | {"n_liquid": Estimate(*liquid, count)}


def _of_mean(rule: Statistic) -> Callable[[xr.DataArray], float]:
    return lambda mean: rule(padded(mean))


def extents_of(curve: Curve) -> dict[str, Estimate]:
    """The same of a profile of the paper over l = 1..L-1, its error bars propagated; 0 where it has none."""
    q = padded(curve.y)
    error = np.concatenate([[0.0], np.nan_to_num(curve.error), [0.0]])
    found = {name: Estimate(rule(q), _propagated(q, error, rule), 0) for name, rule in EXTENTS.items()}
    return found | {"n_liquid": Estimate(*_liquid(q, error, math.inf), 0)}


def _propagated(q: Array, error: Array, statistic: Statistic) -> float:
    """To first order, of independent errors."""
    step = 1e-6
    moves = [step * (np.arange(q.size) == layer) for layer in range(q.size)]
    slopes = [(statistic(q + move) - statistic(q - move)) / (2 * step) for move in moves]
    return float(np.linalg.norm(np.array(slopes) * error))


def relaxation(values: xr.DataArray) -> Estimate:
    """log10 of the time at which the mean over samples of values (t, sample) first falls to 1/e.

    Missing where it does not.
    """

    return jackknife(values, lambda mean: float(np.log10(measures.crossing(mean.expand_dims("sample"))[0])))
