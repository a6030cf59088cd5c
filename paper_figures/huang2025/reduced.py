"""What is kept of a run: one value a sample, averaged over its replicas and pairs, and how it was made.

Such a result is small enough for the repository, can be joined with one of further samples, and still allows
any statistics over samples, which is where error bars come from. It is a file of kind ``reduced``
(docs/schema.md).
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from deepglass import schema
from deepglass.errors import InvalidInput
from simulate import Protocol
from simulate.systems.thermal_machine import ThermalMachine
from simulate.thermal.recorded import ONE_TIME

TWO_TIME = ("c", "C", "q", "Q", "c_global", "C_global", "q_global", "Q_global", "q_test")
MATRICES = ("q_matrix_raw", "Q_matrix_raw")

INCIDENTAL = (
    "samples", "first_sample", "device", "backend", "threads", "replicas_per_chunk", "checkpoint_every",
    "hot", "keep_state", "data_dir",
)  # fmt: skip
"""Parameters that say where, how fast and how many, not what."""

PROVENANCE = (
    "run_id", "code_version", "torch_version", "device_name", "backend", "kernels", "wall_time_s",
    "replica_steps_per_second", "created", "resumed_with", "warnings",
)  # fmt: skip
"""What is told of every run that went into a result."""


def identity(protocol: Protocol) -> str:
    """What two runs must share to be samples of one ensemble, as JSON."""
    parameters = json.loads(protocol.to_json())
    return json.dumps({k: v for k, v in parameters.items() if k not in INCIDENTAL}, sort_keys=True)


def difference(a: str, b: str) -> str:
    """In words, what differs between two identities; empty if nothing does.

    A parameter that one of them does not know, because it is older than the parameter, had its default.
    """
    defaults = json.loads(Protocol().to_json())
    first, second = {**defaults, **json.loads(a)}, {**defaults, **json.loads(b)}
    for name in INCIDENTAL:
        first.pop(name, None), second.pop(name, None)
    names = sorted({*first, *second})
    return ", ".join(
        f"{k} = {first.get(k)!r} and {second.get(k)!r}" for k in names if first.get(k) != second.get(k)
    )


def reduce(run: xr.Dataset, keep: Sequence[str] | None = None) -> xr.Dataset:
    """A run (docs/schema.md) as one value a sample; ``keep`` names the variables that are wanted.

    One-time variables are those of the undisturbed trajectory up to the last t_w, then means over its
    replicas; two-time ones means over replicas or pairs; the matrices between all machines are kept as they
    are. Numbers are float32.
    """
    protocol = Protocol.from_json(run.attrs["protocol"])
    # Before its t_w, a branch holds the values of the trunk.
    found = {name: run[name].isel(t_w=-1, drop=True).mean("replica", skipna=False) for name in ONE_TIME}
    for name in TWO_TIME:
        member = "replica" if name[0] in "cC" else "pair"
        found[name] = (
            run[name].mean(member, skipna=False) if run.sizes[member] else run[name].sum(member) * np.nan
        )
    found["q_test"] = found["q_test"].sel(t=protocol.steps - protocol.waiting_times[-1], drop=True)
    found |= {name: run[name] for name in MATRICES if name in run}
    attributes = {
        "identity": identity(protocol),
        "parts": json.dumps([{"samples": run["sample"].values.tolist(), **_provenance(run)}]),
        **{name: run.attrs[name] for name in ("depth", "width", "patterns", "alpha", "steps", "replicas")},
        "particles": ThermalMachine.count(
            protocol.depth,
            protocol.width,
            protocol.patterns,
            int(run.attrs["inputs"]),
            int(run.attrs["outputs"]),
        ),
        **{name: run.attrs[name] for name in ("data_source", "data_sha256", "start", "temperature", "dt")},
    }
    whole = xr.Dataset(found, attrs=attributes).astype("float32")
    return whole if keep is None else whole[list(keep)]


def _provenance(run: xr.Dataset) -> dict[str, Any]:
    return {name: run.attrs.get(name, "") for name in PROVENANCE}


def join(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Results of different samples of one ensemble as one; raises InvalidInput if they are not that."""
    first = parts[0]
    for other in parts[1:]:
        if changed := difference(first.attrs["identity"], other.attrs["identity"]):
            raise InvalidInput(f"results of different runs cannot be joined: {changed}")
        if first.attrs["data_sha256"] != other.attrs["data_sha256"]:
            raise InvalidInput(f"results on different data cannot be joined: {other.attrs['data_source']}")
    if len(parts) == 1:
        return first
    if any(name in first for name in MATRICES):
        raise InvalidInput(
            "overlaps between machines of different runs are not known: these cannot be joined"
        )
    joined = xr.concat(
        parts, "sample", data_vars="minimal", coords="minimal", compat="override", combine_attrs="override"
    )
    joined = joined.sortby("sample")
    if joined.indexes["sample"].has_duplicates:
        raise InvalidInput("results share a sample and cannot be joined")
    told = [entry for part in parts for entry in json.loads(part.attrs["parts"])]
    told.sort(key=lambda entry: entry["samples"])
    return joined.assign_attrs(parts=json.dumps(told))


def write(result: xr.Dataset, path: Path) -> None:
    """Write or replace a result."""
    schema.write(result, path, "reduced", overwrite=True)


def read(path: Path) -> xr.Dataset:
    """Raises InvalidInput for a file that is missing, damaged or of another kind."""
    return schema.read(path, "reduced")


def pack(results: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Results of one depth in one dataset along ``ensemble``, missing where their times or samples differ."""
    joined = xr.concat(
        [result.drop_attrs(deep=False) for result in results.values()],
        xr.DataArray(list(results), dims="ensemble", name="ensemble"),
        join="outer",
    )
    members = json.dumps({label: _plain(result.attrs) for label, result in results.items()})
    depth = int(next(iter(results.values())).attrs["depth"])
    return joined.assign_attrs(members=members, depth=depth)


def unpack(bundle: xr.Dataset) -> dict[str, xr.Dataset]:
    """The results that :func:`pack` joined."""
    found = {}
    for label, attributes in json.loads(bundle.attrs["members"]).items():
        one = bundle.sel(ensemble=label, drop=True).drop_attrs(deep=False)
        for dimension in ("t", "sample", "t_w"):
            if dimension in one.dims:
                one = one.dropna(dimension, how="all")
        found[label] = one.assign_attrs(attributes)
    return found


def _plain(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(k): v.item() if isinstance(v, np.generic) else v for k, v in attributes.items()}


def parts(result: xr.Dataset) -> list[Mapping[str, Any]]:
    """Of every run behind a result: its samples, code, device, wall time."""
    return list(json.loads(result.attrs["parts"]))
