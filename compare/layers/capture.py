"""From networks to arrays: K copies of one model, listened to layer by layer on the same probes."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from compare.layers.copies import OUTSIDE, PROBES, Copies, Layer
from deepglass import checks
from deepglass.errors import InvalidInput
from simulate.copies import hooks
from simulate.copies.hooks import Answer
from simulate.copies.models import Model, check_state

SAMPLES = 4096
"""Answers of a unit (probes, or probes times places) that are kept at most: the same of every copy."""

RUNS = 3.5
"""Total variation of a unit's input along the units that are thought to feed it, over its range: 1 for a
monotone activation, a little more for GELU, a third of the probes where nothing is fed."""

FEWEST = 16
LOOKED = 256

Weights = Sequence[str | Path | Mapping[str, Tensor] | nn.Module]


def networks(model: Model | str | Callable[..., nn.Module] | None, weights: Weights) -> list[nn.Module]:
    """The copies: from checkpoints, states or modules. Raises InvalidInput naming what does not fit."""
    made = None if model is None else Model.of(model)
    found: list[nn.Module] = []
    for k, state in enumerate(weights):
        if isinstance(state, nn.Module):
            found.append(state)
            continue
        if made is None:
            raise InvalidInput("weights without a model: name what makes it, MODULE:FACTORY")
        if isinstance(state, Mapping):
            module = made.build()
            check_state(module, state, f"of copy {k}")
            module.load_state_dict(state)
            found.append(module.eval())
        else:
            found.append(made.load(state))
    return found


def capture(
    modules: Sequence[nn.Module], probes: NDArray[Any], test_probes: NDArray[Any] | None = None, *,
    names: Sequence[str] | None = None, signs: str = "auto", samples: int = SAMPLES, seed: int = 0,
) -> Copies:  # fmt: skip
    """Answers and weights of all layers of copies.

    Args:
        modules: K of them.
        probes, test_probes: (M, ...) as the network takes them.
        names: of the layers; None: all that :mod:`simulate.copies.hooks` finds.
        signs: whether units may change sign: "auto" (where all activations are odd), "all" or "none".
        samples, seed: how many answers of a unit are kept, and which.

    Raises InvalidInput for copies of different layers or probes that the network does not take.
    """
    checks.one_of("signs", signs, ("auto", "all", "none"))
    checks.integer("samples", samples, 2)
    if not modules:
        raise InvalidInput("there are no copies")
    sets = {"training": probes} | (
        {} if test_probes is None or not len(test_probes) else {"test": test_probes}
    )
    tensors = {name: _probe(name, array, modules[0]) for name, array in sets.items()}
    shape: _Shape | None = None
    parts: dict[str, list[list[NDArray[Any]]]] = {name: [] for name in (*sets, "weights", "inputs")}
    for k, module in enumerate(modules):
        for name, tensor in tensors.items():
            found, output, missed = hooks.answers(module, tensor, names)
            if shape is None:
                shape = _Shape(found, tensor, output, missed)
            shape.check(found, k)
            parts[name].append([_rows(a.output, a.axis, samples, seed, i) for i, a in enumerate(found)])
            if name == "training":
                parts["weights"].append([shape.weights(i, a) for i, a in enumerate(found)])
                parts["inputs"].append([shape.inputs(i, a, samples, seed) for i, a in enumerate(found)])
    assert shape is not None
    signed = signs == "all" or (signs == "auto" and hooks.odd(modules[0]))
    layers = []
    for i, (name, kind) in enumerate(shape.layers):

        def stacked(what: str, i: int = i) -> NDArray[Any] | None:
            each = [copy[i] for copy in parts[what]]
            return np.stack(each) if each[0].size else None

        neurons = {p: x for p in PROBES if p in sets and (x := stacked(p)) is not None}
        layers.append(
            Layer(
                name, kind, neurons, stacked("weights"), stacked("inputs"), shape.fed_by[i],
                fixed=i == len(shape.layers) - 1, signed=signed,
            )
        )  # fmt: skip
    return Copies(tuple(layers), {"signs": "free" if signed else "kept", "missed": ", ".join(shape.missed)})


class _Shape:
    """How the layers of a network hang together, as its first copy shows."""

    def __init__(self, found: list[Answer], probes: Tensor, output: Tensor, missed: list[str]):
        self.layers = [(a.name, a.kind) for a in found]
        self.missed = missed
        self._sizes = [(tuple(a.output.shape[1:]), _size(a.weight)) for a in found]
        self.fed_by: list[int | None] = []
        self._channels: list[int | None] = []
        for i, answer in enumerate(found):
            self.fed_by.append(self._feeder(i, found, probes))
            before = found[i - 1] if i else None
            conv = before is not None and before.axis == 1 and answer.axis == -1
            units = before.output.shape[1] if conv and before is not None else 0
            fan_in = answer.weight.shape[1] if answer.weight is not None else 0
            self._channels.append(units if units and fan_in % units == 0 and fan_in > units else None)

    def check(self, found: list[Answer], k: int) -> None:
        """Raise InvalidInput if copy k has other layers."""
        layers = [(a.name, a.kind) for a in found]
        if layers != self.layers:
            raise InvalidInput(f"copy {k} has layers {layers}, copy 0 {self.layers}")
        for (name, _), mine, a in zip(self.layers, self._sizes, found, strict=True):
            if (mine[0], mine[1]) != (tuple(a.output.shape[1:]), _size(a.weight)):
                raise InvalidInput(f"copy {k}: {name} has another size than in copy 0")

    def weights(self, i: int, answer: Answer) -> NDArray[Any]:
        """(n, m) or (n, m, places); empty without any."""
        if answer.weight is None:
            return np.empty(0)
        weight = answer.weight.cpu().double().numpy()
        units = self._channels[i]
        if units is not None:
            return weight.reshape(len(weight), units, -1)
        flat = weight.reshape(*weight.shape[:2], -1)
        return flat[:, :, 0] if flat.shape[2] == 1 else flat

    def inputs(self, i: int, answer: Answer, samples: int, seed: int) -> NDArray[Any]:
        """(S, m) where the units that feed the layer are none of a layer; else empty."""
        if self.fed_by[i] is not None or answer.input is None or answer.weight is None:
            return np.empty(0)
        units = self._channels[i]
        if units is not None:
            return _rows(answer.input.reshape(len(answer.input), units, -1), 1, samples, seed, i)
        return _rows(answer.input, answer.input_axis, samples, seed, i)

    def _feeder(self, i: int, found: list[Answer], probes: Tensor) -> int | None:
        """Which layer's units, one by one, the inputs of layer i are a function of."""
        answer = found[i]
        if answer.weight is None:
            return None
        if answer.grouped:
            return OUTSIDE
        if answer.input is None:
            return None
        read = answer.input.reshape(len(answer.input), -1)
        given = probes.reshape(len(probes), -1)
        if read.shape == given.shape and torch.equal(read, given.to(read.dtype)):
            return OUTSIDE
        for j in reversed(range(i)):
            source = found[j].output.reshape(len(read), -1)
            if source.shape != read.shape or not _same_axis(found[j], answer):
                continue
            if _is_function(read, source):
                return j
        return None


