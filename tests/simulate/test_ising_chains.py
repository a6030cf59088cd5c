"""Heat-bath chains of an Ising model against enumeration; their noise, going on, mixing and annealing."""

import numpy as np
import pytest
from scipy import stats

from deepglass.errors import InvalidInput
from simulate.ising_chains import (
    IsingChains,
    annealed_log_z,
    mixing,
    resolution,
    split_by_start,
)


def model(N, coupling, fields, seed=0):
    rng = np.random.default_rng(seed)
    J = np.triu(coupling * rng.standard_normal((N, N)), 1)
    return J + J.T, fields * rng.standard_normal(N)


def states(N):
    return 2.0 * ((np.arange(2**N)[:, None] >> np.arange(N)) & 1) - 1.0


def law(J, h):
    """All configurations, their probabilities and ln Z; written apart from the package."""
    s = states(h.size)
    logs = 0.5 * np.einsum("si,ij,sj->s", s, J, s) + s @ h
    log_z = np.logaddexp.reduce(logs)
    return s, np.exp(logs - log_z), log_z


def drawn(J, h, **options):
    return IsingChains(h.size, **options).draw(J, h).astype(float)


def test_means_pairs_and_energies_of_a_system_that_is_enumerated():
    """Each of 68 averages within 4.5 standard errors (errors over 300 chains): false alarm 5e-4."""
    J, h = model(11, 0.4, 0.5, seed=3)
    s, p, _ = law(J, h)
    found = drawn(J, h, chains=300, seed=1, burn=200, every=3, keep=60)
    energy = -0.5 * np.einsum("...i,ij,...j->...", found, J, found) - found @ h
    exact = -0.5 * np.einsum("si,ij,sj->s", s, J, s) - s @ h
    i, j = np.triu_indices(11, 1)
    mean = p @ exact
    wanted = np.concatenate([p @ s, p @ (s[:, i] * s[:, j]), [mean, p @ (exact - mean) ** 2]])
    each = np.concatenate(
        [
            found.mean(0),
            (found[..., i] * found[..., j]).mean(0),
            energy.mean(0)[:, None],
            ((energy - mean) ** 2).mean(0)[:, None],
        ],
        axis=1,
    )
    error = each.std(0, ddof=1) / np.sqrt(300)
    assert np.all(error < 0.02 * max(1.0, p @ (exact - mean) ** 2))
    assert np.max(np.abs(each.mean(0) - wanted) / error) < 4.5


def sweep_matrix(J, h):
    """Probabilities (2^N, 2^N) of a sweep in order, and of its single moves, by the law of the heat bath."""
    N = h.size
    s = states(N)
    singles = []
    for i in range(N):
        up = 1 / (1 + np.exp(-2 * (s @ J[i] + h[i])))
        T = np.zeros((2**N, 2**N))
        rows = np.arange(2**N)
        T[rows, rows | (1 << i)] = up
        T[rows, rows & ~(1 << i)] = 1 - up
        singles.append(T)
    return np.linalg.multi_dot(singles), singles


def test_transitions_of_a_sweep_are_those_of_the_heat_bath():
    """8 x 8 transitions of 3 spins from 4000 chains each; chi^2 of 8 rows x 7 degrees, alarm 1e-3."""
    J, h = model(3, 0.8, 0.6, seed=5)
    sweep, singles = sweep_matrix(J, h)
    _, p, _ = law(J, h)
    for T in singles:  # the law of the moves obeys detailed balance, so the chains do if they follow it
        np.testing.assert_allclose(p[:, None] * T, (p[:, None] * T).T, atol=1e-15)
    each = 4000
    chains = IsingChains(3, 8 * each, seed=2, start=states(3))
    after = chains.advance(J, h, 1, every=1)[0]
    index = (after > 0) @ (1 << np.arange(3))
    counts = np.zeros((8, 8))
    np.add.at(counts, (chains.group, index), 1)
    expected = each * sweep
    chi = float(((counts - expected) ** 2 / expected).sum())
    assert 56 - 40 < chi < stats.chi2.ppf(0.999, 56)


def test_strong_fields_and_no_fields():
    fields = np.array([20.0, -20.0, 0.0, 0.5])
    found = drawn(np.zeros((4, 4)), fields, chains=2000, burn=1, keep=5, every=1)
    assert (found[..., 0] == 1).all()
    assert (found[..., 1] == -1).all()
    # 10 000 coins: 4 standard errors.
    assert abs(found[..., 2].mean()) < 0.04
    assert abs(found[..., 3].mean() - np.tanh(0.5)) < 0.04


