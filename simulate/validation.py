"""Whether a run is what it should be: what its protocol asks for is there, and within its bounds."""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from deepglass import schema
from deepglass.errors import InvalidInput
from simulate.contract import System
from simulate.plan import Chunk, chunks
from simulate.protocol import BaseProtocol
from simulate.registry import of_attributes, of_manifest, system_of
from simulate.segments import MANIFEST, Folder, finished_of, frame_name, partial_of, progress_of, split_name
from simulate.store import Record, late_overlaps

AnySystem = System[Any, Any]

STATE = ("state_r", "state_v", "state_split")


def problems(path: str | Path) -> list[str]:
    """What is wrong with a run, one line each; empty for a sound and finished one.

    A file that cannot be read is a problem; InvalidInput is raised only where there is nothing to read.
    """
    target, folder = finished_of(path), partial_of(path)
    if not (folder / MANIFEST).exists() and not target.exists():
        raise InvalidInput(f"there is no run {target}, nor {folder}")
    try:
        of_it = unfinished(path)
        if of_it is not None:
            return _of_folder(of_it)
        return of_finished(schema.read(target, "run"))
    except InvalidInput as error:
        return [str(error)]


def of_finished(run: xr.Dataset) -> list[str]:
    """The same of a finished run; raises InvalidInput if it names no protocol that this deepglass knows."""
    protocol = of_attributes(run.attrs)
    system = system_of(protocol)
    return (
        _attributes(run, protocol, system) or _shape(run, protocol, system) or _content(run, protocol, system)
    )


def unfinished(path: str | Path) -> Folder | None:
    """The folder of a run whose file is not there (or that was named itself)."""
    target, folder = finished_of(path), partial_of(path)
    named = Path(path) == folder
    if (folder / MANIFEST).exists() and (named or not target.exists()):
        return Folder.open(folder)
    return None


def _of_folder(folder: Folder) -> list[str]:
    protocol = of_manifest(folder.manifest)
    system = system_of(protocol)
    done, total = progress_of(folder.path)
    found = [f"unfinished: {done} of {total} replica-steps at the last checkpoints"]
    for part in chunks(protocol, int(folder.manifest["limit"])):
        where, written = f"chunk {part.number}", folder.step(part)
        if any(folder.path.glob(f"chunk-{part.number:04d}.state-*.npz")):
            found += _configurations(folder, protocol, part, written)
        state = folder.state(part)
        if state is None:
            found += [f"{where}: no readable state, though one was written"] if written > part.first else []
            continue
        if state.t < written:
            found.append(f"{where}: what was written after step {state.t} is damaged")
        if not (system.allowed(protocol, state.r) and np.isfinite(state.v).all()):
            found.append(f"{where}: a particle is {system.outside} or not finite at step {state.t}")
    return found


def _configurations(folder: Folder, protocol: BaseProtocol, part: Chunk, t: int) -> list[str]:
    """Damaged or missing configurations among those that a chunk had kept when it was at step ``t``."""
    names = []
    if part.t_w is None:
        kept = [t_w for t_w in protocol.waiting_times if t_w <= t]
        names += [split_name(t_w, sample) for t_w in kept for sample in part.samples]
        if protocol.keeps_velocities and "extends" not in folder.manifest:  # its branches have begun
            names += [split_name(t_w, sample, velocities=True) for t_w in kept for sample in part.samples]
    else:
        times = sorted({*protocol.frame_times().tolist(), *protocol.matrix_times})
        names += [frame_name(part, since) for since in times if part.t_w + since <= t]
        if "extends" in folder.manifest:  # the shorter run's are in its file
            names = [name for name in names if (folder.path / f"{name}.npz").exists()]
    system, found = system_of(protocol), []
    for name in names:
        try:
            row = folder.get(name)
            if not (
                np.isfinite(row).all() if name.endswith(".velocities") else system.allowed(protocol, row)
            ):
                found.append(f"{name}: a particle is {system.outside} or not finite")
        except (InvalidInput, TypeError) as error:
            found.append(str(error) if isinstance(error, InvalidInput) else f"{name} holds no numbers")
    return found


