"""A run from outside: what it is and how far, and whether it is what it should be."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from deepglass import schema
from deepglass.cli import table
from deepglass.errors import InvalidInput
from simulate import health
from simulate.plan import chunks
from simulate.protocol import Protocol
from simulate.report import heading
from simulate.segments import MANIFEST, Folder, finished_of, partial_of, progress_of
from simulate.store import ONE_TIME, TWO_TIME, Record

ROUNDING = 1e-6
"""By how much a normalised overlap may exceed 1."""


def contents(path: str | Path) -> dict[str, Any]:
    """What a run is, as plain data; raises InvalidInput if there is none or it cannot be read."""
    folder = _unfinished(path)
    if folder is not None:
        protocol = Protocol.from_values(folder.manifest.get("protocol"))
        done, total = progress_of(folder.path)
        parts = chunks(protocol, int(folder.manifest["limit"]))
        return {
            "path": str(folder.path),
            "state": "unfinished",
            "replica_steps": {"done": done, "all": total},
            "chunks": [
                {"samples": [p.samples.start, p.samples.stop - 1], "t_w": p.t_w, "machines": p.machines,
                 "step": folder.step(p), "from": p.first, "to": p.last}
                for p in parts
            ],
            **_named(folder.manifest["about"]),
            "parameters": _parameters(protocol),
        }  # fmt: skip
    target = finished_of(path)
    run = schema.read(target, "run")
    return {
        "path": str(target),
        "state": "finished",
        "bytes": target.stat().st_size,
        "dimensions": {str(name): int(size) for name, size in run.sizes.items()},
        "variables": {str(name): list(map(str, x.dims)) for name, x in run.data_vars.items()},
        **_named(run.attrs),
        "wall_time_s": float(run.attrs["wall_time_s"]),
        "replica_steps_per_second": float(run.attrs["replica_steps_per_second"]),
        "warnings": str(run.attrs["warnings"]),
        "parameters": _parameters(Protocol.from_json(str(run.attrs["protocol"]))),
    }


def describe(path: str | Path) -> str:
    """The same for a reader."""
    found = contents(path)
    parameters = found["parameters"]
    lines = [f"{found['path']}: {found['state']}", heading(parameters)]
    lines.append(
        f"steps {parameters['steps']}, t_w {parameters['waiting_time']}, {parameters['start']} start,"
        f" seed {parameters['seed']}, {parameters['precision']}"
    )
    lines.append(f"code {found['code_version']}, torch {found['torch_version']}, {found['device_name']}")
    if found["state"] == "unfinished":
        done, total = found["replica_steps"]["done"], found["replica_steps"]["all"]
        lines.append(f"{done:,} of {total:,} replica-steps ({done / total:.0%}) at the last checkpoints")
        columns = ("samples", "t_w", "machines", "step", "from", "to")
        cells = {
            name: [
                "-".join(map(str, c[name])) if name == "samples" else "trunk" if c[name] is None else c[name]
                for c in found["chunks"]
            ]
            for name in columns
        }
        lines.append(table(cells.items()))
    else:
        lines.append(
            f"{found['bytes']:,} bytes, {found['wall_time_s']:.3g} s,"
            f" {found['replica_steps_per_second']:.0f} replica-steps/s"
        )
        if found["warnings"]:
            lines.append(f"warnings: {found['warnings']}")
        variables = found["variables"]
        lines.append(table([("variable", variables), ("along", [", ".join(x) for x in variables.values()])]))
    return "\n".join(lines)


def problems(path: str | Path) -> list[str]:
    """What is wrong with a run, one line each; empty for a sound and finished one.

    A file that cannot be read is a problem; InvalidInput is raised only where there is nothing to read.
    """
    target, folder = finished_of(path), partial_of(path)
    if not (folder / MANIFEST).exists() and not target.exists():
        raise InvalidInput(f"there is no run {target}, nor {folder}")
    try:
        unfinished = _unfinished(path)
        if unfinished is not None:
            return _of_folder(unfinished)
        run = schema.read(target, "run")
        protocol = Protocol.from_json(str(run.attrs["protocol"]))
    except InvalidInput as error:
        return [str(error)]
    return _shape(run, protocol) or [*_values(run, protocol), *_state(run), *_temperature(run, protocol)]


def _unfinished(path: str | Path) -> Folder | None:
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
        where = f"chunk {part.number}"
        begun = folder.step(part) > part.first
        state = folder.state(part)
        if state is None:
            found += [f"{where}: no readable state, though one was written"] if begun else []
            continue
        if state.t < folder.step(part):
            found.append(f"{where}: what was written after step {state.t} is damaged")
        if not ((np.abs(state.r) <= 1).all() and np.isfinite(state.v).all()):
            found.append(f"{where}: a particle is outside (-1, 1) or not finite at step {state.t}")
    return found


def _shape(run: xr.Dataset, protocol: Protocol) -> list[str]:
    """Whether everything that every run holds is there, along the right coordinates."""
    wanted = Record(protocol)
    found = []
    for name, dims in wanted.dims.items():
        if name not in run:
            found.append(f"variable {name} is missing")
        elif run[name].dims != dims:
            found.append(f"variable {name} is along {run[name].dims}, not {dims}")
    for name in ("t", "t_w", "sample", "replica", "neuron_layer", "weight_layer"):
        value = wanted.coords[name]
        expected = np.asarray(value[1] if isinstance(value, tuple) else value)
        if name not in run.coords or not np.array_equal(run[name].values, expected):
            found.append(f"coordinate {name} is not that of the protocol")
    return found


def _values(run: xr.Dataset, protocol: Protocol) -> list[str]:
    """Completeness and bounds of everything that was measured."""
    found = []
    # A run that was made longer has not measured at what only later became one of its special times.
    special = {protocol.steps, *(protocol.steps - t_w for t_w in protocol.waiting_times)}
    t = run["t"].values
    plain = ~np.isin(t, list(special))
    for name in (*ONE_TIME, *TWO_TIME):
        values = run[name].values
        if np.isinf(values).any():
            found.append(f"{name} is infinite somewhere")
        may_be_missing = name.startswith("A_") or name in ("q_test", "kinetic_S", "S2")
        if may_be_missing or not values.size or protocol.depth == 1:
            continue
        for k, t_w in enumerate(protocol.waiting_times):
            inside = plain & (t <= protocol.steps - (t_w if name in TWO_TIME else 0))
            if np.isnan(values[k, inside]).any():
                found.append(f"{name} is missing at some time of t_w = {t_w}")
    for name in ("S2", "J2", *TWO_TIME):
        if (np.abs(np.nan_to_num(run[name].values, posinf=0.0, neginf=0.0)) > 1 + ROUNDING).any():
            found.append(f"{name} exceeds 1: particles have left (-1, 1)")
    for name in ("E", "E_layer", "kinetic", "kinetic_S", "kinetic_J"):
        if (run[name].values < 0).any():
            found.append(f"{name} is negative somewhere")
    total = run["E_layer"].sum("weight_layer", skipna=False)
    if not np.allclose(total, run["E"], rtol=1e-9, equal_nan=True):
        found.append("E is not the sum of E_layer")
    return found


def _state(run: xr.Dataset) -> list[str]:
    """Particles inside their walls, velocities finite, and both those that were measured last."""
    if "state_r" not in run:
        return []
    found = []
    r, v = run["state_r"].values, run["state_v"].values.astype(float)
    if not (np.abs(r) <= 1).all():
        found.append("state_r: a particle is outside (-1, 1) or not finite")
    if not np.isfinite(v).all():
        found.append("state_v: a velocity is not finite")
    last = run["kinetic"].isel(t=-1).transpose("t_w", "sample", "replica")
    if not np.allclose((v**2).mean(axis=-1), last, rtol=1e-6):
        found.append("kinetic at the last step is not that of state_v")
    return found


def _temperature(run: xr.Dataset, protocol: Protocol) -> list[str]:
    """The kinetic temperature at the end: hot layers must have been reported, none can be colder than T."""
    t = protocol.steps
    temperature = float(protocol.temperatures().temperatures(t, 1)[0])
    n, m = protocol.width * protocol.patterns, protocol.depth
    sizes = {
        "spins": [0, *[n] * (m - 1), 0],
        "weights": _weights(protocol, int(run.attrs["inputs"]), int(run.attrs["outputs"])),
    }
    names = {"spins": "kinetic_S", "weights": "kinetic_J"}
    last = {w: run[x].isel(t=-1).values.reshape(-1, run[x].shape[-1]) for w, x in names.items()}
    found = [
        f"{layer.partition(' (')[0]} are hotter than {protocol.hot:g} T and the file does not say so"
        for layer in health.hot_layers(protocol, t, last, sizes)
        if layer not in str(run.attrs["warnings"])
    ]
    if temperature and t * protocol.eta >= health.THERMAL:
        for what, values in last.items():
            for column, size in enumerate(sizes[what]):
                ratio = values[:, column].mean() / temperature if size else 1.0
                if ratio < 1 - 6 * np.sqrt(2 / (max(size, 1) * len(values))):
                    found.append(f"{what} {column + (what == 'weights')} are at {ratio:.3g} T, colder than T")
    return found


def _weights(protocol: Protocol, inputs: int, outputs: int) -> list[int]:
    if protocol.depth == 1:
        return [inputs * outputs]
    n = protocol.width
    return [n * inputs, *[n * n] * (protocol.depth - 2), n * outputs]


def _named(about: dict[str, Any]) -> dict[str, str]:
    return {name: str(about[name]) for name in ("run_id", "code_version", "torch_version", "device_name")}


def _parameters(protocol: Protocol) -> dict[str, Any]:
    return {"alpha": protocol.alpha, **asdict(protocol)}
