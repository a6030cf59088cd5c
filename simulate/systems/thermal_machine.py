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
from simulate.systems.start_law import StartLaw

C_SCALES = ("1", "inv-sqrt")


@dataclass(frozen=True)
class Views:
    """The same memory as a flat batch (B, P), by layer; ``hidden`` and ``last`` are empty for L = 1."""

    S: torch.Tensor  # (B, L-1, N, M)
    first: torch.Tensor  # J_1: (B, N or N_L, N_0)
    hidden: torch.Tensor  # J_2..J_{L-1}: (B, max(L-2, 0), N, N)
    last: torch.Tensor  # J_L for L > 1: (B, N_L, N); (B, 0, N) for L = 1


@dataclass(frozen=True)
class Merged:
    """Layer 1 with equal pixels merged, exact up to rounding: J_1 S_0 = (J_1 fold) distinct."""

    fold: torch.Tensor  # (N_0, G) of 0 and +-1: dense, since adding by index is not deterministic on CUDA
    distinct: torch.Tensor  # (G, M)
    distinct_transposed: torch.Tensor  # (M, G)
    column: torch.Tensor  # (N_0,): the distinct pixel that each pixel equals
    sign: torch.Tensor  # (N_0,): up to this sign


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
        self.patterns = inputs.shape[0]
        # Contiguous (N_0, M) and its transpose, both used by layer 1 in every step.
        self.inputs = torch.tensor(inputs.T.copy(), dtype=dtype, device=self.device)
        self.inputs_transposed = self.inputs.T.contiguous()
        self.merged = self._merge(inputs)
        self.outputs = torch.tensor(outputs.T.copy(), dtype=dtype, device=self.device)
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

    def flat_layers(self, rows: NDArray[np.floating]) -> list[NDArray[np.floating]]:
        """Stored configurations (B, P): the hidden layers 1..L-1, then the weights 1..L, (B, n_l) each."""
        batch = torch.from_numpy(rows)
        return [x.numpy() for x in [*self.neuron_layers(batch), *self.weight_layers(batch)]]

    def unpack(self, rows: NDArray[np.floating]) -> dict[str, NDArray[np.floating]]:
        """Stored configurations (..., P) as those of :class:`Views`: (..., *shape)."""
        parts = self.views(torch.from_numpy(rows.reshape(-1, rows.shape[-1])))
        named = {"S": parts.S, "J_first": parts.first, "J_hidden": parts.hidden, "J_last": parts.last}
        return {name: x.numpy().reshape(*rows.shape[:-1], *x.shape[1:]) for name, x in named.items()}

    def start(self, law: str, seed: int, samples: range) -> torch.Tensor:
        """Positions (B, P) of fresh, independent samples at rest; for ``law`` see :mod:`.start_law`.

        Raises InvalidInput for a law that is none.
        """
        drawn = StartLaw.parse(law)
        scales = (self.first_shape, *[(self.width, self.width)] * max(self.depth - 2, 0), self.last_shape)
        weights = [(rows * columns, columns) for rows, columns in scales]
        rows = [
            drawn.draw(np.random.default_rng(noise.key(seed, (x,), noise.START)), self._ends[0], weights)
            for x in samples
        ]
        r = torch.tensor(np.stack(rows), dtype=self.dtype, device=self.device)
        if drawn.forward and self.depth > 1:
            answers = self.pre_activations(r, self.inputs, "tanh")[:-1]
            self.views(r).S.copy_(torch.tanh(torch.stack(answers, dim=1)))
        return r

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
            self._first_forces(self._residual(torch.tanh(self._first_products(w.first))), f.first)
            return
        y, d = self._workspace(w.S)
        s_below = w.S[:, :-1].contiguous()

        # Hidden targets: y_l = tanh(c_l J_l S_{l-1}), l = 1..L-1.
        y[:, 0] = self._first_products(w.first)
        if self.depth > 2:
            y[:, 1:] = torch.matmul(self.c * w.hidden, s_below)
        y.tanh_()

        # f.S = -a_l, then d = a_l (1 - y_l^2); c_l is applied to the small factors of each product.
        torch.sub(y, w.S, out=f.S)
        f.S.mul_(_inverse(torch.linalg.vector_norm(f.S, dim=(2, 3), keepdim=True)))
        torch.mul(y.square_(), f.S, out=d).sub_(f.S)
        top, d_top = self._top(w.last, w.S[:, -1])

        f.S[:, -1] += top
        f.last.copy_(d_top @ w.S[:, -1].transpose(1, 2)).mul_(self.c)
        self._first_forces(d[:, 0], f.first)
        if self.depth > 2:
            f.S[:, :-1] += torch.matmul((self.c * w.hidden).transpose(2, 3), d[:, 1:])
            f.hidden.copy_(torch.matmul(d[:, 1:], s_below.transpose(2, 3))).mul_(self.c)

    def _top(self, j: torch.Tensor, below: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Output layer of L > 1: the force it puts on the layer below, and d_L / c_L."""
        d = self._residual(torch.tanh((self.c * j) @ below))
        return (self.c * j).transpose(1, 2) @ d, d

    def _residual(self, y: torch.Tensor) -> torch.Tensor:
        """d_L / c_L from y_L."""
        a = self.outputs - y
        a *= _inverse(torch.linalg.vector_norm(a, dim=(1, 2), keepdim=True))
        return a * (1 - y * y)

    def _first_products(self, first: torch.Tensor) -> torch.Tensor:
        """c_1 J_1 S_0 of all machines as one product, (B, N_1, M)."""
        rows = (self.c_first * first).flatten(0, 1)
        z = rows @ self.inputs if self.merged is None else (rows @ self.merged.fold) @ self.merged.distinct
        return z.view(*first.shape[:2], -1)

    def _first_forces(self, d: torch.Tensor, out: torch.Tensor) -> None:
        """Write c_1 d_1 S_0^T into ``out`` (B, N_1, N_0)."""
        rows = d.flatten(0, 1)
        if self.merged is None:
            torch.mul((rows @ self.inputs_transposed).view_as(out), self.c_first, out=out)
        else:
            on_distinct = rows @ self.merged.distinct_transposed
            each = on_distinct.index_select(1, self.merged.column).view_as(out)
            torch.mul(each, self.c_first * self.merged.sign, out=out)

    def _merge(self, inputs: NDArray[np.int8]) -> Merged | None:
        """The merged pixels, if products with them are a tenth cheaper."""
        first, column, sign = merge(inputs.T)
        pixels, distinct = column.size, first.size
        if distinct * (pixels + 2 * self.patterns) > 0.9 * 2 * pixels * self.patterns:
            return None
        fold = np.zeros((pixels, distinct), np.int8)
        fold[np.arange(pixels), column] = sign

        def to(array: NDArray[np.int8]) -> torch.Tensor:
            return torch.tensor(array, dtype=self.dtype, device=self.device)

        return Merged(
            to(fold), to(inputs.T[first]), to(inputs[:, first]), torch.tensor(column, device=self.device),
            to(sign),
        )  # fmt: skip

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
        return self.pre_activations(r, inputs, activation)[-1]

    def pre_activations(self, r: torch.Tensor, inputs: torch.Tensor, activation: str) -> list[torch.Tensor]:
        """The same of every layer 1..L, each (B, N_l, M')."""
        act = torch.tanh if activation == "tanh" else torch.sign
        y = inputs.expand(r.shape[0], -1, -1)
        found = []
        for c, j in zip(self._scales(), self._weights(self.views(r)), strict=True):
            found.append(c * (j @ y))
            y = act(found[-1])
        return found


def merge(
    inputs: NDArray[np.floating] | NDArray[np.int8],
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int8]]:
    """Pixels that are equal up to sign in all patterns: inputs[p] = sign[p] inputs[first[column[p]]].

    ``inputs``: (N_0, M) of +-1. Returns ``first`` (the distinct pixels, in order), ``column`` (N_0,) and
    ``sign`` (N_0,).
    """
    sign = inputs[:, :1].astype(np.int8)
    bits = np.packbits(inputs * sign > 0, axis=1)
    _, first, column = np.unique(bits, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    first, column = first[order], rank[column.ravel()]
    return first, column, (sign[:, 0] * sign[first[column], 0]).astype(np.int8)


def _inverse(norm: torch.Tensor) -> torch.Tensor:
    """1/E with 1/0 = 0: at the tip of the cone the residual, and with it the force, is zero. NaN stays."""
    return torch.where(norm == 0, torch.zeros_like(norm), 1 / norm)
