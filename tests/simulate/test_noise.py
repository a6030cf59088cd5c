"""The noise: published answers, two implementations bit for bit, the normal law."""

import numba
import numpy as np
import pytest
import torch
from scipy import stats

from simulate import noise
from simulate.kernels import deviates

# Random123 (Salmon et al.), known-answer file: counter, key, result of philox4x32-10.
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@numba.njit
def fused_philox(c0, c1, c2, c3, k0, k1):
    return deviates.philox(c0, c1, c2, c3, k0, k1)


def fused(key: np.ndarray, step: int, elements: int) -> np.ndarray:
    out = np.empty(-(-elements // 4) * 4, np.float32)
    deviates.fill(out, 0, out.size // 4, key[0], key[1], np.uint64(step))
    return out[:elements]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_philox_gives_the_published_answers(counter, key, expected):
    words = fused_philox(*map(np.uint32, counter), *map(np.uint32, key))
    assert tuple(int(w) for w in words) == expected


def test_torch_philox_gives_the_published_answer():
    # Its counter is (block, 0, step low, step high).
    blocks = torch.tensor([[0]], dtype=torch.int64)
    words = noise.philox(blocks, 0, torch.zeros((1, 2), dtype=torch.int64))
    assert tuple(int(w) for w in words) == KNOWN[0][2]


@pytest.mark.parametrize("step", [0, 1, 499_999, (7 << 32) + 5])
def test_fused_and_torch_noise_are_equal_bit_for_bit(step):
    keys = noise.keys(11, [(0, 0), (0, 1), (3, 2)])
    together = noise.normal(keys, step, 10_001).numpy()
    for row, key in zip(together, keys, strict=True):
        np.testing.assert_array_equal(row, fused(key, step, 10_001))


def test_noise_depends_on_seed_sample_replica_purpose_and_step_only():
    base = noise.normal(noise.keys(1, [(2, 3)]), 5, 64)
    assert torch.equal(noise.normal(noise.keys(1, [(0, 0), (2, 3), (9, 9)]), 5, 64)[1:2], base)
    assert torch.equal(noise.normal(noise.keys(1, [(2, 3)]), 5, 999)[:, :64], base)
    others = [
        noise.normal(noise.keys(0, [(2, 3)]), 5, 64),
        noise.normal(noise.keys(1, [(3, 2)]), 5, 64),
        noise.normal(noise.keys(1, [(2, 4)]), 5, 64),
        noise.normal(noise.keys(1, [(2, 3)], noise.VELOCITY), 5, 64),
        noise.normal(noise.keys(1, [(2, 3)]), 6, 64),
    ]
    for other in others:
        assert not np.isin(other.numpy(), base.numpy()).any()


def test_deviates_are_normal():
    """Kolmogorov-Smirnov and the second and fourth moment; false alarm 3e-4 in all (fixed seed)."""
    x = noise.normal(noise.keys(5, [(s, 0) for s in range(4)]), 17, 250_000).double().numpy().ravel()
    assert stats.kstest(x, "norm").pvalue > 1e-4
    n = x.size
    assert abs(np.mean(x**2) - 1) < 3.9 * np.sqrt(2 / n)
    assert abs(np.mean(x**4) - 3) < 3.9 * np.sqrt(96 / n)
    assert np.abs(x).max() > 4.5  # the tail is there


def test_streams_are_uncorrelated():
    """Pairs, neighbours in element, step and replica; 6 correlations at 4.2 sigma: false alarm 2e-4."""
    n = 200_000
    keys = noise.keys(8, [(0, 0), (0, 1), (1, 0)])
    a, b, c = noise.normal(keys, 3, n).double().numpy()
    later = noise.normal(keys, 4, n).double().numpy()[0]
    for x, y in [(a, b), (a, c), (a, later), (a[:-1], a[1:]), (a[::2], a[1::2]), (a**2 - 1, later**2 - 1)]:
        assert abs(np.corrcoef(x, y)[0, 1]) < 4.2 / np.sqrt(x.size)


@pytest.mark.parametrize("step", [0, 499_999, (7 << 32) + 5])
def test_the_step_may_be_a_tensor(step):
    keys = noise.keys(2, [(0, 0), (5, 1)])
    assert torch.equal(noise.normal(keys, torch.tensor(step), 101), noise.normal(keys, step, 101))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("step", [77, (7 << 32) + 5])
def test_noise_on_cuda_is_the_same_bit_for_bit(step):
    keys = noise.keys(2, [(0, 0), (5, 1)])
    there = torch.from_numpy(keys.astype(np.int64)).cuda()
    expected = noise.normal(keys, step, 100_001)
    assert torch.equal(noise.normal(there, step, 100_001).cpu(), expected)
    assert torch.equal(noise.normal(there, torch.tensor(step).cuda(), 100_001).cpu(), expected)
