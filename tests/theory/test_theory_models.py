"""Sherrington-Kirkpatrick model and spherical perceptron: literature values, identities and limits."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import erfcx

from deepglass.errors import InvalidInput, NoSolution
from theory import spherical
from theory.models import almeida_thouless, perceptron, sk, sk_break_points, sk_ground_state
from theory.storage import second_moment

GROUND_STATE = -0.763166726
"""Oppermann & Schmidt, Phys. Rev. E 78, 061124 (2008): -0.763166726(5...)."""


def test_ground_state():
    found = sk_ground_state()
    assert found.energy == pytest.approx(GROUND_STATE, abs=1e-8)
    assert abs(found.energy - GROUND_STATE) < 2.0 * found.error < 1e-6
    # Every staircase lies below: the free energy is the maximum over q(x).
    limits = found.free_energies[:, -1]
    assert np.all(found.free_energies < limits[:, None] + 1e-9)
    rise = np.diff(found.free_energies, axis=1)
    np.testing.assert_allclose(rise[:, 0] / rise[:, 1], 16.0, rtol=0.25)


@pytest.mark.parametrize(
    ("k", "energy", "tolerance"),
    [
        (0, -math.sqrt(2.0 / math.pi), 1e-6),  # Sherrington & Kirkpatrick 1975
        (1, -0.76526, 1.5e-5),  # Parisi 1980
        (2, -0.76361, 1.5e-5),
    ],
)
def test_ground_state_with_few_levels(k, energy, tolerance):
    """f = U - T S with a finite (negative) entropy: linear in T."""
    warm, cold = sk(0.01, k), sk(0.005, k)
    assert 2.0 * cold.free_energy - warm.free_energy == pytest.approx(energy, abs=1e-4)
    assert (4.0 * cold.energy - warm.energy) / 3.0 == pytest.approx(energy, abs=tolerance)
    assert cold.entropy < 0.0


def test_replica_symmetric_zero_temperature_entropy():
    """S -> -1/(2 pi) (Sherrington & Kirkpatrick 1975)."""
    assert 2.0 * sk(0.005).entropy - sk(0.01).entropy == pytest.approx(-0.5 / math.pi, abs=1e-3)


@pytest.mark.parametrize("temperature", [1.0, 1.5, 3.0])
@pytest.mark.parametrize("k", [0, 1, 10])
def test_paramagnet_is_exact(temperature, k):
    found = sk(temperature, k)
    assert found.free_energy == pytest.approx(-temperature * math.log(2.0) - 0.25 / temperature, rel=1e-12)
    assert found.energy == pytest.approx(-0.5 / temperature, rel=1e-12)
    assert found.q_ea == pytest.approx(0.0, abs=1e-12)
    assert found.replicon == pytest.approx(1.0 - temperature**-2, abs=1e-10)


def test_next_to_the_transition():
    """q_EA = t + t^2 + O(t^3) and q(x) = x/2 at small x (Parisi 1979), extrapolated to t = 1 - T = 0."""
    slopes = []
    for t in (0.1, 0.05):
        found = sk(1.0 - t, 30)
        assert found.q_ea == pytest.approx(t + t * t, abs=1.5 * t**3)
        assert found.replicon == pytest.approx(0.0, abs=1e-5)
        slopes.append(found.q[0] / (0.5 * found.m[0]))
    assert 2.0 * slopes[1] - slopes[0] == pytest.approx(0.5, abs=5e-3)


@pytest.mark.parametrize("temperature", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("k", [0, 1, 3, 12])
def test_energy_is_the_derivative_of_the_free_energy(temperature, k):
    """U = d(beta f)/d(beta) at stationary q, whatever the break points."""
    m = sk(temperature, k).m
    beta, h = 1.0 / temperature, 2e-3 / temperature

    def potential(b):
        return b * sk(1.0 / b, break_points=m).free_energy

    near, far = potential(beta + h) - potential(beta - h), potential(beta + 2 * h) - potential(beta - 2 * h)
    slope = (8.0 * near - far) / (12.0 * h)
    assert sk(temperature, break_points=m).energy == pytest.approx(slope, abs=2e-8)


@pytest.mark.parametrize("temperature", [0.3, 0.5, 0.7])
def test_continuous_limit(temperature):
    """Marginal states, unit susceptibility and a positive entropy; converged in k as k^-4."""
    coarse, fine, finest = (sk(temperature, k) for k in (8, 16, 32))
    assert finest.free_energy > fine.free_energy - 1e-9
    assert abs(finest.free_energy - fine.free_energy) < 3e-7
    assert abs(fine.free_energy - coarse.free_energy) < 4e-6
    assert finest.susceptibility == pytest.approx(1.0, abs=1e-4)
    assert finest.replicon == pytest.approx(0.0, abs=1e-3)
    assert finest.entropy > 0.0
    assert np.all(np.diff(finest.q) > -1e-12)
    assert finest.residual <= 1e-10
    assert finest.rho <= 1.0 + 1e-6


@pytest.mark.parametrize("k", [4, 8, 16])
def test_replicon_and_susceptibility_converge(k):
    """The distance of beta (1 - <q>) from 1 falls at least as k^-1.5."""
    near, far = sk(0.5, 2 * k), sk(0.5, k)
    assert abs(near.susceptibility - 1.0) < 0.36 * abs(far.susceptibility - 1.0)


def test_low_temperature_laws():
    """1 - q_EA ~ 1.6 T^2 and S ~ 0.72 T^2 (Crisanti & Rizzo, Phys. Rev. E 65, 046137 (2002))."""
    found = sk(0.04, 40)
    assert (1.0 - found.q_ea) / 0.04**2 == pytest.approx(1.6, abs=0.06)
    assert found.entropy / 0.04**2 == pytest.approx(0.72, abs=0.02)


def test_free_energy_rises_with_every_level():
    for temperature in (0.1, 0.5, 0.9):
        values = [sk(temperature, k).free_energy for k in (0, 1, 2, 3, 20)]
        assert all(b > a - 1e-10 for a, b in pairwise(values))
        assert values[1] > values[0]


@pytest.mark.parametrize("temperature", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_stationary_break_points_maximise(temperature, k):
    best = sk(temperature, k)
    for j in range(k):
        for factor in (0.98, 1.02):
            m = best.m.copy()
            m[j] *= factor
            assert sk(temperature, break_points=m).free_energy < best.free_energy + 1e-14


def test_broken_symmetry_is_found_from_any_break_points():
    """Merged levels solve the equations too; they are unstable and left."""
    for m in ([0.2], [0.1, 0.3], [0.05, 0.3, 0.5]):
        found = sk(0.5, break_points=m)
        assert found.q_ea - found.q[0] > 0.2
        assert found.replicon > sk(0.5).replicon


def test_random_field():
    """Above the line of de Almeida and Thouless the symmetric state is stable and the levels merge."""
    stable = sk(0.6, random_field=0.5)
    assert stable.replicon > 0.0
    split = sk(0.6, 5, random_field=0.5)
    assert split.q_ea - split.q[0] < 1e-6
    assert split.free_energy == pytest.approx(stable.free_energy, rel=1e-10)
    unstable = sk(0.3, random_field=0.5)
    assert unstable.replicon < 0.0
    broken = sk(0.3, 10, random_field=0.5)
    assert broken.q_ea - broken.q[0] > 0.1
    assert broken.free_energy > unstable.free_energy
    h = 1e-3
    up, down = (
        sk(0.3, break_points=broken.m, random_field=0.5),
        sk(0.3 + h, break_points=broken.m, random_field=0.5),
    )
    other = sk(0.3 - h, break_points=broken.m, random_field=0.5)
    entropy = -(down.free_energy - other.free_energy) / (2.0 * h)
    assert up.entropy == pytest.approx(entropy, abs=1e-5)


def test_almeida_thouless_line_at_small_field():
    """h^2 = (4/3) (1 - T)^3 next to T = 1 (de Almeida & Thouless 1978), to relative order 1 - T."""
    ratios = []
    for t in (0.02, 0.01):
        field = brentq(
            lambda h, t=t: sk(1.0 - t, random_field=h).replicon, 0.3 * t**1.5, 3.0 * t**1.5, rtol=1e-7
        )
        ratios.append(field**2 / (4.0 / 3.0 * t**3))
    assert 2.0 * ratios[1] - ratios[0] == pytest.approx(1.0, abs=0.01)


def test_numbers_of_the_command_line():
    words = sk(0.5, 1).as_json()
    assert {"energy", "q_ea", "free_energy", "m", "q", "replicon"} <= set(words)
    assert words["energy"] == sk(0.5, 1).energy
    assert len(words["q"]) == len(words["m"]) + 1


def test_bad_input_is_refused():
    for arguments in ({"temperature": 0.0}, {"temperature": 0.5, "k": -1}, {"temperature": 0.5, "k": 1.5}):
        with pytest.raises(InvalidInput):
            sk(**arguments)
    for points in ([0.5, 0.2], [0.0, 0.5], [0.5, 1.0], [[0.1, 0.2]]):
        with pytest.raises(InvalidInput, match="break_points"):
            sk(0.5, break_points=points)
    with pytest.raises(InvalidInput, match="3 levels"):
        sk_ground_state(levels=(8, 16))
    with pytest.raises(NoSolution) as refused:
        perceptron(2.0)
    assert refused.value.limit == pytest.approx(2.0)


def test_break_points_of_the_grid():
    for temperature in (0.01, 0.5, 0.99, 2.0):
        m = sk_break_points(temperature, 40)
        assert 0.0 < m[0] < m[-1] < 1.0
        assert np.all(np.diff(m, 2) > -1e-15)


def slopes(overlap, margin):
    """f' and f'' of the hard core at h = sqrt(overlap) z, with scipy alone."""
    width = math.sqrt(1.0 - overlap)

    def at(z):
        u = (math.sqrt(overlap) * z - margin) / width
        mills = math.sqrt(2.0 / math.pi) / erfcx(-u / math.sqrt(2.0))
        return mills / width, -mills * (mills + u) / width**2

    return at


