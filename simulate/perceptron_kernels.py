"""The compiled moves of the deep perceptron on the CPU: sweeps over its neurons and over its weight vectors.

Symbols and laws are those of :mod:`simulate.dynamics.monte_carlo`, which writes the same again as torch
operations. Gaps are recomputed from neurons and weights at the beginning of a sweep: no running sum drifts
from sweep to sweep, and a sweep depends on nothing but the state and its number.

* Neurons: patterns do not see one another while the weights stand still. A block of them goes side by side
  through the vector registers and takes its excesses x = r - kappa along, which fit the second-level cache.
* Weights: perceptrons do not see one another while the neurons stand still. A few of them share what they
  read of the layer below.

Philox, the logarithm and the vector registers are those of :mod:`simulate.kernels`. Numba's cache notices
edits of this file only: that arithmetic must never change anyway (old seeds would change their meaning), and
its tests pin it; after an edit of the vector functions there, the cache of this file has to be removed. What
numba compiles for a caller with ``fastmath`` is compiled with it too, and stays in the cache for all:
functions that draw noise and their callers go without it, the loops over patterns are functions of their own.
"""

# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

import math
from typing import NamedTuple

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numpy.typing import NDArray

from simulate.kernels import (
    LANES,
    _add,
    _load,
    _log,
    _multiply_add,
    _spread,
    _store,
    _total,
    fill,
    intrinsic,
    philox,
)

BLOCK = 4 * LANES  # patterns side by side
ROWS = 16  # perceptrons that share what they read
QUADS = 16  # blocks of Philox that a slice may use
TRIES = 4 * QUADS  # a slice that has shrunk so often holds the present point only
NEVER = 1e9  # violations that no flip is worth
FAST = {"contract", "reassoc", "nsz"}

_half = np.float32(0.5)
_UNIT = 2.0**-32


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


@intrinsic
def _multiply(typing, a, b):
    return a(a, b), lambda context, builder, signature, arguments: builder.fmul(*arguments)


@intrinsic
def _subtract(typing, a, b):
    return a(a, b), lambda context, builder, signature, arguments: builder.fsub(*arguments)


def _negative(builder, vector):
    """Where entries are below 0, and zeros."""
    zeros = ir.Constant(vector.type, [0.0] * LANES)
    return builder.fcmp_ordered("<", vector, zeros), zeros


@intrinsic
def _below(typing, vector):
    """min(x, 0), entry by entry."""

    def generate(context, builder, signature, arguments):
        where, zeros = _negative(builder, arguments[0])
        return builder.select(where, arguments[0], zeros)

    return vector(vector), generate


@intrinsic
def _violated(typing, vector):
    """1 where x < 0, else 0."""

    def generate(context, builder, signature, arguments):
        where, zeros = _negative(builder, arguments[0])
        return builder.select(where, ir.Constant(arguments[0].type, [1.0] * LANES), zeros)

    return vector(vector), generate


@numba.njit(inline="always")
def _add_change(total, x, bonds, above, hard):
    """``total`` and the change of the cost, doubled if it is soft, when x becomes x - bonds above."""
    turned = _subtract(x, _multiply(bonds, above))
    if hard:
        return _subtract(_add(total, _violated(turned)), _violated(x))
    before, after = _below(x), _below(turned)
    return _subtract(_multiply_add(after, after, total), _multiply(before, before))


@numba.njit(inline="always")
def _cost(x, hard, zero, one, half):
    """v of an excess: 1 where it is violated (hard), or x^2/2 there."""
    if hard:
        return one if x < zero else zero
    below = x if x < zero else zero
    return half * below * below


