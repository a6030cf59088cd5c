"""What is measured of a batch of ReLU networks; every reduction is in float64."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from simulate.contract import Array
from simulate.relu.recorded import BINS, HIGHEST, LOWEST, PER_DECADE
from simulate.systems.relu_network import SATISFIED, ReluNetwork, loss

TOGETHER = 2**24
"""Numbers of the patterns' answers that are computed at the same time."""


class Observables:
    """Of networks (B, N); ``x, y`` are training patterns and their labels, ``test`` those of the test."""

    def __init__(
        self, network: ReluNetwork, lambda_: float, factors: tuple[float, ...], x: Tensor, y: Tensor,
        test: tuple[Tensor, Tensor],
    ):  # fmt: skip
        self.network, self.lambda_, self.factors = network, lambda_, factors
        self.x, self.y, self.test = x, y, test

    def one_time(self, r: Tensor) -> dict[str, Tensor]:
        """(B,) each, ``norm2`` (B, L)."""
        wide = r.double()

        def fit(f: Tensor) -> Tensor:
            return torch.stack([loss(f, self.y), (1 - f * self.y > SATISFIED).double().mean(1)])

        data, unsatisfied = self._answers(r, self.x, fit)
        norms = torch.stack([x.square().sum((1, 2)) for x in self.network.layers(wide)], dim=1)
        test_loss = test_error = torch.full_like(data, torch.nan)
        points, labels = self.test
        if points.shape[1]:

            def missed(f: Tensor) -> Tensor:
                return torch.stack([loss(f, labels), (f * labels <= 0).double().mean(1)])

            test_loss, test_error = self._answers(r, points, missed)
        return {
            "loss": data,
            "U": data + self.lambda_ / 2 * norms.sum(1),
            "unsatisfied": unsatisfied,
            "norm2": norms,
            "sigma": wide.std(1, correction=0),
            "test_loss": test_loss,
            "test_error": test_error,
        }

    def two_time(self, r: Tensor, past: Tensor) -> dict[str, Tensor]:
        """Displacements since ``past`` (B, N): (B,) each, or (B, factors), (B, L), (B, bins)."""
        then = past.double()
        moved = r.double() - then
        lengths = then.std(1, correction=0)[:, None] / moved.new_tensor(self.factors)
        near = moved.abs()
        squares = moved.square()
        msd = squares.mean(1)
        layers = self.network.layers
        within = (near <= lengths[:, :1]).double()
        return {
            "overlap": torch.stack([(near <= x[:, None]).double().mean(1) for x in lengths.T], dim=1),
            "overlap_layer": torch.stack([x.mean((1, 2)) for x in layers(within)], dim=1),
            "msd": msd,
            "msd_layer": torch.stack([x.mean((1, 2)) for x in layers(squares)], dim=1),
            # 0/0 where nothing has moved: missing.
            "alpha2": squares.square().mean(1) / (3 * msd.square()) - 1,
            "displacements": _histogram(near.cpu().numpy()),
        }

    def _answers(self, r: Tensor, x: Tensor, reduce: Callable[[Tensor], Tensor]) -> Tensor:
        """A reduction (k, B) of answers (B, P), a few networks at a time."""
        few = max(1, TOGETHER // (x.shape[1] * self.network.width * self.network.depth))
        parts = [reduce(self.network.outputs(r[i : i + few], x).double()) for i in range(0, len(r), few)]
        return torch.cat(parts, dim=1)


def _histogram(near: Array) -> Tensor:
    """Fractions of the distances (B, N) in the bins, (B, bins)."""
    with np.errstate(divide="ignore"):
        places = np.floor((np.log10(near) - LOWEST) * PER_DECADE)
    inside = (places >= 0) & (places < (HIGHEST - LOWEST) * PER_DECADE)
    rows = np.nonzero(inside)[0]
    flat = rows * len(BINS) + places[inside].astype(np.int64)
    counts = np.bincount(flat, minlength=len(near) * len(BINS)).reshape(len(near), -1)
    return torch.from_numpy(counts / near.shape[1])
