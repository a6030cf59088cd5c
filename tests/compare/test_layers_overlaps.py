"""Overlaps of layers against definitions, invariances and known spectra; errors against the jackknife."""

import numpy as np
import pytest

from compare.layers import overlaps, phases
from compare.layers.overlaps import Mean
from compare.resampling import jackknife
from deepglass.errors import InvalidInput
from simulate.systems.permutations import Match


def answers(seed: int, n: int = 5, s: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((s, n)) + 0.7


def test_overlap_is_its_definition():
    x, y = answers(0), answers(1)
    assert overlaps.overlap(overlaps.between(x, y)) == pytest.approx(np.mean(x * y))
    match = Match(np.array([3, 0, 4, 1, 2]), np.array([1.0, -1, 1, 1, -1]))
    moved = y[:, match.order] * match.sign
    assert overlaps.overlap(overlaps.between(x, y), match) == pytest.approx(np.mean(x * moved))
    assert np.abs(overlaps.centred(x).mean(0)).max() < 1e-15


def test_weights_are_moved_on_both_sides():
    random = np.random.default_rng(2)
    a, b = random.standard_normal((2, 4, 3, 5))
    out, into = (
        Match(np.array([2, 0, 3, 1]), np.array([1.0, 1, -1, 1])),
        Match(np.array([1, 2, 0]), -np.ones(3)),
    )
    expected = np.mean([
        a[i, j, k] * b[out.order[i], into.order[j], k] * out.sign[i] * into.sign[j]
        for i in range(4) for j in range(3) for k in range(5)
    ])  # fmt: skip
    assert overlaps.weight_overlap(a, b, out, into) == pytest.approx(expected)


def test_cka_from_the_kernels_and_its_invariance():
    """<K_a, K_b>/(|K_a||K_b|) of centred kernels between probes; rotations and scales change nothing."""
    x, y = (overlaps.centred(answers(k, n)) for k, n in ((0, 5), (1, 7)))

    def cka(x: np.ndarray, y: np.ndarray) -> float:
        return overlaps.cka(*(overlaps.between(u, v) for u, v in ((x, y), (x, x), (y, y))))

    first, second = x @ x.T, y @ y.T
    expected = np.sum(first * second) / np.linalg.norm(first) / np.linalg.norm(second)
    assert cka(x, y) == pytest.approx(expected)
    turn = np.linalg.qr(answers(3, 7, 7))[0]
    assert cka(x, 3 * y @ turn) == pytest.approx(expected)
    assert cka(x, x @ np.linalg.qr(answers(4, 5, 5))[0]) == pytest.approx(1)
    assert np.isnan(overlaps.cka(np.zeros((2, 2)), np.zeros((2, 2)), np.eye(2)))


@pytest.mark.parametrize(
    ("spectrum", "expected"), [([1, 1, 1, 0], 3), ([5, 0, 0, 0], 1), ([2, 1, 1, 0], 16 / 6)]
)
def test_dimension_of_a_known_spectrum(spectrum, expected):
    turn = np.linalg.qr(answers(0, 4, 4))[0]
    assert overlaps.dimension(turn @ np.diag(spectrum) @ turn.T) == pytest.approx(expected)


def test_other_probes_are_refused():
    with pytest.raises(InvalidInput, match="on the same probes"):
        overlaps.between(answers(0), answers(0, s=41))


@pytest.mark.parametrize("k", [2, 3, 7])
def test_errors_are_those_of_the_jackknife(k):
    half = np.random.default_rng(k).standard_normal((k, k))
    matrix = half + half.T
    upper = np.triu_indices(k, 1)

    def mean(kept: np.ndarray) -> float:
        part = matrix[np.ix_(kept, kept)]
        return float(part[np.triu_indices(len(part), 1)].mean())

    found = overlaps.mean_of_pairs(matrix)
    assert found.value == pytest.approx(matrix[upper].mean())
    if k == 2:
        assert np.isnan(found.error)
    else:
        np.testing.assert_allclose(found.error, jackknife(mean, np.arange(k)).error)


def test_error_of_copies_with_effects_of_their_own():
    """q_ab = c + e_a + e_b: the variance of the mean of pairs is 4 var(e)/K; 3000 sets of 6 copies. The
    squared error is chi-square with 5 degrees of freedom: its mean is known to 1.2 %, tested to 5 %."""
    effects = np.random.default_rng(0).standard_normal((3000, 6))
    found = overlaps.mean_of_pairs(effects[:, :, None] + effects[:, None, :])
    assert np.mean(found.error**2) == pytest.approx(4 / 6, rel=0.05)
    assert np.var(found.value) == pytest.approx(4 / 6, rel=0.13)  # 5 standard errors


def test_error_of_independent_pairs_is_too_large():
    """By sqrt(2 (K - 1)/(K - 2)), exactly; 3000 sets of 6 copies, at 5 standard errors."""
    random = np.random.default_rng(1)
    half = np.triu(random.standard_normal((3000, 6, 6)), 1)
    found = overlaps.mean_of_pairs(half + half.swapaxes(1, 2))
    ratio = np.mean(found.error**2) / np.var(found.value)
    assert ratio == pytest.approx(2.5, rel=0.14)


def mean(value: float, error: float, copies: int = 6) -> Mean:
    return Mean(np.array([value]), np.array([error]), copies)


@pytest.mark.parametrize(
    ("trained", "null", "phase"),
    [
        (mean(0.9, 0.01), mean(0.1, 0.01), "solid"),
        (mean(0.3, 0.01), mean(0.2, 0.01), "liquid"),
        (mean(0.5, 0.1), mean(0.2, 0.01), "undecided"),
        (mean(0.9, np.nan, 2), mean(0.1, 0.01), "undecided"),
        (mean(np.nan, np.nan), mean(0.1, 0.01), "missing"),
        (mean(0.9, 0.01), mean(1.0, 0.0), "undecided"),
        (mean(1.0, 0.0), mean(0.9, 0.01), "solid"),
    ],
)
def test_phases(trained, null, phase):
    found = phases.beyond(trained, null)
    assert found.phase.tolist() == [phase]


def test_excess_its_error_and_its_interval():
    """e and its derivatives by finite differences; Student's interval of min(K) - 1 degrees."""
    found = phases.beyond(mean(0.7, 0.02, 9), mean(0.4, 0.03, 4), margin=0.2, level=0.1)
    assert found.excess[0] == pytest.approx(0.5)

    def e(q: float, q0: float) -> float:
        return (q - q0) / (1 - q0)

    h = 1e-6
    slopes = (e(0.7 + h, 0.4) - e(0.7, 0.4)) / h, (e(0.7, 0.4 + h) - e(0.7, 0.4)) / h
    assert found.error[0] == pytest.approx(np.hypot(0.02 * slopes[0], 0.03 * slopes[1]), rel=1e-5)
    assert found.high[0] - found.excess[0] == pytest.approx(2.353363 * found.error[0], rel=1e-6)


def test_the_interval_covers():
    """2000 sets of 6 copies with effects: 5 % outside, binomial, beyond 5 standard deviations 2.4 %."""
    random = np.random.default_rng(3)
    effects = 0.02 * random.standard_normal((2000, 6))
    trained = overlaps.mean_of_pairs(0.6 + effects[:, :, None] + effects[:, None, :])
    null = Mean(np.full(2000, 0.2), np.zeros(2000), 6)
    found = phases.beyond(trained, null)
    outside = np.mean((found.low > 0.5) | (found.high < 0.5))
    assert outside == pytest.approx(0.05, abs=0.025)


def test_against_all_nulls():
    """Solid against each is solid, liquid against one is liquid; the null that leaves least is named."""
    far, near, vague = mean(0.1, 0.01), mean(0.85, 0.001), mean(0.7, 0.2)
    against = {name: phases.beyond(mean(0.9, 0.001), null) for name, null in (("far", far), ("near", near))}
    whole, name = phases.over_all(against)
    assert (whole.phase[0], name[0]) == ("liquid", "near")
    assert whole.excess[0] == pytest.approx(0.05 / 0.15, rel=1e-9)
    against = {"far": phases.beyond(mean(0.9, 0.01), far), "vague": phases.beyond(mean(0.9, 0.01), vague)}
    assert phases.over_all(against)[0].phase[0] == "undecided"
    assert phases.over_all({"far": against["far"]})[0].phase[0] == "solid"
