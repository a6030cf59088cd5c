"""Random parts of a network, as large as its interior: what so few weights of the boundaries would show.

Multi-information per weight depends on how many weights are looked at: a random share f of correlated weights
keeps a share f of each one's partners. So the interior is held against as many weights drawn from both
boundaries, not only against the boundaries whole.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from compare.weight_ensemble import Array, Ensemble
from compare.weight_space import Jackknife, Modes, modes
from deepglass.errors import InvalidInput
from theory.inverse_ising import parts

GROUPS = 20
"""Groups of networks left out in turn, where each one alone would be slow."""

Where = NDArray[np.int64]


def size(sizes: Sequence[int]) -> int:
    """Weights of a random part: as many as the interior has, at most half the boundaries'; or 0."""
    found = parts(sizes)
    if "interior" not in found:
        return 0
    length = {name: where.stop - where.start for name, where in found.items()}
    boundaries = length["input"] + length["output"]
    return int(min(length["interior"], boundaries // 2))


def draw(sizes: Sequence[int], count: int, rng: np.random.Generator) -> tuple[Where, ...]:
    """``count`` random parts among the weights of both boundaries; none for a network without interior."""
    found = parts(sizes)
    if "interior" not in found:
        return ()
    numbers = np.arange(found["full"].stop)
    pool = np.concatenate([numbers[found["input"]], numbers[found["output"]]])
    return tuple(np.sort(rng.choice(pool, size(sizes), replace=False)) for _ in range(count))


def averaged(ensemble: Ensemble, chosen: Sequence[Where]) -> list[Jackknife]:
    """The same of boundary weights averaged over hidden-unit permutations; at least two hidden layers.

    Correlations are put together from the modes of both boundaries, for all networks and without each of 20
    groups of them. InvalidInput for hidden boundary layers of one unit, which have no deviations.
    """
    sizes, G = ensemble.sizes, ensemble.networks
    if len(sizes) < 4:
        raise InvalidInput(f"sizes = {sizes} have no interior, must be at least four")
    if min(sizes[1], sizes[-2]) < 2:
        raise InvalidInput(
            f"sizes = {sizes} have a hidden layer of one unit beside a boundary, must be 2 or more"
        )
    found = modes(ensemble.weights, sizes, (1, len(sizes) - 1))
    groups = min(GROUPS, G)
    group = (np.arange(G) * groups // G)[ensemble.samples]
    values = []
    for keep in [np.ones(len(group), dtype=bool), *(group != g for g in range(groups))]:
        means, deviations = _covariances(found, keep)
        values.append([_information(means, deviations, where, sizes) for where in chosen])
    return [Jackknife(float(column[0]), column[1:]) for column in np.array(values).T]


def _covariances(found: Modes, keep: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Of the means of kinds and of deviations over units, each (kinds, kinds), of the networks kept."""
    means = found.means[keep] - found.means[keep].mean(axis=0)
    deviations = np.zeros((means.shape[1], means.shape[1]))
    for units, kinds in found.layers.values():
        rows = units[keep].reshape(-1, len(kinds))
        deviations[np.ix_(kinds, kinds)] = rows.T @ rows / (keep.sum() * (units.shape[1] - 1))
    return means.T @ means / keep.sum(), deviations


def _information(means: Array, deviations: Array, where: Where, sizes: Sequence[int]) -> float:
    """-(1/2N) ln det R: weights of one matrix and hidden unit u, v covary as means + (delta_uv - 1/n) dev."""
    inputs, first, second, start = sizes[0], sizes[1], sizes[-2], parts(sizes)["output"].start
    from_input = where < first * inputs
    rest = where - start
    kind = np.where(from_input, where % inputs, inputs + rest // second)
    unit = np.where(from_input, where // inputs, first + rest % second)
    number = np.where(from_input, first, second)
    share = (unit[:, None] == unit) - 1.0 / number
    covariance = means[np.ix_(kind, kind)] + share * deviations[np.ix_(kind, kind)]
    variance = np.diagonal(covariance)
    moving = variance > 1e-12
    scale = np.sqrt(variance[moving])
    sign, log = np.linalg.slogdet(covariance[np.ix_(moving, moving)] / np.outer(scale, scale))
    return -0.5 * float(log) / len(where) if sign > 0 else float("nan")
