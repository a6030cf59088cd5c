"""A run as one labelled dataset: from what its chunks measured to the Dataset it ends in.

Names, dimensions and conventions are those of docs/schema.md. Before t_w a sample is one
trajectory; its replicas share that history, so values before t_w are repeated along ``replica``.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import xarray as xr

from simulate.observables import pairs
from simulate.plan import Chunk
from simulate.protocol import Protocol
from simulate.segments import Rows

ONE_TIME = {
    "E": (),
    "E_layer": ("weight_layer",),
    "kinetic": (),
    "kinetic_S": ("neuron_layer",),
    "kinetic_J": ("weight_layer",),
    "S2": ("neuron_layer",),
    "J2": ("weight_layer",),
    "A_tanh": (),
    "A_sgn": (),
}
"""Variables along (t_w, t, sample, replica) and these layers."""

TWO_TIME = {
    name + suffix: (member, *layers)
    for name, member, layer in (
        ("c", "replica", "neuron_layer"),
        ("C", "replica", "weight_layer"),
        ("q", "pair", "neuron_layer"),
        ("Q", "pair", "weight_layer"),
    )
    for suffix, layers in (("", (layer,)), ("_raw", (layer,)), ("_global", ()))
} | {"q_test": ("pair", "neuron_layer")}
"""Variables along (t_w, t, sample) and these."""

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
    "q_test": "overlap between replicas of the tanh network's neurons on test patterns (normalised)",
}
SUFFIXES = {
    "_raw": " (unnormalised)",
    "_global": " (all layers as one, normalised)",
    "": " (normalised)",
}


class Record:
    """Arrays of a run; missing (NaN) where nothing was measured."""

    def __init__(self, protocol: Protocol):
        self.protocol = protocol
        self.times = protocol.times()
        samples = protocol.first_sample + np.arange(protocol.samples)
        pair_a, pair_b = np.array(pairs(protocol.replicas), dtype=int).reshape(-1, 2).T
        self.coords: dict[str, Any] = {
            "t": ("t", self.times, {"units": "MD steps"}),
            "t_w": ("t_w", list(protocol.waiting_times), {"units": "MD steps"}),
            "sample": samples,
            "replica": np.arange(protocol.replicas),
            "pair_a": ("pair", pair_a),
            "pair_b": ("pair", pair_b),
            "neuron_layer": np.arange(protocol.depth + 1),
            "weight_layer": np.arange(1, protocol.depth + 1),
        }
        self.sizes = {
            "t": len(self.times), "t_w": len(protocol.waiting_times), "sample": protocol.samples,
            "replica": protocol.replicas, "pair": len(pair_a), "neuron_layer": protocol.depth + 1,
            "weight_layer": protocol.depth,
        }  # fmt: skip
        self.dims = {
            **{name: ("t_w", "t", "sample", "replica", *rest) for name, rest in ONE_TIME.items()},
            **{name: ("t_w", "t", "sample", *rest) for name, rest in TWO_TIME.items()},
        }
        self.arrays = {
            name: np.full([self.sizes[d] for d in dims], np.nan) for name, dims in self.dims.items()
        }
        self._row = {int(t): i for i, t in enumerate(self.times)}

    def begin_with(self, shorter: xr.Dataset) -> None:
        """Take over what a shorter run of the same machines has measured."""
        rows = [self._row[int(t)] for t in shorter["t"].values]
        for name, dims in self.dims.items():
            self.arrays[name][:, rows] = shorter[name].transpose(*dims).values

    def fill(self, chunk: Chunk, rows: Rows) -> None:
        """File what a chunk measured: (machines, ...), or (samples, pairs, ...) between replicas."""
        samples = slice(chunk.samples.start, chunk.samples.stop)
        for name, row in rows.items():
            target = self.arrays[name]
            for t, value in row.items():
                if not value.size:  # one replica has no pairs
                    continue
                # (samples, 1 or replicas or pairs, ...): a trunk's values are repeated along replica.
                shaped = value.reshape(len(chunk.samples), -1, *value.shape[value.ndim - target.ndim + 4 :])
                for k, t_w in enumerate(self.protocol.waiting_times):
                    if t_w == chunk.t_w or (chunk.t_w is None and t < t_w):
                        target[k, self._row[t], samples] = shaped

    def dataset(self, attributes: Mapping[str, str | int | float]) -> xr.Dataset:
        """The run, with the late overlaps ``q_star``, ``Q_star`` and their standard errors."""
        variables = {
            name: (dims, self.arrays[name], {"long_name": _describe(name)})
            for name, dims in self.dims.items()
        }
        dataset = xr.Dataset(variables, coords=self.coords, attrs={**_flat(self.protocol), **attributes})
        return dataset.assign(late_overlaps(dataset, self.protocol))


def late_overlaps(run: xr.Dataset, protocol: Protocol) -> dict[str, xr.DataArray]:
    """``q_star``, ``Q_star``: overlaps at the last time, mean over pairs, then over samples; and errors."""
    last = xr.DataArray([protocol.steps - t_w for t_w in protocol.waiting_times], dims="t_w")
    found = {}
    for name in ("q", "Q"):
        values = run[name].sel(t=last).drop_vars("t")
        # One replica has no pairs: its overlap is missing.
        by_sample = values.sum("pair", skipna=False) / (values.sizes["pair"] or np.nan)
        mean, error = over_samples(by_sample)
        found[f"{name}_star"] = mean.assign_attrs(long_name=f"{name} at the last time, mean over samples")
        found[f"{name}_star_error"] = error.assign_attrs(long_name="standard error over samples")
    return found


def over_samples(values: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """Mean over samples and its standard error; the error of one sample is missing, never 0."""
    mean = values.mean("sample", skipna=False)
    count = values.sizes["sample"]
    if count < 2:
        return mean, xr.full_like(mean, np.nan)
    return mean, values.std("sample", ddof=1, skipna=False) / np.sqrt(count)


def _describe(name: str) -> str:
    if (name in DESCRIPTIONS and name not in TWO_TIME) or name == "q_test":
        return DESCRIPTIONS[name]
    base, _, suffix = name.partition("_")
    return DESCRIPTIONS[base] + SUFFIXES[f"_{suffix}" if suffix else ""]


def _flat(protocol: Protocol) -> dict[str, str | int | float]:
    """Parameters as typed attributes; one that is not set is the empty string, a list is joined by commas."""
    flat: dict[str, str | int | float] = {"alpha": protocol.alpha, "protocol": protocol.to_json()}
    for name, value in asdict(protocol).items():
        if value is None:
            flat[name] = ""
        elif isinstance(value, bool):
            flat[name] = int(value)
        else:
            flat[name] = ",".join(map(str, value)) if isinstance(value, tuple) else value
    return flat
