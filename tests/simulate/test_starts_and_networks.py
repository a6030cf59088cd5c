"""Start laws layer by layer, both networks of Eq. 12 by hand, free diffusion as the null of every overlap."""

import numpy as np
import pytest
import torch
from scipy import stats

from simulate import noise
from simulate.dynamics import advance
from simulate.dynamics.langevin import Langevin, maxwell_boltzmann
from simulate.systems.thermal_machine import ThermalMachine
from simulate.thermal.observables import TestSet

FALSE_ALARM = 1e-4


def network(inputs, outputs, depth, width):
    return ThermalMachine(np.int8(inputs), np.int8(outputs), depth, width, dtype=torch.float64)


@pytest.mark.parametrize("law", ["small", "uniform"])
def test_every_layer_starts_with_its_stated_law(law):
    """Kolmogorov-Smirnov of each S_l and each J_l alone, and of each sample over all layers.

    Bonferroni over all of them: false alarm 1e-4 a law. A width wrong by 10 % must fail in every layer.
    """
    rng = np.random.default_rng(0)
    m = network(rng.choice([-1, 1], (200, 90)), rng.choice([-1, 1], (200, 60)), depth=4, width=60)
    r = m.start(law, 11, range(4))
    spins, weights = m.neuron_layers(r), m.weight_layers(r)
    assert [len(spins), len(weights)] == [3, 4]
    sizes = dict.fromkeys(range(3), 0.1) | dict.fromkeys(range(3, 7), 0.01)
    scaled = [x / sizes[i] if law == "small" else x for i, x in enumerate([*spins, *weights])]
    exact = stats.norm if law == "small" else stats.uniform(-1, 2)
    parts = [*scaled, *(torch.cat([x[s] for x in scaled]) for s in range(4))]
    pvalues = [stats.kstest(x.numpy().ravel(), exact.cdf).pvalue for x in parts]
    assert min(pvalues) > FALSE_ALARM / len(parts), pvalues
    wrong = [stats.kstest(1.1 * x.numpy().ravel(), exact.cdf).pvalue for x in scaled]
    assert max(wrong) < FALSE_ALARM / len(parts), wrong
    # Neighbours in memory, layers of one sample, and samples are independent: 3 correlations at 4.2 sigma.
    row = torch.cat([x[0] for x in scaled]).numpy()
    other = torch.cat([x[1] for x in scaled]).numpy()
    n = spins[0].shape[1]
    pairs = [(row[1:], row[:-1]), (row, other), (scaled[0][0].numpy(), scaled[1][0].numpy())]
    z = [np.corrcoef(a, b)[0, 1] * np.sqrt(len(a)) for a, b in pairs]
    assert len(pairs[2][0]) == n
    assert np.abs(z).max() < 4.2, z


def test_sgn_and_tanh_networks_by_hand():
    """Three inputs, two hidden neurons, two classes; the two networks disagree on the first two patterns.

    Pattern +++ gives z_1 = (0.3, 0.9): tanh sends (0.2913, 0.7163), sgn (1, 1), so the output weights
    (0.9, 0.1; 0.1, 0.8) choose class 1 with tanh and class 0 with sgn. Pattern --- is its mirror image;
    pattern +-- has z_1 = (0.1, -0.5), where both choose class 0.
    """
    inputs = np.array([[1, 1, 1], [-1, -1, -1], [1, -1, -1]], np.int8)
    m = network(inputs, [[-1, 1], [1, -1], [1, -1]], depth=2, width=2)
    r = torch.zeros((1, m.particles), dtype=torch.float64)
    w = m.views(r)
    w.first[0] = torch.tensor([[0.2, 0.05, 0.05], [0.2, 0.4, 0.3]])
    w.last[0] = torch.tensor([[0.9, 0.1], [0.1, 0.8]])
    a, b, c, d = np.tanh([0.3, 0.9, 0.1, 0.5])
    tanh = m.feed_forward(r, m.inputs, "tanh")[0].numpy()
    sgn = m.feed_forward(r, m.inputs, "sgn")[0].numpy()
    first = np.array([0.9 * a + 0.1 * b, 0.1 * a + 0.8 * b])
    last = np.array([0.9 * c - 0.1 * d, 0.1 * c - 0.8 * d])
    np.testing.assert_allclose(tanh.T, [first, -first, last], rtol=0, atol=1e-7)
    np.testing.assert_allclose(first, [0.33381, 0.60217], atol=5e-6)
    np.testing.assert_allclose(sgn.T, [[1.0, 0.9], [-1.0, -0.9], [0.8, -0.7]], rtol=0, atol=1e-7)
    np.testing.assert_array_equal(tanh.argmax(0), [1, 0, 0])
    np.testing.assert_array_equal(sgn.argmax(0), [0, 1, 0])
    # Labels are what the tanh network says: it is right three times in three, sgn once.
    labels = -np.ones((3, 2), np.int8)
    labels[range(3), tanh.argmax(0)] = 1
    test = TestSet(m, inputs, labels, True)
    assert test.accuracy(m, r, "tanh").tolist() == [1]
    assert test.accuracy(m, r, "sgn").tolist() == [1 / 3]


