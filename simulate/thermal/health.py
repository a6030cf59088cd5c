"""Whether a run can be believed: particles inside their walls, numbers finite, layers not too hot."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import gammainccinv

from deepglass.errors import Diverged
from simulate.noise import Member
from simulate.thermal.protocol import Protocol

THERMAL = 10
"""Friction times 1/eta after which a layer should have the temperature of the thermostat."""

FALSE_ALARM = 1e-4
"""At most how often a run is reported whose layers are all at T: over all its machines, layers and times."""

COLD = 0.95
"""A layer below this many T is cold: one that still takes up heat may lag behind by a percent."""

Kinetic = Mapping[str, NDArray[np.float64]]
"""<v^2> of ``spins`` (..., L+1) and ``weights`` (..., L)."""

Sizes = Mapping[str, Sequence[int]]
"""How many particles a machine has in each of these layers; 0 where they are frozen."""


def kinetic_of(measured: Mapping[str, NDArray[np.float64]]) -> Kinetic:
    """What these functions ask for, from variables by their names in a file."""
    return {"spins": measured["kinetic_S"], "weights": measured["kinetic_J"]}


def layer_sizes(protocol: Protocol, inputs: int, outputs: int) -> Sizes:
    """Particles per layer of one machine: ``spins`` 0..L (0 at the frozen ends), ``weights`` 1..L."""
    n, depth = protocol.width, protocol.depth
    spins = [0, *[n * protocol.patterns] * (depth - 1), 0]
    if depth == 1:
        return {"spins": spins, "weights": [inputs * outputs]}
    return {"spins": spins, "weights": [n * inputs, *[n * n] * (depth - 2), n * outputs]}


def check(r: torch.Tensor, v: torch.Tensor, t: int, members: Sequence[Member]) -> None:
    """Every particle inside its walls and every velocity finite, or Diverged naming where."""
    sane = (r.abs().amax(dim=1) <= 1) & torch.isfinite(v).all(dim=1)
    if not bool(sane.all()):
        member = members[int(torch.nonzero(~sane)[0])]
        raise Diverged(
            f"step {t}: a particle of sample {member.sample}, replica {member.replica} left (-1, 1) or became"
            " NaN; a smaller dt or temperature is needed"
        )


def since(protocol: Protocol, t: int) -> int:
    """The step from which on the thermostat has had the temperature that it has at step ``t``."""
    end = protocol.schedule_steps
    if end is None or protocol.initial_temperature == protocol.temperature:
        return 0
    if protocol.schedule == "anneal":
        return min(t, end)
    return end if t >= end else 0


def thermal(protocol: Protocol, t: int) -> bool:
    """Whether at step ``t`` every layer should have the temperature of the thermostat."""
    return (t - since(protocol, t)) * protocol.eta >= THERMAL


@dataclass(frozen=True)
class Hot:
    """A layer hotter than it should be: on average over a batch, or in some of its machines only.

    ``where`` names these (empty: on average), ``ratio`` is the largest <v^2>/T, ``last`` the last step at
    which it was so.
    """

    layer: str
    where: str
    ratio: float
    last: int

    @property
    def name(self) -> str:
        """``weights 1``, ``weights 1 of sample 3, replica 0`` or ``weights 1 in 2 of 64 machines``."""
        return f"{self.layer} {self.where}".strip()

    @property
    def key(self) -> str:
        """The same however many machines it is."""
        return f"{self.layer} in machines" if self.where else self.layer

    @property
    def size(self) -> str:
        """How hot: ``6.4 T``, or ``up to 20 T``."""
        return f"{'up to ' if self.where.startswith('in ') else ''}{self.ratio:.2g} T"

    def __str__(self) -> str:
        return f"{self.name} ({self.size})"


@dataclass(frozen=True)
class _Finding:
    """One layer at one step: on average (``member`` is None), or in one machine."""

    layer: str
    member: Member | None
    ratio: float
    t: int


def hot_layers(
    protocol: Protocol, t: int, kinetic: Kinetic, particles: Sizes, members: Sequence[Member]
) -> list[Hot]:
    """Layers of a batch that are hotter at step ``t`` than ``hot`` T and than chance allows.

    First axis of ``kinetic`` are the machines ``members``. Each is judged by its own error, so that one in a
    thousand is seen; if the others are hot on average, or there are no others, the layer is named once.
    """
    found = _findings(protocol, t, kinetic, particles, members)
    return _merged(protocol, found, len(members))


def of_run(protocol: Protocol, kinetic: Kinetic, particles: Sizes) -> tuple[list[Hot], list[Hot]]:
    """Hot layers at the end of a run, and those that were hot before, when they should have been thermal.

    ``kinetic`` has the axes (t_w, t, sample, replica, layer) of a finished run.
    """
    end, before = [], []
    batches = 0
    for t, members, values in _batches(protocol, kinetic):
        if t == protocol.steps:
            end += _findings(protocol, t, values, particles, members)
            batches += len(members)
        elif thermal(protocol, t):
            before += _findings(protocol, t, values, particles, members)
    at_end = _merged(protocol, end, batches)
    trunks = protocol.samples if protocol.waiting_times[-1] else 0
    earlier = _merged(protocol, before, batches + trunks)
    if thermal(protocol, protocol.steps):  # otherwise the end has a reason of its own
        said = {hot.layer: hot.where for hot in at_end}
        earlier = [x for x in earlier if x.layer not in said or (said[x.layer] and not x.where)]
    return at_end, earlier


def lines(protocol: Protocol, kinetic: Kinetic, particles: Sizes) -> list[str]:
    """What a finished run has to say about hot layers, in at most two lines."""
    at_end, earlier = of_run(protocol, kinetic, particles)
    found = [describe(protocol, protocol.steps, at_end)] if at_end else []
    if earlier:
        entries = ", ".join(f"{x.name} ({x.size}, last at step {x.last})" for x in earlier)
        found.append(f"layers hotter than {protocol.hot:g} T earlier, since cooled: {entries}")
    return found


def describe(protocol: Protocol, t: int, found: Sequence[Hot]) -> str:
    """One line about hot layers at step ``t``; empty if there are none."""
    if not found:
        return ""
    return (
        f"layers hotter than {protocol.hot:g} T at step {t}: {', '.join(map(str, found))};"
        f" {_cause(protocol, t)}"
    )


def cold_layers(protocol: Protocol, t: int, kinetic: Kinetic, particles: Sizes) -> list[str]:
    """Layers colder than the thermostat by more than six standard errors, once they should be thermal.

    First axis of ``kinetic`` are machines. Entries read ``weights 1 are at 0.01 T``.
    """
    temperature = float(protocol.temperatures().temperatures(t, 1)[0])
    if temperature == 0 or not thermal(protocol, t):
        return []
    found = []
    for layer, n, values in _columns(kinetic, particles):
        ratio = values.mean() / temperature
        if ratio < min(COLD, 1 - 6 * math.sqrt(2 / (n * len(values)))):
            found.append(f"{layer} are at {ratio:.3g} T")
    return found


def _cause(protocol: Protocol, t: int) -> str:
    begin = since(protocol, t)
    if thermal(protocol, t):
        return "dt may be too long for them"
    if protocol.schedule == "anneal" and t < (protocol.schedule_steps or 0):
        return "the temperature is still changing"
    return (
        f"not yet thermal since step {begin}" if begin else "the run is shorter than 10/eta, not yet thermal"
    )


def _columns(kinetic: Kinetic, particles: Sizes) -> Iterable[tuple[str, int, NDArray[np.float64]]]:
    """(name, particles per machine, <v^2> of the machines) of every layer that moves."""
    for what, values in kinetic.items():
        for column, n in enumerate(particles[what]):
            if n:
                yield f"{what} {column + (what == 'weights')}", n, values[..., column]


def _findings(
    protocol: Protocol, t: int, kinetic: Kinetic, particles: Sizes, members: Sequence[Member]
) -> list[_Finding]:
    temperature = float(protocol.temperatures().temperatures(t, 1)[0])
    if temperature == 0:
        return []
    found = []
    for layer, n, values in _columns(kinetic, particles):
        ratios = values / temperature
        alone = ratios > _limit(protocol, n)
        others = ratios if alone.all() else ratios[~alone]  # hot without the hottest, too?
        if others.mean() > _limit(protocol, n * len(others)):
            found.append(_Finding(layer, None, float(ratios.mean()), t))
        else:
            found += [
                _Finding(layer, members[i], float(ratios[i]), t) for i in np.flatnonzero(alone).tolist()
            ]
    return found


@lru_cache(maxsize=256)
def _limit(protocol: Protocol, n: int) -> float:
    """<v^2>/T above which n velocities are hot: n times it is chi^2 distributed if they are thermal."""
    batches = 1 + len(protocol.waiting_times)  # the trunk's, and those of the branches
    machines = protocol.samples * (1 + protocol.replicas * len(protocol.waiting_times))
    tests = len(protocol.times()) * (2 * protocol.depth - 1) * (machines + batches)
    return max(protocol.hot, 2 * float(gammainccinv(n / 2, FALSE_ALARM / tests)) / n)


def _merged(protocol: Protocol, found: Sequence[_Finding], machines: int) -> list[Hot]:
    """Findings layer by layer; machines are named only of layers that never are hot on average."""
    merged = []
    for layer in sorted({x.layer for x in found}, key=lambda name: (name.split()[0], int(name.split()[1]))):
        of_layer = [x for x in found if x.layer == layer]
        of_layer = [x for x in of_layer if x.member is None] or of_layer
        where = _where(protocol, {x.member for x in of_layer if x.member is not None}, machines)
        merged.append(Hot(layer, where, max(x.ratio for x in of_layer), max(x.t for x in of_layer)))
    return merged


def _where(protocol: Protocol, members: set[Member], machines: int) -> str:
    if len(members) != 1:
        return f"in {len(members)} of {machines} machines" if members else ""
    (member,) = members
    if member.t_w is None:
        return f"of sample {member.sample}"
    several = f", t_w {member.t_w}" if len(protocol.waiting_times) > 1 else ""
    return f"of sample {member.sample}, replica {member.replica}{several}"


def _batches(protocol: Protocol, kinetic: Kinetic) -> Iterable[tuple[int, list[Member], Kinetic]]:
    """(step, machines, their <v^2>) of a finished run, each measured once: there the trunk's are repeated."""
    samples = range(protocol.first_sample, protocol.first_sample + protocol.samples)
    trunk = [Member(s, 0, None) for s in samples]
    for k, t_w in enumerate(protocol.waiting_times):
        branch = [Member(s, a, t_w) for s in samples for a in range(protocol.replicas)]
        longest = t_w == protocol.waiting_times[-1]
        for i, t in enumerate(protocol.times().tolist()):
            if t >= t_w:
                yield t, branch, {what: x[k, i].reshape(-1, x.shape[-1]) for what, x in kinetic.items()}
            elif longest:
                yield t, trunk, {what: x[k, i, :, 0] for what, x in kinetic.items()}
