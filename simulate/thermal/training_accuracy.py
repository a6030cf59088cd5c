"""How many of its own training patterns a finished run of thermal machines names rightly, and when.

A run measures the test accuracy on the way. What it has learnt by heart is read off afterwards, from the
configurations that it kept: at t_w, at the end (``keep_state``), and between (``frames_per_decade``).
"""

import numpy as np
import torch
import xarray as xr

from deepglass.errors import InvalidInput
from simulate.data import DataSet
from simulate.registry import of_attributes
from simulate.systems.thermal_machine import ThermalMachine
from simulate.thermal.experiment import data_of
from simulate.thermal.observables import TestSet
from simulate.thermal.protocol import Protocol
from simulate.thermal.recorded import FRAMES


def training_accuracy(run: xr.Dataset, t_w: int | None = None) -> xr.DataArray:
    """Accuracy of the feed-forward tanh network on the training patterns, as ``A_tanh`` is on the test's.

    Along ``t`` (steps since the start), ``sample``, ``replica``, of one t_w, the longest unless named; no
    times if the run kept nothing. The attribute ``most_frequent`` is what always the same label, the most
    frequent, would reach. The data are loaded again: raises InvalidInput if they are not what the
    run was trained on, or if this is no run of thermal machines.
    """
    protocol = of_attributes(run.attrs)
    if not isinstance(protocol, Protocol):
        raise InvalidInput(f"training accuracy is of thermal machines, not of system {protocol.system!r}")
    data = data_of(protocol)
    if data.sha256 != run.attrs["data_sha256"]:
        raise InvalidInput(f"data {protocol.data} are not those of the run: their hash is another")
    machine = ThermalMachine(data.inputs, data.outputs, protocol.depth, protocol.width, protocol.c_scale)
    patterns = TestSet(machine, data.inputs, data.outputs, one_hot=bool(data.classes))
    one = run.isel(t_w=-1) if t_w is None else run.sel(t_w=t_w)
    split = int(one["t_w"])
    shape = (run.sizes["sample"], run.sizes["replica"])
    found = {}
    for t, rows in _configurations(one, split, protocol).items():
        batch = torch.tensor(rows.reshape(-1, machine.particles), dtype=machine.dtype)
        found[t] = np.broadcast_to(
            patterns.accuracy(machine, batch, "tanh").numpy().reshape(rows.shape[:-1]), shape
        )
    times = sorted(found)
    values = np.stack([found[t] for t in times]) if times else np.empty((0, *shape))
    coords = {"t": times, "sample": run["sample"].values, "replica": run["replica"].values}
    names = {"long_name": "training accuracy", "most_frequent": _most_frequent(data)}
    return xr.DataArray(values, coords, ("t", "sample", "replica"), attrs=names)


def _most_frequent(data: DataSet) -> float:
    """What always naming the most frequent label would have right; of sign vectors a half."""
    return float((data.outputs > 0).mean(0).max()) if data.classes else 0.5


def _configurations(run: xr.Dataset, split: int, protocol: Protocol) -> dict[int, np.ndarray]:
    """What was kept, by steps since the start: (sample, 1 or replica, P)."""
    found = {}
    if protocol.frames_per_decade:
        kept = [name for name in FRAMES if name in run]
        for k, since in enumerate(run["t_frame"].values):
            if split + since <= protocol.steps:
                parts = [run[name].isel(t_frame=k).values for name in kept]
                flat = [part.reshape(*part.shape[:2], -1) for part in parts]
                found[split + int(since)] = np.concatenate(flat, axis=-1)
    if protocol.keep_state:
        found[split] = run["state_split"].values[:, None]
        found[protocol.steps] = run["state_r"].values
    return found
