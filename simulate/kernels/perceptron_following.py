"""Sweeps at temperature 0 in which the neurons of a deep perceptron follow its weights.

A weight vector moves with its own neuron summed over; the neuron is then drawn from its law.
"""

# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

import math

import numba
import numpy as np

from simulate.kernels.perceptron_neurons import BLOCK, FAST, sweep_neurons, thresholds
from simulate.kernels.perceptron_weights import (
    QUADS,
    TRIES,
    products,
    renormalise,
    row_excess,
    shift,
    uniform,
)

NEVER = 1e9  # violations that no flip is worth


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
    least = choices + math.log(uniform(block, 0, key, step)) / math.log(2)
    angle = 2 * math.pi * uniform(block, 1, key, step)
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
        angle = low + (high - low) * uniform(block, n, key, step)
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
        thresholds(work.fields, work.words, (layer * width + i) * padded + start, key, step)
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
def sweep_following(spins, weights, graph, moving, law, keys, step, work):
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
        apart = 1 + int(uniform(below, 0, keys[1], step) * (degree - 1))
        change[:] = NEVER
        if layer < depth:
            for k in range(width):
                row_excess(layer, k, spins, weights, graph, law, work.above[k, :patterns])
        for i in range(width):
            w, inputs = weights[below, i], graph.inputs[below, i]
            row_excess(below, i, spins, weights, graph, law, x)
            if moving[layer] and layer < depth:
                _violations_above(layer, i, spins, weights, graph, law, work.above, change)
            elif moving[layer]:
                change[:patterns] = 0  # nobody reads it
            for s in range(degree if degree > 1 else 0):
                t = (s + apart) % degree
                products(spins[layer, i], spins[below, inputs[s]], spins[below, inputs[t]], scale, a, b)
                block = ((below * width + i) * degree + s) * QUADS
                along, across = _slice_following(
                    x, a, b, w[s], w[t], change, law, work.pair, block, keys[2], step
                )
                if along != 0 or across != 0:
                    shift(x, a, b, along, across)
                    w[s] += along
                    w[t] += across
            renormalise(w)
            if moving[layer]:
                _follow(layer, i, x, change, spins, weights, graph, law, work.above, keys[0], step, work)
    if moving[0]:
        inputs_only = np.zeros(depth + 1, np.bool_)
        inputs_only[0] = True
        sweep_neurons(spins, weights, graph, inputs_only, law, keys[0], step, work)
