"""Counter-based Gaussian noise: a number depends on (seed, sample, replica, purpose), step and element only.

Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC'11) turns the key of a replica and the counter
(block of four elements, step) into 128 random bits, Box-Muller into four normal deviates. No state
is carried, so any replica can be re-run alone, any step re-entered, and the make-up of a batch
cannot matter.

The same float32 arithmetic is written twice: as numba functions, which :mod:`simulate.dynamics.langevin`
fuses with its update on the CPU, and as torch operations for every other device. The two agree
bit for bit (tested), because every operation is an integer one or correctly rounded, with no
contraction into fused multiply-adds.
"""

from collections.abc import Sequence

import numba
import numpy as np
import torch
from numpy.typing import NDArray

# What a stream is for; part of its key. Never renumber: old seeds would change their meaning.
THERMAL, VELOCITY, START = 0, 1, 2

Keys = NDArray[np.uint32] | torch.Tensor
"""Streams of a batch, shape (B, 2): uint32 on the host, int64 in a tensor on any other device."""

_M0, _M1 = 0xD2511F53, 0xCD9E8D57
_W0, _W1 = 0x9E3779B9, 0xBB67AE85
_ROUNDS = 10


def key(seed: int, sample: int, replica: int, purpose: int = THERMAL) -> NDArray[np.uint32]:
    """The 64-bit Philox key, shape (2,), of one stream (hashed by numpy's SeedSequence)."""
    sequence = np.random.SeedSequence(seed, spawn_key=(purpose, sample, replica))
    return sequence.generate_state(2).astype(np.uint32)


def keys(seed: int, members: Sequence[tuple[int, int]], purpose: int = THERMAL) -> NDArray[np.uint32]:
    """Keys of a batch, shape (B, 2); ``members`` lists its (sample, replica) pairs."""
    return np.stack([key(seed, sample, replica, purpose) for sample, replica in members])


def on_device(stream_keys: NDArray[np.uint32], device: torch.device) -> Keys:
    """Keys in the form the step on ``device`` wants."""
    return stream_keys if device.type == "cpu" else torch.from_numpy(stream_keys.astype(np.int64)).to(device)


# ---------------------------------------------------------------- numba: scalar, for fused loops


@numba.njit(inline="always")
def philox(c0, c1, c2, c3, k0, k1):  # type: ignore[no-untyped-def]
    """Four 32-bit words from a 128-bit counter and a 64-bit key (numba, uint32 in and out)."""
    for _ in range(_ROUNDS):
        p0 = np.uint64(_M0) * np.uint64(c0)
        p1 = np.uint64(_M1) * np.uint64(c2)
        c0, c2 = np.uint32(p1 >> np.uint64(32)) ^ c1 ^ k0, np.uint32(p0 >> np.uint64(32)) ^ c3 ^ k1
        c1, c3 = np.uint32(p1), np.uint32(p0)
        k0 = np.uint32(k0 + np.uint32(_W0))
        k1 = np.uint32(k1 + np.uint32(_W1))
    return c0, c1, c2, c3


# Coefficients of Cephes logf, sinf and cosf (S. L. Moshier), about one unit in the last place.
_LOG = (
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
    -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
)  # fmt: skip
_SIN = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_COS = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
_LN2_HIGH, _LN2_LOW = 0.693359375, -2.12194440e-4
_SQRT_HALF = 0.70710678
_TWO_PI = 6.283185307
_TO_UNIT = 2.0**-32

_f = np.float32
_L0, _L1, _L2, _L3, _L4, _L5, _L6, _L7, _L8 = (_f(c) for c in _LOG)
_S0, _S1, _S2 = (_f(c) for c in _SIN)
_C0, _C1, _C2 = (_f(c) for c in _COS)


@numba.njit(inline="always")
def _log(u):  # type: ignore[no-untyped-def]
    bits = np.float32(u).view(np.int32)
    exponent = np.int32(np.int32(bits >> np.int32(23)) - np.int32(126))
    m = np.int32(np.int32(bits & np.int32(0x007FFFFF)) | np.int32(0x3F000000)).view(np.float32)
    low = m < _f(_SQRT_HALF)
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
    y = y + e * _f(_LN2_LOW)
    y = y - _f(0.5) * z
    return m + y + e * _f(_LN2_HIGH)


@numba.njit(inline="always")
def _pair(a, b):  # type: ignore[no-untyped-def]
    """Two normal deviates from two 32-bit words (Box-Muller)."""
    u = _f(a) * _f(_TO_UNIT) + _f(_TO_UNIT / 2)
    radius = np.sqrt(_f(-2) * _log(u))
    turn = _f(np.int32(b)) * _f(_TO_UNIT)  # angle / 2 pi in [-1/2, 1/2]
    quarter = np.floor(_f(4) * turn + _f(0.5))
    t = (turn - _f(0.25) * quarter) * _f(_TWO_PI)  # in [-pi/4, pi/4]
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
def fill(out, block, blocks, k0, k1, step):  # type: ignore[no-untyped-def]
    """Deviates of elements 4*block .. 4*(block + blocks) - 1 of ``step`` (uint64) into out (float32)."""
    low, high = np.uint32(step), np.uint32(step >> np.uint64(32))
    for n in range(blocks):
        w0, w1, w2, w3 = philox(np.uint32(block + n), np.uint32(0), low, high, k0, k1)
        out[4 * n], out[4 * n + 1] = _pair(w0, w1)
        out[4 * n + 2], out[4 * n + 3] = _pair(w2, w3)


