"""What every source delivers: training and test patterns of +-1, with their origin and their hash."""

import hashlib
from dataclasses import dataclass
from typing import Self

from numpy import int8
from numpy.typing import NDArray

TEST_PATTERNS = 400

Signs = NDArray[int8]


@dataclass(frozen=True, eq=False)
class DataSet:
    """The frozen boundaries of a network: M training patterns and up to 400 test patterns, int8 of +-1.

    ``classes[k]`` is the label behind output neuron k, +1 at its class and -1 elsewhere; it is empty
    where the outputs are sign vectors. ``sha256`` is that of the four arrays with their shapes.
    """

    name: str
    """``digits``, ``mnist``, ``random``, ``teacher``, or the path of own data."""
    inputs: Signs
    """Shape (M, N_0)."""
    outputs: Signs
    """Shape (M, N_L)."""
    test_inputs: Signs
    """Shape (M_test, N_0); M_test is 0 where every image is used for training."""
    test_outputs: Signs
    """Shape (M_test, N_L)."""
    classes: tuple[int, ...]
    threshold: float | None
    """A pixel above it is +1; None where nothing was binarised (random and teacher)."""
    source: str
    """Where the patterns come from, for a human reader."""
    sha256: str

    @classmethod
    def build(
        cls,
        name: str,
        training: tuple[Signs, Signs],
        test: tuple[Signs, Signs],
        *,
        classes: tuple[int, ...],
        threshold: float | None,
        source: str,
    ) -> Self:
        """Assemble from (inputs, outputs) of training and test; computes the hash."""
        return cls(name, *training, *test, classes, threshold, source, _digest(*training, *test))


def _digest(*arrays: Signs) -> str:
    """SHA-256 over shape and content of each array, in order."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(repr(array.shape).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
