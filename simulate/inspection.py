"""A run from outside: what it is, how far, and (from :mod:`simulate.validation`) whether it is sound."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from deepglass import schema
from deepglass.cli import table
from simulate.plan import chunks
from simulate.protocol import Protocol
from simulate.report import heading
from simulate.segments import MANIFEST, finished_of, partial_of, progress_of
from simulate.validation import problems, unfinished

__all__ = ["contents", "describe", "problems"]


def contents(path: str | Path) -> dict[str, Any]:
    """What a run is, as plain data; raises InvalidInput if there is none or it cannot be read."""
    folder = unfinished(path)
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
        "beside": str(partial_of(path)) if (partial_of(path) / MANIFEST).exists() else "",
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
        if found["beside"]:
            lines.append(f"beside it lies an unfinished run: {found['beside']}")
        if found["warnings"]:
            lines.append(f"warnings: {found['warnings']}")
        variables = found["variables"]
        lines.append(table([("variable", variables), ("along", [", ".join(x) for x in variables.values()])]))
    return "\n".join(lines)


def _named(about: dict[str, Any]) -> dict[str, str]:
    return {name: str(about[name]) for name in ("run_id", "code_version", "torch_version", "device_name")}


def _parameters(protocol: Protocol) -> dict[str, Any]:
    return {"alpha": protocol.alpha, **asdict(protocol)}
