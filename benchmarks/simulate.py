"""Replica-steps per second of the thermal machine, beside plain autograd and the hardware's roofline.

    python -m benchmarks.simulate [--device cpu|cuda] [--sizes demo,N=10] [--batches 1,8,64] [--seconds 2]
                                  [--threads 1] [--patterns 2000] [--data-dir FOLDER] [--out FILE.json]

One run measures everything, prints tables and, with ``--out``, writes JSON. L = 10.

The baseline is what the paper describes: one machine, forces by ``backward()``, noise by ``torch.randn``, the
step in torch operations, on the same device; it multiplies with all columns of pixels. It is measured before
and after ours, and the better rate is taken. Ours: a backend's ``advance`` in calls of many steps. Every rate
is the best of three windows that last ``--seconds`` together.

What the roofline is: :mod:`benchmarks.roofline`. "% note" holds the time against the operation counts of the
note (N_0 columns), "% strict" against those with equal columns merged; layer 1 on the CPU looks sums up in
tables instead of multiplying, so it may pass both. "% +noise" adds the noise to the strict bound. "At best
rate" are the strict products at the rate of large square ones, which no product of these shapes reaches.

Sizes: N=... with M = ``--patterns`` MNIST zeros and ones where ``--data-dir`` or $DEEPGLASS_DATA names them,
else drawings with about as many different columns; demo: N = 8, M = 240 of scikit-learn's digits, 64 inputs.
"""

import gc
import json
import os
import platform
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray

from benchmarks import roofline
from benchmarks.machines import Row, Size, distinct, signs, sizes_of
from benchmarks.roofline import TEMPERATURE, Repeat, Roof
from deepglass import checks, cli
from deepglass.errors import InvalidInput
from simulate import Protocol, noise, plan
from simulate.dynamics import advance, choose
from simulate.dynamics.langevin import Langevin, plain_step
from simulate.protocol import DEVICES
from simulate.systems.thermal_machine import ThermalMachine
from simulate.thermal import memory

PROFILED = {"cpu": 8, "cuda": 64}  # batch of the profile, if that many are measured
LONGEST = 2.0  # a row is skipped where one step takes longer than so many times --seconds
MISSING = float("nan")

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


# ------------------------------------------------------------------------------------ what is measured


def start(m: ThermalMachine, batch: int) -> torch.Tensor:
    """Positions (B, P), all the same: noise will part them. Different ones take long to make."""
    return m.start("small", 0, range(1)).repeat(batch, 1)


def streams(batch: int) -> NDArray[np.uint32]:
    """Noise streams (B, 2)."""
    return noise.keys(0, [(i, 0) for i in range(batch)])


def autograd(m: ThermalMachine) -> Repeat:
    """Steps of one machine the plain way: every operation a call of torch's, forces by ``backward()``."""
    law = Langevin()
    a, b = law.coefficients(TEMPERATURE)
    r, v = start(m, 1), torch.zeros(1, m.particles, device=m.device)

    def step() -> None:
        leaf = r.detach().requires_grad_()
        w = m.views(leaf)
        below, total = m.inputs[None], torch.zeros((), device=m.device)
        weights = [w.first, *w.hidden.unbind(1), w.last]
        for j, here in zip(weights, [*w.S.unbind(1), m.outputs[None]], strict=True):
            total = total + torch.linalg.vector_norm(here - torch.tanh(j @ below))
            below = here
        total.backward()
        assert leaf.grad is not None
        plain_step(r, v, -leaf.grad, torch.randn_like(r), a, law.dt, b)

    return lambda count: roofline._loop(step, count)


def ours(m: ThermalMachine, backend: str, batch: int) -> Repeat:
    """Steps of a batch."""
    move = advance(backend, m, Langevin(), streams(batch), torch.get_num_threads())
    r = start(m, batch)
    v, done = torch.zeros_like(r), 0

    def steps(count: int) -> None:
        nonlocal done
        move(r, v, done, np.full(count, TEMPERATURE))
        done += count

    return steps


def state_bytes(m: ThermalMachine, batch: int) -> int:
    """Of one array of particles."""
    return batch * m.particles * m.dtype.itemsize


