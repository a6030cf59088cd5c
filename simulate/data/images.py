"""From a pool of labelled images to a data set: choose classes, split, binarise, one-hot."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepglass.checks import real
from deepglass.errors import InvalidInput
from simulate.data.dataset import TEST_PATTERNS, DataSet, Signs
from simulate.data.nulls import OWN, Null
from simulate.data.streams import Stream, generator

MAX_DEFAULT_CLASSES = 10


@dataclass(frozen=True, eq=False)
class Pool:
    """All labelled images of a source and how they are used unless the user says otherwise."""

    name: str
    images: NDArray[Any]
    """Finite numbers, shape (n, pixels)."""
    labels: NDArray[Any]
    """Integers, shape (n,)."""
    source: str
    threshold: float | None = None
    """A pixel above it is +1; None: halfway between the smallest and the largest pixel."""
    classes: tuple[int, ...] | None = (0, 1)
    """None: every label there is, in sorted order."""


def dataset(
    pool: Pool,
    patterns: int,
    seed: int,
    classes: Sequence[int] | None = None,
    threshold: float | None = None,
    null: Null = OWN,
) -> DataSet:
    """Split the images of ``classes`` into M training patterns and up to 400 test patterns.

    The images are permuted by ``seed``; training takes the first M, testing the last min(400, n - M),
    so that the test set is the same for every M <= n - 400. ``null`` says what is replaced then.
    """
    chosen, images, targets = _select(pool, classes)
    if patterns > len(images):
        raise InvalidInput(
            f"M = {patterns} exceeds the pool: {pool.name} holds {len(images)} images"
            f" of the classes {_listed(chosen)}"
        )
    inputs, level, rule = _binarise(pool, images, threshold)
    order = generator(seed, Stream.SPLIT).permutation(len(images))
    first = order[:patterns]
    last = order[max(patterns, len(order) - TEST_PATTERNS) :]
    training, test = (inputs[first], targets[first]), (inputs[last], targets[last])
    rule = "" if null.images == "random" else f" {rule},"
    source = (
        f"{pool.source}: {len(images)} images of the classes {_listed(chosen)},{rule} order by seed {seed}"
        f"{'' if len(last) else ', no test images left'}"
    )
    training, test, replaced = null.replace(training, test, inputs, len(chosen), seed)
    return DataSet.build(
        pool.name,
        (training[0], one_hot(training[1], len(chosen))),
        (test[0], one_hot(test[1], len(chosen))),
        classes=chosen,
        threshold=None if null.images == "random" else level,
        source=f"{source}; {replaced}" if replaced else source,
    )


def one_hot(targets: NDArray[np.intp], width: int) -> Signs:
    """Rows (n, width) of -1 with +1 at ``targets``."""
    outputs = np.full((len(targets), width), -1, dtype=np.int8)
    outputs[np.arange(len(targets)), targets] = 1
    return outputs


def distinct_classes(values: Sequence[int]) -> tuple[int, ...]:
    """Return two or more different integer labels in the order given, else raise InvalidInput."""
    classes = tuple(_label(value) for value in values)
    if len(set(classes)) != len(classes) or len(classes) < 2:
        raise InvalidInput(f"classes = {_listed(classes) or 'nothing'} must be two or more different labels")
    return classes


def _label(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise InvalidInput(f"classes must be integer labels, not {value!r}")
    return int(value)


def _select(
    pool: Pool, classes: Sequence[int] | None
) -> tuple[tuple[int, ...], NDArray[Any], NDArray[np.intp]]:
    """The classes used, their images, and for each image the position of its label among the classes."""
    values, positions = np.unique(pool.labels, return_inverse=True)
    present: list[int] = values.tolist()
    if classes is None:
        classes = pool.classes or _every(pool, present)
    chosen = distinct_classes(classes)
    missing = [label for label in chosen if label not in present]
    if missing:
        raise InvalidInput(
            f"{pool.name} holds no image of class {_listed(missing)}; its labels are {_listed(present)}"
        )
    target_of = np.full(len(present), -1, dtype=np.intp)
    target_of[[present.index(label) for label in chosen]] = np.arange(len(chosen))
    targets = target_of[positions]
    kept = targets >= 0
    return chosen, pool.images[kept], targets[kept]


def _every(pool: Pool, present: list[int]) -> list[int]:
    if len(present) < 2:
        raise InvalidInput(
            f"{pool.name} holds one label only ({_listed(present)}); two or more classes are needed"
        )
    if len(present) > MAX_DEFAULT_CLASSES:
        raise InvalidInput(
            f"{pool.name} holds {len(present)} different labels ({_listed(present)});"
            " choose some with --classes"
        )
    return present


def _binarise(pool: Pool, images: NDArray[Any], threshold: float | None) -> tuple[Signs, float, str]:
    """Signs of the images, the threshold, and the rule in words; one that parts no pixels is refused."""
    origin = ""
    if threshold is not None:
        level = real("threshold", threshold)
    elif pool.threshold is not None:
        level = float(pool.threshold)
    else:
        low, high = float(pool.images.min()), float(pool.images.max())
        level = low / 2 + high / 2  # no overflow
        origin = f" (halfway between {low:g} and {high:g})"
    bright = images > np.float64(level)  # a NumPy scalar: float32 pixels are compared in double precision
    if bright.all() or not bright.any():
        raise InvalidInput(
            f"threshold = {level:g}{origin} makes all pixels of {pool.name} equal;"
            f" they lie between {float(images.min()):g} and {float(images.max()):g}"
        )
    return np.where(bright, np.int8(1), np.int8(-1)), level, f"pixel > {level:g} is +1{origin}"


def _listed(labels: Sequence[int], most: int = 20) -> str:
    text = ", ".join(str(label) for label in labels[:most])
    return text + ", ..." if len(labels) > most else text
