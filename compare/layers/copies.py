"""Copies of one network as arrays: what every layer answers to the probes, and its weights.

From a model by hooks (:mod:`compare.layers.capture`), or from a file of arrays of the user's own:

    NAME.activations         (K, S, n)     or (K, S, n, places...) of a convolution
    NAME.test_activations    the same on other probes; optional
    NAME.weights             (K, n, m)     or (K, n, m, places...); optional

in an .npz archive or as variables of a netCDF file, layers in their order there. A layer is taken to feed
the next one where sizes fit; units of the last layer are outputs, which have names and do not change places.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from deepglass import arrays
from deepglass.errors import InvalidInput
from deepglass.schema import ENGINE, apart_from_dask

Array = NDArray[np.float64]

PROBES = ("training", "test")
OUTSIDE = -1
"""As ``fed_by``: the layer reads the inputs of the network, which are the same in all copies."""

SUFFIXES = ("activations", "test_activations", "weights")


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer of K copies.

    Attributes:
        name, kind: of the module (``blocks.0.up``, ``Linear``).
        neurons: by set of probes, (K, S, n).
        weights: (K, n, m), or (K, n, m, places) where each of the m units that feed it has several inputs;
            None: it has none.
        inputs: (K, S, m), answers of the units that feed it on training probes, where these are not units of
            another layer; None otherwise.
        fed_by: place of the layer whose units are the m, OUTSIDE, or None: not known.
        fixed: units have names and do not change places: outputs of the network.
        signed: whether the sign of a unit is free (odd activation).
    """

    name: str
    kind: str
    neurons: Mapping[str, NDArray[Any]]
    weights: NDArray[Any] | None = None
    inputs: NDArray[Any] | None = None
    fed_by: int | None = None
    fixed: bool = False
    signed: bool = False

    @property
    def units(self) -> int:
        """n."""
        return int(self.neurons["training"].shape[-1])


@dataclass(frozen=True, eq=False)
class Copies:
    """K copies of one network, layer by layer in the order in which they answer.

    Attributes:
        layers: of all copies.
        about: what is to be told of them.
    """

    layers: tuple[Layer, ...]
    about: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.layers:
            raise InvalidInput("there are no layers to compare")
        for layer in self.layers:
            for what, array in self._arrays(layer):
                if array.shape[0] != self.count:
                    raise InvalidInput(
                        f"{layer.name}: {what} of {array.shape[0]} copies, of {self.count} elsewhere"
                    )
                if not np.isfinite(array).all():
                    raise InvalidInput(f"{layer.name}: {what} hold NaN or infinity")

    @staticmethod
    def _arrays(layer: Layer) -> list[tuple[str, NDArray[Any]]]:
        found = [(f"{probe} answers", x) for probe, x in layer.neurons.items()]
        more = (("weights", layer.weights), ("inputs", layer.inputs))
        return found + [(what, array) for what, array in more if array is not None]

    @property
    def count(self) -> int:
        """K."""
        return int(self.layers[0].neurons["training"].shape[0])

    @property
    def names(self) -> list[str]:
        """Of the layers."""
        return [layer.name for layer in self.layers]

    @property
    def probes(self) -> list[str]:
        """Sets of probes that all layers have answered to."""
        return [p for p in PROBES if all(p in layer.neurons for layer in self.layers)]

    def with_signs(self, signs: str) -> "Copies":
        """``auto``: as found; ``all`` or ``none``: the user says so."""
        if signs == "auto":
            return self
        return replace(self, layers=tuple(replace(x, signed=signs == "all") for x in self.layers))

    def check_alike(self, other: "Copies", what: str) -> None:
        """Raise InvalidInput if ``other`` has other layers or probes."""
        if other.names != self.names:
            raise InvalidInput(f"{what} copies have layers {other.names}, the trained ones {self.names}")
        for mine, theirs in zip(self.layers, other.layers, strict=True):
            for probe in self.probes:
                here, there = mine.neurons[probe].shape[1:], theirs.neurons[probe].shape[1:]
                if here != there:
                    raise InvalidInput(
                        f"{mine.name}: answers (probes, units) of {what} copies are {there}, of the trained"
                        f" ones {here}"
                    )


