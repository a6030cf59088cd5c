"""What a run of the deep perceptron is: beside what every run has, constraints, frozen ends and moves."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from deepglass import checks
from deepglass.errors import InvalidInput
from simulate.dynamics.exchange import Ladder
from simulate.dynamics.monte_carlo import MonteCarlo
from simulate.protocol import PRECISIONS, BaseProtocol
from simulate.schedule import Schedule
from simulate.systems.deep_perceptron import DeepPerceptron
from simulate.systems.disorder import SCENARIOS

STARTS = ("random", "planted", "apart")


@dataclass(frozen=True)
class PerceptronProtocol(BaseProtocol):
    """Parameters of a Monte Carlo run, beside those of :class:`simulate.protocol.BaseProtocol`.

    Times are in sweeps, temperature in units of v (k_B = 1). Raises InvalidInput naming the value that
    cannot be.

    Attributes:
        degree: c, how many of the N neurons below a perceptron reads; None: all. alpha = M/c.
        potential, margin: v and kappa, see :mod:`simulate.systems.deep_perceptron`; the hard core of the
            theory is "hard" at temperature 0.
        temperature: T = 1/beta >= 0; with a schedule, the T it ends at.
        schedule, initial_temperature, schedule_steps: see :class:`simulate.schedule.Schedule`.
        ladder: hotter temperatures, ascending: a machine is then as many copies more, which exchange
            configurations; everything measured is of the copy at ``temperature``.
        exchange_every: sweeps between two rounds of exchange.
        scenario: "random" or "teacher-student", see :mod:`simulate.systems.disorder`.
        start: "random"; "planted", as the teacher; "apart": random, each replica from its own (t_w = 0),
            where otherwise the replicas of a sample begin together.
        reach: of the papers' proposed rotations of weight vectors; 0: slices of the sphere instead.
        test_patterns: fresh inputs on which networks are compared; 0: none.
    """

    system: ClassVar[str] = "deep-perceptron"
    backends: ClassVar[tuple[str, ...]] = ("auto", "compiled", "eager")

    depth: int = 2
    width: int = 20
    patterns: int = 80
    steps: int = 1_000
    waiting_time: int | tuple[int, ...] = 0
    replicas: int = 2
    degree: int | None = None
    potential: str = "hard"
    margin: float = 0.0
    temperature: float = 0.0
    schedule: str = "fixed"
    initial_temperature: float | None = None
    schedule_steps: int | None = None
    ladder: tuple[float, ...] = ()
    exchange_every: int = 10
    scenario: str = "teacher-student"
    start: str = "random"
    reach: float = 0.0
    test_patterns: int = 1_000

    def __post_init__(self) -> None:
        super().__post_init__()
        machine = self.machine()
        if self.degree is not None:
            self._store("degree", machine.c)
        self._store("margin", machine.margin)
        self._store("temperature", checks.real("temperature", self.temperature, at_least=0))
        self._store("reach", self.law().reach)
        self._store("test_patterns", checks.integer("test_patterns", self.test_patterns, 0))
        self.temperatures()
        self._check_ladder()
        checks.one_of("scenario", self.scenario, SCENARIOS)
        checks.one_of("start", self.start, STARTS)
        self._check_moves()
        if self.start == "planted" and self.scenario != "teacher-student":
            raise InvalidInput("start = 'planted' needs a teacher: scenario = 'teacher-student'")
        if self.start == "apart" and self.waiting_times != (0,):
            raise InvalidInput(
                f"start = 'apart' needs waiting_time = 0, not {self.waiting_time}: later, the replicas of a"
                " sample are copies"
            )

    def _check_moves(self) -> None:
        """Refuse what cannot move."""
        if self.temperature == 0 and self.depth > 1:
            if self.potential == "soft":
                raise InvalidInput(
                    "temperature = 0 with the soft core: hidden neurons cannot flip; use the hard core,"
                    " whose law it is, or a temperature above 0"
                )
            if self.reach > 0:
                raise InvalidInput(
                    f"reach = {self.reach:g} with the hard core at temperature 0: hidden neurons cannot flip"
                    " while their weights stand still; use slices (reach = 0), or a temperature above 0"
                )

    def _check_ladder(self) -> None:
        several = isinstance(self.ladder, tuple | list)
        self._store("ladder", tuple(self.ladder) if several else (self.ladder,))
        rungs = self.rungs()
        self._store("ladder", rungs.temperatures[1:])
        self._store("exchange_every", rungs.every)
        if self.ladder and self.schedule != "fixed":
            raise InvalidInput(f"a ladder of temperatures cannot be used with schedule = {self.schedule!r}")

    @staticmethod
    def choose(backend: str, device: torch.device) -> str:
        """Compiled sweeps on a CPU, torch operations elsewhere."""
        if backend == "compiled" and device.type != "cpu":
            raise InvalidInput(f"backend = 'compiled' runs on a CPU, not on {device.type}; use eager or auto")
        if backend == "auto":
            return "compiled" if device.type == "cpu" else "eager"
        return backend

    @property
    def alpha(self) -> float:
        """Storage ratio M/c."""
        return self.machine().alpha

    def machine(self, device: torch.device | str = "cpu") -> DeepPerceptron:
        """The model."""
        dtype = PRECISIONS[self.precision]
        return DeepPerceptron(
            self.depth, self.width, self.patterns, self.degree, self.potential, self.margin, dtype, device
        )

    def law(self) -> MonteCarlo:
        """What a sweep does."""
        return MonteCarlo(reach=self.reach)

    def rungs(self) -> Ladder:
        """The temperatures of a machine's copies, the one that is measured first."""
        return Ladder((self.temperature, *self.ladder), self.exchange_every)

    def temperatures(self) -> Schedule:
        """The temperature of each sweep."""
        return Schedule(self.schedule, self.temperature, self.initial_temperature, self.schedule_steps)

    def beyond_the_end(self) -> list[str]:
        """What was asked for and lies after the last sweep, one line each (a longer run may reach it)."""
        found = super().beyond_the_end()
        if (self.schedule_steps or 0) > self.steps:
            found.append(f"the {self.schedule} is over at step {self.schedule_steps}, after the end")
        return found

    @property
    def longest(self) -> float:
        """No weight is larger: sqrt(c)."""
        return math.sqrt(self.machine().c)
