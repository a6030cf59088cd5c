"""The one result schema: labelled netCDF4 files, read with suspicion.

Dimensions and names are documented in docs/schema.md. A file says what it is by two attributes,
``deepglass_kind`` (``profile``, ``run``, ``reduced``, ``bundle``, ``weights``, ``inferred`` or ``layers``)
and ``schema_version`` (of that kind).
"""

import sys
import warnings
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from deepglass import files, provenance
from deepglass.errors import InvalidInput

SCHEMA_VERSION = {"profile": 1, "run": 2, "reduced": 1, "bundle": 1, "weights": 1, "inferred": 1, "layers": 1}
ENGINE: Literal["h5netcdf"] = "h5netcdf"
SMALL = ("reduced", "bundle", "weights", "inferred", "layers")
COMPRESSED = {"zlib": True, "shuffle": True, "complevel": 6}
"""How files that go into a repository are kept small."""

VARIABLES: dict[str, dict[str, tuple[str, ...]]] = {
    "profile": {"q": ("neuron_layer",), "Q": ("weight_layer",)},
    "run": {},
    "reduced": {},
    "bundle": {},
    "weights": {"weights": ("configuration", "weight")},
    "inferred": dict.fromkeys(("d", "s", "energy", "log_z"), ("fit", "level", "reference", "direction", "x")),
    "layers": {},
}
"""What every file of a kind holds, with its dimensions, the layers last."""

ATTRIBUTES: dict[str, dict[str, type]] = {
    "profile": {
        "depth": int, "alpha": float, "margin": float, "scenario": str, "branch": str, "closure": str,
    },
    "run": {
        "depth": int, "width": int, "patterns": int, "steps": int, "samples": int, "replicas": int,
        "seed": int, "alpha": float, "protocol": str, "run_id": str,
    },
    "reduced": {
        "depth": int, "width": int, "patterns": int, "steps": int, "alpha": float, "identity": str,
        "parts": str, "data_source": str, "data_sha256": str,
    },
    "bundle": {"depth": int, "members": str},
    "weights": {"sizes": str},
    "inferred": {
        "depth": int, "N": int, "label": str, "part": str, "sizes": str, "identity": str, "report": str,
    },
    "layers": {"depth": int, "copies": int, "align": str, "margin": float},
}  # fmt: skip
"""The parameters every file of a kind names, with their type."""

FIRST_SYSTEM = "thermal-machine"
"""What was simulated in a file that is older than the attribute ``system``."""

SYSTEM_VARIABLES: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {
    ("run", FIRST_SYSTEM): {
        "q_star": ("t_w", "neuron_layer"),
        "q_star_error": ("t_w", "neuron_layer"),
        "Q_star": ("t_w", "weight_layer"),
        "Q_star_error": ("t_w", "weight_layer"),
    },
    ("reduced", FIRST_SYSTEM): {"E_layer": ("t", "sample", "weight_layer")},
}
"""What files of a kind hold of a system beside that; runs of others are judged by ``simulate`` alone."""

SYSTEM_ATTRIBUTES: dict[tuple[str, str], dict[str, type]] = {
    ("run", FIRST_SYSTEM): {
        "temperature": float, "dt": float, "eta": float, "data": str, "classes": str, "start": str,
        "c_scale": str,
    },
}  # fmt: skip
"""The parameters that these files name beside those of their kind."""


