"""Forces of the thermal machine in 20 launches on CUDA (``ThermalMachine.force`` takes 53, merged).

The element-wise chain from y_l = tanh(.) to the unit residual a_l and d_l = a_l (1 - y_l^2) is two Triton
kernels for all hidden layers and two for the output layer: sums of squares by tiles, then all that follows
from their total. Tiles are added up in a fixed order, in float64: no atomics, the same bits every time.
Scratch memory puts the layer before the machine, so that layer 1 of all machines and the hidden layers of
all machines are each one matrix product without copies. Pixels that are equal up to sign in all patterns
are merged: J_1 is folded to distinct columns before layer 1 and the forces on them handed to their pixels
after it, by a kernel each. Symbols as in :mod:`simulate.systems.thermal_machine`.
"""

# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False
# mypy: disallow-incomplete-defs=False

import numpy as np
import torch
import triton
import triton.language as tl

from simulate.systems.thermal_machine import Merged, ThermalMachine

TILE = 1024
"""Elements a program holds at once."""
TILES = 64
"""Partial sums of one layer of one machine at most; a power of two, as Triton's blocks are."""


@triton.jit
def _squares(y, s, partial, batch, size, s_batch, s_layer, tiles, ROUNDS: tl.constexpr, TILE: tl.constexpr):
    """partial[layer, machine, tile] = sum of (S - y)^2 over ROUNDS tiles of TILE, in float64."""
    member = tl.program_id(0) // tiles
    tile = tl.program_id(0) % tiles
    layer, machine = (member // batch).to(tl.int64), (member % batch).to(tl.int64)
    y += member.to(tl.int64) * size
    s += layer * s_layer + machine * s_batch
    total = tl.zeros((TILE,), tl.float64)
    for k in range(ROUNDS):
        element = (tile.to(tl.int64) * ROUNDS + k) * TILE + tl.arange(0, TILE)
        inside = element < size
        residual = tl.load(y + element, mask=inside, other=0.0) - tl.load(s + element, mask=inside, other=0.0)
        residual = residual.to(tl.float64)
        total += residual * residual
    tl.store(partial + tl.program_id(0), tl.sum(total))


@triton.jit
def _slopes(
    y, s, partial, minus_a, d, batch, size, s_batch, s_layer, a_batch, a_layer, tiles, count,
    TILE: tl.constexpr, TILES: tl.constexpr,
):  # fmt: skip
    """minus_a = (y - S)/E and d = a (1 - y^2), with 1/0 = 0 at the tip of the cone."""
    member = tl.program_id(0) // count
    element = (tl.program_id(0) % count).to(tl.int64) * TILE + tl.arange(0, TILE)
    layer, machine = (member // batch).to(tl.int64), (member % batch).to(tl.int64)
    parts = tl.arange(0, TILES)
    energy = tl.sqrt(tl.sum(tl.load(partial + member * tiles + parts, mask=parts < tiles, other=0.0)))
    inverse = tl.where(energy > 0, 1.0, 0.0) / tl.where(energy > 0, energy, 1.0)

    inside = element < size
    here = member.to(tl.int64) * size + element
    value = tl.load(y + here, mask=inside, other=0.0)
    spin = tl.load(s + layer * s_layer + machine * s_batch + element, mask=inside, other=0.0)
    slope = (value - spin) * inverse.to(value.dtype)
    tl.store(minus_a + layer * a_layer + machine * a_batch + element, slope, mask=inside)
    tl.store(d + here, slope * (value * value - 1.0), mask=inside)


def cone(y: torch.Tensor, s: torch.Tensor, minus_a: torch.Tensor, d: torch.Tensor) -> None:
    """Write -a = (y - S)/||y - S|| and d = a (1 - y^2) of every layer of every machine.

    ``y``, ``d``: (layers, B, n, M), contiguous. ``s``, ``minus_a``: the same shape, (n, M) contiguous within.
    """
    layers, batch, size = *y.shape[:2], y[0, 0].numel()
    count = triton.cdiv(size, TILE)
    rounds = triton.cdiv(count, TILES)
    tiles = triton.cdiv(count, rounds)
    partial = torch.empty(layers * batch * tiles, dtype=torch.float64, device=y.device)
    strides = (s.stride(1), s.stride(0))
    _squares[(layers * batch * tiles,)](
        y, s, partial, batch, size, *strides, tiles, ROUNDS=rounds, TILE=TILE, num_warps=4
    )
    _slopes[(layers * batch * count,)](
        y, s, partial, minus_a, d, batch, size, *strides, minus_a.stride(1), minus_a.stride(0), tiles, count,
        TILE=TILE, TILES=TILES, num_warps=4,
    )  # fmt: skip


@triton.jit
def _join(left, left_begins, right, right_begins):
    """Sum of two neighbouring pieces of a row, as far back as a column begins."""
    return tl.where(right_begins != 0, right, left + right), left_begins | right_begins


@triton.jit
def _fold(j, folded, member, column, factor, rows, pixels, j_batch, width, BLOCK: tl.constexpr):
    """One row: folded[g] = sum of factor J_1 over the pixels of column g.

    ``member``: the pixels sorted by ``column``. All columns are summed at once, by one scan whose sums begin
    anew with every column: columns may have one pixel or nearly all.
    """
    row = tl.program_id(0).to(tl.int64)
    k = tl.arange(0, BLOCK)
    inside = k < pixels
    here = tl.load(column + k, mask=inside, other=-1)
    before = tl.load(column + k - 1, mask=inside & (k > 0), other=-1)
    after = tl.load(column + k + 1, mask=k + 1 < pixels, other=-1)
    pixel = tl.load(member + k, mask=inside, other=0)
    j += (row // rows) * j_batch + (row % rows) * pixels
    value = tl.load(j + pixel, mask=inside, other=0.0) * tl.load(factor + pixel, mask=inside, other=0.0)
    total, _ = tl.associative_scan((value, (here != before).to(tl.int32)), 0, _join)
    tl.store(folded + row * width + here, total, mask=inside & (here != after))


@triton.jit
def _unfold(force, f, column, factor, rows, pixels, f_batch, width, tiles, TILE: tl.constexpr):
    """f[pixel] = factor force[column of the pixel], a tile of a row."""
    row = (tl.program_id(0) // tiles).to(tl.int64)
    pixel = (tl.program_id(0) % tiles) * TILE + tl.arange(0, TILE)
    inside = pixel < pixels
    value = tl.load(
        force + row * width + tl.load(column + pixel, mask=inside, other=0), mask=inside, other=0.0
    )
    f += (row // rows) * f_batch + (row % rows) * pixels
    tl.store(f + pixel, value * tl.load(factor + pixel, mask=inside, other=0.0), mask=inside)


ALIGN = 8
"""Distinct columns are padded with zeros to a multiple of it, as fast matrix products want their rows."""


class Pixels:
    """Layer 1 with merged pixels: J_1 (B, N, N_0), rows contiguous within a machine, to columns and back."""

    def __init__(self, merged: Merged, scale: float):
        column = merged.column.cpu().numpy()
        member = np.argsort(column, kind="stable")
        self.width = triton.cdiv(len(merged.distinct), ALIGN) * ALIGN
        fill = self.width - len(merged.distinct)
        self.distinct = torch.nn.functional.pad(merged.distinct, (0, 0, 0, fill))
        self.distinct_transposed = self.distinct.T.contiguous()
        self.factor = scale * merged.sign

        def to(index: np.ndarray) -> torch.Tensor:
            return torch.from_numpy(index.astype(np.int32)).to(merged.column.device)

        self.column, self.member, self.sorted = to(column), to(member), to(column[member])

    def fold(self, j: torch.Tensor, out: torch.Tensor) -> None:
        """Write scale J_1 of the distinct columns into ``out`` (B, N, width); padding is left as it is."""
        batch, rows, pixels = j.shape
        block = triton.next_power_of_2(pixels)
        _fold[(batch * rows,)](
            j, out, self.member, self.sorted, self.factor, rows, pixels, j.stride(0), self.width,
            BLOCK=block, num_warps=min(max(block // 256, 1), 16),
        )  # fmt: skip

    def unfold(self, force: torch.Tensor, out: torch.Tensor) -> None:
        """Write scale times ``force`` (B, N, width) on the distinct columns into ``out`` (B, N, N_0)."""
        batch, rows, pixels = out.shape
        tiles = triton.cdiv(pixels, TILE)
        _unfold[(batch * rows * tiles,)](
            force, out, self.column, self.factor, rows, pixels, out.stride(0), self.width, tiles,
            TILE=TILE, num_warps=4,
        )  # fmt: skip


class FusedForce:
    """The force of ``machine``, depth 2 or more, on a batch of fixed size, whose scratch memory it holds."""

    def __init__(self, machine: ThermalMachine, batch: int):
        self.machine = machine
        n, m, hidden = machine.width, machine.patterns, machine.depth - 2
        outputs, inputs = machine.last_shape[0], machine.first_shape[1]
        self.pixels = None if machine.merged is None else Pixels(machine.merged, machine.c_first)
        if self.pixels is None:
            self.inputs, self.inputs_transposed = machine.inputs, machine.inputs_transposed
        else:
            inputs = self.pixels.width
            self.inputs, self.inputs_transposed = self.pixels.distinct, self.pixels.distinct_transposed

        def scratch(*shape: int) -> torch.Tensor:
            return torch.zeros(shape, dtype=machine.dtype, device=machine.device)

        self.y, self.d = scratch(hidden + 1, batch, n, m), scratch(hidden + 1, batch, n, m)
        self.s, self.j = scratch(hidden, batch, n, m), scratch(hidden, batch, n, n)
        self.first, self.f_first = scratch(batch, n, inputs), scratch(batch, n, inputs)
        self.y_top, self.d_top, self.a_top = (scratch(1, batch, outputs, m) for _ in range(3))

    def __call__(self, r: torch.Tensor, out: torch.Tensor) -> None:
        """As ``ThermalMachine.force``: write minus the gradient of H at ``r`` (B, P) into ``out`` (B, P)."""
        machine, w, f = self.machine, self.machine.views(r), self.machine.views(out)
        y, d = self.y, self.d
        if machine.depth > 2:
            self.s.copy_(w.S[:, :-1].transpose(0, 1))
            torch.mul(w.hidden.transpose(0, 1), machine.c, out=self.j)
            torch.bmm(self.j.flatten(0, 1), self.s.flatten(0, 1), out=y[1:].flatten(0, 1))
        if self.pixels is None:
            torch.mul(w.first, machine.c_first, out=self.first)
        else:
            self.pixels.fold(w.first, self.first)
        torch.mm(self.first.flatten(0, 1), self.inputs, out=y[0].flatten(0, 1))
        cone(y.tanh_(), w.S.transpose(0, 1), f.S.transpose(0, 1), d)

        last, top, d_top = w.S[:, -1], self.y_top[0], self.d_top[0]
        torch.baddbmm(top, w.last, last, beta=0, alpha=machine.c, out=top)
        cone(self.y_top.tanh_(), machine.outputs.expand_as(self.y_top), self.a_top, self.d_top)
        f.S[:, -1].baddbmm_(w.last.transpose(1, 2), d_top, alpha=machine.c)
        torch.baddbmm(f.last, d_top, last.transpose(1, 2), beta=0, alpha=machine.c, out=f.last)

        torch.mm(d[0].flatten(0, 1), self.inputs_transposed, out=self.f_first.flatten(0, 1))
        if self.pixels is None:
            torch.mul(self.f_first, machine.c_first, out=f.first)
        else:
            self.pixels.unfold(self.f_first, f.first)
        if machine.depth > 2:
            self._hidden(f.S, f.hidden)

    def _hidden(self, f_s: torch.Tensor, f_hidden: torch.Tensor) -> None:
        """What layers 2..L-1 exert on the spins below and on their weights."""
        d = self.d[1:].flatten(0, 1)
        pull = torch.bmm(self.j.flatten(0, 1).transpose(1, 2), d).view_as(self.s)
        f_s[:, :-1].add_(pull.transpose(0, 1))  # += would copy the sum once more
        turn = torch.bmm(d, self.s.flatten(0, 1).transpose(1, 2)).view_as(self.j)
        torch.mul(turn.transpose(0, 1), self.machine.c, out=f_hidden)


def check(device: torch.device) -> None:
    """Compile the kernels and hold the forces against the machine's; raises where they cannot be used."""
    generator = np.random.default_rng(0)
    signs = generator.choice(np.array([-1, 1], np.int8), (40, 6))
    pixels = signs[:, generator.integers(0, 6, 40)] * generator.choice(np.array([-1, 1], np.int8), 40)
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.float64, 1e-12)):
        for inputs in (pixels, signs):  # merged or not
            machine = ThermalMachine(inputs, signs[:, :2], 4, 3, dtype=dtype, device=device)
            r = machine.start("uniform", 0, range(2))
            expected, got = torch.empty_like(r), torch.full_like(r, torch.nan)
            machine.force(r, expected)
            FusedForce(machine, len(r))(r, got)
            error = float(torch.linalg.vector_norm(got - expected) / torch.linalg.vector_norm(expected))
            if not error < tolerance:
                raise RuntimeError(
                    f"Triton {triton.__version__} does not find the forces: relative error {error:.1e}"
                )
