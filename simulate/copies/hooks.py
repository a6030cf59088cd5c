"""What each layer of one network answers: found and recorded by hooks.

A layer is a Linear, a convolution, or a projection of a MultiheadAttention (``NAME.query``, ``NAME.key``,
``NAME.value``, ``NAME.out``); the user may name any others, which then have answers and no weights. Answers
are what the module returns: of a Linear the field of its neurons, before the activation. Units are channels
of a convolution, the last axis else.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from deepglass.errors import DeepglassError, InvalidInput
from simulate.copies.attention import plain_attention
from simulate.copies.models import first_line

WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d)
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)
PROJECTIONS = ("query", "key", "value", "out")
BATCH = 256
ODD = (nn.Tanh, nn.Hardtanh, nn.Softsign, nn.Tanhshrink, nn.Softshrink, nn.Hardshrink)
ACTIVATIONS = tuple(
    x for x in vars(nn.modules.activation).values()
    if isinstance(x, type) and issubclass(x, nn.Module) and x not in (nn.Module, nn.MultiheadAttention)
)  # fmt: skip
UNEVEN = (
    nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.LayerNorm,
    nn.GroupNorm, nn.MultiheadAttention,
)  # fmt: skip
"""Modules that do not commute with the sign of a single unit, beside activations that are not odd."""


@dataclass(frozen=True, eq=False)
class Answer:
    """Of a layer, to all probes: as the module gave them.

    Attributes:
        name, kind: of the layer.
        output: (M, ...); ``axis`` counts its units.
        input: what it read, or None where that is not seen; ``input_axis`` counts the units.
        weight: (n, m, ...) or None.
        grouped: a convolution whose outputs read some inputs only.
    """

    name: str
    kind: str
    output: Tensor
    axis: int
    input: Tensor | None = None
    input_axis: int = -1
    weight: Tensor | None = None
    grouped: bool = False


def layers_of(module: nn.Module, names: Sequence[str] | None = None) -> dict[str, nn.Module]:
    """The modules to listen to, by name. Raises InvalidInput for a name that is none, or if none is found."""
    known = dict(module.named_modules())
    if names:
        for name in names:
            if name not in known or name == "":
                listed = ", ".join(n for n in known if n)
                raise InvalidInput(f"layer {name!r} is no module of the network; it has {listed}")
        return {name: known[name] for name in names}
    attention = tuple(f"{n}." for n, m in known.items() if isinstance(m, nn.MultiheadAttention))
    found: dict[str, nn.Module] = {
        name: part
        for name, part in known.items()
        if isinstance(part, (*WEIGHTED, nn.MultiheadAttention))
        and not (attention and name.startswith(attention))
    }
    if not found:
        raise InvalidInput("the network has no Linear, Conv1d, Conv2d or MultiheadAttention; name its layers")
    return found


def odd(module: nn.Module) -> bool:
    """Whether all activations that are modules are odd (there is one at least), and nothing else depends on
    the sign of a unit: then units may change sign."""
    parts = list(module.modules())
    activations = [x for x in parts if isinstance(x, ACTIVATIONS)]
    return (
        bool(activations)
        and all(isinstance(x, ODD) for x in activations)
        and not any(isinstance(x, UNEVEN) for x in parts)
    )


Seen = dict[str, tuple[Tensor | None, Tensor]]
"""What layers read (None where that is not seen) and answered, in the order in which they were called."""


@contextmanager
def listening(module: nn.Module, names: Sequence[str] | None = None) -> Iterator[Seen]:
    """While it lasts, every forward pass writes into the mapping what it does not hold yet: clear it before
    each. Raises as :func:`layers_of`; the network is left as it was."""
    seen: Seen = {}
    handles = [
        part.register_forward_hook(_hook(name, part, seen), with_kwargs=True)
        for name, part in layers_of(module, names).items()
    ]
    try:
        with plain_attention():
            yield seen
    finally:
        for handle in handles:
            handle.remove()


def answers(
    module: nn.Module, probes: Tensor, names: Sequence[str] | None = None
) -> tuple[list[Answer], Tensor, list[str]]:
    """Answers of all layers to probes (M, ...), in the order in which they are first called; the network's
    outputs; layers that were not reached.

    Raises InvalidInput if the network does not take the probes.
    """
    parts: dict[str, list[tuple[Tensor | None, Tensor]]] = {}
    outputs = []
    mode = module.training
    module.eval()
    try:
        with torch.no_grad(), listening(module, names) as seen:
            for i in range(0, len(probes), BATCH):
                seen.clear()
                outputs.append(_tensor(module(probes[i : i + BATCH]), "the network"))
                for name, found in seen.items():
                    parts.setdefault(name, []).append(found)
    except DeepglassError:
        raise
    except Exception as error:  # the user's own code
        raise InvalidInput(
            f"the network does not take probes of shape {tuple(probes.shape[1:])}, {probes.dtype}:"
            f" {first_line(error)}"
        ) from error
    finally:
        module.train(mode)
    if not parts:
        raise InvalidInput(f"none of the layers {', '.join(layers_of(module, names))} was reached")
    reached = {place_of(module, name)[0] for name in parts}
    missed = [name for name in layers_of(module, names) if name not in reached]
    return [_answer(module, name, each) for name, each in parts.items()], torch.cat(outputs), missed


def place_of(module: nn.Module, name: str) -> tuple[str, str]:
    """The module that a layer is of, and which projection of it, if it is one of an attention."""
    owner, _, projection = name.rpartition(".")
    known = dict(module.named_modules())
    if projection in PROJECTIONS and isinstance(known.get(owner), nn.MultiheadAttention):
        return owner, projection
    return name, ""


def weight_of(module: nn.Module, name: str) -> Tensor | None:
    """The weights of a layer, or a part of them: a view of a parameter; None if it has none."""
    owner, projection = place_of(module, name)
    part = module.get_submodule(owner)
    if isinstance(part, nn.MultiheadAttention):
        found = {key: weight for key, weight, _ in _projections(part)}
        return found.get(projection, part.out_proj.weight)
    return part.weight if isinstance(part, WEIGHTED) else None


def units_axis(module: nn.Module, name: str, answer: Tensor) -> int:
    """Which axis of a layer's answer counts its units."""
    part = module.get_submodule(place_of(module, name)[0])
    return 1 if isinstance(part, CONVOLUTIONS) or (not weighted(part) and answer.ndim > 3) else -1


