"""Noise, velocities, positions and walls of one step in one CUDA kernel, written in Triton.

The deviates are those of :mod:`simulate.noise` bit for bit, and the update follows the compiled step of the
CPU operation by operation. Hence: no contraction into fused multiply-adds (``enable_fp_fusion=False``), a
correctly rounded square root, and signs turned by multiplying with -1 (Triton's unary minus is 0 - x, which
loses the sign of zero).
"""

# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False
# mypy: disallow-incomplete-defs=False

import numpy as np
import torch
import triton
import triton.language as tl

from simulate import noise
from simulate.kernels import deviates


def _float32(x: float) -> tl.constexpr:
    """A constant in the precision in which the other implementations multiply by it."""
    return tl.constexpr(float(np.float32(x)))


_L0, _L1, _L2, _L3, _L4, _L5, _L6, _L7, _L8 = map(_float32, deviates.LOG)
_S0, _S1, _S2 = map(_float32, deviates.SIN)
_C0, _C1, _C2 = map(_float32, deviates.COS)
_LN2_HIGH, _LN2_LOW = _float32(deviates.LN2_HIGH), _float32(deviates.LN2_LOW)
_SQRT_HALF, _TWO_PI = _float32(deviates.SQRT_HALF), _float32(deviates.TWO_PI)
_UNIT, _HALF_UNIT = _float32(deviates.TO_UNIT), _float32(deviates.TO_UNIT / 2)
_ROUNDS = tl.constexpr(deviates.ROUNDS)


@triton.jit
def _log(u):
    """As ``simulate.noise._log``, of a float32 in (0, 1]."""
    bits = u.to(tl.int32, bitcast=True)
    m = ((bits & 0x007FFFFF) | 0x3F000000).to(tl.float32, bitcast=True)
    low = m < _SQRT_HALF
    e = ((bits >> 23) - 126 - low.to(tl.int32)).to(tl.float32)
    m = tl.where(low, m + m, m) - 1.0
    z = m * m
    y = m * _L0 + _L1
    y = y * m + _L2
    y = y * m + _L3
    y = y * m + _L4
    y = y * m + _L5
    y = y * m + _L6
    y = y * m + _L7
    y = y * m + _L8
    y = y * m * z
    y = y + e * _LN2_LOW
    y = y - 0.5 * z
    return m + y + e * _LN2_HIGH


@triton.jit
def _pair(a, b):
    """As ``simulate.noise._pair``: two normal deviates from two uint32 words."""
    u = a.to(tl.float32) * _UNIT + _HALF_UNIT
    radius = tl.sqrt_rn(-2.0 * _log(u))
    turn = b.to(tl.int32, bitcast=True).to(tl.float32) * _UNIT
    quarter = tl.floor(4.0 * turn + 0.5)
    t = (turn - 0.25 * quarter) * _TWO_PI
    z = t * t
    sine = ((z * _S0 + _S1) * z + _S2) * z * t + t
    cosine = ((z * _C0 + _C1) * z + _C2) * z * z - 0.5 * z + 1.0
    q = quarter.to(tl.int32) & 3
    odd = (q & 1) == 1
    s = tl.where(odd, cosine, sine)
    c = tl.where(odd, sine, cosine)
    s = tl.where(q >= 2, s * -1.0, s)
    c = tl.where((q == 1) | (q == 2), c * -1.0, c)
    return radius * c, radius * s


@triton.jit(do_not_specialize=["n"])
def _step(r, v, force, keys, first, n, amplitudes, constants, particles, tiles, BLOCKS: tl.constexpr):
    """One program moves 4 ``BLOCKS`` neighbouring particles of one machine, by step ``first[0] + n``.

    ``n`` is not specialised: a variant for n = 1 or 16 would be compiled in the middle of a capture.
    """
    program = tl.program_id(0)
    row = (program // tiles).to(tl.int64)  # B P can exceed 2^31
    tile = program % tiles

    step = tl.load(first) + n
    key = tl.load(keys + 2 * row) | (tl.load(keys + 2 * row + 1) << 32)
    block = tile * BLOCKS + tl.arange(0, BLOCKS)
    zero = block * 0
    low, high = zero + step.to(tl.int32), zero + (step >> 32).to(tl.int32)
    w0, w1, w2, w3 = tl.philox(key, block, zero, low, high, _ROUNDS)
    n0, n1 = _pair(w0, w1)
    n2, n3 = _pair(w2, w3)
    xi = tl.interleave(
        tl.interleave(n0, n2), tl.interleave(n1, n3)
    )  # n0 n1 n2 n3 of block 0, of block 1, ...

    column = tile.to(tl.int64) * (4 * BLOCKS) + tl.arange(0, 4 * BLOCKS)
    here = row * particles + column
    inside = column < particles
    old = tl.load(r + here, mask=inside, other=0.0)
    a = tl.load(constants).to(old.dtype)
    dt = tl.load(constants + 1).to(old.dtype)
    b = tl.load(amplitudes + n).to(old.dtype)
    velocity = a * tl.load(v + here, mask=inside, other=0.0)
    velocity = velocity + dt * tl.load(force + here, mask=inside, other=0.0)
    velocity = velocity + b * xi.to(old.dtype)
    position = old + dt * velocity
    wall = tl.where(position > 0.0, 2.0, -2.0)
    outside = tl.abs(position) > 1.0  # false for NaN, which passes through
    tl.store(r + here, tl.where(outside, wall - position, position), mask=inside)
    tl.store(v + here, tl.where(outside, velocity * -1.0, velocity), mask=inside)


BLOCKS = 256  # 1024 particles a program: 8 a thread


def step(
    r: torch.Tensor,
    v: torch.Tensor,
    force: torch.Tensor,
    keys: torch.Tensor,
    first: torch.Tensor,
    n: int,
    amplitudes: torch.Tensor,
    constants: torch.Tensor,
) -> None:
    """Move positions and velocities (B, P), contiguous, float32 or float64, in place by one step.

    ``keys`` (B, 2) int64; the step is number ``first`` (one int64) plus ``n``, the amplitude of its noise
    ``amplitudes[n]`` (float64); ``constants`` are (a, dt) in float64 (as numbers Triton would take them
    in float32). All on one device; nothing is waited for.
    """
    batch, particles = r.shape
    tiles = triton.cdiv(particles, 4 * BLOCKS)
    _step[(batch * tiles,)](
        r, v, force, keys, first, n, amplitudes, constants, particles, tiles,
        BLOCKS=BLOCKS, num_warps=4, enable_fp_fusion=False,
    )  # fmt: skip


def check(device: torch.device) -> None:
    """Compile the kernel and hold its noise against torch's; raises where this Triton cannot be used.

    With a = dt = 0 and b = 1 the new velocity is the deviate itself.
    """
    keys = torch.tensor([[0x12345678, 0xFEDCBA98], [0xFFFFFFFF, 0]], dtype=torch.int64, device=device)
    first = torch.tensor([(5 << 32) + 7], dtype=torch.int64, device=device)
    one = torch.ones(1, dtype=torch.float64, device=device)
    r = torch.zeros((2, 4099), device=device)
    v = torch.zeros_like(r)
    step(r, v, torch.zeros_like(r), keys, first, 0, one, torch.zeros(2, dtype=torch.float64, device=device))
    if not torch.equal(v, noise.normal(keys, first[0], r.shape[1])):
        raise RuntimeError(f"Triton {triton.__version__} does not draw the noise of deepglass bit for bit")