def average(function):
    def weighted(z):
        return function(z) * math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)

    points = [-3.0, -1.0, 0.0, 1.0, 3.0]
    return quad(weighted, -9.0, 9.0, points=points, epsabs=0.0, epsrel=1e-10, limit=400)[0]


@pytest.mark.parametrize("margin", [-0.5, -1.0, -2.0])
def test_almeida_thouless_line_of_the_perceptron(margin):
    """Against adaptive quadrature of the symmetric equations; and the replicon changes sign there."""

    def excess(Q):
        at = slopes(Q, margin)
        return Q * average(lambda z: at(z)[1] ** 2) - average(lambda z: at(z)[0] ** 2)

    Q = brentq(excess, 0.1, 0.97, xtol=1e-12)
    at = slopes(Q, margin)
    alpha = Q / ((1.0 - Q) ** 2 * average(lambda z: at(z)[0] ** 2))
    assert almeida_thouless(margin) == pytest.approx(alpha, rel=1e-7)
    found = perceptron(almeida_thouless(margin), margin)
    assert found.Q[0] == pytest.approx(Q, rel=1e-7)
    assert found.replicon == pytest.approx(0.0, abs=1e-7)
    assert perceptron(0.99 * alpha, margin).replicon > 0.0 > perceptron(1.01 * alpha, margin).replicon
    assert alpha < 1.0 / second_moment(margin)


