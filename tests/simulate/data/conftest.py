"""IDX files and small labelled images that the tests write themselves."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray


def idx_bytes(array: NDArray[np.uint8]) -> bytes:
    """The IDX encoding, written from the format's definition."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.tobytes()


@pytest.fixture
def write_idx() -> Callable[[Path, NDArray[np.uint8]], Path]:
    """Write an array as IDX, gzipped if the name says so."""

    def write(path: Path, array: NDArray[np.uint8]) -> Path:
        content = idx_bytes(np.asarray(array, dtype=np.uint8))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
        return path

    return write


@pytest.fixture
def write_pair(write_idx):
    """Write a pair of 4x3 images whose pixel values encode the image's number; returns (images, labels)."""

    def write(folder: Path, prefix: str = "t10k", count: int = 6, suffix: str = "", first: int = 0):
        images = np.arange(first, first + count, dtype=np.uint8)[:, None, None] * np.ones((4, 3), np.uint8)
        labels = np.arange(count) % 2
        return (
            write_idx(folder / f"{prefix}-images-idx3-ubyte{suffix}", images),
            write_idx(folder / f"{prefix}-labels-idx1-ubyte{suffix}", labels),
        )

    return write


@pytest.fixture
def no_data_folder(monkeypatch):
    """The environment names no data folder."""
    monkeypatch.delenv("DEEPGLASS_DATA", raising=False)
