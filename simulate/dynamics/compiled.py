"""The CPU backend: forces, noise, update and walls fused in one compiled kernel; no allocation in the loop.

With several threads each advances its own part of the batch through all steps of a call: they meet once a
call, not several times a step.

Memory, in units of the particles P of one machine: r and v are the caller's, 2 per machine. The backend
holds for each thread z_1 (or d_1) of a group of machines, 1/(L-1) for each of GROUP, y_l of one machine at a
time, 1, and tables and tiles that stay in the second-level cache.
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Event
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from simulate.dynamics.langevin import Langevin
from simulate.kernels import thermal
from simulate.kernels.first_layer import Plan
from simulate.kernels.registers import LANES
from simulate.systems.thermal_machine import ThermalMachine, merge

Rows = NDArray[Any]  # floats, in the precision of the machine

STEPS = 16
"""Steps of one compiled call: it cannot be interrupted."""

GROUP = 8
"""Machines that are advanced together through these steps: their r and v stay in the last cache."""

TILE_NUMBERS, TILE_PATTERNS = 5120, 256
"""Numbers in a layer of a tile, and its patterns at least: four such layers stay in the second cache."""


class Compiled:
    """See :class:`simulate.contract.Advance`.

    A trajectory depends neither on the make-up of its batch nor on ``threads``, to the bit.
    """

    def __init__(
        self, machine: ThermalMachine, law: Langevin, stream_keys: NDArray[np.uint32], threads: int = 1
    ):
        self.law, self.dtype = law, machine.dtype
        self.real = np.float32 if machine.dtype == torch.float32 else np.float64
        layer_one = plan(machine.inputs.numpy(), machine.outputs.numpy())
        batch = len(stream_keys)
        threads = min(threads, batch)
        ends = [batch * i // threads for i in range(threads + 1)]
        self._parts = [_Part(machine, layer_one, stream_keys, a, b) for a, b in pairwise(ends)]
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def __call__(
        self, r: torch.Tensor, v: torch.Tensor, first: int, temperatures: NDArray[np.float64]
    ) -> None:
        """Advance in place, one step per temperature."""
        pairs = np.array([self.law.coefficients(float(t), self.dtype) for t in temperatures]).reshape(-1, 2)
        a, b = pairs.astype(self.real).T.copy()  # built in float64, cast last
        stop = Event()
        job = (r.numpy(), v.numpy(), first, a, self.real(self.law.dt), b, stop)
        if self._pool is None:
            self._parts[0].run(*job)
            return
        running = [self._pool.submit(part.run, *job) for part in self._parts]
        try:
            for part in running:
                part.result()
        finally:
            stop.set()  # after an interrupt the others end soon too


class _Part:
    """The machines first .. end - 1, those of one thread, in groups that share its work space."""

    def __init__(
        self,
        machine: ThermalMachine,
        layer_one: Plan,
        stream_keys: NDArray[np.uint32],
        first: int,
        end: int,
    ):
        self.plan = layer_one
        count = -(-(end - first) // GROUP)
        ends = [first + (end - first) * i // count for i in range(count + 1)]
        self.shape, work = buffers(machine, layer_one, max(b - a for a, b in pairwise(ends)))
        self.groups = []
        for a, b in pairwise(ends):
            registers = _registers(machine, b - a)
            self.groups.append((slice(a, b), stream_keys[a:b], work._replace(z=work.z[:registers])))

    def run(self, r: Rows, v: Rows, first: int, a: Rows, dt: Any, b: Rows, stop: Event) -> None:
        """As the backend's call, for these machines; ends early when ``stop`` is set."""
        for done in range(0, len(a), STEPS):
            if stop.is_set():
                return
            here = slice(done, done + STEPS)
            for rows, keys, work in self.groups:
                thermal.advance(
                    r[rows], v[rows], keys, np.uint64(first + done), a[here], dt, b[here],
                    self.shape, self.plan, work,
                )  # fmt: skip


