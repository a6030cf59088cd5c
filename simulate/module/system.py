"""Langevin dynamics around trained modules among the systems that the engine can run."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr

from deepglass.errors import InvalidInput
from simulate.bounds import outside
from simulate.contract import Footprint, System
from simulate.copies import hooks
from simulate.copies import loss as losses
from simulate.module.experiment import ModuleExperiment
from simulate.module.patterns import Patterns
from simulate.module.protocol import ModuleProtocol, as_tensor, precision_of
from simulate.module.recorded import CLASSIFIED, FRAMES, MATRICES, ONE_TIME, TESTED, TWO_TIME
from simulate.protocol import PRECISIONS

STATES = 8
"""Arrays of the size of the state at the peak: itself, the past, gradient, noise, what they are made in."""

PASSES = 3
"""Answers of all layers to all patterns at the peak: forward, backward, and what is between."""


class ModuleSystem(System[ModuleProtocol, Patterns]):
    """See :class:`simulate.contract.System`."""

    protocol = ModuleProtocol
    one_time, two_time = ONE_TIME, TWO_TIME
    late = ("q", "Q", "q_test")
    frames, matrices = FRAMES, MATRICES
    outside = "not a finite parameter"

    def layers(self, protocol: ModuleProtocol) -> dict[str, Sequence[float]]:
        """Layers 1..L, of answers and of weights."""
        counted = range(1, protocol.depth + 1)
        return {"answer_layer": counted, "weight_layer": counted}

    def load(self, protocol: ModuleProtocol) -> Patterns:
        """The data; the network must have the protocol's sizes, and all its states must be there."""
        losses.named(protocol.loss)
        data = protocol.read()
        depth, width = protocol.sizes(data)
        for name, value in (("depth", depth), ("width", width)):
            if getattr(protocol, name) != value:
                raise InvalidInput(f"{name} = {getattr(protocol, name)}, but the network has {value}")
        buffers = dict(protocol.module(protocol.first_sample).named_buffers())
        for sample in range(protocol.first_sample, protocol.first_sample + protocol.samples):
            for name, buffer in protocol.module(sample).named_buffers():
                if not torch.equal(buffer, buffers[name]):
                    raise InvalidInput(
                        f"sample {sample} has another buffer {name} than sample {protocol.first_sample}:"
                        " networks of one run may differ in parameters alone; run each by itself"
                    )
        return data

    def footprint(self, protocol: ModuleProtocol, backend: str, data: Patterns | None = None) -> Footprint:
        """From shapes: states, and every layer's answer to every pattern."""
        if data is None:
            return Footprint(1, 1, 1.0)
        size = PRECISIONS[protocol.precision].itemsize
        module = protocol.module(protocol.first_sample)
        found, _, _ = hooks.answers(module, as_tensor(data.inputs[:2], precision_of(module)))
        answers = sum(a.output[0].numel() for a in found) * (len(data.inputs) + 4 * protocol.probes)
        particles = sum(p.numel() for p in module.parameters())
        machine = size * (STATES * particles + PASSES * answers)
        patterns = 2 * sum(x.nbytes for x in (data.inputs, data.test_inputs))
        return Footprint(particles, patterns + machine * protocol.replicas, machine)

    def experiment(self, protocol: ModuleProtocol, data: Patterns, backend: str) -> ModuleExperiment:
        """Module and data."""
        return ModuleExperiment(protocol, data, backend)

    def particles(self, protocol: ModuleProtocol, attributes: Mapping[str, Any]) -> int:
        """All parameters."""
        return int(attributes["parameters"])

    def frame_shapes(
        self, protocol: ModuleProtocol, attributes: Mapping[str, Any]
    ) -> dict[str, tuple[int, ...]]:
        """Of all parameters."""
        return {"theta": (int(attributes["parameters"]),)}

    def wrong_attributes(self, run: xr.Dataset, protocol: ModuleProtocol) -> list[str]:
        """Those on which other checks rely."""
        found = []
        if not isinstance(run.attrs.get("parameters"), int | np.integer):
            found.append("attribute parameters is not a number")
        if len(str(run.attrs.get("layer_names", "")).split(",")) != protocol.depth:
            found.append("attribute layer_names does not name depth layers")
        return found

    def unmeasured(self, run: xr.Dataset) -> dict[str, str]:
        """What needs test patterns or classes, without any."""
        found = {} if run.attrs["has_classes"] else dict.fromkeys(CLASSIFIED, "without classes")
        return found | ({} if run.attrs["has_test"] else dict.fromkeys(TESTED, "without test patterns"))

    def broken(self, run: xr.Dataset, protocol: ModuleProtocol) -> list[str]:
        """Bounds, sums, and what is at t = 0."""
        found = outside(run, ("accuracy", "test_accuracy"), 0, 1)
        for name in ("c", "C", "q", "Q"):
            if (np.abs(run[name].values) > 1 + 1e-6).any():
                found.append(f"{name} is not between -1 and 1 everywhere")
            if not np.allclose(run[name].sel(t=0), 1, equal_nan=True):
                found.append(f"{name} is not 1 at t = 0")
        energy = run["loss"] + protocol.lambda_ / 2 * run["norm2"]
        if not np.allclose(energy, run["U"], rtol=1e-9, atol=1e-12, equal_nan=True):
            found.append("U is not loss + lambda |theta|^2/2")
        return found

    def heading(self, parameters: Mapping[str, Any]) -> str:
        """Network, data, temperature."""
        a = parameters
        walk = "" if a["forces"] == "all" else ", without data"
        return (
            f"Langevin dynamics of {a['model']} on {a['data']}: L = {a['depth']}, M = {a['patterns']},"
            f" T = {a['temperature']:g}, eta = {a['eta']:g}{walk},"
            f" {a['samples']} samples x {a['replicas']} replicas"
        )

    def numbers(self, run: xr.Dataset) -> dict[str, Any]:
        """At the last step of the longest t_w."""
        late = run.isel(t_w=-1)
        last = late.sel(t=int(run.attrs["steps"]))
        found = {"U": float(last["U"].mean()), "accuracy": float(last["accuracy"].mean())}
        return found | {name: late[f"{name}_star"].values for name in ("q", "Q")}

    def told(self, numbers: Mapping[str, Any]) -> list[str]:
        """U and overlaps from the first layer to the last."""

        def listed(values: Any) -> str:
            return " ".join(f"{x:.2f}" for x in values)

        return [f"U {numbers['U']:.3g}", f"q* {listed(numbers['q'])}", f"Q* {listed(numbers['Q'])}"]