@numba.njit
def _sums(below, inputs, weights, out):
    """sum_a w_a S_a of a block of patterns, from the neurons ``below`` (N, BLOCK or more, by rows)."""
    none = _spread(weights[0] - weights[0])
    t0, t1, t2, t3 = none, none, none, none
    for a in range(weights.size):
        w = _spread(weights[a])
        s = below[inputs[a]]
        t0 = _multiply_add(w, _load(s, 0), t0)
        t1 = _multiply_add(w, _load(s, LANES), t1)
        t2 = _multiply_add(w, _load(s, 2 * LANES), t2)
        t3 = _multiply_add(w, _load(s, 3 * LANES), t3)
    _store(out, 0, t0)
    _store(out, LANES, t1)
    _store(out, 2 * LANES, t2)
    _store(out, 3 * LANES, t3)


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
def _thresholds(fields, words, element, key, step):
    """ln((1 - u)/u): a neuron flips where beta times the change of energy is below it."""
    low, high = np.uint32(step), np.uint32(step >> np.uint64(32))
    for q in range(BLOCK // 4):
        a, b, c, d = philox(np.uint32(element // 4 + q), np.uint32(0), low, high, key[0], key[1])
        words[0, q], words[1, q], words[2, q], words[3, q] = a, b, c, d
    for n in range(4):
        for q in range(BLOCK // 4):
            word = words[n, q]
            fields[4 * q + n] = _log((np.float32(np.uint32(~word)) + _half) / (np.float32(word) + _half))


@numba.njit(fastmath=FAST)
def _own_change(x, change, law):
    """Of the energy of the gap that a neuron is the output of, if the neuron flips."""
    hard, _, margin, _, _, one = law
    zero = one - one
    half = one / (one + one)
    for m in range(BLOCK):
        turned = -x[m] - margin - margin
        change[m] += _cost(turned, hard, zero, one, half) - _cost(x[m], hard, zero, one, half)


@numba.njit
def _change_above(layer, j, work, weights, graph, law):
    """Adds the changes of the energies of the gaps that neuron (layer, j) is an input of, if it flips."""
    degree = weights.shape[2]
    twice = law[4] + law[4]
    hard, one = law[0], law[5]
    none = _spread(one - one)
    spin = work.spins[layer, j]
    s0, s1, s2, s3 = _load(spin, 0), _load(spin, LANES), _load(spin, 2 * LANES), _load(spin, 3 * LANES)
    t0, t1, t2, t3 = none, none, none, none
    for a in range(degree):
        k = graph.readers[layer, j, a]
        bond = _spread(twice * weights[layer, k, graph.slots[layer, j, a]])
        x, above = work.excess[layer, k], work.spins[layer + 1, k]
        t0 = _add_change(t0, _load(x, 0), _multiply(bond, s0), _load(above, 0), hard)
        t1 = _add_change(t1, _load(x, LANES), _multiply(bond, s1), _load(above, LANES), hard)
        t2 = _add_change(t2, _load(x, 2 * LANES), _multiply(bond, s2), _load(above, 2 * LANES), hard)
        t3 = _add_change(t3, _load(x, 3 * LANES), _multiply(bond, s3), _load(above, 3 * LANES), hard)
    share = _spread(one if hard else one / (one + one))
    change = work.change
    _store(change, 0, _multiply_add(share, t0, _load(change, 0)))
    _store(change, LANES, _multiply_add(share, t1, _load(change, LANES)))
    _store(change, 2 * LANES, _multiply_add(share, t2, _load(change, 2 * LANES)))
    _store(change, 3 * LANES, _multiply_add(share, t3, _load(change, 3 * LANES)))


@numba.njit
def _push_above(layer, j, work, weights, graph, law):
    """The excesses of those who read neuron (layer, j), which has flipped in some of the patterns."""
    degree = weights.shape[2]
    twice = law[4] + law[4]
    spin = work.flipped
    s0, s1, s2, s3 = _load(spin, 0), _load(spin, LANES), _load(spin, 2 * LANES), _load(spin, 3 * LANES)
    for a in range(degree):
        k = graph.readers[layer, j, a]
        bond = _spread(-twice * weights[layer, k, graph.slots[layer, j, a]])
        x, above = work.excess[layer, k], work.spins[layer + 1, k]
        _store(x, 0, _multiply_add(_multiply(bond, s0), _load(above, 0), _load(x, 0)))
        _store(x, LANES, _multiply_add(_multiply(bond, s1), _load(above, LANES), _load(x, LANES)))
        _store(x, 2 * LANES, _multiply_add(_multiply(bond, s2), _load(above, 2 * LANES), _load(x, 2 * LANES)))
        _store(x, 3 * LANES, _multiply_add(_multiply(bond, s3), _load(above, 3 * LANES), _load(x, 3 * LANES)))


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
    _thresholds(work.fields, work.words, element, key, step)
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
def _sweep_neurons(spins, weights, graph, moving, law, key, step, work):
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


@numba.njit(fastmath=FAST)
def _project(weights, normal, tangent, reach):
    """``tangent``: ``normal`` at right angles to J, of its length. Returns the angle of a rotation."""
    degree = weights.size
    inner, norm = 0.0, 0.0
    for a in range(degree):
        inner += weights[a] * normal[a]
        norm += weights[a] * weights[a]
    along = inner / norm
    length = 0.0
    for a in range(degree):
        tangent[a] = normal[a] - along * weights[a]
        length += tangent[a] * tangent[a]
    factor = math.sqrt(norm / length) if length > 0 else 0.0
    for a in range(degree):
        tangent[a] *= factor
    return math.atan2(reach * math.sqrt(length / norm), 1 + reach * along)


@numba.njit(fastmath=FAST)
def _along_and_across(layer, start, rows, spins, weights, graph, scale, work):
    """Gaps of ``rows`` perceptrons with their weights, and with the tangents in place of them."""
    patterns, degree = spins.shape[2], weights.shape[2]
    for first in range(0, patterns, BLOCK):
        end = min(first + BLOCK, patterns)
        for row in range(rows):
            i = start + row
            along, across = work.along[row, first:end], work.across[row, first:end]
            along[:] = 0
            across[:] = 0
            for a in range(degree):
                w, u = weights[layer, i, a], work.tangents[row, a]
                below = spins[layer, graph.inputs[layer, i, a], first:end]
                for m in range(end - first):
                    along[m] += w * below[m]
                    across[m] += u * below[m]
            own = spins[layer + 1, i, first:end]
            for m in range(end - first):
                along[m] *= own[m] * scale
                across[m] *= own[m] * scale


@numba.njit(fastmath=FAST)
def _energy(along, across, angle, law):
    """Of a perceptron whose weights are turned by ``angle``."""
    hard, _, margin, _, _, one = law
    zero = one - one
    half = one / (one + one)
    cosine, sine = zero + math.cos(angle), zero + math.sin(angle)
    total = zero
    if hard:
        for m in range(along.size):
            total += _cost(cosine * along[m] + sine * across[m] - margin, True, zero, one, half)
    else:
        for m in range(along.size):
            total += _cost(cosine * along[m] + sine * across[m] - margin, False, zero, one, half)
    return total


@numba.njit
def _word(block, n, key, step):
    """The n-th uniform number from a block of Philox onwards, in (0, 1)."""
    low, high = np.uint32(step), np.uint32(step >> np.uint64(32))
    a, b, c, d = philox(np.uint32(block + n // 4), np.uint32(0), low, high, key[0], key[1])
    rest = n % 4
    word = np.uint32(a if rest == 0 else b if rest == 1 else c if rest == 2 else d)
    return (word + 0.5) * _UNIT


@numba.njit
def _sweep_rotations(spins, weights, graph, reach, law, keys, step, work):
    """A rotation of every weight vector is proposed; weights (L, N, c) in place.

    ``keys`` (2, 2): of the directions, and of the rest.
    """
    depth, width, degree = weights.shape
    padded = -(-degree // 4) * 4
    for layer in range(depth):
        for start in range(0, width, ROWS):
            rows = min(ROWS, width - start)
            for row in range(rows):
                number = layer * width + start + row
                fill(work.normal, number * padded // 4, padded // 4, keys[0, 0], keys[0, 1], step)
                work.angles[row] = _project(
                    weights[layer, start + row], work.normal, work.tangents[row], reach
                )
            _along_and_across(layer, start, rows, spins, weights, graph, law[4], work)
            for row in range(rows):
                along, across = work.along[row, : spins.shape[2]], work.across[row, : spins.shape[2]]
                angle = work.angles[row]
                most = _energy(along, across, 0.0, law)
                if not law[1]:
                    word = _word((layer * width + start + row) * QUADS, 0, keys[1], step)
                    most -= math.log(word) / law[3]
                if _energy(along, across, angle, law) <= most:
                    _rotate(weights[layer, start + row], work.tangents[row], angle)


@numba.njit(fastmath=FAST)
def _rotate(weights, tangent, angle):
    """J cos + tangent sin, back on the sphere |J|^2 = c."""
    cosine, sine = math.cos(angle), math.sin(angle)
    for a in range(weights.size):
        weights[a] = cosine * weights[a] + sine * tangent[a]
    _renormalise(weights)


@numba.njit(fastmath=FAST)
def _products(own, first, second, scale, a, b):
    """What the two weights of a plane are multiplied by in the gaps."""
    for m in range(own.size):
        a[m] = own[m] * first[m] * scale
        b[m] = own[m] * second[m] * scale


@numba.njit
def _plane_energy(x, a, b, along, across, hard):
    """Of a perceptron with excesses x + along a + across b; doubled if it is soft."""
    d, e = _spread(along), _spread(across)
    none = _spread(along - along)
    t0, t1 = none, none
    for m in range(0, x.size, 2 * LANES):
        y0 = _multiply_add(e, _load(b, m), _multiply_add(d, _load(a, m), _load(x, m)))
        y1 = _multiply_add(e, _load(b, m + LANES), _multiply_add(d, _load(a, m + LANES), _load(x, m + LANES)))
        if hard:
            t0, t1 = _add(t0, _violated(y0)), _add(t1, _violated(y1))
        else:
            y0, y1 = _below(y0), _below(y1)
            t0, t1 = _multiply_add(y0, y0, t0), _multiply_add(y1, y1, t1)
    return _total(_add(t0, t1))


@numba.njit(fastmath={"nnan", "nsz", "reassoc"})
def _least(x, a, b, least):
    """The smallest excess among gaps where the products have signs (+, +), (+, -), (-, +), (-, -)."""
    none = x.dtype.type(np.inf)
    l0, l1, l2, l3 = none, none, none, none
    for m in range(x.size):
        up, down = x[m] if a[m] > 0 else none, x[m] if a[m] < 0 else none
        l0, l1 = min(l0, up if b[m] > 0 else none), min(l1, up if b[m] < 0 else none)
        l2, l3 = min(l2, down if b[m] > 0 else none), min(l3, down if b[m] < 0 else none)
    least[0], least[1], least[2], least[3] = l0, l1, l2, l3


@numba.njit
def _fits(x, a, b, along, across, most, hard, exact, least, scale):
    """Whether the energy of a perceptron is ``most`` or less after its weights in the plane have changed."""
    if exact:  # no gap may be violated: four of them say it all
        u, v = along * scale, across * scale
        return (
            least[0] + u + v >= 0
            and least[1] + u - v >= 0
            and least[2] - u + v >= 0
            and least[3] - u - v >= 0
        )
    return _plane_energy(x, a, b, along, across, hard) <= most


@numba.njit
def _slice(x, a, b, first, second, law, least, change, block, key, step):
    """(along, across): how the two weights of a plane change, by a slice of the circle they are on."""
    hard, greedy, _, beta, scale, one = law
    zero = one - one
    present = _plane_energy(x, a, b, zero, zero, hard)
    most = 0.0 + present
    if not greedy:
        most -= (1.0 if hard else 2.0) * math.log(_word(block, 0, key, step)) / beta
    exact = hard and greedy and present == 0
    if exact:
        _least(x, a, b, least)
    angle = 2 * math.pi * _word(block, 1, key, step)
    low, high = angle - 2 * math.pi, angle
    for n in range(2, TRIES):
        turn, sine = math.cos(angle) - 1, math.sin(angle)
        change[0], change[1] = turn * first - sine * second, turn * second + sine * first
        along, across = change[0], change[1]  # in the precision of the state
        if _fits(x, a, b, along, across, most, hard, exact, least, scale):
            return along, across
        if angle < 0:
            low = angle
        else:
            high = angle
        angle = low + (high - low) * _word(block, n, key, step)
    return zero, zero


@numba.njit(fastmath=FAST)
def _shift(x, a, b, along, across):
    for m in range(x.size):
        x[m] += along * a[m] + across * b[m]


@numba.njit(fastmath=FAST)
def _renormalise(weights):
    """Back on the sphere |J|^2 = c."""
    norm = 0.0
    for a in range(weights.size):
        norm += weights[a] * weights[a]
    factor = math.sqrt(weights.size / norm)
    for a in range(weights.size):
        weights[a] *= factor


@numba.njit
def _sweep_planes(spins, weights, graph, law, keys, step, work):
    """Slices of every weight vector in c planes, (a, a + d) for a = 0..c-1; weights (L, N, c) in place.

    d is drawn for each layer and sweep.
    """
    depth, width, degree = weights.shape
    patterns = spins.shape[2]
    scale, one = law[4], law[5]
    a, b = work.first, work.second
    for layer in range(depth if degree > 1 else 0):
        apart = 1 + int(_word(layer, 0, keys[0], step) * (degree - 1))
        for start in range(0, width, ROWS):
            rows = min(ROWS, width - start)
            for row in range(rows):
                x = work.along[row]
                x[patterns:] = one  # no cost, whatever a and b, which are 0 there
                _row_excess(layer, start + row, spins, weights, graph, law, x)
            for s in range(degree):
                t = (s + apart) % degree
                for row in range(rows):
                    i = start + row
                    x, w, inputs = work.along[row], weights[layer, i], graph.inputs[layer, i]
                    own = spins[layer + 1, i]
                    _products(own, spins[layer, inputs[s]], spins[layer, inputs[t]], scale, a, b)
                    block = ((layer * width + i) * degree + s) * QUADS
                    along, across = _slice(
                        x, a, b, w[s], w[t], law, work.least, work.pair, block, keys[1], step
                    )
                    if along != 0 or across != 0:
                        _shift(x, a, b, along, across)
                        w[s] += along
                        w[t] += across
            for row in range(rows):
                _renormalise(weights[layer, start + row])


@numba.njit(fastmath=FAST)
def _violations_above(layer, i, spins, weights, graph, law, above, change):
    """How many more of the gaps (N, M) above are violated if neuron (layer, i) flips, (M,)."""
    scale, one = law[4], law[5]
    zero = one - one
    spin, patterns = spins[layer, i], spins.shape[2]
    change[:patterns] = zero
    for a in range(weights.shape[2]):
        k = graph.readers[layer, i, a]
        bond = (scale + scale) * weights[layer, k, graph.slots[layer, i, a]]
        x, up = above[k], spins[layer + 1, k]
        for m in range(patterns):
            turned = x[m] - bond * up[m] * spin[m]
            change[m] += (one if turned < zero else zero) - (one if x[m] < zero else zero)


@numba.njit(fastmath=FAST)
def _following(x, a, b, along, across, change, law):
    """Violations of a perceptron whose neuron follows its weights; in how many patterns it has a choice."""
    margin, one = law[2], law[5]
    zero = one - one
    twice = margin + margin
    count, choices = zero, zero
    for m in range(x.size):
        y = x[m] + along * a[m] + across * b[m]
        stays = one if y < zero else zero
        flips = change[m] + (one if -y - twice < zero else zero)
        count += min(stays, flips)
        choices += one if stays == flips else zero
    return count, choices


@numba.njit
def _slice_following(x, a, b, first, second, change, law, pair, block, key, step):
    """As :func:`_slice`, at temperature 0, the neuron summed over."""
    one = law[5]
    zero = one - one
    count, choices = _following(x, a, b, zero, zero, change, law)
    least = choices + math.log(_word(block, 0, key, step)) / math.log(2)
    angle = 2 * math.pi * _word(block, 1, key, step)
    low, high = angle - 2 * math.pi, angle
    for n in range(2, TRIES):
        turn, sine = math.cos(angle) - 1, math.sin(angle)
        pair[0], pair[1] = turn * first - sine * second, turn * second + sine * first
        there, free = _following(x, a, b, pair[0], pair[1], change, law)
        if there < count or (there == count and free >= least):
            return pair[0], pair[1]
        if angle < 0:
            low = angle
        else:
            high = angle
        angle = low + (high - low) * _word(block, n, key, step)
    return zero, zero


@numba.njit
def _follow(layer, i, x, change, spins, weights, graph, law, above, key, step, work):
    """The neuron of perceptron (layer, i) from its law given the weights; ``above`` goes along."""
    depth, width, degree = weights.shape
    patterns = spins.shape[2]
    padded = -(-patterns // 4) * 4
    margin, scale, one = law[2], law[4], law[5]
    zero = one - one
    for start in range(0, patterns, BLOCK):
        count = min(BLOCK, patterns - start)
        for m in range(count):
            y = x[start + m]
            flips = change[start + m] + (one if -y - margin - margin < zero else zero)
            work.change[m] = flips - (one if y < zero else zero)
        _thresholds(work.fields, work.words, (layer * width + i) * padded + start, key, step)
        spin = spins[layer, i, start : start + count]
        for m in range(count):
            turns = work.change[m] < zero or (work.change[m] == zero and work.fields[m] > 0)
            work.flipped[m] = spin[m] if turns else zero
        if layer < depth:
            for a in range(degree):
                k = graph.readers[layer, i, a]
                bond = (scale + scale) * weights[layer, k, graph.slots[layer, i, a]]
                up = spins[layer + 1, k, start : start + count]
                _shift_some(above[k, start : start + count], up, work.flipped, bond)
        for m in range(count):
            spin[m] -= work.flipped[m] + work.flipped[m]


@numba.njit(fastmath=FAST)
def _shift_some(x, above, flipped, bond):
    for m in range(x.size):
        x[m] -= bond * above[m] * flipped[m]


@numba.njit
def _sweep_following(spins, weights, graph, moving, law, keys, step, work):
    """A sweep of planes at temperature 0 in which neurons follow their weights, layer after layer.

    ``keys`` (3, 2): of neurons, of the planes' distances, of the slices.
    """
    depth, width, degree = weights.shape
    patterns = spins.shape[2]
    scale, one = law[4], law[5]
    a, b, x, change = work.first, work.second, work.along[0], work.along[1]
    x[patterns:] = one  # violated nowhere, whatever follows
    for layer in range(1, depth + 1):
        below = layer - 1
        apart = 1 + int(_word(below, 0, keys[1], step) * (degree - 1))
        change[:] = NEVER
        if layer < depth:
            for k in range(width):
                _row_excess(layer, k, spins, weights, graph, law, work.above[k, :patterns])
        for i in range(width):
            w, inputs = weights[below, i], graph.inputs[below, i]
            _row_excess(below, i, spins, weights, graph, law, x)
            if moving[layer] and layer < depth:
                _violations_above(layer, i, spins, weights, graph, law, work.above, change)
            elif moving[layer]:
                change[:patterns] = 0  # nobody reads it
            for s in range(degree if degree > 1 else 0):
                t = (s + apart) % degree
                _products(spins[layer, i], spins[below, inputs[s]], spins[below, inputs[t]], scale, a, b)
                block = ((below * width + i) * degree + s) * QUADS
                along, across = _slice_following(
                    x, a, b, w[s], w[t], change, law, work.pair, block, keys[2], step
                )
                if along != 0 or across != 0:
                    _shift(x, a, b, along, across)
                    w[s] += along
                    w[t] += across
            _renormalise(w)
            if moving[layer]:
                _follow(layer, i, x, change, spins, weights, graph, law, work.above, keys[0], step, work)
    if moving[0]:
        inputs_only = np.zeros(depth + 1, np.bool_)
        inputs_only[0] = True
        _sweep_neurons(spins, weights, graph, inputs_only, law, keys[0], step, work)


@numba.njit(fastmath=FAST)
def _row_excess(layer, i, spins, weights, graph, law, x):
    """The excesses of one perceptron, (M,) and more."""
    patterns = spins.shape[2]
    margin, scale = law[2], law[4]
    for first in range(0, patterns, BLOCK):
        end = min(first + BLOCK, patterns)
        part = x[first:end]
        part[:] = 0
        for a in range(weights.shape[2]):
            w, below = weights[layer, i, a], spins[layer, graph.inputs[layer, i, a], first:end]
            for m in range(end - first):
                part[m] += w * below[m]
        own = spins[layer + 1, i, first:end]
        for m in range(end - first):
            part[m] = part[m] * own[m] * scale - margin


@numba.njit(cache=True, nogil=True)
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
            _sweep_following(spins, weights, graph, moving, law, keys, step, work)
            continue
        if neurons:
            _sweep_neurons(spins, weights, graph, moving, law, keys[0], step, work)
        if turning and reach > 0:
            _sweep_rotations(spins, weights, graph, reach, law, keys[1:], step, work)
        elif turning:
            _sweep_planes(spins, weights, graph, law, keys[1:], step, work)
