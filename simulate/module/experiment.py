"""Modules behind the few calls the loop makes; overdamped Langevin dynamics:

    theta <- theta - eta (grad loss + lambda theta) + sqrt(2 T eta) xi

Of a quadratic loss with Hessian H the stationary covariance is T H^-1 (1 - eta H/2)^-1, exactly.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepglass.errors import Diverged
from simulate import noise
from simulate.contract import Advance, Array, Experiment
from simulate.copies import loss as losses
from simulate.dynamics.descent import climbed
from simulate.module.network import FlatModule, layer_names
from simulate.module.patterns import Patterns
from simulate.module.protocol import ModuleProtocol, as_tensor
from simulate.noise import Member
from simulate.overlaps import Correlation, mean_square
from simulate.protocol import PRECISIONS


class ModuleExperiment(Experiment):
    """See :class:`simulate.contract.Experiment`. ``network`` is the module of all machines."""

    protocol: ModuleProtocol

    def __init__(self, protocol: ModuleProtocol, data: Patterns, backend: str):
        self.protocol, self.data, self.backend = protocol, data, backend
        self.device, self.dtype = protocol.torch_device(), PRECISIONS[protocol.precision]
        self.x, self.y, self._test_x, self._test_y = (
            as_tensor(array, self.dtype).to(self.device)
            for array in (data.inputs, data.targets, data.test_inputs, data.test_targets)
        )
        module = protocol.module(protocol.first_sample).to(self.device, self.dtype)
        self._names = layer_names(module, self.x[:2])
        self.network = FlatModule(module, losses.named(protocol.loss), self._names)
        self._classes = not self.y.is_floating_point()
        digest = hashlib.sha256(data.sha256.encode())
        for path in protocol.weights:
            digest.update(Path(path).read_bytes())
        self.data_sha256 = digest.hexdigest()

    @property
    def particles(self) -> int:
        """P."""
        return self.network.weights

    @property
    def work(self) -> float:
        """Every parameter meets every pattern."""
        return float(self.particles * self.protocol.patterns)

    def start(self, members: list[Member]) -> tuple[Tensor, Tensor]:
        """The trained states."""
        rows = []
        for member in members:
            module = self.protocol.module(member.sample)
            rows.append(torch.cat([p.detach().reshape(-1) for p in module.parameters()]))
        r = torch.stack(rows).to(self.device, self.dtype)
        return r, r.new_empty(len(r), 0)

    def advance(self, members: list[Member]) -> Advance:
        """Langevin dynamics."""
        p = self.protocol
        keys = torch.from_numpy(noise.keys(p.seed, members).astype(np.int64)).to(self.device)
        amplitude = math.sqrt(2 * p.temperature * p.eta)

        def move(r: Tensor, v: Tensor, first: int, temperatures: NDArray[np.float64]) -> None:
            for step in range(first, first + len(temperatures)):
                slope = self.network.gradient(r, self.x, self.y) if p.forces == "all" else None
                if p.lambda_:
                    r.mul_(1 - p.eta * p.lambda_)
                if slope is not None:
                    r.sub_(slope, alpha=p.eta)
                if amplitude:
                    r.add_(noise.normal(keys, step, r.shape[1]).to(r.dtype), alpha=amplitude)

        return move

    def temperatures(self, first: int, count: int) -> NDArray[np.float64]:
        """The same at all steps."""
        return np.full(count, self.protocol.temperature)

    def check(self, r: Tensor, v: Tensor, t: int, members: Sequence[Member]) -> None:
        """Parameters finite, or Diverged naming where and at which step."""
        wrong = torch.nonzero(~r.isfinite().all(1))
        if len(wrong):
            member = members[int(wrong[0])]
            raise Diverged(
                f"step {t}: parameters of sample {member.sample}, replica {member.replica} are not finite;"
                f" eta = {self.protocol.eta:g} is too large a step, or T too high"
            )

    def one_time(self, r: Tensor, v: Tensor, members: list[Member]) -> dict[str, Array]:
        """Losses, accuracies, sizes."""
        norm2 = r.double().square().sum(1)
        loss, accuracy = self._fit(r, self.x, self.y)
        test_loss, test_accuracy = self._fit(r, self._test_x, self._test_y)
        found = {
            "loss": loss,
            "U": loss + self.protocol.lambda_ / 2 * norm2,
            "norm2": norm2,
            "W2": mean_square(self.network.layers(r)),
            "S2": mean_square(self.network.neurons(r, self._probes)),
            "accuracy": accuracy,
            "test_loss": test_loss,
            "test_accuracy": test_accuracy,
        }
        return {name: x.cpu().numpy() for name, x in found.items()}

    def two_time(self, r: Tensor, past: Tensor, members: list[Member]) -> dict[str, Array]:
        """Correlations with t_w and between replicas."""
        replicas, network = self.protocol.replicas, self.network
        neurons, then = network.neurons(r, self._probes), network.neurons(past, self._probes)
        weights, before = network.layers(r), network.layers(past)
        found = {
            **Correlation.with_past(neurons, then).named("c"),
            **Correlation.with_past(weights, before).named("C"),
            **Correlation.between_replicas(neurons, replicas).named("q"),
            **Correlation.between_replicas(weights, replicas).named("Q"),
            "msd": torch.stack(
                [(a.double() - b.double()).square().mean(1) for a, b in zip(weights, before, strict=True)],
                dim=1,
            ),
        }
        if len(self._test_x):
            test = network.neurons(r, self._test_x[: self.protocol.probes])
            found["q_test"] = Correlation.between_replicas(test, replicas).normalised
        else:
            found["q_test"] = torch.full_like(found["q"], torch.nan)
        return {name: x.cpu().numpy() for name, x in found.items()}

    def unpack(self, rows: Array) -> dict[str, Array]:
        """All parameters."""
        return {"theta": rows}

    def layers(self, rows: Array) -> dict[str, list[Array]]:
        """Answers to the probes, and weights."""
        r = self.on_device(rows)
        return {
            "q_matrix_raw": [x.cpu().numpy() for x in self.network.neurons(r, self._probes)],
            "Q_matrix_raw": [x.cpu().numpy() for x in self.network.layers(r)],
        }

    def attributes(self) -> dict[str, str | int | float]:
        """Data, size and the names of the layers."""
        return {
            "data_source": self.data.source,
            "parameters": self.particles,
            "layer_names": ",".join(self._names),
            "has_classes": int(self._classes),
            "has_test": int(len(self._test_x) > 0),
        }

    def warnings(self, measured: Mapping[str, Array]) -> list[str]:
        """Descent without noise that has climbed."""
        p = self.protocol
        begun, ended = measured["U"][-1, 0], measured["U"][-1, -1]
        if p.temperature == 0 and p.forces == "all" and climbed(begun, ended).any():
            return [f"U has grown at T = 0: eta = {p.eta:g} is too large a step"]
        return []

    @property
    def _probes(self) -> Tensor:
        return self.x[: self.protocol.probes]

    def _fit(self, r: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Loss and accuracy, (B,) each; missing without patterns, or without classes."""
        missing = torch.full((len(r),), torch.nan, dtype=torch.float64, device=r.device)
        if not len(x):
            return missing, missing
        outputs = self.network.outputs(r, x)
        loss = self.network.losses(outputs, y).double()
        if not self._classes:
            return loss, missing
        return loss, (outputs.argmax(-1) == y).double().flatten(1).mean(1)
