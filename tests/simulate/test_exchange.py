"""Replica exchange: the product of the laws stays. Statistical tests: false alarm 1e-4 on a fresh seed."""

from itertools import product

import numpy as np
import pytest
import torch
from scipy.stats import chi2

from deepglass.errors import InvalidInput
from simulate import noise
from simulate.dynamics.exchange import Ladder
from simulate.noise import Member

LEVELS = np.array([0.0, 0.4, 1.5])  # energies of a system with three states


def keys(count: int) -> np.ndarray:
    return noise.keys(3, [Member(b) for b in range(count)], noise.EXCHANGE)


def test_swaps_are_balanced_in_detail():
    ladder = Ladder((0.3, 0.7, 2.0))
    betas = 1 / np.array(ladder.temperatures)
    energies = np.random.default_rng(0).uniform(0, 3, size=(50, 3))
    swapped = energies[:, [1, 0, 2]]
    there, back = (ladder.chances(torch.from_numpy(e))[:, 0].numpy() for e in (energies, swapped))
    log_law = -(betas * energies).sum(1)
    log_law_swapped = -(betas * swapped).sum(1)
    np.testing.assert_allclose(log_law + np.log(there), log_law_swapped + np.log(back), rtol=0, atol=1e-12)
    assert np.maximum(there, back).min() == 1  # Metropolis: one of the two directions is always taken


@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_the_product_of_boltzmann_laws_stays(rounds):
    ladder = Ladder((0.3, 0.7, 2.0))
    count = 8000
    laws = [np.exp(-LEVELS / t) / np.exp(-LEVELS / t).sum() for t in ladder.temperatures]
    generator = np.random.default_rng(1)
    states = np.stack([generator.choice(3, size=count, p=law) for law in laws], axis=1)
    before = states.copy()
    streams = keys(count)
    for round_ in range(rounds):
        order = ladder.swaps(torch.from_numpy(LEVELS[states]), streams, round_).numpy()
        states = np.take_along_axis(states, order, axis=1)
    assert (states != before).any(1).mean() > 0.2
    expected = count * np.array(
        [laws[0][i] * laws[1][j] * laws[2][k] for i, j, k in product(range(3), repeat=3)]
    )
    counts = np.bincount(states @ [9, 3, 1], minlength=27)
    assert chi2.sf(((counts - expected) ** 2 / expected).sum(), 26) > 1e-4


def test_every_pair_meets_and_streams_do_not_mix():
    ladder = Ladder((0.5, 1.0, 2.0, 4.0))
    energies = torch.tensor([[3.0, 2.0, 1.0, 0.0]]).repeat(2, 1)  # every swap is wanted
    assert ladder.swaps(energies, keys(2), 0).tolist() == [[1, 0, 3, 2]] * 2
    assert ladder.swaps(energies, keys(2), 1).tolist() == [[0, 2, 1, 3]] * 2
    rising = torch.tensor([[0.0, 0.5, 1.0, 1.5]]).repeat(40, 1)
    whole = ladder.swaps(rising, keys(40), 0)
    alone = torch.cat([ladder.swaps(rising[b : b + 1], keys(40)[b : b + 1], 0) for b in range(40)])
    assert torch.equal(whole, alone)
    assert len({tuple(row) for row in whole.tolist()}) > 1


def test_a_cold_end_at_zero_takes_what_is_lower_or_equal():
    ladder = Ladder((0.0, 1.0))
    energies = torch.tensor([[2.0, 1.0], [1.0, 2.0], [1.0, 1.0]])
    assert ladder.chances(energies)[:, 0].tolist() == [1.0, 0.0, 1.0]


@pytest.mark.parametrize("temperatures", [(), (1.0, 0.5), (0.5, 0.5), (-1.0, 1.0), (0.1, float("nan"))])
def test_ladders_that_cannot_be_are_refused(temperatures):
    with pytest.raises(InvalidInput, match="temperatures"):
        Ladder(temperatures)