def plan(inputs: NDArray[np.floating], outputs: NDArray[np.floating]) -> Plan:
    """How layer 1 of (N_0, M) inputs is computed by tables.

    Distinct pixels are taken in the order of the picture, where neighbours are alike, and join the group
    before them as long as that lowers the cost per pixel: a look-up for each of the M patterns, and a sum
    over the pixels of the group for each combination that occurs.
    """
    first, column, sign = merge(inputs)
    distinct = inputs[first] > 0
    patterns = inputs.shape[1]
    starts: list[int] = []
    groups: list[NDArray[np.int64]] = []  # the combination that each pattern shows
    cost = 0.0
    for p, pixel in enumerate(distinct):
        if starts:
            joined = _renumber(2 * groups[-1] + pixel)
            joined_cost = patterns / (p + 1 - starts[-1]) + joined.max() + 1
            if joined_cost <= cost:
                groups[-1], cost = joined, joined_cost
                continue
        starts.append(p)
        groups.append(_renumber(pixel.astype(np.int64)))
        cost = patterns + groups[-1].max() + 1
    pixels = np.array([*starts, len(distinct)])
    examples = [np.unique(code, return_index=True)[1] for code in groups]
    rows = np.cumsum([0, *(len(example) for example in examples)])
    signs = [
        inputs[first[a:b]][:, example].T.ravel()
        for a, b, example in zip(pixels[:-1], pixels[1:], examples, strict=True)
    ]
    codes = np.stack(groups, axis=1) + rows[:-1]
    return Plan(
        codes.astype(np.int32), pixels, rows, np.concatenate(signs), column, sign.astype(inputs.dtype),
        outputs.ravel(),
    )  # fmt: skip


def _renumber(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Codes 0, 1, .. without the values that do not occur."""
    rank: NDArray[np.int64] = np.cumsum(np.bincount(codes) > 0) - 1
    return rank[codes]


def _registers(machine: ThermalMachine, batch: int) -> int:
    """How many registers the rows of J_1 of a batch fill."""
    return -(-batch * machine.first_shape[0] // LANES)


def buffers(machine: ThermalMachine, plan: Plan, batch: int) -> tuple[thermal.Shape, thermal.Work]:
    """Sizes and zeroed buffers for a batch."""
    depth, n, patterns = machine.depth, machine.width, machine.patterns
    outputs = machine.outputs.shape[0]
    dtype = machine.inputs.numpy().dtype
    widest = max(n, outputs) if depth > 1 else outputs
    even = widest + widest % 2
    # As many patterns as fit, evened out over the tiles.
    most = min(max(TILE_PATTERNS, TILE_NUMBERS // even), thermal.TILE) // thermal.STRIDE
    strides = -(-patterns // thermal.STRIDE)
    tiles = -(-strides // most)
    tile = -(-strides // tiles) * thermal.STRIDE
    shape = thermal.Shape(
        depth, n, outputs, patterns, tile, dtype.type(machine.c_first), dtype.type(machine.c)
    )

    def zeros(*size: int) -> NDArray[np.floating]:
        # Torch aligns to 64 bytes, numpy to 16: registers that straddle two cache lines are slow to store.
        array: NDArray[np.floating] = torch.zeros(size, dtype=machine.dtype).numpy()
        return array

    words = torch.zeros((4, thermal.WORDS), dtype=torch.int32).numpy().view(np.uint32)
    noise = thermal.Noise(torch.zeros(4 * thermal.WORDS).numpy(), words)
    hidden = max(depth - 2, 0) * n * n + outputs * n
    work = thermal.Work(
        z=zeros(_registers(machine, batch), patterns * LANES),
        weights=zeros(int(plan.pixels[-1]) * LANES),
        table=zeros(int(plan.rows[-1]) * LANES),
        y=zeros(tiles * depth * even * tile),
        x=zeros(even * tile), f=zeros(even * tile), d=zeros(even * tile),
        j=zeros((depth - 1) * even * even), transposed=zeros((depth - 1) * even * even),
        on_j=zeros((depth - 1) * even * even),
        force=zeros(max(machine.first_shape[1], hidden)),
        inverse=zeros(depth),
        noise=noise,
    )  # fmt: skip
    return shape, work
