"""A run as one labelled dataset: what is recorded while it goes, and the Dataset it ends in.

Names, dimensions and conventions are those of docs/schema.md. Before t_w a sample is one
trajectory; its replicas share that history, so values before t_w are repeated along ``replica``.
"""

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from simulate.observables import pairs
from simulate.protocol import Protocol

Array = NDArray[np.float64]

ONE_TIME = {
    "E": ("t", "sample", "replica"),
    "E_layer": ("t", "sample", "replica", "weight_layer"),
    "kinetic": ("t", "sample", "replica"),
    "kinetic_S": ("t", "sample", "replica", "neuron_layer"),
    "kinetic_J": ("t", "sample", "replica", "weight_layer"),
    "S2": ("t", "sample", "replica", "neuron_layer"),
    "J2": ("t", "sample", "replica", "weight_layer"),
    "A_tanh": ("t", "sample", "replica"),
    "A_sgn": ("t", "sample", "replica"),
}
TWO_TIME = {
    name + suffix: ("t_w", "t", "sample", member, layer)
    for name, member, layer in (
        ("c", "replica", "neuron_layer"),
        ("C", "replica", "weight_layer"),
        ("q", "pair", "neuron_layer"),
        ("Q", "pair", "weight_layer"),
    )
    for suffix in ("", "_raw")
}
DESCRIPTIONS = {
    "E": "potential energy H = sum_l E_l",
    "E_layer": "E_l = ||S_l - tanh(c_l J_l S_{l-1})||_F",
    "kinetic": "<v^2> over all particles (kinetic temperature, m = k_B = 1)",
    "kinetic_S": "<v^2> of the spins of a hidden layer",
    "kinetic_J": "<v^2> of the weights of a layer",
    "S2": "<S_l^2>",
    "J2": "<J_l^2>",
    "A_tanh": "test accuracy of the feed-forward network, tanh hidden units",
    "A_sgn": "test accuracy of the feed-forward network, sgn hidden units (Eq. 12)",
    "c": "spin auto-correlation with t_w; t counts steps since t_w",
    "C": "weight auto-correlation with t_w; t counts steps since t_w",
    "q": "spin overlap between replicas split at t_w; t counts steps since t_w",
    "Q": "weight overlap between replicas split at t_w; t counts steps since t_w",
}


class Record:
    """Arrays that fill as the run goes; missing (NaN) where nothing was measured."""

    def __init__(self, protocol: Protocol):
        self.protocol = protocol
        self.times = protocol.times()
        pair_a, pair_b = np.array(pairs(protocol.replicas), dtype=int).reshape(-1, 2).T
        self.coords: dict[str, object] = {
            "t": ("t", self.times, {"units": "MD steps"}),
            "t_w": ("t_w", [protocol.waiting_time], {"units": "MD steps"}),
            "sample": np.arange(protocol.samples),
            "replica": np.arange(protocol.replicas),
            "pair_a": ("pair", pair_a),
            "pair_b": ("pair", pair_b),
            "neuron_layer": np.arange(protocol.depth + 1),
            "weight_layer": np.arange(1, protocol.depth + 1),
        }
        self.sizes = {
            "t": len(self.times), "t_w": 1, "sample": protocol.samples, "replica": protocol.replicas,
            "pair": len(pair_a), "neuron_layer": protocol.depth + 1, "weight_layer": protocol.depth,
        }  # fmt: skip
        self.arrays = {
            name: np.full([self.sizes[d] for d in dims], np.nan)
            for name, dims in {**ONE_TIME, **TWO_TIME}.items()
        }
        self._row = {int(t): i for i, t in enumerate(self.times)}

    def wants(self, t: int) -> bool:
        """Whether ``t`` is a measurement time."""
        return t in self._row

    def one_time(self, t: int, values: Mapping[str, Array]) -> None:
        """File values with leading batch axis: one machine per sample, or all replicas of all samples."""
        for name, value in values.items():
            # (samples, 1 or replicas, ...): the history before t_w is repeated along replica.
            self.arrays[name][self._row[t]] = value.reshape(self.protocol.samples, -1, *value.shape[1:])

    def two_time(self, t: int, values: Mapping[str, Array]) -> None:
        """File two-time values at ``t`` steps after t_w, (samples, replicas or pairs, layers) or batched."""
        for name, value in values.items():
            row = self.arrays[name][0, self._row[t]]
            row[...] = value.reshape(row.shape)

    def dataset(self, attributes: Mapping[str, str | int | float]) -> xr.Dataset:
        """The finished run, with the late overlaps ``q_star``, ``Q_star`` and their standard errors."""
        variables = {
            name: (dims, self.arrays[name], {"long_name": _describe(name)})
            for name, dims in {**ONE_TIME, **TWO_TIME}.items()
        }
        dataset = xr.Dataset(variables, coords=self.coords, attrs={**_flat(self.protocol), **attributes})
        late = self.protocol.steps - self.protocol.waiting_time
        for name in ("q", "Q"):
            values = dataset[name].sel(t=late).isel(t_w=0).drop_vars(["t", "t_w"])
            # One replica has no pairs: its overlap is missing.
            by_sample = values.sum("pair", skipna=False) / (values.sizes["pair"] or np.nan)
            mean, error = over_samples(by_sample)
            dataset[f"{name}_star"] = mean.assign_attrs(
                long_name=f"{name} at the last time, mean over samples"
            )
            dataset[f"{name}_star_error"] = error.assign_attrs(long_name="standard error over samples")
        return dataset


def over_samples(values: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """Mean over samples and its standard error; the error of one sample is missing, never 0."""
    mean = values.mean("sample", skipna=False)
    count = values.sizes["sample"]
    if count < 2:
        return mean, xr.full_like(mean, np.nan)
    return mean, values.std("sample", ddof=1, skipna=False) / np.sqrt(count)


def _describe(name: str) -> str:
    base = name.removesuffix("_raw")
    extra = "" if base not in ("c", "C", "q", "Q") else " (unnormalised)" if base != name else " (normalised)"
    return DESCRIPTIONS[base] + extra


def _flat(protocol: Protocol) -> dict[str, str | int | float]:
    """Parameters as typed attributes; a parameter that is not set is the empty string."""
    flat: dict[str, str | int | float] = {"alpha": protocol.alpha}
    for name, value in asdict(protocol).items():
        if value is None:
            flat[name] = ""
        else:
            flat[name] = ",".join(map(str, value)) if isinstance(value, tuple) else value
    return flat
