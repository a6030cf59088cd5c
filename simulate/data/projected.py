"""Images reduced to their leading principal components, with the parity of their labels; and what has no
structure.

Pixels are brought to mean 0 and variance 1 and projected on the leading components, both of all images but
those of the test, which are brought to mean 0 and variance 1 by themselves (arXiv:2405.13098: its code;
neither whitened nor scaled). The label is +1 for even classes and -1 for odd ones.
"""

import hashlib
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepglass.errors import InvalidInput
from simulate import data as sources
from simulate.data.streams import Stream, generator

Points = NDArray[np.float64]

GAUSSIAN = "gaussian"
SOURCES = (GAUSSIAN, "digits", "mnist", "cifar10")


@dataclass(frozen=True, eq=False)
class Projected:
    """P points of the training and those of the test, (components, P) each, and their labels +-1, (P,)."""

    inputs: Points
    labels: Points
    test_inputs: Points
    test_labels: Points
    source: str
    sha256: str
    """Of what they were made from: the last bits of a projection are the machine's."""


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
    if patterns + test_patterns > count:
        raise InvalidInput(
            f"P = {patterns} and test_patterns = {test_patterns} exceed the pool: {pool.name} holds {count}"
            " images"
        )
    fitted = count - test_patterns
    if components > min(fitted, pool.images.shape[1]):
        raise InvalidInput(
            f"components = {components} must be at most {min(fitted, pool.images.shape[1])}: {pool.name} has"
            f" {fitted} images of {pool.images.shape[1]} pixels for them"
        )
    inputs, test = _components(pool.images[:fitted], pool.images[fitted:], components)
    labels = np.where(pool.labels % 2 == 0, 1.0, -1.0)
    inputs = inputs[:patterns]
    scale = 1.0
    if power is not None:
        mean = float(np.square(inputs).sum(1).mean())
        if mean == 0:
            raise InvalidInput(f"the training images of {pool.name} are all the same")
        scale = float(np.sqrt(power / mean))
    settings = (patterns, test_patterns, components, power, pool.images.dtype)
    digest = hashlib.sha256(repr(settings).encode())
    digest.update(np.ascontiguousarray(pool.images).tobytes())
    digest.update(np.ascontiguousarray(pool.labels).tobytes())
    return Projected(
        (scale * inputs).T.copy(), labels[:patterns], (scale * test).T.copy(), labels[fitted:],
        f"{pool.source}: the first {patterns} of {count} images, {components} components of the first"
        f" {fitted}, parity of labels",
        digest.hexdigest(),
    )  # fmt: skip


def _components(images: NDArray[Any], test: NDArray[Any], count: int) -> tuple[Points, Points]:
    from sklearn.decomposition import PCA  # slow to import
    from sklearn.preprocessing import StandardScaler

    scaled = StandardScaler().fit_transform(images.astype(np.float64))
    axes = PCA(count, svd_solver="covariance_eigh").fit(scaled)
    inputs = np.asarray(axes.transform(scaled))
    if not len(test):
        return inputs, np.empty((0, count))
    return inputs, np.asarray(axes.transform(StandardScaler().fit_transform(test.astype(np.float64))))


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