def _same_axis(source: Answer, answer: Answer) -> bool:
    """Whether units of the source are, in their order, the units or blocks of units that the layer reads."""
    assert answer.input is not None
    if source.output.shape[1:] == answer.input.shape[1:]:
        return source.axis % source.output.ndim == answer.input_axis % answer.input.ndim
    return source.axis == 1 and answer.input.ndim == 2  # flattened channels


def _is_function(read: Tensor, source: Tensor) -> bool:
    """Whether each column of ``read`` is a smooth function of that column of ``source``."""
    if len(read) < FEWEST:
        return False
    chosen = torch.linspace(0, read.shape[1] - 1, min(LOOKED, read.shape[1])).long()
    read, source = read[:LOOKED, chosen].double(), source[:LOOKED, chosen].double()
    along = read.gather(0, source.argsort(dim=0))
    span = along.amax(0) - along.amin(0)
    moving = span > 1e-6 * span.max()
    if not moving.any() or span.max() == 0:
        return False
    runs = along.diff(dim=0).abs().sum(0)[moving] / span[moving]
    return bool(runs.max() <= RUNS)


def _rows(answers: Tensor, axis: int, samples: int, seed: int, place: int) -> NDArray[Any]:
    """Answers as (S, n), float32: of more than ``samples`` rows some, the same of every copy."""
    moved = answers.movedim(axis, -1)
    flat = moved.reshape(-1, moved.shape[-1]).float().cpu().numpy()
    if len(flat) <= samples:
        return flat
    stream = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(place,)))
    return np.asarray(flat[np.sort(stream.choice(len(flat), samples, replace=False))])


def _probe(name: str, array: NDArray[Any], module: nn.Module) -> Tensor:
    given = np.asarray(array)
    if given.dtype.kind not in "fiu" or (given.ndim < 2 and given.dtype.kind == "f") or len(given) < 2:
        raise InvalidInput(
            f"{name} probes must be numbers (probes, ...), 2 or more, not {given.dtype} {given.shape}"
        )
    if not np.isfinite(given).all():
        raise InvalidInput(f"{name} probes hold NaN or infinity")
    parameter = next((p for p in module.parameters() if p.is_floating_point()), torch.empty(0))
    tensor = torch.from_numpy(np.ascontiguousarray(given))
    return tensor.to(parameter.dtype) if given.dtype.kind == "f" else tensor.long()


def _size(weight: Tensor | None) -> tuple[int, ...]:
    return () if weight is None else tuple(weight.shape)