@pytest.mark.parametrize("margin", [0.0, 0.3, 1.0])
def test_symmetry_holds_up_to_capacity_for_margins_from_zero_on(margin):
    assert almeida_thouless(margin) == math.inf
    capacity = 1.0 / second_moment(margin)
    for share in (0.3, 0.9, 0.99, 0.999):
        found = perceptron(share * capacity, margin)
        assert found.replicon > 0.0
        broken = perceptron(share * capacity, margin, 5)
        assert broken.entropy == pytest.approx(found.entropy, rel=1e-9)
        np.testing.assert_allclose(broken.Q, found.Q[0], rtol=1e-6)


@pytest.mark.parametrize("margin", [-1.0, 0.0, 1.0])
def test_gardner_capacity(margin):
    """1 - Q vanishes linearly at the capacity: extrapolated from two points below it."""
    capacity = 1.0 / second_moment(margin)
    rest = [1.0 - perceptron((1.0 - gap) * capacity, margin).Q[0] for gap in (2e-3, 1e-3, 5e-4)]
    first, second = 2.0 * rest[1] - rest[0], 2.0 * rest[2] - rest[1]
    assert (4.0 * second - first) / 3.0 == pytest.approx(0.0, abs=5e-3 * rest[0])


def test_symmetric_entropy_of_the_perceptron():
    """Gardner's entropy by adaptive quadrature."""
    found = perceptron(0.8, 0.5)
    Q = found.Q[0]
    width = math.sqrt(1.0 - Q)
    interaction = average(
        lambda z: (
            math.log(0.5 * math.erfc(-(math.sqrt(Q) * z - 0.5) / width / math.sqrt(2.0)))
            if (math.sqrt(Q) * z - 0.5) / width > -20.0
            else 0.0
        )
    )
    expected = spherical.entropy(np.array([Q]), np.empty(0)) / 0.8 + interaction
    assert found.entropy == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("margin", [pytest.param(-0.5, marks=pytest.mark.slow), -1.0])
