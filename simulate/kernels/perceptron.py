"""The compiled moves of the deep perceptron on the CPU: sweeps over its neurons and over its weight vectors.

Symbols and laws are those of :mod:`simulate.dynamics.monte_carlo`, which writes the same again as torch
operations. Gaps are recomputed from neurons and weights at the beginning of a sweep: no running sum drifts
from sweep to sweep, and a sweep depends on nothing but the state and its number.

What numba compiles for a caller with ``fastmath`` is compiled with it too, and stays in the cache for all:
functions that draw noise and their callers go without it, the loops over patterns are functions of their own.
"""

# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulate.kernels.caching import cached
from simulate.kernels.perceptron_following import sweep_following
from simulate.kernels.perceptron_neurons import sweep_neurons
from simulate.kernels.perceptron_weights import sweep_planes, sweep_rotations


class Graph(NamedTuple):
    """Who reads whom, c neurons each; (L, N, c) int32 all."""

    inputs: NDArray[np.int32]  # [l-1, i, a]: the neuron of layer l-1 that perceptron (l, i) reads by slot a
    readers: NDArray[np.int32]  # [l, j, a]: a perceptron of layer l+1 that reads neuron (l, j)
    slots: NDArray[np.int32]  # [l, j, a]: by which slot


class Work(NamedTuple):
    """Buffers of one thread, in the precision of the state where nothing else is said."""

    spins: NDArray[np.floating]  # (L + 1, N, BLOCK)
    excess: NDArray[np.floating]  # (L, N, BLOCK)
    change: NDArray[np.floating]  # (BLOCK,): of the energy
    flipped: NDArray[np.floating]  # (BLOCK,): the neuron, or 0 where it does not flip
    fields: NDArray[np.float32]  # (BLOCK,): what beta times the change must not reach
    words: NDArray[np.uint32]  # (4, BLOCK / 4)
    tangents: NDArray[np.floating]  # (ROWS, c)
    angles: NDArray[np.float64]  # (ROWS,): of the rotations that are proposed
    along: NDArray[np.floating]  # (ROWS, padded M): gaps at angle 0, or excesses
    across: NDArray[np.floating]  # (ROWS, padded M): gaps at a quarter turn
    first: NDArray[np.floating]  # (padded M,): by what the two weights of a plane are multiplied, 0 beyond M
    second: NDArray[np.floating]
    least: NDArray[np.floating]  # (4,)
    pair: NDArray[np.floating]  # (2,)
    above: NDArray[np.floating]  # (N, padded M): excesses of the layer above
    normal: NDArray[np.float32]  # (c + 3,)


@cached
def advance(spins, weights, graph, moving, turning, reach, hard, constants, temperatures, keys, first, work):
    """Sweeps ``first`` (uint64) onwards of one machine in place, one for each of ``temperatures``.

    spins (L + 1, N, M), weights (L, N, c); ``moving`` (L + 1,) layers of neurons, ``turning``: whether
    weights move, ``reach`` that of the rotations (0: slices). ``constants``: kappa, 1/sqrt(c) and 1 in the
    precision of the state. ``keys`` (3, 2): of neurons, directions and angles.
    """
    margin, scale, one = constants
    neurons, depth = moving.any(), weights.shape[0]
    for t in range(temperatures.size):
        step = first + np.uint64(t)
        greedy = temperatures[t] == 0
        beta = 0.0 if greedy else 1 / temperatures[t]
        law = (hard, greedy, margin, beta, scale, one)
        if hard and greedy and neurons and turning and reach == 0 and (depth > 1 or moving[-1]):
            sweep_following(spins, weights, graph, moving, law, keys, step, work)
            continue
        if neurons:
            sweep_neurons(spins, weights, graph, moving, law, keys[0], step, work)
        if turning and reach > 0:
            sweep_rotations(spins, weights, graph, reach, law, keys[1:], step, work)
        elif turning:
            sweep_planes(spins, weights, graph, law, keys[1:], step, work)
