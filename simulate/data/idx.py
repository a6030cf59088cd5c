"""IDX, the file format of MNIST: big-endian header (type, dimensions, sizes), then unsigned bytes.

Images are ``*images*idx3*ubyte*`` (magic number 0x00000803), labels the same name with ``labels`` and
``idx1`` (0x00000801); either may be gzipped.
"""

import gzip
import math
import os
import struct
import zlib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepglass.errors import InvalidInput

EXPECTED_NAMES = (
    "train-images-idx3-ubyte[.gz] with train-labels-idx1-ubyte[.gz]"
    " or t10k-images-idx3-ubyte[.gz] with t10k-labels-idx1-ubyte[.gz]"
)

_IMAGES, _LABELS = 3, 1
_DIMENSIONS = {b"\x00\x00\x08\x03": _IMAGES, b"\x00\x00\x08\x01": _LABELS}
_GZIP = b"\x1f\x8b"
_CHUNK = 1 << 20


class Pair(NamedTuple):
    """An images file and its labels file."""

    images: Path
    labels: Path


def find_pairs(folder: Path) -> list[Pair]:
    """All pairs in ``folder``, training files first, then by name; of a file and its .gz one is used.

    An empty list if there is no images file; InvalidInput for one without its labels.
    """
    try:
        paths = sorted(folder.iterdir(), reverse=True)
    except OSError as error:
        raise InvalidInput(f"data folder {folder} cannot be read: {error.strerror}") from error
    # In reversed order NAME.gz comes before NAME, which then takes its place.
    files = {
        path.name.removesuffix(".gz"): path
        for path in paths
        if os.path.isfile(path) and not path.name.startswith(".")
    }
    images = [name for name in files if fnmatchcase(name, "*images*idx3*ubyte*")]
    return [_pair(files, name) for name in sorted(images, key=lambda name: ("train" not in name, name))]


def _pair(files: dict[str, Path], name: str) -> Pair:
    labels = name.replace("images", "labels").replace("idx3", "idx1")
    if labels not in files:
        raise InvalidInput(f"{files[name]} has no labels beside it: expected {labels} or {labels}.gz")
    return Pair(files[name], files[labels])


def read_pairs(pairs: list[Pair]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images (n, pixels) and labels (n,) of one or more pairs, joined in their order."""
    images, labels = zip(*(_read_pair(pair) for pair in pairs), strict=True)
    for pair, block in zip(pairs, images, strict=True):
        if block.shape[1:] != images[0].shape[1:]:
            raise InvalidInput(
                f"{pair.images} holds images of {_size(block)} pixels,"
                f" but {pairs[0].images} of {_size(images[0])}"
            )
    joined = np.concatenate(images)
    return joined.reshape(len(joined), -1), np.concatenate(labels)


def _read_pair(pair: Pair) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    images, labels = read_idx(pair.images), read_idx(pair.labels)
    if images.ndim != _IMAGES:
        raise InvalidInput(f"IDX file {pair.images} holds labels, not images")
    if labels.ndim != _LABELS:
        raise InvalidInput(f"IDX file {pair.labels} holds images, not labels")
    if len(images) != len(labels):
        raise InvalidInput(
            f"{pair.images} holds {len(images)} images, but {pair.labels} {len(labels)} labels"
        )
    return images, labels


def _size(images: NDArray[np.uint8]) -> str:
    return "x".join(str(size) for size in images.shape[1:])


def read_idx(path: str | Path) -> NDArray[np.uint8]:
    """Images (n, rows, columns) or labels (n,) of an IDX file, gzipped or not, whatever it is called."""
    source = Path(path)
    if not os.path.isfile(source):
        raise InvalidInput(f"IDX file {source} does not exist")
    try:
        with source.open("rb") as stream:
            compressed = stream.read(len(_GZIP)) == _GZIP
            stream.seek(0)
            if not compressed:
                return _parse(stream, source)
            with gzip.open(stream) as unpacked:
                return _parse_unpacked(unpacked, source)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InvalidInput(f"IDX file {source}: its gzip is damaged ({error})") from error
    except OSError as error:
        raise InvalidInput(f"IDX file {source} cannot be read: {error.strerror or error}") from error


def _parse_unpacked(stream: gzip.GzipFile, source: Path) -> NDArray[np.uint8]:
    """Parse, but blame wrong content on the gzip when that is damaged: its checksum comes last."""
    try:
        return _parse(stream, source)
    except InvalidInput:
        while stream.read(_CHUNK):
            pass
        raise


def _parse(stream: BinaryIO | gzip.GzipFile, source: Path) -> NDArray[np.uint8]:
    magic = stream.read(4)
    dimensions = _DIMENSIONS.get(magic)
    if dimensions is None:
        raise InvalidInput(
            f"{source} is not an IDX file of bytes: it starts with {magic.hex() or 'nothing'},"
            " not with 00000803 (images) or 00000801 (labels)"
        )
    header = stream.read(4 * dimensions)
    if len(header) < 4 * dimensions:
        raise InvalidInput(f"IDX file {source} is truncated: it ends inside its header")
    shape = struct.unpack(f">{dimensions}I", header)
    size = math.prod(shape)
    if size == 0:
        what = "labels" if dimensions == _LABELS else "pixels" if shape[0] else "images"
        raise InvalidInput(f"IDX file {source} holds no {what}: its header says {shape}")
    content = _read_at_most(stream, size + 1)
    if len(content) < size:
        raise InvalidInput(
            f"IDX file {source} is truncated: its header promises {size} bytes, it holds {len(content)}"
        )
    if len(content) > size:
        raise InvalidInput(f"IDX file {source} has trailing bytes after the {size} that its header promises")
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)


def _read_at_most(stream: BinaryIO | gzip.GzipFile, limit: int) -> bytearray:
    """Up to ``limit`` bytes; memory follows what the file holds, not what its header claims."""
    content = bytearray()
    while len(content) < limit and (chunk := stream.read(min(_CHUNK, limit - len(content)))):
        content += chunk
    return content
