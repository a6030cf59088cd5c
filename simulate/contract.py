"""What a system brings so that it can be run, resumed, validated and swept: all that the engine knows of it.

A :class:`System` speaks from parameters and files alone: which parameters there are, what is recorded, what
a sound result is, how it is told. An :class:`Experiment` is a system made ready for one run: what the loop
starts, moves and measures. The state of a batch is two flat tensors: ``r`` (B, P), the configuration, and
``v`` (B, P), the velocities, or (B, 0) for a system that has none.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from simulate.noise import Member
from simulate.protocol import PRECISIONS, BaseProtocol

__all__ = ["Advance", "Experiment", "Footprint", "System", "Variable", "Watch"]

Array = NDArray[Any]

Watch = Callable[[int, Mapping[str, Array]], str]
"""From the step and what was measured then, one line about what is wrong and not yet said; or nothing."""


@dataclass(frozen=True)
class Variable:
    """Something that is measured, along (t_w, t, sample) and ``dims``: "replica" or "pair", then layers."""

    dims: tuple[str, ...]
    description: str


@dataclass(frozen=True)
class Footprint:
    """Memory of the device, in bytes, for a chunk of one sample (``sample``) and for each ``machine`` more.

    Attributes:
        particles: P, the numbers of one configuration.
    """

    particles: int
    sample: int
    machine: float


class Advance(Protocol):
    """Moves one batch; made for its machine, law and noise streams, it may hold buffers of its own."""

    def __call__(
        self, r: torch.Tensor, v: torch.Tensor, first: int, temperatures: NDArray[np.float64]
    ) -> None:
        """Advance positions and velocities (B, P) in place, one step per entry of ``temperatures``.

        The first step leads from ``first`` to ``first + 1`` and draws the noise of step ``first``.
        """
        ...


class Experiment(ABC):
    """A system ready for one run. Methods take batches, whose rows are ``members``.

    Attributes:
        protocol, backend: of the run; ``backend`` as :meth:`BaseProtocol.choose` gives.
        device: of the state.
        particles: P.
        data_sha256: of the data that a resumed run must find as they were; empty without any.
        start_file: that samples start from; empty without one.
    """

    protocol: BaseProtocol
    backend: str
    device: torch.device
    data_sha256: str = ""
    start_file: str = ""

    @property
    @abstractmethod
    def particles(self) -> int:
        """P, the numbers of one configuration."""

    @property
    def work(self) -> float:
        """About how many numbers one step of one machine goes through: says how often to look at a batch."""
        return self.particles

    @abstractmethod
    def start(self, members: list[Member]) -> tuple[torch.Tensor, torch.Tensor]:
        """``r`` and ``v`` of samples at step 0; ``members`` are neighbours."""

    def check_start(self, members: list[Member]) -> None:
        """Raise InvalidInput, before any work, if :meth:`start` could not."""
        return

    def split(
        self, positions: torch.Tensor, members: list[Member], velocities: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """``r`` and ``v`` of the replicas of samples that are at ``positions`` (samples, P): there, without
        ``v``.

        ``velocities`` (samples, P): those of the samples, where the protocol keeps them.
        """
        r = positions.repeat_interleave(len(members) // len(positions), dim=0)
        return r, r.new_empty(len(r), 0)

    @abstractmethod
    def advance(self, members: list[Member]) -> Advance:
        """What moves the batch."""

    @abstractmethod
    def temperatures(self, first: int, count: int) -> NDArray[np.float64]:
        """Of ``count`` steps from ``first`` on, an entry each, as :meth:`advance` takes them."""

    @abstractmethod
    def check(self, r: torch.Tensor, v: torch.Tensor, t: int, members: Sequence[Member]) -> None:
        """Raise Diverged, naming the machine, if the state is impossible."""

    @abstractmethod
    def one_time(self, r: torch.Tensor, v: torch.Tensor, members: list[Member]) -> dict[str, Array]:
        """``System.one_time`` of every machine, first axis the batch."""

    def two_time(self, r: torch.Tensor, past: torch.Tensor, members: list[Member]) -> dict[str, Array]:
        """``System.two_time``; ``past`` (B, P) is where the machines were at t_w.

        First axis the batch, or (samples, pairs) for what is between replicas.
        """
        return {}

    def watch(self, members: list[Member]) -> Watch:
        """What is asked about every measurement of the batch."""
        return lambda t, values: ""

    def unpack(self, rows: Array) -> dict[str, Array]:
        """Configurations (..., P) as the variables of ``System.frames``, each (..., *shape)."""
        return {}

    def layers(self, rows: Array) -> dict[str, list[Array]]:
        """Configurations (B, P) as layers, (B, n) each, by name of the variable in ``System.matrices``."""
        return {}

    def between(self, rows: Array) -> dict[str, Array]:
        """``System.matrices`` of configurations (B, P): each (layers, B, B), symmetric; raw overlaps of
        layers."""
        found = {}
        for name, parts in self.layers(rows).items():
            wide = [x.astype(float) for x in parts]
            each = [x @ x.T / x.shape[1] for x in wide]
            found[name] = np.stack(each) if each else np.empty((0, len(rows), len(rows)))
        return found

    def on_device(self, array: Array) -> torch.Tensor:
        """A stored array, as the dynamics wants it."""
        return torch.tensor(array, dtype=PRECISIONS[self.protocol.precision], device=self.device)

    def kernels(self) -> str:
        """What moves single elements, for the attribute of this name."""
        return "torch"

    def attributes(self) -> dict[str, str | int | float]:
        """What the finished file says beside the parameters."""
        return {}

    def warnings(self, measured: Mapping[str, Array]) -> list[str]:
        """What is to be said of a run that measured this (names and axes are those of the file), in lines."""
        return []


P = TypeVar("P", bound=BaseProtocol)
D = TypeVar("D")


class System(ABC, Generic[P, D]):
    """What can be said of a system's runs without one at hand. P: its protocol, D: its data or disorder.

    Attributes:
        protocol: the class; its ``system`` is the name.
        one_time: variables along t since the start; ``dims`` begin with "replica".
        two_time: variables along t since t_w.
        late: those of ``two_time``, by pair and layer, whose last value is kept as NAME_star, with its error.
        tested: variables that need test patterns; with any, a run has the attribute ``test_patterns``.
        frames: variables of a whole configuration and their dimensions; empty: none are kept.
        matrices: overlaps of all pairs of machines, or what else is between them, each with the dimension
            of its layers.
        has_velocities: whether ``v`` has columns.
        step: the unit of its clock.
        outside: what a configuration is that is not allowed, in words that follow "a particle is".
        presets: named sets of parameters.
    """

    protocol: type[P]
    one_time: Mapping[str, Variable]
    two_time: Mapping[str, Variable] = {}
    late: tuple[str, ...] = ()
    tested: tuple[str, ...] = ()
    frames: Mapping[str, tuple[str, ...]] = {}
    matrices: Mapping[str, str] = {}
    has_velocities: bool = False
    step: str = "steps"
    outside: str = "impossible"
    presets: Mapping[str, Mapping[str, Any]] = {}

    def layers(self, protocol: P) -> dict[str, Sequence[float]]:
        """Coordinates of the dimensions of layers, and of what else is measured apart (temperatures)."""
        depth = protocol.depth
        return {
            "neuron_layer": range(depth + 1),
            "weight_layer": range(1, depth + 1),
            "hidden_layer": range(1, depth),
        }

    # ------------------------------------------------------------------------------------ before a run

    @abstractmethod
    def load(self, protocol: P) -> D:
        """The data of a run, or its disorder; raises InvalidInput if they do not fit the protocol."""

    @abstractmethod
    def footprint(self, protocol: P, backend: str, data: D | None = None) -> Footprint:
        """From shapes alone; before the data are there, the least that it can be."""

    @abstractmethod
    def experiment(self, protocol: P, data: D, backend: str) -> Experiment:
        """All that a run needs."""

    # ------------------------------------------------------------------------- whether a result is sound
    # ``run`` is a finished run, ``attributes`` are those of one; problems are lines, none if it is sound.

    @abstractmethod
    def particles(self, protocol: P, attributes: Mapping[str, Any]) -> int:
        """P."""

    def allowed(self, protocol: P, positions: Array) -> bool:
        """Whether all these numbers, of any part of configurations and any shape, can be; NaN cannot."""
        return bool(np.isfinite(positions).all())

    def frame_shapes(self, protocol: P, attributes: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
        """Shapes of the variables of ``frames`` for one machine."""
        return {}

    def wrong_attributes(self, run: xr.Dataset, protocol: P) -> list[str]:
        """Problems of attributes that other checks rely on."""
        return []

    def unmeasured(self, run: xr.Dataset) -> dict[str, str]:
        """Variables that this run cannot have measured, and why not ("without test patterns")."""
        if not self.tested or run.attrs["test_patterns"]:
            return {}
        return dict.fromkeys(self.tested, "without test patterns")

    def undefined(self, run: xr.Dataset, name: str) -> NDArray[np.bool_]:
        """Where a measured value is none, to be broadcast against variable ``name``."""
        return np.zeros(1, bool)

    def broken(self, run: xr.Dataset, protocol: P) -> list[str]:
        """Problems of what was measured: bounds, sums, laws."""
        return []

    # ----------------------------------------------------------------------------------- telling of it

    @abstractmethod
    def heading(self, parameters: Mapping[str, Any]) -> str:
        """One line that says what was simulated, from parameters or the attributes of a run."""

    def numbers(self, run: xr.Dataset) -> dict[str, Any]:
        """A finished run in a few numbers."""
        return {}

    def told(self, numbers: Mapping[str, Any]) -> list[str]:
        """Some of these in words, a part of a line each."""
        return []
