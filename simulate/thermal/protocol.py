"""What a run of the thermal machine is: beside what every run has, data, temperature, start and law."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from deepglass import checks
from deepglass.errors import InvalidInput
from simulate import dynamics
from simulate.data import IMAGES, LABELS
from simulate.dynamics.langevin import Langevin
from simulate.protocol import PRECISIONS, BaseProtocol
from simulate.schedule import Schedule
from simulate.systems.thermal_machine import C_SCALES
from simulate.thermal.start import is_law

VELOCITIES = ("fresh", "kept")


@dataclass(frozen=True)
class Protocol(BaseProtocol):
    """Parameters of a thermal-machine run, beside those of :class:`simulate.protocol.BaseProtocol`.

    Raises InvalidInput naming the value that cannot be. Lengths are in layers and neurons, times in MD steps,
    temperature in units of energy (k_B = 1).

    Attributes:
        data: "digits", "mnist", "random", "teacher", a .npz file or a folder of IDX files.
        data_dir: where MNIST lies; None: $DEEPGLASS_DATA, else download.
        classes: labels to use, None: 0 and 1 (digits, mnist) or all (own data).
        threshold: a pixel above it is +1; None: half-way for the source.
        images: "own", or "random": fair signs in place of the source's images.
        labels: "own", "shuffled" among the patterns, or those of a random "teacher"; see
            :mod:`simulate.data.nulls`.
        temperature: T >= 0, of the thermostat; with a schedule, the T it ends at.
        schedule, initial_temperature, schedule_steps: see :class:`simulate.schedule.Schedule`.
        velocities: of replicas at t_w: "fresh" (thermal, each its own) or "kept" (those of the sample: noise
            alone sets replicas apart).
        start: "small", "uniform", or a file (see :mod:`simulate.thermal.start`).
        dt, eta, thermostat: see :class:`simulate.dynamics.langevin.Langevin`.
        c_scale: "1" or "inv-sqrt".
        hot: a layer whose kinetic temperature exceeds this many T is reported.
    """

    system: ClassVar[str] = "thermal-machine"
    backends: ClassVar[tuple[str, ...]] = dynamics.BACKENDS

    data: str = "digits"
    data_dir: str | None = None
    classes: tuple[int, ...] | None = None
    threshold: float | None = None
    images: str = "own"
    labels: str = "own"
    temperature: float = 1e-5
    schedule: str = "fixed"
    initial_temperature: float | None = None
    schedule_steps: int | None = None
    velocities: str = "fresh"
    start: str = "small"
    dt: float = 0.01
    eta: float = 1e-3
    thermostat: str = "per-step"
    c_scale: str = "1"
    hot: float = 1.5

    def __post_init__(self) -> None:
        super().__post_init__()
        self._store("hot", checks.real("hot", self.hot, above=0))
        self._store("temperature", checks.real("temperature", self.temperature, at_least=0))
        self.temperatures()
        if self.threshold is not None:
            self._store("threshold", checks.real("threshold", self.threshold))
        if self.classes is not None:
            labels = self.classes if isinstance(self.classes, Sequence) else (self.classes,)
            self._store("classes", tuple(checks.integer("classes", x, -checks.LARGEST) for x in labels))
        for name in ("data", "start") if self.data_dir is None else ("data", "start", "data_dir"):
            self._store(name, _text(name, getattr(self, name)))
        is_law(self.start)
        a, _ = self.law().coefficients(self.temperature, PRECISIONS[self.precision])
        if self.eta > 0 and a == 1:
            raise InvalidInput(
                f"eta = {self.eta:g} is lost to rounding in {self.precision}; use float64 or 0"
            )
        checks.one_of("images", self.images, IMAGES)
        checks.one_of("labels", self.labels, LABELS)
        checks.one_of("velocities", self.velocities, VELOCITIES)
        checks.one_of("c_scale", self.c_scale, C_SCALES)

    @staticmethod
    def choose(backend: str, device: torch.device) -> str:
        """See :func:`simulate.dynamics.choose`."""
        return dynamics.choose(backend, device)

    def law(self) -> Langevin:
        """The law of motion; raises InvalidInput for a dt, eta or thermostat that cannot be."""
        return Langevin(self.dt, self.eta, self.thermostat)

    def temperatures(self) -> Schedule:
        """The temperature of the thermostat at each step."""
        return Schedule(self.schedule, self.temperature, self.initial_temperature, self.schedule_steps)

    @property
    def keeps_velocities(self) -> bool:
        """Whether a sample's velocities at t_w are kept for its replicas."""
        return self.velocities == "kept"

    def beyond_the_end(self) -> list[str]:
        """What was asked for and lies after the last step, one line each (a longer run may reach it)."""
        found = super().beyond_the_end()
        if (self.schedule_steps or 0) > self.steps:
            found.append(f"the {self.schedule} is over at step {self.schedule_steps}, after the end")
        return found


def _text(name: str, value: object) -> str:
    if not isinstance(value, str | os.PathLike):
        raise InvalidInput(f"{name} = {value!r} must be a word or a path")
    return os.fspath(value)
