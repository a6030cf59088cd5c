"""The law of motion against exact results: free particles, oscillator, walls, conservation."""

import numpy as np
import pytest
import torch
from scipy import stats

from deepglass.errors import InvalidInput
from simulate import noise
from simulate.dynamics.eager import Eager
from simulate.dynamics.langevin import Langevin, maxwell_boltzmann
from simulate.systems.thermal_machine import ThermalMachine

DTYPES = [torch.float32, torch.float64]


def batch(count: int, seed: int = 0) -> np.ndarray:
    return noise.keys(seed, [(s, 0) for s in range(count)])


class Particles:
    """Independent particles in a field, in the place of a machine."""

    device = torch.device("cpu")

    def __init__(self, force):
        self._force = force

    def force(self, r, out):
        out.copy_(self._force(r))


def evolve(law, r, v, force, temperature, steps, keys, first=0):
    Eager(Particles(force), law, keys)(r, v, first, np.full(steps, temperature))
    return r, v


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("thermostat", ["per-step", "literal"])
def test_kinetic_energy_of_free_particles(dtype, thermostat):
    """Mean, variance, law and memory of the kinetic energy; 4 checks at 4 sigma: false alarm 3e-4 a case.

    The literal reading of Eq. 11 is the negative control: dt T (2-eta)/(2-eta dt), not T.
    """
    law, temperature = Langevin(dt=0.01, eta=0.2, thermostat=thermostat), 1e-6
    dt, eta = law.dt, law.eta
    expected = temperature if thermostat == "per-step" else dt * temperature * (2 - eta) / (2 - eta * dt)
    decay = 1 - eta if thermostat == "per-step" else 1 - eta * dt
    machines, particles = 500, 100
    r = torch.zeros((machines, particles), dtype=dtype)
    v = maxwell_boltzmann(batch(machines, seed=3), 0, particles, expected).to(dtype)
    before = v.double().clone()
    steps = 30
    evolve(law, r, v, torch.zeros_like, temperature, steps, batch(machines))
    x = v.double().numpy() / np.sqrt(expected)
    n = x.size
    assert abs(np.mean(x**2) - 1) < 4 * np.sqrt(2 / n)
    # K of a machine follows chi-square with 100 degrees of freedom: its variance is 2/100, not only its mean.
    kinetic = (x**2).sum(1)
    assert abs(kinetic.var() / (2 * particles) - 1) < 4 * np.sqrt((2 + 12 / particles) / machines)
    assert stats.kstest(kinetic, stats.chi2(particles).cdf).pvalue > 6e-5
    # <v(0) v(t)> = (1 - eta)^t <v^2> for this scheme, exactly.
    memory = np.mean(before.numpy() * v.double().numpy()) / expected
    assert abs(memory - decay**steps) < 4 * np.sqrt((1 + decay ** (2 * steps)) / n)


def oscillator(law: Langevin, k: float, temperature: float, steps: int, mean, covariance):
    """Exact mean and covariance of (r, v) of the scheme in a harmonic well after ``steps`` steps."""
    a, b = law.coefficients(temperature)
    step = np.array([[1 - k * law.dt**2, a * law.dt], [-k * law.dt, a]])
    kick = b * np.array([law.dt, 1.0])
    for _ in range(steps):
        mean = step @ mean
        covariance = step @ covariance @ step.T + np.outer(kick, kick)
    return mean, covariance


@pytest.mark.parametrize("dtype", DTYPES)
def test_damped_oscillator_at_time_t(dtype):
    """Mean, variances and cross-correlation of a driven-off oscillator; 5 z-scores at 4: false alarm 3e-4."""
    law, k, temperature, steps = Langevin(dt=0.02, eta=0.01), 4.0, 1e-4, 60
    n = 60_000
    r = torch.full((1, n), 0.2, dtype=dtype)
    v = torch.full((1, n), -0.1, dtype=dtype)
    evolve(law, r, v, lambda x: -k * x, temperature, steps, batch(1, seed=9))
    mean, cov = oscillator(law, k, temperature, steps, np.array([0.2, -0.1]), np.zeros((2, 2)))
    data = np.stack([r.double().numpy().ravel(), v.double().numpy().ravel()])
    z = (data.mean(1) - mean) / np.sqrt(np.diag(cov) / n)
    got = np.cov(data)
    error = np.sqrt((cov**2 + np.outer(np.diag(cov), np.diag(cov))) / n)
    z = np.append(z, ((got - cov) / error)[np.triu_indices(2)])
    assert np.abs(z).max() < 4, z


def test_oscillator_correlation_tends_to_the_continuous_law():
    """Equilibrium <r(t) r(0)> against the damped oscillator: the difference is first order in dt."""
    k, gamma, time = 4.0, 0.5, 1.3
    omega = np.sqrt(k - gamma**2 / 4)
    exact = np.exp(-gamma * time / 2) * (np.cos(omega * time) + gamma / (2 * omega) * np.sin(omega * time))
    errors = []
    for steps in (65, 130, 260):
        law = Langevin(dt=time / steps, eta=gamma * time / steps)
        _, stationary = oscillator(law, k, 1.0, 20_000, np.zeros(2), np.zeros((2, 2)))
        propagated, _ = oscillator(law, k, 0.0, steps, stationary[:, 0], np.zeros((2, 2)))
        # The configurational temperature is T (1 - eta/2 + k dt^2/4) to this order.
        expected = 1 - law.eta / 2 + k * law.dt**2 / 4
        assert stationary[0, 0] * k == pytest.approx(expected, abs=10 * (law.eta**2 + law.dt**4))
        errors.append(abs(propagated[0] / stationary[0, 0] - exact))
    assert errors[-1] < 2e-3
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.1)
    assert errors[1] / errors[2] == pytest.approx(2, rel=0.1)


