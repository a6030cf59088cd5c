"""Labelled images as people have them, made into what the machine can learn: few grey pixels, integer labels.

An .npz file (arrays ``images``, ``labels``), a folder with one subfolder of pictures for each class, or a
folder of IDX files. Colour becomes grey, large pictures are shrunk, words become numbers; every change is
said in a line.
"""

import math
import os
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from deepglass.errors import InvalidInput
from paper_figures.pictures import astray, folders_of_pictures, read_pictures, shrink
from simulate.data import idx
from simulate.data.own import arrays, checked_images

FEWEST = 30
"""Images of a class below which there is too little to learn and to test."""
MOST_CLASSES = 2
"""Without ``classes``; the demo's network has eight neurons a layer."""
GREY = (0.299, 0.587, 0.114)
"""Brightness of red, green and blue (ITU-R BT.601)."""
BRIGHT = (0.05, 0.95)
"""Share of bright pixels at which half-way between darkest and brightest is a good threshold."""


@dataclass(frozen=True, eq=False)
class OwnImages:
    """Images ready for the machine.

    Attributes:
        images: brightness, shape (n, rows, columns) or (n, pixels), float32.
        labels: 0, 1, ..., places in ``classes``; shape (n,).
        classes: the labels as the user has them.
        threshold: a pixel above it is +1.
        notes: what there is and what was done to it, one line each.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    threshold: float
    notes: tuple[str, ...]

    def save(self, stream: BinaryIO) -> None:
        """Write arrays ``images`` and ``labels``, as ``python -m simulate run --data`` takes them."""
        np.savez_compressed(stream, images=self.images, labels=self.labels)


def prepare(data: str | Path, classes: str | Sequence[str] = (), threshold: float | None = None) -> OwnImages:
    """Read, look at and convert; ``classes`` are the labels that are wanted, needed where there are more than
    two: as a sequence, or as text with commas between them (a label may hold commas itself).

    Raises InvalidInput, in one line, for what cannot be used.
    """
    if not str(data).strip():
        raise InvalidInput("data = '' names nothing; name an .npz file or a folder")
    path, notes = Path(os.path.expanduser(data)), list[str]()
    images, labels, chosen = _read(path, classes, notes)
    counts = [int((labels == name).sum()) for name in chosen]
    for name, count in zip(chosen, counts, strict=True):
        if count < FEWEST:
            raise InvalidInput(
                f"data {path} hold {count} images of class {name}; at least {FEWEST} of each are needed"
            )
    kept = np.isin(labels, chosen)
    images, labels = images[kept], labels[kept]
    said = (f"{k} = {name} ({n} images)" for k, (name, n) in enumerate(zip(chosen, counts, strict=True)))
    notes.append(f"classes: {', '.join(said)}")
    if max(counts) > 2 * min(counts):
        notes.append("one class is far larger: compare the accuracy with that of always naming it")
    numbers = np.select([labels == name for name in chosen], list(range(len(chosen))))
    level = _threshold(path, images, threshold, notes)
    return OwnImages(images, numbers.astype(np.int64), chosen, level, tuple(notes))


def _read(
    path: Path, classes: str | Sequence[str], notes: list[str]
) -> tuple[NDArray[np.float32], NDArray[np.str_], tuple[str, ...]]:
    """Images (n, rows, columns) or (n, pixels), grey and small, labels as text (n,), and those wanted."""
    if path.is_file() and path.suffix != ".npz":
        raise InvalidInput(
            f"data {path} is neither a folder nor an .npz file; from Python:"
            " numpy.savez('my_images.npz', images=images, labels=labels)"
        )
    if not path.is_dir():
        if not path.exists() and (other := path.with_name(f"{path.name}.npz")).is_file():
            raise InvalidInput(f"data {path} does not exist; did you mean {other}?")
        images, labels = arrays(path)
        words = _words(path, labels)
        grey = _grey(path, checked_images(path, images), words, notes)
        return grey, words, _chosen(path, set(words.tolist()), classes)
    pairs = idx.find_pairs(path)
    if pairs:
        flat, digits = idx.read_pairs(pairs)
        words = digits.astype(str)
        return _grey(path, flat, words, notes), words, _chosen(path, set(words.tolist()), classes)
    folders = folders_of_pictures(path)
    if not folders:
        raise InvalidInput(f"data folder {path} holds {astray(path)}, or IDX: {idx.EXPECTED_NAMES}")
    # Chosen first: pictures of other classes need not be decoded.
    chosen = _chosen(path, folders, classes)
    return *read_pictures({name: folders[name] for name in folders if name in chosen}, notes), chosen


def _words(path: Path, labels: NDArray[Any]) -> NDArray[np.str_]:
    """Labels as text: whole numbers, words, or true and false."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        hint = "; of one-hot rows take labels.argmax(1)" if labels.ndim == 2 else ""
        raise InvalidInput(f"data file {path}: labels must have shape (n,), not {labels.shape}{hint}")
    if labels.dtype.kind == "f":
        if not (np.isfinite(labels).all() and (labels == np.rint(labels)).all()):
            raise InvalidInput(f"data file {path}: labels must be whole numbers or words, not fractions")
        labels = labels.astype(np.int64)
    if labels.dtype.kind == "S":
        labels = np.char.decode(labels, "utf-8", "replace")
    if labels.dtype.kind not in "biuU":
        raise InvalidInput(f"data file {path}: labels must be whole numbers or words, not {labels.dtype}")
    return np.char.strip(labels.astype(str))


