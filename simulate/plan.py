"""A run as pieces of work: which machines are advanced together, from which step to which.

Every sample has one trajectory up to its last t_w, the *trunk*; at each t_w it is copied into replicas, the
*branches*. Machines with the same clock form a *chunk*, one dense batch as large as the memory allows; chunks
run one after another.
"""

import math
import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch

from deepglass.errors import InvalidInput
from simulate.contract import Footprint
from simulate.noise import Member
from simulate.protocol import PRECISIONS, BaseProtocol
from simulate.registry import system_of

SHARE = 0.8
"""Of the memory there is, what a run may plan with."""

SPARE = 2
"""Numbers for each replica and time beside those that are recorded."""

MOST = {"cpu": 64, "cuda": 1024}
"""Machines in a chunk unless the user says otherwise: beyond, nothing is gained."""

CGROUPS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


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


def chunks(protocol: BaseProtocol, limit: int) -> list[Chunk]:
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


def machines_that_fit(protocol: BaseProtocol, footprint: Footprint, have: int | None = None) -> int:
    """How many machines may be advanced at once, from shapes alone, or as many as the user allows.

    Raises InvalidInput, before anything is allocated, where not even one sample fits, or where the result
    does not; ``have`` is the memory in bytes (default: what the device has).
    """
    device = protocol.torch_device()
    host = memory(torch.device("cpu"))
    have = memory(device) if have is None else have
    result = result_bytes(protocol, footprint.particles)
    room = SHARE * have - (result if device.type == "cpu" else 0)
    one = footprint.sample
    if one > room or result > SHARE * host:
        raise InvalidInput(
            f"{protocol.samples} samples x {protocol.replicas} replicas of {footprint.particles:,} particles"
            f" need {one / 2**30:.3g} GiB for one sample at a time, {result / 2**30:.3g} GiB for the result,"
            f" more than {SHARE:.0%} of the {min(have, host) / 2**30:.3g} GiB here; reduce samples, replicas,"
            " depth, width or patterns, or what is kept (frames_per_decade, matrix_times, keep_state)"
        )
    fit = protocol.replicas + int((room - one) // footprint.machine)
    return max(protocol.replicas, min(fit, protocol.replicas_per_chunk or MOST[device.type]))


def result_bytes(protocol: BaseProtocol, particles: int) -> int:
    """Memory of the host for the finished run: its arrays, and the file made of them, which is as large."""
    system = system_of(protocol)
    sizes = {name: len(x) for name, x in system.layers(protocol).items()}
    numbers = {"replica": SPARE, "pair": 0}  # per time
    for variable in (*system.one_time.values(), *system.two_time.values()):
        member, *layers = variable.dims
        numbers[member] += math.prod(sizes[layer] for layer in layers)
    n_tw, replicas = len(protocol.waiting_times), protocol.replicas
    machines = protocol.samples * replicas
    pairs = replicas * (replicas - 1) // 2
    rows = protocol.samples * (replicas * numbers["replica"] + pairs * numbers["pair"])
    recorded = 8 * n_tw * len(protocol.times()) * rows
    configuration = machines * particles * PRECISIONS[protocol.precision].itemsize
    frames = n_tw * len(protocol.frame_times()) * configuration
    matrices = 8 * n_tw * len(protocol.matrix_times) * (2 * protocol.depth) * machines**2
    state = (2 + system.has_velocities) * n_tw * configuration if protocol.keep_state else 0
    gathering = 3 * configuration if protocol.matrix_times else 0  # float64 beside what is stored
    return 2 * (recorded + frames + matrices + state) + gathering


def memory(device: torch.device) -> int:
    """Bytes there are: free on a GPU; on the host all, or what a container or a job may use of them."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in CGROUPS:
        try:
            most = min(most, int(limit.read_text()))
        except (OSError, ValueError):  # no such limit, or "max"
            continue
    return most
