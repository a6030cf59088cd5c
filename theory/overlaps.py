"""The order parameters of a chain: which layers are frozen, and how strongly."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from theory.gaussian import Array

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Support:
    """Which hidden layers are frozen (overlap > 0); ``hidden[l-1]`` is neuron layer l."""

    hidden: tuple[bool, ...]

    @cached_property
    def neurons(self) -> Mask:
        """Frozen neuron layers 0..L; the boundaries always are. Shape (L+1,)."""
        return np.array([True, *self.hidden, True])

    @cached_property
    def bonds(self) -> Mask:
        """Weight layers 1..L with an overlap: those between two frozen layers. Shape (L,)."""
        return self.neurons[:-1] & self.neurons[1:]

    @cached_property
    def unknowns(self) -> Mask:
        """Which of the (q_0..q_L, Q_1..Q_L) are unknown and not zero. Shape (2L+1,)."""
        mask = np.concatenate([self.neurons, self.bonds])
        mask[[0, len(self.hidden) + 1]] = False
        return mask


@dataclass(frozen=True)
class Overlaps:
    """q_0..q_L and Q_1..Q_L with their complements 1 - q, 1 - Q, each accurate by itself."""

    q: Array
    q_complement: Array
    Q: Array
    Q_complement: Array

    @classmethod
    def of(cls, q: npt.ArrayLike, Q: npt.ArrayLike) -> "Overlaps":
        """From plain overlaps, q of shape (L+1,) and Q of shape (L,)."""
        q, Q = np.asarray(q, dtype=np.float64), np.asarray(Q, dtype=np.float64)
        return cls(q, 1.0 - q, Q, 1.0 - Q)
