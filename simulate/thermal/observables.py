"""What is measured on a batch of thermal machines at one time, on their device; reductions are in float64."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulate.overlaps import Correlation, mean_square, with_boundaries
from simulate.systems.thermal_machine import ThermalMachine


def one_time(machine: ThermalMachine, r: Tensor, v: Tensor, test: "TestSet") -> dict[str, Tensor]:
    """Energies, kinetic temperatures, mean squares and test accuracy; first axis is the batch.

    ``*_S`` and ``S2`` have one column per neuron layer 0..L (missing at the frozen ends), ``*_J``,
    ``J2`` and ``E_layer`` one per weight layer 1..L.
    """
    energy = machine.energy(r)

    def spins(of: Tensor) -> Tensor:
        layers = machine.neuron_layers(of)
        return with_boundaries(mean_square(layers) if layers else None, np.nan, energy)

    kinetic_S, kinetic_J = spins(v), mean_square(machine.weight_layers(v))
    sizes = [x.shape[1] for x in [*machine.neuron_layers(v), *machine.weight_layers(v)]]
    share = torch.tensor(sizes, dtype=torch.float64, device=v.device) / machine.particles
    return {
        "E": energy.sum(1),
        "E_layer": energy,
        "kinetic": (torch.cat([kinetic_S[:, 1:-1], kinetic_J], dim=1) * share).sum(1),
        "kinetic_S": kinetic_S,
        "kinetic_J": kinetic_J,
        "S2": spins(r),
        "J2": mean_square(machine.weight_layers(r)),
        "A_tanh": test.accuracy(machine, r, "tanh"),
        "A_sgn": test.accuracy(machine, r, "sgn"),
    }


class TestSet:
    """Held-out patterns and the accuracy of the feed-forward network on them.

    One-hot labels: fraction of patterns whose largest output is the right class. Sign vectors
    (random, teacher): fraction of output signs that are right. No patterns: missing (NaN).
    """

    __test__ = False  # not a pytest class

    def __init__(
        self, machine: ThermalMachine, inputs: NDArray[np.int8], outputs: NDArray[np.int8], one_hot: bool
    ):
        self.one_hot = one_hot
        self.inputs = torch.tensor(inputs.T.copy(), dtype=machine.dtype, device=machine.device)
        self.outputs = torch.tensor(outputs.T.copy(), dtype=machine.dtype, device=machine.device)

    def accuracy(self, machine: ThermalMachine, r: Tensor, activation: str) -> Tensor:
        """Test accuracy of every machine of the batch, (B,); hidden units "tanh" or "sgn"."""
        if self.inputs.shape[1] == 0:
            return torch.full((r.shape[0],), np.nan, dtype=torch.float64, device=r.device)
        z = machine.feed_forward(r, self.inputs, activation)
        right = z.argmax(1) == self.outputs.argmax(0) if self.one_hot else torch.sign(z) == self.outputs
        return right.double().flatten(1).mean(1)

    def layers(self, machine: ThermalMachine, r: Tensor) -> list[Tensor]:
        """States of the layers 1..L of the tanh network on the test patterns, each (B, n_l M')."""
        return [torch.tanh(z).flatten(1) for z in machine.pre_activations(r, self.inputs, "tanh")]


def two_time(
    machine: ThermalMachine, r: Tensor, past: Tensor, replicas: int, test: TestSet
) -> dict[str, Tensor]:
    """Auto-correlations with ``past`` (c, C) and overlaps between replicas (q, Q; q_test on test patterns).

    Shapes (B, layers) and (samples, pairs, layers), each normalised and raw: neuron layers 0..L with
    the frozen boundaries at 1 (the outputs on test patterns are not frozen), weight layers 1..L. ``*_global``
    have no layer axis.
    """
    weights, spins = machine.weight_layers(r), machine.neuron_layers(r)
    auto = Correlation.with_past(weights, machine.weight_layers(past))
    pair = Correlation.between_replicas(weights, replicas)
    result = {**auto.named("C"), **pair.named("Q")}
    if spins:
        of_spins = {
            **Correlation.with_past(spins, machine.neuron_layers(past)).named("c"),
            **Correlation.between_replicas(spins, replicas).named("q"),
        }
        for name, value in of_spins.items():
            result[name] = value if "global" in name else with_boundaries(value, 1.0, value)
    else:
        for name, like in (("c", auto.raw), ("q", pair.raw)):
            ends = with_boundaries(None, 1.0, like)
            result |= {
                name: ends,
                f"{name}_raw": ends,
                f"{name}_global": torch.full_like(like[..., 0], np.nan),
            }
    result["q_test"] = _on_test_patterns(machine, r, replicas, test, pair.raw)
    return result


def _on_test_patterns(
    machine: ThermalMachine, r: Tensor, replicas: int, test: TestSet, like: Tensor
) -> Tensor:
    """Normalised overlaps of the layers 0..L on test patterns, (samples, pairs, L + 1); NaN without any."""
    if test.inputs.shape[1] == 0:
        return torch.full_like(like[..., :1], np.nan).expand(*like.shape[:-1], machine.depth + 1)
    layers = Correlation.between_replicas(test.layers(machine, r), replicas).normalised
    return torch.cat([torch.ones_like(layers[..., :1]), layers], dim=-1)
