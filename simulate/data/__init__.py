"""Data sources behind one interface: digits, mnist, cifar10, own images, random patterns, a random teacher.

Of images or their labels, either may be replaced by what lacks their structure (:mod:`.nulls`).
"""

import os
import re
from collections.abc import Sequence

from deepglass.checks import integer, one_of
from deepglass.errors import InvalidInput
from simulate.data import cifar, digits, mnist, own, synthetic
from simulate.data.dataset import DataSet
from simulate.data.images import Pool, dataset, distinct_classes
from simulate.data.nulls import IMAGES, LABELS, Null

__all__ = ["IMAGES", "LABELS", "SOURCES", "DataSet", "load", "parse_classes", "pool"]

SOURCES = ("digits", "mnist", "cifar10", "random", "teacher")


def load(
    data: str | os.PathLike[str] = "digits",
    *,
    patterns: int,
    seed: int,
    width: int,
    depth: int,
    data_dir: str | os.PathLike[str] | None = None,
    classes: Sequence[int] | None = None,
    threshold: float | None = None,
    images: str = "own",
    labels: str = "own",
) -> DataSet:
    """M = ``patterns`` training patterns and up to 400 test patterns from the source ``data``.

    ``data`` is one of the words in SOURCES, an .npz file or a folder with IDX files. Images are made
    +-1 by ``threshold`` and restricted to ``classes`` (default 0 and 1; own images: all labels);
    ``data_dir`` says where the MNIST files lie. ``width`` and ``depth``, those of the network, matter
    to random and to teachers only. ``images`` and ``labels`` say what of a source with images is
    replaced: :mod:`.nulls` (random images have no threshold: one that is given is not looked at). The same
    arguments give the same patterns.

    >>> found = load("digits", patterns=100, seed=0, width=8, depth=4)
    >>> found.inputs.shape, found.classes
    ((100, 64), (0, 1))
    """
    patterns, seed = integer("M", patterns, 1), integer("seed", seed, 0)
    name = os.fspath(data)
    if name not in SOURCES:
        _check_own(name, SOURCES)
    null = Null(one_of("images", images, IMAGES), one_of("labels", labels, LABELS), width, depth)
    replaced = {"images": _unless_own(null.images), "labels": _unless_own(null.labels)}
    if name in ("random", "teacher"):
        _refuse(f"data = {name}", data_dir=data_dir, classes=classes, threshold=threshold, **replaced)
        if name == "random":
            return synthetic.random(patterns, seed, width)
        return synthetic.teacher(patterns, seed, width, depth)
    return dataset(pool(name, data_dir), patterns, seed, classes, threshold, null)


def parse_classes(text: str) -> tuple[int, ...]:
    """The labels in a comma-separated list such as ``0,1``, in its order.

    >>> parse_classes("3, 8")
    (3, 8)
    """
    words = [word.strip() for word in text.split(",")]
    if not all(re.fullmatch(r"[+-]?[0-9]{1,18}", word) for word in words):
        raise InvalidInput(f"classes = {text!r} must be integer labels separated by commas, such as 0,1")
    return distinct_classes([int(word) for word in words])


def pool(name: str, data_dir: str | os.PathLike[str] | None = None) -> Pool:
    """All labelled images of a source that has any; ``data_dir``: where its files lie, of MNIST or
    CIFAR-10."""
    if name == "mnist":
        return mnist.pool(data_dir)
    if name == "cifar10":
        return cifar.pool(data_dir)
    _refuse(f"data = {name}", data_dir=data_dir)
    if name == "digits":
        return digits.pool()
    _check_own(name, ("digits", "mnist", "cifar10"))
    return own.pool(name)


def _check_own(name: str, words: Sequence[str]) -> None:
    """Raise InvalidInput if ``name``, which is none of the ``words``, is no file or folder of images."""
    if not own.is_own(name):
        found = "that file is none" if os.path.exists(name) else "no such file or folder exists"
        raise InvalidInput(f"data = {name!r} must be one of {', '.join(words)}, PATH.npz, FOLDER; {found}")


def _unless_own(what: str) -> str | None:
    return None if what == "own" else what


def _refuse(beside: str, **options: object) -> None:
    """An option that a source has no use for is an error, not ignored."""
    given = [option for option, value in options.items() if value is not None]
    if given:
        raise InvalidInput(f"{' and '.join(given)} cannot be used with {beside}")
