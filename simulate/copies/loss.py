"""Losses of one network on patterns, by name: what training descends and Langevin dynamics moves in."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from deepglass import checks

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


def named(name: str | Loss) -> Loss:
    """The loss of this name; a function is itself."""
    return LOSSES[checks.one_of("loss", name, LOSSES)] if isinstance(name, str) else name
