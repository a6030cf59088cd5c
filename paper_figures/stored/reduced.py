"""What is kept of a run: one value a sample, averaged over its replicas and pairs, and how it was made.

Such a result is small enough for the repository, can be joined with one of further samples, and still allows
any statistics over samples, which is where error bars come from. It is a file of kind ``reduced``
(docs/schema.md).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from deepglass import schema
from deepglass.errors import InvalidInput
from deepglass.schema import FIRST_SYSTEM
from simulate.classifier.draws import packed
from simulate.protocol import BaseProtocol
from simulate.registry import of_attributes, system_in


@dataclass(frozen=True)
class Kept:
    """What is kept of a system's runs, where that does not follow from :class:`simulate.contract.System`.

    Attributes:
        two_time: variables along t since t_w; None: all there are.
        last: those of which only the last time is kept.
        attributes: of the run, beside :data:`ATTRIBUTES`.
        configurations: what is kept of the state at the end, where the run holds it, along ``sample``.
    """

    two_time: tuple[str, ...] | None = None
    last: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    configurations: Callable[[xr.Dataset], xr.Dataset] | None = None


KEPT: Mapping[str, Kept] = {
    "thermal-machine": Kept(
        two_time=("c", "C", "q", "Q", "c_global", "C_global", "q_global", "Q_global", "q_test"),
        last=("q_test",),
        attributes=("start", "temperature", "dt"),
    ),
    "deep-perceptron": Kept(
        attributes=("scenario", "potential", "margin", "temperature", "degree", "seed", "start")
    ),
    "relu-network": Kept(
        last=("displacements",), attributes=("lambda_", "eta", "train_steps", "forces", "weights", "seed")
    ),
    "classifier": Kept(
        attributes=("components", "outputs", "synapses", "labels", "weights", "seed"), configurations=packed
    ),
}
"""By system; of one that is not here all variables are kept."""

ATTRIBUTES = ("depth", "width", "patterns", "alpha", "steps", "replicas")
"""Of a run of any system."""

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


def identity(protocol: BaseProtocol) -> str:
    """What two runs must share to be samples of one ensemble, as JSON; without a system: thermal machines."""
    parameters = json.loads(protocol.to_json())
    if protocol.system != FIRST_SYSTEM:
        parameters["system"] = protocol.system
    return json.dumps({k: v for k, v in parameters.items() if k not in INCIDENTAL}, sort_keys=True)


def difference(a: str, b: str) -> str:
    """In words, what differs between two identities; empty if nothing does.

    A parameter that one of them does not know, because it is older than the parameter, had its default.
    """
    first, second = _parameters(a), _parameters(b)
    # Parameters of different systems are not the same, whatever their names.
    names = ["system"] if first["system"] != second["system"] else sorted({*first, *second})
    return ", ".join(
        f"{k} = {first.get(k)!r} and {second.get(k)!r}" for k in names if first.get(k) != second.get(k)
    )


def _parameters(identity: str) -> dict[str, Any]:
    """All parameters that count, and the system."""
    given = json.loads(identity)
    protocol = system_in(given).protocol()
    found = {"system": protocol.system, **json.loads(protocol.to_json()), **given}
    return {name: value for name, value in found.items() if name not in INCIDENTAL}


def reduce(run: xr.Dataset, keep: Sequence[str] | None = None) -> xr.Dataset:
    """A run (docs/schema.md) as one value a sample; ``keep`` names the variables that are wanted.

    One-time variables are those of the undisturbed trajectory up to the last t_w, then means over its
    replicas; two-time ones means over replicas or pairs; the matrices between all machines are kept as they
    are. Numbers are float32.
    """
    protocol, system = of_attributes(run.attrs), system_in(run.attrs)
    kept = KEPT.get(protocol.system, Kept())
    # Before its t_w, a branch holds the values of the trunk.
    trunk = run[list(system.one_time)].isel(t_w=-1, drop=True)
    found = {name: trunk[name].mean("replica", skipna=False) for name in system.one_time}
    for name in system.two_time if kept.two_time is None else kept.two_time:
        member, values = system.two_time[name].dims[0], run[name]
        # One replica has no pairs.
        found[name] = values.mean(member, skipna=False) if run.sizes[member] else values.sum(member) * np.nan
    for name in kept.last:
        found[name] = found[name].sel(t=protocol.steps - protocol.waiting_times[-1], drop=True)
    found |= {name: run[name] for name in system.matrices if name in run}
    attributes = {
        "system": protocol.system,
        "identity": identity(protocol),
        "parts": json.dumps([{"samples": run["sample"].values.tolist(), **_provenance(run)}]),
        **{name: run.attrs[name] for name in ATTRIBUTES},
        "particles": system.particles(protocol, run.attrs),
        **{name: run.attrs.get(name, "") for name in ("data_source", "data_sha256")},  # not all have data
        **{name: run.attrs[name] for name in kept.attributes},
    }
    whole = xr.Dataset(found, attrs=attributes).astype("float32")
    whole = whole if keep is None else whole[list(keep)]
    if kept.configurations is None or "state_r" not in run:
        return whole
    return whole.assign(kept.configurations(run).data_vars)


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
    if any("machine" in variable.dims for variable in first.data_vars.values()):
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
        for dimension in ("t", "sample", "t_w", "rung", "draw"):
            if dimension in one.dims:
                one = one.dropna(dimension, how="all")
        found[label] = one.assign_attrs(attributes)
    return found


def _plain(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(k): v.item() if isinstance(v, np.generic) else v for k, v in attributes.items()}


def parts(result: xr.Dataset) -> list[Mapping[str, Any]]:
    """Of every run behind a result: its samples, code, device, wall time."""
    return list(json.loads(result.attrs["parts"]))
