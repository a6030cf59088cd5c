"""Adam on many networks at once: beside torch.optim, batches, noise, gradients of real networks."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from simulate.dynamics.adam import TOGETHER, Adam, AdamLaw
from simulate.noise import Member
from simulate.systems.binary_network import BinaryNetwork
from simulate.systems.softmax import score
from simulate.systems.softmax_network import SoftmaxNetwork

F64 = torch.float64
MEMBERS = [Member(k) for k in range(TOGETHER + 3)]


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


def points(inputs: int, patterns: int, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    return random(inputs, patterns, seed=5), torch.arange(patterns) % classes


def start(network, count: int) -> torch.Tensor:
    theta = 0.3 * random(count, network.weights)
    return torch.cat([theta, torch.zeros_like(theta), torch.zeros_like(theta)], dim=1)


def moved(network, law: AdamLaw, steps: int, members=MEMBERS, moving=None, r=None) -> torch.Tensor:
    x, targets = points(network.sizes[0], 24, network.sizes[-1])
    r = start(network, len(MEMBERS))[[m.sample for m in members]] if r is None else r
    still = torch.ones(network.weights) if moving is None else moving
    move = Adam(network, law, x, targets, still, 7, members)
    move(r, 0, steps)
    return r


def test_real_networks_have_the_gradient_of_autograd():
    network = SoftmaxNetwork((6, 5, 4, 3))
    w = random(3, network.weights).requires_grad_()
    x, targets = random(3, 6, 8, seed=1), torch.arange(24).view(3, 8) % 3
    cost = functional.cross_entropy(
        network_outputs(network, w, x).transpose(1, 2).reshape(-1, 3), targets.reshape(-1), reduction="none"
    )
    each = cost.view(3, 8).mean(1)
    (expected,) = torch.autograd.grad(each.sum(), w)
    found = torch.empty_like(expected)
    value = network.gradient(w.detach(), x, targets, w.new_empty(3, 0), found)
    torch.testing.assert_close(value, each.detach())
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-13)


def network_outputs(network, w, x):
    *hidden, last = network.layers(w)
    for layer in hidden:
        x = functional.relu(layer @ x)
    return last @ x


@pytest.mark.parametrize("law", [AdamLaw(0.05, 0, 0.0, 99), AdamLaw(0.05, 7, 0.01, 99)], ids=["", "drops"])
def test_steps_are_those_of_torch_optim(law):
    """Its L2 is added to the gradient too; its step falls by a schedule of its own."""
    network = SoftmaxNetwork((6, 4, 3))
    x, targets = points(6, 24, 3)
    found = moved(network, law, 20)
    for k in (0, TOGETHER + 2):
        w = start(network, len(MEMBERS))[k : k + 1, : network.weights].clone().requires_grad_()
        optimizer = torch.optim.Adam([w], lr=law.eta, weight_decay=law.lambda_)
        for step in range(20):
            optimizer.param_groups[0]["lr"] = law.eta * 0.1 ** (step // law.eta_drop if law.eta_drop else 0)
            optimizer.zero_grad()
            functional.cross_entropy(network_outputs(network, w, x)[0].T, targets).backward()
            optimizer.step()
        torch.testing.assert_close(found[k : k + 1, : network.weights], w.detach(), rtol=1e-9, atol=1e-12)


def test_a_network_is_the_same_in_any_company_and_another_with_another_seed():
    network = BinaryNetwork((6, 5, 3))
    law = AdamLaw(0.1, 0, 1e-3, 8)
    whole = moved(network, law, 15)
    for k in (0, TOGETHER - 1, TOGETHER + 1):
        alone = moved(network, law, 15, [MEMBERS[k]])
        torch.testing.assert_close(alone, whole[k : k + 1], rtol=1e-9, atol=1e-12)
    same_start = start(network, 1).repeat(2, 1)
    apart = moved(network, law, 15, MEMBERS[:2], r=same_start)
    assert (apart[0] != apart[1]).any()  # other batches and noise


def test_in_pieces_it_is_one_way_bit_for_bit():
    network = BinaryNetwork((6, 5, 3))
    law = AdamLaw(0.1, 0, 1e-3, 8)
    x, targets = points(6, 24, 3)
    r = start(network, len(MEMBERS))[:4]
    for first, count in ((0, 4), (4, 1), (5, 10)):
        Adam(network, law, x, targets, torch.ones(network.weights), 7, MEMBERS[:4])(r, first, count)
    assert torch.equal(r, moved(network, law, 15, MEMBERS[:4]))


def test_frozen_weights_stay_and_the_others_do_not():
    network = BinaryNetwork((6, 5, 3))
    moving = torch.ones(network.weights)
    moving[:30] = 0
    r = moved(network, AdamLaw(0.1, 0, 1e-2, 8), 5, moving=moving)
    before = start(network, len(MEMBERS))
    assert torch.equal(r[:, :30], before[:, :30])
    assert (r[:, 30 : network.weights] != before[:, 30 : network.weights]).all()


def test_every_pattern_is_seen_once_an_epoch():
    seen = []

    class Spy(SoftmaxNetwork):
        def gradient(self, r, x, targets, eps, out):
            seen.append(x[:, 0].clone())
            return super().gradient(r, x, targets, eps, out)

    moved(Spy((6, 3)), AdamLaw(0.1, 0, 0.0, 8), 6, MEMBERS[:2])  # 3 batches of 8 an epoch
    first = points(6, 24, 3)[0][0].sort().values
    for epoch in (seen[:3], seen[3:]):
        for network in torch.cat(epoch, dim=1):
            assert torch.equal(network.sort().values, first)
    assert not torch.equal(seen[0], seen[3])


def test_noise_of_a_step_is_normal():
    """Means and squares of 2e5 deviates of all members within five standard errors (false alarm 1e-6)."""
    from simulate.dynamics.adam import _Block

    like = torch.empty(4, 1)
    block = _Block(3, MEMBERS[:4], slice(0, 4), 8)
    found = np.concatenate([block.noise(step, 50, like).numpy().ravel() for step in range(1000)])
    assert abs(found.mean()) < 5 / np.sqrt(found.size)
    assert abs((found**2).mean() - 1) < 5 * np.sqrt(2 / found.size)
    again = block.noise(17, 50, like).clone()
    np.testing.assert_array_equal(found.reshape(1000, 4, 50)[17], again.numpy())


def test_scores_are_cross_entropy_and_accuracy():
    z, targets = random(3, 5, 40), torch.arange(40) % 5
    cost, right = score(z, targets)
    for k in range(3):
        torch.testing.assert_close(cost[k], functional.cross_entropy(z[k].T, targets))
        assert right[k].item() == (z[k].argmax(0) == targets).double().mean().item()