def write(dataset: xr.Dataset, path: str | Path, kind: str, overwrite: bool = False) -> Path:
    """Write a result atomically, every variable with a checksum; raises as :func:`files.write_bytes`.

    Schema version, kind, code version and creation time are added as attributes.

    >>> from theory import solve_profile
    >>> write(solve_profile("random", depth=3, alpha=5.0).to_dataset(), "profile.nc", "profile").name
    'profile.nc'
    """
    labelled = dataset.assign_attrs(
        deepglass_kind=kind,
        schema_version=SCHEMA_VERSION[kind],
        code_version=dataset.attrs.get("code_version") or provenance.code_version(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    checked = {
        name: {"fletcher32": True, **(COMPRESSED if kind in SMALL else {})}
        for name, variable in labelled.variables.items()
        if variable.ndim and variable.size and variable.dtype.kind in "if"
    }
    # In memory first: HDF5 on a full disk fails in ways that cannot be caught.
    with apart_from_dask():
        content = labelled.to_netcdf(engine=ENGINE, encoding=checked)
    return files.write_bytes(path, content, overwrite)


def read(path: str | Path, kind: str, *others: str) -> xr.Dataset:
    """Read a whole result of this kind, or of one of the ``others``, into memory.

    Raises InvalidInput if it is missing, damaged, foreign, of another kind or version, or incomplete.

    >>> from theory import solve_profile
    >>> path = write(solve_profile("random", depth=3, alpha=5.0).to_dataset(), "profile.nc", "profile")
    >>> profile = read(path, "profile")
    >>> profile.q.dims, float(profile.attrs["alpha"])
    (('neuron_layer',), 5.0)
    """
    source, kinds = Path(path), (kind, *others)
    kind = " or ".join(kinds)
    if not source.exists():
        raise InvalidInput(f"{kind} file {source} does not exist")
    if not source.is_file():
        raise InvalidInput(f"{kind} file {source} is not a file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with apart_from_dask(), xr.open_dataset(source, engine=ENGINE, phony_dims="sort") as opened:
                dataset = opened.load()
    except Exception as error:  # the HDF5 stack raises many types on damaged bytes
        raise InvalidInput(
            f"{kind} file {source} is not a readable netCDF4 file ({type(error).__name__})"
        ) from error
    found = dataset.attrs.get("deepglass_kind")
    if not isinstance(found, str) or found not in VARIABLES:
        raise InvalidInput(f"{kind} file {source} was not written by deepglass")
    if found not in kinds:
        raise InvalidInput(f"{source} holds a {found}, not a {kind}")
    version, known = dataset.attrs.get("schema_version"), SCHEMA_VERSION[found]
    if version != known:
        raise InvalidInput(
            f"{source} has schema version {version}, this deepglass reads {known} of a {found}"
        )
    _complete(dataset, source, found)
    return dataset


def apart_from_dask() -> AbstractContextManager[Any]:
    """Where a dask client is about, xarray takes its locks from that client's scheduler, alive or not."""
    dask = sys.modules.get("dask")  # no client without it
    return nullcontext() if dask is None else dask.config.set(scheduler="synchronous")


def _complete(dataset: xr.Dataset, source: Path, kind: str) -> None:
    """Whether everything a file of this kind must hold is there, on the right layers."""
    scalars = {int: (int, np.integer), float: (float, np.floating), str: (str,)}
    attributes, variables = ATTRIBUTES[kind], VARIABLES[kind]
    system = str(dataset.attrs.get("system", FIRST_SYSTEM))
    attributes = attributes | SYSTEM_ATTRIBUTES.get((kind, system), {})
    variables = variables | SYSTEM_VARIABLES.get((kind, system), {})
    for name, wanted in attributes.items():
        value = dataset.attrs.get(name)
        if not isinstance(value, scalars[wanted]):
            raise InvalidInput(
                f"{kind} file {source}: attribute {name} = {value!r} must be a {wanted.__name__}"
            )
    for name, dimensions in variables.items():
        dimension = dimensions[-1]
        if name not in dataset or dataset[name].dims != dimensions:
            raise InvalidInput(
                f"{kind} file {source} lacks the variable {name} along {', '.join(dimensions)}"
            )
        if dimension not in ("neuron_layer", "weight_layer"):
            continue
        depth = int(dataset.attrs["depth"])
        layers = np.arange(0 if dimension == "neuron_layer" else 1, depth + 1)
        if dimension not in dataset.coords or not np.array_equal(dataset[dimension], layers):
            raise InvalidInput(f"{kind} file {source}: {dimension} must count {layers[0]}..{depth}")
