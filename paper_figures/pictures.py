"""Pictures of a folder, one subfolder for each class, and pictures made small."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageOps

from deepglass.errors import InvalidInput

SIDE = 28
"""Longest side in pixels, MNIST's; a larger picture is shrunk to it."""
MOST = 1000
"""Pictures of a class that are read, evenly over their names: more than the demo looks at."""
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")

SPLITS = ("train", "training", "test", "testing", "val", "valid", "validation")
"""Folders that hold folders of classes."""

Grey = NDArray[np.float32]


def folders_of_pictures(path: Path) -> dict[str, list[Path]]:
    """The pictures of each subfolder that has any, by name."""
    found = {}
    for folder in sorted(x for x in path.iterdir() if x.is_dir() and x.name[0] not in "._"):
        pictures = sorted(
            x for x in folder.iterdir() if x.suffix.lower() in ENDINGS and not x.name.startswith(".")
        )
        if pictures:
            found[folder.name] = pictures
    return found


def astray(path: Path) -> str:
    """What a folder without pictures by class holds instead, and what was expected."""
    expected = f"expected a folder of pictures for each class ({path}/cat/1.png)"
    loose = sum(x.suffix.lower() in ENDINGS for x in path.iterdir())
    if loose:
        return f"{loose} pictures but no folders of them; {expected}"
    deeper = sorted(x.parent for x in path.glob("*/*/*") if x.suffix.lower() in ENDINGS)
    if not deeper:
        return f"no images; {expected}"
    parts = [folder.parent for folder in deeper if folder.parent.name.lower() in SPLITS]
    remedy = f"name {parts[0]}" if parts else f"move those of {deeper[0]} up into {deeper[0].parent}"
    return f"pictures two folders deep; {remedy}, or {expected}"


def read_pictures(folders: dict[str, list[Path]], notes: list[str]) -> tuple[Grey, NDArray[np.str_]]:
    """At most MOST pictures a folder, grey and small (n, rows, columns), and the names of folders (n,)."""
    taken = {name: _evenly(name, paths, notes) for name, paths in folders.items()}
    labels = [name for name, paths in taken.items() for _ in paths]
    opened = [_open(path) for paths in taken.values() for path in paths]
    pictures = [each.grey for each in opened]
    sizes = {each.size for each in opened}
    if any(each.coloured for each in opened):
        notes.append("colour was turned to grey")
    if any(each.transparent for each in opened):
        notes.append("transparent parts were made white")
    if len(sizes) > 1:
        notes.append(f"pictures of {len(sizes)} sizes were made {SIDE} x {SIDE}")
        small = [picture.resize((SIDE, SIDE), Image.Resampling.BOX) for picture in pictures]
    else:
        small = [_within(picture) for picture in pictures]
        _say_shrunk(sizes.pop(), small[0], notes)
    return np.stack([np.asarray(x, dtype=np.float32) for x in small]), np.array(labels)


def _evenly(name: str, paths: list[Path], notes: list[str]) -> list[Path]:
    """At most MOST of ``paths``, evenly spaced: the first by name may all be of one day or one subject."""
    if len(paths) <= MOST:
        return paths
    notes.append(f"{MOST} of the {len(paths)} pictures of {name} were taken, evenly over their names")
    return [paths[k * len(paths) // MOST] for k in range(MOST)]


def shrink(path: Path, images: Grey, notes: list[str]) -> Grey:
    """Images (n, rows, columns) with no side longer than SIDE; rows of pixels (n, pixels) stay as they are.

    Raises InvalidInput for rows that are too long to learn.
    """
    if images.ndim == 2:
        if images.shape[1] > 4 * SIDE**2:
            raise InvalidInput(
                f"data {path}: images of {images.shape[1]} pixels are too large, and rows of pixels cannot be"
                " shrunk; give them as (n, rows, columns)"
            )
        return images
    if max(images.shape[1:]) <= SIDE:
        return images
    small = [_within(Image.fromarray(x)) for x in images]
    _say_shrunk((images.shape[2], images.shape[1]), small[0], notes)
    return np.stack([np.asarray(x, dtype=np.float32) for x in small])


def _within(picture: Image.Image) -> Image.Image:
    """A grey picture, its longest side at most SIDE."""
    longest = max(picture.size)
    if longest <= SIDE:
        return picture
    columns, rows = (max(1, round(x * SIDE / longest)) for x in picture.size)
    return picture.resize((columns, rows), Image.Resampling.BOX)


def _say_shrunk(size: tuple[int, int], small: Image.Image, notes: list[str]) -> None:
    """A note where images of ``size`` (columns, rows) became smaller."""
    if size != small.size:
        columns, rows = size
        notes.append(f"images of {rows} x {columns} pixels were shrunk to {small.height} x {small.width}")


class Opened(NamedTuple):
    """A picture as brightness (mode F), upright, on white where it is transparent, no larger than is needed.

    ``size`` is its own (columns, rows); whether it was ``coloured``, or in part ``transparent``.
    """

    grey: Image.Image
    size: tuple[int, int]
    coloured: bool
    transparent: bool


def _open(path: Path) -> Opened:
    try:
        with Image.open(path) as opened:
            picture = ImageOps.exif_transpose(opened)
            if picture.mode.startswith(("I", "F")):  # more than 8 bits: conversion to L would cut them off
                return Opened(picture.convert("F"), picture.size, False, False)
            transparent = False
            if picture.has_transparency_data:
                layered = picture.convert("RGBA")
                transparent = layered.getchannel("A").getextrema() != (255, 255)
                picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), layered)
            red, *others = picture.convert("RGB").split()
            coloured = any(ImageChops.difference(red, other).getbbox() for other in others)
            grey = picture.convert("L").convert("F")
    except Exception as error:  # a damaged picture raises whatever its decoder does
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InvalidInput(f"picture {path} cannot be read: {reason}") from error
    size = grey.size
    # Photographs are large: what is kept of one is small, what is averaged later still fine.
    grey.thumbnail((8 * SIDE, 8 * SIDE), Image.Resampling.BOX)
    return Opened(grey, size, coloured, transparent)
