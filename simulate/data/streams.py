"""Named random streams of one seed: what one part of the data draws never shifts what another draws."""

from enum import IntEnum

import numpy as np

_DOMAIN = int.from_bytes(b"data")  # keeps these streams apart from any other use of the same seed


class Stream(IntEnum):
    """What a stream is for. The values are part of what a seed means: append, never renumber."""

    SPLIT = 0
    INPUTS = 1
    OUTPUTS = 2
    TEST_INPUTS = 3
    TEST_OUTPUTS = 4
    TEACHER = 5
    LABELS = 6
    TEST_LABELS = 7


def generator(seed: int, stream: Stream) -> np.random.Generator:
    """A fresh generator at the beginning of ``stream``."""
    key = np.random.SeedSequence(seed, spawn_key=(_DOMAIN, stream))
    return np.random.Generator(np.random.PCG64(key))