def test_broken_symmetry_lowers_the_entropy(margin):
    """Continuous at the line, s_RS > s_1RSB > s_kRSB beyond; the difference starts as the cube."""
    line = almeida_thouless(margin)
    below = perceptron(0.95 * line, margin, 1)
    assert below.entropy == pytest.approx(perceptron(0.95 * line, margin).entropy, rel=1e-12)
    assert below.Q[1] - below.Q[0] < 1e-6
    lowered = []
    for excess in (0.01, 0.02, 0.1):
        alpha = (1.0 + excess) * line
        symmetric, one, many = (perceptron(alpha, margin, k) for k in (0, 1, 15))
        lowered.append(symmetric.entropy - one.entropy)
        assert lowered[-1] > 0.0
        assert many.entropy < one.entropy + 1e-8
        assert symmetric.replicon < one.replicon < 0.0
        assert abs(many.replicon) < 0.3 * abs(one.replicon) + 1e-4
    assert many.entropy < one.entropy - 1e-9
    assert lowered[1] / lowered[0] == pytest.approx(8.0, rel=0.15)


def test_one_step_is_stable_at_a_deep_margin():
    """margin -2: one step is exact over a range of alpha (replicon > 0); further levels merge into it."""
    alpha = 1.2 * almeida_thouless(-2.0)
    one, many = perceptron(alpha, -2.0, 1), perceptron(alpha, -2.0, 9)
    assert one.replicon > 1e-3
    assert many.entropy == pytest.approx(one.entropy, rel=1e-9)
    assert many.Q[[0, -1]] == pytest.approx(one.Q, rel=1e-6)
    assert one.entropy < perceptron(alpha, -2.0).entropy


def test_stationary_break_point_minimises_the_entropy():
    alpha = 1.1 * almeida_thouless(-0.5)
    best = perceptron(alpha, -0.5, 1)
    for factor in (0.95, 1.05):
        assert perceptron(alpha, -0.5, break_points=factor * best.m).entropy > best.entropy
