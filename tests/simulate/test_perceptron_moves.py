"""Moves of the deep perceptron against exact laws of networks so small that these can be written out.

Seeds are fixed. Every chi-square or z below would raise a false alarm with probability 1e-4 on a fresh seed.
"""

from itertools import product

import numpy as np
import pytest
import torch
from scipy.stats import chi2, norm

from simulate.dynamics.compiled_sweeps import CompiledSweeps
from simulate.dynamics.monte_carlo import EagerSweeps, MonteCarlo, Streams
from simulate.noise import Member
from simulate.systems.deep_perceptron import DeepPerceptron, on_sphere
from simulate.systems.wiring import Wiring

ALARM = 1e-4
BACKENDS = {"eager": EagerSweeps, "compiled": CompiledSweeps}


def streams(batch: int, seed: int = 5) -> Streams:
    return Streams.of(seed, [Member(b) for b in range(batch)])


def random_state(system: DeepPerceptron, batch: int, seed: int = 1) -> torch.Tensor:
    generator = np.random.default_rng(seed)
    shape = (batch, system.depth + 1, system.width, system.patterns)
    spins = torch.from_numpy(generator.choice([-1.0, 1.0], size=shape))
    weights = on_sphere(generator.standard_normal((batch, system.depth, system.width, system.c)))
    return system.state(spins, torch.from_numpy(weights))


def p_value(counts: np.ndarray, probabilities: np.ndarray) -> float:
    """Pearson's, with states that are expected fewer than five times taken together."""
    expected = counts.sum() * probabilities
    assert counts[expected == 0].sum() == 0  # nothing impossible happens
    rare = expected < 5
    seen = np.append(counts[~rare], counts[rare].sum())
    wanted = np.append(expected[~rare], expected[rare].sum())
    seen, wanted = seen[wanted > 0], wanted[wanted > 0]
    return float(chi2.sf(((seen - wanted) ** 2 / wanted).sum(), len(seen) - 1))


# ---------------------------------------------------------------------------------- neurons, weights frozen


def enumerated(system: DeepPerceptron, frozen: torch.Tensor, wiring: Wiring, moving: list[int], beta: float):
    """All states of one pattern's neurons in the layers that move, (states, L + 1, N), and their law."""
    free = len(moving) * system.width
    signs = torch.tensor(list(product([-1.0, 1.0], repeat=free)), dtype=torch.float64)
    spins = system.spins(frozen)[:, :, :, :1].expand(len(signs), -1, -1, 1).clone()
    spins[:, moving, :, 0] = signs.view(-1, len(moving), system.width)
    one = DeepPerceptron(
        system.depth, system.width, 1, system.degree, system.potential, system.margin, torch.float64
    )
    weights = system.weights(frozen).expand(len(signs), -1, -1, -1)
    energy = one.energy(one.state(spins, weights), [wiring] * len(signs)).sum(1).numpy()
    if np.isinf(beta):
        law = (energy == energy.min()).astype(float)
    else:
        law = np.exp(-beta * (energy - energy.min()))
    return spins[..., 0], law / law.sum()


def codes(spins: torch.Tensor, moving: list[int]) -> np.ndarray:
    """States (patterns, L + 1, N) as numbers of the enumeration."""
    bits = (spins[:, moving].flatten(1) > 0).long()
    return (bits * 2 ** torch.arange(bits.shape[1] - 1, -1, -1)).sum(1).numpy()


NEURONS = {  # depth, width, degree, potential, margin, temperature, ends
    "two layers": (2, 4, None, "soft", 0.0, 0.3, False),
    "two hidden layers": (3, 3, None, "soft", 0.0, 0.2, False),
    "three hidden layers, margin": (4, 2, None, "soft", 0.4, 0.5, False),
    "dilute": (3, 4, 2, "soft", -0.2, 0.3, False),
    "free ends": (2, 3, None, "soft", 0.0, 0.4, True),
    "violations at finite temperature": (3, 3, None, "hard", 0.0, 0.7, False),
    "fewest violations": (3, 3, None, "hard", -0.7, 0.0, False),
    "free ends of the hard core": (2, 3, None, "hard", -0.5, 0.0, True),
}


