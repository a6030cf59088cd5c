"""Classifiers among the systems that the engine can run."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from simulate.bounds import negative, outside
from simulate.classifier.draws import loaded
from simulate.classifier.experiment import ClassifierExperiment
from simulate.classifier.protocol import ClassifierProtocol
from simulate.classifier.recorded import FRAMES, ONE_TIME, TESTED
from simulate.contract import Footprint, System
from simulate.data.projected import Projected
from simulate.dynamics.adam import TOGETHER
from simulate.protocol import PRECISIONS

ANSWERS = 8
"""Arrays of the size of all units' answers to a batch: noise, z, its slope and what they are made of."""


class ClassifierSystem(System[ClassifierProtocol, Projected]):
    """See :class:`simulate.contract.System`."""

    protocol = ClassifierProtocol
    one_time, tested = ONE_TIME, TESTED
    frames = FRAMES
    outside = "not a finite weight"
    presets: Mapping[str, Mapping[str, Any]] = {
        "zou2021": {
            "data": "mnist", "patterns": 60_000, "test_patterns": 10_000, "steps": 60_000, "draws": 50,
        },
        "zou2021-overparametrised": {
            "data": "mnist", "patterns": 500, "test_patterns": 10_000, "steps": 60_000, "draws": 50,
        },
    }  # fmt: skip

    def layers(self, protocol: ClassifierProtocol) -> dict[str, Sequence[float]]:
        """Layers of weights, and draws."""
        draws = protocol.draws if protocol.synapses == "binary" else 1
        return {"weight_layer": range(1, protocol.depth + 1), "draw": range(draws)}

    def load(self, protocol: ClassifierProtocol) -> Projected:
        """The data."""
        return loaded(protocol)

    def footprint(
        self, protocol: ClassifierProtocol, backend: str, data: Projected | None = None
    ) -> Footprint:
        """From shapes: states, orders of the patterns, and answers to a batch of those that move together."""
        size, weights = PRECISIONS[protocol.precision].itemsize, protocol.network.weights
        batch = min(protocol.batch, protocol.patterns)
        moving = ANSWERS * size * batch * sum(protocol.sizes)
        points = size * protocol.components * (protocol.patterns + protocol.test_patterns)
        machine = size * 3 * weights + 8 * weights * protocol.draws
        if batch < protocol.patterns:
            machine += 3 * 8 * protocol.patterns
        return Footprint(3 * weights, points + TOGETHER * moving + machine * protocol.replicas, machine)

    def experiment(self, protocol: ClassifierProtocol, data: Projected, backend: str) -> ClassifierExperiment:
        """Networks and data."""
        return ClassifierExperiment(protocol, data, backend)

    def particles(self, protocol: ClassifierProtocol, attributes: Mapping[str, Any]) -> int:
        """Weights and Adam's averages."""
        return 3 * protocol.network.weights

    def frame_shapes(
        self, protocol: ClassifierProtocol, attributes: Mapping[str, Any]
    ) -> dict[str, tuple[int, ...]]:
        """Of all weights."""
        return {"theta": (protocol.network.weights,)}

    def broken(self, run: xr.Dataset, protocol: ClassifierProtocol) -> list[str]:
        """Bounds."""
        bounded = ("accuracy", "test_accuracy", *(("mu2",) if protocol.synapses == "binary" else ()))
        return negative(run, ("cost", "test_cost", "mu2")) + outside(run, bounded, 0, 1)

    def heading(self, parameters: Mapping[str, Any]) -> str:
        """Data, sizes, learning."""
        a = parameters
        hidden = "-".join(["", *[str(a["width"])] * (int(a["depth"]) - 1), ""])
        sizes = f"{a['components']}{hidden or '-'}{a['outputs']}"
        shuffled = ", labels shuffled" if a["labels"] == "shuffled" else ""
        return (
            f"classifiers {sizes} of {a['synapses']} weights on {a['data']}{shuffled}: P = {a['patterns']}"
            f" (P/N = {a['alpha']:.3g}), {a['steps']} steps of Adam, {a['samples']} samples"
            f" x {a['replicas']} replicas"
        )

    def numbers(self, run: xr.Dataset) -> dict[str, Any]:
        """At the last step, means over all networks."""
        last = run.isel(t_w=-1).sel(t=int(run.attrs["steps"]))
        names = ("cost", "accuracy", "test_cost", "test_accuracy")
        return {name: float(last[name].mean()) for name in names}

    def told(self, numbers: Mapping[str, Any]) -> list[str]:
        """Accuracies."""
        test = numbers["test_accuracy"]
        more = [] if np.isnan(test) else [f"on the test {test:.3g}"]
        return [f"accuracy {numbers['accuracy']:.3g}", *more]