def obstacle(m: ThermalMachine, backend: str, batch: int, per_step: float, seconds: float) -> str | None:
    """Why a row is not measured: memory, from shapes, or time, from ``per_step`` seconds per replica-step."""
    need, have = memory.COPIES[backend] * state_bytes(m, batch), plan.memory(m.device)
    if need > plan.SHARE * have:
        return f"needs {need / 2**30:.3g} GiB of {have / 2**30:.3g}"
    if batch * per_step > LONGEST * seconds:
        return f"one step takes about {batch * per_step:.2g} s"
    return None


# --------------------------------------------------------------------------------------------- memory


def memory_row(size: Size, backend: str, batch: int, m: ThermalMachine, peak: int) -> Row:
    """A line of the record: peak bytes in units of one array of particles, and what the docs list."""
    copies, listed = peak / state_bytes(m, batch), memory.COPIES[backend]
    return {
        "size": size.name, "batch": batch, "engine": backend, "bytes per replica": peak / batch,
        "arrays of the state": copies, "listed": listed, "of listed": copies / listed,
    }  # fmt: skip


def peak_of_process(size: Size, backend: str, batch: int) -> int:
    """Bytes that a batch adds to this process on a CPU at its peak; Linux, in a process of its own.

    VmHWM, not ``getrusage``: that starts from the peak of the parent.
    """
    torch.set_num_threads(1)
    m = size.machine(torch.device("cpu"))
    ours(m, backend, 1)(2)  # loads and compiles
    gc.collect()
    with suppress(OSError):  # forget the peak so far; where that is forbidden it may hide a small one
        Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    ours(m, backend, batch)(2)
    return max(_status("VmHWM") - before, 0)


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) * 1024


def memory_on_cpu(size: Size, backends: Iterable[str], batch: int) -> list[Row]:
    """Peaks of child processes at one batch; none where there is no /proc."""
    if not Path("/proc/self/status").exists():
        return []
    m = size.machine(torch.device("cpu"))
    rows = []
    for backend in backends:
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            peak = pool.submit(peak_of_process, size, backend, batch).result()
        rows.append(memory_row(size, backend, batch, m, peak))
    return rows


# ----------------------------------------------------------------------------------------- measurement


