"""What is frozen in a sample of the deep perceptron: wiring, inputs and outputs, and the teacher behind them.

* random: inputs and outputs are fair signs.
* teacher-student: outputs are a teacher's answers to random inputs. With the hard potential at margin 0 and
  temperature 0 the teacher is a random network and its neurons are its own answers, so that the student who
  starts there is in equilibrium from the beginning (quiet planting). At another margin or temperature, or
  with the soft potential, teacher, inputs and outputs are drawn together from the Boltzmann law with free
  ends, by :data:`SWEEPS` sweeps from such a network: the planted ensemble, n -> 1 in replica theory.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepglass import checks
from deepglass.errors import InvalidInput
from simulate import noise
from simulate.dynamics.compiled_sweeps import CompiledSweeps
from simulate.dynamics.monte_carlo import MonteCarlo, Streams
from simulate.noise import Member
from simulate.systems.deep_perceptron import DeepPerceptron, on_sphere
from simulate.systems.wiring import Wiring

__all__ = ["SCENARIOS", "STARTS", "Disorder", "alignment", "draw", "fresh_inputs", "participation", "start"]

SCENARIOS = ("random", "teacher-student")
STARTS = ("random", "planted")

SWEEPS = 200
"""Enough for the uniform phase, where weights are spread and point anywhere (a test holds energy and fields
against its closed form). Beyond the transition to a condensed phase (docs/deep_perceptron.md) it is
metastable, and after 200 sweeps either may be drawn."""


@dataclass(frozen=True, eq=False)
class Disorder:
    """Of one sample.

    ``spins`` (L + 1, N, M): the teacher's, or the frozen ends of a random sample with hidden layers of 0.
    ``weights`` (L, N, c): the teacher's; None for random.
    """

    wiring: Wiring
    spins: Tensor
    weights: Tensor | None


def draw(system: DeepPerceptron, scenario: str, temperature: float, seed: int, sample: int) -> Disorder:
    """The disorder of a sample; the same for any number of samples and replicas, on the CPU.

    Raises InvalidInput for an unknown scenario, and for a margin at which no teacher without violated gaps is
    found at temperature 0.
    """
    checks.one_of("scenario", scenario, SCENARIOS)
    generator = _generator(seed, noise.DISORDER, sample)
    wiring = Wiring.dilute(system.depth, system.width, system.c, generator)
    ends = torch.from_numpy(_signs(generator, 2, system.width, system.patterns)).to(system.dtype)
    if scenario == "random":
        spins = torch.zeros(system.depth + 1, system.width, system.patterns, dtype=system.dtype)
        spins[0], spins[-1] = ends[0], ends[1]
        return Disorder(wiring, spins, None)
    weights = torch.from_numpy(_weights(generator, system)).to(system.dtype)
    here = system.on("cpu")
    spins = here.forward(weights[None], [wiring], ends[:1])
    if temperature == 0 and system.margin == 0:  # with either core: no gap is violated
        return Disorder(wiring, spins[0], weights)
    if temperature == 0 and system.potential == "soft":
        raise InvalidInput(
            "a margin at temperature 0 needs the hard core, whose law the soft core's is there"
        )
    state = here.state(spins, weights[None])
    streams = Streams.of(seed, [Member(sample)], noise.PLANTING)
    sweeps = CompiledSweeps(here, MonteCarlo(ends=True), [wiring], streams)
    sweeps(state, 0, np.full(SWEEPS, temperature))
    if temperature == 0:  # a solution first, and then any of them
        if violated := int((here.gaps(state, [wiring]) < system.margin).sum()):
            raise InvalidInput(
                f"margin = {system.margin:g} is too large to plant at temperature 0: {violated} gaps of the"
                f" teacher of sample {sample} are violated after {SWEEPS} sweeps"
            )
        sweeps(state, SWEEPS, np.zeros(SWEEPS))
    return Disorder(wiring, here.spins(state)[0].clone(), here.weights(state)[0].clone())


def start(system: DeepPerceptron, disorder: Disorder, kind: str, seed: int, member: Member) -> Tensor:
    """Where a machine begins, (P,) on the CPU: hidden neurons and weights at ``random``, or as the teacher's.

    Raises InvalidInput for an unknown start, or a planted one where there is no teacher.
    """
    checks.one_of("start", kind, STARTS)
    if kind == "planted":
        if disorder.weights is None:
            raise InvalidInput("start = 'planted' needs a teacher: scenario = 'teacher-student'")
        return system.state(disorder.spins[None], disorder.weights[None])[0]
    rung = (member.rung,) if member.rung else ()
    generator = _generator(seed, noise.START, member.sample, member.replica, *rung)
    spins = disorder.spins.clone()
    hidden = _signs(generator, system.depth - 1, system.width, system.patterns)
    spins[1:-1] = torch.from_numpy(hidden).to(system.dtype)
    weights = torch.from_numpy(_weights(generator, system))
    return system.state(spins[None], weights[None])[0]


def alignment(system: DeepPerceptron, disorder: Disorder) -> Tensor:
    """How parallel the teacher's weight vectors are: mean of (J_i J_k/c)^2 over pairs i < k, by layer, (L,).

    1/N for independent ones that read everything; of order 1 where the planted ensemble has condensed.
    Raises InvalidInput where there is no teacher, and for N = 1.
    """
    if disorder.weights is None or system.width < 2:
        raise InvalidInput("alignment needs a teacher of width 2 or more")
    matrices = system.matrices(disorder.weights[None].double(), [disorder.wiring])[0]
    squares = (matrices @ matrices.transpose(1, 2) / system.c).square()
    pairs = system.width * (system.width - 1)
    return (squares.sum((1, 2)) - squares.diagonal(dim1=1, dim2=2).sum(1)) / pairs


def participation(system: DeepPerceptron, disorder: Disorder) -> Tensor:
    """How few weights of the teacher carry each vector: sum_j J_j^4/c^2, (L, N).

    3/(c + 2) on the sphere on average, 1/2 if two weights of equal size carry all. InvalidInput without a
    teacher.
    """
    if disorder.weights is None:
        raise InvalidInput("participation needs a teacher")
    return (disorder.weights.double() / system.c).pow(4).sum(2) * system.c**2


def fresh_inputs(system: DeepPerceptron, patterns: int, seed: int, sample: int) -> Tensor:
    """Fair signs (N, patterns) that no student has seen, the same for all of a sample, on the CPU."""
    generator = _generator(seed, noise.FRESH, sample)
    return torch.from_numpy(_signs(generator, system.width, patterns)).to(system.dtype)


def _generator(seed: int, *key: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def _signs(generator: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    return (2.0 * generator.integers(0, 2, size=shape, dtype=np.int8) - 1.0).astype(np.float32)


def _weights(generator: np.random.Generator, system: DeepPerceptron) -> NDArray[np.float64]:
    return on_sphere(generator.standard_normal((system.depth, system.width, system.c)))
