"""What is measured on a batch of machines at one time; every reduction is in float64.

Overlaps are per layer, averaged over the layer's particles (neurons and patterns, or weights):
raw <a b>, and normalised <a b>/sqrt(<a a><b b>), which starts at 1 whatever the particles' size
(arXiv:2506.06789, Eqs. 13-20; its figures are normalised, its printed formulas are not).
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray

from simulate.systems.thermal_machine import ThermalMachine

Array = NDArray[np.float64]


def mean_square(layers: Sequence[torch.Tensor]) -> Array:
    """<x^2> of every layer and machine, shape (B, layers); of velocities: the kinetic temperature."""
    return np.stack([x.double().square().mean(1).cpu().numpy() for x in layers], axis=1)


def with_boundaries(hidden: Array | None, frozen: float, like: Array) -> Array:
    """Hidden layers (..., L-1) as all neuron layers 0..L; the frozen ends get the value ``frozen``.

    ``hidden`` is None for L = 1; ``like`` gives the leading shape.
    """
    ends = np.full((*like.shape[:-1], 1), frozen)
    return np.concatenate([ends, ends] if hidden is None else [ends, hidden, ends], axis=-1)


def one_time(machine: ThermalMachine, r: torch.Tensor, v: torch.Tensor, test: "TestSet") -> dict[str, Array]:
    """Energy, kinetic temperature, sizes and test accuracy; first axis is the batch.

    ``*_S`` and ``S2`` have one column per neuron layer 0..L (missing at the frozen ends), ``*_J``,
    ``J2`` and ``E_layer`` one per weight layer 1..L.
    """
    energy = machine.energy(r).cpu().numpy()

    def spins(of: torch.Tensor) -> Array:
        layers = machine.neuron_layers(of)
        return with_boundaries(mean_square(layers) if layers else None, np.nan, energy)

    return {
        "E": energy.sum(1),
        "E_layer": energy,
        "kinetic": v.double().square().mean(1).cpu().numpy(),
        "kinetic_S": spins(v),
        "kinetic_J": mean_square(machine.weight_layers(v)),
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

    def accuracy(self, machine: ThermalMachine, r: torch.Tensor, activation: str) -> Array:
        """Test accuracy of every machine of the batch, (B,); hidden units "tanh" or "sgn"."""
        if self.inputs.shape[1] == 0:
            return np.full(r.shape[0], np.nan)
        z = machine.feed_forward(r, self.inputs, activation)
        right = z.argmax(1) == self.outputs.argmax(0) if self.one_hot else torch.sign(z) == self.outputs
        return right.double().flatten(1).mean(1).cpu().numpy()


def pairs(replicas: int) -> list[tuple[int, int]]:
    """All pairs a < b of one sample's replicas."""
    return list(combinations(range(replicas), 2))


def overlap_matrix(layer: torch.Tensor, replicas: int) -> Array:
    """<x^a x^b> between the replicas of each sample, (samples, replicas, replicas), from (B, n)."""
    x = layer.double().view(-1, replicas, layer.shape[1])
    return (x @ x.transpose(1, 2) / layer.shape[1]).cpu().numpy()


def two_time(machine: ThermalMachine, r: torch.Tensor, past: torch.Tensor, replicas: int) -> dict[str, Array]:
    """Auto-correlations with ``past`` (c, C) and overlaps between replicas (q, Q).

    Shapes (B, layers) and (samples, pairs, layers), each normalised and raw: neuron layers 0..L with
    the frozen boundaries at 1, weight layers 1..L.
    """
    result: dict[str, Array] = {}
    weights, weights_past = machine.weight_layers(r), machine.weight_layers(past)
    spins, spins_past = machine.neuron_layers(r), machine.neuron_layers(past)
    of_weights = (*with_past(weights, weights_past), *between_replicas(weights, replicas))
    of_spins = (*with_past(spins, spins_past), *between_replicas(spins, replicas)) if spins else (None,) * 4
    for name, w, s in zip(("C_raw", "C", "Q_raw", "Q"), of_weights, of_spins, strict=True):
        result[name] = w
        result[name.lower()] = with_boundaries(s, 1.0, w)
    return result


def with_past(now: Sequence[torch.Tensor], past: Sequence[torch.Tensor]) -> tuple[Array, Array]:
    """Raw and normalised auto-correlation <x(t_w + t) x(t_w)>, each (B, layers)."""
    raw = np.stack(
        [(x.double() * y.double()).mean(1).cpu().numpy() for x, y in zip(now, past, strict=True)], axis=1
    )
    return raw, _ratio(raw, mean_square(now) * mean_square(past))


def between_replicas(layers: Sequence[torch.Tensor], replicas: int) -> tuple[Array, Array]:
    """Raw and normalised overlaps, each (samples, pairs, layers)."""
    raw, normalised = [], []
    a, b = np.array(pairs(replicas), dtype=int).reshape(-1, 2).T
    for layer in layers:
        matrix = overlap_matrix(layer, replicas)
        squares = np.diagonal(matrix, axis1=1, axis2=2)
        raw.append(matrix[:, a, b])
        normalised.append(_ratio(matrix[:, a, b], squares[:, a] * squares[:, b]))
    return np.stack(raw, axis=-1), np.stack(normalised, axis=-1)


def _ratio(raw: Array, product_of_squares: Array) -> Array:
    """raw / sqrt(product), missing where a layer is exactly zero (no direction to compare)."""
    safe = np.where(product_of_squares > 0, product_of_squares, np.nan)
    return np.asarray(raw / np.sqrt(safe))
