"""The thermal deep learning machine (Huang, Chan, Yoshino, Zhang, Jin, arXiv:2506.06789, Eqs. 2-3).

Particles: hidden spins S_l (l = 1..L-1) of every pattern and weights J_l (l = 1..L), all in (-1, 1).
Inputs S_0 and labels S_L are frozen at +-1.

    E_l = || S_l - tanh(c_l J_l S_{l-1}) ||_F,      H = sum_{l=1..L} E_l

With y_l = tanh(.), a_l = (S_l - y_l)/E_l and d_l = c_l a_l (1 - y_l^2) the forces are

    F_S_l = -a_l + J_{l+1}^T d_{l+1}   (l = 1..L-1),      F_J_l = d_l S_{l-1}^T   (l = 1..L)

Layout: one flat row of P particles per machine, first the spins (L-1, N, M), then J_1 (N, N_0),
J_2..J_{L-1} (L-2, N, N), J_L (N_L, N). Patterns are the fastest index, so that layer 1 of the whole
batch is a single matrix product. The batch (samples x replicas) is the leading axis everywhere.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from deepglass import checks
from simulate import noise

STARTS = ("small", "uniform")
C_SCALES = ("1", "inv-sqrt")


@dataclass(frozen=True)
class Views:
    """The same memory as a flat batch (B, P), by layer; ``hidden`` and ``last`` are empty for L = 1."""

    S: torch.Tensor  # (B, L-1, N, M)
    first: torch.Tensor  # J_1: (B, N or N_L, N_0)
    hidden: torch.Tensor  # J_2..J_{L-1}: (B, max(L-2, 0), N, N)
    last: torch.Tensor  # J_L for L > 1: (B, N_L, N); (B, 0, N) for L = 1


class ThermalMachine:
    """Energy, force, start and test network of a batch of machines on one data set.

    Args:
        inputs: (M, N_0) of +-1.  outputs: (M, N_L) of +-1.
        depth: L >= 1.  width: N >= 1.
        c_scale: "1" (as printed) or "inv-sqrt" (c_l = 1/sqrt(N_{l-1})).
        dtype, device: of the particles. Energies are always reduced in float64.
    """

    def __init__(
        self,
        inputs: NDArray[np.int8],
        outputs: NDArray[np.int8],
        depth: int,
        width: int,
        c_scale: str = "1",
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ):
        checks.one_of("c_scale", c_scale, C_SCALES)
        self.depth = checks.integer("depth", depth, 1)
        self.width = checks.integer("width", width, 1)
        self.dtype, self.device = dtype, torch.device(device)
        # Contiguous (N_0, M) and its transpose, both used by layer 1 in every step.
        self.inputs = torch.tensor(inputs.T.copy(), dtype=dtype, device=self.device)
        self.inputs_transposed = self.inputs.T.contiguous()
        self.outputs = torch.tensor(outputs.T.copy(), dtype=dtype, device=self.device)
        self.patterns = inputs.shape[0]
        n0, n, nl = inputs.shape[1], width, outputs.shape[1]
        self.first_shape = (n if depth > 1 else nl, n0)
        self.last_shape = (nl if depth > 1 else 0, n)
        self.c_first, self.c = (1 / math.sqrt(n0), 1 / math.sqrt(n)) if c_scale == "inv-sqrt" else (1.0, 1.0)
        shapes = ((depth - 1, n, self.patterns), self.first_shape, (max(depth - 2, 0), n, n), self.last_shape)
        self._shapes = shapes
        self._ends = np.cumsum([math.prod(shape) for shape in shapes]).tolist()
        self._buffers: tuple[torch.Tensor, torch.Tensor] | None = None

    @staticmethod
    def count(depth: int, width: int, patterns: int, inputs: int, outputs: int) -> int:
        """Particles of one machine of this shape, before anything is allocated."""
        if depth == 1:
            return inputs * outputs
        return (depth - 1) * width * patterns + width * (inputs + outputs + (depth - 2) * width)

    @property
    def particles(self) -> int:
        """P, the number of particles of one machine."""
        return int(self._ends[-1])

    def views(self, flat: torch.Tensor) -> Views:
        """A batch (B, P) by layer, without copying."""
        starts = [0, *self._ends[:-1]]
        parts = (
            flat[:, a:b].view(flat.shape[0], *shape)
            for a, b, shape in zip(starts, self._ends, self._shapes, strict=True)
        )
        return Views(*parts)

    def neuron_layers(self, flat: torch.Tensor) -> list[torch.Tensor]:
        """Hidden spins l = 1..L-1, each (B, N M)."""
        return [layer.flatten(1) for layer in self.views(flat).S.unbind(1)]

    def weight_layers(self, flat: torch.Tensor) -> list[torch.Tensor]:
        """Weights l = 1..L, each (B, N_l N_{l-1})."""
        return [layer.flatten(1) for layer in self._weights(self.views(flat))]

    def start(self, law: str, seed: int, samples: range) -> torch.Tensor:
        """Positions (B, P) of fresh, independent samples at rest.

        "small": S ~ 0.1 N(0, 1), J ~ 0.01 N(0, 1); "uniform": all uniform in (-1, 1), as the paper says.
        """
        checks.one_of("start", law, STARTS)
        rows = []
        spins = self._ends[0]
        for sample in samples:
            generator = np.random.default_rng(noise.key(seed, sample, 0, noise.START))
            if law == "uniform":
                row = generator.uniform(-1, 1, self.particles)
            else:
                row = generator.standard_normal(self.particles)
                row[:spins] *= 0.1
                row[spins:] *= 0.01
                # A 10 sigma deviate would start outside the walls.
                row.clip(-1, 1, out=row)
            rows.append(row)
        return torch.tensor(np.stack(rows), dtype=self.dtype, device=self.device)

    def energy(self, r: torch.Tensor) -> torch.Tensor:
        """E_l of every machine, (B, L), reduced in float64."""
        w = self.views(r)
        below = self.inputs.expand(r.shape[0], -1, -1)
        energies = []
        targets = [*w.S.unbind(1), self.outputs]
        for c, j, target in zip(self._scales(), self._weights(w), targets, strict=True):
            y = torch.tanh(c * (j @ below))
            energies.append(torch.linalg.vector_norm((target - y).double(), dim=(1, 2)))
            below = target
        return torch.stack(energies, dim=1)

    def force(self, r: torch.Tensor, out: torch.Tensor) -> None:
        """Write minus the gradient of H at ``r`` (B, P) into ``out`` (B, P)."""
        w, f = self.views(r), self.views(out)
        if self.depth == 1:
            _, d = self._top(w.first, self.inputs, self.c_first)
            torch.matmul(d, self.inputs_transposed, out=f.first).mul_(self.c_first)
            return
        y, d = self._workspace(w.S)
        batch, n = r.shape[0], self.width
        s_below = w.S[:, :-1].contiguous()

        # Hidden targets: y_l = tanh(c_l J_l S_{l-1}), l = 1..L-1.
        z_first = (self.c_first * w.first).view(batch * n, -1) @ self.inputs
        y[:, 0] = z_first.view(batch, n, -1)
        if self.depth > 2:
            y[:, 1:] = torch.matmul(self.c * w.hidden, s_below)
        y.tanh_()

        # f.S = -a_l, then d = a_l (1 - y_l^2); c_l is applied to the small factors of each product.
        torch.sub(y, w.S, out=f.S)
        f.S.mul_(_inverse(torch.linalg.vector_norm(f.S, dim=(2, 3), keepdim=True)))
        torch.mul(y.square_(), f.S, out=d).sub_(f.S)
        top, d_top = self._top(w.last, w.S[:, -1], self.c)

        f.S[:, -1] += top
        f.last.copy_(d_top @ w.S[:, -1].transpose(1, 2)).mul_(self.c)
        f.first.copy_((d[:, 0].reshape(batch * n, -1) @ self.inputs_transposed).view_as(f.first)).mul_(
            self.c_first
        )
        if self.depth > 2:
            f.S[:, :-1] += torch.matmul((self.c * w.hidden).transpose(2, 3), d[:, 1:])
            f.hidden.copy_(torch.matmul(d[:, 1:], s_below.transpose(2, 3))).mul_(self.c)

    def _top(self, j: torch.Tensor, below: torch.Tensor, c: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Output layer: the force it puts on the layer below, and d_L / c_L."""
        y = torch.tanh((c * j) @ below)
        a = self.outputs - y
        a *= _inverse(torch.linalg.vector_norm(a, dim=(1, 2), keepdim=True))
        d = a * (1 - y * y)
        return (c * j).transpose(1, 2) @ d, d

    def _workspace(self, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if self._buffers is None or self._buffers[0].shape != like.shape:
            shape = tuple(like.shape)
            self._buffers = (
                torch.empty(shape, dtype=self.dtype, device=self.device),
                torch.empty(shape, dtype=self.dtype, device=self.device),
            )
        return self._buffers

    def _scales(self) -> list[float]:
        return [self.c_first] + [self.c] * (self.depth - 1)

    def _weights(self, w: Views) -> list[torch.Tensor]:
        return [w.first, *w.hidden.unbind(1), *([w.last] if self.depth > 1 else [])]

    def feed_forward(self, r: torch.Tensor, inputs: torch.Tensor, activation: str) -> torch.Tensor:
        """Pre-activation of the output layer, (B, N_L, M'), of the network with the weights of ``r``.

        ``inputs``: (N_0, M'); hidden units are "tanh" or "sgn" (Eq. 12) of c_l J_l y_{l-1}.
        """
        act = torch.tanh if activation == "tanh" else torch.sign
        y = inputs.expand(r.shape[0], -1, -1)
        for c, j in zip(self._scales(), self._weights(self.views(r)), strict=True):
            z = c * (j @ y)
            y = act(z)
        return z


def _inverse(norm: torch.Tensor) -> torch.Tensor:
    """1/E with 1/0 = 0: at the tip of the cone the residual, and with it the force, is zero."""
    return torch.where(norm > 0, 1 / norm, torch.zeros_like(norm))
