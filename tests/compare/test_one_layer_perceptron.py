"""The licence for everything deeper: one layer, exactly solved by replicas, measured by Monte Carlo.

Machines are samples; perceptrons of one machine share their inputs. Fixed seeds; each comparison would fail a
right implementation with probability 1e-3 on a fresh seed (Student's t with the samples there are).
"""

import numpy as np
import pytest
import torch
from scipy.stats import kstest, t

from simulate.dynamics.compiled_sweeps import CompiledSweeps
from simulate.dynamics.monte_carlo import MonteCarlo, Streams
from simulate.noise import Member
from simulate.systems.deep_perceptron import DeepPerceptron
from simulate.systems.disorder import draw, start
from theory.profile import solve_profile


def equilibrated(
    system: DeepPerceptron,
    scenario: str,
    temperatures: np.ndarray,
    samples: int,
    starts: tuple[str, ...],
    seed: int,
) -> tuple[list[torch.Tensor], list]:
    """One state (samples, P) for each of ``starts``, and the samples' disorder."""
    disorders = [draw(system, scenario, float(temperatures[-1]), seed, s) for s in range(samples)]
    wirings = [d.wiring for d in disorders]
    states = []
    for a, kind in enumerate(starts):
        members = [Member(s, a, 0) for s in range(samples)]
        state = torch.stack(
            [start(system, d, kind, seed, m) for d, m in zip(disorders, members, strict=True)]
        )
        CompiledSweeps(system, MonteCarlo(), wirings, Streams.of(seed, members))(state, 0, temperatures)
        states.append(state)
    return states, disorders


def overlap(system: DeepPerceptron, a: torch.Tensor, b: torch.Tensor) -> np.ndarray:
    """Q by sample."""
    return (system.weights(a) * system.weights(b)).double().mean((1, 2, 3)).numpy()


def p_value(values: np.ndarray, expected: float) -> float:
    """Of Student's t, two sides."""
    score = (values.mean() - expected) / (values.std(ddof=1) / np.sqrt(len(values)))
    return float(2 * t.sf(abs(score), len(values) - 1))


def test_a_student_meets_its_teacher_as_gibbs_learning_says():
    """Hard core, alpha = 2: two students who left the teacher: R = Q, and arccos(Q)/pi wrong answers."""
    system = DeepPerceptron(1, 50, 100, None, "hard")
    sweeps = np.zeros(200)
    states, disorders = equilibrated(system, "teacher-student", sweeps, 6, ("planted", "planted"), seed=2)
    profile = solve_profile("teacher-student", 1, 2.0)
    teacher = torch.stack([d.weights for d in disorders])
    teachers = system.state(torch.stack([d.spins for d in disorders]), teacher)
    wirings = [d.wiring for d in disorders]
    for state in states:
        assert (system.energy(state, wirings) == 0).all()
        assert p_value(overlap(system, state, teachers), profile.Q[0]) > 1e-3
    assert p_value(overlap(system, *states), profile.Q[0]) > 1e-3
    generator = torch.Generator().manual_seed(0)
    fresh = torch.randint(0, 2, (6, 50, 4000), generator=generator).float() * 2 - 1
    answers = [system.forward(w, wirings, fresh)[:, 1] for w in (system.weights(states[1]), teacher)]
    wrong = (answers[0] != answers[1]).double().mean((1, 2)).numpy()
    assert p_value(wrong, np.arccos(profile.Q[0]) / np.pi) > 1e-3
    assert abs(wrong.mean() - np.arccos(profile.Q[0]) / np.pi) < 0.01


@pytest.mark.parametrize("alpha", [1.0, 3.0])
def test_soft_perceptrons_on_random_data_have_the_energy_and_overlap_of_replicas(alpha):
    """beta = 5, below and above the capacity of the hard core; the energy is -d(s/n)/d beta."""
    beta, width = 5.0, 60
    system = DeepPerceptron(1, width, round(alpha * width), None, "soft")
    states, disorders = equilibrated(
        system, "random", np.full(100, 1 / beta), 6, ("random", "random"), seed=3
    )
    profile = solve_profile("random", 1, alpha, potential="soft", beta=beta)
    assert p_value(overlap(system, *states), profile.Q[0]) > 1e-3
    slope = [
        solve_profile("random", 1, alpha, potential="soft", beta=beta + d).entropy for d in (-1e-3, 1e-3)
    ]
    expected = (slope[0] - slope[1]) / 2e-3
    gaps = width * system.patterns
    found = system.energy(states[0], [d.wiring for d in disorders]).sum(1).numpy() / gaps
    assert p_value(found, expected) > 1e-3
    assert abs(found.mean() / expected - 1) < 0.1


@pytest.mark.slow
def test_p_values_of_one_layer_are_uniform():
    """Twenty seeds of a student at alpha = 1, N = 100; false alarm 1e-3."""
    system = DeepPerceptron(1, 100, 100, None, "hard")
    expected = solve_profile("teacher-student", 1, 1.0).Q[0]
    found = []
    for seed in range(20):
        states, disorders = equilibrated(system, "teacher-student", np.zeros(300), 4, ("planted",), seed)
        teachers = system.state(
            torch.stack([d.spins for d in disorders]), torch.stack([d.weights for d in disorders])
        )
        found.append(p_value(overlap(system, states[0], teachers), expected))
    assert kstest(found, "uniform").pvalue > 1e-3
