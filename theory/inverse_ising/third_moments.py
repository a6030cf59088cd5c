"""Does the pair model predict what it was not fitted to: the third moments of the data?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from deepglass.errors import InvalidInput
from theory.gaussian import Array
from theory.inverse_ising.certificate import Sampler
from theory.inverse_ising.model import IsingModel
from theory.inverse_ising.moments import spins, weighting


def third_moments(
    samples: ArrayLike, triples: Array, weights: ArrayLike | None = None, connected: bool = True
) -> Array:
    """``<s_i s_j s_k>`` (T,) of triples (T, 3); connected (third cumulants of the samples) by default."""
    s = spins(samples)
    w = weighting(weights, len(s))
    index = np.asarray(triples)
    if (
        index.ndim != 2
        or index.shape[1] != 3
        or index.size == 0
        or index.min() < 0
        or index.max() >= s.shape[1]
    ):
        raise InvalidInput(f"triples have shape {index.shape}, must be (T, 3) of spins 0..{s.shape[1] - 1}")
    if connected:
        s = s - w @ s
    # The products of the first two are formed pair by pair: all triples at once would be (S, T).
    out = np.empty(len(index))
    for (i, j), rows in _by_pair(index).items():
        out[rows] = (w * s[:, i] * s[:, j]) @ s[:, index[rows, 2]]
    return out


def _by_pair(index: Array) -> dict[tuple[int, int], list[int]]:
    groups: dict[tuple[int, int], list[int]] = {}
    for row, (i, j, _) in enumerate(index.tolist()):
        groups.setdefault((i, j), []).append(row)
    return groups


@dataclass(frozen=True, eq=False)
class ThirdMoments:
    """Third cumulants of data and model, (T,) each, of triples (T, 3).

    ``difference``: root mean square of their difference; ``noise``: what two sets of as many independent
    samples of one law would show; ``size``: root mean square of the data's; ``correlation`` and ``slope`` of
    the model's on the data's (NaN where either does not vary).
    """

    triples: Array = field(repr=False)
    data: Array = field(repr=False)
    model: Array = field(repr=False)
    difference: float
    noise: float
    size: float
    correlation: float
    slope: float


def third_moment_test(
    samples: ArrayLike, model: IsingModel, sample: Sampler, subset: Sequence[int] | None = None
) -> ThirdMoments:
    """Compare third cumulants of samples (S, N) with those of the model, sampled, over a subset of spins."""
    s = spins(samples, model.N)
    chosen = list(range(model.N)) if subset is None else list(subset)
    if len(chosen) < 3 or len(set(chosen)) < len(chosen):
        raise InvalidInput(f"subset has {len(chosen)} spins, must be 3 or more, each once")
    triples = np.array(list(combinations(sorted(chosen), 3)))
    drawn = spins(sample(model.J, model.h), model.N)
    data, predicted = third_moments(s, triples), third_moments(drawn, triples)
    # Variance of a product of three nearly independent centred spins.
    v = 1.0 - s.mean(axis=0) ** 2
    noise = math.sqrt(float(np.mean(v[triples].prod(axis=1))) * (1.0 / len(s) + 1.0 / len(drawn)))
    varies = np.std(data) > 0.0 and np.std(predicted) > 0.0
    correlation = float(np.corrcoef(data, predicted)[0, 1]) if varies else math.nan
    slope = float(np.polyfit(data, predicted, 1)[0]) if varies else math.nan
    difference = math.sqrt(float(np.mean((data - predicted) ** 2)))
    return ThirdMoments(
        triples, data, predicted, difference, noise, math.sqrt(float(np.mean(data**2))), correlation, slope
    )
