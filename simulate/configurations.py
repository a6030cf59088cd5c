"""Whole configurations of a run: frames, the state it ends in, overlaps of all pairs of machines."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from simulate.contract import Array, Experiment
from simulate.plan import Chunk
from simulate.registry import system_of
from simulate.segments import Workspace, frame_name, split_name


def state(experiment: Experiment, branches: Sequence[Chunk], workspace: Workspace) -> dict[str, xr.Variable]:
    """Positions and velocities at the end, and positions at t_w: what a longer run needs."""
    protocol, particles = experiment.protocol, experiment.particles
    shape = (len(protocol.waiting_times), protocol.samples, protocol.replicas)
    kind = np.dtype(protocol.precision)
    r = np.empty((*shape, particles), kind)
    v = np.empty((*shape, particles if system_of(protocol).has_velocities else 0), kind)
    split = np.empty((shape[0], shape[1], particles), kind)
    for chunk in branches:
        assert chunk.t_w is not None
        k, samples = protocol.waiting_times.index(chunk.t_w), slice(chunk.samples.start, chunk.samples.stop)
        last = workspace.state(chunk)
        assert last is not None
        r[k, samples] = last.r.reshape(len(chunk.samples), chunk.replicas, r.shape[-1])
        v[k, samples] = last.v.reshape(len(chunk.samples), chunk.replicas, v.shape[-1])
        for sample in chunk.samples:
            split[k, sample] = workspace.get(split_name(chunk.t_w, sample))
    machines = ("t_w", "sample", "replica", "particle")
    found = {"state_r": xr.Variable(machines, r, {"long_name": "positions at the last step"})}
    if v.size:
        found["state_v"] = xr.Variable(machines, v, {"long_name": "velocities at the last step"})
    found["state_split"] = xr.Variable(
        ("t_w", "sample", "particle"), split, {"long_name": "positions at t_w, where replicas were split"}
    )
    return found


def frames(experiment: Experiment, branches: Sequence[Chunk], workspace: Workspace, begin: int) -> xr.Dataset:
    """Configurations at the frame times after step ``begin``; missing beyond the end of a branch."""
    protocol = experiment.protocol
    system, times = system_of(protocol), [int(t) for t in protocol.frame_times()]
    if not times or not system.frames:
        return xr.Dataset()
    shape = (len(protocol.waiting_times), len(times), protocol.samples, protocol.replicas)
    rows = np.full((*shape, experiment.particles), np.nan, np.dtype(protocol.precision))
    for chunk, j, since in _kept(branches, times, protocol.steps, begin):
        k, samples = (
            protocol.waiting_times.index(chunk.t_w or 0),
            slice(chunk.samples.start, chunk.samples.stop),
        )
        kept = workspace.get(frame_name(chunk, since))
        rows[k, j, samples] = kept.reshape(len(chunk.samples), chunk.replicas, -1)
    machines = ("t_w", "t_frame", "sample", "replica")
    parts = experiment.unpack(rows)
    variables = {name: ((*machines, *system.frames[name]), x) for name, x in parts.items() if x.size}
    return xr.Dataset(
        variables,
        coords={"t_frame": ("t_frame", times, {"units": system.step, "long_name": "steps after t_w"})},
    )


def matrices(
    experiment: Experiment, branches: Sequence[Chunk], workspace: Workspace, begin: int
) -> xr.Dataset:
    """What is between every two machines with the same t_w, of all samples: raw overlaps, layer by layer."""
    protocol = experiment.protocol
    system, times = system_of(protocol), protocol.matrix_times_reached()
    if not times or not system.matrices:
        return xr.Dataset()
    layers = {name: x for name, x in system.layers(protocol).items() if name in system.matrices.values()}
    machines = protocol.samples * protocol.replicas
    shape = (len(protocol.waiting_times), len(times))
    compared = {
        name: np.full((*shape, len(layers[dim]), machines, machines), np.nan)
        for name, dim in system.matrices.items()
    }
    for k, t_w in enumerate(protocol.waiting_times):
        of_one = [chunk for chunk in branches if chunk.t_w == t_w]
        for j, since in enumerate(times):
            if t_w + since <= begin or t_w + since > protocol.steps:
                continue
            rows = np.concatenate([workspace.get(frame_name(chunk, since)) for chunk in of_one])
            for name, x in experiment.between(rows).items():
                compared[name][k, j] = x
    pairs = ("machine", "machine_b")
    sample = np.repeat(protocol.first_sample + np.arange(protocol.samples), protocol.replicas)
    replica = np.tile(np.arange(protocol.replicas), protocol.samples)
    return xr.Dataset(
        {name: (("t_w", "t_matrix", system.matrices[name], *pairs), x) for name, x in compared.items()},
        coords={
            "t_matrix": ("t_matrix", times, {"units": system.step, "long_name": "steps after t_w"}),
            **{name: np.array(x) for name, x in layers.items()},
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


def rows_of(run: xr.Dataset, name: str, t_w: int, samples: range) -> Array:
    """State of a chunk's machines, (B, P), from a finished run; ``samples`` count from 0.

    (B, 0) for velocities that the system has not.
    """
    if name not in run:
        return np.empty((len(samples) * run.sizes["replica"], 0))
    part = run[name].sel(t_w=t_w).isel(sample=slice(samples.start, samples.stop))
    return np.ascontiguousarray(part.values.reshape(-1, part.sizes["particle"]))
