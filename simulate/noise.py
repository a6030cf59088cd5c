"""Counter-based Gaussian noise: a number depends on (seed, sample, replica, purpose), step and element only.

Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC'11) turns the key of a replica and the counter
(block of four elements, step) into 128 random bits, Box-Muller into four normal deviates. No state
is carried, so any replica can be re-run alone, any step re-entered, and the make-up of a batch
cannot matter.

The same float32 arithmetic is written three times: compiled in :mod:`simulate.kernels.deviates` for the CPU,
in :mod:`simulate.dynamics.triton_step` for CUDA, and here as torch operations for any device. They agree bit
for bit (tested), because every operation is an integer one or correctly rounded, with no contraction into
fused multiply-adds.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from simulate.kernels import deviates

# What a stream is for; part of its key. Never renumber: old seeds would change their meaning.
__all__ = ["Member", "key", "keys", "normal", "philox"]

THERMAL, VELOCITY, START = 0, 1, 2
NEURONS, DIRECTIONS, ANGLES, EXCHANGE, DISORDER = 3, 4, 5, 6, 7
PLANTING = (8, 9, 10)
FRESH = 11
BATCHES, WEIGHTS = 12, 13
DRAWS = 14
ISING, ISING_START = 20, 21

Keys = NDArray[np.uint32] | torch.Tensor
"""Streams of a batch, shape (B, 2): uint32 in an array, or int64 in a tensor on the device of the noise."""

Step = int | torch.Tensor
"""The number of a step; as a 0-d int64 tensor on the keys' device it can change inside a CUDA graph."""


class Member(NamedTuple):
    """Whose noise it is: of ``sample`` up to its split, or of a ``replica`` that split off at ``t_w``.

    ``rung``: which copy of the machine, where there are several at different temperatures.
    """

    sample: int
    replica: int = 0
    t_w: int | None = None
    rung: int = 0


def key(seed: int, member: Member | tuple[int, ...], purpose: int = THERMAL) -> NDArray[np.uint32]:
    """The 64-bit Philox key, shape (2,), of one stream (hashed by numpy's SeedSequence)."""
    name = Member(*member)
    split = () if name.t_w is None else (name.t_w,)
    copy = (name.rung, 0) if name.rung else ()  # of another length than any split
    sequence = np.random.SeedSequence(seed, spawn_key=(purpose, name.sample, name.replica, *split, *copy))
    return sequence.generate_state(2).astype(np.uint32)


def keys(
    seed: int, members: Sequence[Member | tuple[int, ...]], purpose: int = THERMAL
) -> NDArray[np.uint32]:
    """Keys of a batch, shape (B, 2); ``members`` lists its :class:`Member` entries."""
    return np.stack([key(seed, member, purpose) for member in members])


def philox(
    blocks: torch.Tensor, step: Step, stream_keys: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """As :func:`.kernels.deviates.philox`, on int64 tensors that hold 32-bit words; (B, blocks) each."""
    low = 0xFFFFFFFF
    k0, k1 = stream_keys[:, :1], stream_keys[:, 1:]
    c0 = blocks.expand(stream_keys.shape[0], -1)
    c1 = torch.zeros_like(c0)
    c2, c3 = c1 + (step & low), c1 + (step >> 32)
    for _ in range(deviates.ROUNDS):
        # 32 x 32 -> 64 bit products in two halves: int64 would overflow.
        h0, l0 = _multiply(deviates.M0, c0)
        h1, l1 = _multiply(deviates.M1, c2)
        c0, c1, c2, c3 = h1 ^ c1 ^ k0, l1, h0 ^ c3 ^ k1, l0
        k0, k1 = (k0 + deviates.W0) & low, (k1 + deviates.W1) & low
    return c0, c1, c2, c3


def _multiply(m: int, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """High and low 32 bits of the product of a 32-bit constant and 32-bit words held in int64."""
    below = x * (m & 0xFFFF)
    above = x * (m >> 16) + (below >> 16)
    return above >> 16, ((above & 0xFFFF) << 16) | (below & 0xFFFF)


def _log(u: torch.Tensor) -> torch.Tensor:
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
    return m + y + e * deviates.LN2_HIGH


def _pair(a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    u = a.to(torch.float32) * deviates.TO_UNIT + deviates.TO_UNIT / 2
    # In float64: torch's float32 square root on the CPU is not always correctly rounded.
    radius = torch.sqrt((-2 * _log(u)).to(torch.float64)).to(torch.float32)
    signed = torch.where(b >= 1 << 31, b - (1 << 32), b)
    turn = signed.to(torch.float32) * deviates.TO_UNIT
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
_LOG_32 = tuple(float(np.float32(c)) for c in deviates.LOG)
_SIN_32 = tuple(float(np.float32(c)) for c in deviates.SIN)
_COS_32 = tuple(float(np.float32(c)) for c in deviates.COS)
_LN2_LOW_32 = float(np.float32(deviates.LN2_LOW))
_SQRT_HALF_32 = float(np.float32(deviates.SQRT_HALF))
_TWO_PI_32 = float(np.float32(deviates.TWO_PI))


def normal(stream_keys: Keys, step: Step, elements: int) -> torch.Tensor:
    """Normal deviates of one step for a batch, shape (B, elements), float32, on the keys' device.

    Raises nothing; ``step`` is any integer below 2^64 (below 2^63 in a tensor), elements beyond 2^34 would
    repeat. Its temporaries take some 56 bytes per element at the peak.
    """
    if not isinstance(stream_keys, torch.Tensor):
        stream_keys = torch.from_numpy(stream_keys.astype(np.int64))
    count = -(-elements // 4)
    blocks = torch.arange(count, dtype=torch.int64, device=stream_keys.device)[None]
    w0, w1, w2, w3 = philox(blocks, step, stream_keys)
    n0, n1 = _pair(w0, w1)
    n2, n3 = _pair(w2, w3)
    return torch.stack((n0, n1, n2, n3), dim=-1).flatten(1)[:, :elements]