def test_same_seed_same_chains_another_seed_others():
    J, h = model(30, 0.2, 0.3)
    one, same, other = (drawn(J, h, chains=7, seed=s, keep=4, burn=5) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    assert (one[:, 0] != one[:, 1]).any()


def test_chains_do_not_know_how_many_they_are():
    J, h = model(33, 0.2, 0.3)
    whole = drawn(J, h, chains=9, seed=4, keep=6, burn=7, start="split")
    parts = [
        drawn(J, h, chains=count, seed=4, keep=6, burn=7, first=first, start="split")
        for first, count in ((0, 4), (4, 5))
    ]
    np.testing.assert_array_equal(whole, np.concatenate(parts, axis=1))


def test_resumed_is_uninterrupted():
    J, h = model(40, 0.3, 0.2)
    whole = IsingChains(40, 5, seed=3).advance(J, h, 30, every=1)
    first = IsingChains(40, 5, seed=3)
    head = first.advance(J, h, 13, every=1)
    second = IsingChains(40, 5, seed=3, start="up")
    second.resume(first.state)
    tail = second.advance(J, h, 17, every=1)
    np.testing.assert_array_equal(whole, np.concatenate([head, tail]))


def test_calls_go_on_where_the_last_one_ended():
    J, h = model(12, 0.3, 0.2)
    chains = IsingChains(12, 5, seed=3, burn=4, every=2, keep=3)
    one, two = chains(J, h), chains(J, h)
    assert one.shape == (15, 12)
    assert one.dtype == np.float64
    assert chains.state.sweep == 4 + 2 * 6
    whole = IsingChains(12, 5, seed=3).advance(J, h, 16, every=2)[2:]
    np.testing.assert_array_equal(np.concatenate([one, two]), whole.reshape(-1, 12))


def test_starts():
    up, mixed = IsingChains(9, 6, start="up"), IsingChains(9, 6, start="split")
    assert (up.state.spins == 1).all()
    assert mixed.group.tolist() == [0, 1, 2, 0, 1, 2]
    assert (mixed.state.spins[1] == 1).all()
    assert (mixed.state.spins[2] == -1).all()
    given = np.where(np.arange(18).reshape(2, 9) % 2, 1, -1)
    np.testing.assert_array_equal(IsingChains(9, 3, start=given).state.spins, given[[0, 1, 0]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": "down"}, "must be one of random"),
        ({"start": np.ones((2, 4))}, r"must be \(K, 5\)"),
        ({"start": np.zeros((1, 5))}, "must hold"),
        ({"chains": 0}, "chains = 0"),
        ({"every": 0}, "every = 0"),
    ],
)
def test_what_is_refused_at_once(options, message):
    with pytest.raises(InvalidInput, match=message):
        IsingChains(5, **options)


def test_models_that_are_refused():
    chains, J = IsingChains(3), np.zeros((3, 3))
    for bad, message in (
        (np.zeros((2, 2)), "has shape"),
        (J + np.eye(3), "diagonal"),
        (J + np.triu(np.ones((3, 3)), 1), "symmetric"),
        (np.full((3, 3), np.nan), "finite"),
    ):
        with pytest.raises(InvalidInput, match=message):
            chains(bad, np.zeros(3))
    with pytest.raises(InvalidInput, match="state must be"):
        chains.resume(IsingChains(3, 2).state)


def test_couplings_are_kept_to_a_few_parts_in_a_billion():
    J, h = model(50, 0.3, 2.0)
    assert resolution(J, h) < 2e-9 * (np.abs(J).sum(1) + np.abs(h)).max()


def test_mixing_of_a_known_series():
    """AR(1) of correlation a: tau = 1/2 (1 + a)/(1 - a); 10 % is 5 standard errors of 400 x 300 steps."""
    rng, a = np.random.default_rng(0), 0.8
    x = rng.standard_normal((400, 300))
    for t in range(1, 400):
        x[t] = a * x[t - 1] + np.sqrt(1 - a * a) * x[t]
    found = mixing(x)
    assert found.time == pytest.approx(4.5, rel=0.1)
    assert found.effective == pytest.approx(400 * 300 / 9, rel=0.1)
    assert found.r_hat == pytest.approx(1.0, abs=0.02)
    assert mixing(rng.standard_normal((400, 300))).time == pytest.approx(0.5, abs=0.03)
    assert mixing(np.ones((9, 2))).effective == 18


def test_two_states_show_by_the_starts():
    """Curie-Weiss: below its transition chains stay where they began, above they meet."""
    N = 60
    ones = np.ones((N, N)) - np.eye(N)
    for coupling, two in ((2.0 / N, True), (0.5 / N, False)):
        chains = IsingChains(N, 60, seed=1, start="split", burn=100, keep=50, every=2)
        series = chains.draw(coupling * ones, np.zeros(N)).mean(axis=2)
        found = split_by_start(series, chains.group)
        assert (found.apart > 20) == two
        assert (abs(found.mean[1]) > 0.9) == two
        assert (mixing(series).r_hat > 1.5) == two


@pytest.mark.parametrize("coupling", [0.2, 0.5])
def test_annealing_finds_the_partition_function(coupling):
    """Within 4 standard errors of enumeration, which are small; there below, back above on the mean."""
    J, h = model(12, coupling, 0.5, seed=7)
    s, p, log_z = law(J, h)
    base = np.arctanh(np.clip(p @ s, -0.99, 0.99))
    found = annealed_log_z(J, h, base, chains=300, sweeps=100, seed=1)
    assert found.error < 0.03
    assert abs(found.value - log_z) < 4 * found.error
    rng = np.random.default_rng(0)
    start = s[rng.choice(len(s), 300, p=p)]
    both = annealed_log_z(J, h, base, chains=300, sweeps=100, seed=1, equilibrium=start)
    assert both.there == found.value
    assert abs(both.back - log_z) < 0.1
    assert abs(both.value - log_z) < 4 * both.error + 1e-3


def test_annealing_without_couplings_is_exact():
    h = np.array([0.3, -1.0, 2.0])
    found = annealed_log_z(np.zeros((3, 3)), h, h, chains=20, sweeps=3)
    assert found.value == pytest.approx(np.log(2 * np.cosh(h)).sum(), abs=1e-7)
