"""Weights of a layered network as spins: its parts, and what hidden-unit permutations leave unchanged.

A network of layer sizes ``(n_0, ..., n_L)`` has weights ``W_l`` (n_l, n_{l-1}), l = 1..L, rows =
post-synaptic units, flattened row by row and layer by layer. Relabelling the units of a hidden layer (the
rows of one matrix together with the columns of the next) leaves the function unchanged, so an ensemble of
trained networks is invariant in law, and its moments may be averaged over all relabellings: exact, and far
less noisy.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from deepglass import checks
from deepglass.errors import InvalidInput
from theory.gaussian import Array
from theory.inverse_ising.moments import Moments, spins


def _checked(sizes: Sequence[int]) -> tuple[int, ...]:
    if len(sizes) < 2:
        raise InvalidInput(f"sizes = {tuple(sizes)} must be at least two layer sizes, such as 20, 15, 15, 10")
    return tuple(checks.integer("layer size", n, 1) for n in sizes)


def parts(sizes: Sequence[int]) -> dict[str, slice]:
    """Where the parts of a network stand among its weights.

    ``full`` always; with a hidden layer also ``input`` (the first matrix) and ``output`` (the last), with two
    or more also ``interior`` (all between).
    """
    n = _checked(sizes)
    ends = np.cumsum([0, *(a * b for a, b in zip(n[1:], n[:-1], strict=True))]).tolist()
    found = {"full": slice(0, ends[-1])}
    if len(n) > 2:
        found = {"input": slice(0, ends[1]), "output": slice(ends[-2], ends[-1]), **found}
    if len(n) > 3:
        found["interior"] = slice(ends[1], ends[-2])
    return found


def _units(n: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """Layer l, post-synaptic and pre-synaptic unit of every weight, each (N,)."""
    layer, post, pre = [], [], []
    for k, (rows, columns) in enumerate(zip(n[1:], n[:-1], strict=True), start=1):
        a, b = np.divmod(np.arange(rows * columns), columns)
        layer.append(np.full(rows * columns, k))
        post.append(a)
        pre.append(b)
    return np.concatenate(layer), np.concatenate(post), np.concatenate(pre)


def permutation_average(moments: Moments, sizes: Sequence[int]) -> Moments:
    """Moments averaged over all permutations of the units of every hidden layer.

    Means are averaged over weights of the same layer and the same input (first matrix) or class (last
    matrix); pair moments over pairs that agree in these and in whether they share the unit of each hidden
    layer both touch. A weight touches a layer with one unit at most, so these groups are exactly the orbits
    of the permutations.
    """
    n = _checked(sizes)
    layer, post, pre = _units(n)
    if layer.size != moments.N:
        raise InvalidInput(f"layers {n} have {layer.size} weights, the moments {moments.N}")
    last = len(n) - 1
    fixed = np.stack([layer, np.where(layer == last, post, -1), np.where(layer == 1, pre, -1)])
    kind = np.unique(fixed, axis=1, return_inverse=True)[1].ravel()
    kinds = int(kind.max()) + 1
    m = (np.bincount(kind, moments.m) / np.bincount(kind))[kind]

    pair = kind[:, None] * kinds + kind[None, :]
    for hidden in range(1, last):
        # The unit of this layer that a weight touches; weights that touch none share it with nobody.
        unit = np.where(layer == hidden, post, np.where(layer == hidden + 1, pre, -1))
        pair = 2 * pair + ((unit[:, None] == unit[None, :]) & (unit[:, None] >= 0))
    group = np.unique(pair.ravel(), return_inverse=True)[1].ravel()
    C = (np.bincount(group, moments.C.ravel()) / np.bincount(group))[group].reshape(moments.C.shape)
    C = 0.5 * (C + C.T)
    np.fill_diagonal(C, 1.0)
    return Moments(m, C)


def permuted(samples: ArrayLike, sizes: Sequence[int], rng: np.random.Generator) -> Array:
    """Samples (S, N) with the hidden units of every network relabelled at random, independently."""
    n = _checked(sizes)
    total = sum(a * b for a, b in zip(n[1:], n[:-1], strict=True))
    s = spins(samples, total)
    orders = [rng.permuted(np.tile(np.arange(k), (len(s), 1)), axis=1) for k in n]
    orders[0], orders[-1] = (np.tile(np.arange(k), (len(s), 1)) for k in (n[0], n[-1]))
    out, start = [], 0
    for k, (rows, columns) in enumerate(zip(n[1:], n[:-1], strict=True), start=1):
        W = s[:, start : start + rows * columns].reshape(-1, rows, columns)
        network = np.arange(len(s))[:, None, None]
        out.append(W[network, orders[k][:, :, None], orders[k - 1][:, None, :]].reshape(len(s), -1))
        start += rows * columns
    return np.concatenate(out, axis=1)
