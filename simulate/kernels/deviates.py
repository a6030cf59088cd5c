"""Counter-based noise, compiled: Philox and normal deviates, each a function of key, counter and step.

The arithmetic is described, and written again as torch operations, in :mod:`simulate.noise`. It must never
change: old seeds would change their meaning.
"""

# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

import numba
import numpy as np

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
def logarithm(u):
    """ln u, float32, u > 0."""
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
    radius = np.sqrt(_f(-2) * logarithm(u))
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
def draw(out, words, block, blocks, k0, k1, step):
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
    draw(out, np.empty((4, blocks), np.uint32), block, blocks, k0, k1, step)


@numba.njit(cache=True)
def fill_rows(out, keys, step):
    """Deviates of ``step`` (uint64) into rows (B, 4 blocks), float32, each of its own stream (B, 2)."""
    for b in range(out.shape[0]):
        fill(out[b], 0, out.shape[1] // 4, keys[b, 0], keys[b, 1], step)
