"""Memory of thermal machines, from shapes alone."""

from simulate.contract import Footprint
from simulate.protocol import PRECISIONS
from simulate.systems.thermal_machine import ThermalMachine
from simulate.thermal.protocol import Protocol

COPIES = {"eager": 22, "compiled": 4, "captured": 18}
"""Arrays of the size of the particles that a machine of a chunk has at its peak, measuring apart: positions,
velocities, positions at t_w, and the work space of the backend (docs/performance.md lists them)."""

MEASURING = 10
"""The same of the largest layer, of each machine that is measured at the same time."""

BLOCK = 8
"""Machines that are measured together on a CPU; on a GPU it is the whole chunk."""


def footprint(protocol: Protocol, backend: str, inputs: int = 1, outputs: int = 1) -> Footprint:
    """Of machines with so many pixels and labels; one each is the least there can be."""
    particles = ThermalMachine.count(protocol.depth, protocol.width, protocol.patterns, inputs, outputs)
    sample = chunk_bytes(protocol, backend, particles, inputs, protocol.replicas)
    none = chunk_bytes(protocol, backend, particles, inputs, 0)
    return Footprint(particles, sample, (sample - none) / protocol.replicas)


def chunk_bytes(protocol: Protocol, backend: str, particles: int, inputs: int, machines: int) -> int:
    """Memory of the device for a chunk of ``machines``."""
    size = PRECISIONS[protocol.precision].itemsize
    largest = max(protocol.width * max(protocol.patterns, inputs), 1)
    together = max(protocol.replicas, BLOCK if protocol.torch_device().type == "cpu" else machines)
    return size * (machines * particles * COPIES[backend] + MEASURING * together * min(largest, particles))
