"""The compiled inner loop of the CPU: forces of the thermal machine, counter-based noise, Langevin step.

Everything numba compiles stands in this file, because its cache of compiled code notices edits of the
file a function stands in and of no other. The arithmetic of the noise is described, and written again
as torch operations, in :mod:`simulate.noise`; the forces are those of
:mod:`simulate.systems.thermal_machine`, whose symbols are used here.

A step (:func:`advance`) passes three times over the particles of the batch:

1. Layer 1 of all machines at once. Inputs are +-1, so a few pixels side by side take few different values
   among the patterns: sums of J_1 over such a group are tabulated once for every combination that occurs
   (``Plan``), and a pattern costs one look-up per group. Sixteen rows of J_1 go side by side.
2. Machine by machine, tile by tile of patterns, y_l and the norms E_l.
3. Tile by tile again, a_l, d_l and the forces. A tile needs its own patterns and J only, so its spins move
   at once, with their noise; J_l moves after the last tile, J_1 after the look-up run backwards.

Padding with zeros (patterns to whole tiles, rows to even numbers) keeps every loop free of tails: a padded
spin, its y, a and d are all 0.
"""

# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

import math
from typing import Any, NamedTuple

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import models, overload, register_model
from numpy.typing import NDArray

intrinsic: Any = numba.extending.intrinsic  # its annotations are of the functions before decoration

LANES = 16  # rows of J_1, or patterns, that one vector register holds
STRIDE = 4 * LANES  # a tile of patterns is a multiple of this

# ---------------------------------------------------------------------------------------------- noise

M0, M1 = 0xD2511F53, 0xCD9E8D57
W0, W1 = 0x9E3779B9, 0xBB67AE85
ROUNDS = 10

# Coefficients of Cephes logf, sinf and cosf (S. L. Moshier), about one unit in the last place.
LOG = (
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
    -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
)  # fmt: skip
SIN = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
COS = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
LN2_HIGH, LN2_LOW = 0.693359375, -2.12194440e-4
SQRT_HALF = 0.70710678
TWO_PI = 6.283185307
TO_UNIT = 2.0**-32

_f = np.float32
_L0, _L1, _L2, _L3, _L4, _L5, _L6, _L7, _L8 = (_f(c) for c in LOG)
_S0, _S1, _S2 = (_f(c) for c in SIN)
_C0, _C1, _C2 = (_f(c) for c in COS)


@numba.njit(inline="always")
def philox(c0, c1, c2, c3, k0, k1):
    """Four 32-bit words from a 128-bit counter and a 64-bit key (numba, uint32 in and out)."""
    for _ in range(ROUNDS):
        p0 = np.uint64(M0) * np.uint64(c0)
        p1 = np.uint64(M1) * np.uint64(c2)
        c0, c2 = np.uint32(p1 >> np.uint64(32)) ^ c1 ^ k0, np.uint32(p0 >> np.uint64(32)) ^ c3 ^ k1
        c1, c3 = np.uint32(p1), np.uint32(p0)
        k0 = np.uint32(k0 + np.uint32(W0))
        k1 = np.uint32(k1 + np.uint32(W1))
    return c0, c1, c2, c3


@numba.njit(inline="always")
def _log(u):
    bits = np.float32(u).view(np.int32)
    exponent = np.int32(np.int32(bits >> np.int32(23)) - np.int32(126))
    m = np.int32(np.int32(bits & np.int32(0x007FFFFF)) | np.int32(0x3F000000)).view(np.float32)
    low = m < _f(SQRT_HALF)
    e = _f(np.int32(exponent - np.int32(low)))
    m = (m + m if low else m) - _f(1)
    z = m * m
    y = _L0 * m + _L1
    y = y * m + _L2
    y = y * m + _L3
    y = y * m + _L4
    y = y * m + _L5
    y = y * m + _L6
    y = y * m + _L7
    y = y * m + _L8
    y = y * m * z
    y = y + e * _f(LN2_LOW)
    y = y - _f(0.5) * z
    return m + y + e * _f(LN2_HIGH)


