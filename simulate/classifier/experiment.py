"""Classifiers behind the few calls the loop makes."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepglass.errors import Diverged
from simulate import noise
from simulate.classifier.draws import draw
from simulate.classifier.protocol import ClassifierProtocol
from simulate.contract import Advance, Array, Experiment
from simulate.data.projected import Projected
from simulate.dynamics.adam import Adam
from simulate.noise import Member
from simulate.protocol import PRECISIONS
from simulate.systems.softmax import score

CERTAIN = 10.0
"""Field of a frozen binary weight: its mean is +-0.9999."""

TOGETHER = 2**24
"""Numbers of the patterns' answers that are computed at the same time."""

Points = tuple[Tensor, Tensor]


class ClassifierExperiment(Experiment):
    """See :class:`simulate.contract.Experiment`. A row of the state: weights and Adam's two averages."""

    protocol: ClassifierProtocol

    def __init__(self, protocol: ClassifierProtocol, data: Projected, backend: str):
        self.protocol, self.data, self.backend = protocol, data, backend
        self.device, self.dtype = protocol.torch_device(), PRECISIONS[protocol.precision]
        self.network, self.data_sha256 = protocol.network, data.sha256
        self._training = self._points(data.inputs, data.labels)
        self._test = self._points(data.test_inputs, data.test_labels)
        self._moving = torch.ones(1, self.network.weights, device=self.device, dtype=self.dtype)
        for k, layer in enumerate(self.network.layers(self._moving), start=1):
            layer.fill_(float(k not in protocol.frozen))

    def _points(self, x: Array, labels: Array) -> Points:
        return (
            torch.from_numpy(x).to(self.device, self.dtype),
            torch.from_numpy(labels.astype(np.int64)).to(self.device),
        )

    @property
    def particles(self) -> int:
        """3 N."""
        return 3 * self.network.weights

    @property
    def work(self) -> float:
        """Every weight meets every pattern of a batch."""
        return float(self.network.weights * min(self.protocol.batch, self.protocol.patterns))

    def start(self, members: list[Member]) -> tuple[Tensor, Tensor]:
        """Gaussian weights, or fields; frozen binary weights fair signs."""
        protocol, binary = self.protocol, self.protocol.synapses == "binary"
        keys = noise.keys(protocol.seed, members, noise.WEIGHTS)
        r = noise.normal(keys, 0, self.network.weights).double()
        for k, layer in enumerate(self.network.layers(r), start=1):
            if not binary:
                layer.div_(math.sqrt(layer.shape[-1]))
            elif k in protocol.frozen:
                layer.copy_(CERTAIN * torch.where(layer < 0, -1.0, 1.0))
            else:
                layer.mul_(protocol.spread)
        r = torch.cat([r, torch.zeros_like(r), torch.zeros_like(r)], dim=1).to(self.device, self.dtype)
        return r, r.new_empty(len(r), 0)

    def advance(self, members: list[Member]) -> Advance:
        """Adam."""
        move = Adam(
            self.network, self.protocol.law, *self._training, self._moving[0], self.protocol.seed, members
        )
        return lambda r, v, first, temperatures: move(r, first, len(temperatures))

    def temperatures(self, first: int, count: int) -> NDArray[np.float64]:
        """There is none: (count,) of 0."""
        return np.zeros(count)

    def check(self, r: Tensor, v: Tensor, t: int, members: Sequence[Member]) -> None:
        """Weights finite, or Diverged naming where and at which step."""
        wrong = torch.nonzero(~r.isfinite().all(1))
        if len(wrong):
            member = members[int(wrong[0])]
            raise Diverged(
                f"step {t}: weights of sample {member.sample}, replica {member.replica} are not finite;"
                f" eta = {self.protocol.eta:g} is too large a step"
            )

    def one_time(self, r: Tensor, v: Tensor, members: list[Member]) -> dict[str, Array]:
        """Costs and accuracies of drawn networks, and how certain their weights are."""
        theta = r[:, : self.network.weights]
        drawn = self._drawn(theta, members)
        count = len(drawn) // len(r)
        found: dict[str, Array] = {}
        for prefix, points in (("", self._training), ("test_", self._test)):
            cost, right = self._scores(drawn, points).view(2, len(r), count).cpu().numpy()
            found |= {f"{prefix}cost": cost, f"{prefix}accuracy": right}
        binary = self.protocol.synapses == "binary"
        means = torch.tanh(theta.double() / 2) if binary else theta.double()
        squares = [layer.square().mean((1, 2)) for layer in self.network.layers(means.contiguous())]
        return found | {"mu2": torch.stack(squares, dim=1).cpu().numpy()}

    def _drawn(self, theta: Tensor, members: list[Member]) -> Tensor:
        """Networks (B draws, N), one after another; real weights are their own only draw."""
        if self.protocol.synapses == "real":
            return theta.contiguous()
        # Replicas of a sample are drawn alike: they differ in theta.
        keys = noise.keys(self.protocol.seed, [Member(m.sample) for m in members], noise.DRAWS)
        each = [draw(theta, keys, k) for k in range(self.protocol.draws)]
        return torch.stack(each, dim=1).flatten(0, 1).to(self.dtype)

    def _scores(self, weights: Tensor, points: Points) -> Tensor:
        """Cost and accuracy (2, B), a few networks at a time; missing without patterns."""
        x, targets = points
        if not x.shape[1]:
            return torch.full((2, len(weights)), torch.nan, dtype=torch.float64)
        few = max(1, TOGETHER // (x.shape[1] * sum(self.network.sizes)))
        parts = [
            score(self.network.outputs(weights[i : i + few], x), targets) for i in range(0, len(weights), few)
        ]
        return torch.cat(parts, dim=1)

    def unpack(self, rows: Array) -> dict[str, Array]:
        """Weights, or their fields."""
        return {"theta": rows[..., : self.network.weights]}

    def attributes(self) -> dict[str, str | int | float]:
        """Data and size."""
        return {"data_source": self.data.source, "weights": self.network.weights}
