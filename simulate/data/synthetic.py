"""Patterns that are drawn, not measured: the random and the teacher-student scenario.

Both have ``width`` neurons in every layer. Row mu of each array is the same for any number of patterns.

* random: inputs and outputs are independent fair signs.
* teacher: inputs are fair signs, outputs those of a network of random weights and the same
  architecture, S_l = sgn(J_l S_{l-1} / sqrt(width)), l = 1..depth, each row of J_l uniform on the
  sphere |J|^2 = width.
"""

import numpy as np
from numpy.typing import NDArray

from deepglass.checks import integer
from simulate.data.dataset import TEST_PATTERNS, DataSet, Signs
from simulate.data.streams import Stream, generator


def random(patterns: int, seed: int, width: int) -> DataSet:
    """Independent +-1 inputs (M, width) and outputs (M, width), and 400 test patterns likewise."""
    width = integer("width", width, 1)
    return DataSet.build(
        "random",
        (_signs(seed, Stream.INPUTS, patterns, width), _signs(seed, Stream.OUTPUTS, patterns, width)),
        (
            _signs(seed, Stream.TEST_INPUTS, TEST_PATTERNS, width),
            _signs(seed, Stream.TEST_OUTPUTS, TEST_PATTERNS, width),
        ),
        classes=(),
        source=f"independent random +-1 inputs and outputs of width {width}, seed {seed}",
    )


def teacher(patterns: int, seed: int, width: int, depth: int) -> DataSet:
    """Random +-1 inputs (M, width) with a random teacher's outputs (M, width), and 400 fresh ones."""
    weights = teacher_weights(seed, width, depth)
    inputs = _signs(seed, Stream.INPUTS, patterns, width)
    test_inputs = _signs(seed, Stream.TEST_INPUTS, TEST_PATTERNS, width)
    return DataSet.build(
        "teacher",
        (inputs, propagate(weights, inputs)),
        (test_inputs, propagate(weights, test_inputs)),
        classes=(),
        source=(
            f"random +-1 inputs of width {width}, outputs of a random teacher of depth {depth}, seed {seed}"
        ),
    )


def teacher_weights(seed: int, width: int, depth: int) -> NDArray[np.float64]:
    """The teacher's J, shape (depth, width, width): J[l-1, i] are the weights into neuron i of layer l."""
    width, depth = integer("width", width, 1), integer("depth", depth, 1)
    gaussian = generator(seed, Stream.TEACHER).standard_normal((depth, width, width))
    norm = np.linalg.norm(gaussian, axis=-1, keepdims=True)
    return np.asarray(gaussian * (np.sqrt(width) / norm))


def propagate(weights: NDArray[np.float64], inputs: Signs) -> Signs:
    """Outputs (M, width) of the sign network ``weights`` (L, width, width) on ``inputs`` (M, width)."""
    spins = inputs
    for layer in weights:  # the sign does not see the positive factor 1/sqrt(width)
        spins = np.where(spins @ layer.T >= 0, 1, -1).astype(np.int8)
    return spins


def _signs(seed: int, stream: Stream, patterns: int, width: int) -> Signs:
    """Fair signs (patterns, width), the first rows of the stream."""
    return 2 * generator(seed, stream).integers(0, 2, size=(patterns, width), dtype=np.int8) - 1
