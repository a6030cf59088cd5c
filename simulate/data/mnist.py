"""MNIST: 28x28 handwritten digits, from a folder of the user's or downloaded once into the cache."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

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
    if data_dir is None:
        data_dir = os.environ.get(ENVIRONMENT) or None
    elif not os.fspath(data_dir):
        raise InvalidInput("data_dir = '' must name a folder")
    pairs = _cached_pairs() if data_dir is None else _local_pairs(data_dir)
    images, labels = idx.read_pairs(pairs)
    return Pool("mnist", images, labels, ", ".join(pair.images.name for pair in pairs), THRESHOLD)


def _local_pairs(data_dir: str | os.PathLike[str]) -> list[idx.Pair]:
    """The pairs in a folder named by the user, or in its subfolder ``mnist``."""
    folder = Path(os.path.expanduser(data_dir))
    for place in (folder, folder / "mnist"):
        if os.path.isdir(place) and (pairs := idx.find_pairs(place)):
            return pairs
    if os.path.isdir(folder):  # unlike Path.is_dir, never raises
        problem = "holds no MNIST images"
    else:
        problem = "is not a folder" if os.path.exists(folder) else "does not exist"
    raise InvalidInput(
        f"data folder {folder} {problem}; expected {idx.EXPECTED_NAMES}, there or in its mnist/"
    )


def _cached_pairs() -> list[idx.Pair]:
    folder = cache_folder()
    fetch(folder)
    return idx.find_pairs(folder)


def cache_folder() -> Path:
    """Where downloaded files are kept, in the cache of the operating system."""
    import pooch

    return Path(pooch.os_cache("deepglass")) / "mnist"


def fetch(folder: Path, base_url: str = BASE_URL, registry: Mapping[str, str] = REGISTRY) -> list[Path]:
    """Download what ``folder`` lacks of ``registry`` (file name -> "md5:..."); returns the files.

    A file appears only once its hash is right; any failure is an InvalidInput that says how to do without
    and leaves no empty folder behind.
    """
    import pooch  # only a download needs it

    cache = pooch.create(path=folder, base_url=base_url, registry=dict(registry))
    downloader = pooch.HTTPDownloader(timeout=TIMEOUT)
    files = []
    with _silenced(pooch.get_logger()), _removed_if_left_empty(folder):
        for name in registry:
            try:
                files.append(Path(cache.fetch(name, downloader=downloader)))
            except (OSError, ValueError) as error:  # requests' errors are OSErrors, a wrong hash a ValueError
                raise InvalidInput(
                    f"MNIST file {name} could not be downloaded from {base_url}: {_reason(error, folder)};"
                    f" put the IDX files into a folder and name it by --data-dir or {ENVIRONMENT}"
                ) from error
    return files


def _reason(error: OSError | ValueError, folder: Path) -> str:
    """What went wrong, in a few words: the errors themselves tell it at great length."""
    from requests import exceptions

    if isinstance(error, exceptions.HTTPError) and error.response is not None:
        return f"the server answered {error.response.status_code}"
    if isinstance(error, exceptions.Timeout):
        return f"no answer within {TIMEOUT:g} s"
    if isinstance(error, exceptions.ConnectionError) and not isinstance(error, exceptions.SSLError):
        return "no connection"
    if isinstance(error, exceptions.RequestException):
        return f"the request failed ({type(error).__name__})"
    if isinstance(error, OSError):
        return f"folder {folder} cannot be written ({error.strerror or type(error).__name__})"
    return "its hash is not the known one"


@contextmanager
def _silenced(logger: logging.Logger) -> Iterator[None]:
    """Only warnings and worse are logged within."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextmanager
def _removed_if_left_empty(folder: Path) -> Iterator[None]:
    """On failure remove ``folder`` and the parents that were missing before, as far as they are empty."""
    created = [place for place in (folder, *folder.parents) if not os.path.exists(place)]
    try:
        yield
    except BaseException:
        for place in created:
            with suppress(OSError):  # not empty, or never created
                place.rmdir()
        raise