@numba.njit(inline="always")
def _pair(a, b):
    """Two normal deviates from two 32-bit words (Box-Muller)."""
    u = _f(a) * _f(TO_UNIT) + _f(TO_UNIT / 2)
    radius = np.sqrt(_f(-2) * _log(u))
    turn = _f(np.int32(b)) * _f(TO_UNIT)  # angle / 2 pi in [-1/2, 1/2]
    quarter = np.floor(_f(4) * turn + _f(0.5))
    t = (turn - _f(0.25) * quarter) * _f(TWO_PI)  # in [-pi/4, pi/4]
    z = t * t
    sine = ((_S0 * z + _S1) * z + _S2) * z * t + t
    cosine = ((_C0 * z + _C1) * z + _C2) * z * z - _f(0.5) * z + _f(1)
    q = np.int32(np.int32(quarter) & np.int32(3))
    odd = np.int32(q & np.int32(1)) == np.int32(1)
    s = cosine if odd else sine
    c = sine if odd else cosine
    s = -s if q >= np.int32(2) else s
    c = -c if (q == np.int32(1)) or (q == np.int32(2)) else c
    return radius * c, radius * s


@numba.njit
def _draw(out, words, block, blocks, k0, k1, step):
    """:func:`fill` with ``words`` (4, blocks or more) of uint32 for its use; two short loops run faster."""
    low, high = np.uint32(step), np.uint32(step >> np.uint64(32))
    a, b, c, d = words[0], words[1], words[2], words[3]
    for n in range(blocks):
        a[n], b[n], c[n], d[n] = philox(np.uint32(block + n), np.uint32(0), low, high, k0, k1)
    for n in range(blocks):
        out[4 * n], out[4 * n + 1] = _pair(a[n], b[n])
        out[4 * n + 2], out[4 * n + 3] = _pair(c[n], d[n])


@numba.njit(cache=True)
def fill(out, block, blocks, k0, k1, step):
    """Deviates of elements 4*block .. 4*(block + blocks) - 1 of ``step`` (uint64) into out (float32)."""
    _draw(out, np.empty((4, blocks), np.uint32), block, blocks, k0, k1, step)


