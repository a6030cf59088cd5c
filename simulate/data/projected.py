"""Images reduced to their leading principal components, with their classes or the parity of their labels; and
what has no structure.

Axes are those of all images but those of the test, which are centred by themselves. Pixels are brought to
mean 0 and variance 1 before (arXiv:2405.13098: its code), or run from 0 to 1 (arXiv:2007.08093); components
are neither whitened nor scaled. The parity is +1 for even labels and -1 for odd ones.
"""

import hashlib
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepglass.errors import InvalidInput
from simulate import data as sources
from simulate.data import zou_huang
from simulate.data.streams import Stream, generator

Points = NDArray[np.float64]

GAUSSIAN = "gaussian"
IMAGES = ("digits", "mnist", "cifar10")
SOURCES = (GAUSSIAN, *IMAGES)
"""Of points with a parity."""
CLASSES = (*IMAGES, zou_huang.NAME)
"""Of points with classes."""


@dataclass(frozen=True, eq=False)
class Projected:
    """P points of the training and those of the test, (components, P) each, and their labels, (P,)."""

    inputs: Points
    labels: Points
    """+-1, or the number of the class."""
    test_inputs: Points
    test_labels: Points
    source: str
    sha256: str
    """Of what they were made from: the last bits of a projection are the machine's."""
    classes: tuple[int, ...] = ()
    """The label of every class; none where labels are parities."""


def load(
    data: str | os.PathLike[str],
    *,
    patterns: int,
    test_patterns: int,
    components: int,
    power: float | None,
    seed: int,
    data_dir: str | os.PathLike[str] | None = None,
) -> Projected:
    """The first ``patterns`` images of a source and the last ``test_patterns`` of it, or Gaussian points.

    ``data`` is one of SOURCES, an .npz file or a folder of IDX files. All inputs are divided by one number
    so that the mean of |x|^2 over the training is ``power``; None: they stay as they are. Gaussian points
    have fair signs for labels. Raises InvalidInput for a source with too few images or pixels, or without
    variance.
    """
    name = os.fspath(data)
    if name == GAUSSIAN:
        if data_dir is not None:
            raise InvalidInput("data_dir cannot be used with data = gaussian")
        return _gaussian(patterns, test_patterns, components, power, seed)
    pool = sources.pool(name, data_dir)
    count = len(pool.images)
    fitted = _fitted(pool.name, count, pool.images.shape[1], patterns, test_patterns, components)
    inputs, test = _components(pool.images[:fitted], pool.images[fitted:], components, standardised=True)
    labels = np.where(pool.labels % 2 == 0, 1.0, -1.0)
    inputs = inputs[:patterns]
    scale = 1.0
    if power is not None:
        mean = float(np.square(inputs).sum(1).mean())
        if mean == 0:
            raise InvalidInput(f"the training images of {pool.name} are all the same")
        scale = float(np.sqrt(power / mean))
    settings = (patterns, test_patterns, components, power, pool.images.dtype)
    return Projected(
        (scale * inputs).T.copy(), labels[:patterns], (scale * test).T.copy(), labels[fitted:],
        f"{pool.source}: the first {patterns} of {count} images, {components} components of the first"
        f" {fitted}, parity of labels",
        _digest(settings, pool.images, pool.labels),
    )  # fmt: skip