def test_both_activations_hold_in_every_hidden_layer_and_not_at_the_output():
    """Depth 3, width 1, weights 1/2: tanh(tanh(1/2)/2)/2 and 1/2 by hand; with c = 1/sqrt(N_0) inside too."""
    for c_scale, c in (("1", 1.0), ("inv-sqrt", 0.5)):
        signs = np.array([[1, 1, -1, -1]], np.int8)
        m = ThermalMachine(signs, signs[:, :1], 3, 1, c_scale, torch.float64)
        r = torch.full((1, m.particles), 0.5, dtype=torch.float64)
        m.views(r).first[0, 0, 3] = -0.5  # z_1 = c (0.5 + 0.5 - 0.5 + 0.5) = c
        expected = 0.5 * np.tanh(0.5 * np.tanh(c))
        assert m.feed_forward(r, m.inputs, "tanh").item() == pytest.approx(expected, rel=1e-14)
        assert m.feed_forward(r, m.inputs, "sgn").item() == 0.5


def reflected_correlation(time):
    """<x(0) x(t)>/<x^2> of diffusion between walls at +-1 from a flat start, at ``time`` = D t."""
    k = np.arange(1, 200, 2)
    return 96 / np.pi**4 * np.exp(-np.outer(time, k**2) * np.pi**2 / 4) @ k**-4.0


def spread(law: Langevin, temperature: float, steps: np.ndarray) -> np.ndarray:
    """Variance of dt (v_1 + ... + v_t), t in ``steps``, of a free particle: <v_s v_s'> = T (1-eta)^|s-s'|."""
    a, t = 1 - law.eta, np.asarray(steps, float)
    return law.dt**2 * temperature * (t * (1 + a) / (1 - a) - 2 * a * (1 - a**t) / (1 - a) ** 2)


def test_free_diffusion_between_walls_has_closed_forms():
    """The oracle itself: 1 at t = 0, the plain sum over velocities, D = dt^2 T (1/eta - 1/2) a step."""
    assert reflected_correlation(np.zeros(1))[0] == pytest.approx(1, abs=1e-6)
    law = Langevin(dt=0.3, eta=0.2)
    v = np.cumsum(np.eye(40), axis=1)  # sums of the first t velocities
    lag = np.abs(np.subtract.outer(np.arange(40), np.arange(40)))
    plain = np.diag(v.T @ (0.8**lag) @ v) * law.dt**2 * 0.7
    np.testing.assert_allclose(spread(law, 0.7, np.arange(1, 41)), plain, rtol=1e-12)
    slope = spread(law, 0.7, np.array([10_000, 10_001])) @ [-1, 1]
    assert slope / 2 == pytest.approx(law.dt**2 * 0.7 * (1 / 0.2 - 0.5), rel=1e-9)


@pytest.mark.parametrize("eta", [0.5, 0.01])
@pytest.mark.parametrize("backend", ["compiled", "eager"])
def test_overlaps_of_a_machine_without_forces_decay_by_diffusion(backend, eta):
    """The null of every liquid and solid layer: T = 1e4, where H/T is 1e-3 and all particles are free.

    Mirror images turn the walls into a free path of Gaussian increments, so for a flat start
    <x(t_w) x(t_w + t)>/<x^2> is the series over odd modes with D t = spread(t)/2, exactly at any friction,
    and between two replicas split at t_w, each with its own noise and fresh velocities, with twice that.
    Auto-correlation and overlap, spins and weights, four times each, at 4.2 sigma: false alarm 4e-4 a case;
    replicas that decayed like the auto-correlation must fail.
    """
    rng = np.random.default_rng(2)
    x = rng.choice([-1, 1], (64, 40)).astype(np.int8)
    m = ThermalMachine(x, x[:, :2], depth=3, width=10)
    temperature, samples, t_w = 1e4, 40, 7
    step = 0.1 if eta == 0.5 else 0.02  # dt sqrt(T)
    law = Langevin(dt=step / np.sqrt(temperature), eta=eta)
    start = m.start("uniform", 5, range(samples))
    members = [(s, a, t_w) for s in range(samples) for a in range(2)]
    past = start.repeat_interleave(2, dim=0)
    r = past.clone()
    v = maxwell_boltzmann(noise.keys(3, members, noise.VELOCITY), t_w, m.particles, temperature).to(r.dtype)
    go = advance(backend, m, law, noise.keys(3, members))
    times = np.array([10, 40, 80, 120])
    now = 0
    z, z_wrong = [], []
    for t in times:
        go(r, v, t_w + now, np.full(t - now, temperature))
        now = t
        assert (r.abs() <= 1).all()
        exact = spread(law, temperature, [t]) / 2
        expected, between = reflected_correlation(exact)[0], reflected_correlation(2 * exact)[0]
        for parts in (m.neuron_layers, m.weight_layers):
            a, b = (3 * torch.cat(parts(y), dim=1).double() for y in (r, past))
            auto = (a * b / 3).mean(1).view(samples, 2).mean(1).numpy()
            overlap = (a[::2] * a[1::2] / 3).mean(1).numpy()
            error = [y.std(ddof=1) / np.sqrt(samples) for y in (auto, overlap)]
            z += [(auto.mean() - expected) / error[0], (overlap.mean() - between) / error[1]]
            z_wrong.append((overlap.mean() - expected) / error[1])
    assert np.abs(z).max() < 4.2, z
    assert np.min(z_wrong) < -10, z_wrong
