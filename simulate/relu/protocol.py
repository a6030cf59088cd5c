"""What a run of ReLU networks is: beside what every run has, data, landscape, training and temperatures."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from deepglass import checks
from deepglass.errors import InvalidInput
from simulate.data import own, projected
from simulate.dynamics.descent import DescentLaw
from simulate.protocol import BaseProtocol
from simulate.systems.relu_network import ReluNetwork

INITIAL = ("he", "uniform")
FORCES = ("all", "decay")


@dataclass(frozen=True)
class ReluProtocol(BaseProtocol):
    """Parameters of a run, beside those of :class:`simulate.protocol.BaseProtocol`.

    Steps are gradient steps: the first ``train_steps`` on mini-batches, the others on all patterns. A
    machine is copies of one trained network, one for each of the ``temperatures``. Raises InvalidInput
    naming the value that cannot be.

    Attributes:
        depth, width, patterns: layers of weights (hidden layers and one), neurons of a hidden layer, P.
        data: "gaussian" (inputs; fair signs as labels), "digits", "mnist", "cifar10", an .npz file or folder
            of own images, see :mod:`simulate.data.projected`; ``data_dir``: where the files of MNIST or
            CIFAR-10 lie.
        components: inputs, the leading principal components.
        power: mean |x|^2 of the training inputs; None: as they are.
        initial: of weights: "he", Gaussian of variance 2/fan-in, or "uniform", within 1/sqrt(fan-in).
        lambda_: strength of L2.
        train_steps, train_eta, train_fine, batch: mini-batch descent, its step, how many of its last steps
            have a tenth of it, and patterns in a batch.
        eta: step after the training.
        temperatures: T of the copies after the training, in units of the summed loss P U; 0: plain descent.
        factors: F of the lengths sigma_W/F within which a weight counts as not having moved.
        forces: after the training: "all", or "decay", of lambda alone (a free walk if that is 0): the null.
    """

    system: ClassVar[str] = "relu-network"

    depth: int = 4
    width: int = 6
    patterns: int = 500
    steps: int = 40_000
    waiting_time: int | tuple[int, ...] = 22_000
    samples: int = 3
    replicas: int = 1
    precision: str = "float64"
    per_decade: int = 15
    data: str = "mnist"
    data_dir: str | None = None
    components: int = 10
    power: float | None = 10.0
    test_patterns: int = 0
    initial: str = "he"
    lambda_: float = 0.0
    train_steps: int = 20_000
    train_eta: float = 0.05
    train_fine: int = 4_000
    batch: int = 100
    eta: float = 0.01
    temperatures: tuple[float, ...] = (0.0, 1e-5, 1e-3)
    factors: tuple[float, ...] = (100.0, 300.0, 1000.0, 3000.0)
    forces: str = "all"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.data not in projected.SOURCES and not own.is_own(self.data):
            known = ", ".join(projected.SOURCES)
            raise InvalidInput(f"data = {self.data!r} must be one of {known}, PATH.npz, FOLDER")
        for name in ("components", "batch"):
            self._store(name, checks.integer(name, getattr(self, name), 1))
        for name in ("test_patterns", "train_steps", "train_fine"):
            self._store(name, checks.integer(name, getattr(self, name), 0))
        if self.train_fine > self.train_steps:
            raise InvalidInput(
                f"train_fine = {self.train_fine} must be at most train_steps = {self.train_steps}"
            )
        self._store("lambda_", checks.real("lambda_", self.lambda_, at_least=0))
        for name in ("train_eta", "eta"):
            self._store(name, checks.real(name, getattr(self, name), above=0))
        if self.power is not None:
            self._store("power", checks.real("power", self.power, above=0))
        self._store("temperatures", _distinct("temperatures", self.temperatures, zero=True))
        self._store("factors", _distinct("factors", self.factors, zero=False))
        checks.one_of("initial", self.initial, INITIAL)
        checks.one_of("forces", self.forces, FORCES)

    @property
    def network(self) -> ReluNetwork:
        """The model of one copy."""
        return ReluNetwork(self.components, self.width, self.depth)

    @property
    def alpha(self) -> float:
        """P/N, patterns for each weight."""
        return self.patterns / self.network.weights

    @property
    def law(self) -> DescentLaw:
        """How it moves."""
        return DescentLaw(
            self.lambda_, self.train_steps, self.train_eta, self.train_fine, self.batch, self.eta,
            self.temperatures, self.forces == "all",
        )  # fmt: skip


def _distinct(name: str, values: object, *, zero: bool) -> tuple[float, ...]:
    """Ascending, different numbers above 0 (or at least 0)."""
    given = values if isinstance(values, tuple | list | np.ndarray) else (values,)
    bound = {"at_least": 0.0} if zero else {"above": 0.0}
    found = tuple(sorted({checks.real(name, value, **bound) for value in given}))
    if not found or len(found) < len(given):
        raise InvalidInput(f"{name} = {values!r} must be one or more different numbers")
    return found