def _attributes(run: xr.Dataset, protocol: BaseProtocol, system: AnySystem) -> list[str]:
    """Whether what the other checks rely on is there and says what the protocol says."""
    found = system.wrong_attributes(run, protocol)
    if not isinstance(run.attrs.get("warnings"), str):
        found.append("attribute warnings is missing")
    for name in ("depth", "width", "patterns", "steps", "samples", "replicas", "seed"):
        if run.attrs[name] != getattr(protocol, name):
            found.append(f"attribute {name} is not that of the protocol")
    return found


def _shape(run: xr.Dataset, protocol: BaseProtocol, system: AnySystem) -> list[str]:
    """Whether everything that was asked for is there, and only that, along the right coordinates."""
    record = Record(protocol)
    wanted = {name: {str(d): record.sizes[d] for d in dims} for name, dims in record.dims.items()}
    wanted |= _asked_for(run, protocol, system)
    found = []
    for name, sizes in wanted.items():
        if name not in run:
            found.append(f"variable {name} is missing")
        elif run[name].dims != tuple(sizes):
            found.append(f"variable {name} is along {run[name].dims}, not {tuple(sizes)}")
        elif run[name].shape != tuple(sizes.values()):
            found.append(f"variable {name} has the shape {run[name].shape}, not {tuple(sizes.values())}")
        elif run[name].dtype.kind != "f":
            found.append(f"variable {name} holds {run[name].dtype}, not floating-point numbers")
    for name in (*STATE, *system.frames, *system.matrices):
        if name in run and name not in wanted:
            found.append(f"variable {name} is there, though the protocol does not ask for it")
    for name, values in _coordinates(record, protocol, system).items():
        if name not in run.coords or not np.array_equal(run[name].values, values):
            found.append(f"coordinate {name} is not that of the protocol")
    return found


def _asked_for(run: xr.Dataset, protocol: BaseProtocol, system: AnySystem) -> dict[str, dict[str, int]]:
    """Dimensions of all that is not recorded on the way: late overlaps, and state, frames, matrices."""
    layers = {name: len(x) for name, x in system.layers(protocol).items()}
    split = {"t_w": len(protocol.waiting_times)}
    machine = {"sample": protocol.samples, "replica": protocol.replicas}
    found: dict[str, dict[str, int]] = {}
    for name in system.late:
        sizes = split | {dim: layers[dim] for dim in system.two_time[name].dims[1:]}
        found |= {f"{name}_star": sizes, f"{name}_star_error": sizes}
    if protocol.keep_state:
        particle = {"particle": system.particles(protocol, run.attrs)}
        found["state_r"] = split | machine | particle
        if system.has_velocities:
            found["state_v"] = found["state_r"]
        found["state_split"] = {**split, "sample": protocol.samples, **particle}
    if protocol.frames_per_decade:
        taken = split | {"t_frame": len(protocol.frame_times())} | machine
        for name, shape in system.frame_shapes(protocol, run.attrs).items():
            if 0 not in shape:
                found[name] = taken | dict(zip(system.frames[name], shape, strict=True))
    times = protocol.matrix_times_reached()
    for name, dim in system.matrices.items() if times else ():
        count = protocol.samples * protocol.replicas
        pairs = {"machine": count, "machine_b": count}
        found[name] = {**split, "t_matrix": len(times), dim: layers[dim], **pairs}
    return found


def _coordinates(record: Record, protocol: BaseProtocol, system: AnySystem) -> dict[str, NDArray[Any]]:
    values = {
        name: np.asarray(value[1] if isinstance(value, tuple) else value)
        for name, value in record.coords.items()
    }
    if protocol.frames_per_decade and system.frames:
        values["t_frame"] = protocol.frame_times()
    times = protocol.matrix_times_reached()
    if times and system.matrices:
        values["t_matrix"] = np.array(times)
        values["machine_sample"] = np.repeat(values["sample"], protocol.replicas)
        values["machine_replica"] = np.tile(values["replica"], protocol.samples)
        layers = system.layers(protocol)
        values |= {dim: np.array(layers[dim]) for dim in system.matrices.values()}
    return values


def _content(run: xr.Dataset, protocol: BaseProtocol, system: AnySystem) -> list[str]:
    return [
        *(f"{name} is infinite somewhere" for name, x in run.data_vars.items() if _infinite(x)),
        *_complete(run, protocol, system),
        *_late(run, protocol, system),
        *_frames(run, protocol, system),
        *_matrices(run, protocol, system),
        *_state(run, protocol, system),
        *system.broken(run, protocol),
    ]


