"""CIFAR-10: 32x32 colour images, the binary version's files in a folder of the user's.

A file is a row of records: a byte that is the label (0..9), then 3072 of colour. The pickled version of the
same images is not read: nothing of the user's is ever executed.
"""

import os
from pathlib import Path

import numpy as np

from deepglass.errors import InvalidInput
from simulate.data.images import Pool
from simulate.data.mnist import ENVIRONMENT

TRAINING = tuple(f"data_batch_{k}.bin" for k in range(1, 6))
TEST = "test_batch.bin"
FOLDERS = ("", "cifar10", "cifar-10-batches-bin", "cifar10/cifar-10-batches-bin")
"""Where the files may lie in the named folder."""

PIXELS, LABELS = 3072, 10
THRESHOLD = 127


def pool(data_dir: str | os.PathLike[str] | None = None) -> Pool:
    """All images of the files there are in ``data_dir``, else in $DEEPGLASS_DATA; those of the test last."""
    named = data_dir if data_dir is not None else os.environ.get(ENVIRONMENT)
    if not named:
        raise InvalidInput(
            f"CIFAR-10 is not downloaded: name the folder of {TRAINING[0]} ... {TEST} (the binary version) by"
            f" --data-dir or {ENVIRONMENT}"
        )
    paths = _files(Path(os.path.expanduser(named)))
    records = np.concatenate([_records(path) for path in paths])
    names = ", ".join(path.name for path in paths)
    return Pool("cifar10", records[:, 1:], records[:, 0].astype(np.int64), names, THRESHOLD)


def _files(folder: Path) -> list[Path]:
    for place in (folder / name for name in FOLDERS):
        found = [place / name for name in (*TRAINING, TEST) if (place / name).is_file()]
        if found:
            return found
    raise InvalidInput(
        f"data folder {folder} holds no CIFAR-10; expected {TRAINING[0]} ... {TEST} of the binary version,"
        f" there or in its {', '.join(FOLDERS[1:])}"
    )


def _records(path: Path) -> np.ndarray:
    try:
        content = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise InvalidInput(f"data file {path} cannot be read: {error.strerror}") from error
    if content.size == 0 or content.size % (PIXELS + 1):
        raise InvalidInput(
            f"data file {path} has {content.size} bytes, not a multiple of {PIXELS + 1}: not whole records of"
            " the binary version of CIFAR-10"
        )
    records = content.reshape(-1, PIXELS + 1)
    if records[:, 0].max() >= LABELS:
        raise InvalidInput(f"data file {path}: label {records[:, 0].max()} is not one of 0..{LABELS - 1}")
    return records
