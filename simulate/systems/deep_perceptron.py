"""The deep perceptron of the replica theory (Yoshino, SciPost Phys. Core 2, 005 (2020)), to be simulated.

Neurons S_l = +-1 (l = 0..L) of every pattern and weights J_l (l = 1..L), each perceptron's on the sphere
|J|^2 = c, where c is how many neurons of the layer below it reads (c = N: all). Gaps and energy:

    r_(l,i,mu) = S_(l,i,mu) sum_j J_(l,i,j) S_(l-1,j,mu) / sqrt(c),      H = sum v(r)

    soft: v = (r - kappa)^2/2 for r < kappa, else 0      hard: v = 1 for r < kappa, else 0

The hard core of the theory is ``hard`` at temperature 0: moves that never violate a further gap keep a
solution a solution, and lead towards one from elsewhere.

Layout: a flat row of P numbers per machine, first all neurons (L + 1, N, M), the frozen ones too, then the
weights (L, N, c). Patterns are the fastest index. The batch is the leading axis everywhere.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepglass import checks
from simulate.systems.wiring import Wiring

__all__ = ["POTENTIALS", "DeepPerceptron"]

POTENTIALS = ("soft", "hard")


@dataclass(frozen=True)
class DeepPerceptron:
    """Shapes, gaps and energies of a batch of deep perceptrons.

    Attributes:
        depth, width, patterns: L >= 1, N >= 1, M >= 1; alpha = M/c.
        degree: c <= N; None: N.
        potential: "soft" or "hard".
        margin: kappa.
        dtype, device: of the state.

    Raises InvalidInput naming the value that cannot be.
    """

    depth: int
    width: int
    patterns: int
    degree: int | None = None
    potential: str = "soft"
    margin: float = 0.0
    dtype: torch.dtype = torch.float32
    device: torch.device | str = "cpu"

    def __post_init__(self) -> None:
        for name in ("depth", "width", "patterns"):
            object.__setattr__(self, name, checks.integer(name, getattr(self, name), 1))
        degree = self.width if self.degree is None else self.degree
        object.__setattr__(self, "degree", checks.integer("degree", degree, 1, self.width))
        checks.one_of("potential", self.potential, POTENTIALS)
        object.__setattr__(self, "margin", checks.real("margin", self.margin))
        object.__setattr__(self, "device", torch.device(self.device))

    def on(self, device: torch.device | str) -> "DeepPerceptron":
        """The same elsewhere."""
        return replace(self, device=device)

    @property
    def c(self) -> int:
        """How many neurons a perceptron reads."""
        assert self.degree is not None
        return self.degree

    @property
    def alpha(self) -> float:
        """M/c."""
        return self.patterns / self.c

    @property
    def neurons(self) -> int:
        """How many of the P numbers are neurons."""
        return (self.depth + 1) * self.width * self.patterns

    @property
    def particles(self) -> int:
        """P."""
        return self.neurons + self.depth * self.width * self.c

    def spins(self, state: Tensor) -> Tensor:
        """The neurons (B, L + 1, N, M) of states (B, P), the same memory."""
        return state[:, : self.neurons].view(-1, self.depth + 1, self.width, self.patterns)

    def weights(self, state: Tensor) -> Tensor:
        """The weights (B, L, N, c), the same memory."""
        return state[:, self.neurons :].view(-1, self.depth, self.width, self.c)

    def state(self, spins: Tensor, weights: Tensor) -> Tensor:
        """States (B, P) of neurons (B, L + 1, N, M) and weights (B, L, N, c)."""
        return torch.cat([spins.flatten(1), weights.flatten(1)], dim=1).to(self.dtype)

    def cost(self, gaps: Tensor) -> Tensor:
        """v, element by element."""
        below = gaps - self.margin
        if self.potential == "hard":
            return (below < 0).to(gaps.dtype)
        return below.clamp(max=0).square() / 2

    def matrices(self, weights: Tensor, wirings: Sequence[Wiring]) -> Tensor:
        """Weights (B, L, N, c) as matrices (B, L, N, N), zero where nothing is read."""
        if self.c == self.width:  # everyone reads everyone, in order
            return weights
        inputs = torch.as_tensor(np.stack([w.inputs for w in wirings]), device=weights.device).long()
        full = weights.new_zeros(*weights.shape[:3], self.width)
        return full.scatter_(3, inputs, weights)

    def gaps(self, state: Tensor, wirings: Sequence[Wiring]) -> Tensor:
        """r, (B, L, N, M)."""
        spins = self.spins(state)
        fields = self.matrices(self.weights(state), wirings) @ spins[:, :-1]
        return spins[:, 1:] * fields / math.sqrt(self.c)

    def energy(self, state: Tensor, wirings: Sequence[Wiring]) -> Tensor:
        """H by layer l = 1..L, (B, L), float64; for ``hard`` the number of violated gaps."""
        return self.cost(self.gaps(state.double(), wirings)).sum((2, 3))

    def forward(self, weights: Tensor, wirings: Sequence[Wiring], inputs: Tensor) -> Tensor:
        """The network's own answer to inputs (B, N, M'): neurons (B, L + 1, N, M') with every gap >= 0."""
        layers = [inputs]
        for matrix in self.matrices(weights, wirings).unbind(1):
            layers.append(torch.where(matrix @ layers[-1] >= 0, 1.0, -1.0).to(inputs.dtype))
        return torch.stack(layers, dim=1)


def on_sphere(gaussian: NDArray[np.floating]) -> NDArray[np.float64]:
    """Normal deviates as vectors along the last axis, of squared length c: uniform on that sphere."""
    norm = np.linalg.norm(gaussian, axis=-1, keepdims=True)
    return np.asarray(gaussian * (math.sqrt(gaussian.shape[-1]) / norm), dtype=float)
