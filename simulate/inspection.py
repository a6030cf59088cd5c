"""A run from outside: what it is, how far, and (from :mod:`simulate.validation`) whether it is sound."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from deepglass import schema
from deepglass.cli import table
from simulate.plan import chunks
from simulate.protocol import BaseProtocol
from simulate.registry import of_attributes, of_manifest, system_of
from simulate.segments import MANIFEST, finished_of, partial_of, progress_of
from simulate.validation import problems, unfinished

__all__ = ["contents", "describe", "problems"]


def contents(path: str | Path) -> dict[str, Any]:
    """What a run is, as plain data; raises InvalidInput if there is none or it cannot be read."""
    protocol, found = _read(path)
    return {**found, "parameters": _parameters(protocol)}


def _read(path: str | Path) -> tuple[BaseProtocol, dict[str, Any]]:
    """The protocol of a run, and how far it is and what it holds."""
    folder = unfinished(path)
    if folder is not None:
        protocol = of_manifest(folder.manifest)
        done, total = progress_of(folder.path)
        parts = chunks(protocol, int(folder.manifest["limit"]))
        return protocol, {
            "path": str(folder.path),
            "state": "unfinished",
            "replica_steps": {"done": done, "all": total},
            "chunks": [
                {"samples": [p.samples.start, p.samples.stop - 1], "t_w": p.t_w, "machines": p.machines,
                 "step": folder.step(p), "from": p.first, "to": p.last}
                for p in parts
            ],
            **_named(folder.manifest["about"]),
        }  # fmt: skip
    target = finished_of(path)
    run = schema.read(target, "run")
    return of_attributes(run.attrs), {
        "path": str(target),
        "state": "finished",
        "beside": str(partial_of(path)) if (partial_of(path) / MANIFEST).exists() else "",
        "bytes": target.stat().st_size,
        "dimensions": {str(name): int(size) for name, size in run.sizes.items()},
        "variables": {str(name): list(map(str, x.dims)) for name, x in run.data_vars.items()},
        **_named(run.attrs),
        "wall_time_s": float(run.attrs["wall_time_s"]),
        "replica_steps_per_second": float(run.attrs["replica_steps_per_second"]),
        "warnings": str(run.attrs["warnings"]),
    }


def describe(path: str | Path) -> str:
    """The same for a reader."""
    protocol, found = _read(path)
    parameters = _parameters(protocol)
    lines = [f"{found['path']}: {found['state']}", system_of(protocol).heading(parameters)]
    begins = f" {parameters['start']} start," if "start" in parameters else ""
    lines.append(
        f"steps {protocol.steps}, t_w {protocol.waiting_time},{begins}"
        f" seed {protocol.seed}, {protocol.precision}"
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
        if found["beside"]:
            lines.append(f"beside it lies an unfinished run: {found['beside']}")
        if found["warnings"]:
            lines.append(f"warnings: {found['warnings']}")
        variables = found["variables"]
        lines.append(table([("variable", variables), ("along", [", ".join(x) for x in variables.values()])]))
    return "\n".join(lines)


def _named(about: dict[str, Any]) -> dict[str, str]:
    return {name: str(about[name]) for name in ("run_id", "code_version", "torch_version", "device_name")}


def _parameters(protocol: BaseProtocol) -> dict[str, Any]:
    return {"alpha": protocol.alpha, **asdict(protocol)}
