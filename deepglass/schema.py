"""The one result schema: labelled netCDF4 files, written whole or not at all, read with suspicion.

Dimensions and names are documented in docs/schema.md. A file says what it is by two attributes,
``deepglass_kind`` (``profile`` or ``run``) and ``schema_version``.
"""

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import xarray as xr

from deepglass import provenance
from deepglass.errors import InvalidInput

SCHEMA_VERSION = 1
KINDS = ("profile", "run")
ENGINE: Literal["h5netcdf"] = "h5netcdf"


def check_target(path: str | Path, overwrite: bool = False) -> Path:
    """Make sure before any work starts that ``path`` can be written. Returns it as Path.

    Raises InvalidInput for an existing file (unless ``overwrite``), a folder, or a place that
    cannot be written. Nothing is created.
    """
    target = Path(path)
    if target.is_dir():
        raise InvalidInput(f"output {target} is a folder; name a file")
    if target.exists() and not overwrite:
        raise InvalidInput(f"output file {target} exists; pass --overwrite to replace it or name another")
    ancestor = target.absolute().parent
    while not ancestor.exists():
        ancestor = ancestor.parent
    if not ancestor.is_dir() or not os.access(ancestor, os.W_OK | os.X_OK):
        raise InvalidInput(f"output file {target} cannot be written: {ancestor} is not a writable folder")
    return target


def stage(path: Path) -> Path:
    """A temporary name beside ``path`` with the same suffix, for write-then-rename; makes the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.stem}.{os.getpid()}-{secrets.token_hex(4)}{path.suffix}")


def write(dataset: xr.Dataset, path: str | Path, kind: str, overwrite: bool = False) -> Path:
    """Write a result atomically: a reader sees the old file, or the whole new one, never a part.

    Schema version, kind, code version and creation time are added as attributes.
    """
    target = check_target(path, overwrite)
    labelled = dataset.assign_attrs(
        deepglass_kind=kind,
        schema_version=SCHEMA_VERSION,
        code_version=provenance.code_version(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    temporary = stage(target)
    try:
        labelled.to_netcdf(temporary, engine=ENGINE)
        os.replace(temporary, target)
    except OSError as error:
        raise InvalidInput(f"output file {target} cannot be written: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return target


def read(path: str | Path, kind: str) -> xr.Dataset:
    """Read a whole result into memory; InvalidInput if missing, corrupt, foreign or of another kind."""
    source = Path(path)
    if not source.is_file():
        raise InvalidInput(f"{kind} file {source} does not exist")
    try:
        with xr.open_dataset(source, engine=ENGINE) as opened:
            dataset = opened.load()
    except Exception as error:  # the HDF5 stack raises many types on damaged bytes
        raise InvalidInput(
            f"{kind} file {source} is not a readable netCDF4 file ({type(error).__name__})"
        ) from error
    found = dataset.attrs.get("deepglass_kind")
    if found not in KINDS:
        raise InvalidInput(f"{kind} file {source} was not written by deepglass")
    if found != kind:
        raise InvalidInput(f"{source} holds a {found}, not a {kind}")
    version = dataset.attrs.get("schema_version")
    if version != SCHEMA_VERSION:
        raise InvalidInput(f"{source} has schema version {version}, this deepglass reads {SCHEMA_VERSION}")
    return dataset
