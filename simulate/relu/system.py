"""ReLU networks among the systems that the engine can run."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from simulate.bounds import negative, outside
from simulate.contract import Footprint, System
from simulate.data import projected
from simulate.data.projected import Projected
from simulate.protocol import PRECISIONS
from simulate.relu.experiment import ReluExperiment
from simulate.relu.protocol import ReluProtocol
from simulate.relu.recorded import BINS, FRAMES, MATRICES, ONE_TIME, TESTED, TWO_TIME

STATES = 6
"""Arrays of the size of the state at the peak: itself, the past, gradient, displacements."""


class ReluSystem(System[ReluProtocol, Projected]):
    """See :class:`simulate.contract.System`."""

    protocol = ReluProtocol
    one_time, two_time, tested = ONE_TIME, TWO_TIME, TESTED
    frames, matrices = FRAMES, MATRICES
    outside = "not a finite weight"
    presets: Mapping[str, Mapping[str, Any]] = {
        "kerr-winter2025": {
            "depth": 7, "width": 30, "patterns": 60_000, "test_patterns": 10_000, "power": None,
            "initial": "uniform", "train_eta": 1e-3, "train_fine": 0, "train_steps": 10_000_000,
            "steps": 10_320_000, "waiting_time": 10_020_000, "eta": 1e-3, "factors": (500.0,),
            "temperatures": (0.0, 1e-6, 1e-5, 1e-4, 5e-4, 1e-3, 5e-3, 1e-2, 5e-2, 1e-1, 5e-1, 1.0),
        }
    }  # fmt: skip

    def layers(self, protocol: ReluProtocol) -> dict[str, Sequence[float]]:
        """Layers of weights; temperatures, factors and bins by their values."""
        return {
            "weight_layer": range(1, protocol.depth + 1),
            "temperature": protocol.temperatures,
            "factor": protocol.factors,
            "log10_displacement": BINS,
        }

    def load(self, protocol: ReluProtocol) -> Projected:
        """The data."""
        return projected.load(
            protocol.data, patterns=protocol.patterns, test_patterns=protocol.test_patterns,
            components=protocol.components, power=protocol.power, seed=protocol.seed,
            data_dir=protocol.data_dir,
        )  # fmt: skip

    def footprint(self, protocol: ReluProtocol, backend: str, data: Projected | None = None) -> Footprint:
        """From shapes: states, and every neuron's answer to every pattern, with its slope."""
        size, copies = PRECISIONS[protocol.precision].itemsize, len(protocol.temperatures)
        particles = copies * protocol.network.weights
        answers = copies * protocol.patterns * (protocol.depth * protocol.width + 2)
        machine = size * (STATES * particles + 2 * answers) + 8 * 2 * particles
        points = size * protocol.components * (protocol.patterns + protocol.test_patterns)
        return Footprint(particles, points + machine * protocol.replicas, machine)

    def experiment(self, protocol: ReluProtocol, data: Projected, backend: str) -> ReluExperiment:
        """Networks and data."""
        return ReluExperiment(protocol, data, backend)

    def particles(self, protocol: ReluProtocol, attributes: Mapping[str, Any]) -> int:
        """Weights of all copies."""
        return len(protocol.temperatures) * protocol.network.weights

    def frame_shapes(
        self, protocol: ReluProtocol, attributes: Mapping[str, Any]
    ) -> dict[str, tuple[int, ...]]:
        """Of all weights."""
        return {"W": (len(protocol.temperatures), protocol.network.weights)}

    def wrong_attributes(self, run: xr.Dataset, protocol: ReluProtocol) -> list[str]:
        """Those by which the free prediction is made."""
        return [
            f"attribute {name} is not that of the protocol"
            for name in ("alpha", "eta", "lambda_")
            if run.attrs.get(name) != getattr(protocol, name)
        ]

    def undefined(self, run: xr.Dataset, name: str) -> NDArray[np.bool_]:
        """The shape of displacements where there are none."""
        if name != "alpha2":
            return np.zeros(1, bool)
        still: NDArray[np.bool_] = run["msd"].values == 0
        return still

    def broken(self, run: xr.Dataset, protocol: ReluProtocol) -> list[str]:
        """Bounds, sums, and what is at t = 0."""
        found = negative(run, ("loss", "U", "norm2", "sigma", "msd", "displacements"))
        found += outside(run, ("unsatisfied", "test_error", "overlap", "overlap_layer"), 0, 1)
        energy = run["loss"] + protocol.lambda_ / 2 * run["norm2"].sum("weight_layer", skipna=False)
        if not np.allclose(energy, run["U"], rtol=1e-9, atol=1e-12, equal_nan=True):
            found.append("U is not loss + lambda |W|^2/2")
        sizes = xr.DataArray([a * b for a, b in protocol.network.shapes], dims="weight_layer")
        whole = (run["msd_layer"] * sizes).sum("weight_layer", skipna=False) / int(sizes.sum())
        if not np.allclose(whole, run["msd"], rtol=1e-9, atol=0, equal_nan=True):
            found.append("msd is not the mean of its layers")
        if not (run["overlap"].sel(t=0) == 1).all() or not (run["msd"].sel(t=0) == 0).all():
            found.append("weights have moved at t = 0")
        return found

    def heading(self, parameters: Mapping[str, Any]) -> str:
        """Data, sizes, landscape, temperatures."""
        a = parameters
        temperatures = a["temperatures"]
        listed = temperatures.split(",") if isinstance(temperatures, str) else temperatures
        shown = ", ".join(f"{float(t):g}" for t in np.atleast_1d(listed))
        walk = "" if a["forces"] == "all" else ", without data after the training"
        return (
            f"ReLU networks on {a['data']}: L = {a['depth']}, w = {a['width']}, P = {a['patterns']}"
            f" (N/P = {1 / a['alpha']:.3g}), lambda = {a['lambda_']:g}{walk}, T = {shown},"
            f" {a['samples']} samples x {a['replicas']} replicas"
        )

    def numbers(self, run: xr.Dataset) -> dict[str, Any]:
        """At the last step of the longest t_w, by temperature."""
        late = run.isel(t_w=-1)
        last = late.sel(t=int(run.attrs["steps"]))
        end = late.sel(t=int(run.attrs["steps"]) - int(late["t_w"]))
        return {
            "temperature": run["temperature"].values,
            "U": last["U"].mean(["sample", "replica"]).values,
            "unsatisfied": last["unsatisfied"].mean(["sample", "replica"]).values,
            "overlap": end["overlap"].isel(factor=0).mean(["sample", "replica"]).values,
        }

    def told(self, numbers: Mapping[str, Any]) -> list[str]:
        """From the lowest temperature to the highest."""

        def span(values: Any) -> str:
            return f"{values[0]:.3g}" if len(values) == 1 else f"{values[0]:.3g} to {values[-1]:.3g}"

        return [f"U {span(numbers['U'])}", f"unmoved {span(numbers['overlap'])}"]
