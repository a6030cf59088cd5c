"""The thermal machine among the systems that the engine can run."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from simulate.contract import Array, Footprint, System
from simulate.data import DataSet
from simulate.systems.thermal_machine import ThermalMachine
from simulate.thermal import invariants, memory
from simulate.thermal.experiment import ThermalExperiment, data_of
from simulate.thermal.presets import PRESETS
from simulate.thermal.protocol import Protocol
from simulate.thermal.recorded import FRAMES, MATRICES, ONE_TIME, TESTED, TWO_TIME

__all__ = ["ThermalSystem"]


class ThermalSystem(System[Protocol, DataSet]):
    """See :class:`simulate.contract.System`."""

    protocol = Protocol
    one_time, two_time, late, tested = ONE_TIME, TWO_TIME, ("q", "Q"), TESTED
    frames, matrices = FRAMES, MATRICES
    has_velocities = True
    step = "MD steps"
    outside = "outside (-1, 1)"
    presets = PRESETS

    def load(self, protocol: Protocol) -> DataSet:
        """The patterns."""
        return data_of(protocol)

    def footprint(self, protocol: Protocol, backend: str, data: DataSet | None = None) -> Footprint:
        """Pixels and labels are known with the data only."""
        if data is None:
            return memory.footprint(protocol, backend)
        return memory.footprint(protocol, backend, data.inputs.shape[1], data.outputs.shape[1])

    def experiment(self, protocol: Protocol, data: DataSet, backend: str) -> ThermalExperiment:
        """Machines and test set."""
        return ThermalExperiment(protocol, data, backend)

    def particles(self, protocol: Protocol, attributes: Mapping[str, Any]) -> int:
        """Spins and weights."""
        inputs, outputs = int(attributes["inputs"]), int(attributes["outputs"])
        return ThermalMachine.count(protocol.depth, protocol.width, protocol.patterns, inputs, outputs)

    def allowed(self, protocol: Protocol, positions: Array) -> bool:
        """Inside the walls."""
        return bool((np.abs(positions) <= 1).all())

    def frame_shapes(self, protocol: Protocol, attributes: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
        """As :class:`simulate.systems.thermal_machine.Views`."""
        depth, n, m = protocol.depth, protocol.width, protocol.patterns
        inputs, outputs = int(attributes["inputs"]), int(attributes["outputs"])
        return {
            "S": (depth - 1, n, m),
            "J_first": (n if depth > 1 else outputs, inputs),
            "J_hidden": (max(depth - 2, 0), n, n),
            "J_last": (outputs if depth > 1 else 0, n),
        }

    def wrong_attributes(self, run: xr.Dataset, protocol: Protocol) -> list[str]:
        """Sizes of the data, temperature and friction."""
        return invariants.wrong_attributes(run, protocol)

    def undefined(self, run: xr.Dataset, name: str) -> NDArray[np.bool_]:
        """At the frozen layers, or without a direction to compare."""
        return invariants.undefined(run, name)

    def broken(self, run: xr.Dataset, protocol: Protocol) -> list[str]:
        """Bounds, sums, and the temperature of every layer."""
        return [
            *invariants.bounds(run),
            *invariants.last_velocities(run, protocol),
            *invariants.temperature(run, protocol),
        ]

    def heading(self, parameters: Mapping[str, Any]) -> str:
        """Data, size and temperature."""
        a = parameters
        return (
            f"thermal machine on {a['data']}: L = {a['depth']}, N = {a['width']}, M = {a['patterns']}"
            f" (alpha = {a['alpha']:g}), T = {a['temperature']:g},"
            f" {a['samples']} samples x {a['replicas']} replicas"
        )

    def numbers(self, run: xr.Dataset) -> dict[str, Any]:
        """Energy, accuracies and overlaps of the longest t_w; hidden layers only for ``q_star``.

        ``energy_ratio`` is E(steps)/E(2), E averaged over replicas and samples (missing for one step);
        accuracies and ``kinetic_temperature`` (<v^2> of all particles, m = k_B = 1) are those of the last
        time.
        """
        steps = int(run.attrs["steps"])
        late = run.isel(t_w=-1)
        energy = late["E"].mean(["sample", "replica"])
        ratio = float(energy.sel(t=steps) / energy.sel(t=2)) if steps >= 2 else math.nan
        last = late.sel(t=steps)
        return {
            "energy_ratio": ratio,
            "test_accuracy": {name: float(last[f"A_{name}"].mean()) for name in ("tanh", "sgn")},
            "q_star": late["q_star"].values[1:-1],
            "Q_star": late["Q_star"].values,
            "kinetic_temperature": float(last["kinetic"].mean()),
        }

    def told(self, numbers: Mapping[str, Any]) -> list[str]:
        """Energy, accuracies and temperature."""
        accuracy = numbers["test_accuracy"]
        return [
            f"E({numbers['steps']})/E(2) = {numbers['energy_ratio']:.4g}",
            f"test accuracy tanh {accuracy['tanh']:.3f} sgn {accuracy['sgn']:.3f}",
            f"<v^2> = {numbers['kinetic_temperature']:.3g}",
        ]
