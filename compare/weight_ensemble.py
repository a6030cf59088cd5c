"""An ensemble of binary weight vectors of independently trained networks, checked."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from compare.resampling import FEWEST
from deepglass import checks
from deepglass.errors import InvalidInput
from theory.inverse_ising import parts

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Weight vectors (S, N) of +-1, flattened layer by layer and row by row, of independent networks.

    ``samples`` (S,) names the network of each vector (all different if None): draws of one network are not
    independent. ``canonical`` (S, N): the same with hidden units in an order that breaks their symmetry.
    Raises InvalidInput for shapes that do not fit, values other than +-1 and fewer than 3 networks.
    """

    weights: Array = field(repr=False)
    sizes: tuple[int, ...]
    samples: NDArray[np.int64] = field(repr=False)
    canonical: Array | None = field(repr=False)

    def __init__(
        self,
        weights: ArrayLike,
        sizes: Sequence[int],
        samples: ArrayLike | None = None,
        canonical: ArrayLike | None = None,
    ) -> None:
        N = parts(sizes)["full"].stop
        given = _signs("weights", weights, N)
        names = np.arange(len(given)) if samples is None else np.asarray(samples)
        if names.shape != (len(given),):
            raise InvalidInput(
                f"samples have shape {names.shape}, must be ({len(given)},), one a configuration"
            )
        owner = np.unique(names, return_inverse=True)[1].ravel()
        if owner.max() + 1 < FEWEST:
            raise InvalidInput(f"{owner.max() + 1} networks, must be >= {FEWEST}: errors are over networks")
        order = np.argsort(owner, kind="stable")  # draws of a network side by side
        ordered = None if canonical is None else _signs("canonical", canonical, N)
        if ordered is not None and len(ordered) != len(given):
            raise InvalidInput(
                f"{len(ordered)} canonical configurations, must be {len(given)}, as of weights"
            )
        object.__setattr__(self, "weights", given[order])
        object.__setattr__(self, "sizes", tuple(int(n) for n in sizes))
        object.__setattr__(self, "samples", owner[order])
        object.__setattr__(self, "canonical", None if ordered is None else ordered[order])

    @property
    def networks(self) -> int:
        """How many independent networks there are."""
        return int(self.samples[-1]) + 1

    def of(self, name: str) -> Array | None:
        """The weights in ``raw`` or ``canonical`` order."""
        return self.weights if name == "raw" else self.canonical


def _signs(name: str, values: ArrayLike, N: int) -> Array:
    array = np.asarray(values)
    if array.ndim != 2 or array.shape[1] != N or not len(array):
        raise InvalidInput(f"{name} have shape {array.shape}, must be (configurations, {N})")
    if array.dtype.kind not in "iuf" or not (np.abs(array) == 1).all():
        raise InvalidInput(f"{name} must be +1 or -1")
    return array.astype(np.float64)


def ensemble(dataset: xr.Dataset) -> Ensemble:
    """The ensemble of a file of kind ``weights``; InvalidInput as for :class:`Ensemble`."""
    sizes = checks.integers("sizes", str(dataset.attrs["sizes"]))
    canonical = dataset["canonical"].values if "canonical" in dataset else None
    samples = dataset["sample"].values if "sample" in dataset.coords else None
    return Ensemble(dataset["weights"].values, sizes, samples, canonical)
