"""Every way of inference recovers a known model from its exact moments, with the error its theory says."""

import numpy as np
import pytest
from ising_systems import complete, exact_sampler, random_model, tree_model
from scipy.optimize import approx_fprime

from deepglass.errors import InvalidInput, NotConverged
from theory.inverse_ising import (
    Fit,
    IsingModel,
    Moments,
    configurations,
    exact,
    fit,
    fit_bethe,
    fit_bethe_response,
    fit_boltzmann,
    fit_nmf,
    fit_pseudo,
    growth,
    matched_bethe,
    moment_error,
    monte_carlo_error,
    probabilities,
    sample_moments,
    solve_bethe,
)
from theory.inverse_ising.pseudo_likelihood import objective, packed, unpacked


def scaled(model, g):
    """The model with couplings times g and the same fields."""
    return IsingModel(g * model.J, model.h)


def error_of(model, method):
    return method(exact(model).moments).model.J - model.J


def orders(shape, method, g=0.02):
    """Order of the error in the couplings: log2 of its ratio at g and g/2."""
    large, small = (np.linalg.norm(error_of(scaled(shape, k), method)) for k in (g, g / 2))
    return np.log2(large / small)


def matched(moments):
    state = matched_bethe(moments)
    return Fit(state.model, state.certificate)


# Naive mean field: 2 J^2 m m in fields, third order without. Beliefs know no paths: second order. Responses
# know them; what they miss are triangles.
@pytest.mark.parametrize(
    ("method", "fields", "order"),
    [
        (fit_nmf, 0.6, 2),
        (fit_nmf, 0.0, 3),
        (matched, 0.0, 2),
        (matched, 0.6, 2),
        (fit_bethe_response, 0.6, 3),
    ],
)
def test_order_of_the_error_in_weak_couplings(method, fields, order):
    assert orders(random_model(8, 1.0, fields, seed=1), method) == pytest.approx(order, abs=0.15)


def test_leading_error_of_naive_mean_field():
    model = random_model(8, 1e-3, 0.6, seed=2)
    m = np.tanh(model.h)
    expected = 2.0 * model.J**2 * np.outer(m, m)
    np.testing.assert_allclose(error_of(model, fit_nmf), expected, atol=0.03 * np.max(np.abs(expected)))
    missing = -m * (model.J**2 @ (1.0 + m**2))
    off = fit_nmf(exact(model).moments).model.h - model.h
    np.testing.assert_allclose(off, missing, atol=0.03 * np.max(np.abs(missing)))


def test_leading_error_of_beliefs():
    """A path i-k-j looks like a coupling J_ik J_kj."""
    model = random_model(8, 1e-3, 0.0, seed=2)
    expected = model.J @ model.J
    np.fill_diagonal(expected, 0.0)
    np.testing.assert_allclose(error_of(model, matched), expected, atol=0.03 * np.max(np.abs(expected)))


def test_weak_couplings_are_recovered_by_naive_mean_field():
    model = random_model(10, 0.05, 0.3, seed=3)
    found = fit_nmf(exact(model).moments)
    assert np.max(np.abs(found.model.J - model.J)) < 0.004
    assert np.max(np.abs(found.model.h - model.h)) < 0.04
    assert found.certificate.residual < 1e-12


@pytest.mark.parametrize(("coupling", "fields"), [(0.5, 0.3), (1.2, 0.5)])
def test_trees_are_recovered_exactly_by_responses(coupling, fields):
    model = tree_model(12, coupling, fields, seed=4)
    found = fit_bethe_response(exact(model).moments)
    np.testing.assert_allclose(found.model.J, model.J, atol=1e-9)
    np.testing.assert_allclose(found.model.h, model.h, atol=1e-8)
    assert found.own_error.total < 1e-10


