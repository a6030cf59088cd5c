"""ReLU networks behind the few calls the loop makes.

The state of a machine is that of its copies at the temperatures, one after another.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepglass.errors import Diverged
from simulate import noise
from simulate.contract import Advance, Array, Experiment
from simulate.data.projected import Projected
from simulate.dynamics.descent import Descent, climbed
from simulate.noise import Member
from simulate.protocol import PRECISIONS
from simulate.relu.observables import Observables
from simulate.relu.protocol import ReluProtocol
from simulate.systems import permutations


class ReluExperiment(Experiment):
    """See :class:`simulate.contract.Experiment`. ``network`` is the model of one copy."""

    protocol: ReluProtocol

    def __init__(self, protocol: ReluProtocol, data: Projected, backend: str):
        self.protocol, self.data, self.backend = protocol, data, backend
        self.device, self.dtype = protocol.torch_device(), PRECISIONS[protocol.precision]
        self.network, self.data_sha256 = protocol.network, data.sha256
        self._copies = len(protocol.temperatures)
        x, y, test_x, test_y = (
            torch.from_numpy(array).to(self.device, self.dtype)
            for array in (data.inputs, data.labels, data.test_inputs, data.test_labels)
        )
        self._x, self._y = x, y
        self._observables = Observables(
            self.network, protocol.lambda_, protocol.factors, x, y, (test_x, test_y)
        )

    @property
    def particles(self) -> int:
        """N of one copy times the number of copies."""
        return self._copies * self.network.weights

    @property
    def work(self) -> float:
        """Every weight meets every pattern."""
        return float(self.particles * self.protocol.patterns)

    def start(self, members: list[Member]) -> tuple[Tensor, Tensor]:
        """Weights of the chosen law, the same in all copies."""
        keys = noise.keys(self.protocol.seed, members, noise.WEIGHTS)
        deviates = noise.normal(keys, 0, self.network.weights).double()
        if self.protocol.initial == "uniform":
            deviates = torch.special.ndtr(deviates) * 2 - 1
        for layer, scale in zip(
            self.network.layers(deviates), self.network.scales(self.protocol.initial), strict=True
        ):
            layer.mul_(scale)
        r = deviates.to(self.device, self.dtype).repeat(1, self._copies)
        return r, r.new_empty(len(r), 0)

    def advance(self, members: list[Member]) -> Advance:
        """Descent, then Langevin dynamics."""
        law = self.protocol.law
        move = Descent(self.network, law, self._x, self._y, self.protocol.seed, members)
        return lambda r, v, first, temperatures: move(r, first, len(temperatures))

    def temperatures(self, first: int, count: int) -> NDArray[np.float64]:
        """Of all copies, (count, copies); they do not change."""
        return np.tile(self.protocol.temperatures, (count, 1))

    def check(self, r: Tensor, v: Tensor, t: int, members: Sequence[Member]) -> None:
        """Weights finite, or Diverged naming where and at which step."""
        wrong = torch.nonzero(~r.view(-1, self.network.weights).isfinite().all(1))
        if len(wrong):
            row, copy = divmod(int(wrong[0]), self._copies)
            p, member = self.protocol, members[row]
            name, eta = ("train_eta", p.train_eta) if t <= p.train_steps else ("eta", p.eta)
            raise Diverged(
                f"step {t}: weights of sample {member.sample}, replica {member.replica} at"
                f" T = {p.temperatures[copy]:g} are not finite; {name} = {eta:g} is too large a step,"
                " or T too high"
            )

    def one_time(self, r: Tensor, v: Tensor, members: list[Member]) -> dict[str, Array]:
        """Losses, weights, errors on the test."""
        return self._by_machine(self._observables.one_time(self._rows(r)))

    def two_time(self, r: Tensor, past: Tensor, members: list[Member]) -> dict[str, Array]:
        """Displacements since t_w."""
        return self._by_machine(self._observables.two_time(self._rows(r), self._rows(past)))

    def unpack(self, rows: Array) -> dict[str, Array]:
        """Weights of every copy."""
        return {"W": rows.reshape(*rows.shape[:-1], self._copies, self.network.weights)}

    def between(self, rows: Array) -> dict[str, Array]:
        """Distances of all pairs, as they are and with hidden units in the nearest order."""
        machines = len(rows)
        plain, aligned = np.zeros((2, self._copies, machines, machines))
        copies = torch.from_numpy(rows).double().view(machines, self._copies, -1)
        for k in range(self._copies):
            layers = [x.numpy() for x in self.network.layers(copies[:, k].contiguous())]
            for a in range(machines):
                for b in range(a):
                    first, second = ([x[i] for x in layers] for i in (a, b))
                    nearest = permutations.align(first, second, seed=self.protocol.seed)
                    plain[k, a, b] = plain[k, b, a] = permutations.distance(first, second)
                    aligned[k, a, b] = aligned[k, b, a] = permutations.distance(first, nearest)
        return {"distance": plain, "distance_aligned": aligned}

    def attributes(self) -> dict[str, str | int | float]:
        """Data and size."""
        return {"data_source": self.data.source, "weights": self.network.weights}

    def warnings(self, measured: Mapping[str, Array]) -> list[str]:
        """Descent without noise that has climbed."""
        p, found = self.protocol, []
        if p.temperatures[0] > 0 or p.forces != "all":
            return []
        times = p.times()
        for k, t_w in enumerate(p.waiting_times):
            if t_w < p.train_steps:
                continue
            values = measured["U"][k, :, :, :, 0]  # (t, sample, replica)
            begun, ended = (values[int(np.searchsorted(times, t))] for t in (t_w, p.steps))
            grown = climbed(begun, ended)
            if grown.any():
                found.append(
                    f"U has grown at T = 0 in {int(grown.sum())} machines of t_w = {t_w}: eta = {p.eta:g}"
                    " is too large a step, and what moves is not thermal"
                )
        return found

    def _rows(self, r: Tensor) -> Tensor:
        """All copies as networks."""
        return r.reshape(-1, self.network.weights)

    def _by_machine(self, values: Mapping[str, Tensor]) -> dict[str, Array]:
        """(B copies, ...) as (B, copies, ...), on the host."""
        return {
            name: x.view(-1, self._copies, *x.shape[1:]).cpu().numpy().astype(np.float64)
            for name, x in values.items()
        }
