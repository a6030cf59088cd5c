"""Numbers a figure stands for, beside what they should be."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from deepglass.cli import table as aligned


@dataclass(frozen=True)
class Check:
    """One number of a figure. Without ``expected`` and ``tolerance`` (absolute) it is only reported."""

    name: str
    value: float
    expected: float | None = None
    tolerance: float | None = None

    @property
    def verdict(self) -> str:
        """``ok``, ``off`` or ``reported``."""
        if self.expected is None or self.tolerance is None:
            return "reported"
        return "ok" if abs(self.value - self.expected) <= self.tolerance else "off"


def known(name: str, value: float, expected: float, relative: float = 1e-7) -> Check:
    """A number that is known to ``relative`` precision."""
    return Check(name, float(value), expected, relative * abs(expected))


def at_most(name: str, value: float, bound: float) -> Check:
    """A non-negative number, such as a residual, that should not exceed ``bound``."""
    return Check(name, float(value), 0.0, bound)


def found(transitions: Iterable[float]) -> float:
    """The first of some values, NaN if there is none."""
    return next(iter(transitions), math.nan)


def table(checks: Iterable[Check]) -> str:
    """The checks as an aligned text table, ten significant digits."""

    def text(value: float | None, digits: int) -> str:
        return "-" if value is None or math.isnan(value) else f"{value:.{digits}g}"

    rows = list(checks)
    return aligned(
        [
            ("number", [check.name for check in rows]),
            ("value", [text(check.value, 10) for check in rows]),
            ("expected", [text(check.expected, 10) for check in rows]),
            ("tolerance", [text(check.tolerance, 2) for check in rows]),
            ("verdict", [check.verdict for check in rows]),
        ]
    )