# ---------------------------------------------------------------- torch: whole arrays, any device


def _philox_torch(
    blocks: torch.Tensor, step: int, stream_keys: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """As :func:`philox` on int64 tensors that hold 32-bit words; shapes broadcast to (B, blocks)."""
    low = 0xFFFFFFFF
    k0, k1 = stream_keys[:, :1], stream_keys[:, 1:]
    c0 = blocks.expand(stream_keys.shape[0], -1)
    c1 = torch.zeros_like(c0)
    c2 = torch.full_like(c0, step & low)
    c3 = torch.full_like(c0, step >> 32)
    for _ in range(_ROUNDS):
        # 32 x 32 -> 64 bit products in two halves: int64 would overflow.
        h0, l0 = _multiply_torch(_M0, c0)
        h1, l1 = _multiply_torch(_M1, c2)
        c0, c1, c2, c3 = h1 ^ c1 ^ k0, l1, h0 ^ c3 ^ k1, l0
        k0, k1 = (k0 + _W0) & low, (k1 + _W1) & low
    return c0, c1, c2, c3


def _multiply_torch(m: int, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """High and low 32 bits of the product of a 32-bit constant and 32-bit words held in int64."""
    below = x * (m & 0xFFFF)
    above = x * (m >> 16) + (below >> 16)
    return above >> 16, ((above & 0xFFFF) << 16) | (below & 0xFFFF)


def _log_torch(u: torch.Tensor) -> torch.Tensor:
    bits = u.view(torch.int32)
    m = ((bits & 0x007FFFFF) | 0x3F000000).view(torch.float32)
    low = m < _SQRT_HALF_32
    e = ((bits >> 23) - 126 - low.to(torch.int32)).to(torch.float32)
    m = torch.where(low, m + m, m) - 1
    z = m * m
    y = m * _LOG_32[0] + _LOG_32[1]
    for coefficient in _LOG_32[2:]:
        y = y * m + coefficient
    y = y * m * z
    y = y + e * _LN2_LOW_32
    y = y - 0.5 * z
    return m + y + e * _LN2_HIGH


def _pair_torch(a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    u = a.to(torch.float32) * _TO_UNIT + _TO_UNIT / 2
    # In float64: torch's float32 square root on the CPU is not always correctly rounded.
    radius = torch.sqrt((-2 * _log_torch(u)).to(torch.float64)).to(torch.float32)
    signed = torch.where(b >= 1 << 31, b - (1 << 32), b)
    turn = signed.to(torch.float32) * _TO_UNIT
    quarter = torch.floor(4 * turn + 0.5)
    t = (turn - 0.25 * quarter) * _TWO_PI_32
    z = t * t
    sine = ((z * _SIN_32[0] + _SIN_32[1]) * z + _SIN_32[2]) * z * t + t
    cosine = ((z * _COS_32[0] + _COS_32[1]) * z + _COS_32[2]) * z * z - 0.5 * z + 1
    q = quarter.to(torch.int32) & 3
    odd = (q & 1) == 1
    s, c = torch.where(odd, cosine, sine), torch.where(odd, sine, cosine)
    s = torch.where(q >= 2, -s, s)
    c = torch.where((q == 1) | (q == 2), -c, c)
    return radius * c, radius * s


# Python floats that are exactly float32 numbers, so that torch multiplies by what numba multiplies by.
_LOG_32 = tuple(float(_f(c)) for c in _LOG)
_SIN_32 = tuple(float(_f(c)) for c in _SIN)
_COS_32 = tuple(float(_f(c)) for c in _COS)
_LN2_LOW_32 = float(_f(_LN2_LOW))
_SQRT_HALF_32 = float(_f(_SQRT_HALF))
_TWO_PI_32 = float(_f(_TWO_PI))


def normal(stream_keys: Keys, step: int, elements: int) -> torch.Tensor:
    """Normal deviates of one step for a batch, shape (B, elements), float32, on the keys' device.

    Raises nothing; ``step`` is any integer below 2^64, elements beyond 2^34 would repeat.
    """
    if not isinstance(stream_keys, torch.Tensor):
        stream_keys = torch.from_numpy(stream_keys.astype(np.int64))
    count = -(-elements // 4)
    blocks = torch.arange(count, dtype=torch.int64, device=stream_keys.device)[None]
    w0, w1, w2, w3 = _philox_torch(blocks, step, stream_keys)
    n0, n1 = _pair_torch(w0, w1)
    n2, n3 = _pair_torch(w2, w3)
    return torch.stack((n0, n1, n2, n3), dim=-1).flatten(1)[:, :elements]
