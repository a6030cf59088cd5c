"""Sweeps over the neurons of a deep perceptron: heat bath, one neuron given all others.

Patterns do not see one another while the weights stand still. A block of them goes side by side through the
vector registers and takes its excesses x = r - kappa along, which fit the second-level cache.
"""

# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

import numba
import numpy as np

from simulate.kernels.deviates import logarithm, philox
from simulate.kernels.registers import (
    LANES,
    add,
    is_negative,
    load,
    multiply,
    multiply_add,
    negative_part,
    spread,
    store,
    subtract,
)

BLOCK = 4 * LANES  # patterns side by side
FAST = {"contract", "reassoc", "nsz"}

_half = np.float32(0.5)


@numba.njit(inline="always")
def _add_change(total, x, bonds, above, hard):
    """``total`` and the change of the cost, doubled if it is soft, when x becomes x - bonds above."""
    turned = subtract(x, multiply(bonds, above))
    if hard:
        return subtract(add(total, is_negative(turned)), is_negative(x))
    before, after = negative_part(x), negative_part(turned)
    return subtract(multiply_add(after, after, total), multiply(before, before))


@numba.njit(inline="always")
def cost(x, hard, zero, one, half):
    """v of an excess: 1 where it is violated (hard), or x^2/2 there."""
    if hard:
        return one if x < zero else zero
    below = x if x < zero else zero
    return half * below * below


@numba.njit
def _sums(below, inputs, weights, out):
    """sum_a w_a S_a of a block of patterns, from the neurons ``below`` (N, BLOCK or more, by rows)."""
    none = spread(weights[0] - weights[0])
    t0, t1, t2, t3 = none, none, none, none
    for a in range(weights.size):
        w = spread(weights[a])
        s = below[inputs[a]]
        t0 = multiply_add(w, load(s, 0), t0)
        t1 = multiply_add(w, load(s, LANES), t1)
        t2 = multiply_add(w, load(s, 2 * LANES), t2)
        t3 = multiply_add(w, load(s, 3 * LANES), t3)
    store(out, 0, t0)
    store(out, LANES, t1)
    store(out, 2 * LANES, t2)
    store(out, 3 * LANES, t3)


@numba.njit(fastmath=FAST)
def _excesses(spins, weights, graph, scale, margin, excess):
    """x = S_l J_l S_(l-1) / sqrt(c) - kappa of a block of patterns."""
    depth, width, _ = weights.shape
    for layer in range(depth):
        for i in range(width):
            x, own = excess[layer, i], spins[layer + 1, i]
            _sums(spins[layer], graph.inputs[layer, i], weights[layer, i], x)
            for m in range(BLOCK):
                x[m] = x[m] * own[m] * scale - margin


