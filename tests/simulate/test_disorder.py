"""Boundaries, teachers and starts of the deep perceptron. Statistical tests: false alarm 1e-4 each."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import norm

from deepglass.errors import InvalidInput
from simulate.dynamics.compiled_sweeps import CompiledSweeps
from simulate.dynamics.monte_carlo import MonteCarlo, Streams
from simulate.noise import Member
from simulate.systems.deep_perceptron import DeepPerceptron
from simulate.systems.disorder import alignment, draw, participation, start

LIMIT = norm.isf(1e-4 / 2)


def test_a_teacher_answers_and_its_student_starts_in_a_solution():
    system = DeepPerceptron(3, 12, 40, 5, "hard")
    disorder = draw(system, "teacher-student", 0.0, seed=1, sample=4)
    state = start(system, disorder, "planted", 1, Member(4))[None]
    assert system.energy(state, [disorder.wiring]).sum() == 0
    again = system.forward(system.weights(state), [disorder.wiring], system.spins(state)[:, 0])
    assert torch.equal(again, system.spins(state))
    assert (system.spins(state).abs() == 1).all()
    other = draw(system, "teacher-student", 0.0, seed=1, sample=5)
    assert not torch.equal(other.spins[0], disorder.spins[0])
    assert torch.equal(draw(system, "teacher-student", 0.0, seed=1, sample=4).spins, disorder.spins)


def test_replicas_start_apart_on_the_same_ends():
    system = DeepPerceptron(3, 10, 30)
    disorder = draw(system, "random", 0.3, seed=2, sample=0)
    first, second = (start(system, disorder, "random", 2, Member(0, a, 0))[None] for a in (0, 1))
    for end in (0, -1):
        assert torch.equal(system.spins(first)[0, end], disorder.spins[end])
        assert torch.equal(system.spins(first)[0, end], system.spins(second)[0, end])
    hidden = (system.spins(first) * system.spins(second))[0, 1:-1].mean()
    assert abs(hidden * np.sqrt(600)) < LIMIT
    weights = (system.weights(first) * system.weights(second)).mean() * np.sqrt(300)
    assert abs(weights) < LIMIT
    norms = system.weights(first).square().sum(-1)
    torch.testing.assert_close(norms, torch.full((1, 3, 10), 10.0))


@pytest.mark.parametrize("potential", ["soft", "hard"])
def test_a_planted_teacher_is_a_typical_student(potential):
    """Nishimori: on ends planted with it, students keep the teacher's energy and meet it as each other."""
    samples, temperature = 400, 0.4
    system = DeepPerceptron(2, 4, 5, None, potential, 0.1, torch.float64)
    disorders = [draw(system, "teacher-student", temperature, 7, s) for s in range(samples)]
    wirings = [d.wiring for d in disorders]

    def states(kind: str, replica: int) -> torch.Tensor:
        return torch.stack(
            [start(system, d, kind, 7, Member(s, replica, 0)) for s, d in enumerate(disorders)]
        )

    teachers = states("planted", 0)
    students = {"planted": teachers.clone(), "random": states("random", 1), "other": states("random", 2)}
    for replica, state in enumerate(students.values()):
        streams = Streams.of(7, [Member(s, replica, 0) for s in range(samples)])
        CompiledSweeps(system, MonteCarlo(), wirings, streams)(state, 0, np.full(150, temperature))
    energy = {name: system.energy(state, wirings).sum(1).numpy() for name, state in students.items()}
    given = system.energy(teachers, wirings).sum(1).numpy()
    for name in students:
        difference = energy[name] - given
        assert abs(difference.mean()) < LIMIT * difference.std() / np.sqrt(samples)

    def overlap(a: torch.Tensor, b: torch.Tensor) -> np.ndarray:
        """Of the last layer's weights, squared one by one: it does not see the sign of hidden neurons."""
        return (system.weights(a) * system.weights(b))[:, -1].square().mean((1, 2)).numpy()

    with_teacher = overlap(students["random"], teachers)
    among = overlap(students["random"], students["other"])
    difference = with_teacher - among
    assert abs(difference.mean()) < LIMIT * difference.std() / np.sqrt(samples)


def test_what_cannot_be_is_refused():
    system = DeepPerceptron(2, 4, 40, None, "hard", 3.0)
    with pytest.raises(InvalidInput, match="margin = 3 is too large to plant"):
        draw(system, "teacher-student", 0.0, 0, 0)
    easy = DeepPerceptron(2, 4, 4)
    disorder = draw(easy, "random", 0.1, 0, 0)
    with pytest.raises(InvalidInput, match="planted"):
        start(easy, disorder, "planted", 0, Member(0))
    with pytest.raises(InvalidInput, match="scenario"):
        draw(easy, "teacher", 0.1, 0, 0)
    with pytest.raises(InvalidInput, match="start"):
        start(easy, disorder, "teacher", 0, Member(0))


