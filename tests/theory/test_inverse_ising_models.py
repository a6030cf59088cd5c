"""Ising models, moments, hidden-unit permutations and information, against sums written out by hand."""

import math
from itertools import permutations, product

import numpy as np
import pytest
from ising_systems import random_model

from deepglass.errors import InvalidInput
from theory.inverse_ising import (
    IsingModel,
    Moments,
    configurations,
    entropy_deficit,
    exact,
    gaussian_multi_information,
    independent_entropy,
    independent_error,
    moment_error,
    parts,
    permutation_average,
    permuted,
    probabilities,
    sample_moments,
    strength,
)


def test_enumeration_against_sums_by_hand():
    model = random_model(5, 0.7, 0.4)
    Z, m, C, E, plogp = 0.0, np.zeros(5), np.zeros((5, 5)), 0.0, 0.0
    for s in product((-1, 1), repeat=5):
        energy = -sum(model.J[i, j] * s[i] * s[j] for i in range(5) for j in range(i)) - model.h @ s
        w = math.exp(-energy)
        Z, m, C, E = Z + w, m + w * np.array(s), C + w * np.outer(s, s), E + w * energy
        plogp += w * -energy
    found = exact(model)
    np.testing.assert_allclose(found.moments.m, m / Z, atol=1e-14)
    np.testing.assert_allclose(found.moments.C, C / Z, atol=1e-14)
    assert found.log_z == pytest.approx(math.log(Z) / 5, abs=1e-14)
    assert found.energy == pytest.approx(E / Z / 5, abs=1e-14)
    p = probabilities(model)
    assert found.entropy == pytest.approx(-float(p @ np.log(p)) / 5, abs=1e-13)
    assert model.mean_energy(found.moments) == pytest.approx(found.energy, abs=1e-14)


def test_enumeration_in_chunks():
    """2^15 configurations are two chunks: independent spins have closed forms."""
    h = np.linspace(-2.0, 1.0, 15)
    found = exact(IsingModel(np.zeros((15, 15)), h))
    np.testing.assert_allclose(found.moments.m, np.tanh(h), atol=1e-13)
    assert moment_error(found.moments, found.moments.independent()).C < 1e-13
    assert found.log_z == pytest.approx(np.mean(np.log(2 * np.cosh(h))), abs=1e-13)
    assert found.entropy == pytest.approx(independent_entropy(np.tanh(h)), abs=1e-13)


def test_moments_are_derivatives_of_log_z():
    model, eps = random_model(6, 0.5, 0.5, seed=1), 1e-5
    moments = exact(model).moments

    def log_z(J, h):
        return 6 * exact(IsingModel(J, h)).log_z

    dh, dJ = np.zeros(6), np.zeros((6, 6))
    dh[2] = dJ[1, 4] = dJ[4, 1] = eps
    m2 = (log_z(model.J, model.h + dh) - log_z(model.J, model.h - dh)) / (2 * eps)
    C14 = (log_z(model.J + dJ, model.h) - log_z(model.J - dJ, model.h)) / (2 * eps)
    assert m2 == pytest.approx(moments.m[2], abs=1e-9)
    assert pytest.approx(moments.C[1, 4], abs=1e-9) == C14


def test_tilt_and_temperature():
    model = random_model(4, 0.5, 0.5)
    star, s = np.array([1, -1, -1, 1]), configurations(4)
    np.testing.assert_allclose(
        model.tilted(star, 0.7).energy(s), model.energy(s) - 0.7 * s @ star, atol=1e-14
    )
    np.testing.assert_allclose(model.at(1.7).energy(s), 1.7 * model.energy(s), atol=1e-14)


def test_moments_of_weighted_samples_are_exact():
    model = random_model(7, 0.4, 0.4)
    found = sample_moments(configurations(7), probabilities(model))
    assert moment_error(found, exact(model).moments).total < 1e-14


def test_moment_error_by_hand():
    one = Moments(np.zeros(3), np.eye(3))
    C = np.eye(3)
    C[0, 1] = C[1, 0] = 0.3
    other = Moments(np.array([0.1, 0.0, 0.2]), C)
    error = moment_error(one, other)
    assert error.m == pytest.approx(math.sqrt(0.05 / 3))
    assert pytest.approx(math.sqrt(2 * 0.09 / 6)) == error.C
    assert error.total == pytest.approx(math.sqrt(0.05 / 3 + 0.03))
    assert independent_error(Moments(np.zeros(3), C)).total == pytest.approx(math.sqrt(0.03))


def networks(sizes, S, seed):
    """Correlated +-1 weights: signs of a mixture of Gaussians."""
    rng = np.random.default_rng(seed)
    N = sum(a * b for a, b in zip(sizes[1:], sizes[:-1], strict=True))
    return np.sign(rng.standard_normal((S, N)) @ rng.standard_normal((N, N)) + rng.standard_normal(N))


def relabelled(samples, sizes, orders):
    out, start = [], 0
    for k, (rows, columns) in enumerate(zip(sizes[1:], sizes[:-1], strict=True), start=1):
        W = samples[:, start : start + rows * columns].reshape(-1, rows, columns)
        out.append(W[:, orders[k]][:, :, orders[k - 1]].reshape(len(samples), -1))
        start += rows * columns
    return np.concatenate(out, axis=1)


