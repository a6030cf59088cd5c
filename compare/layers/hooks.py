"""What each layer of one network answers: found and recorded by hooks.

A layer is a Linear, a convolution, or a projection of a MultiheadAttention (``NAME.query``, ``NAME.key``,
``NAME.value``, ``NAME.out``); the user may name any others, which then have answers and no weights. Answers
are what the module returns: of a Linear the field of its neurons, before the activation. Units are channels
of a convolution, the last axis else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from deepglass.errors import InvalidInput

WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d)
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)
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


def answers(
    module: nn.Module, probes: Tensor, names: Sequence[str] | None = None
) -> tuple[list[Answer], Tensor, list[str]]:
    """Answers of all layers to probes (M, ...), in the order in which they are first called; the network's
    outputs; layers that were not reached.

    Raises InvalidInput if the network does not take the probes.
    """
    listened = layers_of(module, names)
    seen: dict[str, list[tuple[Tensor | None, Tensor]]] = {}
    handles = [
        part.register_forward_hook(_listener(name, part, seen), with_kwargs=True)
        for name, part in listened.items()
    ]
    mode, fast = module.training, torch.backends.mha.get_fastpath_enabled()
    module.eval()
    torch.backends.mha.set_fastpath_enabled(False)  # it goes round hooks
    outputs = []
    try:
        with torch.no_grad():
            for i in range(0, len(probes), BATCH):
                for parts in seen.values():
                    parts.append((None, torch.empty(0)))  # a place for this batch's first call
                outputs.append(_tensor(module(probes[i : i + BATCH]), "the network"))
    except (RuntimeError, IndexError, ValueError, TypeError) as error:
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InvalidInput(
            f"the network does not take probes of shape {tuple(probes.shape[1:])}, {probes.dtype}: {said}"
        ) from error
    finally:
        for handle in handles:
            handle.remove()
        torch.backends.mha.set_fastpath_enabled(fast)
        module.train(mode)
    found = []
    for name, parts in seen.items():
        owner, _, projection = name.rpartition("::")
        part = listened[owner or projection]
        reads = [x for x, _ in parts]
        read = torch.cat(reads) if all(x is not None for x in reads) else None  # type: ignore[arg-type]
        found.append(_answer(part, owner, projection, read, torch.cat([y for _, y in parts])))
    missed = [name for name in listened if name not in {n.rpartition("::")[0] or n for n in seen}]
    if not found:
        raise InvalidInput(f"none of the layers {', '.join(listened)} was reached by the probes")
    return found, torch.cat(outputs), missed


def _listener(name: str, part: nn.Module, seen: dict[str, list[tuple[Tensor | None, Tensor]]]) -> Any:
    def keep(key: str, read: Any, answer: Tensor) -> None:
        parts = seen.setdefault(key, [(None, torch.empty(0))])
        if not parts[-1][1].numel():  # of several calls in one pass, the first
            parts[-1] = (read.detach() if isinstance(read, Tensor) else None, answer.detach())

    def hook(module: nn.Module, given: tuple[Any, ...], keywords: dict[str, Any], result: Any) -> None:
        if isinstance(part, nn.MultiheadAttention):
            named = dict(zip(("query", "key", "value"), given, strict=False)) | keywords
            for projection, weight, bias in _projections(part):
                read = named[projection]
                flat = torch.nn.functional.linear(read, weight, bias)
                keep(f"{name}::{projection}", _probes_first(part, read), _probes_first(part, flat))
            keep(f"{name}::out", None, _probes_first(part, _tensor(result, name)))
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
    return list(zip(("query", "key", "value"), weights, biases, strict=True))


def _tensor(result: Any, name: str) -> Tensor:
    if isinstance(result, tuple | list) and result:
        result = result[0]
    if not isinstance(result, Tensor):
        raise InvalidInput(f"{name} returns a {type(result).__name__}, not a tensor: name other layers")
    return result


def _answer(part: nn.Module, owner: str, last: str, read: Tensor | None, output: Tensor) -> Answer:
    name = f"{owner}.{last}" if owner else last
    if isinstance(part, nn.MultiheadAttention):
        weights = {projection: weight for projection, weight, _ in _projections(part)}
        weight = weights.get(last, part.out_proj.weight)
        return Answer(name, "MultiheadAttention", output, -1, read, -1, weight.detach())
    kind = type(part).__name__
    if isinstance(part, CONVOLUTIONS):
        return Answer(name, kind, output, 1, read, 1, part.weight.detach(), part.groups > 1)
    if isinstance(part, nn.Linear):
        return Answer(name, kind, output, -1, read, -1, part.weight.detach())
    return Answer(name, kind, output, 1 if output.ndim > 3 else -1)
