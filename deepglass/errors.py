"""Errors a user can act on; each carries the exit code its command line ends with."""

from typing import Any

__all__ = [
    "DeepglassError",
    "Diverged",
    "InUse",
    "InvalidInput",
    "NoSolution",
    "NotConverged",
    "WriteFailed",
]


class DeepglassError(Exception):
    """Base of every error deepglass raises on purpose. Message: one line."""

    exit_code = 1


class InvalidInput(DeepglassError, ValueError):
    """A value, file or combination that cannot be used; names it and says what would be right."""

    exit_code = 2


class InUse(InvalidInput):
    """What was named is being worked on by another process."""


class WriteFailed(DeepglassError):
    """A file could not be written in the middle of the work (a full disk); what was there before is whole."""


class NoSolution(DeepglassError):
    """The equations have no solution on the branch asked for.

    ``limit`` is the nearest storage ratio alpha at which the branch exists (the capacity of the
    random branch, a spinodal of a teacher-student branch), or None where there is none.
    """

    exit_code = 3

    def __init__(self, message: str, limit: float | None = None):
        super().__init__(message)
        self.limit = limit


class NotConverged(DeepglassError):
    """A solver stopped above its tolerance; ``last`` is its last iterate, ``residual`` how far it is off."""

    def __init__(self, message: str, last: Any = None, residual: float = float("nan")):
        super().__init__(message)
        self.last = last
        self.residual = residual


class Diverged(DeepglassError):
    """A simulation left its domain or became NaN; the message names step, sample and replica."""
