"""Whole configurations of a run: frames, the state it ends in, overlaps of all pairs of machines."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from simulate.plan import Chunk
from simulate.protocol import Protocol
from simulate.segments import Array, Workspace, frame_name, split_name
from simulate.systems.thermal_machine import ThermalMachine

DIMENSIONS = {
    "S": ("hidden_layer", "neuron", "pattern"),
    "J_first": ("first_neuron", "input"),
    "J_hidden": ("inner_layer", "neuron", "neuron_below"),
    "J_last": ("output", "neuron_below"),
}
"""Of a frame, beside (t_w, t_frame, sample, replica)."""


def state(
    protocol: Protocol, branches: Sequence[Chunk], workspace: Workspace, particles: int
) -> dict[str, xr.Variable]:
    """Positions and velocities at the end, and positions at t_w: what a longer run needs."""
    shape = (len(protocol.waiting_times), protocol.samples, protocol.replicas, particles)
    kind = np.dtype(protocol.precision)
    r, v = np.empty(shape, kind), np.empty(shape, kind)
    split = np.empty((shape[0], shape[1], particles), kind)
    for chunk in branches:
        assert chunk.t_w is not None
        k, samples = protocol.waiting_times.index(chunk.t_w), slice(chunk.samples.start, chunk.samples.stop)
        last = workspace.state(chunk)
        assert last is not None
        r[k, samples] = last.r.reshape(len(chunk.samples), chunk.replicas, particles)
        v[k, samples] = last.v.reshape(len(chunk.samples), chunk.replicas, particles)
        for sample in chunk.samples:
            split[k, sample] = workspace.get(split_name(chunk.t_w, sample))
    machines = ("t_w", "sample", "replica", "particle")
    return {
        "state_r": xr.Variable(machines, r, {"long_name": "positions at the last step"}),
        "state_v": xr.Variable(machines, v, {"long_name": "velocities at the last step"}),
        "state_split": xr.Variable(
            ("t_w", "sample", "particle"), split, {"long_name": "positions at t_w, where replicas were split"}
        ),
    }


def frames(
    protocol: Protocol, branches: Sequence[Chunk], workspace: Workspace, machine: ThermalMachine, begin: int
) -> xr.Dataset:
    """Spins and weights at the frame times after step ``begin``; missing beyond the end of a branch."""
    times = [int(t) for t in protocol.frame_times()]
    kind = np.dtype(protocol.precision)
    shape = (len(protocol.waiting_times), len(times), protocol.samples, protocol.replicas, machine.particles)
    rows = np.full(shape if times else (0,), np.nan, kind)
    for chunk, j, since in _kept(branches, times, protocol.steps, begin):
        k, samples = (
            protocol.waiting_times.index(chunk.t_w or 0),
            slice(chunk.samples.start, chunk.samples.stop),
        )
        kept = workspace.get(frame_name(chunk, since))
        rows[k, j, samples] = kept.reshape(len(chunk.samples), chunk.replicas, -1)
    if not times:
        return xr.Dataset()
    machines = ("t_w", "t_frame", "sample", "replica")
    layered = machine.unpack(rows)
    variables = {name: ((*machines, *DIMENSIONS[name]), x) for name, x in layered.items() if x.size}
    return xr.Dataset(
        variables,
        coords={"t_frame": ("t_frame", times, {"units": "MD steps", "long_name": "steps after t_w"})},
    )


def matrices(
    protocol: Protocol, branches: Sequence[Chunk], workspace: Workspace, machine: ThermalMachine, begin: int
) -> xr.Dataset:
    """Raw overlaps of every two machines with the same t_w, of all samples, layer by layer."""
    times = [t for t in protocol.matrix_times if t <= protocol.steps - protocol.waiting_times[0]]
    if not times:
        return xr.Dataset()
    machines = protocol.samples * protocol.replicas
    spins, weights = protocol.depth - 1, protocol.depth
    shape = (len(protocol.waiting_times), len(times), spins + weights, machines, machines)
    overlaps = np.full(shape, np.nan)
    for k, t_w in enumerate(protocol.waiting_times):
        of_one = [chunk for chunk in branches if chunk.t_w == t_w]
        for j, since in enumerate(times):
            if t_w + since <= begin or t_w + since > protocol.steps:
                continue
            rows = np.concatenate([workspace.get(frame_name(chunk, since)) for chunk in of_one])
            for layer, x in enumerate(machine.flat_layers(rows)):
                wide = x.astype(float)
                overlaps[k, j, layer] = wide @ wide.T / x.shape[1]
    pairs = ("machine", "machine_b")
    sample = np.repeat(protocol.first_sample + np.arange(protocol.samples), protocol.replicas)
    replica = np.tile(np.arange(protocol.replicas), protocol.samples)
    return xr.Dataset(
        {
            "q_matrix_raw": (("t_w", "t_matrix", "hidden_layer", *pairs), overlaps[:, :, :spins]),
            "Q_matrix_raw": (("t_w", "t_matrix", "weight_layer", *pairs), overlaps[:, :, spins:]),
        },
        coords={
            "t_matrix": ("t_matrix", times, {"units": "MD steps", "long_name": "steps after t_w"}),
            "hidden_layer": np.arange(1, protocol.depth),
            "machine_sample": ("machine", sample),
            "machine_replica": ("machine", replica),
        },
    )


def _kept(
    branches: Sequence[Chunk], times: Sequence[int], steps: int, begin: int
) -> list[tuple[Chunk, int, int]]:
    """(chunk, index of the time, time) of every configuration taken after step ``begin``."""
    return [
        (chunk, j, since)
        for chunk in branches
        for j, since in enumerate(times)
        if begin < (chunk.t_w or 0) + since <= steps
    ]


def rows_of(variable: xr.DataArray, t_w: int, samples: range) -> Array:
    """State of a chunk's machines, (B, P), from a finished run; ``samples`` count from 0."""
    part = variable.sel(t_w=t_w).isel(sample=slice(samples.start, samples.stop))
    return np.ascontiguousarray(part.values.reshape(-1, part.sizes["particle"]))
