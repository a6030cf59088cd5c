"""Labelled images for ordinary networks: real numbers, centred and scaled, and the place of each label.

The same sources and the same split as elsewhere (:mod:`simulate.data`), but grey values are kept.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepglass import checks
from deepglass.errors import InvalidInput
from simulate.data import pool
from simulate.data.images import distinct_classes
from simulate.data.streams import Stream, generator

TEST_PATTERNS = 400


@dataclass(frozen=True, eq=False)
class Labelled:
    """Training and test patterns.

    Attributes:
        inputs: (M, pixels) float32: of mean 0 and mean square 1 over all pixels of the training patterns.
        labels: (M,) int64, places of the labels in ``classes``.
        test_inputs, test_labels: the same of the test patterns.
        classes: labels behind the outputs.
        source: for a human reader.
    """

    inputs: NDArray[np.float32]
    labels: NDArray[np.int64]
    test_inputs: NDArray[np.float32]
    test_labels: NDArray[np.int64]
    classes: tuple[int, ...]
    source: str

    @property
    def sha256(self) -> str:
        """Of the four arrays."""
        digest = hashlib.sha256()
        for array in (self.inputs, self.labels, self.test_inputs, self.test_labels):
            digest.update(repr(array.shape).encode() + np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def load(
    data: str = "digits", *, patterns: int = 0, test_patterns: int = TEST_PATTERNS, seed: int = 0,
    classes: Sequence[int] | None = None, data_dir: str | os.PathLike[str] | None = None,
) -> Labelled:  # fmt: skip
    """``patterns`` training patterns (0: all that the test leaves) and ``test_patterns`` of a source.

    ``data`` is digits, mnist, cifar10, PATH.npz (arrays ``images``, ``labels``) or a folder of IDX files;
    all its classes without ``classes``. ``seed`` orders the images: training takes the first, testing the
    last, so that the test is the same for every M. Raises InvalidInput for what cannot be.
    """
    found = pool(data, data_dir)
    wanted = checks.integer("patterns", patterns, 0)
    tested = checks.integer("test_patterns", test_patterns, 0)
    present = np.unique(found.labels)
    chosen = distinct_classes(present.tolist() if classes is None else list(classes))
    if missing := set(chosen) - set(present.tolist()):
        raise InvalidInput(f"{found.name} holds no image of class {min(missing)}")
    kept = np.isin(found.labels, chosen)
    images, names = found.images[kept], found.labels[kept]
    count = len(images)
    train = wanted or count - tested
    if train < 1 or train + tested > count:
        raise InvalidInput(
            f"patterns = {wanted} and test_patterns = {tested} exceed the {count} images of {found.name}"
        )
    order = generator(checks.integer("seed", seed, 0), Stream.SPLIT).permutation(count)
    first, last = order[:train], order[count - tested :]
    mean = float(images[first].mean(dtype=float))
    spread = float(images[first].std(dtype=float))
    if not spread > 0:
        raise InvalidInput(f"all pixels of {found.name} are equal")
    ordered = np.sort(chosen)
    place = np.argsort(chosen).astype(np.int64)

    def part(which: NDArray[np.intp]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        scaled = (images[which].astype(np.float64) - mean) / spread
        return scaled.astype(np.float32), place[np.searchsorted(ordered, names[which])]

    source = (
        f"{found.source}: {count} images of {len(chosen)} classes, less {mean:.4g}, over {spread:.4g},"
        f" order by seed {seed}"
    )
    return Labelled(*part(first), *part(last), chosen, source)


def folded(inputs: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Inputs (M, ...) as (M, *shape); as they are without a shape."""
    if not shape:
        return inputs
    try:
        return inputs.reshape(len(inputs), *shape)
    except ValueError as error:
        raise InvalidInput(f"inputs of shape {inputs.shape[1:]} cannot have the shape {shape}") from error