def closed_form(beta: float) -> tuple[float, float]:
    """<h^2> and energy of a gap in the uniform phase: weight 1 + exp(-beta h^2/2) on a normal field h."""
    z = 1 + (1 + beta) ** -0.5
    return (1 + (1 + beta) ** -1.5) / z, (1 + beta) ** -1.5 / (2 * z)


@pytest.mark.parametrize(
    ("depth", "width", "degree", "alpha", "beta"), [(1, 40, 40, 2, 20), (2, 96, 24, 4, 5)]
)
def test_the_planted_soft_core_is_in_the_uniform_phase_where_that_wins(depth, width, degree, alpha, beta):
    """Five teachers: fields to 3 % (finite c, loops), energies to 12 % (3 sigma of so few gaps).

    In a condensed phase fields and energies are less than half of these.
    """
    system = DeepPerceptron(depth, width, alpha * degree, degree, "soft")
    found = []
    for sample in range(5):
        disorder = draw(system, "teacher-student", 1 / beta, 3, sample)
        matrices = system.matrices(disorder.weights[None], [disorder.wiring])[0]
        fields = matrices @ disorder.spins[:-1] / math.sqrt(degree)
        state = system.state(disorder.spins[None], disorder.weights[None])
        energy = float(system.energy(state, [disorder.wiring]).mean()) / (width * alpha * degree)
        found.append((float(fields.square().mean()), energy))
        assert alignment(system, disorder).max() < 1.7 / width
        assert participation(system, disorder).mean(1).max() < 1.25 * 3 / (degree + 2)
    mean, expected = np.mean(found, axis=0), closed_form(beta)
    assert mean[0] == pytest.approx(expected[0], rel=0.03)
    assert mean[1] == pytest.approx(expected[1], rel=0.12)


def test_the_planted_soft_core_condenses_beyond():
    """Fully connected, alpha = 16, beta = 20: parallel weights and no fields. The hard core does not."""
    soft, hard = (DeepPerceptron(1, 24, 16 * 24, None, potential) for potential in ("soft", "hard"))
    found = {}
    for system, temperature in ((soft, 0.05), (hard, 0.0)):
        disorder = draw(system, "teacher-student", temperature, 0, 0)
        matrix = system.matrices(disorder.weights[None], [disorder.wiring])[0, 0]
        fields = matrix @ disorder.spins[0] / math.sqrt(system.c)
        found[system] = float(alignment(system, disorder)[0]), float(fields.square().mean())
    assert found[soft][0] > 0.5
    assert found[soft][1] < 0.1
    assert found[hard][0] < 2 / 24
    assert found[hard][1] > 0.9


def test_dilute_it_condenses_on_two_inputs():
    """c = 8, alpha = 16, beta = 20: sum J^4 is off the sphere's by 4 errors and more; alignment is blind."""
    soft, hard = (DeepPerceptron(3, 64, 16 * 8, 8, potential) for potential in ("soft", "hard"))
    for system, temperature, condensed in ((soft, 0.05, True), (hard, 0.0, False)):
        disorder = draw(system, "teacher-student", temperature, 0, 0)
        carried = participation(system, disorder)
        away = float((carried.mean() - 3 / 10) / (carried.std() / 192**0.5))
        assert away > 4 if condensed else abs(away) < 4
        assert alignment(system, disorder).max() < 2 / 64


@pytest.mark.parametrize(("margin", "parallel"), [(0.2, 0.552), (0.4, 0.6237)])
def test_a_teacher_with_a_margin_at_temperature_0_has_the_exact_law(margin, parallel):
    """L = 1, N = M = 2: how often both patterns are +-parallel, by integration over the circle; 4 sigma."""
    system = DeepPerceptron(1, 2, 2, None, "hard", margin)
    angles = (np.arange(20_000) + 0.5) * 2 * math.pi / 20_000
    weights = np.stack([np.cos(angles), np.sin(angles)]) * math.sqrt(2)
    fields = {s: abs(weights[0] + s * weights[1]) / math.sqrt(2) >= margin for s in (1, -1)}
    one, both = fields[1].mean(), (fields[1] & fields[-1]).mean()
    # Two perceptrons; a pair of patterns allows what both of its fields allow.
    exact = one**2 / (one**2 + both**2)
    assert exact == pytest.approx(parallel, abs=1e-3)
    count = 600
    found = [draw(system, "teacher-student", 0.0, 5, s).spins[0] for s in range(count)]
    frequency = np.mean([float(abs((x[:, 0] * x[:, 1]).sum())) == 2 for x in found])
    assert abs(frequency - exact) < 4 * math.sqrt(exact * (1 - exact) / count)
