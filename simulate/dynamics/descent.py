"""How ReLU networks move: mini-batch descent, then overdamped Langevin dynamics on all patterns.

    training:  W <- W - eta_train (grad L_D of the batch + lambda W)
    after it:  W <- W - eta (grad L_D + lambda W) + sqrt(2 T eta / P) xi

The noise makes exp(-P U/T) the stationary law for eta to 0 (P patterns: T is measured against the summed
loss). A row of the state holds copies of one network at several temperatures: one network while it is
trained, then each with noise of its own.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulate import noise
from simulate.kernels.caching import cached
from simulate.kernels.deviates import fill
from simulate.noise import Member
from simulate.systems.relu_network import ReluNetwork

FINER = 10.0
"""What the step of training is divided by at its end."""

CLIMB = 1.5
"""How much U may grow at T = 0: descent with a small enough step never climbs."""

SMALL = 1e-12
"""U below which it is rounding."""


@dataclass(frozen=True)
class DescentLaw:
    """When, how fast and in what landscape; as in :class:`simulate.relu.protocol.ReluProtocol`.

    Attributes:
        temperatures: of the copies.
        data: whether the data act after the training; if not, weights diffuse, in the well of lambda alone.
    """

    lambda_: float
    train_steps: int
    train_eta: float
    train_fine: int
    batch: int
    eta: float
    temperatures: tuple[float, ...]
    data: bool


class Descent:
    """Moves states (B, K N), whose rows are ``members``, in place."""

    def __init__(
        self, network: ReluNetwork, law: DescentLaw, x: Tensor, y: Tensor, seed: int, members: list[Member]
    ):
        self.network, self.law, self.x, self.y = network, law, x, y
        copies = [m._replace(rung=k) for m in members for k in range(len(law.temperatures))]
        self._keys = noise.keys(seed, copies)
        patterns = x.shape[1]
        amplitudes = [math.sqrt(2 * t * law.eta / patterns) for t in law.temperatures]
        self._amplitudes = np.tile(np.array(amplitudes), len(members))
        self._orders = Orders(noise.keys(seed, members, noise.BATCHES), patterns)
        self._gradient = x.new_empty(0)

    def __call__(self, r: Tensor, first: int, count: int) -> None:
        """``count`` steps from ``first`` on."""
        last, trained = first + count, min(first + count, self.law.train_steps)
        if first < trained:
            copies = r.view(len(r), len(self.law.temperatures), -1)
            network = copies[:, 0].contiguous()
            for step in range(first, trained):
                self._train(network, step)
            copies.copy_(network[:, None].expand_as(copies))
        rows = r.view(-1, self.network.weights)
        for step in range(max(first, self.law.train_steps), last):
            self._move(rows, step)

    def _train(self, r: Tensor, step: int) -> None:
        law, patterns = self.law, self.x.shape[1]
        size = min(law.batch, patterns)
        epoch, place = divmod(step, patterns // size)  # an incomplete batch is dropped
        chosen = self._orders.of(epoch)[:, place * size : (place + 1) * size].to(r.device)
        x = self.x[:, chosen].transpose(0, 1)
        eta = law.train_eta / (FINER if step >= law.train_steps - law.train_fine else 1)
        self._descend(r, x, self.y[chosen], eta)

    def _move(self, r: Tensor, step: int) -> None:
        law = self.law
        if law.data:
            self._descend(r, self.x, self.y, law.eta)
        elif law.lambda_:
            r.mul_(1 - law.eta * law.lambda_)
        if not self._amplitudes.any():
            return
        if r.device.type == "cpu":
            _kick(r.numpy(), self._amplitudes, self._keys, np.uint64(step))
        else:
            amplitudes = torch.from_numpy(self._amplitudes).to(r)
            keys = torch.from_numpy(self._keys.astype(np.int64)).to(r.device)
            r.addcmul_(amplitudes[:, None], noise.normal(keys, step, r.shape[1]).to(r.dtype))

    def _descend(self, r: Tensor, x: Tensor, y: Tensor, eta: float) -> None:
        if self._gradient.shape != r.shape:
            self._gradient = torch.empty_like(r)
        self.network.gradient(r, x, y, self._gradient)
        if self.law.lambda_:
            r.mul_(1 - eta * self.law.lambda_)
        r.sub_(self._gradient, alpha=eta)


class Orders:
    """The order in which each network of a batch sees the patterns, anew every epoch: noise as all other."""

    def __init__(self, keys: NDArray[np.uint32], patterns: int):
        self._keys = torch.from_numpy(keys.astype(np.int64))
        self._blocks = torch.arange(-(-patterns // 4))[None]
        self._patterns = patterns
        self._last: tuple[int, Tensor] | None = None

    def of(self, epoch: int) -> Tensor:
        """Permutations (B, P), on the CPU."""
        if self._last is None or self._last[0] != epoch:
            words = torch.stack(noise.philox(self._blocks, epoch, self._keys), dim=-1).flatten(1)
            self._last = epoch, words[:, : self._patterns].argsort(dim=1, stable=True)
        return self._last[1]


@cached
def _kick(r, amplitudes, keys, step):  # type: ignore[no-untyped-def]
    """Add noise to rows (B, N) that have any."""
    blocks = (r.shape[1] + 3) // 4
    deviates = np.empty(4 * blocks, np.float32)
    for b in range(r.shape[0]):
        if amplitudes[b] != 0:
            fill(deviates, 0, blocks, keys[b, 0], keys[b, 1], step)
            for n in range(r.shape[1]):
                r[b, n] += amplitudes[b] * deviates[n]


def climbed(begun: NDArray[np.float64], ended: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether U has grown, at T = 0, as only too large a step makes it; arrays of one shape."""
    return ended > CLIMB * begun + SMALL