@numba.njit
def thresholds(fields, words, element, key, step):
    """ln((1 - u)/u): a neuron flips where beta times the change of energy is below it."""
    low, high = np.uint32(step), np.uint32(step >> np.uint64(32))
    for q in range(BLOCK // 4):
        a, b, c, d = philox(np.uint32(element // 4 + q), np.uint32(0), low, high, key[0], key[1])
        words[0, q], words[1, q], words[2, q], words[3, q] = a, b, c, d
    for n in range(4):
        for q in range(BLOCK // 4):
            word = words[n, q]
            fields[4 * q + n] = logarithm((np.float32(np.uint32(~word)) + _half) / (np.float32(word) + _half))


@numba.njit(fastmath=FAST)
def _own_change(x, change, law):
    """Of the energy of the gap that a neuron is the output of, if the neuron flips."""
    hard, _, margin, _, _, one = law
    zero = one - one
    half = one / (one + one)
    for m in range(BLOCK):
        turned = -x[m] - margin - margin
        change[m] += cost(turned, hard, zero, one, half) - cost(x[m], hard, zero, one, half)


@numba.njit
def _change_above(layer, j, work, weights, graph, law):
    """Adds the changes of the energies of the gaps that neuron (layer, j) is an input of, if it flips."""
    degree = weights.shape[2]
    twice = law[4] + law[4]
    hard, one = law[0], law[5]
    none = spread(one - one)
    spin = work.spins[layer, j]
    s0, s1, s2, s3 = load(spin, 0), load(spin, LANES), load(spin, 2 * LANES), load(spin, 3 * LANES)
    t0, t1, t2, t3 = none, none, none, none
    for a in range(degree):
        k = graph.readers[layer, j, a]
        bond = spread(twice * weights[layer, k, graph.slots[layer, j, a]])
        x, above = work.excess[layer, k], work.spins[layer + 1, k]
        t0 = _add_change(t0, load(x, 0), multiply(bond, s0), load(above, 0), hard)
        t1 = _add_change(t1, load(x, LANES), multiply(bond, s1), load(above, LANES), hard)
        t2 = _add_change(t2, load(x, 2 * LANES), multiply(bond, s2), load(above, 2 * LANES), hard)
        t3 = _add_change(t3, load(x, 3 * LANES), multiply(bond, s3), load(above, 3 * LANES), hard)
    share = spread(one if hard else one / (one + one))
    change = work.change
    store(change, 0, multiply_add(share, t0, load(change, 0)))
    store(change, LANES, multiply_add(share, t1, load(change, LANES)))
    store(change, 2 * LANES, multiply_add(share, t2, load(change, 2 * LANES)))
    store(change, 3 * LANES, multiply_add(share, t3, load(change, 3 * LANES)))


@numba.njit
def _push_above(layer, j, work, weights, graph, law):
    """The excesses of those who read neuron (layer, j), which has flipped in some of the patterns."""
    degree = weights.shape[2]
    twice = law[4] + law[4]
    spin = work.flipped
    s0, s1, s2, s3 = load(spin, 0), load(spin, LANES), load(spin, 2 * LANES), load(spin, 3 * LANES)
    for a in range(degree):
        k = graph.readers[layer, j, a]
        bond = spread(-twice * weights[layer, k, graph.slots[layer, j, a]])
        x, above = work.excess[layer, k], work.spins[layer + 1, k]
        store(x, 0, multiply_add(multiply(bond, s0), load(above, 0), load(x, 0)))
        store(x, LANES, multiply_add(multiply(bond, s1), load(above, LANES), load(x, LANES)))
        store(x, 2 * LANES, multiply_add(multiply(bond, s2), load(above, 2 * LANES), load(x, 2 * LANES)))
        store(x, 3 * LANES, multiply_add(multiply(bond, s3), load(above, 3 * LANES), load(x, 3 * LANES)))


@numba.njit
def _decide(spin, count, work, law):
    """How many of the first ``count`` neurons flip; ``work.flipped`` is the neuron there, 0 elsewhere."""
    _, greedy, _, beta, _, one = law
    zero = one - one
    change, flipped, fields = work.change, work.flipped, work.fields
    turns = 0
    for m in range(BLOCK):
        if greedy:
            flips = change[m] < zero or (change[m] == zero and fields[m] > 0)
        else:
            flips = beta * change[m] < fields[m]
        flips = flips and m < count
        flipped[m] = spin[m] if flips else zero
        turns += flips
    return turns


@numba.njit
def _heat_bath(layer, j, count, element, work, weights, graph, law, key, step):
    """Neuron (layer, j) of a block of patterns from its law given all others."""
    depth, margin = weights.shape[0], law[2]
    change, flipped = work.change, work.flipped
    spin = work.spins[layer, j]
    change[:] = 0
    if layer > 0:
        _own_change(work.excess[layer - 1, j], change, law)
    if layer < depth:
        _change_above(layer, j, work, weights, graph, law)
    thresholds(work.fields, work.words, element, key, step)
    if _decide(spin, count, work, law) == 0:
        return
    if layer > 0:
        x = work.excess[layer - 1, j]
        for m in range(BLOCK):
            x[m] = x[m] if flipped[m] == 0 else -x[m] - margin - margin
    if layer < depth:
        _push_above(layer, j, work, weights, graph, law)
    for m in range(BLOCK):
        spin[m] -= flipped[m] + flipped[m]


@numba.njit
def sweep_neurons(spins, weights, graph, moving, law, key, step, work):
    """Every neuron of the layers that are ``moving`` once, odd layers first; spins (L + 1, N, M) in place.

    ``law`` is (hard, greedy, kappa, beta, 1/sqrt(c), 1); all but beta in the precision of the state.
    """
    depth, width = weights.shape[0], weights.shape[1]
    patterns = spins.shape[2]
    padded = -(-patterns // 4) * 4  # a neuron's words begin a block of Philox
    for first in range(0, patterns, BLOCK):
        count = min(BLOCK, patterns - first)
        for layer in range(depth + 1):
            for i in range(width):
                work.spins[layer, i, :count] = spins[layer, i, first : first + count]
                work.spins[layer, i, count:] = 1
        _excesses(work.spins, weights, graph, law[4], law[2], work.excess)
        for odd in (1, 0):
            for layer in range(odd, depth + 1, 2):
                if moving[layer]:
                    for j in range(width):
                        element = (layer * width + j) * padded + first
                        _heat_bath(layer, j, count, element, work, weights, graph, law, key, step)
        for layer in range(depth + 1):
            if moving[layer]:
                for i in range(width):
                    spins[layer, i, first : first + count] = work.spins[layer, i, :count]