@pytest.mark.parametrize("start", ["independent", "zero", "matched"])
@pytest.mark.parametrize("model", [random_model(10, 0.12, 0.5, seed=5), tree_model(10, 0.4, 0.5, seed=5)])
def test_bethe_learning_recovers_a_model_from_its_own_moments(model, start):
    found = fit_bethe(solve_bethe(model, tolerance=1e-13).moments, start, tolerance=1e-8)
    np.testing.assert_allclose(found.model.J, model.J, atol=3e-7)
    np.testing.assert_allclose(found.model.h, model.h, atol=3e-7)
    assert found.certificate.residual <= 1e-8
    assert found.own_error.total <= 1e-8


def test_bethe_learning_ends_in_the_closed_form():
    moments = exact(random_model(10, 0.12, 0.5, seed=6)).moments
    target = matched_bethe(moments)
    assert growth(target) < 1.0
    found = fit_bethe(moments, tolerance=1e-9).model
    np.testing.assert_allclose(found.J, target.model.J, atol=1e-7)
    np.testing.assert_allclose(found.h, target.model.h, atol=1e-7)
    paper = fit_bethe(moments, "zero", plain=(0.1, 0.3), tolerance=1e-6).model
    np.testing.assert_allclose(paper.J, target.model.J, atol=1e-4)


def test_bethe_learning_with_a_pull_solves_its_own_equations():
    moments = exact(random_model(8, 0.2, 0.4, seed=6)).moments
    found = fit_bethe(moments, l2=0.3, tolerance=1e-8).model
    state = solve_bethe(found, tolerance=1e-12)
    np.testing.assert_allclose(moments.C - state.moments.C, 0.3 * found.J, atol=1e-6)
    assert np.linalg.norm(found.J) < 0.9 * np.linalg.norm(matched_bethe(moments).model.J)


@pytest.mark.parametrize("field", [0.0, 0.02])
@pytest.mark.parametrize("start", ["independent", "zero", "matched"])
def test_bethe_learning_says_so_where_it_cannot_converge(start, field):
    """Exact moments of a ferromagnet of two states: beliefs that match them are an unstable fixed point."""
    moments = exact(complete(12, 1.5 / 12, field)).moments
    rate = growth(matched_bethe(moments))
    assert rate > 1.0
    if field == 0.0:
        assert rate == pytest.approx(10 * moments.C[0, 1], rel=1e-3)
    with pytest.raises(NotConverged, match="unstable: it cannot be reached") as raised:
        fit_bethe(moments, start, tolerance=1e-6)
    assert isinstance(raised.value.last, Fit)
    # Without a field messages stay, by symmetry, at the unstable point that has the moments.
    if start != "matched" and field > 0.0:
        last = raised.value.last
        again = moment_error(solve_bethe(last.model, tolerance=1e-8, max_sweeps=20000).moments, moments).total
        assert last.certificate.residual == pytest.approx(again, rel=1e-2)
        assert last.certificate.residual > 0.01


def test_pseudo_likelihood_gradient_by_finite_differences():
    rng = np.random.default_rng(0)
    s = np.sign(rng.standard_normal((30, 5)))
    weights = rng.random(30)
    weights /= weights.sum()
    theta = packed(random_model(5, 0.5, 0.5, seed=7))
    gradient = objective(theta, s, weights, 0.3, 0.2)[1]
    numeric = approx_fprime(theta, lambda x: objective(x, s, weights, 0.3, 0.2)[0], 1e-7)
    np.testing.assert_allclose(gradient, numeric, atol=1e-6)


def test_pseudo_likelihood_value_is_that_of_conditional_probabilities():
    model, s = random_model(4, 0.7, 0.5, seed=7), configurations(4)
    p = probabilities(model)
    expected = 0.0
    for row, spin in ((row, spin) for row in range(16) for spin in range(4)):
        other = np.flatnonzero((s == np.where(np.arange(4) == spin, -s[row], s[row])).all(axis=1))[0]
        expected -= p[row] * np.log(p[row] / (p[row] + p[other]))
    assert objective(packed(model), s, p, 0.0, 0.0)[0] == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize(("N", "coupling", "fields"), [(8, 0.3, 0.4), (10, 0.5, 0.5)])
