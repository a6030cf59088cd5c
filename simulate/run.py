"""The loop: from a protocol to a finished, labelled run."""

import math
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import xarray as xr

from deepglass import provenance
from deepglass.errors import Diverged, InvalidInput
from simulate import noise, observables
from simulate.data import load
from simulate.dynamics.langevin import maxwell_boltzmann
from simulate.observables import TestSet
from simulate.protocol import PRECISIONS, Protocol
from simulate.store import Record
from simulate.systems.thermal_machine import ThermalMachine

HOT = 1.5
"""A layer whose kinetic temperature exceeds this many T is reported: its time step is too long."""

NOW_AND_THEN = 100
"""Steps between two looks at the health of the run and two reports of progress."""

Progress = Callable[[int, int], None]
"""Called now and then with (replica-steps done, replica-steps in all)."""


def run(protocol: Protocol, progress: Progress | None = None) -> xr.Dataset:
    """Simulate: train ``samples`` machines, split each into ``replicas`` at t_w, measure to the end.

    Returns the run as a Dataset (docs/schema.md). Raises InvalidInput for data that do not fit the
    protocol or a run that does not fit the memory, before any work; Diverged if a particle becomes NaN or
    leaves (-1, 1).
    """
    code_version = provenance.code_version()  # of the code that starts, not of what it is edited to
    device = protocol.torch_device()
    _fits(protocol, device)
    data = load(
        protocol.data, patterns=protocol.patterns, seed=protocol.seed, width=protocol.width,
        depth=protocol.depth, data_dir=protocol.data_dir, classes=protocol.classes,
        threshold=protocol.threshold,
    )  # fmt: skip
    _fits(protocol, device, data.inputs.shape[1], data.outputs.shape[1])
    machine = ThermalMachine(
        data.inputs, data.outputs, protocol.depth, protocol.width, protocol.c_scale,
        PRECISIONS[protocol.precision], device,
    )  # fmt: skip
    test = TestSet(machine, data.test_inputs, data.test_outputs, one_hot=bool(data.classes))
    record = Record(protocol)

    started = time.perf_counter()
    with _threads(protocol.threads):
        _advance(protocol, machine, test, record, progress)
    wall = time.perf_counter() - started

    warnings = [_hot_layers(protocol, machine, record)]
    if not len(data.test_inputs):
        warnings.append("all images are used for training: no test accuracy")
    return record.dataset(
        {
            "system": "thermal-machine",
            "data_source": data.source,
            "data_sha256": data.sha256,
            "classes": ",".join(map(str, data.classes)),
            "threshold": "" if data.threshold is None else data.threshold,
            "inputs": data.inputs.shape[1],
            "outputs": data.outputs.shape[1],
            "test_patterns": data.test_inputs.shape[0],
            "device_name": _name(device),
            "torch_version": str(torch.__version__),
            "code_version": code_version,
            "wall_time_s": wall,
            "replica_steps_per_second": _replica_steps(protocol) / wall,
            "warnings": "; ".join(filter(None, warnings)),
        }
    )


COPIES = 10
"""Arrays of the size of the particles that a step holds at once, with its temporaries."""