def classified(
    data: str | os.PathLike[str],
    *,
    patterns: int,
    test_patterns: int,
    components: int,
    seed: int,
    shuffled: bool = False,
    data_dir: str | os.PathLike[str] | None = None,
) -> Projected:
    """As :func:`load`, of CLASSES or own images, with the number of its class as the label of an image.

    Pixels are divided by their largest value. ``shuffled``: training labels in an order of ``seed``, the
    null. Raises InvalidInput as there.
    """
    name = os.fspath(data)
    if name == zou_huang.NAME:
        points, digits = zou_huang.components(data_dir)
        count = len(points)
        fitted = _fitted(name, count, points.shape[1], patterns, test_patterns, components)
        inputs, test = points[:fitted, :components], points[fitted:, :components]
        pixels, source = points, "MNIST test images, components of arXiv:2007.08093"
    else:
        pool = sources.pool(name, data_dir)
        count, pixels, digits = len(pool.images), pool.images, pool.labels
        fitted = _fitted(pool.name, count, pixels.shape[1], patterns, test_patterns, components)
        largest = float(np.abs(pixels).max())
        if largest == 0:
            raise InvalidInput(f"the images of {pool.name} are all 0")
        unit = pixels.astype(np.float64) / largest
        inputs, test = _components(unit[:fitted], unit[fitted:], components, standardised=False)
        source = f"{pool.source}: components of the first {fitted}"
    known, labels = np.unique(digits, return_inverse=True)
    wanted = labels[:patterns].astype(np.float64)
    if shuffled:
        wanted = generator(seed, Stream.LABELS).permutation(wanted)
    settings = (patterns, test_patterns, components, "classes", shuffled and seed, pixels.dtype)
    return Projected(
        inputs[:patterns].T.copy(), wanted, test.T.copy(), labels[fitted:].astype(np.float64),
        f"{source}, the first {patterns} of {count}, {components} components"
        f"{', labels shuffled' if shuffled else ''}",
        _digest(settings, pixels, digits),
        tuple(int(x) for x in known),
    )  # fmt: skip


def _fitted(name: str, count: int, pixels: int, patterns: int, tests: int, components: int) -> int:
    """How many images are not for the test; raises InvalidInput where they are too few."""
    if patterns + tests > count:
        raise InvalidInput(
            f"P = {patterns} and test_patterns = {tests} exceed the pool: {name} holds {count} images"
        )
    fitted = count - tests
    if components > min(fitted, pixels):
        raise InvalidInput(
            f"components = {components} must be at most {min(fitted, pixels)}: {name} has {fitted} images of"
            f" {pixels} pixels for them"
        )
    return fitted


def _digest(settings: tuple[Any, ...], images: NDArray[Any], labels: NDArray[Any]) -> str:
    digest = hashlib.sha256(repr(settings).encode())
    digest.update(np.ascontiguousarray(images).tobytes())
    digest.update(np.ascontiguousarray(labels).tobytes())
    return digest.hexdigest()


def _components(
    images: NDArray[Any], test: NDArray[Any], count: int, *, standardised: bool
) -> tuple[Points, Points]:
    from sklearn.decomposition import PCA  # slow to import
    from sklearn.preprocessing import StandardScaler

    def scaled(x: NDArray[Any]) -> Points:
        return np.asarray(StandardScaler(with_std=standardised).fit_transform(x.astype(np.float64)))

    ours = scaled(images)
    axes = PCA(count, svd_solver="covariance_eigh").fit(ours)
    inputs = np.asarray(axes.transform(ours))
    return inputs, np.asarray(axes.transform(scaled(test))) if len(test) else np.empty((0, count))


def _gaussian(patterns: int, tests: int, components: int, power: float | None, seed: int) -> Projected:
    scale = 1.0 if power is None else float(np.sqrt(power / components))
    points = [
        (scale * generator(seed, inputs).standard_normal((n, components))).T.copy()
        for inputs, n in ((Stream.INPUTS, patterns), (Stream.TEST_INPUTS, tests))
    ]
    labels = [
        generator(seed, outputs).choice([-1.0, 1.0], n)
        for outputs, n in ((Stream.OUTPUTS, patterns), (Stream.TEST_OUTPUTS, tests))
    ]
    source = f"{patterns} Gaussian points of {components} components, fair signs, seed {seed}"
    digest = hashlib.sha256(f"{source}, {power}, {tests}".encode()).hexdigest()
    return Projected(points[0], labels[0], points[1], labels[1], source, digest)
