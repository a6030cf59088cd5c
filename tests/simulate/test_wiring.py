"""Who reads whom."""

import numpy as np
import pytest

from deepglass.errors import InvalidInput
from simulate.systems.wiring import Wiring


@pytest.mark.parametrize(("width", "degree"), [(5, 5), (6, 1), (7, 6), (12, 8), (100, 20)])
def test_dilute_wirings_are_regular_and_distinct(width, degree):
    wiring = Wiring.dilute(3, width, degree, np.random.default_rng(0))
    assert wiring.inputs.shape == (3, width, degree)
    for layer in range(3):
        assert all(len(set(row)) == degree for row in wiring.inputs[layer].tolist())
        assert (np.bincount(wiring.inputs[layer].ravel(), minlength=width) == degree).all()
        for j in range(width):
            for reader, slot in zip(wiring.readers[layer, j], wiring.slots[layer, j], strict=True):
                assert wiring.inputs[layer, reader, slot] == j


def test_neurons_are_read_by_chance():
    """Over 400 wirings each pair is bound with probability c/N; chi-square of 36 pairs, false alarm 1e-4."""
    count = np.zeros((6, 6))
    for seed in range(400):
        inputs = Wiring.dilute(1, 6, 2, np.random.default_rng(seed)).inputs[0]
        np.add.at(count, (np.repeat(np.arange(6), 2), inputs.ravel()), 1)
    expected = 400 * 2 / 6
    # Rows and columns are fixed: (N - 1)^2 degrees of freedom, variance of a Bernoulli number.
    statistic = ((count - expected) ** 2 / (expected * (1 - 2 / 6))).sum() * 25 / 36
    assert statistic < 62.0  # chi2.isf(1e-4, 25) = 61.7


def test_a_degree_that_cannot_be_is_refused():
    with pytest.raises(InvalidInput, match="degree = 7 must not exceed the width 6"):
        Wiring.dilute(2, 6, 7, np.random.default_rng(0))
    with pytest.raises(InvalidInput, match="degree"):
        Wiring.dilute(2, 6, 0, np.random.default_rng(0))
