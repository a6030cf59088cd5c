"""Temperature as data: which T the thermostat has at each step."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepglass import checks
from deepglass.errors import InvalidInput

SCHEDULES = ("fixed", "quench", "anneal")


@dataclass(frozen=True)
class Schedule:
    """T(step), in units of energy (k_B = 1).

    "fixed": T = ``final``. "quench": ``initial`` before step ``steps``, then ``final``. "anneal":
    linearly from ``initial`` at step 0 to ``final`` at ``steps``, then ``final``. A schedule says nothing of
    the length of the run, so a longer run begins as the shorter one did.
    """

    kind: str
    final: float
    initial: float | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        checks.one_of("schedule", self.kind, SCHEDULES)
        checks.real("temperature", self.final, at_least=0)
        given = {"initial_temperature": self.initial, "schedule_steps": self.steps}
        if self.kind == "fixed":
            unused = [name for name, value in given.items() if value is not None]
            if unused:
                raise InvalidInput(f"{' and '.join(unused)} cannot be used with schedule = 'fixed'")
            return
        missing = [name for name, value in given.items() if value is None]
        if missing:
            raise InvalidInput(f"schedule = {self.kind!r} needs {' and '.join(missing)}")
        checks.real("initial_temperature", self.initial, at_least=0)
        checks.integer("schedule_steps", self.steps, 1)

    def temperatures(self, first: int, count: int) -> NDArray[np.float64]:
        """T of the steps first, ..., first + count - 1, shape (count,)."""
        if self.initial is None or self.steps is None:
            return np.full(count, float(self.final))
        step = np.arange(first, first + count)
        if self.kind == "quench":
            return np.where(step < self.steps, self.initial, self.final)
        done = np.minimum(step / self.steps, 1.0)
        return np.asarray(self.initial + (self.final - self.initial) * done)