@numba.njit(cache=True)
def fill_rows(out, keys, step):
    """Deviates of ``step`` (uint64) into rows (B, 4 blocks), float32, each of its own stream (B, 2)."""
    for b in range(out.shape[0]):
        fill(out[b], 0, out.shape[1] // 4, keys[b, 0], keys[b, 1], step)


# -------------------------------------------------------------------------------------------- vectors


class Vector(types.Type):
    """LANES numbers of one precision in a register: numba has no such type of its own."""

    def __init__(self, dtype):
        self.dtype = dtype
        super().__init__(name=f"Vector({dtype})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        element = manager.lookup(kind.dtype).get_value_type()
        super().__init__(manager, kind, ir.VectorType(element, LANES))


def _address(context, builder, array_type, array, index):
    """Where the vector that starts at ``array[index]`` lies; (address, alignment)."""
    data = context.make_array(array_type)(context, builder, array).data
    kind = context.get_value_type(Vector(array_type.dtype))
    return builder.bitcast(builder.gep(data, [index]), kind.as_pointer()), array_type.dtype.bitwidth // 8


@intrinsic
def _load(typing, array, index):
    """The vector ``array[index : index + LANES]`` of a contiguous row."""

    def generate(context, builder, signature, arguments):
        address, align = _address(context, builder, signature.args[0], *arguments)
        return builder.load(address, align=align)

    return Vector(array.dtype)(array, types.intp), generate


@intrinsic
def _store(typing, array, index, vector):
    def generate(context, builder, signature, arguments):
        address, align = _address(context, builder, signature.args[0], *arguments[:2])
        builder.store(arguments[2], address, align=align)
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), generate


@intrinsic
def _prefetch(typing, array, index):
    """Ask for the cache line of ``array[index]``; beyond the end it does nothing."""

    def generate(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        i32 = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [address.type, i32, i32, i32])
        prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(prefetch, [address, i32(0), i32(3), i32(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


@intrinsic
def _spread(typing, number):
    """A vector whose entries all are ``number``."""

    def generate(context, builder, signature, arguments):
        kind = context.get_value_type(signature.return_type)
        one = builder.insert_element(ir.Constant(kind, ir.Undefined), arguments[0], ir.IntType(32)(0))
        everywhere = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), everywhere)

    return Vector(number)(number), generate


@intrinsic
def _add(typing, a, b):
    return a(a, b), lambda context, builder, signature, arguments: builder.fadd(*arguments)


@intrinsic
def _multiply_add(typing, a, b, c):
    """a b + c in one operation where the processor has it."""

    def generate(context, builder, signature, arguments):
        product = builder.fmul(arguments[0], arguments[1], flags=("contract",))
        return builder.fadd(product, arguments[2], flags=("contract",))

    return a(a, b, c), generate


@intrinsic
def _total(typing, vector):
    """The sum of the entries, by halves."""

    def generate(context, builder, signature, arguments):
        value, width = arguments[0], LANES
        while width > 1:
            width //= 2
            upper = ir.Constant(ir.VectorType(ir.IntType(32), width), list(range(width, 2 * width)))
            lower = ir.Constant(ir.VectorType(ir.IntType(32), width), list(range(width)))
            value = builder.fadd(
                builder.shuffle_vector(value, value, lower), builder.shuffle_vector(value, value, upper)
            )
        return builder.extract_element(value, ir.IntType(32)(0))

    return vector.dtype(vector), generate


# ----------------------------------------------------------------------------------------------- step

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
        _prefetch(r, p)
        _prefetch(v, p)
    block = first // 4
    blocks = (first + count - 1) // 4 - block + 1
    # A few more than needed: whole registers.
    _draw(noise.xi, noise.words, block, -(-blocks // LANES) * LANES, key[0], key[1], step)
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


# ---------------------------------------------------------------------------------------------- layer 1


class Plan(NamedTuple):
    """How layer 1 is computed, and the frozen neurons; made once per machine (:mod:`.dynamics.compiled`).

    The distinct pixels (up to sign) lie in G groups; ``codes`` says which combination of the pixels of a
    group each pattern shows, counted through all groups.
    """

    codes: NDArray[np.int32]  # (M, G): row of the table
    pixels: NDArray[np.int64]  # (G + 1,): first distinct pixel of each group
    rows: NDArray[np.int64]  # (G + 1,): first combination of each group
    signs: NDArray[np.floating]  # flat: for each combination the values +-1 of the pixels of its group
    column: NDArray[np.int64]  # (N_0,): the distinct pixel that each pixel equals
    sign: NDArray[np.floating]  # (N_0,): +-1, up to this sign
    outputs: NDArray[np.floating]  # (N_L, M)


@numba.njit
def _fold(r, spins, row, rows_each, plan, weights):
    """J_1 of LANES rows summed over equal pixels: weights (distinct pixels, LANES)."""
    n0 = plan.column.size
    weights[:] = 0
    last = min(row + LANES, r.shape[0] * rows_each)
    for lane in range(last - row):
        machine, i = divmod(row + lane, rows_each)
        j = r[machine, spins + i * n0 : spins + (i + 1) * n0]
        for p in range(n0):
            weights[plan.column[p] * LANES + lane] += plan.sign[p] * j[p]


@numba.njit
def _look_up(plan, weights, table, z):
    """z (patterns, LANES) = J_1 S_0 of LANES rows."""
    at = 0
    for g in range(plan.pixels.size - 1):
        for row in range(plan.rows[g], plan.rows[g + 1]):
            total = _spread(plan.sign[0] - plan.sign[0])
            for p in range(plan.pixels[g], plan.pixels[g + 1]):
                total = _multiply_add(_spread(plan.signs[at]), _load(weights, p * LANES), total)
                at += 1
            _store(table, row * LANES, total)
    for mu in range(plan.codes.shape[0]):
        total = _load(table, plan.codes[mu, 0] * LANES)
        for g in range(1, plan.codes.shape[1]):
            total = _add(total, _load(table, plan.codes[mu, g] * LANES))
        _store(z, mu * LANES, total)


@numba.njit
def _look_back(plan, d, table, forces):
    """forces (distinct pixels, LANES) = d_1 S_0^T of LANES rows: the transpose of the look-up."""
    table[:] = 0
    for mu in range(plan.codes.shape[0]):
        here = _load(d, mu * LANES)
        for g in range(plan.codes.shape[1]):
            at = plan.codes[mu, g] * LANES
            _store(table, at, _add(_load(table, at), here))
    forces[:] = 0
    at = 0
    for g in range(plan.pixels.size - 1):
        for row in range(plan.rows[g], plan.rows[g + 1]):
            here = _load(table, row * LANES)
            for p in range(plan.pixels[g], plan.pixels[g + 1]):
                total = _multiply_add(_spread(plan.signs[at]), here, _load(forces, p * LANES))
                _store(forces, p * LANES, total)
                at += 1


# --------------------------------------------------------------------------------------- hidden layers

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
            _prefetch(source, p)
        for p in range(filled):
            row[p] = here[p]
        for p in range(filled, tile):
            row[p] = _f(0)


@numba.njit
def _product(j, x, out, rows, inner, stride, tile):
    """out (rows, tile) = j (rows, inner) x (inner, tile); two rows by four registers at a time."""
    zero = _spread(j[0] - j[0])
    for i in range(0, rows, 2):
        for p in range(0, tile, STRIDE):
            a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = zero
            for k in range(inner):
                at = k * tile + p
                x0, x1 = _load(x, at), _load(x, at + LANES)
                x2, x3 = _load(x, at + 2 * LANES), _load(x, at + 3 * LANES)
                a, b = _spread(j[i * stride + k]), _spread(j[(i + 1) * stride + k])
                a0, a1 = _multiply_add(a, x0, a0), _multiply_add(a, x1, a1)
                a2, a3 = _multiply_add(a, x2, a2), _multiply_add(a, x3, a3)
                b0, b1 = _multiply_add(b, x0, b0), _multiply_add(b, x1, b1)
                b2, b3 = _multiply_add(b, x2, b2), _multiply_add(b, x3, b3)
            at = i * tile + p
            _store(out, at, a0)
            _store(out, at + LANES, a1)
            _store(out, at + 2 * LANES, a2)
            _store(out, at + 3 * LANES, a3)
            at += tile
            _store(out, at, b0)
            _store(out, at + LANES, b1)
            _store(out, at + 2 * LANES, b2)
            _store(out, at + 3 * LANES, b3)


@numba.njit
def _correlate(d, x, out, rows, columns, stride, tile):
    """out (rows, columns) += d (rows, tile) x (columns, tile)^T."""
    zero = _spread(d[0] - d[0])
    for i in range(0, rows, 2):
        for k in range(0, columns, 2):
            aa = ab = ba = bb = zero
            for p in range(0, tile, LANES):
                d0, d1 = _load(d, i * tile + p), _load(d, (i + 1) * tile + p)
                x0, x1 = _load(x, k * tile + p), _load(x, (k + 1) * tile + p)
                aa, ab = _multiply_add(d0, x0, aa), _multiply_add(d0, x1, ab)
                ba, bb = _multiply_add(d1, x0, ba), _multiply_add(d1, x1, bb)
            at = i * stride + k
            out[at] += _total(aa)
            out[at + 1] += _total(ab)
            out[at + stride] += _total(ba)
            out[at + stride + 1] += _total(bb)


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
@numba.njit(cache=True, nogil=True)
def advance(r, v, keys, first_step, a, dt, b, shape, plan, work):
    """Steps ``first_step`` (uint64) onwards of a batch (B, P), one for each noise amplitude ``b``."""
    batch, n0 = r.shape[0], plan.column.size
    rows = shape.width if shape.depth > 1 else shape.outputs
    spins = (shape.depth - 1) * shape.width * shape.patterns
    energies = np.empty(shape.depth)
    for t in range(b.size):
        step = first_step + np.uint64(t)
        for group in range(work.z.shape[0]):
            _fold(r, spins, group * LANES, rows, plan, work.weights)
            _look_up(plan, work.weights, work.table, work.z[group])
        for i in range(batch):
            _weights(r[i], shape, spins + rows * n0, work)
            _energies(r[i], i, shape, plan, work, energies)
            _spins(r[i], v[i], i, shape, plan, work, keys[i], step, a[t], dt, b[t])
            _move_weights(r[i], v[i], spins + rows * n0, shape, work, keys[i], step, a[t], dt, b[t])
        for group in range(work.z.shape[0]):
            _look_back(plan, work.z[group], work.table, work.weights)
            for lane in range(min(LANES, batch * rows - group * LANES)):
                i, row = divmod(group * LANES + lane, rows)
                for p in range(n0):
                    on = work.weights[plan.column[p] * LANES + lane]
                    work.force[p] = shape.c_first * plan.sign[p] * on
                start = spins + row * n0
                _move_all(r[i], v[i], work.force, start, n0, work.noise, keys[i], step, a[t], dt, b[t])
