"""The step of the thermal machine on the CPU: forces, noise and Langevin dynamics in one loop.

The forces are those of :mod:`simulate.systems.thermal_machine`, whose symbols are used here. A step
(:func:`advance`) passes three times over the particles of the batch:

1. Layer 1 of all machines at once (:mod:`.first_layer`).
2. Machine by machine, tile by tile of patterns, y_l and the norms E_l.
3. Tile by tile again, a_l, d_l and the forces. A tile needs its own patterns and J only, so its spins move
   at once, with their noise; J_l moves after the last tile, J_1 after the look-up run backwards.

Padding with zeros (patterns to whole tiles, rows to even numbers) keeps every loop free of tails: a padded
spin, its y, a and d are all 0.
"""

# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

import math
from typing import NamedTuple

import numba
import numpy as np
from numba import types
from numba.extending import overload
from numpy.typing import NDArray

from simulate.kernels.caching import cached
from simulate.kernels.deviates import draw
from simulate.kernels.first_layer import fold, look_back, look_up
from simulate.kernels.registers import LANES, load, multiply_add, prefetch, spread, store, sum_up

_f = np.float32
STRIDE = 4 * LANES  # a tile of patterns is a multiple of this


TILE = 2048  # particles whose noise is drawn at once: it stays in the nearest cache
WORDS = TILE // 4 + LANES  # blocks of their buffer, a multiple of LANES


class Noise(NamedTuple):
    """Where the noise of up to TILE particles is drawn."""

    xi: NDArray[np.float32]  # (4 WORDS,)
    words: NDArray[np.uint32]  # (4, WORDS)


