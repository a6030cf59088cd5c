"""What is judged of runs: one overlap per layer and independent sample, gathered by the size of the network.

Layers: hidden neurons q_1..q_(L-1), then weights Q_1..Q_L; the frozen boundaries q_0, q_L are no measurement.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr

from compare.hotelling import Array
from deepglass.errors import InvalidInput
from deepglass.schema import FIRST_SYSTEM

PERCEPTRON = "deep-perceptron"

ENSEMBLE = (
    "depth", "alpha", "temperature", "scenario", "potential", "margin",
    "data", "classes", "images", "labels", "c_scale",
)  # fmt: skip
"""Attributes two runs must share to be measurements of one thing (those that either of them has)."""

UNSAID = {"images": "own", "labels": "own"}
"""What files older than an attribute mean."""

RTOL = 1e-6
"""Relative difference of two parameters that is rounding."""


@dataclass(frozen=True)
class Layer:
    """A layer of neurons (``kind`` q) or of weights (Q)."""

    kind: Literal["q", "Q"]
    layer: int

    def __str__(self) -> str:
        """E.g. ``q_1``."""
        return f"{self.kind}_{self.layer}"


@dataclass(frozen=True, eq=False)
class Measured:
    """Runs of one ensemble.

    Attributes:
        system, depth: of all runs.
        symbol: of the size: ``N``, or ``c`` for dilute networks.
        sizes: (K,) ascending.
        values: K arrays (samples, 2 L - 1), each sample's overlaps, mean over its pairs; see :func:`layers`.
        times: for each size (t_w, steps since t_w) of the measurement.
    """

    system: str
    depth: int
    symbol: Literal["N", "c"]
    sizes: tuple[int, ...]
    values: tuple[Array, ...]
    times: tuple[tuple[int, int], ...]


def layers(depth: int) -> tuple[Layer, ...]:
    """The 2 L - 1 layers that can be judged, in order."""
    neurons = tuple(Layer("q", layer) for layer in range(1, depth))
    return neurons + tuple(Layer("Q", layer) for layer in range(1, depth + 1))


def gather(
    runs: Sequence[xr.Dataset], variables: tuple[str, str] = ("q", "Q"), t_w: int | None = None
) -> Measured:
    """The overlaps of runs at the last time after ``t_w``, the longest unless named.

    ``variables``: of neurons and weights, along t_w, t, sample, pair (or replica) and layer. Raises
    InvalidInput for no run, runs of different ensembles, of two kinds of sizes or with a sample in common,
    samples of one size measured at different times, a single replica, fewer than 2 samples of a size, and
    variables or overlaps that are missing.
    """
    if not runs:
        raise InvalidInput("no run among the files: name at least one, from `python -m simulate run --out`")
    for run in runs[1:]:
        _same_ensemble(runs[0], run)
    dilute = [_degree(run) for run in runs]
    if any(dilute) != all(dilute):
        raise InvalidInput("dilute runs (degree below width) and fully connected ones have no common limit")
    groups: dict[int, list[xr.Dataset]] = {}
    for run, degree in zip(runs, dilute, strict=True):
        groups.setdefault(degree or int(run.attrs["width"]), []).append(run)
    symbol: Literal["N", "c"] = "c" if all(dilute) else "N"
    sizes = tuple(sorted(groups))
    found = [_samples(groups[size], f"{symbol} = {size}", variables, t_w) for size in sizes]
    return Measured(
        system=system(runs[0]),
        depth=int(runs[0].attrs["depth"]),
        symbol=symbol,
        sizes=sizes,
        values=tuple(values for values, _ in found),
        times=tuple(time for _, time in found),
    )


def system(run: xr.Dataset) -> str:
    """What was simulated; runs from before there was a choice are of the thermal machine."""
    return str(run.attrs.get("system", FIRST_SYSTEM))


def equal(a: Any, b: Any) -> bool:
    """Whether two parameters agree, numbers up to rounding."""
    numbers = int | float | np.integer | np.floating
    if isinstance(a, numbers) and isinstance(b, numbers):
        return bool(np.isclose(a, b, rtol=RTOL, atol=0.0))
    return bool(a == b)


def _same_ensemble(first: xr.Dataset, other: xr.Dataset) -> None:
    if system(first) != system(other):
        raise InvalidInput(f"runs of different systems: {system(first)} and {system(other)}")
    for name in ENSEMBLE:
        a, b = (run.attrs.get(name, UNSAID.get(name)) for run in (first, other))
        if not equal(a, b):
            raise InvalidInput(f"runs differ in {name}: {a} and {b}; judge one ensemble at a time")


def _degree(run: xr.Dataset) -> int:
    """c of a dilute run, 0 of a fully connected one."""
    width = int(run.attrs["width"])
    degree = run.attrs.get("degree") or width  # empty: not set
    return int(degree) if int(degree) < width else 0


def _samples(
    runs: Sequence[xr.Dataset], size: str, variables: tuple[str, str], t_w: int | None
) -> tuple[Array, tuple[int, int]]:
    """All samples of one size (n, 2 L - 1), and when they were measured."""
    widths = {int(run.attrs["width"]) for run in runs}
    if len(widths) > 1:
        raise InvalidInput(f"runs of {size} differ in width: {', '.join(map(str, sorted(widths)))}")
    seen: set[tuple[int, int]] = set()
    values, times = [], set()
    for run in runs:
        names = {(int(run.attrs["seed"]), int(sample)) for sample in run["sample"].values}
        if seen & names:
            seed, sample = min(seen & names)
            raise InvalidInput(f"sample {sample} of seed {seed} at {size} comes twice; it counts once")
        seen |= names
        overlaps, time = _overlaps(run, variables, t_w)
        values.append(overlaps)
        times.add(time)
    if len(times) > 1:
        known = ", ".join(f"t_w = {a} + {b}" for a, b in sorted(times))
        raise InvalidInput(f"samples of {size} were measured at different times: {known} steps")
    together = np.concatenate(values)
    if len(together) < 2:
        raise InvalidInput(f"{size} has 1 sample and therefore no error; use samples >= 2")
    return together, times.pop()


def _overlaps(run: xr.Dataset, variables: tuple[str, str], t_w: int | None) -> tuple[Array, tuple[int, int]]:
    """One run at its last time: (samples, 2 L - 1), mean over pairs."""
    parts = []
    for name, layer, inner in zip(
        variables, ("neuron_layer", "weight_layer"), (slice(1, -1), slice(None)), strict=True
    ):
        wanted = {"t_w", "t", "sample", layer}
        members = {str(d) for d in run[name].dims} - wanted if name in run else set()
        if not members or not members <= {"pair", "replica"} or not wanted <= set(run[name].dims):
            raise InvalidInput(f"run lacks the variable {name} along t_w, t, sample, pair and {layer}")
        if not all(run.sizes[member] for member in members):
            raise InvalidInput("run has 1 replica and therefore no pairs; use replicas >= 2")
        late = at_waiting_time(run, t_w)
        waited = int(late["t_w"])
        last = int(run.attrs["steps"]) - waited
        if last not in late["t"]:
            raise InvalidInput(f"run was not measured at its last step, t = {last} after t_w = {waited}")
        values = late[name].sel(t=last).mean(sorted(members), skipna=False)
        array = values.transpose("sample", layer).values[:, inner]
        if not np.isfinite(array).all():
            raise InvalidInput(f"run: overlaps {name} are missing at t = {last} after t_w = {waited}")
        parts.append(np.asarray(array, dtype=float))
    return np.concatenate(parts, axis=1), (waited, last)


def at_waiting_time(run: xr.Dataset, t_w: int | None) -> xr.Dataset:
    """The run at one t_w, the longest unless named. Raises InvalidInput if it has no such t_w."""
    if t_w is None:
        return run.isel(t_w=-1)
    if t_w not in run["t_w"]:
        known = ", ".join(map(str, run["t_w"].values))
        raise InvalidInput(f"t_w = {t_w} is not in the run, which has {known}")
    return run.sel(t_w=t_w)
