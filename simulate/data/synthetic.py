"""Patterns that are drawn, not measured: the random and the teacher-student scenario.

Both have ``width`` neurons in every layer. Row mu of each array is the same for any number of patterns.

* random: inputs and outputs are independent fair signs.
* teacher: inputs are fair signs, outputs those of a network of random weights and the same
  architecture, S_l = sgn(J_l S_{l-1} / sqrt(width)), l = 1..depth, each row of J_l uniform on the
  sphere |J|^2 = width.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deepglass.checks import integer
from deepglass.errors import InvalidInput
from simulate.data.dataset import TEST_PATTERNS, DataSet, Signs
from simulate.data.streams import Stream, generator

LIMIT_GIB = 16
"""More memory than this is refused before any of it is taken."""


def random(patterns: int, seed: int, width: int) -> DataSet:
    """Independent +-1 inputs (M, width) and outputs (M, width), and 400 test patterns likewise."""
    width = integer("width", width, 1)
    require_memory(_signs_bytes(patterns, width), f"M = {patterns}, width = {width}")
    return DataSet.build(
        "random",
        (signs(seed, Stream.INPUTS, patterns, width), signs(seed, Stream.OUTPUTS, patterns, width)),
        (
            signs(seed, Stream.TEST_INPUTS, TEST_PATTERNS, width),
            signs(seed, Stream.TEST_OUTPUTS, TEST_PATTERNS, width),
        ),
        classes=(),
        threshold=None,
        source=f"independent random +-1 inputs and outputs of width {width}, seed {seed}",
    )


def teacher(patterns: int, seed: int, width: int, depth: int) -> DataSet:
    """Random +-1 inputs (M, width) with a random teacher's outputs (M, width), and 400 fresh ones."""
    width, depth = integer("width", width, 1), integer("depth", depth, 1)
    weights_twice = 2 * 8 * depth * width**2  # the gaussians and the normalised weights
    fields = 2 * 8 * max(patterns, TEST_PATTERNS) * width  # a layer's spins as floats, and its fields
    require_memory(
        _signs_bytes(patterns, width) + weights_twice + fields,
        f"M = {patterns}, width = {width}, depth = {depth}",
    )
    weights = teacher_weights(seed, width, depth)
    inputs = signs(seed, Stream.INPUTS, patterns, width)
    test_inputs = signs(seed, Stream.TEST_INPUTS, TEST_PATTERNS, width)
    return DataSet.build(
        "teacher",
        (inputs, propagate(weights, inputs)),
        (test_inputs, propagate(weights, test_inputs)),
        classes=(),
        threshold=None,
        source=(
            f"random +-1 inputs of width {width}, outputs of a random teacher of depth {depth}, seed {seed}"
        ),
    )


def teacher_weights(seed: int, width: int, depth: int) -> NDArray[np.float64]:
    """The teacher's J, shape (depth, width, width): J[l-1, i] are the weights into neuron i of layer l."""
    width, depth = integer("width", width, 1), integer("depth", depth, 1)
    return spherical(generator(seed, Stream.TEACHER), depth, width, width)


def spherical(stream: np.random.Generator, *shape: int) -> NDArray[np.float64]:
    """Random weights whose rows, along the last of ``shape``, are uniform on the sphere |J|^2 = length."""
    gaussian = stream.standard_normal(shape)
    norm = np.linalg.norm(gaussian, axis=-1, keepdims=True)
    return np.asarray(gaussian * (np.sqrt(shape[-1]) / norm))


def propagate(weights: Sequence[NDArray[np.float64]] | NDArray[np.float64], inputs: Signs) -> Signs:
    """Signs of the last layer of the sign network ``weights``, (out, in) each, on ``inputs`` (M, N_0)."""
    spins = inputs
    for layer in weights:  # the sign does not see the positive factor 1/sqrt(width)
        spins = np.where(spins @ layer.T >= 0, 1, -1).astype(np.int8)
    return spins


def _signs_bytes(patterns: int, width: int) -> int:
    """Size of the four int8 arrays of width ``width``."""
    return 2 * (patterns + TEST_PATTERNS) * width


def require_memory(needed: int, sizes: str) -> None:
    """Raise InvalidInput if what ``sizes`` says would take more than :data:`LIMIT_GIB`."""
    if needed > LIMIT_GIB * 2**30:
        raise InvalidInput(
            f"{sizes} would take {needed} bytes of memory; at most {LIMIT_GIB} GiB are allowed"
        )


def signs(seed: int, stream: Stream, patterns: int, width: int) -> Signs:
    """Fair signs (patterns, width), the first rows of the stream."""
    return 2 * generator(seed, stream).integers(0, 2, size=(patterns, width), dtype=np.int8) - 1
