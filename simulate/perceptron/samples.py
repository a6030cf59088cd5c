"""What belongs to the samples of a run: their disorder, drawn when first asked for, and fresh inputs."""

from collections.abc import Iterable

import torch
from torch import Tensor

from simulate.perceptron.protocol import PerceptronProtocol
from simulate.systems import disorder
from simulate.systems.disorder import Disorder


class Samples:
    """The disorder of the samples that are being worked on; that of others is forgotten, and drawn again."""

    def __init__(self, protocol: PerceptronProtocol):
        self.protocol, self.machine = protocol, protocol.machine()
        self._drawn: dict[int, Disorder] = {}
        self._fresh: dict[int, Tensor] = {}

    def __getitem__(self, sample: int) -> Disorder:
        """Of one sample, by its number in the noise; on the CPU."""
        if sample not in self._drawn:
            p = self.protocol
            self._drawn[sample] = disorder.draw(self.machine, p.scenario, p.temperature, p.seed, sample)
        return self._drawn[sample]

    def fresh(self, sample: int) -> Tensor:
        """Fresh inputs (N, test patterns); on the CPU."""
        if sample not in self._fresh:
            p = self.protocol
            self._fresh[sample] = disorder.fresh_inputs(self.machine, p.test_patterns, p.seed, sample)
        return self._fresh[sample]

    def teachers(self, samples: Iterable[int]) -> Tensor:
        """Their teachers as states (samples, P); where there is none, weights are missing."""
        rows = []
        for drawn in (self[sample] for sample in samples):
            weights = drawn.weights
            if weights is None:
                shape = (self.machine.depth, self.machine.width, self.machine.c)
                weights = torch.full(shape, torch.nan, dtype=self.machine.dtype)
            rows.append(self.machine.state(drawn.spins[None], weights[None])[0])
        return torch.stack(rows)

    def keep(self, samples: Iterable[int]) -> None:
        """Forget all others."""
        wanted = set(samples)
        self._drawn = {sample: x for sample, x in self._drawn.items() if sample in wanted}
        self._fresh = {sample: x for sample, x in self._fresh.items() if sample in wanted}
