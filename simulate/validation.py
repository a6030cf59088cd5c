"""Whether a run is what it should be: what its protocol asks for is there, and within its bounds."""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from deepglass import schema
from deepglass.errors import InvalidInput
from simulate import health
from simulate.configurations import DIMENSIONS
from simulate.plan import Chunk, chunks
from simulate.protocol import Protocol
from simulate.segments import MANIFEST, Folder, finished_of, frame_name, partial_of, progress_of, split_name
from simulate.store import ONE_TIME, TWO_TIME, Record, late_overlaps
from simulate.systems.thermal_machine import ThermalMachine

ROUNDING = 1e-6
"""By how much a normalised overlap may exceed 1."""

TESTED = ("A_tanh", "A_sgn", "q_test")
"""What there is only with test patterns."""

MATRICES = ("q_matrix_raw", "Q_matrix_raw")
STATE = ("state_r", "state_v", "state_split")
COUNTS = ("inputs", "outputs", "test_patterns")
"""Attributes that say how large the data are."""


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
    protocol = Protocol.from_json(str(run.attrs["protocol"]))
    return _attributes(run, protocol) or _shape(run, protocol) or _content(run, protocol)


def unfinished(path: str | Path) -> Folder | None:
    """The folder of a run whose file is not there (or that was named itself)."""
    target, folder = finished_of(path), partial_of(path)
    named = Path(path) == folder
    if (folder / MANIFEST).exists() and (named or not target.exists()):
        return Folder.open(folder)
    return None


def _of_folder(folder: Folder) -> list[str]:
    protocol = Protocol.from_values(folder.manifest.get("protocol"))
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
        if not ((np.abs(state.r) <= 1).all() and np.isfinite(state.v).all()):
            found.append(f"{where}: a particle is outside (-1, 1) or not finite at step {state.t}")
    return found


def _configurations(folder: Folder, protocol: Protocol, part: Chunk, t: int) -> list[str]:
    """Damaged or missing configurations among those that a chunk had kept when it was at step ``t``."""
    names = []
    if part.t_w is None:
        kept = [t_w for t_w in protocol.waiting_times if t_w <= t]
        names += [split_name(t_w, sample) for t_w in kept for sample in part.samples]
        if protocol.velocities == "kept" and "extends" not in folder.manifest:  # its branches have begun
            names += [split_name(t_w, sample, velocities=True) for t_w in kept for sample in part.samples]
    else:
        times = sorted({*protocol.frame_times().tolist(), *protocol.matrix_times})
        names += [frame_name(part, since) for since in times if part.t_w + since <= t]
        if "extends" in folder.manifest:  # the shorter run's are in its file
            names = [name for name in names if (folder.path / f"{name}.npz").exists()]
    found = []
    for name in names:
        try:
            row = folder.get(name)
            if not (np.isfinite(row) if name.endswith(".velocities") else np.abs(row) <= 1).all():
                found.append(f"{name}: a particle is outside (-1, 1) or not finite")
        except (InvalidInput, TypeError) as error:
            found.append(str(error) if isinstance(error, InvalidInput) else f"{name} holds no numbers")
    return found


def _attributes(run: xr.Dataset, protocol: Protocol) -> list[str]:
    """Whether what the other checks rely on is there and says what the protocol says."""
    found = []
    for name in COUNTS:
        value = run.attrs.get(name)
        if not isinstance(value, int | np.integer) or value < (name != "test_patterns"):
            found.append(f"attribute {name} = {value!r} is no number of this kind")
    if not isinstance(run.attrs.get("warnings"), str):
        found.append("attribute warnings is missing")
    for name in ("depth", "width", "patterns", "steps", "samples", "replicas", "seed", "temperature", "eta"):
        if run.attrs[name] != getattr(protocol, name):
            found.append(f"attribute {name} is not that of the protocol")
    return found


def _shape(run: xr.Dataset, protocol: Protocol) -> list[str]:
    """Whether everything that was asked for is there, and only that, along the right coordinates."""
    record = Record(protocol)
    wanted = {name: {str(d): record.sizes[d] for d in dims} for name, dims in record.dims.items()}
    wanted |= _asked_for(run, protocol)
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
    for name in (*STATE, *DIMENSIONS, *MATRICES):
        if name in run and name not in wanted:
            found.append(f"variable {name} is there, though the protocol does not ask for it")
    for name, values in _coordinates(record, protocol).items():
        if name not in run.coords or not np.array_equal(run[name].values, values):
            found.append(f"coordinate {name} is not that of the protocol")
    return found