def weighted(part: nn.Module) -> bool:
    """Whether a module is one of those whose weights are looked at."""
    return isinstance(part, (*WEIGHTED, nn.MultiheadAttention))


def _hook(name: str, part: nn.Module, seen: Seen) -> Any:
    def keep(key: str, read: Any, answer: Tensor) -> None:
        if key not in seen:  # of several calls in one pass, the first
            seen[key] = read.detach() if isinstance(read, Tensor) else None, answer.detach()

    def hook(module: nn.Module, given: tuple[Any, ...], keywords: dict[str, Any], result: Any) -> None:
        if isinstance(part, nn.MultiheadAttention):
            named = dict(zip(PROJECTIONS[:3], given, strict=False)) | keywords
            for projection, weight, bias in _projections(part):
                read = named[projection]
                flat = torch.nn.functional.linear(read, weight, bias)
                keep(f"{name}.{projection}", _probes_first(part, read), _probes_first(part, flat))
            keep(f"{name}.out", None, _probes_first(part, _tensor(result, name)))
        else:
            keep(name, given[0] if given else next(iter(keywords.values()), None), _tensor(result, name))

    return hook


def _probes_first(part: nn.MultiheadAttention, x: Tensor) -> Tensor:
    return x if part.batch_first or x.ndim < 3 else x.transpose(0, 1)


def _projections(part: nn.MultiheadAttention) -> list[tuple[str, Tensor, Tensor | None]]:
    whole: Any = part.in_proj_weight
    weights: Any = (part.q_proj_weight, part.k_proj_weight, part.v_proj_weight)
    if whole is not None:
        weights = whole.chunk(3)
    biases: Any = (None,) * 3 if part.in_proj_bias is None else part.in_proj_bias.chunk(3)
    return list(zip(PROJECTIONS[:3], weights, biases, strict=True))


def _tensor(result: Any, name: str) -> Tensor:
    if isinstance(result, tuple | list) and result:
        result = result[0]
    if not isinstance(result, Tensor):
        raise InvalidInput(f"{name} returns a {type(result).__name__}, not a tensor: name other layers")
    return result


def _answer(module: nn.Module, name: str, parts: list[tuple[Tensor | None, Tensor]]) -> Answer:
    part = module.get_submodule(place_of(module, name)[0])
    output, weight = torch.cat([y for _, y in parts]), weight_of(module, name)
    reads = [x for x, _ in parts if x is not None]
    convolution = isinstance(part, CONVOLUTIONS)
    return Answer(
        name, type(part).__name__, output, units_axis(module, name, output),
        torch.cat(reads) if len(reads) == len(parts) and weighted(part) else None, 1 if convolution else -1,
        None if weight is None else weight.detach(), convolution and getattr(part, "groups", 1) > 1,
    )  # fmt: skip
