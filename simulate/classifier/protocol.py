"""What a run of classifiers is: beside what every run has, data, network and learning."""

from dataclasses import dataclass
from typing import ClassVar

from deepglass import checks
from deepglass.errors import InvalidInput
from simulate.data import own, projected
from simulate.dynamics.adam import AdamLaw
from simulate.protocol import BaseProtocol
from simulate.systems.binary_network import BinaryNetwork
from simulate.systems.softmax_network import SoftmaxNetwork

SYNAPSES = ("binary", "real")
LABELS = ("own", "shuffled")


@dataclass(frozen=True)
class ClassifierProtocol(BaseProtocol):
    """Parameters of a run, beside those of :class:`simulate.protocol.BaseProtocol`.

    Steps are steps of Adam. A sample is a network with its start, its batches and its noise; all learn the
    same ``patterns``. Raises InvalidInput naming the value that cannot be.

    Attributes:
        depth, width, patterns: layers of weights (hidden layers and one), units of a hidden layer, P.
        data: "digits", "mnist", "cifar10", "zou2021" (see :mod:`simulate.data.zou_huang`), an .npz file or
            folder of own images; ``data_dir``: where the files of the second to fourth lie.
        components: inputs, the leading principal components.
        outputs: classes, as many as the data have labels.
        labels: "own", or "shuffled" among the training patterns: the null.
        synapses: "binary" (local reparametrisation) or "real" (ReLU).
        eta, eta_drop: step of Adam, divided by 10 every ``eta_drop`` steps; 0: never.
        lambda_: strength of L2 (on the fields of binary weights).
        batch: patterns in a batch; P or more: all.
        spread: standard deviation of the fields of binary weights at the start; real ones have variance
            1/fan-in.
        frozen: layers of weights, from 1, that stay at random, binary ones at +-1.
        draws: networks of binary weights that are drawn from the fields of each when something is measured.
    """

    system: ClassVar[str] = "classifier"

    depth: int = 3
    width: int = 15
    patterns: int = 1200
    steps: int = 1000
    waiting_time: int | tuple[int, ...] = 0
    samples: int = 32
    replicas: int = 1
    per_decade: int = 4
    data: str = "digits"
    data_dir: str | None = None
    components: int = 20
    outputs: int = 10
    test_patterns: int = 500
    labels: str = "own"
    synapses: str = "binary"
    eta: float = 0.3
    eta_drop: int = 0
    lambda_: float = 1e-5
    batch: int = 200
    spread: float = 0.1
    frozen: tuple[int, ...] = ()
    draws: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.data not in projected.CLASSES and not own.is_own(self.data):
            known = ", ".join(projected.CLASSES)
            raise InvalidInput(f"data = {self.data!r} must be one of {known}, PATH.npz, FOLDER")
        for name in ("components", "batch", "draws"):
            self._store(name, checks.integer(name, getattr(self, name), 1))
        self._store("outputs", checks.integer("outputs", self.outputs, 2))
        for name in ("test_patterns", "eta_drop"):
            self._store(name, checks.integer(name, getattr(self, name), 0))
        self._store("eta", checks.real("eta", self.eta, above=0))
        for name in ("lambda_", "spread"):
            self._store(name, checks.real(name, getattr(self, name), at_least=0))
        checks.one_of("labels", self.labels, LABELS)
        checks.one_of("synapses", self.synapses, SYNAPSES)
        frozen = tuple(sorted({checks.integer("frozen", x, 1, self.depth) for x in self.frozen}))
        if len(frozen) == self.depth:
            raise InvalidInput(f"frozen = {frozen} leaves no layer to learn")
        self._store("frozen", frozen)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of all layers of units."""
        return (self.components, *[self.width] * (self.depth - 1), self.outputs)

    @property
    def network(self) -> BinaryNetwork | SoftmaxNetwork:
        """The model."""
        return BinaryNetwork(self.sizes) if self.synapses == "binary" else SoftmaxNetwork(self.sizes)

    @property
    def alpha(self) -> float:
        """P/N, patterns for each weight."""
        return self.patterns / self.network.weights

    @property
    def law(self) -> AdamLaw:
        """How it learns."""
        return AdamLaw(self.eta, self.eta_drop, self.lambda_, self.batch)
