"""What the hardware allows at the shapes of one step, and where the time of a step goes.

Operation counts (a multiply-add counts 2). Of L layers, N neurons, M patterns, N_0 inputs and N_L outputs,
layer 1 needs two matrix products, J_1 S_0 and d_1 S_0^T; every other layer three, J_l S_{l-1}, J_l^T d_l and
d_l S_{l-1}^T. Together, for one machine and one step,

    flop = 4 M N N_0 + 6 (L - 2) M N^2 + 6 N_L M N    (4 M N N_0 + 48 M N^2 + 12 M N at L = 10, N_L = 2)

Strict: with G, the number of columns of pixels that differ (up to sign), in place of N_0.

Traffic: r and v are read and written, and y_l is passed over once (or S again: a norm E_l needs every
pattern before any force is known), P being the number of particles:

    bytes = itemsize (4 P + (L - 1) N M)

Each product is timed alone, at its exact shape, in float32; the copy bandwidth with arrays of B P numbers.
The bound is the sum of both times on a CPU, where one thread does one thing after another, and the larger of
them on CUDA, where they may overlap. The noise, neither a product nor traffic, is measured apart: on a CPU
its generator alone, on CUDA the fused kernel of noise, update and walls.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numba
import numpy as np
import torch

from simulate import noise
from simulate.dynamics.captured import Captured, Recorder, usable
from simulate.dynamics.compiled import buffers, plan
from simulate.dynamics.langevin import Langevin
from simulate.kernels import deviates, first_layer, registers, thermal
from simulate.systems.thermal_machine import ThermalMachine

TEMPERATURE = 1e-5
RECORDED = 32  # repetitions in one CUDA graph: no launch is measured
LARGE = {"cpu": 2**25, "cuda": 2**28}  # numbers in an array that no cache holds
PEAK = {"cpu": 1024, "cuda": 4096}  # rows and columns of the products that show the best rate

Repeat = Callable[[int], None]


# -------------------------------------------------------------------------------------------- timing


def timed(work: Repeat, count: int, device: torch.device) -> float:
    """Seconds of ``work(count)``, which does something ``count`` times, until the device is done."""
    started = time.perf_counter()
    work(count)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def best(work: Repeat, seconds: float, device: torch.device, first: int = 1) -> float:
    """Seconds of one repetition: the best of three windows that last ``seconds`` together.

    ``work`` is called with ``first`` 2^n. Not counted is what the first call compiles or records.
    """
    work(first)
    count = first
    while timed(work, count, device) < seconds / 12:
        count *= 2
    return min(_window(work, count, seconds / 3, device) for _ in range(3))


def _window(work: Repeat, count: int, seconds: float, device: torch.device) -> float:
    spent, calls = 0.0, 0
    while spent < seconds:
        spent += timed(work, count, device)
        calls += 1
    return spent / (calls * count)


def alone(work: Callable[[], object], seconds: float, device: torch.device) -> float:
    """Seconds of ``work``, without launches where it is done by a GPU; it must not allocate results."""
    if device.type == "cuda":
        replay = Recorder(device)(lambda: [work() for _ in range(RECORDED)] and None)
        return best(lambda count: _loop(replay, count), seconds, device) / RECORDED
    return best(lambda count: _loop(work, count), seconds, device)


def _loop(work: Callable[[], object], count: int) -> None:
    for _ in range(count):
        work()


# ---------------------------------------------------------------------------------------- the bounds


@dataclass(frozen=True)
class Product:
    """``count`` batched products a step, (batch, rows, inner) x (batch, inner, columns) each."""

    name: str
    count: int
    batch: int
    rows: int
    inner: int
    columns: int

    @property
    def flop(self) -> int:
        """Operations of all of them."""
        return 2 * self.count * self.batch * self.rows * self.inner * self.columns


def products(m: ThermalMachine, batch: int, columns: int) -> list[Product]:
    """All matrix products of a step of a batch of machines, L > 1, with ``columns`` columns of pixels."""
    n, patterns, outputs, hidden = m.width, m.patterns, m.outputs.shape[0], batch * (m.depth - 2)
    found = [
        Product("layer 1 J S", 1, 1, batch * n, columns, patterns),
        Product("layer 1 d S^T", 1, 1, batch * n, patterns, columns),
        Product("hidden J S, J^T d", 2, hidden, n, n, patterns),
        Product("hidden d S^T", 1, hidden, n, patterns, n),
        Product("output J S", 1, batch, outputs, n, patterns),
        Product("output J^T d", 1, batch, n, outputs, patterns),
        Product("output d S^T", 1, batch, outputs, patterns, n),
    ]
    return [product for product in found if product.batch]


def flop(depth: int, width: int, patterns: int, columns: int, outputs: int) -> int:
    """Operations of the products of one machine in one step, as in the note (see the top of the file)."""
    hidden = 6 * (depth - 2) * patterns * width**2
    return 4 * patterns * width * columns + hidden + 6 * outputs * patterns * width


def traffic(m: ThermalMachine) -> int:
    """Bytes that one machine moves in one step at least."""
    return m.dtype.itemsize * (4 * m.particles + (m.depth - 1) * m.width * m.patterns)


@cache
def product_time(product: Product, seconds: float, device: torch.device) -> float:
    """Measured seconds of one of its ``count`` repetitions; the longest dimension is contiguous."""
    left = torch.rand(product.batch, product.rows, product.inner, device=device)
    if product.inner > product.columns:  # d S^T
        right = torch.rand(product.batch, product.columns, product.inner, device=device).mT
    else:
        right = torch.rand(product.batch, product.inner, product.columns, device=device)
    if product.batch == 1:
        left, right = left[0], right[0].contiguous()
    out = left @ right
    return alone(lambda: torch.matmul(left, right, out=out), seconds, device)


@cache
def bandwidth(numbers: int, seconds: float, device: torch.device) -> float:
    """Bytes per second, read and written, of copying an array of float32 ``numbers``."""
    source, target = torch.zeros(numbers, device=device), torch.ones(numbers, device=device)
    return 8 * numbers / alone(lambda: target.copy_(source), seconds, device)


def peak(seconds: float, device: torch.device) -> float:
    """Operations per second of large square products: the best rate there is, at no shape of a step."""
    n = PEAK[device.type]
    square = Product("large", 1, 1, n, n, n)
    return square.flop / product_time(square, seconds, device)


@cache
def noise_time(seconds: float, device: torch.device) -> float:
    """Seconds per particle of drawing the noise, in the nearest caches; on CUDA of the whole fused update."""
    if device.type == "cuda":
        return _update_time_cuda(seconds, device)
    blocks = thermal.TILE
    out, words = np.empty(4 * blocks, np.float32), (np.uint32(3), np.uint32(5))
    draw = alone(lambda: deviates.fill(out, 0, blocks, *words, np.uint64(7)), seconds, device)
    return draw / (4 * blocks)


def _update_time_cuda(seconds: float, device: torch.device) -> float:
    """Noise, velocities, positions and walls of 2^24 particles; NaN where Triton cannot be used."""
    if usable(device) != "triton":
        return float("nan")
    from simulate.dynamics import triton_step

    r, v, force = (torch.zeros(64, 2**18, device=device) for _ in range(3))
    keys = torch.from_numpy(noise.keys(0, [(i, 0) for i in range(64)]).astype(np.int64)).to(device)
    first = torch.zeros(1, dtype=torch.int64, device=device)
    b, constants = (torch.full((2,), 1e-3, dtype=torch.float64, device=device) for _ in range(2))
    update = lambda: triton_step.step(r, v, force, keys, first, 0, b, constants)  # noqa: E731
    return alone(update, seconds, device) / r.numel()


@dataclass(frozen=True)
class Roof:
    """Least seconds of a replica-step in a batch, part by part, and the rates they come from."""

    products: float  # with N_0 columns
    strict_products: float  # with G columns
    traffic: float
    noise: float
    strict_flop: int
    rates: dict[str, float]  # operations per second of each strict product
    bandwidth: float  # bytes per second, arrays of B P numbers
    overlap: bool

    def bound(self, strict: bool = False, with_noise: bool = False) -> float:
        """Sum, or the larger where products (and noise, done by the same units) and traffic overlap."""
        work = self.strict_products if strict else self.products
        work += self.noise if with_noise else 0.0
        return max(work, self.traffic) if self.overlap else work + self.traffic


def roof(m: ThermalMachine, batch: int, distinct: int, seconds: float) -> Roof:
    """Measure all that a batch of ``m``, whose inputs have ``distinct`` columns, is held against."""
    device = m.device
    strict = products(m, batch, distinct)
    times = {p: product_time(p, seconds, device) for p in [*strict, *products(m, batch, m.first_shape[1])]}
    full, merged = (
        sum(p.count * times[p] for p in products(m, batch, columns)) / batch
        for columns in (m.first_shape[1], distinct)
    )
    copy = bandwidth(batch * m.particles, seconds, device)
    return Roof(
        products=full,
        strict_products=merged,
        traffic=traffic(m) / copy,
        noise=m.particles * noise_time(seconds, device),
        strict_flop=sum(p.flop for p in strict) // batch,
        rates={p.name: p.flop / (p.count * times[p]) for p in strict},
        bandwidth=copy,
        overlap=device.type == "cuda",
    )


# ------------------------------------------------------------------------------------------- profile

PARTS = (
    "layer 1 forwards: J_1 S_0",
    "y_l and norms E_l",
    "forces, noise, S moves",
    "J_l moves, l > 1",
    "layer 1 backwards: d_1 S_0^T",
    "J_1 moves",
)


Parts = dict[str, float]


@numba.njit
def _part(which, at, r, v, keys, step, a, dt, b, shape, plan, work, energies):
    """Part ``which`` of a step of machine, or of group of rows, ``at``, as ``thermal.advance`` does it."""
    n0, rows = plan.column.size, shape.width
    spins = (shape.depth - 1) * shape.width * shape.patterns
    hidden = spins + rows * n0
    if which == 0:
        first_layer.fold(r, spins, at * registers.LANES, rows, plan, work.weights)
        first_layer.look_up(plan, work.weights, work.table, work.z[at])
    elif which == 1:
        thermal._weights(r[at], shape, hidden, work)
        thermal._energies(r[at], at, shape, plan, work, energies)
    elif which == 2:
        thermal._spins(r[at], v[at], at, shape, plan, work, keys[at], step, a, dt, b)
    elif which == 3:
        thermal._move_weights(r[at], v[at], hidden, shape, work, keys[at], step, a, dt, b)
    elif which == 4:
        first_layer.look_back(plan, work.z[at], work.table, work.weights)
    elif which == 5:
        for lane in range(min(registers.LANES, r.shape[0] * rows - at * registers.LANES)):
            i, row = divmod(at * registers.LANES + lane, rows)
            for p in range(n0):
                on = work.weights[plan.column[p] * registers.LANES + lane]
                work.force[p] = shape.c_first * plan.sign[p] * on
            start = spins + row * n0
            thermal._move_all(r[i], v[i], work.force, start, n0, work.noise, keys[i], step, a, dt, b)


class Dissected:
    """The compiled step of a batch of machines, L > 1, cut into its PARTS, each timed."""

    def __init__(self, m: ThermalMachine, law: Langevin, keys: np.ndarray):
        self.keys, self.law, self.real = keys, law, m.inputs.numpy().dtype.type
        layer_one = plan(m.inputs.numpy(), m.outputs.numpy())
        shape, work = buffers(m, layer_one, len(keys))
        self.fixed = (shape, layer_one, work, np.empty(m.depth))
        machines, groups = range(len(keys)), range(work.z.shape[0])
        self.order = [(0, g) for g in groups]
        self.order += [(part, i) for i in machines for part in (1, 2, 3)]
        self.order += [(part, g) for g in groups for part in (4, 5)]

    def step(self, r: torch.Tensor, v: torch.Tensor, step: int, spent: np.ndarray) -> None:
        """One step of (B, P) in place; adds to ``spent`` the seconds of each part."""
        a, b = (self.real(x) for x in self.law.coefficients(TEMPERATURE, r.dtype))
        moving = (r.numpy(), v.numpy(), self.keys, np.uint64(step), a, self.real(self.law.dt), b)
        for part, at in self.order:
            spent[part] += self._call(part, at, moving)

    def overhead(self, r: torch.Tensor, v: torch.Tensor) -> np.ndarray:
        """Seconds of the calls of each part in a step, when they do nothing."""
        moving = (r.numpy(), v.numpy(), self.keys, np.uint64(0), *(self.real(0),) * 3)
        call = min(self._call(len(PARTS), 0, moving) for _ in range(100))
        return call * np.bincount([part for part, _ in self.order], minlength=len(PARTS))

    def _call(self, part: int, at: int, moving: tuple) -> float:
        started = time.perf_counter()
        _part(part, at, *moving, *self.fixed)
        return time.perf_counter() - started


def profile(m: ThermalMachine, keys: np.ndarray, r: torch.Tensor, seconds: float) -> Parts:
    """Seconds of each part of a replica-step in a batch from positions ``r`` (B, P), L > 1."""
    parts = _profile_cuda if m.device.type == "cuda" else _profile_cpu
    return {name: value / len(keys) for name, value in parts(m, keys, r, seconds).items()}


def _profile_cpu(m: ThermalMachine, keys: np.ndarray, r: torch.Tensor, seconds: float) -> Parts:
    dissected, r, v = Dissected(m, Langevin(), keys), r.clone(), torch.zeros_like(r)
    dissected.step(r, v, 0, np.zeros(len(PARTS)))  # compiles
    least, step, end = np.full(len(PARTS), np.inf), 1, time.perf_counter() + seconds
    while step < 4 or time.perf_counter() < end:
        spent = np.zeros(len(PARTS))
        dissected.step(r, v, step, spent)
        least, step = np.minimum(least, spent), step + 1
    return dict(zip(PARTS, (least - dissected.overhead(r, v)).tolist(), strict=True))


def _profile_cuda(m: ThermalMachine, keys: np.ndarray, r: torch.Tensor, seconds: float) -> Parts:
    captured = Captured(m, Langevin(), keys)
    captured.r.copy_(r)
    forces = alone(lambda: captured._force(captured.r, captured.force), seconds, m.device)
    return {"forces": forces, "noise, update, walls": alone(lambda: captured._move(0), seconds, m.device)}
