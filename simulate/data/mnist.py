"""MNIST: 28x28 handwritten digits, from a folder of the user's or downloaded once into the cache."""

import os
from collections.abc import Mapping
from pathlib import Path

import pooch

from deepglass.errors import InvalidInput
from simulate.data import idx
from simulate.data.images import Pool

THRESHOLD = 127
ENVIRONMENT = "DEEPGLASS_DATA"
BASE_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
REGISTRY = {
    "train-images-idx3-ubyte.gz": "md5:f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "md5:d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "md5:9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "md5:ec29112dd5afa0611ce80d1b7f02629c",
}
TIMEOUT = 30.0
"""Seconds without an answer after which a download is given up."""


def pool(data_dir: str | os.PathLike[str] | None = None) -> Pool:
    """All images of all pairs in ``data_dir``, else in $DEEPGLASS_DATA, else downloaded."""
    pairs = _local_pairs(data_dir or os.environ.get(ENVIRONMENT)) or _cached_pairs()
    images, labels = idx.read_pairs(pairs)
    return Pool("mnist", images, labels, ", ".join(pair.images.name for pair in pairs), THRESHOLD)


def _local_pairs(data_dir: str | os.PathLike[str] | None) -> list[idx.Pair]:
    """The pairs in a folder named by the user, or in its subfolder ``mnist``; [] if none is named."""
    if not data_dir:
        return []
    folder = Path(data_dir).expanduser()
    for place in (folder, folder / "mnist"):
        if place.is_dir() and (pairs := idx.find_pairs(place)):
            return pairs
    problem = "holds no MNIST images" if folder.is_dir() else "does not exist"
    raise InvalidInput(
        f"data folder {folder} {problem}; expected {idx.EXPECTED_NAMES}, there or in its mnist/"
    )


def _cached_pairs() -> list[idx.Pair]:
    folder = Path(pooch.os_cache("deepglass")) / "mnist"
    fetch(folder)
    return idx.find_pairs(folder)


def fetch(folder: Path, base_url: str = BASE_URL, registry: Mapping[str, str] = REGISTRY) -> list[Path]:
    """Download what ``folder`` lacks of ``registry`` (file name -> "md5:..."); returns the files.

    A file appears only once its hash is right; any failure is an InvalidInput that says how to do without.
    """
    cache = pooch.create(path=folder, base_url=base_url, registry=dict(registry))
    downloader = pooch.HTTPDownloader(timeout=TIMEOUT)
    files = []
    for name in registry:
        try:
            files.append(Path(cache.fetch(name, downloader=downloader)))
        except (OSError, ValueError) as error:  # requests' errors are OSErrors, a wrong hash a ValueError
            reason = " ".join(str(error).split())
            raise InvalidInput(
                f"MNIST file {name} could not be fetched from {base_url} into {folder} ({reason});"
                f" to do without, put {', '.join(registry)} into a folder"
                f" and name it by --data-dir or {ENVIRONMENT}"
            ) from error
    return files
