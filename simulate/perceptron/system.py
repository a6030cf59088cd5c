"""The deep perceptron among the systems that the engine can run."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr

from simulate.contract import Array, Footprint, System
from simulate.perceptron.experiment import OFF_SPHERE, PerceptronExperiment
from simulate.perceptron.observables import TOGETHER
from simulate.perceptron.protocol import PerceptronProtocol
from simulate.perceptron.recorded import FRAMES, MATRICES, ONE_TIME, TAUGHT, TESTED, TWO_TIME
from simulate.perceptron.samples import Samples
from simulate.protocol import PRECISIONS

COPIES = {"compiled": 6, "eager": 16}
"""Arrays of the size of the state that a machine has at its peak: itself, the past, and work space."""

GAPS, ALIGNING, ANSWERS = 4, 4, 3
"""Arrays, for each machine that is measured: of the size of the gaps, of all neurons and weights (both in
float64), and of the answers to fresh inputs."""


class PerceptronSystem(System[PerceptronProtocol, Samples]):
    """See :class:`simulate.contract.System`."""

    protocol = PerceptronProtocol
    one_time, two_time, late = ONE_TIME, TWO_TIME, ("q", "Q")
    frames, matrices = FRAMES, MATRICES
    step = "sweeps"
    outside = "neither +-1 nor a weight of its sphere"

    def layers(self, protocol: PerceptronProtocol) -> dict[str, Sequence[float]]:
        """The usual ones, and the temperatures of the ladder."""
        return {**super().layers(protocol), "rung": range(protocol.rungs().rungs)}

    def load(self, protocol: PerceptronProtocol) -> Samples:
        """Disorder, to be drawn."""
        return Samples(protocol)

    def footprint(self, protocol: PerceptronProtocol, backend: str, data: Samples | None = None) -> Footprint:
        """From shapes; a sample has its disorder, fresh inputs and the teacher's answers beside machines."""
        particles = self.particles(protocol, {})
        one, size = protocol.machine(), PRECISIONS[protocol.precision].itemsize
        bonds = one.depth * one.width
        # Overlaps are measured of all machines together, gaps and answers of a few.
        overlaps = 8 * ALIGNING * ((one.depth + 1) * one.width * one.patterns + bonds * one.c)
        gaps = 8 * GAPS * one.depth * one.width * one.patterns
        answers = size * ANSWERS * (one.depth + 1) * one.width * protocol.test_patterns
        machine = size * COPIES[backend] * particles + overlaps
        frozen = 4 * 3 * bonds * one.c  # wiring
        frozen += size * (3 * one.particles + (one.depth + 2) * one.width * protocol.test_patterns)
        dense = (
            0 if one.c == one.width else bonds * one.width
        )  # weights as matrices, a few machines' at a time
        if backend == "eager":
            machine += size * 2 * dense * protocol.rungs().rungs
        few = TOGETHER * (gaps + answers + 8 * 2 * dense)
        return Footprint(
            particles, few + frozen + machine * protocol.replicas, machine + frozen / protocol.replicas
        )

    def experiment(self, protocol: PerceptronProtocol, data: Samples, backend: str) -> PerceptronExperiment:
        """Machines and their samples."""
        return PerceptronExperiment(protocol, data, backend)

    def particles(self, protocol: PerceptronProtocol, attributes: Mapping[str, Any]) -> int:
        """Neurons and weights of all copies."""
        return protocol.rungs().rungs * protocol.machine().particles

    def allowed(self, protocol: PerceptronProtocol, positions: Array) -> bool:
        """No larger than a weight can be (or than a neuron is)."""
        longest = max(protocol.longest, 1.0) * (1 + OFF_SPHERE)
        return bool((np.abs(positions) <= longest).all())

    def frame_shapes(
        self, protocol: PerceptronProtocol, attributes: Mapping[str, Any]
    ) -> dict[str, tuple[int, ...]]:
        """Of neurons and weights."""
        one = protocol.machine()
        return {"S": (one.depth + 1, one.width, one.patterns), "J": (one.depth, one.width, one.c)}

    def wrong_attributes(self, run: xr.Dataset, protocol: PerceptronProtocol) -> list[str]:
        """Those by which a prediction is chosen."""
        return [
            f"attribute {name} is not that of the protocol"
            for name in ("alpha", "scenario", "potential", "margin", "temperature")
            if run.attrs.get(name) != getattr(protocol, name)
        ]

    def unmeasured(self, run: xr.Dataset) -> dict[str, str]:
        """What needs a teacher or fresh inputs, without any."""
        found: dict[str, str] = {}
        if not run.attrs["test_patterns"]:
            found |= dict.fromkeys(TESTED, "without fresh inputs")
        if run.attrs["scenario"] == "random":
            found |= dict.fromkeys(TAUGHT, "without a teacher")
        return found

    def broken(self, run: xr.Dataset, protocol: PerceptronProtocol) -> list[str]:
        """Bounds and sums; frozen ends that move; the last state against the last measurement."""
        return [*_bounds(run), *_ends(run), *_last_state(run, protocol)]

    def heading(self, parameters: Mapping[str, Any]) -> str:
        """Ends, constraints and size."""
        a = parameters
        read = f", c = {a['degree']}" if a["degree"] else ""
        margin = f", kappa = {a['margin']:g}" if a["margin"] else ""
        return (
            f"deep perceptron, {a['scenario']}, {a['potential']} core{margin}, T = {a['temperature']:g}:"
            f" L = {a['depth']}, N = {a['width']}{read}, M = {a['patterns']} (alpha = {a['alpha']:g}),"
            f" {a['samples']} samples x {a['replicas']} replicas, {a['start']} start"
        )

    def numbers(self, run: xr.Dataset) -> dict[str, Any]:
        """At the last time of the longest t_w: violated gaps, error of generalization, overlaps.

        ``exchange``: chances that neighbours on the ladder swap, mean over the last half of the times.
        """
        late = run.isel(t_w=-1)
        last = late.sel(t=int(run.attrs["steps"]))
        found = {
            "violated": float(last["violated"].mean()),
            "generalization_error": float(last["generalization_error"].mean()),
            "q_star": late["q_star"].values[1:-1],
            "Q_star": late["Q_star"].values,
        }
        if run.sizes["rung"] > 1:
            ladder = PerceptronProtocol.from_json(str(run.attrs["protocol"])).rungs()
            energies = (
                late["E_rung"].isel(t=slice(run.sizes["t"] // 2, None)).stack(all=("t", "sample", "replica"))
            )
            rows = torch.from_numpy(energies.transpose("all", "rung").values)
            found["exchange"] = ladder.chances(rows[~rows.isnan().any(1)]).mean(0).numpy()
        return found

    def told(self, numbers: Mapping[str, Any]) -> list[str]:
        """Violated gaps, error of generalization, exchange."""
        said = [f"{numbers['violated']:.3g} of the gaps violated"]
        if np.isfinite(numbers["generalization_error"]):
            said.append(f"generalization error {numbers['generalization_error']:.3f}")
        if "exchange" in numbers:
            said.append(f"exchange {', '.join(f'{x:.2f}' for x in numbers['exchange'])}")
        return said


def _bounds(run: xr.Dataset) -> list[str]:
    found = []
    for name in (*TWO_TIME, *MATRICES):
        if name in run and (np.abs(run[name].values) > 1 + OFF_SPHERE).any():
            found.append(f"{name} exceeds 1")
    for name in ("E", "E_layer", "E_rung", "violated", "generalization_error"):
        if (run[name].values < 0).any():
            found.append(f"{name} is negative somewhere")
    found += [
        f"{name} exceeds 1" for name in ("violated", "generalization_error") if (run[name].values > 1).any()
    ]
    if not np.allclose(run["E_layer"].sum("weight_layer", skipna=False), run["E"], rtol=1e-9, equal_nan=True):
        found.append("E is not the sum of E_layer")
    if not np.allclose(run["E_rung"].isel(rung=0), run["E"], rtol=1e-9, equal_nan=True):
        found.append("E_rung of the first copy is not E")
    return found


def _ends(run: xr.Dataset) -> list[str]:
    """Frozen neurons are the same in all replicas at all times."""
    found = []
    for name in ("c", "q"):
        ends = run[name].isel(neuron_layer=[0, -1]).values
        if not (np.isnan(ends) | (ends == 1)).all():
            found.append(f"{name} of the frozen ends is not 1")
    return found


def _last_state(run: xr.Dataset, protocol: PerceptronProtocol) -> list[str]:
    """Signs that are signs, and weights on their spheres, in the states that were kept."""
    if not protocol.keep_state:
        return []
    machine, found = protocol.machine(), []
    for name in ("state_r", "state_split"):
        rows = torch.from_numpy(run[name].values.reshape(-1, machine.particles))
        if not bool((machine.spins(rows).abs() == 1).all()):
            found.append(f"{name}: a neuron is not +-1")
        if not bool(((machine.weights(rows).double().square().mean(-1) - 1).abs() < OFF_SPHERE).all()):
            found.append(f"{name}: weights are off their sphere")
    return found
