"""Checks on single values, answered in one line that names the value and the allowed range."""

import math
from collections.abc import Iterable
from numbers import Integral, Real

from deepglass.errors import InvalidInput

LARGEST = 2**63 - 1
"""The largest integer a result file can hold."""


def integer(name: str, value: object, minimum: int, maximum: int = LARGEST) -> int:
    """Return ``value`` as int if it is an integer in [minimum, maximum], else raise InvalidInput."""
    inside = isinstance(value, Integral) and minimum <= int(value) <= maximum
    if isinstance(value, bool) or not inside:
        over = isinstance(value, Integral) and int(value) > maximum
        most = f" and <= {maximum}" if maximum != LARGEST or over else ""
        raise InvalidInput(f"{name} = {value!r} must be an integer >= {minimum}{most}")
    return int(value)  # type: ignore[no-any-return,call-overload]


def real(
    name: str,
    value: object,
    *,
    above: float = -math.inf,
    at_least: float = -math.inf,
    at_most: float = math.inf,
) -> float:
    """Return ``value`` as float if it is finite and inside the range, else raise InvalidInput."""
    parts = [f"> {above:g}"] if above > -math.inf else []
    parts += [f">= {at_least:g}"] if at_least > -math.inf else []
    parts += [f"<= {at_most:g}"] if at_most < math.inf else []
    wanted = " and ".join(["finite", *parts])
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InvalidInput(f"{name} = {value!r} must be a number, {wanted}")
    number = float(value)
    if not math.isfinite(number) or not (number > above and at_least <= number <= at_most):
        raise InvalidInput(f"{name} = {number:g} must be {wanted}")
    return number


def one_of(name: str, value: object, allowed: Iterable[str]) -> str:
    """Return ``value`` if it is one of the allowed words, else raise InvalidInput."""
    words = list(allowed)
    if not isinstance(value, str) or value not in words:
        raise InvalidInput(f"{name} = {value!r} must be one of {', '.join(words)}")
    return value


def integers(name: str, text: str) -> tuple[int, ...]:
    """The integers >= 0 in a comma-separated list such as ``100,1000``; an empty text is an empty list."""
    words = [word.strip() for word in text.split(",")] if text.strip() else []
    if not all(word.isascii() and word.isdigit() and len(word) < 20 for word in words):
        raise InvalidInput(f"{name} = {text!r} must be integers >= 0 separated by commas, such as 100,1000")
    return tuple(integer(name, int(word), 0) for word in words)


def reals(name: str, text: str) -> tuple[float, ...]:
    """The finite numbers in a comma-separated list such as ``0.1,0.5``; an empty text is an empty list."""
    words = [word.strip() for word in text.split(",")] if text.strip() else []
    try:
        return tuple(real(name, float(word)) for word in words)
    except ValueError as error:
        raise InvalidInput(
            f"{name} = {text!r} must be numbers separated by commas, such as 0.1,0.5"
        ) from error
