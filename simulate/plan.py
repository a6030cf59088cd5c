"""A run as pieces of work: which machines are advanced together, from which step to which.

Every sample has one trajectory up to its last t_w, the *trunk*; at each t_w it is copied into replicas, the
*branches*. Machines with the same clock form a *chunk*, one dense batch as large as the memory allows; chunks
run one after another.
"""

import os
from dataclasses import dataclass
from itertools import pairwise

import torch

from deepglass.errors import InvalidInput
from simulate.noise import Member
from simulate.protocol import PRECISIONS, Protocol
from simulate.systems.thermal_machine import ThermalMachine

COPIES = {"eager": 22, "compiled": 4, "captured": 18}
"""Arrays of the size of the particles that a backend holds at its peak: positions, velocities, positions at
t_w, and its own work space, with what measuring needs (docs/performance.md lists them)."""

SHARE = 0.8
"""Of the memory there is, what a run may plan with."""

MOST = {"cpu": 64, "cuda": 1024}
"""Machines in a chunk unless the user says otherwise: beyond, nothing is gained."""


@dataclass(frozen=True)
class Chunk:
    """Samples ``samples`` (counted from 0 in this run) from step ``first`` to ``last``.

    ``t_w`` is None for a trunk; a branch has ``replicas`` machines per sample.
    """

    number: int
    samples: range
    t_w: int | None
    replicas: int
    first: int
    last: int

    @property
    def machines(self) -> int:
        """B, the length of the batch."""
        return len(self.samples) * self.replicas

    def members(self, first_sample: int) -> list[Member]:
        """Who is in the batch, in its order: replicas of a sample side by side."""
        return [Member(first_sample + s, a, self.t_w) for s in self.samples for a in range(self.replicas)]

    @property
    def replica_steps(self) -> int:
        """Its work."""
        return self.machines * (self.last - self.first)


def chunks(protocol: Protocol, limit: int) -> list[Chunk]:
    """All chunks of a run, trunks first, of at most ``limit`` machines (at least one sample) each."""
    t_ws = protocol.waiting_times
    parts: list[tuple[range, int | None, int, int, int]] = []
    for samples in _even(protocol.samples, limit):
        parts.append((samples, None, 1, 0, t_ws[-1]))
    for t_w in t_ws:
        for samples in _even(protocol.samples, limit // protocol.replicas):
            parts.append((samples, t_w, protocol.replicas, t_w, protocol.steps))
    return [Chunk(number, *part) for number, part in enumerate(parts)]


def _even(count: int, limit: int) -> list[range]:
    """0..count-1 in the fewest parts of at most ``limit``, as equal as can be."""
    parts = -(-count // max(limit, 1))
    ends = [count * i // parts for i in range(parts + 1)]
    return [range(a, b) for a, b in pairwise(ends)]


def machines_that_fit(
    protocol: Protocol, backend: str, inputs: int = 1, outputs: int = 1, have: int | None = None
) -> int:
    """How many machines may be advanced at once, from shapes alone, or as many as the user allows.

    Raises InvalidInput, before anything is allocated, where not even one sample fits, or where what is
    recorded does not; ``have`` is the memory in bytes (default: what the device has).
    """
    device = protocol.torch_device()
    have = memory(device) if have is None else have
    particles = ThermalMachine.count(protocol.depth, protocol.width, protocol.patterns, inputs, outputs)
    machine = particles * PRECISIONS[protocol.precision].itemsize * COPIES[backend]
    machines = protocol.samples * protocol.replicas * len(protocol.waiting_times)
    rows = 8 * 60 * machines * protocol.depth * (protocol.replicas + 20)  # what is recorded, roughly
    kept = 3 * machines * particles * PRECISIONS[protocol.precision].itemsize if protocol.keep_state else 0
    need = machine * protocol.replicas
    host = memory(torch.device("cpu"))
    if need > SHARE * have or rows + kept > SHARE * host:
        raise InvalidInput(
            f"{protocol.samples} samples x {protocol.replicas} replicas of {particles:,} particles need"
            f" {need / 2**30:.3g} GiB for one sample at a time, {(rows + kept) / 2**30:.3g} GiB for results,"
            f" more than {SHARE:.0%} of the {min(have, host) / 2**30:.3g} GiB here; reduce samples, replicas,"
            " depth, width or patterns"
        )
    fit = int((SHARE * have - kept * (device.type == "cpu")) // machine)
    return max(protocol.replicas, min(fit, protocol.replicas_per_chunk or MOST[device.type]))


def memory(device: torch.device) -> int:
    """Bytes there are: free on a GPU, all on the host."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
