"""The 50 principal components of the MNIST test images that arXiv:2007.08093 comes with, where they are.

One file, ``mnist_test_pca50.npz``: an array ``data`` (10000, 51), labels and components of decreasing
variance. The axes are those of the 60,000 training images (pixels from 0 to 1, neither whitened nor scaled);
these 10,000 are centred by their own mean.
"""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepglass.arrays import read_archive
from deepglass.errors import InvalidInput

NAME = "zou2021"
FILE = "mnist_test_pca50.npz"
VARIABLE = "DEEPGLASS_REFERENCE"
"""Names the folder of the file."""


def folder(data_dir: str | os.PathLike[str] | None = None) -> Path:
    """Where the authors' arrays lie; raises InvalidInput if nothing says so."""
    given = os.fspath(data_dir) if data_dir is not None else os.environ.get(VARIABLE, "")
    if not given:
        raise InvalidInput(
            f"data = {NAME} needs the folder of the authors' arrays ({FILE}): name it by data_dir or"
            f" {VARIABLE}"
        )
    return Path(os.path.expanduser(given))


def components(
    data_dir: str | os.PathLike[str] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Components (10000, 50) and labels (10000,); raises InvalidInput for a file that is not that."""
    path = folder(data_dir) / FILE
    arrays = read_archive(path)
    if "data" not in arrays:
        raise InvalidInput(f"data file {path} has no array data")
    table = arrays["data"]
    if table.ndim != 2 or table.shape[1] < 2 or table.dtype.kind != "f" or not np.isfinite(table).all():
        raise InvalidInput(f"data file {path}: data must be finite numbers (n, 51), not {table.shape}")
    return table[:, 1:].astype(np.float64), table[:, 0].astype(np.int64)
