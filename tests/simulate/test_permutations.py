"""Hidden units in another order: found again, and never further apart than before."""

from itertools import pairwise, permutations, product

import numpy as np
import pytest

from simulate.systems.permutations import align, distance


def network(seed: int, width: int = 3, depth: int = 3) -> list[np.ndarray]:
    stream = np.random.default_rng(seed)
    sizes = [4, *[width] * (depth - 1), 1]
    return [stream.standard_normal((b, a)) for a, b in pairwise(sizes)]


def shuffled(layers: list[np.ndarray], orders: list[np.ndarray]) -> list[np.ndarray]:
    found = [x.copy() for x in layers]
    for layer, order in enumerate(orders):
        found[layer], found[layer + 1] = found[layer][order], found[layer + 1][:, order]
    return found


@pytest.mark.parametrize("seed", range(5))
def test_a_shuffled_network_is_found_again(seed):
    stream = np.random.default_rng(100 + seed)
    a = network(seed, width=8, depth=5)
    b = shuffled(a, [stream.permutation(8) for _ in range(4)])
    assert distance(a, b) > 1
    assert distance(a, align(a, b)) == 0


@pytest.mark.parametrize("seed", range(10))
def test_the_nearest_order_of_all(seed):
    """Two hidden layers of three units: 36 orders."""
    a, b = network(seed), network(seed + 50)
    orders = [list(map(np.array, pair)) for pair in product(permutations(range(3)), repeat=2)]
    best = min(distance(a, shuffled(b, pair)) for pair in orders)
    found = align(a, b)
    assert distance(a, found) == pytest.approx(best, rel=1e-12)


def test_the_function_stays_and_the_arguments_too():
    a, b = network(1, width=6, depth=4), network(2, width=6, depth=4)
    before = [x.copy() for x in b]
    found = align(a, b)
    x = np.random.default_rng(0).standard_normal((4, 20))

    def outputs(layers):
        h = x
        for layer in layers[:-1]:
            h = np.maximum(layer @ h, 0)
        return layers[-1] @ h

    np.testing.assert_allclose(outputs(found), outputs(b), rtol=1e-12)
    assert all((u == v).all() for u, v in zip(b, before, strict=True))
    assert distance(a, found) < distance(a, b)
