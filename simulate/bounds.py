"""Bounds that measured numbers keep in every system: what ``System.broken`` says of those that do not."""

from collections.abc import Iterable

import xarray as xr


def negative(run: xr.Dataset, names: Iterable[str]) -> list[str]:
    """A line for each of these variables that is below 0 somewhere; a missing value is not."""
    return [f"{name} is negative somewhere" for name in names if (run[name].values < 0).any()]


def outside(run: xr.Dataset, names: Iterable[str], low: int, high: int) -> list[str]:
    """A line for each of these variables that is not in [low, high] everywhere; a missing value is."""
    wrong = [n for n in names if (run[n].values < low).any() or (run[n].values > high).any()]
    return [f"{name} is not between {low} and {high} everywhere" for name in wrong]