@numba.njit
def _move(r, v, force, first, count, noise, key, step, a, dt, b):
    """Particles first .. first + count - 1 of one machine, whose force is ``force[:count]``."""
    for p in range(first + count, first + 2 * count, LANES):
        prefetch(r, p)
        prefetch(v, p)
    block = first // 4
    blocks = (first + count - 1) // 4 - block + 1
    # A few more than needed: whole registers.
    draw(noise.xi, noise.words, block, -(-blocks // LANES) * LANES, key[0], key[1], step)
    xi = noise.xi[first - 4 * block :]
    r, v = r[first:], v[first:]
    zero = a - a  # constants in the precision of the state keep the loop in that precision
    one = zero + np.float32(1)
    two = zero + np.float32(2)
    for p in range(count):
        velocity = a * v[p] + dt * force[p] + b * xi[p]
        position = r[p] + dt * velocity
        wall = two if position > zero else -two
        outside = abs(position) > one
        r[p] = wall - position if outside else position
        v[p] = -velocity if outside else velocity


# tanh x = x P(x^2) / Q(x^2) on [-9, 9], where float32 reaches 1: a fit of the least relative error, 7e-9.
_P = (
    -8.48875888e-14, 5.27796799e-11, -2.02252686e-08, 1.11543186e-05, 3.10395728e-03, 0.130840108, 1.0,
)  # fmt: skip
_Q = (2.54614686e-04, 0.0244951826, 0.464173377, 1.0)
_P0, _P1, _P2, _P3, _P4, _P5, _P6 = (_f(c) for c in _P)
_Q0, _Q1, _Q2, _Q3 = (_f(c) for c in _Q)


def _tanh(x):
    """In float32 by a rational function, which runs on whole registers; in float64 by the C library."""
    raise NotImplementedError


@overload(_tanh, jit_options={"fastmath": {"contract"}, "error_model": "numpy"})
def _tanh_of(x):
    if x != types.float32:
        return lambda x: math.tanh(x)

    def rational(x):
        x = _f(9) if x > _f(9) else x  # a NaN passes
        x = _f(-9) if x < _f(-9) else x
        z = x * x
        p = (((((_P0 * z + _P1) * z + _P2) * z + _P3) * z + _P4) * z + _P5) * z + _P6
        return p / (((_Q0 * z + _Q1) * z + _Q2) * z + _Q3) * x

    return rational


@numba.njit(error_model="numpy")
def tanh(y):
    """In place, of a contiguous row."""
    for p in range(y.size):
        y[p] = _tanh(y[p])


class Shape(NamedTuple):
    """Sizes of a machine and of its tiles."""

    depth: int
    width: int
    outputs: int
    patterns: int
    tile: int  # patterns of a tile, a multiple of STRIDE
    c_first: float  # c_1 in the precision of the state
    c: float  # c_l for l > 1


class Work(NamedTuple):
    """Buffers, flat; R is the even number of rows that holds a layer, T the patterns of a tile."""

    z: NDArray[np.floating]  # (row groups, M LANES): z_1, then d_1, of the whole batch
    weights: NDArray[np.floating]  # (distinct pixels, LANES): J_1, then the force on it
    table: NDArray[np.floating]  # (combinations, LANES)
    y: NDArray[np.floating]  # (tiles, L, R, T): y_l of one machine
    x: NDArray[np.floating]  # (R, T): spins of a layer of a tile, before they move
    f: NDArray[np.floating]  # (R, T): their force
    d: NDArray[np.floating]  # (R, T)
    j: NDArray[np.floating]  # (L - 1, R, R): c J_l of one machine, l > 1
    transposed: NDArray[np.floating]  # (L - 1, R, R)
    on_j: NDArray[np.floating]  # (L - 1, R, R): the force on J_l, over c
    force: NDArray[np.floating]  # of a row of J_1, or of all J_l, l > 1
    inverse: NDArray[np.floating]  # (L,): 1/E_l
    noise: Noise


@numba.njit
def _even(n):
    return n + (n & 1)


@numba.njit
def _take(source, start, stride, rows, count, tile, x):
    """x (rows, tile) from rows ``stride`` apart, padded with zeros."""
    for i in range(_even(rows)):
        row = x[i * tile : (i + 1) * tile]
        filled = count if i < rows else 0
        here = source[start + i * stride : start + i * stride + filled]
        for p in range(start + i * stride + filled, start + i * stride + 2 * filled, LANES):
            prefetch(source, p)
        for p in range(filled):
            row[p] = here[p]
        for p in range(filled, tile):
            row[p] = _f(0)


@numba.njit
def _product(j, x, out, rows, inner, stride, tile):
    """out (rows, tile) = j (rows, inner) x (inner, tile); two rows by four registers at a time."""
    zero = spread(j[0] - j[0])
    for i in range(0, rows, 2):
        for p in range(0, tile, STRIDE):
            a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = zero
            for k in range(inner):
                at = k * tile + p
                x0, x1 = load(x, at), load(x, at + LANES)
                x2, x3 = load(x, at + 2 * LANES), load(x, at + 3 * LANES)
                a, b = spread(j[i * stride + k]), spread(j[(i + 1) * stride + k])
                a0, a1 = multiply_add(a, x0, a0), multiply_add(a, x1, a1)
                a2, a3 = multiply_add(a, x2, a2), multiply_add(a, x3, a3)
                b0, b1 = multiply_add(b, x0, b0), multiply_add(b, x1, b1)
                b2, b3 = multiply_add(b, x2, b2), multiply_add(b, x3, b3)
            at = i * tile + p
            store(out, at, a0)
            store(out, at + LANES, a1)
            store(out, at + 2 * LANES, a2)
            store(out, at + 3 * LANES, a3)
            at += tile
            store(out, at, b0)
            store(out, at + LANES, b1)
            store(out, at + 2 * LANES, b2)
            store(out, at + 3 * LANES, b3)


@numba.njit
def _correlate(d, x, out, rows, columns, stride, tile):
    """out (rows, columns) += d (rows, tile) x (columns, tile)^T."""
    zero = spread(d[0] - d[0])
    for i in range(0, rows, 2):
        for k in range(0, columns, 2):
            aa = ab = ba = bb = zero
            for p in range(0, tile, LANES):
                d0, d1 = load(d, i * tile + p), load(d, (i + 1) * tile + p)
                x0, x1 = load(x, k * tile + p), load(x, (k + 1) * tile + p)
                aa, ab = multiply_add(d0, x0, aa), multiply_add(d0, x1, ab)
                ba, bb = multiply_add(d1, x0, ba), multiply_add(d1, x1, bb)
            at = i * stride + k
            out[at] += sum_up(aa)
            out[at + 1] += sum_up(ab)
            out[at + stride] += sum_up(ba)
            out[at + stride + 1] += sum_up(bb)


@numba.njit(fastmath={"contract", "reassoc"})
def _squares(x, y):
    """Sum of (x - y)^2 of a short row."""
    total = _f(0)
    for p in range(x.size):
        total += (x[p] - y[p]) * (x[p] - y[p])
    return np.float64(total)


@numba.njit(fastmath={"contract"})
def _slopes(x, y, f, d, inverse):
    """a = (x - y)/E;  f <- f - a,  d <- a (1 - y^2)."""
    for p in range(x.size):
        a = (x[p] - y[p]) * inverse
        f[p] = f[p] - a
        d[p] = a * (_f(1) - y[p] * y[p])


@numba.njit
def _layer_one(z, row, first, count, y, scale, write):
    """One row of a tile between ``y`` and its lane in z: read z_1 times ``scale``, or write d_1."""
    lanes = z[row // LANES, first * LANES + row % LANES :: LANES]
    if write:
        for p in range(count):
            lanes[p] = y[p]
    else:
        for p in range(count):
            y[p] = scale * lanes[p]
        y[count:] = 0


@numba.njit
def _weights(r, shape, start, work):
    """c J_l of one machine, l > 1, and its transpose, padded."""
    n, stride = shape.width, _even(max(shape.width, shape.outputs))
    for row in range((shape.depth - 2) * n + shape.outputs):
        layer, i = divmod(row, n)
        if layer > shape.depth - 2:  # more outputs than hidden neurons
            layer, i = shape.depth - 2, row - (shape.depth - 2) * n
        at = layer * stride * stride
        for k in range(n):
            value = shape.c * r[start + row * n + k]
            work.j[at + i * stride + k] = value
            work.transposed[at + k * stride + i] = value


@numba.njit
def _energies(r, machine, shape, plan, work, energies):
    """y_l of all tiles, E_l^2 and 1/E_l of one machine."""
    depth, n, patterns, tile = shape.depth, shape.width, shape.patterns, shape.tile
    stride = _even(max(n, shape.outputs))
    energies[:] = 0
    for first in range(0, patterns, tile):
        count = min(tile, patterns - first)
        for layer in range(depth):
            rows = n if layer < depth - 1 else shape.outputs
            padded = _even(rows) * tile
            at = (first // tile * depth + layer) * stride * tile
            y = work.y[at : at + padded]
            if layer == 0:
                for i in range(rows):
                    _layer_one(
                        work.z, machine * rows + i, first, count, y[i * tile : (i + 1) * tile], shape.c_first,
                        False,
                    )  # fmt: skip
            else:
                j = work.j[(layer - 1) * stride * stride :]
                _product(j, work.x, y, _even(rows), n, stride, tile)
            tanh(y)
            if layer < depth - 1:
                _take(r, layer * n * patterns + first, patterns, n, count, tile, work.x)
            else:
                _take(plan.outputs, first, patterns, rows, count, tile, work.x)
            for i in range(rows):
                here = slice(i * tile, (i + 1) * tile)
                energies[layer] += _squares(work.x[here], y[here])
    for layer in range(depth):
        # At the tip of the cone the residual, and with it the force, is zero.
        work.inverse[layer] = 1 / math.sqrt(energies[layer]) if energies[layer] != 0 else 0.0


@numba.njit
def _spins(r, v, machine, shape, plan, work, key, step, a, dt, b):
    """Forces of one machine, tile by tile; its spins move, d_1 and the forces on J_l are left in ``work``."""
    depth, n, patterns, tile = shape.depth, shape.width, shape.patterns, shape.tile
    stride = _even(max(n, shape.outputs))
    work.on_j[:] = 0
    for first in range(0, patterns, tile):
        count = min(tile, patterns - first)
        rows = shape.outputs
        _take(plan.outputs, first, patterns, rows, count, tile, work.x)
        at = ((first // tile + 1) * depth - 1) * stride * tile
        _slopes(work.x[: _even(rows) * tile], work.y[at:], work.f, work.d, work.inverse[depth - 1])
        for layer in range(depth - 2, -1, -1):
            _take(r, layer * n * patterns + first, patterns, n, count, tile, work.x)
            square = slice(layer * stride * stride, (layer + 1) * stride * stride)
            _correlate(work.d, work.x, work.on_j[square], _even(rows), _even(n), stride, tile)
            _product(work.transposed[square], work.d, work.f, _even(n), rows, stride, tile)
            rows = n
            at -= stride * tile
            _slopes(work.x[: _even(n) * tile], work.y[at:], work.f, work.d, work.inverse[layer])
            for i in range(n):
                start = (layer * n + i) * patterns + first
                _move(r, v, work.f[i * tile :], start, count, work.noise, key, step, a, dt, b)
        for i in range(rows):
            _layer_one(
                work.z, machine * rows + i, first, count, work.d[i * tile : (i + 1) * tile], shape.c, True
            )


@numba.njit
def _move_all(r, v, force, first, count, noise, key, step, a, dt, b):
    """:func:`_move` for any count."""
    for done in range(0, count, TILE):
        _move(r, v, force[done:], first + done, min(TILE, count - done), noise, key, step, a, dt, b)


@numba.njit
def _move_weights(r, v, start, shape, work, key, step, a, dt, b):
    """J_l of one machine, l > 1."""
    n, stride = shape.width, _even(max(shape.width, shape.outputs))
    count = 0
    for layer in range(shape.depth - 1):
        for i in range(n if layer < shape.depth - 2 else shape.outputs):
            for k in range(n):
                work.force[count] = shape.c * work.on_j[(layer * stride + i) * stride + k]
                count += 1
    _move_all(r, v, work.force, start, count, work.noise, key, step, a, dt, b)


# Not parallel=True: threads that meet after every sub-millisecond step cost 20-fold when another
# process holds a core (measured).
@cached
def advance(r, v, keys, first_step, a, dt, b, shape, plan, work):
    """Steps ``first_step`` (uint64) onwards of a batch (B, P), one for each noise amplitude ``b``."""
    batch, n0 = r.shape[0], plan.column.size
    rows = shape.width if shape.depth > 1 else shape.outputs
    spins = (shape.depth - 1) * shape.width * shape.patterns
    energies = np.empty(shape.depth)
    for t in range(b.size):
        step = first_step + np.uint64(t)
        for group in range(work.z.shape[0]):
            fold(r, spins, group * LANES, rows, plan, work.weights)
            look_up(plan, work.weights, work.table, work.z[group])
        for i in range(batch):
            _weights(r[i], shape, spins + rows * n0, work)
            _energies(r[i], i, shape, plan, work, energies)
            _spins(r[i], v[i], i, shape, plan, work, keys[i], step, a[t], dt, b[t])
            _move_weights(r[i], v[i], spins + rows * n0, shape, work, keys[i], step, a[t], dt, b[t])
        for group in range(work.z.shape[0]):
            look_back(plan, work.z[group], work.table, work.weights)
            for lane in range(min(LANES, batch * rows - group * LANES)):
                i, row = divmod(group * LANES + lane, rows)
                for p in range(n0):
                    on = work.weights[plan.column[p] * LANES + lane]
                    work.force[p] = shape.c_first * plan.sign[p] * on
                start = spins + row * n0
                _move_all(r[i], v[i], work.force, start, n0, work.noise, keys[i], step, a[t], dt, b[t])
