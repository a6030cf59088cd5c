"""Classification by softmax: the cross-entropy of outputs, its slope, and how often the largest is right."""

import torch
from torch import Tensor


def cross_entropy(z: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Mean over patterns, (B,), of outputs (B, classes, P) for targets (B, P), and its slope in ``z``."""
    logs = torch.log_softmax(z, dim=1)
    chosen = targets[:, None]
    cost = -logs.gather(1, chosen)[:, 0].mean(1)
    slope = logs.exp_().scatter_add_(1, chosen, logs.new_full((1, 1, 1), -1.0).expand(chosen.shape))
    return cost, slope.div_(z.shape[-1])


def score(z: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy and fraction of right answers, (2, B), in float64; ``targets`` (P,) are shared."""
    wide = z.double()
    chosen = targets.expand(len(z), 1, -1)
    cost = torch.logsumexp(wide, 1) - wide.gather(1, chosen)[:, 0]
    right = (wide.argmax(1) == targets).double()
    return torch.stack([cost.mean(1), right.mean(1)])