def _complete(run: xr.Dataset, protocol: BaseProtocol, system: AnySystem) -> list[str]:
    """Whether everything was measured that was to be, and nothing where nothing can have been."""
    t, later = run["t"].values, list(_became_special(protocol))
    found, unmeasured = [], system.unmeasured(run)
    for name in (*system.one_time, *system.two_time):
        values = run[name].values
        if name in unmeasured:
            found += [] if np.isnan(values).all() else [f"{name} is there {unmeasured[name]}"]
            continue
        missing = np.isnan(values) & ~system.undefined(run, name)
        for k, t_w in enumerate(protocol.waiting_times):
            last = protocol.steps - t_w if name in system.two_time else protocol.steps
            due = (t <= last) & (~np.isin(t, later) | (t == last))
            if missing[k, due].any():
                found.append(f"{name} is missing at some time of t_w = {t_w}")
            if not np.isnan(values[k, t > last]).all():
                found.append(f"{name} goes on beyond the end of t_w = {t_w}")
    return found


def _became_special(protocol: BaseProtocol) -> set[int]:
    """Times of a run that was made longer at which the shorter one had no reason to measure.

    It has the ends of the shorter ones, and their ``end - t_w``, among its ``extra_times``. Those of the
    first were measured; those of the others, and of the last, if the run before was still going on.
    """
    extra = set(protocol.extra_times)
    ends = [t for t in extra if all(t - t_w in extra for t_w in protocol.waiting_times)]
    ends = sorted(t for t in ends if t > protocol.waiting_times[-1])
    return {end - t_w for end in [*ends, protocol.steps][1:] for t_w in protocol.waiting_times}


def _infinite(values: xr.DataArray) -> bool:
    return values.dtype.kind == "f" and bool(np.isinf(values.values).any())


def _late(run: xr.Dataset, protocol: BaseProtocol, system: AnySystem) -> list[str]:
    """The late overlaps and their errors are those of the overlaps."""
    found = []
    for star, value in late_overlaps(run, protocol, system).items():
        expected = value.transpose(*run[star].dims)
        if not np.allclose(run[star], expected, rtol=1e-9, atol=1e-9, equal_nan=True):
            found.append(f"{star} is not that of {star.partition('_star')[0]} at the last time")
    return found


def _frames(run: xr.Dataset, protocol: BaseProtocol, system: AnySystem) -> list[str]:
    """Particles of configurations where they can be; missing only beyond the end of a branch."""
    found = []
    for name in system.frames:
        for k, t_w in enumerate(protocol.waiting_times if name in run else ()):
            inside = run["t_frame"].values <= protocol.steps - t_w
            values = run[name].values[k]
            if not system.allowed(protocol, values[inside]):
                found.append(f"{name}: a particle is {system.outside} or missing at t_w = {t_w}")
            if not np.isnan(values[~inside]).all():
                found.append(f"{name} goes on beyond the end of t_w = {t_w}")
    return found


def _matrices(run: xr.Dataset, protocol: BaseProtocol, system: AnySystem) -> list[str]:
    """Overlaps of all pairs of machines: symmetric, and missing only beyond the end of a branch."""
    found = []
    for name in system.matrices:
        for k, t_w in enumerate(protocol.waiting_times if name in run else ()):
            inside = run["t_matrix"].values <= protocol.steps - t_w
            values = run[name].values[k]
            if np.isnan(values[inside]).any():
                found.append(f"{name} is missing at some time of t_w = {t_w}")
            if not np.isnan(values[~inside]).all():
                found.append(f"{name} goes on beyond the end of t_w = {t_w}")
            if not np.allclose(values, np.swapaxes(values, -1, -2), rtol=0, atol=1e-9, equal_nan=True):
                found.append(f"{name} is not symmetric at t_w = {t_w}")
    return found


def _state(run: xr.Dataset, protocol: BaseProtocol, system: AnySystem) -> list[str]:
    """Particles where they can be, and velocities finite."""
    if not protocol.keep_state:
        return []
    found = [
        f"{name}: a particle is {system.outside} or not finite"
        for name in ("state_r", "state_split")
        if not system.allowed(protocol, run[name].values)
    ]
    if system.has_velocities and not np.isfinite(run["state_v"].values).all():
        found.append("state_v: a velocity is not finite")
    return found