def by_units(answers: NDArray[Any], axis: int) -> NDArray[Any]:
    """Answers with units along ``axis`` (without that of probes: a number) as (S, n)."""
    moved = np.moveaxis(answers, axis, -1)
    return moved.reshape(-1, moved.shape[-1])


def read(path: str | Path, fixed: Sequence[str] | None = None) -> Copies:
    """Copies from a file of arrays (see above); ``fixed`` names layers whose units do not change places,
    the last one without.

    Raises InvalidInput for a file that is missing, damaged, or holds other arrays.
    """
    source = Path(path)
    found = arrays.read_archive(source) if source.suffix == ".npz" else _netcdf(source)
    return of_arrays(found, fixed, str(source))


def of_arrays(
    given: Mapping[str, NDArray[Any]], fixed: Sequence[str] | None = None, source: str = "arrays"
) -> Copies:
    """As :func:`read`, from arrays by the names above."""
    names: list[str] = []
    for key, array in given.items():
        name, _, suffix = key.rpartition(".")
        if not name or suffix not in SUFFIXES:
            raise InvalidInput(f"{source}: array {key!r} is not NAME.{', NAME.'.join(SUFFIXES)}")
        if array.dtype.kind not in "fiu" or array.ndim < 3 or 0 in array.shape:
            raise InvalidInput(
                f"{source}: {key} must be numbers (copies, probes, units) or (copies, units, inputs), not"
                f" {array.dtype} {array.shape}"
            )
        if name not in names:
            names.append(name)
    layers: list[Layer] = []
    for place, name in enumerate(names):
        if f"{name}.activations" not in given:
            raise InvalidInput(f"{source} lacks {name}.activations")
        neurons = {
            probe: np.stack([by_units(x, 1) for x in given[f"{name}.{key}"]])
            for probe, key in zip(PROBES, SUFFIXES[:2], strict=True)
            if f"{name}.{key}" in given
        }
        weights, fed_by = given.get(f"{name}.weights"), None
        if weights is not None:
            units = neurons["training"].shape[-1]
            if weights.shape[1] != units:
                raise InvalidInput(f"{source}: {name} has {units} units and weights {weights.shape}")
            before = layers[-1].units if layers else 0
            fed_by, weights = _fed(weights, place, before)
        last = name == names[-1] if fixed is None else name in fixed
        layers.append(Layer(name, "arrays", neurons, weights, None, fed_by, last))
    if unknown := set(fixed or ()) - set(names):
        raise InvalidInput(f"{source} has no layer {min(unknown)!r}; layers are {', '.join(names)}")
    return Copies(tuple(layers), {"source": source})


def _fed(weights: NDArray[Any], place: int, before: int) -> tuple[int | None, NDArray[Any]]:
    """Who feeds a layer, and its weights as (K, n, m) or (K, n, m, places)."""
    flat = weights.reshape(*weights.shape[:3], -1)
    if place == 0:
        return OUTSIDE, flat
    if flat.shape[2] == before:
        return place - 1, flat
    whole = flat.shape[2] * flat.shape[3]
    if flat.shape[3] == 1 and before and whole % before == 0:  # a flattened convolution
        return place - 1, flat.reshape(*flat.shape[:2], before, -1)
    return None, flat


def _netcdf(source: Path) -> dict[str, NDArray[Any]]:
    if not source.is_file():
        raise InvalidInput(f"file {source} of activations does not exist")
    try:
        with apart_from_dask(), xr.open_dataset(source, engine=ENGINE, phony_dims="sort") as opened:
            return {str(name): np.asarray(values) for name, values in opened.load().data_vars.items()}
    except Exception as error:  # the HDF5 stack raises many types on damaged bytes
        raise InvalidInput(
            f"{source} is neither an .npz archive nor a readable netCDF4 file ({type(error).__name__})"
        ) from error