def test_pseudo_likelihood_recovers_the_model_from_exact_weights(N, coupling, fields):
    """Consistent at any strength of the couplings: exact at exact weights."""
    model = random_model(N, coupling, fields, seed=8)
    found = fit_pseudo(configurations(N), probabilities(model), tolerance=1e-7)
    np.testing.assert_allclose(found.model.J, model.J, atol=2e-5)
    np.testing.assert_allclose(found.model.h, model.h, atol=2e-5)
    assert found.certificate.residual <= 1e-7


def test_packing_goes_both_ways():
    model = random_model(6, 0.5, 0.5)
    again = unpacked(packed(model), 6)
    np.testing.assert_array_equal(again.J, model.J)
    np.testing.assert_array_equal(again.h, model.h)


def test_sparse_pseudo_likelihood_keeps_the_tree():
    """On exact weights a small penalty removes what is not there and keeps, a little weakened, what is."""
    model = tree_model(9, 0.6, 0.3, seed=9)
    found = fit_pseudo(configurations(9), probabilities(model), l1=0.02)
    bonds = (np.abs(model.J) > 0.1) & (model.J != 0.0)
    absent = (model.J == 0.0) & ~np.eye(9, dtype=bool)
    assert np.all(np.sign(found.model.J[bonds]) == np.sign(model.J[bonds]))
    assert np.all(np.abs(found.model.J[bonds]) < np.abs(model.J[bonds]))
    assert np.mean(found.model.J[absent] == 0.0) > 0.9
    halved = fit_pseudo(configurations(9), probabilities(model), l1=0.01).model
    ratio = np.max(np.abs(found.model.J - model.J)) / np.max(np.abs(halved.J - model.J))
    assert ratio == pytest.approx(2.0, rel=0.1), "the bias is proportional to the penalty"


def test_sparse_pseudo_likelihood_is_empty_at_the_largest_penalty_only():
    model = random_model(6, 0.4, 0.4, seed=10)
    s, p = configurations(6), probabilities(model)
    empty = fit_pseudo(s, p, l1=1.0).model
    assert not empty.J.any()
    np.testing.assert_allclose(np.tanh(empty.h), exact(model).moments.m, atol=1e-12)
    just = fit_pseudo(s, p, l1=0.999).model.J
    # The largest correlation of each row enters first.
    C = np.abs(exact(model).moments.connected)
    np.fill_diagonal(C, 0.0)
    assert {tuple(sorted(pair)) for pair in np.argwhere(just != 0.0).tolist()} == {
        tuple(sorted((i, int(C[i].argmax())))) for i in range(6)
    }


def test_boltzmann_learning_recovers_the_model():
    """4000 independent samples a step, 150 models averaged: couplings come out to the noise."""
    model = random_model(8, 0.2, 0.4, seed=11)
    moments = exact(model).moments
    found = fit_boltzmann(moments, exact_sampler(4000, seed=1), steps=300)
    assert np.sqrt(np.mean((found.model.J - model.J) ** 2)) < 0.01
    assert np.sqrt(np.mean((found.model.h - model.h) ** 2)) < 0.01
    assert moment_error(exact(found.model).moments, moments).total < 0.004
    assert found.certificate.residual == found.monte_carlo.error.total


def test_boltzmann_learning_too_short_says_so():
    moments = exact(random_model(8, 0.5, 0.4, seed=11)).moments
    with pytest.raises(NotConverged, match="sampled residual") as raised:
        fit_boltzmann(moments, exact_sampler(4000, seed=1), steps=2)
    assert raised.value.last.monte_carlo.error.total == raised.value.residual


def test_boltzmann_learning_is_certified_by_the_equations_it_solves():
    """With a prior on couplings the moments are off by l2 J in the mean, and the residual is not.

    500,000 samples of the check are known to 0.0015 each, 0.0021 in all; l2 J is 0.02 and more.
    """
    model = random_model(8, 0.3, 0.4, seed=13)
    moments = exact(model).moments
    check = exact_sampler(500_000, seed=3)
    found = fit_boltzmann(
        moments, exact_sampler(4000, seed=1), steps=400, l2=0.1, check=check, tolerance=0.006
    )
    off = exact(found.model).moments.C - moments.C
    pull = np.where(np.eye(8, dtype=bool), 0.0, -0.1 * found.model.J)
    np.testing.assert_allclose(off, pull, atol=0.006)
    assert np.abs(pull).max() > 0.02
    assert found.monte_carlo.samples == 500_000
    assert found.certificate.residual < 0.006 < found.monte_carlo.error.total