def _asked_for(run: xr.Dataset, protocol: Protocol) -> dict[str, dict[str, int]]:
    """Dimensions of all that is not recorded on the way: late overlaps, and state, frames, matrices."""
    depth, n, m = protocol.depth, protocol.width, protocol.patterns
    inputs, outputs = int(run.attrs["inputs"]), int(run.attrs["outputs"])
    split, samples, replicas = len(protocol.waiting_times), protocol.samples, protocol.replicas
    found = {
        f"{name}_star{suffix}": {"t_w": split, layer: depth + (name == "q")}
        for name, layer in (("q", "neuron_layer"), ("Q", "weight_layer"))
        for suffix in ("", "_error")
    }
    if protocol.keep_state:
        particle = {"particle": ThermalMachine.count(depth, n, m, inputs, outputs)}
        machine = {"t_w": split, "sample": samples, "replica": replicas, **particle}
        found |= {"state_r": machine, "state_v": machine}
        found["state_split"] = {"t_w": split, "sample": samples, **particle}
    if protocol.frames_per_decade:
        frame = {"t_w": split, "t_frame": len(protocol.frame_times()), "sample": samples, "replica": replicas}
        shapes = {
            "S": (depth - 1, n, m),
            "J_first": (n if depth > 1 else outputs, inputs),
            "J_hidden": (max(depth - 2, 0), n, n),
            "J_last": (outputs if depth > 1 else 0, n),
        }
        for name, shape in shapes.items():
            if 0 not in shape:
                found[name] = {**frame, **dict(zip(DIMENSIONS[name], shape, strict=True))}
    times = _matrix_times(protocol)
    if times:
        pairs = {"machine": samples * replicas, "machine_b": samples * replicas}
        taken = {"t_w": split, "t_matrix": len(times)}
        found["q_matrix_raw"] = {**taken, "hidden_layer": depth - 1, **pairs}
        found["Q_matrix_raw"] = {**taken, "weight_layer": depth, **pairs}
    return found


def _matrix_times(protocol: Protocol) -> list[int]:
    return [t for t in protocol.matrix_times if t <= protocol.steps - protocol.waiting_times[0]]


def _coordinates(record: Record, protocol: Protocol) -> dict[str, NDArray[Any]]:
    values = {
        name: np.asarray(value[1] if isinstance(value, tuple) else value)
        for name, value in record.coords.items()
    }
    if protocol.frames_per_decade:
        values["t_frame"] = protocol.frame_times()
    if _matrix_times(protocol):
        values["t_matrix"] = np.array(_matrix_times(protocol))
        values["machine_sample"] = np.repeat(values["sample"], protocol.replicas)
        values["machine_replica"] = np.tile(values["replica"], protocol.samples)
        values["hidden_layer"] = np.arange(1, protocol.depth)
    return values


def _content(run: xr.Dataset, protocol: Protocol) -> list[str]:
    return [
        *(f"{name} is infinite somewhere" for name, x in run.data_vars.items() if _infinite(x)),
        *_complete(run, protocol),
        *_bounds(run),
        *_late(run, protocol),
        *_frames(run, protocol),
        *_matrices(run, protocol),
        *_state(run, protocol),
        *_temperature(run, protocol),
    ]


def _complete(run: xr.Dataset, protocol: Protocol) -> list[str]:
    """Whether everything was measured that was to be, and nothing where nothing can have been."""
    t, later = run["t"].values, list(_became_special(protocol))
    found = []
    for name in (*ONE_TIME, *TWO_TIME):
        values = run[name].values
        if name in TESTED and not run.attrs["test_patterns"]:
            found += [] if np.isnan(values).all() else [f"{name} is there without test patterns"]
            continue
        missing = np.isnan(values) & ~_undefined(run, name)
        for k, t_w in enumerate(protocol.waiting_times):
            last = protocol.steps - t_w if name in TWO_TIME else protocol.steps
            due = (t <= last) & (~np.isin(t, later) | (t == last))
            if missing[k, due].any():
                found.append(f"{name} is missing at some time of t_w = {t_w}")
            if not np.isnan(values[k, t > last]).all():
                found.append(f"{name} goes on beyond the end of t_w = {t_w}")
    return found


def _became_special(protocol: Protocol) -> set[int]:
    """Times of a run that was made longer at which the shorter one had no reason to measure.

    It has the ends of the shorter ones, and their ``end - t_w``, among its ``extra_times``. Those of the
    first were measured; those of the others, and of the last, if the run before was still going on.
    """
    extra = set(protocol.extra_times)
    ends = [t for t in extra if all(t - t_w in extra for t_w in protocol.waiting_times)]
    ends = sorted(t for t in ends if t > protocol.waiting_times[-1])
    return {end - t_w for end in [*ends, protocol.steps][1:] for t_w in protocol.waiting_times}


def _undefined(run: xr.Dataset, name: str) -> NDArray[np.bool_]:
    """Where a measured value is none: at the frozen layers, or without a direction to compare."""
    if name in ("S2", "kinetic_S"):
        return np.isin(np.arange(run.sizes["neuron_layer"]), (0, run.sizes["neuron_layer"] - 1))
    if name == "q_test":
        return np.asarray((run["Q_raw"].values == 0).any(-1)[..., None])
    if name not in TWO_TIME or name.endswith("_raw"):
        return np.zeros(1, bool)
    zero = np.asarray(run[f"{name[0]}_raw"].values == 0)
    if not name.endswith("_global"):
        return zero
    return np.asarray((zero[..., 1:-1] if name[0] in "cq" else zero).all(-1))