def test_energy_is_conserved_to_second_order_in_dt():
    """No walls, no thermostat: the energy error at fixed time falls fourfold when dt is halved."""
    rng = np.random.default_rng(0)
    signs = rng.choice([-1, 1], (12, 8)).astype(np.int8)
    machine = ThermalMachine(signs, signs[:, :2], depth=4, width=5, dtype=torch.float64)
    start = 0.3 * machine.start("uniform", 0, range(3))
    force = torch.empty_like(start)
    errors = []
    for dt in (0.02, 0.01, 0.005, 0.0025):
        law = Langevin(dt=dt, eta=0.0)
        r = start.clone()
        machine.force(r, force)
        v = -0.5 * dt * force  # at rest at t = 0; v lives half a step earlier
        Eager(machine, law, batch(3))(r, v, 0, np.zeros(round(0.4 / dt)))
        assert (r.abs() < 1).all()
        machine.force(r, force)
        centred = v + 0.5 * dt * force
        total = machine.energy(r).sum(1) + 0.5 * centred.square().sum(1)
        errors.append((total - machine.energy(start).sum(1)).abs().numpy())
    assert errors[0].max() < 1e-2
    ratios = np.array(errors[:-1]) / np.array(errors[1:])
    np.testing.assert_allclose(ratios[-1], 4, rtol=0.05)


def test_density_between_walls_is_flat():
    """Particles released at the centre fill (-1, 1) evenly; chi-square, false alarm 1e-4.

    Clamping at the wall piles particles up there: the same test must notice that.
    """
    law, temperature, n = Langevin(dt=0.1, eta=0.1), 1.0, 20_000
    r = torch.zeros((1, n), dtype=torch.float64)
    v = torch.zeros_like(r)
    evolve(law, r, v, torch.zeros_like, temperature, 200, batch(1))
    assert (r.abs() <= 1).all()
    counts = np.histogram(r.numpy(), bins=40, range=(-1, 1))[0]
    assert stats.chisquare(counts).pvalue > 1e-4
    assert stats.kstest(v.numpy().ravel(), "norm").pvalue > 1e-4
    clamped = (r + 0.1 * v).clamp(-1, 1)
    assert stats.chisquare(np.histogram(clamped.numpy(), bins=40, range=(-1, 1))[0]).pvalue < 1e-12


def test_a_particle_is_mirrored_and_turned_at_the_wall():
    r = torch.tensor([[0.95, -0.95, 0.5]], dtype=torch.float64)
    v = torch.tensor([[1.0, -1.0, 1.0]], dtype=torch.float64)
    evolve(Langevin(dt=0.1, eta=0.0), r, v, torch.zeros_like, 0.0, 1, batch(1))
    np.testing.assert_allclose(r, [[0.95, -0.95, 0.6]], atol=1e-15)
    np.testing.assert_array_equal(v, [[-1.0, 1.0, 1.0]])


def test_cone_energy_is_n_t():
    """V = |x| of n coordinates: <V> = n T, Var V = n T^2 (Gamma law); 2 z-scores at 4: false alarm 1.3e-4."""
    law, temperature, n, machines = Langevin(dt=0.01, eta=0.05), 2e-3, 20, 500
    r = torch.zeros((machines, n), dtype=torch.float64) + 0.005
    v = maxwell_boltzmann(batch(machines, 2), 0, n, temperature)
    evolve(law, r, v, lambda x: -x / x.norm(dim=1, keepdim=True), temperature, 1_000, batch(machines))
    energy = r.norm(dim=1).numpy() / temperature
    assert abs(energy.mean() - n) < 4 * np.sqrt(n / machines) + 0.01 * n
    assert abs(energy.var() / n - 1) < 4 * np.sqrt((2 + 6 / n) / machines) + 0.02


@pytest.mark.parametrize("bad", [{"dt": 0}, {"dt": np.nan}, {"eta": -1}, {"eta": 1.5}, {"thermostat": "x"}])
def test_bad_laws_are_refused(bad):
    with pytest.raises(InvalidInput, match=next(iter(bad))):
        Langevin(**bad)


@pytest.mark.parametrize("thermostat", ["per-step", "literal"])
@pytest.mark.parametrize("eta", [0.3, 1e-3, 1e-5, 1e-6, 1e-7])
def test_rounding_of_the_friction_leaves_the_temperature(thermostat, eta):
    """<v^2> = b^2/(1 - a^2) with the float32 numbers that are used: T, or the literal form's, to 1e-6."""
    law = Langevin(eta=eta, thermostat=thermostat)
    a, b = law.coefficients(2e-5, torch.float32)
    assert a == np.float32(a)
    scale = 1.0 if thermostat == "per-step" else law.dt
    friction = (1 - a) / scale
    expected = 2e-5 * scale * (2 - friction) / (2 - friction * scale)
    if a < 1:  # dt eta of the literal form may be lost altogether
        assert float(np.float32(b)) ** 2 / (1 - a * a) == pytest.approx(expected, rel=1e-6)
    exact, _ = law.coefficients(2e-5)
    assert exact == 1 - eta * scale