def _grey(
    path: Path, images: NDArray[Any], labels: NDArray[np.str_], notes: list[str]
) -> NDArray[np.float32]:
    """One brightness for each pixel, and few pixels."""
    n, shape = len(labels), images.shape
    if shape[0] != n:
        hint = ": the first axis must count them (np.moveaxis(images, -1, 0))" if shape[-1] == n else ""
        raise InvalidInput(f"data file {path}: images of shape {shape}, but {n} labels{hint}")
    if images.ndim == 4 and shape[1] in (1, 3, 4) and shape[3] not in (1, 3, 4):
        images = np.moveaxis(images, 1, -1)  # channels first, as torch has them
    if images.ndim == 4 and images.shape[3] in (1, 3, 4):
        if images.shape[3] > 1:
            notes.append("colour was turned to grey")
            images = images[..., :3] @ np.array(GREY, dtype=np.float32)
        else:
            images = images[..., 0]
    elif images.ndim == 2 and math.isqrt(shape[1]) ** 2 == shape[1]:
        images = images.reshape(n, math.isqrt(shape[1]), -1)
    elif images.ndim not in (2, 3):
        raise InvalidInput(
            f"data file {path}: images of shape {shape} are none: (n, rows, columns), grey, or"
            " (n, rows, columns, 3), colour"
        )
    return shrink(path, images.astype(np.float32), notes)


def _chosen(path: Path, names: Iterable[str], classes: str | Sequence[str]) -> tuple[str, ...]:
    """The labels of ``names`` that are used: those asked for, or the two there are."""
    there = sorted(names, key=lambda word: (_number(word), word))
    listed = ", ".join(there[:12]) + (", ..." if len(there) > 12 else "")
    if len(there) < 2:
        raise InvalidInput(f"data {path} hold one class only ({listed}); two are needed")
    wanted = _split(classes, there) if isinstance(classes, str) else list(classes)
    if not wanted:
        if len(there) > MOST_CLASSES:
            raise InvalidInput(
                f"data {path} hold {len(there)} classes ({listed}); choose two:"
                f" --classes {shlex.quote(','.join(there[:2]))}"
            )
        return tuple(there)
    missing = [name for name in wanted if name not in there]
    if missing:
        raise InvalidInput(f"data {path} hold no class {', '.join(missing)}; there are {listed}")
    if len(set(wanted)) != len(wanted) or len(wanted) < 2:
        raise InvalidInput(f"classes = {', '.join(wanted)} must be two or more different labels")
    return tuple(wanted)


def _split(text: str, known: Sequence[str]) -> list[str]:
    """Names with commas between them; one that is ``known`` may hold commas: the longest that fits wins."""
    parts, found = [part.strip() for part in text.split(",")], []
    by_parts = {tuple(part.strip() for part in name.split(",")): name for name in known}
    while parts:
        length = next((n for n in range(len(parts), 0, -1) if tuple(parts[:n]) in by_parts), 1)
        found.append(by_parts.get(tuple(parts[:length]), parts[0]))
        parts = parts[length:]
    return [name for name in found if name]


def _number(word: str) -> float:
    """What labels are sorted by: numbers as numbers, words after them."""
    try:
        return int(word)
    except ValueError:
        return math.inf


def _threshold(path: Path, images: NDArray[np.float32], threshold: float | None, notes: list[str]) -> float:
    """Half-way between the darkest and the brightest pixel, or, where hardly any pixel is on one side of
    that, the median."""
    low, high = float(images.min()), float(images.max())
    level, why = (low + high) / 2, f"half-way between {low:g} and {high:g}"
    if threshold is not None:
        level, why = threshold, "given"
    elif not BRIGHT[0] <= (images > level).mean() <= BRIGHT[1]:
        median = float(np.median(images))
        if BRIGHT[0] <= (images > median).mean() <= BRIGHT[1]:
            level, why = median, "the median: half-way hardly any pixel would be on one side"
    share = float((images > level).mean())
    if share in (0, 1):
        raise InvalidInput(
            f"threshold = {level:g} makes all pixels of {path} equal; they lie between {low:g} and {high:g}"
        )
    notes.append(f"a pixel above {level:.4g} ({why}) is +1, others -1: {share:.0%} are +1")
    return level
