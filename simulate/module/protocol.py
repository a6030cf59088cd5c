"""What a run of Langevin dynamics around a trained module is: module, trained states, data, temperature."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import nn

from deepglass import checks
from deepglass.errors import InvalidInput
from simulate.copies import hooks
from simulate.copies import loss as losses
from simulate.copies.models import Model, arguments
from simulate.module import patterns as sources
from simulate.module.network import layer_names
from simulate.module.patterns import Patterns
from simulate.protocol import BaseProtocol

FORCES = ("all", "decay")


@dataclass(frozen=True)
class ModuleProtocol(BaseProtocol):
    """Parameters of a run, beside those of :class:`simulate.protocol.BaseProtocol`.

    ``depth`` counts the layers with weights that :mod:`simulate.copies.hooks` finds, ``width`` the units of
    the widest but the last: :meth:`of` fills them in; a run refuses others. Raises InvalidInput naming the
    value that cannot be.

    Attributes:
        model, model_args: ``MODULE:FACTORY`` and ``NAME=VALUE`` words for it.
        weights: checkpoints; sample s starts from the s-th, all from the only one; none: fresh networks of
            seed + s.
        data, data_dir, data_seed, classes, test_patterns: see :mod:`simulate.module.patterns`.
        shape: of one input as the network takes it; empty: as it is.
        loss: a name of :mod:`simulate.copies.loss`, or ``MODULE:FUNCTION`` of outputs and targets.
        lambda_: strength of L2.
        eta: step.
        temperature: T, in units of the loss U; the stationary law is exp(-U/T) for eta to 0.
        forces: "all", or "decay", of lambda alone (a free walk if that is 0): the null.
        probes: training patterns on which neurons are compared, at most; as many of the test.
    """

    system: ClassVar[str] = "module-langevin"

    depth: int = 10
    width: int = 64
    patterns: int = 240
    steps: int = 2000
    waiting_time: int | tuple[int, ...] = 0
    samples: int = 1
    replicas: int = 4
    model: str = "simulate.copies.networks:mlp"
    model_args: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    data: str = "digits"
    data_dir: str | None = None
    data_seed: int = 0
    classes: tuple[int, ...] = ()
    test_patterns: int = 200
    shape: tuple[int, ...] = ()
    loss: str = "cross-entropy"
    lambda_: float = 0.0
    eta: float = 1e-3
    temperature: float = 1e-5
    forces: str = "all"
    probes: int = 100

    def __post_init__(self) -> None:
        super().__post_init__()
        arguments(self.model_args)
        losses.check(self.loss)
        for name in ("test_patterns", "data_seed"):
            self._store(name, checks.integer(name, getattr(self, name), 0))
        self._store("probes", checks.integer("probes", self.probes, 1))
        self._store("lambda_", checks.real("lambda_", self.lambda_, at_least=0))
        self._store("temperature", checks.real("temperature", self.temperature, at_least=0))
        checks.one_of("forces", self.forces, FORCES)
        self._store("eta", checks.real("eta", self.eta, above=0))
        if len(self.weights) > 1 and self.first_sample + self.samples > len(self.weights):
            raise InvalidInput(
                f"{len(self.weights)} weights for samples {self.first_sample} to"
                f" {self.first_sample + self.samples - 1}: one for each, or one for all"
            )

    @classmethod
    def of(cls, **values: Any) -> Self:
        """With depth and width of the network that ``values`` name; raises as a run would."""
        found = cls(**values)
        depth, width = found.sizes(found.read())
        return cls(**{**values, "depth": depth, "width": width})

    def made(self) -> Model:
        """What makes the network."""
        return Model(self.model, arguments(self.model_args))

    def read(self) -> Patterns:
        """The data."""
        return sources.load(
            self.data, patterns=self.patterns, test_patterns=self.test_patterns, seed=self.data_seed,
            classes=self.classes, data_dir=self.data_dir, shape=self.shape,
        )  # fmt: skip

    def module(self, sample: int) -> nn.Module:
        """The network that a sample starts from."""
        if not self.weights:
            return self.made().build(self.seed + sample)
        path = self.weights[sample if len(self.weights) > 1 else 0]
        return self.made().load(Path(path))

    def sizes(self, data: Patterns) -> tuple[int, int]:
        """depth and width as the network has them."""
        module = self.module(self.first_sample)
        names = layer_names(module, as_tensor(data.inputs[:2], precision_of(module)))
        units = [len(w) for name in names if (w := hooks.weight_of(module, name)) is not None]
        if len(units) < len(names):
            raise InvalidInput("a layer of the network has no weights")
        return len(names), max(units[:-1] or units)


def precision_of(module: nn.Module) -> torch.dtype:
    """Of its parameters."""
    return next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.float32)


def as_tensor(array: Any, dtype: torch.dtype) -> torch.Tensor:
    """Real numbers in this precision, integers as int64."""
    tensor = torch.from_numpy(array)
    return tensor.to(dtype) if tensor.is_floating_point() else tensor.long()
