"""Parisi matrices of weights against explicit matrices, and the hierarchical chain built on them."""

import math
from dataclasses import replace

import numpy as np
import pytest
from finite_differences import derivative
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import spherical, terms
from theory.hierarchy import HierarchicalChain
from theory.overlaps import Support
from theory.potentials import HardCore


def random_levels(k, seed, high=0.95):
    """Break points (k,) and overlaps (k+1,), both increasing, from a seed."""
    rng = np.random.default_rng([k, seed])
    m = np.cumsum(0.2 + rng.uniform(size=k + 1))[:k]
    Q = np.cumsum(0.2 + rng.uniform(size=k + 2))
    return m / (m[-1] + 0.3 + rng.uniform()) if k else m, high * Q[:-1] / Q[-1]


def hierarchical(Q, blocks):
    """An explicit Parisi matrix of blocks[0] rows: overlap ``Q[i]`` within blocks of size ``blocks[i]``."""
    matrix = np.zeros((blocks[0], blocks[0]))
    for value, below, size in zip(Q, [0.0, *Q[:-1]], blocks, strict=True):
        matrix += (value - below) * np.kron(np.eye(blocks[0] // size), np.ones((size, size)))
    return matrix + (1.0 - Q[-1]) * np.eye(blocks[0])


def moduli(Q, blocks):
    """``Lam_i`` at integer block sizes: ``Lam_{i-1} = Lam_i + blocks[i] (Q_i - Q_{i-1})``."""
    return spherical.modulus(np.asarray(Q), np.asarray(blocks[1:], dtype=float))


CASES = [
    ((0.3,), (6,)),
    ((0.2, 0.7), (6, 2)),
    ((0.2, 0.7), (6, 3)),
    ((0.1, 0.5, 0.8), (12, 4, 2)),
    ((0.0, 0.4, 0.6, 0.9), (24, 12, 6, 2)),
]


@pytest.mark.parametrize(("Q", "blocks"), CASES)
def test_determinant_of_an_explicit_matrix(Q, blocks):
    """ln det at integer sizes: Lam_k n (1 - 1/m_k) times, ..., the last mode carries n Q_0."""
    Lam, n = moduli(Q, blocks), blocks[0]
    sizes = [*blocks[1:], 1]
    logs = n * np.log(Lam[-1])
    for i in range(len(Q) - 1):
        logs += n / sizes[i] * math.log(Lam[i] / Lam[i + 1])
    logs += math.log(1.0 + n * Q[0] / Lam[0])
    sign, exact = np.linalg.slogdet(hierarchical(Q, blocks))
    assert sign == 1.0
    assert logs == pytest.approx(exact, rel=1e-12)
    # Per replica and n -> 0, ln(1 + n Q_0/Lam_0)/n -> Q_0/Lam_0: the formula of the module.
    m = np.asarray(blocks[1:], dtype=float)
    per_replica = (logs - math.log(1.0 + n * Q[0] / Lam[0])) / n + Q[0] / Lam[0]
    assert 2.0 * spherical.entropy(np.asarray(Q), m) == pytest.approx(per_replica, rel=1e-12)


@pytest.mark.parametrize(("Q", "blocks"), CASES)
def test_inverse_of_an_explicit_matrix(Q, blocks):
    """Off the diagonal the inverse holds ``-pull``, up to the mode of n Q_0."""
    Lam, n = moduli(Q, blocks), blocks[0]
    inverse = np.linalg.inv(hierarchical(Q, blocks))
    pull = spherical.pull(np.asarray(Q), np.asarray(blocks[1:], dtype=float))
    # At finite n: (Q^-1)_0 = -Q_0/(Lam_0 (Lam_0 + n Q_0)).
    shift = Q[0] / Lam[0] ** 2 - Q[0] / (Lam[0] * (Lam[0] + n * Q[0]))
    for i, size in enumerate(blocks):
        assert -inverse[0, size - 1] + shift == pytest.approx(pull[i], rel=1e-11, abs=1e-13)


def test_closed_forms():
    Q, none = np.array([0.6]), np.empty(0)
    assert spherical.entropy(Q, none) == pytest.approx(0.5 * (math.log(0.4) + 1.5), rel=1e-15)
    assert spherical.pull(Q, none)[0] == pytest.approx(0.6 / 0.16, rel=1e-15)
    m, q0, q1 = 0.3, 0.2, 0.7
    outer = 1.0 - q1 + m * (q1 - q0)
    expected = 0.5 * (math.log(1.0 - q1) + math.log(outer / (1.0 - q1)) / m + q0 / outer)
    assert spherical.entropy(np.array([q0, q1]), np.array([m])) == pytest.approx(expected, rel=1e-15)
    p = 3.7
    expected = 4.0 * p / (1.0 + math.sqrt(1.0 + 4.0 * p)) ** 2
    assert spherical.sphere(np.array([p]), none).Q[0] == pytest.approx(expected, rel=1e-14)


@settings(max_examples=60)
@given(st.integers(0, 5), st.integers(0, 1000), st.sampled_from([0.01, 0.5, 0.95, 0.9999]))
def test_pull_and_sphere_are_inverse(k, seed, high):
    m, Q = random_levels(k, seed, high)
    pull = spherical.pull(Q, m)
    found = spherical.sphere(pull, m)
    np.testing.assert_allclose(found.Q, Q, rtol=1e-9)
    np.testing.assert_allclose(found.Lam, spherical.modulus(Q, m), rtol=1e-9)
    np.testing.assert_allclose(spherical.pull(found.Q, m), pull, rtol=1e-8)
    assert np.all(np.diff(pull) > 0.0)


@pytest.mark.parametrize("k", [0, 1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_derivatives(k, seed):
    m, Q = random_levels(k, seed)
    gaps = np.diff(np.concatenate([[0.0], m, [1.0]]))
    pull = spherical.pull(Q, m)
    # d(entropy)/dQ_i = D_i pull_i/2.
    gradient = derivative(lambda x: np.float64(spherical.entropy(x, m)), Q, 1e-3 * (1.0 - Q[-1]))
    np.testing.assert_allclose(gradient, 0.5 * gaps * pull, rtol=1e-8, atol=1e-10)
    response = derivative(lambda p: spherical.sphere(p, m).Q, pull, 1e-4 * pull[0])
    np.testing.assert_allclose(spherical.sphere(pull, m).response, response, rtol=1e-6, atol=1e-10)
    if k:
        slope = derivative(lambda x: np.float64(spherical.entropy(Q, x)), m, 1e-4)
        np.testing.assert_allclose(0.5 * spherical.break_point_slope(Q, m), slope, rtol=1e-7, atol=1e-9)


def test_zero_outer_overlap_is_allowed():
    m = np.array([0.4])
    found = spherical.sphere(np.array([0.0, 5.0]), m)
    assert found.Q[0] == 0.0
    np.testing.assert_allclose(spherical.pull(found.Q, m), [0.0, 5.0], rtol=1e-13)
    np.testing.assert_allclose(spherical.sphere(np.zeros(2), m).Q, 0.0, atol=1e-15)


def chain(depth, m, alpha=5.0, margin=0.0):
    return HierarchicalChain(depth, alpha, HardCore(margin), m, Support((True,) * (depth - 1)))


def some_overlaps(layers, seed):
    """Packed overlaps of every unknown layer, increasing in the level, within (0, 0.9)."""
    count = layers.unknowns // layers.levels
    return np.concatenate([random_levels(layers.m.size, 10 * seed + i, 0.9)[1] for i in range(count)])


DEPTHS = [(1, 0), (1, 1), (1, 3), (2, 0), (2, 1), (2, 3), (3, 0), (3, 1), (3, 3)]


@pytest.mark.parametrize(("depth", "k"), DEPTHS)
@pytest.mark.parametrize("margin", [0.0, -0.7])
def test_jacobian_of_the_chain(depth, k, margin):
    layers = chain(depth, random_levels(k, 3)[0], margin=margin)
    x = some_overlaps(layers, depth)
    found = layers.evaluate(x)
    jacobian = derivative(lambda y: layers.evaluate(y, jacobian=False).image, x, 1e-3)
    scale = np.max(np.abs(jacobian))
    np.testing.assert_allclose(found.jacobian, jacobian, rtol=1e-5, atol=1e-7 * scale)
    np.testing.assert_allclose(layers.pack(layers.unpack(x)), x, rtol=0.0)


@pytest.mark.parametrize(("depth", "k"), DEPTHS)
@pytest.mark.parametrize("margin", [0.0, 0.7, -0.7])
def test_entropy_gradient_is_the_residual(depth, k, margin):
    """At independent overlaps and fields: Q where the bond pulls, eps where the neuron answers."""
    layers = chain(depth, random_levels(k, 4)[0], margin=margin)
    x = some_overlaps(layers, depth + 7)
    gaps = np.diff(np.concatenate([[0.0], layers.m, [1.0]]))
    gradient = derivative(lambda y: np.float64(layers.entropy(layers.evaluate(y, False))), x, 1e-3)
    found = layers.evaluate(x)
    levels, alpha = found.levels, layers.alpha
    expected = []
    for layer in layers.bonds:
        images = 1 if layers.bond(layer) == depth + 1 - layer else 2
        weight = levels.q[layer - 1] * levels.q[layer] * found.interactions[layer].w
        pull = spherical.pull(levels.Q[layer - 1], layers.m)
        expected.append(images * 0.5 * gaps * (pull / alpha - weight))
    # The entropy takes the fields of its map, eps(x): with them the neuron's own terms
    # (D_i/2) (eps_i - Sigma_i) vanish, and those of eps remain through the chain rule.
    expected = np.concatenate([*expected, np.zeros(len(layers.hidden) * layers.levels)])
    for layer in range(1, depth):
        eps_slope = derivative(lambda y, layer=layer: layers.evaluate(y, False).eps[layer], x, 1e-3)
        answer = found.neurons[layers.neuron(layer)].w
        expected += 0.5 * (gaps * (levels.q[layer] - answer)) @ eps_slope
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-6 * np.max(np.abs(gradient)))


@pytest.mark.parametrize(("depth", "k"), [case for case in DEPTHS if case[1]])
def test_break_point_slope_of_the_chain(depth, k):
    """Overlaps and fields are kept: the entropy's own fields at the displaced m are moved back."""
    m = random_levels(k, 5)[0]
    x = some_overlaps(chain(depth, m), depth + 20)
    found = chain(depth, m).evaluate(x)

    def entropy(points):
        layers = chain(depth, points)
        there = layers.evaluate(x, False)
        kept = {layer: terms.neuron(found.neurons[layer].c, points) for layer in there.neurons}
        return np.float64(layers.entropy(replace(there, neurons=kept)))

    numeric = derivative(entropy, m, 1e-3)
    np.testing.assert_allclose(chain(depth, m).break_point_slope(found), numeric, rtol=2e-6, atol=1e-8)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_equal_levels_of_the_chain_are_symmetric(depth):
    single, triple = chain(depth, np.empty(0)), chain(depth, np.array([0.2, 0.6]))
    x = some_overlaps(single, depth)
    plain, equal = single.evaluate(x), triple.evaluate(np.repeat(x, 3))
    np.testing.assert_allclose(equal.image, np.repeat(plain.image, 3), rtol=1e-11)
    assert triple.entropy(equal) == pytest.approx(single.entropy(plain), rel=1e-12)
    np.testing.assert_allclose(triple.break_point_slope(equal), 0.0, atol=1e-10)