class Bench:
    """One run: rows, roofs and memory as they are measured."""

    def __init__(self, device: torch.device, seconds: float):
        self.device, self.seconds = device, seconds
        self.fast = choose("auto", device)
        self.rows: list[Row] = []
        self.memory: list[Row] = []
        self.roofs: dict[tuple[str, int], Roof] = {}

    def size(self, size: Size, batches: tuple[int, ...]) -> None:
        """All rows of a size."""
        m = size.machine(self.device)
        before = self.autograd_time(m)
        rows = [self.row(size, m, 1, "autograd", before)]
        for backend in (self.fast, "eager"):
            rows += self.engine(size, m, backend, batches, before)
        baseline = min(before, self.autograd_time(m))
        rows[0] = self.row(size, m, 1, "autograd", baseline)
        for row in rows:
            row["ratio"] = row["replica-steps/s"] * baseline
        self.rows += rows

    def autograd_time(self, m: ThermalMachine) -> float:
        """Seconds per step of the baseline."""
        return self.time(autograd(m))

    def time(self, steps: Repeat) -> float:
        """Seconds per step, in calls of whole graphs on CUDA."""
        first = roofline.RECORDED if self.device.type == "cuda" else 1
        return roofline.best(steps, self.seconds, self.device, first)

    def engine(
        self, size: Size, m: ThermalMachine, backend: str, batches: tuple[int, ...], guess: float
    ) -> list[Row]:
        """Rows of a backend, from the smallest batch on, which tells how long the next will take."""
        rows = []
        for batch in batches:
            problem = obstacle(m, backend, batch, guess, self.seconds)
            if problem:
                rows.append(skipped(size, batch, backend, problem))
                continue
            guess = self.measured(size, m, backend, batch)
            rows.append(self.row(size, m, batch, backend, guess))
        return rows

    def measured(self, size: Size, m: ThermalMachine, backend: str, batch: int) -> float:
        """Seconds per replica-step; on CUDA the peak of memory is noted too."""
        print(f"{size.name}: {backend}, batch {batch}", file=sys.stderr, flush=True)
        gc.collect()  # what is left of earlier runs would be freed in the middle of this one
        held = 0
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.device)
            held = torch.cuda.memory_allocated(self.device)
        found = self.time(ours(m, backend, batch)) / batch
        if self.device.type == "cuda":
            peak = torch.cuda.max_memory_allocated(self.device) - held
            self.memory.append(memory_row(size, backend, batch, m, peak))
        return found

    def row(self, size: Size, m: ThermalMachine, batch: int, engine: str, time: float) -> Row:
        """A line of the table, ``time`` in seconds per replica-step."""
        roof = self.roof(size, m, batch)
        return {
            "size": size.name, "batch": batch, "engine": engine, "replica-steps/s": 1 / time,
            "us/replica-step": 1e6 * time, "ratio": MISSING,
            "% note": 100 * roof.bound() / time,
            "% strict": 100 * roof.bound(strict=True) / time,
            "% +noise": 100 * roof.bound(strict=True, with_noise=True) / time, "note": "",
        }  # fmt: skip

    def roof(self, size: Size, m: ThermalMachine, batch: int) -> Roof:
        """Measured once for a size and batch."""
        where = (size.name, batch)
        if where not in self.roofs:
            self.roofs[where] = roofline.roof(m, batch, distinct(size), self.seconds / 10)
        return self.roofs[where]

    def roof_rows(self) -> list[Row]:
        """Rates and bounds of every size and batch; times in microseconds per replica-step."""
        peak = roofline.peak(self.seconds / 10, self.device)
        return [
            {
                "size": size, "batch": batch,
                **{f"{name} Gflop/s": rate / 1e9 for name, rate in roof.rates.items()},
                "copy GB/s": roof.bandwidth / 1e9, "products us": 1e6 * roof.products,
                "strict products us": 1e6 * roof.strict_products,
                "at best rate us": 1e6 * roof.strict_flop / peak, "traffic us": 1e6 * roof.traffic,
                "noise us": 1e6 * roof.noise, "bound us": 1e6 * roof.bound(),
                "strict bound us": 1e6 * roof.bound(strict=True),
                "strict bound with noise us": 1e6 * roof.bound(strict=True, with_noise=True),
            }
            for (size, batch), roof in self.roofs.items()
        ]  # fmt: skip

    def limits(self) -> Row:
        """What does not depend on the shapes."""
        kind = self.device.type
        copy = roofline.bandwidth(roofline.LARGE[kind], self.seconds / 10, self.device)
        return {
            "bound": "larger of products and traffic" if kind == "cuda" else "products + traffic",
            "large products Gflop/s": roofline.peak(self.seconds / 10, self.device) / 1e9,
            "copy out of cache GB/s": copy / 1e9,
            "noise ns/particle": 1e9 * roofline.noise_time(self.seconds / 10, self.device),
        }

    def profile(self, size: Size, batch: int) -> Row:
        """Where a step's time goes, in microseconds per replica-step, beside the whole step's."""
        m = size.machine(self.device)
        parts = roofline.profile(m, streams(batch), start(m, batch), self.seconds)
        whole = self.time(ours(m, self.fast, batch)) / batch
        draw = m.particles * roofline.noise_time(self.seconds / 10, self.device)
        return {
            "size": size.name, "batch": batch, "engine": self.fast,
            "parts us": {name: 1e6 * value for name, value in parts.items()},
            "all parts us": 1e6 * sum(parts.values()), "whole step us": 1e6 * whole,
            "of which noise, measured alone, us": 1e6 * draw,
        }  # fmt: skip


def skipped(size: Size, batch: int, engine: str, reason: str) -> Row:
    """A line without numbers."""
    numbers = ("replica-steps/s", "us/replica-step", "ratio", "% note", "% strict", "% +noise")
    row = {"size": size.name, "batch": batch, "engine": engine, **dict.fromkeys(numbers, MISSING)}
    return row | {"note": f"skipped: {reason}"}


# ------------------------------------------------------------------------------------------- reporting


