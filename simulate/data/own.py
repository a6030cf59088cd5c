"""The user's own images: an .npz file with arrays ``images`` and ``labels``, or a folder of IDX pairs."""

import os
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from deepglass.errors import InvalidInput
from simulate.data import idx
from simulate.data.images import Pool


def is_own(data: str) -> bool:
    """Whether ``data`` means a file or folder: it ends in .npz or is a folder."""
    return data.endswith(".npz") or (data != "" and os.path.isdir(os.path.expanduser(data)))


def pool(data: str) -> Pool:
    """All images of the file or folder; by default all its labels, and a threshold from its own range."""
    path = Path(os.path.expanduser(data))
    if data.endswith(".npz"):
        images, labels = read_npz(path)
        source = f"arrays images and labels of {path.name}"
    else:
        pairs = idx.find_pairs(path)
        if not pairs:
            raise InvalidInput(
                f"data folder {path} holds no IDX images; expected {idx.EXPECTED_NAMES};"
                " pictures by class: python -m paper_figures demo --data"
            )
        images, labels = idx.read_pairs(pairs)
        source = ", ".join(pair.images.name for pair in pairs)
    return Pool(data, images, labels, source, threshold=None, classes=None)


def read_npz(path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    """Images (n, pixels) of finite numbers and integer labels (n,); nothing in the file is executed."""
    images, labels = arrays(path)
    images = checked_images(path, images).reshape(len(images), -1)
    return images, _checked_labels(path, labels, len(images))


def arrays(path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    """The arrays images and labels of an .npz file, whatever they hold; nothing in it is executed."""
    if not os.path.isfile(path):
        problem = "is a folder, not a file" if os.path.isdir(path) else "does not exist"
        raise InvalidInput(f"data file {path} {problem}")
    with _open(path) as archive:
        missing = [name for name in ("images", "labels") if name not in archive]
        if missing:
            raise InvalidInput(
                f"data file {path} lacks the array {' and '.join(missing)}; it holds"
                f" {', '.join(archive.files) or 'none'}"
            )
        images, labels = (_member(path, archive, name) for name in ("images", "labels"))
    return images, labels


def _open(path: Path) -> NpzFile:
    try:
        archive = np.load(path, allow_pickle=False)
    except BadZipFile as error:
        raise InvalidInput(f"data file {path} is a damaged .npz archive ({error})") from error
    except OSError as error:
        raise InvalidInput(f"data file {path} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # what NumPy takes for a pickle or a broken array; its advice would mislead
        raise InvalidInput(f"data file {path} is not an .npz archive") from error
    if not isinstance(archive, NpzFile):
        raise InvalidInput(f"data file {path} is a single array, not an .npz archive")
    return archive


def _member(path: Path, archive: NpzFile, name: str) -> NDArray[Any]:
    """One array; a member that is none comes as its bytes, an array of text that the checks refuse."""
    try:
        return np.asarray(archive[name])
    except Exception as error:  # zip, zlib and npy readers raise many types on damaged bytes
        reason = " ".join(str(error).split())
        if "allow_pickle" in reason:
            problem = f"must be numbers, not objects ({name}.astype(int), or .astype(str) of words)"
        else:
            problem = f"cannot be read ({type(error).__name__}: {reason})"
        raise InvalidInput(f"data file {path}: {name} {problem}") from error


def checked_images(path: Path, images: NDArray[Any]) -> NDArray[Any]:
    """The images, (n, ...), if they are finite numbers and there are any."""
    if images.dtype.kind not in "biuf":
        raise InvalidInput(f"data file {path}: images must be numbers, not {images.dtype}")
    if images.ndim < 2:
        raise InvalidInput(f"data file {path}: images must have shape (n, ...), not {images.shape}")
    if images.size == 0:
        what = "pixels" if len(images) else "images"
        raise InvalidInput(f"data file {path}: images of shape {images.shape} hold no {what}")
    if not np.isfinite(images).all():
        raise InvalidInput(f"data file {path}: images hold NaN or infinity")
    return images


def _checked_labels(path: Path, labels: NDArray[Any], count: int) -> NDArray[Any]:
    if labels.dtype.kind not in "iu":
        raise InvalidInput(
            f"data file {path}: labels must be integers, not {labels.dtype};"
            " words: python -m paper_figures demo --data"
        )
    if labels.shape != (count,):
        raise InvalidInput(
            f"data file {path}: labels must have shape ({count},), one for each image, not {labels.shape}"
        )
    return labels
