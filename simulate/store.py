"""A run as one labelled dataset: from what its chunks measured to the Dataset it ends in.

Names, dimensions and conventions are those of docs/schema.md. Before t_w a sample is one
trajectory; its replicas share that history, so values before t_w are repeated along ``replica``.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import xarray as xr

from simulate.contract import System
from simulate.overlaps import pairs
from simulate.plan import Chunk
from simulate.protocol import BaseProtocol
from simulate.registry import system_of
from simulate.segments import Rows


class Record:
    """Arrays of a run; missing (NaN) where nothing was measured."""

    def __init__(self, protocol: BaseProtocol):
        self.protocol, self.system = protocol, system_of(protocol)
        self.times = protocol.times()
        samples = protocol.first_sample + np.arange(protocol.samples)
        pair_a, pair_b = np.array(pairs(protocol.replicas), dtype=int).reshape(-1, 2).T
        variables = {**self.system.one_time, **self.system.two_time}
        used = {dim for variable in variables.values() for dim in variable.dims}
        layers = {name: x for name, x in self.system.layers(protocol).items() if name in used}
        self.coords: dict[str, Any] = {
            "t": ("t", self.times, {"units": self.system.step}),
            "t_w": ("t_w", list(protocol.waiting_times), {"units": self.system.step}),
            "sample": samples,
            "replica": np.arange(protocol.replicas),
            "pair_a": ("pair", pair_a),
            "pair_b": ("pair", pair_b),
            **{name: np.array(x) for name, x in layers.items()},
        }
        self.sizes = {
            "t": len(self.times), "t_w": len(protocol.waiting_times), "sample": protocol.samples,
            "replica": protocol.replicas, "pair": len(pair_a),
            **{name: len(x) for name, x in layers.items()},
        }  # fmt: skip
        self.dims = {name: ("t_w", "t", "sample", *variable.dims) for name, variable in variables.items()}
        self.descriptions = {name: variable.description for name, variable in variables.items()}
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
        """The run, with the late overlaps, such as ``q_star``, and their standard errors."""
        variables = {
            name: (dims, self.arrays[name], {"long_name": self.descriptions[name]})
            for name, dims in self.dims.items()
        }
        dataset = xr.Dataset(variables, coords=self.coords, attrs={**_flat(self.protocol), **attributes})
        return dataset.assign(late_overlaps(dataset, self.protocol, self.system))


def late_overlaps(
    run: xr.Dataset, protocol: BaseProtocol, system: System[Any, Any]
) -> dict[str, xr.DataArray]:
    """``q_star`` and the like: overlaps at the last time, mean over pairs, then over samples; and errors."""
    last = xr.DataArray([protocol.steps - t_w for t_w in protocol.waiting_times], dims="t_w")
    found = {}
    for name in system.late:
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


def _flat(protocol: BaseProtocol) -> dict[str, str | int | float]:
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