def heat_bath_case(name: str, patterns: int):
    """A system with many copies of one pattern, frozen weights, and states drawn from the exact law."""
    depth, width, degree, potential, margin, temperature, ends = NEURONS[name]
    system = DeepPerceptron(depth, width, patterns, degree, potential, margin, torch.float64)
    generator = np.random.default_rng(3)
    wiring = Wiring.dilute(depth, width, system.c, generator)
    state = random_state(system, 1)
    spins = system.spins(state)
    spins[:] = spins[..., :1]
    moving = list(range(depth + 1)) if ends else list(range(1, depth))
    beta = np.inf if temperature == 0 else 1 / temperature
    states, law = enumerated(system, state, wiring, moving, beta)
    drawn = generator.choice(len(law), size=patterns, p=law)
    spins[0] = states[drawn].permute(1, 2, 0)
    return system, wiring, state, moving, law, temperature, ends


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NEURONS)
def test_neurons_keep_their_exact_law(name, backend):
    system, wiring, state, moving, law, temperature, ends = heat_bath_case(name, patterns=20_000)
    rule = MonteCarlo(weights=False, ends=ends)
    before = system.spins(state)[0].clone()
    BACKENDS[backend](system, rule, [wiring], streams(1))(state, 0, np.full(2, temperature))
    after = system.spins(state)[0]
    counts = np.bincount(codes(after.permute(2, 0, 1), moving), minlength=len(law))
    assert p_value(counts, law) > ALARM
    assert (before != after)[moving].double().mean() > 0.05  # they did move
    still = [layer for layer in range(system.depth + 1) if layer not in moving]
    assert (before == after)[still].all()


@pytest.mark.parametrize("name", ["two hidden layers", "dilute", "violations at finite temperature"])
def test_neurons_reach_their_exact_law_from_anywhere(name):
    system, wiring, state, moving, law, temperature, ends = heat_bath_case(name, patterns=20_000)
    system.spins(state)[0, moving] = 1.0
    rule = MonteCarlo(weights=False, ends=ends)
    CompiledSweeps(system, rule, [wiring], streams(1))(state, 0, np.full(60, temperature))
    counts = np.bincount(codes(system.spins(state)[0].permute(2, 0, 1), moving), minlength=len(law))
    assert p_value(counts, law) > ALARM


def test_neurons_of_a_layer_cannot_be_drawn_together():
    """The tempting parallel update, from the same exact draws, fails the test that the sweeps pass."""
    system, wiring, state, moving, law, temperature, _ = heat_bath_case("two layers", patterns=20_000)
    generator = torch.Generator().manual_seed(0)
    spins = system.spins(state)
    flips = []
    energy = system.cost(system.gaps(state, [wiring])).sum((0, 1, 2))
    for j in range(system.width):
        turned = state.clone()
        system.spins(turned)[0, 1, j] *= -1
        change = system.cost(system.gaps(turned, [wiring])).sum((0, 1, 2)) - energy
        chance = 1 / (1 + torch.exp(change / temperature))
        flips.append(torch.rand(len(chance), generator=generator, dtype=torch.float64) < chance)
    spins[0, 1] = torch.where(torch.stack(flips), -spins[0, 1], spins[0, 1])
    counts = np.bincount(codes(spins[0].permute(2, 0, 1), moving), minlength=len(law))
    assert p_value(counts, law) < 1e-12


# ------------------------------------------------------------------------------------ weights, neurons frozen


