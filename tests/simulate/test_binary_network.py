"""Binary networks by local reparametrisation: gradient against autograd, moments against enumeration."""

import math

import pytest
import torch
from torch.nn import functional

from simulate.systems.binary_network import LEAK, BinaryNetwork, activation

NETWORK = BinaryNetwork((6, 5, 4, 3))
F64 = torch.float64


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


def stochastic(network: BinaryNetwork, theta, x, eps):
    """The graph of the note, written for automatic differentiation."""
    start = 0
    for k, layer in enumerate(network.layers(theta)):
        mean = torch.tanh(layer / 2)
        own = eps[:, start : start + layer.shape[1] * x.shape[-1]].view(len(theta), layer.shape[1], -1)
        start += layer.shape[1] * x.shape[-1]
        z = mean @ x + own * ((1 - mean**2) @ x**2).sqrt()
        x = functional.leaky_relu(z, LEAK) / math.sqrt(layer.shape[2]) if k < len(network.shapes) - 1 else z
    return x


def test_sizes_are_those_of_the_paper():
    assert BinaryNetwork((20, 15, 15, 10)).weights == 675
    assert BinaryNetwork((20, 10)).weights == 200


@pytest.mark.parametrize("sizes", [(6, 5, 4, 3), (6, 3)], ids=["deep", "shallow"])
def test_gradient_is_that_of_autograd(sizes):
    network = BinaryNetwork(sizes)
    theta = (2 * random(3, network.weights)).requires_grad_()
    x, eps = random(3, 6, 7, seed=1), random(3, network.noises(7), seed=2)
    targets = torch.randint(0, 3, (3, 7), generator=torch.Generator().manual_seed(3))
    cost = functional.cross_entropy(
        stochastic(network, theta, x, eps).transpose(1, 2).reshape(-1, 3),
        targets.reshape(-1),
        reduction="none",
    )
    by_network = cost.view(3, 7).mean(1)
    (expected,) = torch.autograd.grad(by_network.sum(), theta)
    found = torch.empty_like(expected)
    value = network.gradient(theta.detach(), x, targets, eps, found)
    torch.testing.assert_close(value, by_network.detach())
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-13)


def test_certain_weights_have_no_noise_and_are_the_deterministic_network():
    signs = torch.sign(random(2, NETWORK.weights))
    x, eps = random(2, 6, 9, seed=1), random(2, NETWORK.noises(9), seed=2)
    found = stochastic(NETWORK, 80 * signs, x, eps)
    for k in range(2):
        torch.testing.assert_close(NETWORK.outputs(signs[k : k + 1], x[k])[0], found[k])


def test_one_unit_has_the_mean_and_variance_of_its_weights():
    """Over all 2^6 weights of a unit with their probabilities, exactly."""
    theta, x = random(6), random(6, seed=4)
    up = torch.sigmoid(theta)
    words = torch.tensor([[1 if k >> i & 1 else -1 for i in range(6)] for k in range(64)], dtype=F64)
    chance = torch.where(words > 0, up, 1 - up).prod(1)
    fields = words @ x
    mean = (chance * fields).sum()
    variance = (chance * (fields - mean) ** 2).sum()
    mu = torch.tanh(theta / 2)
    torch.testing.assert_close(mean, mu @ x)
    torch.testing.assert_close(variance, (1 - mu**2) @ x**2)


def test_the_activation_leaks():
    torch.testing.assert_close(activation(torch.tensor([-2.0, 0.0, 3.0])), torch.tensor([-0.2, 0.0, 3.0]))