def device_name(device: torch.device) -> str:
    """As its maker calls it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def tabulate(rows: list[Row], leave: Iterable[str] = ()) -> str:
    """Rows with the same keys as a table."""
    return cli.table((key, [row[key] for row in rows]) for key in rows[0] if key not in leave)


def report(record: Row) -> str:
    """All tables."""
    head = f"{record['device']}, {record['kind']}, {record['threads']} thread(s), torch {record['torch']}"
    data = [{"size": name, **found} for name, found in record["data"].items()]
    parts = [head, tabulate(data), tabulate(record["rows"]), lines(record["limits"])]
    narrow = [name for name in record["roofline"][0] if name.startswith("output")]
    parts.append(tabulate(record["roofline"], leave=narrow))
    if found := record["profile"]:
        times, whole = found["parts us"], found["all parts us"]
        shares = [100 * time / whole for time in times.values()]
        parts.append(cli.table([("part", times), ("us/replica-step", times.values()), ("%", shares)]))
        parts.append(lines({name: value for name, value in found.items() if name != "parts us"}))
    if record["memory"]:
        parts.append(tabulate(record["memory"]))
    return "\n\n".join(parts)


def lines(values: Row) -> str:
    """One value a line."""
    return "\n".join(
        f"{name}: {value:.4g}" if isinstance(value, float) else f"{name}: {value}"
        for name, value in values.items()
    )


def measure(
    device: torch.device, sizes: list[Size], batches: tuple[int, ...], seconds: float, full: bool
) -> Row:
    """The whole run, as it is written; ``full``: with profile and, on a CPU, memory."""
    before = os.getloadavg()
    bench = Bench(device, seconds)
    for size in sizes:
        bench.size(size, batches)
    usual = next((size for size in sizes if size.name == "N=10"), sizes[-1])
    found = None
    if full:
        found = bench.profile(usual, min(max(batches), PROFILED[device.type]))
        if device.type == "cpu":
            bench.memory = memory_on_cpu(usual, (bench.fast, "eager"), min(max(batches), 64))
    return {
        "device": device_name(device), "kind": device.type, "threads": torch.get_num_threads(),
        "torch": torch.__version__, "seconds": seconds,
        "data": {size.name: size.description() for size in sizes},
        "rows": bench.rows, "limits": bench.limits(), "roofline": bench.roof_rows(), "profile": found,
        "memory": bench.memory, "load average": {"before": before, "after": os.getloadavg()},
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip


@app.command()
def run(
    device: Annotated[str, cli.choice(DEVICES, "Where to compute.")] = "auto",
    sizes: Annotated[
        str, typer.Option(help="demo and N=..., separated by commas.")
    ] = "demo,N=5,N=10,N=20,N=40",
    batches: Annotated[str, typer.Option(help="Machines at once, separated by commas.")] = "1,8,64,512",
    seconds: Annotated[float, typer.Option(help="Of each measurement.")] = 2.0,
    threads: Annotated[int, typer.Option(help="CPU threads, of all engines.")] = 1,
    patterns: Annotated[int, typer.Option(help="M of the sizes N=...")] = 2000,
    data_dir: Annotated[str | None, typer.Option(help="Folder of the MNIST files.")] = None,
    full: Annotated[bool, typer.Option(help="With profile and memory.")] = True,
    out: Annotated[Path | None, typer.Option(help="JSON file to write.")] = None,
) -> None:
    """Replica-steps per second beside plain autograd and the measured roofline."""
    where = Protocol(device=device, threads=threads).torch_device()
    several = sorted({checks.integer("batches", b, 1) for b in checks.integers("batches", batches)})
    if not several:
        raise InvalidInput("batches = '' must name at least one number of machines")
    checks.real("seconds", seconds, above=0)
    wanted = sizes_of(sizes, checks.integer("patterns", patterns, 1), data_dir)
    if out and not out.resolve().parent.is_dir():
        raise InvalidInput(f"out = {str(out)!r}: no such folder {out.resolve().parent}")
    for size in wanted:
        signs(size)  # what cannot be loaded is known at once
    torch.set_num_threads(threads)
    record = measure(where, wanted, tuple(several), seconds, full)
    if out:
        out.write_text(json.dumps(cli.plain(record), indent=1, allow_nan=False) + "\n")
    print(report(record))


if __name__ == "__main__":
    sys.exit(cli.main(app))