def circle_law(
    system: DeepPerceptron, spins: torch.Tensor, beta: float, points: int = 4800
) -> tuple[np.ndarray, np.ndarray]:
    """Weight vectors (points, 2) all around the circle, and each perceptron's law on them, (L, N, points)."""
    angles = (np.arange(points) + 0.5) * 2 * np.pi / points
    vectors = np.sqrt(2) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    fields = torch.einsum("pc,lcm->lpm", torch.from_numpy(vectors), spins[:-1].double()) / np.sqrt(2)
    gaps = fields[:, None] * spins[1:].double()[:, :, None]
    energy = system.cost(gaps).sum(-1).numpy()
    if np.isinf(beta):
        weight = (energy == energy.min(axis=-1, keepdims=True)).astype(float)
    else:
        weight = np.exp(-beta * energy)
    return vectors, weight


WEIGHTS = {  # potential, margin, temperature, reach
    "slices, soft": ("soft", 0.0, 0.2, 0.0),
    "slices, hard core": ("hard", 0.0, 0.0, 0.0),
    "slices, violations": ("hard", 0.3, 0.5, 0.0),
    "rotations, soft": ("soft", 0.2, 0.2, 0.7),
    "rotations, hard core": ("hard", -0.4, 0.0, 0.5),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_keep_their_exact_law(name, backend):
    potential, margin, temperature, reach = WEIGHTS[name]
    batch, bins = 4000, 40
    system = DeepPerceptron(2, 2, 3, None, potential, margin, torch.float64)
    state = random_state(system, batch, seed=4)
    spins = system.spins(state)
    spins[:] = spins[:1]
    beta = np.inf if temperature == 0 else 1 / temperature
    vectors, law = circle_law(system, spins[0], beta)
    law /= law.sum(axis=-1, keepdims=True)
    generator = np.random.default_rng(8)
    weights = system.weights(state)
    for layer, i in product(range(2), range(2)):
        drawn = vectors[generator.choice(len(vectors), size=batch, p=law[layer, i])]
        turn = generator.uniform(-0.5, 0.5, size=batch) * 2 * np.pi / len(vectors)  # off the grid
        cosine, sine = np.cos(turn), np.sin(turn)
        drawn = np.stack(
            [cosine * drawn[:, 0] - sine * drawn[:, 1], sine * drawn[:, 0] + cosine * drawn[:, 1]], 1
        )
        weights[:, layer, i] = torch.from_numpy(drawn)
    before = weights.clone()
    wirings = [Wiring.complete(2, 2)] * batch
    rule = MonteCarlo(neurons=False, reach=reach)
    BACKENDS[backend](system, rule, wirings, streams(batch))(state, 0, np.full(3, temperature))
    assert (before != weights).any(-1).double().mean() > 0.3
    torch.testing.assert_close(weights.square().sum(-1), torch.full((batch, 2, 2), 2.0, dtype=torch.float64))
    for layer, i in product(range(2), range(2)):
        angle = torch.atan2(weights[:, layer, i, 1], weights[:, layer, i, 0]).numpy() % (2 * np.pi)
        counts = np.bincount((angle / (2 * np.pi) * bins).astype(int), minlength=bins)
        assert p_value(counts, law[layer, i].reshape(bins, -1).sum(1)) > ALARM


@pytest.mark.parametrize("reach", [0.0, 0.6])
def test_weights_on_a_sphere_reach_their_exact_moments(reach):
    """Three neurons: means and squares of J against a fine grid on the sphere."""
    batch, temperature = 4000, 0.15
    system = DeepPerceptron(1, 3, 2, None, "soft", 0.1, torch.float64)
    state = random_state(system, batch, seed=2)
    spins = system.spins(state)
    spins[:] = spins[:1]
    cosines, weights_of = np.polynomial.legendre.leggauss(120)
    angles = np.arange(240) * 2 * np.pi / 240
    sines = np.sqrt(1 - cosines**2)
    grid = np.stack(
        [
            np.outer(sines, np.cos(angles)).ravel(),
            np.outer(sines, np.sin(angles)).ravel(),
            np.repeat(cosines, len(angles)),
        ],
        axis=1,
    ) * np.sqrt(3)
    measure = np.repeat(weights_of, len(angles))
    CompiledSweeps(
        system, MonteCarlo(neurons=False, reach=reach), [Wiring.complete(1, 3)] * batch, streams(batch)
    )(state, 0, np.full(40, temperature))
    for i in range(3):
        gaps = (grid @ spins[0, 0].numpy()) / np.sqrt(3) * spins[0, 1, i].numpy()
        law = measure * np.exp(-system.cost(torch.from_numpy(gaps)).sum(-1).numpy() / temperature)
        law /= law.sum()
        found = system.weights(state)[:, 0, i].numpy()
        for power in (1, 2):
            exact = law @ grid**power
            error = np.sqrt((law @ grid ** (2 * power) - exact**2) / batch)
            z = (np.mean(found**power, axis=0) - exact) / error
            assert (np.abs(z) < norm.isf(ALARM / 12)).all()


# --------------------------------------------------------------------------------------------- all together


@pytest.mark.parametrize(("potential", "temperature"), [("soft", 0.3), ("hard", 0.6)])
def test_sweeps_reach_the_joint_law(potential, temperature):
    """Hidden neurons of two patterns and all weights, N = 2: the weights integrated by quadrature."""
    batch = 5000
    system = DeepPerceptron(2, 2, 2, None, potential, 0.0, torch.float64)
    state = random_state(system, batch, seed=6)
    spins = system.spins(state)
    spins[:, [0, 2]] = spins[:1, [0, 2]]
    exact, energies = [], []
    for hidden in product([-1.0, 1.0], repeat=4):
        given = spins[0].clone()
        given[1] = torch.tensor(hidden, dtype=torch.float64).view(2, 2)
        _, boltzmann = circle_law(system, given, 1 / temperature)
        z = boltzmann.mean(-1)
        inner = -temperature * np.where(boltzmann > 0, boltzmann * np.log(boltzmann), 0).mean(-1) / z
        exact.append(z.prod())
        energies.append(inner.sum())
    law = np.array(exact) / np.sum(exact)
    wirings = [Wiring.complete(2, 2)] * batch
    CompiledSweeps(system, MonteCarlo(), wirings, streams(batch))(state, 0, np.full(60, temperature))
    bits = (spins[:, 1].flatten(1) > 0).long()
    counts = np.bincount((bits * torch.tensor([8, 4, 2, 1])).sum(1).numpy(), minlength=16)
    assert p_value(counts, law) > ALARM
    found = system.energy(state, wirings).sum(1).numpy()
    z = (found.mean() - law @ energies) / (found.std() / np.sqrt(batch))
    assert abs(z) < norm.isf(ALARM / 2)


@pytest.mark.parametrize(("backend", "margin"), [("compiled", 0.0), ("compiled", -0.4), ("eager", -0.4)])
def test_solutions_of_the_hard_core_are_visited_uniformly(backend, margin):
    """All start at one teacher; hidden neurons, which cannot flip alone, take every state by its volume."""
    batch = 4000 if backend == "compiled" else 1500
    system = DeepPerceptron(2, 2, 3, None, "hard", margin, torch.float64)
    generator = torch.Generator().manual_seed(11)
    wirings = [Wiring.complete(2, 2)] * batch
    teacher = torch.from_numpy(on_sphere(np.random.default_rng(2).standard_normal((1, 2, 2, 2))))
    ends = torch.randint(0, 2, (1, 2, 3), generator=generator).double() * 2 - 1
    answers = system.forward(teacher, wirings[:1], ends)
    state = system.state(answers, teacher).repeat(batch, 1)
    exact = []
    for hidden in product([-1.0, 1.0], repeat=6):
        given = answers[0].clone()
        given[1] = torch.tensor(hidden, dtype=torch.float64).view(2, 3)
        _, allowed = circle_law(system, given, 1.0)  # exp(-violations)
        exact.append((allowed == 1).mean(-1).prod())
    law = np.array(exact) / np.sum(exact)
    assert (law > 0).sum() > 8  # there is something to visit
    BACKENDS[backend](system, MonteCarlo(), wirings, streams(batch))(state, 0, np.zeros(40))
    assert (system.energy(state, wirings) == 0).all()
    bits = (system.spins(state)[:, 1].flatten(1) > 0).long()
    counts = np.bincount((bits * 2 ** torch.arange(5, -1, -1)).sum(1).numpy(), minlength=64)
    assert p_value(counts, law) > ALARM


def test_at_temperature_zero_violations_never_rise():
    system = DeepPerceptron(3, 8, 60, None, "hard", 0.0)
    state = random_state(system, 3)
    wirings = [Wiring.complete(3, 8)] * 3
    sweeps = CompiledSweeps(system, MonteCarlo(), wirings, streams(3))
    energies = [system.energy(state, wirings).sum(1)]
    for sweep in range(30):
        sweeps(state, sweep, np.zeros(1))
        energies.append(system.energy(state, wirings).sum(1))
    counts = torch.stack(energies)
    assert (counts.diff(dim=0) <= 0).all()
    assert (counts[-1] < 0.5 * counts[0]).all()


# ------------------------------------------------------------------------------------------------- backends

CASES = {  # depth, width, patterns, degree, potential, margin, reach, temperature, ends
    "slices": (3, 6, 10, None, "soft", 0.0, 0.0, 0.3, False),
    "rotations, free ends, dilute": (3, 8, 70, 4, "soft", 0.2, 0.5, 0.3, True),
    "greedy": (2, 5, 9, None, "hard", 0.0, 0.0, 0.0, False),
    "one layer": (1, 9, 65, 3, "hard", -0.1, 0.7, 0.4, False),
    "follow with free ends": (2, 6, 9, 4, "hard", 0.1, 0.0, 0.0, True),
    "follow, one layer, free ends": (1, 6, 9, None, "hard", 0.3, 0.0, 0.0, True),
}


@pytest.mark.parametrize("name", CASES)
def test_compiled_follows_eager(name):
    depth, width, patterns, degree, potential, margin, reach, temperature, ends = CASES[name]
    system = DeepPerceptron(depth, width, patterns, degree, potential, margin, torch.float64)
    wirings = [Wiring.dilute(depth, width, system.c, np.random.default_rng(b)) for b in range(3)]
    start = random_state(system, 3)
    rule = MonteCarlo(reach=reach, ends=ends)
    found = []
    for backend in BACKENDS.values():
        state = start.clone()
        backend(system, rule, wirings, streams(3))(state, 2**32 + 7, np.full(5, temperature))
        found.append(state)
    torch.testing.assert_close(found[0], found[1], rtol=0, atol=1e-12)
    assert (system.weights(found[0]) != system.weights(start)).double().mean() > 0.3


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_neither_batch_nor_threads_nor_calls_matter(dtype):
    system = DeepPerceptron(3, 7, 90, 3, "soft", 0.0, dtype)
    wirings = [Wiring.dilute(3, 7, 3, np.random.default_rng(b)) for b in range(5)]
    start = random_state(system, 5)
    temperatures = np.random.default_rng(0).uniform(0.1, 0.5, size=(6, 5))
    whole = start.clone()
    CompiledSweeps(system, MonteCarlo(), wirings, streams(5), threads=2)(whole, 3, temperatures)
    for b in range(5):
        alone = start[b : b + 1].clone()
        own = Streams.of(5, [Member(b)])
        for calls in (slice(0, 1), slice(1, 6)):
            sweeps = CompiledSweeps(system, MonteCarlo(), wirings[b : b + 1], own)
            sweeps(alone, 3 + calls.start, temperatures[calls, b : b + 1])
        assert torch.equal(alone[0], whole[b])