def test_monte_carlo_error_of_the_truth_is_its_noise():
    """Mean square over 50 sets of samples against the stated noise, exact in the mean; 10 % is 3 sigma."""
    model = random_model(9, 0.2, 0.4, seed=12)
    moments, sample = exact(model).moments, exact_sampler(500, seed=2)
    found = [monte_carlo_error(model, moments, sample) for _ in range(50)]
    square = np.mean([one.error.total**2 for one in found])
    assert square == pytest.approx(found[0].noise ** 2, rel=0.1)
    assert found[0].samples == 500
    wrong = monte_carlo_error(IsingModel(-model.J, model.h), moments, sample)
    assert wrong.error.total > 5 * wrong.noise


@pytest.mark.parametrize("method", ["nmf", "bethe", "bethe-response", "pseudo", "boltzmann"])
def test_one_interface(method):
    model = random_model(7, 0.08, 0.3, seed=13)
    samples = exact_sampler(20000, seed=3)(model.J, model.h)
    found = fit(samples, method, sample=exact_sampler(20000, seed=4))
    # Both the data and the check are noisy: sqrt(2) of the noise of one, within 25 %.
    assert found.monte_carlo.error.total < 1.25 * np.sqrt(2.0) * found.monte_carlo.noise or method == "nmf"
    assert np.sqrt(np.mean((found.model.J - model.J) ** 2)) < 0.02
    if method != "pseudo":
        again = fit(sample_moments(samples), method, sample=exact_sampler(20000, seed=4))
        np.testing.assert_allclose(again.model.J, found.model.J, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: fit(Moments(np.zeros(2), np.eye(2)), "gauss"), "method = 'gauss' must be one of nmf, bethe"),
        (lambda: fit(Moments(np.zeros(2), np.eye(2)), "pseudo"), "needs samples"),
        (lambda: fit(Moments(np.zeros(2), np.eye(2)), "boltzmann"), "needs sample"),
        (lambda: fit(Moments(np.zeros(2), np.eye(2)), "nmf", weights=[1.0]), "weights go with samples"),
        (lambda: fit_nmf(Moments(np.ones(2), np.ones((2, 2)))), "positive definite"),
        (lambda: fit_bethe(Moments(np.zeros(2), np.eye(2)), "warm"), "start = 'warm'"),
        (lambda: fit_bethe(Moments(np.zeros(2), np.eye(2)), complete(3, 0.1)), "3 spins, the moments 2"),
        (lambda: fit_bethe(Moments(np.zeros(2), np.eye(2)), plain=(0.1, 0.0)), "plain = 0"),
        (lambda: matched_bethe(Moments(np.zeros(2), np.ones((2, 2)))), "probability 0.0e"),
        (lambda: fit_pseudo(np.ones((5, 2))), "spin 0 never flips"),
        (lambda: fit_pseudo(np.ones((5, 2)), l1=0.1, l2=0.1), "one kind of penalty"),
        (lambda: fit_pseudo(np.ones((5, 2)), l1=1.5), "l1 = 1.5"),
    ],
)
def test_bad_input_is_named(call, said):
    with pytest.raises(InvalidInput, match=said) as raised:
        call()
    assert "\n" not in str(raised.value)


def test_a_frozen_spin_has_a_finite_field_with_a_pull():
    samples = exact_sampler(200, seed=5)(np.zeros((3, 3)), np.zeros(3))
    samples[:, 0] = 1.0
    found = fit_pseudo(samples, l2=0.1, l2_h=0.1).model
    assert 0.5 < found.h[0] < 5.0
