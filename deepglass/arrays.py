"""NumPy files, read with suspicion: whatever is wrong with the bytes is one documented error."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from deepglass.errors import InvalidInput


def read_archive(path: str | Path) -> dict[str, NDArray[Any]]:
    """All arrays of an ``.npz`` file, checksums tested; raises InvalidInput if missing or damaged."""
    loaded = _load(path)
    if isinstance(loaded, dict):
        return loaded
    raise InvalidInput(f"{path} is damaged: a single array, not an archive")


def read_array(path: str | Path) -> NDArray[Any]:
    """The array of an ``.npy`` file; raises InvalidInput if it is missing, damaged or foreign."""
    loaded = _load(path)
    if isinstance(loaded, dict):
        raise InvalidInput(f"{path} is an archive, not a single array")
    return loaded


def _load(path: str | Path) -> dict[str, NDArray[Any]] | NDArray[Any]:
    try:
        loaded = np.load(path, allow_pickle=False)
        if not isinstance(loaded, NpzFile):
            return np.asarray(loaded)
        with loaded as archive:
            return {name: np.asarray(archive[name]) for name in archive.files}
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # zip, zlib, tokenizer, NumPy: many types, on damaged bytes
        raise InvalidInput(f"{path} is damaged ({type(error).__name__})") from error
