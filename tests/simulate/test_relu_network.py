"""ReLU networks and how they move, against automatic differentiation, exact laws of walks, and quadrature."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.special import erf

from simulate.dynamics.descent import Descent, DescentLaw, Orders
from simulate.noise import Member, keys
from simulate.systems.relu_network import ReluNetwork, loss

NETWORK = ReluNetwork(inputs=4, width=5, depth=4)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def signs(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.sign(random(*shape, seed=seed))


def law(**values) -> DescentLaw:
    defaults = {
        "lambda_": 0.0, "train_steps": 0, "train_eta": 0.05, "train_fine": 0, "batch": 10, "eta": 0.01,
        "temperatures": (0.0,), "data": True,
    }  # fmt: skip
    return DescentLaw(**{**defaults, **values})


def test_size_is_that_of_the_paper():
    """N = 5 w^2 + 11 w for ten inputs and six hidden layers."""
    assert [ReluNetwork(10, w, 7).weights for w in (30, 54, 72, 81)] == [4830, 15174, 26712, 33696]


@pytest.mark.parametrize("own", [False, True], ids=["shared patterns", "each network its own"])
def test_gradient_is_that_of_autograd(own):
    x, y = (random(3, 4, 20), signs(3, 20)) if own else (random(4, 20), signs(20))
    r = random(3, NETWORK.weights).requires_grad_()
    value = loss(NETWORK.outputs(r, x), y)
    (expected,) = torch.autograd.grad(value.sum(), r)
    found = torch.empty_like(expected)
    NETWORK.gradient(r.detach(), x, y, found)
    assert 0 < (1 - NETWORK.outputs(r, x) * y < 0).double().mean() < 1  # both sides of the hinge
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)


def test_outputs_are_those_of_torch_nn():
    layers = [torch.nn.Linear(b, a, bias=False, dtype=torch.float64) for a, b in NETWORK.shapes]
    modules = [m for layer in layers for m in (layer, torch.nn.ReLU())][:-1]
    r = torch.cat([layer.weight.detach().flatten() for layer in layers])[None]
    x = random(4, 7)
    expected = torch.nn.Sequential(*modules)(x.T)[:, 0]
    torch.testing.assert_close(NETWORK.outputs(r, x)[0], expected)


def test_weights_at_zero_are_a_stable_point_of_loss_one_half():
    x, y = random(4, 20), signs(20)
    r = 1e-3 * random(1, NETWORK.weights)
    assert loss(NETWORK.outputs(torch.zeros_like(r), x), y).item() == 0.5
    move = Descent(NETWORK, law(lambda_=0.5, eta=0.05), x, y, 0, [Member(0)])
    move(r, 0, 2000)
    assert r.abs().max() < 1e-20


def test_a_network_moves_as_it_would_alone():
    """In any batch, in training and after it; beside the step written out."""
    x, y = random(4, 30), signs(30)
    made = law(train_steps=7, train_fine=2, lambda_=0.1, temperatures=(0.0, 0.3))
    members = [Member(0), Member(1), Member(2)]
    start = random(3, NETWORK.weights).repeat(1, 2)
    together, alone = start.clone(), start.clone()
    move = Descent(NETWORK, made, x, y, 5, members)
    move(together, 0, 4)
    move(together, 4, 9)
    for k, member in enumerate(members):
        Descent(NETWORK, made, x, y, 5, [member])(alone[k : k + 1], 0, 13)
    torch.testing.assert_close(together, alone, rtol=1e-12, atol=1e-12)

    r = start[:1, : NETWORK.weights].clone()
    orders = Orders(keys(5, members[:1], 12), 30)
    for step in range(7):
        chosen = orders.of(step // 3)[0, 10 * (step % 3) : 10 * (step % 3) + 10]
        gradient = torch.empty_like(r)
        NETWORK.gradient(r, x[:, chosen], y[chosen], gradient)
        r = r - (0.005 if step >= 5 else 0.05) * (gradient + 0.1 * r)
    for _ in range(6):
        NETWORK.gradient(r, x, y, gradient)
        r = r - 0.01 * (gradient + 0.1 * r)
    torch.testing.assert_close(r[0], together[0, : NETWORK.weights], rtol=1e-12, atol=1e-12)


def test_every_epoch_sees_every_pattern_once_in_an_order_of_its_own():
    orders = Orders(keys(0, [Member(0), Member(1)], 12), 50)
    first, again, other = orders.of(0), Orders(keys(0, [Member(0)], 12), 50).of(0), orders.of(1)
    assert (first.sort(dim=1).values == torch.arange(50)).all()
    assert (first[0] == again[0]).all()
    assert (first[0] != first[1]).any()
    assert (first[0] != other[0]).any()


def test_free_walks_obey_the_erf_law_and_ignore_each_other():
    """20000 weights, overlap at four lengths; 5 standard errors: false alarm below 1e-5. Noise is
    white in time."""
    network = ReluNetwork(4, 5, 2)
    x, y = random(4, 30), signs(30)
    members = [Member(s) for s in range(20_000 // network.weights)]
    move = Descent(network, law(temperatures=(0.3,), data=False), x, y, 0, members)
    r = torch.zeros(len(members), network.weights, dtype=torch.float64)
    move(r, 0, 1)
    first = r.clone()
    move(r, 1, 39)
    variance = 2 * 0.3 * 0.01 / 30
    count = r.numel()
    for length in (0.005, 0.02, 0.05, 0.2):
        expected = erf(length / math.sqrt(4 * 0.3 * 0.01 * 40 / 30))
        found = (r.abs() <= length).double().mean().item()
        assert abs(found - expected) < 5 * math.sqrt(expected * (1 - expected) / count) + 1e-12
    assert abs(first.var().item() / variance - 1) < 5 * math.sqrt(2 / count)
    assert abs((first * (r - first)).mean().item()) < 5 * variance * math.sqrt(39 / count)
    pairs = torch.corrcoef(r[:50])
    assert (pairs - torch.eye(50)).abs().max() < 6 / math.sqrt(network.weights)


def test_quadratic_well_has_its_exact_covariance_and_correlation():
    """The well of L2: in discrete time both are known exactly. 8000 weights, 5 standard errors."""
    network, t, eta, strength, patterns = ReluNetwork(4, 5, 2), 0.4, 0.1, 0.8, 10
    x, y = random(4, patterns), signs(patterns)
    members = [Member(s) for s in range(8000 // network.weights)]
    made = law(temperatures=(t,), data=False, eta=eta, lambda_=strength)
    move = Descent(network, made, x, y, 1, members)
    keep = 1 - eta * strength
    variance = 2 * t * eta / patterns / (1 - keep**2)
    assert abs(variance / (t / (patterns * strength)) - 1) < 0.05  # T/(P lambda) as eta goes to 0
    r = torch.zeros(len(members), network.weights, dtype=torch.float64)
    move(r, 0, 150)
    past, count = r.clone(), r.numel()
    assert abs(past.square().mean().item() / variance - 1) < 5 * math.sqrt(2 / count)
    done = 0
    for steps in (1, 5, 20):
        move(r, 150 + done, steps - done)
        done = steps
        found = (r * past).mean().item() / variance
        spread = math.sqrt((1 + keep ** (2 * steps)) / count)
        assert abs(found - keep**steps) < 5 * spread


def test_stationary_law_is_boltzmann_on_a_network_of_two_weights():
    """exp(-P U/T) by quadrature: f = b relu(a x), four patterns. 4000 networks at 40 times; means within 5
    standard errors (false alarm below 1e-5), far less than what doubling T or dropping P would do."""
    network, patterns, t = ReluNetwork(1, 1, 2), 4, 0.7
    x = torch.tensor([[1.0, -0.5, 2.0, 0.7]], dtype=torch.float64)
    y = torch.tensor([1.0, -1.0, 1.0, -1.0], dtype=torch.float64)
    made = law(temperatures=(t,), eta=0.01, lambda_=0.3)
    members = [Member(s) for s in range(4000)]
    move = Descent(network, made, x, y, 3, members)
    r = 0.5 * random(len(members), 2)
    move(r, 0, 3000)
    samples = []
    for k in range(40):
        move(r, 3000 + 50 * k, 50)
        samples.append(torch.stack([loss(network.outputs(r, x), y), r.square().sum(1), r[:, 0]]))
    per_network = torch.stack(samples).mean(0)  # independent of each other
    grid = np.linspace(-8, 8, 801)
    a, b = np.meshgrid(grid, grid, indexing="ij")
    points = torch.from_numpy(np.stack([a.ravel(), b.ravel()], axis=1))
    data = loss(network.outputs(points, x), y).numpy()
    squares = points.square().sum(1).numpy()
    energy = patterns * (data + 0.3 / 2 * squares) / t
    density = np.exp(-(energy - energy.min()))
    for found, values in zip(per_network, (data, squares, points[:, 0].numpy()), strict=True):
        expected = (density * values).sum() / density.sum()
        error = found.std().item() / math.sqrt(len(members))
        assert abs(found.mean().item() - expected) < 5 * error + 0.01 * abs(expected)  # eta: 1 %


def test_without_noise_the_step_converges_in_first_order():
    x, y = random(4, 40), signs(40)
    start = 0.7 * random(2, NETWORK.weights)
    ends = []
    for halvings in range(4):
        r = start.clone()
        eta, steps = 0.004 / 2**halvings, 25 * 2**halvings
        Descent(NETWORK, law(eta=eta, lambda_=0.2), x, y, 0, [Member(0), Member(1)])(r, 0, steps)
        ends.append(r)
    apart = [(a - b).norm().item() for a, b in pairwise(ends)]
    assert 1.8 < apart[0] / apart[1] < 2.2
    assert 1.8 < apart[1] / apart[2] < 2.2
