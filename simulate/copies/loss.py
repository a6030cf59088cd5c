"""Losses of one network on patterns, by name: what training descends and Langevin dynamics moves in."""

import importlib
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from deepglass import checks
from deepglass.errors import InvalidInput

Loss = Callable[[Tensor, Tensor], Tensor]
"""Of outputs (M, ...) and targets (M,) or (M, ...), a number: the mean over patterns."""


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean of -ln p of the right class."""
    return functional.cross_entropy(outputs, targets)


def squares(outputs: Tensor, targets: Tensor) -> Tensor:
    """Half the squared distance to the targets, or to the one-hot of classes, mean over patterns."""
    if not targets.is_floating_point():
        targets = (targets[..., None] == torch.arange(outputs.shape[-1], device=targets.device)).to(outputs)
    return (outputs - targets).square().reshape(len(outputs), -1).sum(1).mean() / 2


LOSSES: dict[str, Loss] = {"cross-entropy": cross_entropy, "squares": squares}


def check(name: object) -> str:
    """The name of a loss: of LOSSES or ``MODULE:FUNCTION``; raises InvalidInput for anything else."""
    if isinstance(name, str) and ":" in name:
        return name
    return checks.one_of("loss", name, [*LOSSES, "MODULE:FUNCTION"])


def named(name: str | Loss) -> Loss:
    """The loss of this name; a function is itself. Raises InvalidInput if it cannot be imported."""
    if not isinstance(name, str):
        return name
    if check(name) in LOSSES:
        return LOSSES[name]
    module, _, attribute = name.partition(":")
    try:
        found: Any = getattr(importlib.import_module(module), attribute, None)
    except ImportError as error:
        raise InvalidInput(f"loss = {name!r}: {module} cannot be imported: {error}") from error
    if not callable(found):
        raise InvalidInput(f"loss = {name!r}: {module} has no {attribute} that can be called")
    loss: Loss = found
    return loss
