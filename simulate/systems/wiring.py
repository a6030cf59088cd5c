"""Who reads whom in a layered network: everyone everyone (c = N), or c neurons each, at random.

Dilute wirings are regular on both sides: a perceptron reads c neurons of the layer below, and a neuron is
read by c perceptrons of the layer above, so that no neuron is special at finite c. Drawn as c permutations
without common entries.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepglass import checks
from deepglass.errors import InvalidInput

Indices = NDArray[np.int32]

ROUNDS = 10_000
"""Exchanges between permutations that are tried before a wiring is given up; 10 are plenty."""


@dataclass(frozen=True, eq=False)
class Wiring:
    """The bonds between neighbouring layers; (L, N, c) all."""

    inputs: Indices
    """[l-1, i, a]: the neuron of layer l-1 that perceptron (l, i) reads through its slot a; distinct in a."""
    readers: Indices
    """[l, j, a]: a perceptron of layer l+1 that reads neuron (l, j), l = 0..L-1."""
    slots: Indices
    """[l, j, a]: the slot by which it does."""

    @property
    def full(self) -> bool:
        """Whether everyone reads everyone, in order."""
        _, width, degree = self.inputs.shape
        return bool(degree == width)

    @classmethod
    def of(cls, inputs: Indices) -> "Wiring":
        """From what perceptrons read; every neuron must be read equally often."""
        depth, width, degree = inputs.shape
        flat = inputs.reshape(depth, width * degree)
        order = np.argsort(flat, axis=1, kind="stable").reshape(depth, width, degree)
        return cls(inputs, (order // degree).astype(np.int32), (order % degree).astype(np.int32))

    @classmethod
    def complete(cls, depth: int, width: int) -> "Wiring":
        """c = N, slot a reads neuron a."""
        return cls.of(
            np.ascontiguousarray(np.broadcast_to(np.arange(width, dtype=np.int32), (depth, width, width)))
        )

    @classmethod
    def dilute(cls, depth: int, width: int, degree: int, generator: np.random.Generator) -> "Wiring":
        """c = ``degree`` neurons each, at random; complete for c = N. InvalidInput unless 1 <= c <= N."""
        degree = checks.integer("degree", degree, 1)
        if degree > width:
            raise InvalidInput(f"degree = {degree} must not exceed the width {width}")
        if degree == width:
            return cls.complete(depth, width)
        return cls.of(np.stack([_regular(width, degree, generator) for _ in range(depth)]))


def _regular(width: int, degree: int, generator: np.random.Generator) -> Indices:
    """(N, c): each row distinct, each neuron c times."""
    table = np.stack([generator.permutation(width) for _ in range(degree)], axis=1)
    for _ in range(ROUNDS):
        ordered = np.sort(table, axis=1)
        bad = np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1))
        if not bad.size:
            return table.astype(np.int32)
        for i in map(int, bad):
            values, first = np.unique(table[i], return_index=True)
            if len(values) == degree:  # an exchange before has mended it
                continue
            a = int(np.setdiff1d(np.arange(degree), first)[0])
            other = int(generator.integers(width))  # a permutation remains one
            table[i, a], table[other, a] = int(table[other, a]), int(table[i, a])
    raise InvalidInput(f"no wiring with degree = {degree} of {width} neurons was found; use degree = {width}")