def _bounds(run: xr.Dataset) -> list[str]:
    """Overlaps and mean squares at most 1, squares and energies not negative, E the sum of its layers."""
    found = []
    for name in ("S2", "J2", *TWO_TIME, *MATRICES):
        if name in run and (np.abs(run[name].values) > 1 + ROUNDING).any():
            found.append(f"{name} exceeds 1: particles have left (-1, 1)")
    for name in ("E", "E_layer", "kinetic", "kinetic_S", "kinetic_J", "S2", "J2", "A_tanh", "A_sgn"):
        if (run[name].values < 0).any():
            found.append(f"{name} is negative somewhere")
    found += [f"{name} exceeds 1" for name in ("A_tanh", "A_sgn") if (run[name].values > 1).any()]
    total = run["E_layer"].sum("weight_layer", skipna=False)
    if not np.allclose(total, run["E"], rtol=1e-9, equal_nan=True):
        found.append("E is not the sum of E_layer")
    return found


def _infinite(values: xr.DataArray) -> bool:
    return values.dtype.kind == "f" and bool(np.isinf(values.values).any())


def _late(run: xr.Dataset, protocol: Protocol) -> list[str]:
    """The late overlaps and their errors are those of the overlaps."""
    found = []
    for star, value in late_overlaps(run, protocol).items():
        expected = value.transpose(*run[star].dims)
        if not np.allclose(run[star], expected, rtol=1e-9, atol=1e-9, equal_nan=True):
            found.append(f"{star} is not that of {star[0]} at the last time")
    return found


def _frames(run: xr.Dataset, protocol: Protocol) -> list[str]:
    """Particles of configurations inside their walls; missing only beyond the end of a branch."""
    found = []
    for name in DIMENSIONS:
        for k, t_w in enumerate(protocol.waiting_times if name in run else ()):
            inside = run["t_frame"].values <= protocol.steps - t_w
            values = run[name].values[k]
            if not (np.abs(values[inside]) <= 1).all():
                found.append(f"{name}: a particle is outside (-1, 1) or missing at t_w = {t_w}")
            if not np.isnan(values[~inside]).all():
                found.append(f"{name} goes on beyond the end of t_w = {t_w}")
    return found


def _matrices(run: xr.Dataset, protocol: Protocol) -> list[str]:
    """Overlaps of all pairs of machines: symmetric, and missing only beyond the end of a branch."""
    found = []
    for name in MATRICES:
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


def _state(run: xr.Dataset, protocol: Protocol) -> list[str]:
    """Particles inside their walls, velocities finite, and both those that were measured last."""
    if not protocol.keep_state:
        return []
    found = [
        f"{name}: a particle is outside (-1, 1) or not finite"
        for name in ("state_r", "state_split")
        if not (np.abs(run[name].values) <= 1).all()
    ]
    v = run["state_v"].values.astype(float)
    if not np.isfinite(v).all():
        found.append("state_v: a velocity is not finite")
    if not np.allclose((v**2).mean(axis=-1), run["kinetic"].values[:, -1], rtol=1e-6):
        found.append("kinetic at the last step is not that of state_v")
    return found


def _temperature(run: xr.Dataset, protocol: Protocol) -> list[str]:
    """Hot layers must have been reported, and none can be colder than T at the end."""
    sizes = _sizes(protocol, int(run.attrs["inputs"]), int(run.attrs["outputs"]))
    kinetic = {"spins": run["kinetic_S"].values, "weights": run["kinetic_J"].values}
    at_end, earlier = health.of_run(protocol, kinetic, sizes)
    found = [
        f"{hot.name} are hotter than {protocol.hot:g} T at step {hot.last} and the file does not say so"
        for hot in (*at_end, *earlier)
        if f"{hot.name} (" not in str(run.attrs["warnings"])
    ]
    last = {what: x[:, -1].reshape(-1, x.shape[-1]) for what, x in kinetic.items()}
    cold = health.cold_layers(protocol, protocol.steps, last, sizes)
    return [*found, *(f"{line}, colder than T" for line in cold)]


def _sizes(protocol: Protocol, inputs: int, outputs: int) -> dict[str, list[int]]:
    """Particles per layer of one machine, 0 where they are frozen."""
    n, depth = protocol.width, protocol.depth
    spins = [0, *[n * protocol.patterns] * (depth - 1), 0]
    if depth == 1:
        return {"spins": spins, "weights": [inputs * outputs]}
    return {"spins": spins, "weights": [n * inputs, *[n * n] * (depth - 2), n * outputs]}