def _fits(protocol: Protocol, device: torch.device, inputs: int = 1, outputs: int = 1) -> None:
    """Refuse a run whose arrays cannot fit the memory, from its shapes alone."""
    machines = protocol.samples * protocol.replicas
    particles = ThermalMachine.count(protocol.depth, protocol.width, protocol.patterns, inputs, outputs)
    rows = 60 * machines * protocol.depth * (protocol.replicas + 20)  # what is recorded, roughly
    need = machines * particles * PRECISIONS[protocol.precision].itemsize * COPIES + 8 * rows
    if device.type == "cuda":
        have = torch.cuda.mem_get_info(device)[0]
    else:
        have = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if need > have:
        raise InvalidInput(
            f"{protocol.samples} samples x {protocol.replicas} replicas of {particles:,} particles need about"
            f" {need / 2**30:.3g} GiB, more than the {have / 2**30:.3g} GiB here; reduce samples, replicas,"
            " depth, width or patterns"
        )


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Torch's thread count for the length of a run."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _advance(
    protocol: Protocol, machine: ThermalMachine, test: TestSet, record: Record, progress: Progress | None
) -> None:
    law = protocol.law()
    members = [(sample, 0) for sample in range(protocol.samples)]
    r = machine.start(protocol.start, protocol.seed, range(protocol.samples))
    v = torch.zeros_like(r)
    force = torch.empty_like(r)
    keys = noise.on_device(noise.keys(protocol.seed, members), machine.device)
    past = r
    done, total = 0, _replica_steps(protocol)
    for t in range(protocol.steps + 1):
        if t == protocol.waiting_time:
            members = [(s, a) for s in range(protocol.samples) for a in range(protocol.replicas)]
            r, v = split(r, protocol, machine)
            force = torch.empty_like(r)
            past = r.clone()
            keys = noise.on_device(noise.keys(protocol.seed, members), machine.device)
        if record.wants(t):
            record.one_time(t, observables.one_time(machine, r, v, test))
        if t >= protocol.waiting_time and record.wants(t - protocol.waiting_time):
            record.two_time(
                t - protocol.waiting_time, observables.two_time(machine, r, past, protocol.replicas)
            )
        if t % NOW_AND_THEN == 0 or t == protocol.steps:
            _check(r, v, t, members)
            if progress is not None:
                progress(done, total)
        if t < protocol.steps:
            machine.force(r, force)
            law.step(r, v, force, keys, t, protocol.temperature)
            done += len(members)


def split(r: torch.Tensor, protocol: Protocol, machine: ThermalMachine) -> tuple[torch.Tensor, torch.Tensor]:
    """Copy every sample ``replicas`` times: the same positions, fresh Maxwell-Boltzmann velocities."""
    members = [(s, a) for s in range(protocol.samples) for a in range(protocol.replicas)]
    positions = r.repeat_interleave(protocol.replicas, dim=0)
    velocities = maxwell_boltzmann(
        noise.keys(protocol.seed, members, noise.VELOCITY),
        protocol.waiting_time,
        machine.particles,
        protocol.temperature,
    )
    return positions, velocities.to(device=r.device, dtype=r.dtype)


def _replica_steps(protocol: Protocol) -> int:
    after = (protocol.steps - protocol.waiting_time) * protocol.replicas
    return protocol.samples * (protocol.waiting_time + after)


def _check(r: torch.Tensor, v: torch.Tensor, t: int, members: list[tuple[int, int]]) -> None:
    """Every particle inside its walls and every velocity finite, or Diverged naming where."""
    sane = ((r.abs() <= 1) & torch.isfinite(v)).all(dim=1)
    if not bool(sane.all()):
        sample, replica = members[int(torch.nonzero(~sane)[0])]
        raise Diverged(
            f"step {t}: a particle of sample {sample}, replica {replica} left (-1, 1) or became NaN;"
            " a smaller dt or temperature is needed"
        )


def _hot_layers(protocol: Protocol, machine: ThermalMachine, record: Record) -> str:
    """Layers warmer than 1.5 T at the end by more than four standard errors of a thermal layer."""
    if protocol.temperature == 0:
        return ""
    one = torch.empty(1, machine.particles)
    sizes = {
        "spins": ("kinetic_S", [0, *(x.shape[1] for x in machine.neuron_layers(one)), 0]),
        "weights": ("kinetic_J", [0, *(x.shape[1] for x in machine.weight_layers(one))]),
    }
    machines = protocol.samples * protocol.replicas
    found = []
    for what, (name, particles) in sizes.items():
        ratios = record.arrays[name][-1].mean(axis=(0, 1)) / protocol.temperature
        for layer, n in enumerate(particles):
            ratio = float(ratios[layer - (what == "weights")]) if n else 0.0
            if ratio > HOT and ratio - 1 > 4 * math.sqrt(2 / (n * machines)):
                found.append(f"{what} {layer} ({ratio:.2g} T)")
    if not found:
        return ""
    young = protocol.steps * protocol.eta < 10
    cause = "the run is shorter than 10/eta, not yet thermal" if young else "dt may be too long for them"
    return f"layers hotter than {HOT} T at the end: {', '.join(found)}; {cause}"


def _name(device: torch.device) -> str:
    if device.type == "cuda":
        return f"cuda: {torch.cuda.get_device_name(device)}"
    return f"cpu: {platform.machine()}, {platform.processor() or platform.system()}"
