"""Patterns that any module is trained on: labelled images, or inputs and targets of one's own.

``inputs`` and ``targets`` (and ``test_inputs``, ``test_targets``) of an .npz file are taken as they are, of
any shape; other sources are those of :mod:`simulate.copies.data`.
"""

import hashlib
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepglass import arrays
from deepglass.errors import InvalidInput
from simulate.copies import data as labelled
from simulate.copies.data import folded


@dataclass(frozen=True, eq=False)
class Patterns:
    """``inputs`` (M, ...), ``targets`` (M,) integers or (M, ...) real; those of the test may be empty."""

    inputs: NDArray[Any]
    targets: NDArray[Any]
    test_inputs: NDArray[Any]
    test_targets: NDArray[Any]
    source: str

    @property
    def sha256(self) -> str:
        """Of the four arrays."""
        digest = hashlib.sha256()
        for array in (self.inputs, self.targets, self.test_inputs, self.test_targets):
            digest.update(repr((array.shape, array.dtype.str)).encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def load(
    data: str, *, patterns: int, test_patterns: int, seed: int, classes: tuple[int, ...],
    data_dir: str | None, shape: tuple[int, ...],
) -> Patterns:  # fmt: skip
    """The first ``patterns`` training patterns; inputs of ``shape`` where one is given."""
    if data.endswith(".npz") and os.path.isfile(data):
        archive = arrays.read_archive(data)
        if "targets" in archive:
            return _own(archive, data, patterns, test_patterns, shape)
    found = labelled.load(
        data, patterns=patterns, test_patterns=test_patterns, seed=seed, classes=classes or None,
        data_dir=data_dir,
    )  # fmt: skip
    inputs, tests = (folded(x, shape) for x in (found.inputs, found.test_inputs))
    return Patterns(inputs, found.labels, tests, found.test_labels, found.source)


def _own(
    archive: dict[str, NDArray[Any]], path: str, count: int, tests: int, shape: tuple[int, ...]
) -> Patterns:
    found: list[NDArray[Any]] = []
    for prefix, most in (("", count), ("test_", tests)):
        pair = [archive.get(f"{prefix}{name}", np.empty(0)) for name in ("inputs", "targets")]
        if len(pair[0]) != len(pair[1]):
            raise InvalidInput(f"{path}: {len(pair[0])} {prefix}inputs, {len(pair[1])} {prefix}targets")
        for name, array in zip(("inputs", "targets"), pair, strict=True):
            if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
                raise InvalidInput(f"{path}: {prefix}{name} must be finite numbers")
        found += [x[:most] for x in pair]
    if len(found[0]) < count:
        raise InvalidInput(f"patterns = {count} exceeds the {len(found[0])} inputs of {path}")
    return Patterns(
        folded(found[0], shape), found[1], folded(found[2], shape) if len(found[2]) else found[2], found[3],
        f"arrays inputs and targets of {os.path.basename(path)}",
    )  # fmt: skip
