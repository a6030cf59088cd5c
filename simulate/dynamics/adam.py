"""How classifiers learn: Adam (Kingma & Ba, ICLR 2015) on mini-batches, each network with its own.

A row of the state is (theta, m, v), 3 N: the weights (or the fields of binary weights) and Adam's two
averages. Orders of the patterns and the noise of local reparametrisation depend on (seed, member, step)
alone.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from simulate import noise
from simulate.dynamics.descent import Orders
from simulate.kernels import deviates
from simulate.noise import Member

FIRST, SECOND, TINY = 0.9, 0.999, 1e-8
"""beta_1, beta_2 and epsilon."""

TOGETHER = 16
"""Networks that move together on a CPU: few enough for the cache, enough for the overhead of a call."""


class Learner(Protocol):
    """What Adam asks of a model."""

    @property
    def weights(self) -> int:
        """N."""
        ...

    def noises(self, patterns: int) -> int:
        """Normal deviates of a step."""
        ...

    def gradient(self, r: Tensor, x: Tensor, targets: Tensor, eps: Tensor, out: Tensor) -> Tensor:
        """Into ``out`` (B, N); returns the cost (B,)."""
        ...


@dataclass(frozen=True)
class AdamLaw:
    """``eta`` is divided by 10 every ``eta_drop`` steps (0: never); L2 of strength ``lambda_`` on theta."""

    eta: float
    eta_drop: int
    lambda_: float
    batch: int

    def step(self, number: int) -> float:
        """eta of a step."""
        return self.eta * 0.1 ** (number // self.eta_drop if self.eta_drop else 0)


class Adam:
    """Moves states (B, 3 N), whose rows are ``members``, in place.

    ``x`` (inputs, P), ``targets`` (P,) classes; ``moving`` (N,) is 0 at weights that stay as they are.
    """

    def __init__(
        self, network: Learner, law: AdamLaw, x: Tensor, targets: Tensor, moving: Tensor, seed: int,
        members: list[Member],
    ):  # fmt: skip
        self.network, self.law, self.x, self.targets = network, law, x, targets
        self._rows = x.T.contiguous()  # an index then copies whole patterns
        self._moving = None if bool(moving.all()) else moving.to(x)
        self._size = min(law.batch, x.shape[1])
        few = TOGETHER if x.device.type == "cpu" else len(members)
        self._blocks = [
            _Block(seed, members[i : i + few], slice(i, i + few), x.shape[1])
            for i in range(0, len(members), few)
        ]

    def __call__(self, r: Tensor, first: int, count: int) -> None:
        """``count`` steps from ``first`` on."""
        for block in self._blocks:
            theta, m, v = (x.contiguous() for x in r[block.rows].chunk(3, dim=1))
            gradient = torch.empty_like(theta)
            for step in range(first, first + count):
                self._gradient(block, theta, step, gradient)
                self._move(theta, m, v, gradient, step)
            r[block.rows] = torch.cat([theta, m, v], dim=1)

    def _gradient(self, block: "_Block", theta: Tensor, step: int, out: Tensor) -> None:
        patterns, size = self.x.shape[1], self._size
        if size == patterns:
            x, targets = self.x.expand(len(theta), -1, -1), self.targets.expand(len(theta), -1)
        else:
            epoch, place = divmod(step, patterns // size)  # an incomplete batch is dropped
            chosen = block.orders.of(epoch)[:, place * size : (place + 1) * size].to(self.x.device)
            x, targets = self._rows[chosen].transpose(1, 2), self.targets[chosen]
        self.network.gradient(theta, x, targets, block.noise(step, self.network.noises(size), theta), out)
        if self.law.lambda_:
            out.add_(theta, alpha=self.law.lambda_)
        if self._moving is not None:
            out.mul_(self._moving)

    def _move(self, theta: Tensor, m: Tensor, v: Tensor, gradient: Tensor, step: int) -> None:
        m.lerp_(gradient, 1 - FIRST)
        v.mul_(SECOND).addcmul_(gradient, gradient, value=1 - SECOND)
        rate = self.law.step(step) / (1 - FIRST ** (step + 1))
        theta.addcdiv_(m, (v / (1 - SECOND ** (step + 1))).sqrt_().add_(TINY), value=-rate)


class _Block:
    """Some rows, their batches and their noise."""

    def __init__(self, seed: int, members: list[Member], rows: slice, patterns: int):
        self.rows = rows
        self.orders = Orders(noise.keys(seed, members, noise.BATCHES), patterns)
        self._keys = noise.keys(seed, members)
        self._deviates = np.empty((0, 0), np.float32)

    def noise(self, step: int, count: int, like: Tensor) -> Tensor:
        """Normal deviates (B, count)."""
        if not count:
            return like.new_empty(len(like), 0)
        if like.device.type != "cpu":
            keys = torch.from_numpy(self._keys.astype(np.int64)).to(like.device)
            return noise.normal(keys, step, count).to(like.dtype)
        if self._deviates.shape != (len(like), -(-count // 4) * 4):
            self._deviates = np.empty((len(like), -(-count // 4) * 4), np.float32)
        deviates.fill_rows(self._deviates, self._keys, np.uint64(step))
        return torch.from_numpy(self._deviates)[:, :count].to(like.dtype)