@pytest.mark.parametrize("sizes", [(2, 3), (3, 2, 2), (2, 3, 2, 2), (2, 2, 3, 2, 1)])
def test_permutation_average_is_the_average_over_permutations(sizes):
    samples = networks(sizes, 40, seed=3)
    hidden = [list(permutations(range(n))) for n in sizes[1:-1]]
    ends = [[tuple(range(sizes[0]))], [tuple(range(sizes[-1]))]]
    every = [
        relabelled(samples, sizes, [list(order) for order in orders])
        for orders in product(ends[0], *hidden, ends[1])
    ]
    brute = sample_moments(np.concatenate(every))
    found = permutation_average(sample_moments(samples), sizes)
    np.testing.assert_allclose(found.m, brute.m, atol=1e-13)
    np.testing.assert_allclose(found.C, brute.C, atol=1e-13)
    if len(sizes) > 2:
        assert moment_error(brute, sample_moments(samples)).total > 0.05, "nothing was averaged"


def test_permuted_networks_compute_the_same():
    sizes = (4, 5, 3, 2)
    samples = networks(sizes, 50, seed=4)
    shuffled = permuted(samples, sizes, np.random.default_rng(0))
    x = np.random.default_rng(1).standard_normal((4, 7))

    def outputs(weights):
        start, signal = 0, np.broadcast_to(x, (len(weights), *x.shape))
        for rows, columns in zip(sizes[1:], sizes[:-1], strict=True):
            W = weights[:, start : start + rows * columns].reshape(-1, rows, columns)
            signal, start = np.tanh(W @ signal), start + rows * columns
        return signal

    np.testing.assert_allclose(outputs(shuffled), outputs(samples), atol=1e-12)
    # 5! 3! labels: a network keeps its own by chance 50/720 times in 50.
    assert np.sum(np.any(shuffled != samples, axis=1)) >= 48
    averaged = [permutation_average(sample_moments(s), sizes) for s in (samples, shuffled)]
    assert moment_error(*averaged).total < 1e-13


def test_parts_of_the_papers_networks():
    assert parts((20, 15, 15, 10)) == {
        "full": slice(0, 675),
        "input": slice(0, 300),
        "interior": slice(300, 525),
        "output": slice(525, 675),
    }
    assert parts((20, 10)) == {"full": slice(0, 200)}
    assert set(parts((4, 3, 2))) == {"full", "input", "output"}
    assert parts((4, 3, 2, 2, 5))["interior"] == slice(12, 22)


def test_information_of_a_pair():
    model = IsingModel(np.array([[0.0, 0.8], [0.8, 0.0]]), np.zeros(2))
    found = exact(model)
    assert gaussian_multi_information(found.moments) == pytest.approx(-math.log(1 - math.tanh(0.8) ** 2) / 4)
    p = (1 + math.tanh(0.8)) / 2
    mutual = math.log(2) + p * math.log(p) + (1 - p) * math.log(1 - p)
    assert entropy_deficit(found.moments.m, found.entropy) == pytest.approx(mutual / 2, abs=1e-14)


def test_information_counts_frozen_spins_as_spins_without_any():
    pair = exact(IsingModel(np.array([[0.0, 0.8], [0.8, 0.0]]), np.array([0.3, -0.2]))).moments
    m = np.append(pair.m, 1.0)
    C = np.block([[pair.C, pair.m[:, None]], [pair.m[None, :], np.ones((1, 1))]])
    assert gaussian_multi_information(Moments(m, C)) == pytest.approx(
        gaussian_multi_information(pair) * 2 / 3
    )
    assert gaussian_multi_information(Moments(np.ones(3), np.ones((3, 3)))) == 0.0


def test_information_of_too_few_samples_is_refused():
    samples = networks((4, 3), 8, seed=0)
    with pytest.raises(InvalidInput, match="positive definite"):
        gaussian_multi_information(sample_moments(samples))


def test_strength():
    J = np.array([[0.0, 0.3, 0.0], [0.3, 0.0, -0.6], [0.0, -0.6, 0.0]])
    found = strength(IsingModel(J, np.array([0.1, -0.1, 0.3])))
    assert (found.mean_J, found.mean_abs_J, found.max_abs_J) == pytest.approx((-0.1, 0.3, 0.6))
    assert found.zero_J == pytest.approx(1 / 3)
    assert found.scaled_std_J == pytest.approx(math.sqrt(3) * found.std_J)
    assert (found.mean_h, found.mean_abs_h) == pytest.approx((0.1, 0.5 / 3))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: IsingModel(np.array([[0.0, 1.0], [0.5, 0.0]]), np.zeros(2)), "transpose by 5.0e-01"),
        (lambda: IsingModel(np.eye(2), np.zeros(2)), "diagonal entry 1"),
        (lambda: IsingModel(np.zeros((2, 2)), np.zeros(3)), r"shape \(2, 2\)"),
        (lambda: IsingModel(np.zeros((2, 2)), np.array([0.0, np.nan])), "finite"),
        (lambda: Moments(np.zeros(2), np.zeros((2, 2))), "unit diagonal"),
        (lambda: Moments(np.array([0.0, 1.5]), np.eye(2)), r"\[-1, 1\]"),
        (lambda: sample_moments(np.array([[1.0, 0.0]])), "hold 0, must be"),
        (lambda: sample_moments(np.ones((2, 2)), [1.0, -0.5]), "weights"),
        (lambda: exact(random_model(21, 0.1, 0.1)), "N = 21"),
        (lambda: random_model(3, 0.1, 0.1).tilted([1, 1], 0.3), "2 spins, must be 3"),
        (lambda: random_model(3, 0.1, 0.1).at(-1.0), "beta = -1"),
        (lambda: permutation_average(Moments(np.zeros(2), np.eye(2)), (2, 3)), "6 weights, the moments 2"),
        (lambda: parts((20,)), "two layer sizes"),
    ],
)
def test_bad_input_is_named(make, said):
    with pytest.raises(InvalidInput, match=said) as raised:
        make()
    assert "\n" not in str(raised.value)
