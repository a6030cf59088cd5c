"""Overlap matrices as trees: which machines are close to which, and whether samples form blocks.

The distance of two machines is 1 - Q_ab, Q normalised by the self-overlaps; clusters are joined by complete
linkage (their farthest members), as in arXiv:2506.06789, Fig. 4.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from compare.resampling import Pairs
from deepglass.errors import InvalidInput

__all__ = ["Tree", "block_chance", "block_contrast", "flat_cophenetic", "normalised", "tree"]

Matrix = NDArray[np.float64]

SMALLEST = 3
"""Machines that have a tree."""


def normalised(raw: ArrayLike) -> Matrix:
    """Q_ab = <x^a x^b>/sqrt(<x^a x^a><x^b x^b>) from raw overlaps (..., a, b); missing for a machine that is
    zero."""
    array = np.asarray(raw, dtype=float)
    own = np.diagonal(array, axis1=-2, axis2=-1)
    size = np.sqrt(np.where(own > 0, own, np.nan))
    return np.asarray(array / size[..., :, None] / size[..., None, :])


@dataclass(frozen=True, eq=False)
class Tree:
    """A tree over machines.

    Attributes:
        linkage: as scipy has it: the two that are joined, their distance, how many they are.
        order: the machines as the leaves of the tree, from left to right.
        matrix: the overlaps, sorted so.
        cophenetic: correlation of the distances in the matrix with those in the tree (the height at which two
            machines meet): near 1 for overlaps that are a hierarchy, low for those without structure.
    """

    linkage: Matrix
    order: NDArray[np.int64]
    matrix: Matrix
    cophenetic: float


def tree(matrix: ArrayLike) -> Tree:
    """The tree of normalised overlaps. Raises InvalidInput for fewer than 3 machines or missing overlaps.

    >>> found = tree([[1.0, 0.1, 0.9], [0.1, 1.0, 0.1], [0.9, 0.1, 1.0]])
    >>> sorted(found.order[-2:].tolist()), round(found.cophenetic, 6)
    ([0, 2], 1.0)
    """
    overlaps = np.asarray(matrix, dtype=float)
    if overlaps.ndim != 2 or overlaps.shape[0] != overlaps.shape[1] or len(overlaps) < SMALLEST:
        raise InvalidInput(
            f"a tree needs a square matrix of at least {SMALLEST} machines, not {overlaps.shape}"
        )
    if not np.isfinite(overlaps).all():
        raise InvalidInput("a tree needs all overlaps; some are missing")
    # Single precision makes a diagonal of 1 - 1e-8, and distances that are as little negative.
    distance = np.maximum(1 - 0.5 * (overlaps + overlaps.T), 0.0)
    np.fill_diagonal(distance, 0.0)
    flat = squareform(distance, checks=False)
    linkage = hierarchy.linkage(flat, method="complete", optimal_ordering=True)
    order = hierarchy.leaves_list(linkage).astype(np.int64)
    # Equal distances, as of copies: any tree fits, and the correlation is undefined.
    meet = hierarchy.cophenet(linkage)
    spread = flat.std() > 0 and meet.std() > 0
    correlation = float(np.corrcoef(flat, meet)[0, 1]) if spread else np.nan
    return Tree(np.asarray(linkage), order, overlaps[np.ix_(order, order)], correlation)


def flat_cophenetic(matrix: ArrayLike, count: int = 100, seed: int = 0) -> tuple[float, float]:
    """Mean and standard deviation of the cophenetic correlation of matrices with the same overlaps in any
    order: what complete linkage makes of no structure."""
    overlaps = np.asarray(matrix, dtype=float)
    upper = np.triu_indices(len(overlaps), 1)
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        shuffled = np.eye(len(overlaps))
        shuffled[upper] = random.permutation(overlaps[upper])
        found.append(tree(np.maximum(shuffled, shuffled.T) + np.minimum(shuffled, shuffled.T)).cophenetic)
    return float(np.mean(found)), float(np.std(found))


FEWEST = 6
"""Machines below which no arrangement of overlaps is rare: of 5, any two groups are one of 21."""


def without_effects(matrix: ArrayLike) -> Matrix:
    """What is left of overlaps Q_ab when the best e_a + e_b is taken off; 0 on the diagonal.

    A machine that overlaps less, or more, with all others alike is no tree.
    """
    off = np.array(matrix, dtype=float)
    n = len(off)
    np.fill_diagonal(off, 0.0)
    rows = off.sum(1)
    effect = (rows - rows.sum() / (2 * (n - 1))) / (n - 2)
    left = off - effect[:, None] - effect[None, :]
    np.fill_diagonal(left, 0.0)
    return np.asarray(left)


def tree_chance(matrix: ArrayLike, count: int = 499, seed: int = 0) -> float:
    """Probability of a cophenetic correlation as high where overlaps are flat: Q_ab = f_a f_b and noise.

    So are cosines of vectors of one common part and each its own, f_a the share of the common part. Effects
    are taken off the logarithms, or, where an overlap is not positive, as of Q_ab = e_a + e_b. What is left
    is put among the pairs in any order, and its effects are taken off again; one-sided. Missing for fewer
    than FEWEST machines, and where nothing is left (copies).
    """
    overlaps = np.asarray(matrix, dtype=float)
    if len(overlaps) < FEWEST or not np.isfinite(overlaps).all():
        return float("nan")
    upper = np.triu_indices(len(overlaps), 1)
    both = 0.5 * (overlaps + overlaps.T)
    if (both[upper] > 0).all():
        np.fill_diagonal(both, 1.0)
        both = np.log(both)
    left = without_effects(both)
    if np.abs(left).max() <= 1e-9 * np.abs(overlaps).max():
        return float("nan")
    random, seen, as_high = np.random.default_rng(seed), _hierarchy(left[upper]), 0
    for _ in range(count):
        shuffled = np.zeros_like(left)
        shuffled[upper] = random.permutation(left[upper])
        as_high += _hierarchy(without_effects(shuffled + shuffled.T)[upper]) >= seen
    return (1 + as_high) / (1 + count)


def _hierarchy(overlaps: NDArray[np.float64]) -> float:
    """Cophenetic correlation of overlaps of pairs; heights of complete linkage shift with the distances."""
    distance = overlaps.max() - overlaps
    meet = hierarchy.cophenet(hierarchy.linkage(distance, method="complete"))
    return float(np.corrcoef(distance, meet)[0, 1])


def block_contrast(matrix: ArrayLike, sample: ArrayLike) -> float:
    """Mean overlap within samples less that between samples: 0 without blocks, at most about 1.

    >>> round(block_contrast([[1.0, 0.9, 0.1], [0.9, 1.0, 0.1], [0.1, 0.1, 1.0]], sample=[0, 0, 1]), 6)
    0.8
    """
    pairs = Pairs.of(matrix, sample)
    within = pairs.a == pairs.b
    if within.all() or not within.any():
        return float("nan")
    return float(pairs.values[within].mean() - pairs.values[~within].mean())


def block_chance(matrix: ArrayLike, sample: ArrayLike, count: int = 999, seed: int = 0) -> float:
    """Probability of a block contrast as large where samples do not matter: an exact permutation test.

    One-sided; it is below p in at most a share p of cases where all machines are alike, whatever their law.
    """
    overlaps, names = np.asarray(matrix, dtype=float), np.asarray(sample)
    seen = block_contrast(overlaps, names)
    if np.isnan(seen):
        return float("nan")
    random = np.random.default_rng(seed)
    as_large = sum(block_contrast(overlaps, random.permutation(names)) >= seen for _ in range(count))
    return (1 + as_large) / (1 + count)
