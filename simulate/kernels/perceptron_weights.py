"""Sweeps over the weight vectors of a deep perceptron: rotations, and slices of circles in planes.

Perceptrons do not see one another while the neurons stand still. A few of them share what they read of the
layer below.
"""

# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

import math

import numba
import numpy as np

from simulate.kernels.deviates import TO_UNIT, fill, philox
from simulate.kernels.perceptron_neurons import BLOCK, FAST, cost
from simulate.kernels.registers import (
    LANES,
    add,
    is_negative,
    load,
    multiply_add,
    negative_part,
    spread,
    sum_up,
)

ROWS = 16  # perceptrons that share what they read
QUADS = 16  # blocks of Philox that a slice may use
TRIES = 4 * QUADS  # a slice that has shrunk so often holds the present point only


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
            total += cost(cosine * along[m] + sine * across[m] - margin, True, zero, one, half)
    else:
        for m in range(along.size):
            total += cost(cosine * along[m] + sine * across[m] - margin, False, zero, one, half)
    return total


@numba.njit
def uniform(block, n, key, step):
    """The n-th uniform number from a block of Philox onwards, in (0, 1)."""
    low, high = np.uint32(step), np.uint32(step >> np.uint64(32))
    a, b, c, d = philox(np.uint32(block + n // 4), np.uint32(0), low, high, key[0], key[1])
    rest = n % 4
    word = np.uint32(a if rest == 0 else b if rest == 1 else c if rest == 2 else d)
    return (word + 0.5) * TO_UNIT


@numba.njit
def sweep_rotations(spins, weights, graph, reach, law, keys, step, work):
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
                    word = uniform((layer * width + start + row) * QUADS, 0, keys[1], step)
                    most -= math.log(word) / law[3]
                if _energy(along, across, angle, law) <= most:
                    _rotate(weights[layer, start + row], work.tangents[row], angle)


@numba.njit(fastmath=FAST)
def _rotate(weights, tangent, angle):
    """J cos + tangent sin, back on the sphere |J|^2 = c."""
    cosine, sine = math.cos(angle), math.sin(angle)
    for a in range(weights.size):
        weights[a] = cosine * weights[a] + sine * tangent[a]
    renormalise(weights)


@numba.njit(fastmath=FAST)
def products(own, first, second, scale, a, b):
    """What the two weights of a plane are multiplied by in the gaps."""
    for m in range(own.size):
        a[m] = own[m] * first[m] * scale
        b[m] = own[m] * second[m] * scale


@numba.njit
def _plane_energy(x, a, b, along, across, hard):
    """Of a perceptron with excesses x + along a + across b; doubled if it is soft."""
    d, e = spread(along), spread(across)
    none = spread(along - along)
    t0, t1 = none, none
    for m in range(0, x.size, 2 * LANES):
        y0 = multiply_add(e, load(b, m), multiply_add(d, load(a, m), load(x, m)))
        y1 = multiply_add(e, load(b, m + LANES), multiply_add(d, load(a, m + LANES), load(x, m + LANES)))
        if hard:
            t0, t1 = add(t0, is_negative(y0)), add(t1, is_negative(y1))
        else:
            y0, y1 = negative_part(y0), negative_part(y1)
            t0, t1 = multiply_add(y0, y0, t0), multiply_add(y1, y1, t1)
    return sum_up(add(t0, t1))


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
        most -= (1.0 if hard else 2.0) * math.log(uniform(block, 0, key, step)) / beta
    exact = hard and greedy and present == 0
    if exact:
        _least(x, a, b, least)
    angle = 2 * math.pi * uniform(block, 1, key, step)
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
        angle = low + (high - low) * uniform(block, n, key, step)
    return zero, zero


@numba.njit(fastmath=FAST)
def shift(x, a, b, along, across):
    """The excesses after a move in the plane."""
    for m in range(x.size):
        x[m] += along * a[m] + across * b[m]


@numba.njit(fastmath=FAST)
def renormalise(weights):
    """Back on the sphere |J|^2 = c."""
    norm = 0.0
    for a in range(weights.size):
        norm += weights[a] * weights[a]
    factor = math.sqrt(weights.size / norm)
    for a in range(weights.size):
        weights[a] *= factor


@numba.njit
def sweep_planes(spins, weights, graph, law, keys, step, work):
    """Slices of every weight vector in c planes, (a, a + d) for a = 0..c-1; weights (L, N, c) in place.

    d is drawn for each layer and sweep.
    """
    depth, width, degree = weights.shape
    patterns = spins.shape[2]
    scale, one = law[4], law[5]
    a, b = work.first, work.second
    for layer in range(depth if degree > 1 else 0):
        apart = 1 + int(uniform(layer, 0, keys[0], step) * (degree - 1))
        for start in range(0, width, ROWS):
            rows = min(ROWS, width - start)
            for row in range(rows):
                x = work.along[row]
                x[patterns:] = one  # no cost, whatever a and b, which are 0 there
                row_excess(layer, start + row, spins, weights, graph, law, x)
            for s in range(degree):
                t = (s + apart) % degree
                for row in range(rows):
                    i = start + row
                    x, w, inputs = work.along[row], weights[layer, i], graph.inputs[layer, i]
                    own = spins[layer + 1, i]
                    products(own, spins[layer, inputs[s]], spins[layer, inputs[t]], scale, a, b)
                    block = ((layer * width + i) * degree + s) * QUADS
                    along, across = _slice(
                        x, a, b, w[s], w[t], law, work.least, work.pair, block, keys[1], step
                    )
                    if along != 0 or across != 0:
                        shift(x, a, b, along, across)
                        w[s] += along
                        w[t] += across
            for row in range(rows):
                renormalise(weights[layer, start + row])


@numba.njit(fastmath=FAST)
def row_excess(layer, i, spins, weights, graph, law, x):
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
