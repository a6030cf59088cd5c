"""The canonical ensemble on whole machines, through the backends that users run.

The reference is exact up to sampling: with residuals R_l = S_l - y_l(J_l, S_{l-1}) of the hidden layers as
coordinates instead of the S_l (the Jacobian is triangular with ones on the diagonal) the Boltzmann law is

    flat in J  x  prod_{l<L} exp(-|R_l|/T)  x  exp(-E_L(J, R)/T)  x  [all |S_l| < 1],

so that J and R are drawn directly and only the last two factors are weights (:func:`exact_energies`).

Temperature of the positions. Stationarity of <r^2> gives for this leapfrog, any potential and no walls,
<-r F> = (1 - eta/2) <v^2>, and <v^2> = T (1 + k dt^2/4 + ...) for a mode of stiffness k: positions follow
exp(-H/T_r) with T_r = T (1 - eta/2) as dt -> 0. At eta = 1e-3 this is 0.05 %; here eta is large, for
speed, and every exact value is taken at T_r. What is left, k dt^2/4 (0.1 to 0.3 % of T), is below the errors:
means of H at dt = 0.1 and 0.05 agree to 0.1(1) %.
"""

from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import stats

from simulate import noise
from simulate.dynamics import advance
from simulate.dynamics.langevin import Langevin
from simulate.systems.thermal_machine import ThermalMachine

DEPTH, WIDTH, PATTERNS = 3, 2, 3
COLD, HOT = 0.2, 0.34
LAW = Langevin(dt=0.08, eta=0.05)
MACHINES, TIMES = 2_500, list(range(300, 800, 50))


def position_temperature(temperature: float, law: Langevin = LAW) -> float:
    """T_r of the module's docstring."""
    return temperature * (1 - law.eta / 2)


def machine(depth: int = DEPTH) -> ThermalMachine:
    """N = 2, M = 3, three inputs, two one-hot outputs; single precision, as users run."""
    inputs = np.array([[1, 1, 1], [1, 1, -1], [1, -1, 1]], np.int8)
    outputs = np.array([[1, -1], [-1, 1], [-1, 1]], np.int8)
    return ThermalMachine(inputs, outputs, depth, WIDTH, "inv-sqrt")


def batch(count: int, seed: int = 0) -> np.ndarray:
    return noise.keys(seed, [(s, 0) for s in range(count)])


def snapshots(
    m: ThermalMachine, law: Langevin, temperature: float, count: int, times: list[int], start: str = "uniform"
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """(r, v) of ``count`` independent machines at ``times``."""
    r = m.start(start, 0, range(count))
    v = torch.zeros_like(r)
    go, result, now = advance("compiled", m, law, batch(count)), [], 0
    for t in times:
        go(r, v, now, np.full(t - now, temperature))
        result.append((r.clone(), v.clone()))
        now = t
    return result


@cache
def equilibrium(temperature: float) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Both starts agree, and energies stay within errors, from 300 steps on (2/eta is 40 steps)."""
    return snapshots(machine(), LAW, temperature, MACHINES, TIMES)


def energies(temperature: float) -> np.ndarray:
    """E_l, shape (machines, snapshots, L)."""
    m = machine()
    return np.stack([m.energy(r).numpy() for r, _ in equilibrium(temperature)], axis=1)


def exact_energies(m: ThermalMachine, temperature: float, count: int, repeats: int = 4, seed: int = 0):
    """E_l (draws, L) and weights (draws,) of draws from the Boltzmann law; own formulas.

    ``count`` draws of the hidden layers, those inside the walls with ``repeats`` J_L each.
    """
    rng = np.random.default_rng(seed)
    c = 1 / np.sqrt(WIDTH)
    below, columns = m.inputs.double().numpy()[None], np.empty((count, 0))
    for _ in range(m.depth - 1):
        n_in = below.shape[1]
        y = np.tanh(rng.uniform(-1, 1, (len(columns), WIDTH, n_in)) @ below / np.sqrt(n_in))
        direction = rng.standard_normal(y.shape)
        radius = rng.gamma(y[0].size, temperature, len(y))
        below = y + direction * (radius / np.linalg.norm(direction, axis=(1, 2)))[:, None, None]
        inside = (np.abs(below) < 1).all((1, 2))
        below, columns = below[inside], np.column_stack([columns, radius])[inside]
    below, columns = (np.repeat(x, repeats, axis=0) for x in (below, columns))
    y = np.tanh(c * rng.uniform(-1, 1, (len(below), 2, WIDTH)) @ below)
    last = np.linalg.norm(m.outputs.double().numpy() - y, axis=(1, 2))
    weight = np.exp(-(last - last.min()) / temperature)
    return np.column_stack([columns, last]), weight / weight.sum()


def z_of_machines(values: np.ndarray, expected: float = 0.0, variance: float = 0.0) -> float:
    """Deviation of the mean of (machines, snapshots) in units of its error; only machines are independent."""
    per_machine = values.astype(np.float64).mean(1)
    error = per_machine.var(ddof=1) / len(per_machine) + variance
    return (per_machine.mean() - expected) / np.sqrt(error)


def test_kinetic_energy_of_every_layer_is_chi_square_and_velocities_are_normal():
    """Six layers (S_1, S_2, J_1..J_3, all), each: chi-square law of K, its variance, Gauss law of v.

    18 checks at 1e-5 each: false alarm 2e-4. A temperature wrong by 5 % must fail.
    """
    m = machine()
    _, v = equilibrium(COLD)[-1]
    layers = [*m.neuron_layers(v), *m.weight_layers(v), v]
    assert [x.shape[1] for x in layers] == [6, 6, 6, 4, 4, 26]
    for x in layers:
        n = x.shape[1]
        kinetic = (x.numpy() ** 2).sum(1) / COLD
        assert stats.kstest(kinetic, stats.chi2(n).cdf).pvalue > 1e-5
        assert abs(kinetic.var() / (2 * n) - 1) < 4.4 * np.sqrt((2 + 12 / n) / MACHINES)
        assert stats.kstest(x.numpy().ravel(), stats.norm(scale=np.sqrt(COLD)).cdf).pvalue > 1e-5
    assert stats.kstest(kinetic / 1.05, stats.chi2(n).cdf).pvalue < 1e-8


def test_kinetic_temperature_of_every_layer():
    """<v^2> = T + dt^2 <F^2>/4 of five layers and of all, two temperatures: 4.2 sigma, false alarm 3e-4.

    The excess, k dt^2/4 for a mode of stiffness k, is 0.1 to 0.5 % here, the errors 0.2 to 0.4 %.
    """
    m = machine()
    for temperature in (COLD, HOT):
        columns = []
        for r, v in equilibrium(temperature):
            force = torch.empty_like(r)
            m.force(r, force)
            x = (v.square() - LAW.dt**2 * force.square() / 4) / temperature
            columns.append([y.mean(1).numpy() for y in (*m.neuron_layers(x), *m.weight_layers(x), x)])
        table = np.array(columns).transpose(1, 2, 0)
        z = [z_of_machines(x, 1) for x in table]
        assert np.abs(z).max() < 4.2, z
        assert (table.mean(2).std(1) / np.sqrt(MACHINES)).max() < 0.006


def test_velocities_are_half_a_step_behind_positions_and_otherwise_independent():
    """f = -cos(pi r)/pi is blind to the mirror, so <f(r_t)> = <f(r_t - v dt)> holds through walls:

        <sin(pi r) v> = (dt/2) pi <cos(pi r) v^2>,

    v being the velocity half a step before r. Five layers at 4 sigma; also v against the position of its
    neighbour, where there is no offset: false alarm 6e-4. Without the offset it must fail (by 5 sigma).
    """
    m = machine()
    raw, corrected, neighbour = [], [], []
    for r, v in equilibrium(COLD):
        sine, cosine = torch.sin(torch.pi * r), torch.cos(torch.pi * r)
        offset = 0.5 * LAW.dt * torch.pi * cosine * v.square()
        for table, x in ((raw, sine * v), (corrected, sine * v - offset), (neighbour, sine * v.roll(1, 1))):
            table.append([layer.mean(1).numpy() for layer in (*m.neuron_layers(x), *m.weight_layers(x))])
    z_raw, z, z_neighbour = (
        np.array([z_of_machines(x) for x in np.array(table).transpose(1, 2, 0)])
        for table in (raw, corrected, neighbour)
    )
    assert np.abs(z).max() < 4, z
    assert np.abs(z_neighbour).max() < 4, z_neighbour
    assert np.abs(z_raw).max() > 5, z_raw


@pytest.mark.parametrize("temperature", [COLD, HOT])
def test_energy_of_every_layer_against_direct_sampling(temperature):
    """Mean and variance of E_1, E_2, E_3 and H; 8 z-scores at 4.2: false alarm 2e-4 a temperature.

    Includes the output layer and the walls; sigma of the mean of H is 0.1 %. At 1.05 T_r it must fail.
    """
    got = energies(temperature)
    got = np.concatenate([got, got.sum(2, keepdims=True)], axis=2)

    def z_scores(at: float) -> np.ndarray:
        e, w = exact_energies(machine(), at, 1_500_000)
        e = np.column_stack([e, e.sum(1)])
        mean = w @ e
        square = (e - mean) ** 2
        result = []
        for k in range(e.shape[1]):
            for mine, exact in ((got[..., k], e[:, k]), ((got[..., k] - mean[k]) ** 2, square[:, k])):
                centre = w @ exact
                # Draws that share hidden layers are one.
                error = ((w * (exact - centre)).reshape(-1, 4).sum(1) ** 2).sum()
                result.append(z_of_machines(mine, centre, error))
        return np.array(result)

    z = z_scores(position_temperature(temperature))
    assert np.abs(z).max() < 4.2, z
    if temperature == HOT:
        assert z_scores(1.05 * position_temperature(temperature))[6] < -5


def fit_ratio(cold: np.ndarray, hot: np.ndarray, order: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Maximum likelihood of ln P_cold(E)/P_hot(E) = b_0 + b_1 E (+ b_2 E^2): (b, covariance).

    Logistic regression (Shirts, JCTC 9, 909 (2013)); the covariance is the sandwich over machines (rows),
    so that correlated snapshots of one machine do not count as independent. E is shifted by its mean.
    """
    centre = (cold.mean() + hot.mean()) / 2
    x = (np.concatenate([cold, hot]) - centre)[..., None] ** np.arange(order + 1)
    y = np.repeat([1.0, 0.0], [len(cold), len(hot)])[:, None]
    b = np.zeros(order + 1)
    for _ in range(30):
        p = 1 / (1 + np.exp(-(x @ b)))
        hessian = np.einsum("ms,msi,msj->ij", p * (1 - p), x, x)
        step = np.linalg.solve(hessian, np.einsum("ms,msi->i", y - p, x))
        b += step
        if np.abs(step * np.sqrt(np.diag(hessian))).max() < 1e-6:
            break
    score = np.einsum("ms,msi->mi", y - p, x)
    inverse = np.linalg.inv(hessian)
    return b, inverse @ (score.T @ score) @ inverse


def exact_slope(law: Langevin = LAW) -> float:
    """-(1/T_1 - 1/T_2) at the positions' temperatures."""
    return 1 / position_temperature(HOT, law) - 1 / position_temperature(COLD, law)


def test_energies_at_two_temperatures_have_the_boltzmann_ratio():
    """Slope of ln P_1(H)/P_2(H) and its curvature (zero), each at 4 sigma: false alarm 1.3e-4.

    The error of the slope is 1.05 %, so one temperature wrong by 5 % (slope off by 7 to 12 %) is 7 to 11
    sigma, both wrong by 5 % together nearly 5 sigma.
    """
    cold, hot = (energies(t).sum(2) for t in (COLD, HOT))
    b, covariance = fit_ratio(cold, hot)
    error = np.sqrt(covariance[1, 1])
    assert abs(b[1] - exact_slope()) < 4 * error
    assert error < 0.0115 * abs(exact_slope())
    b, covariance = fit_ratio(cold, hot, order=2)
    assert abs(b[2]) < 4 * np.sqrt(covariance[2, 2])


@pytest.mark.parametrize("wrong", ["literal", "hot by 10 %"])
def test_a_wrong_temperature_fails_the_ratio_test(wrong):
    """Negative controls: Eq. 11 read literally, T_1 10 % too high. Both must fail by 5 sigma."""
    if wrong == "literal":
        law = Langevin(LAW.dt, LAW.eta, "literal")
        sets = [snapshots(machine(), law, t, 300, [1_000, 1_200]) for t in (COLD, HOT)]
        m = machine()
        cold, hot = (np.stack([m.energy(r).sum(1).numpy() for r, _ in x], 1) for x in sets)
    else:
        m = machine()
        warm = snapshots(m, LAW, 1.1 * COLD, 1_000, TIMES[:6])
        cold = np.stack([m.energy(r).sum(1).numpy() for r, _ in warm], 1)
        hot = energies(HOT).sum(2)[:, :6]
    b, covariance = fit_ratio(cold, hot)
    z = (b[1] - exact_slope()) / np.sqrt(covariance[1, 1])
    assert abs(z) > 5


def residuals(m: ThermalMachine, r: torch.Tensor, power: float = 0.5) -> list[torch.Tensor]:
    """R_l = S_l - tanh(c J_l S_{l-1}) of the hidden layers, (B, N, M); c = 1/N_in^power."""
    w = m.views(r)
    below, result = m.inputs, []
    for s, j in zip(w.S.unbind(1), [w.first, *w.hidden.unbind(1)], strict=True):
        result.append(s - torch.tanh(j @ below / j.shape[2] ** power))
        below = s
    return result


def test_configurational_temperature_of_every_layer():
    """Integration by parts in one layer's particles x, with a field X that vanishes at the walls:

        <X . dH/dx> = T_r <div X>,    X = R_l (1 - S_l^2) for spins,
                                      X = C_l (1 - J_l^2) for weights, C_l = sum_mu S_l S_{l-1}.

    Exact in every layer, the output included, with walls and also where E_l = n_l T fails. Five layers at
    4 sigma: false alarm 3e-4. At 1.05 T_r every layer of spins must fail by 4 sigma, and all five together.
    """
    m = machine()
    t_r = position_temperature(COLD)
    work, divergence = [], []
    for r, _ in equilibrium(COLD):
        force = torch.empty_like(r)
        m.force(r, force)
        spins = [m.inputs.expand(len(r), -1, -1), *m.views(r).S.unbind(1), m.outputs.expand(len(r), -1, -1)]
        particles, field, change = [*m.neuron_layers(r), *m.weight_layers(r)], [], []
        for s, x in zip(m.neuron_layers(r), residuals(m, r), strict=True):
            field.append(x.flatten(1))
            change.append((1 - s**2).sum(1))
        for above, below in zip(spins[1:], spins[:-1], strict=True):
            field.append((above @ below.transpose(1, 2)).flatten(1))
            change.append(torch.zeros(len(r)))
        forces = [*m.neuron_layers(force), *m.weight_layers(force)]
        zipped = list(zip(particles, field, forces, change, strict=True))
        work.append([-(f * x * (1 - p**2)).sum(1).numpy() for p, x, f, _ in zipped])
        divergence.append([(c - 2 * (p * x).sum(1)).numpy() for p, x, _, c in zipped])
    w, d = (np.array(x, np.float64).transpose(1, 2, 0) for x in (work, divergence))
    z, warm = (
        np.array([z_of_machines(a - t * b) for a, b in zip(w, d, strict=True)]) for t in (t_r, 1.05 * t_r)
    )
    assert np.abs(z).max() < 4, z
    assert (np.abs(warm[:2]) > 4).all(), warm
    assert np.linalg.norm(warm) > 8, warm


def test_energy_of_a_layer_far_from_the_output_is_gamma():
    """E_1 of L = 7 at T = 0.05 follows the Gamma law of n = M N coordinates: mean n T_r, variance n T_r^2.

    With the walls far, integrating over the S leaves prod_l exp(-|R_l|/T), were it not for exp(-E_L/T): to
    first order in R a gradient g = |dE_L/dR_l| makes the mean n T (1 + (1 + 1/n) g^2/(1 - g^2)). g^2 falls
    by 2 to 3 a layer away from an output that is not learnt: E_l/(n T) = 0.99(1), 1.03, 1.1, 1.3, 1.7, 2.5
    for l = 1..6. So E_l = n_l T is no identity of hidden layers, and next to the output it must fail here.
    KS at 1e-4, mean and variance at 4 sigma, each machine once: false alarm 2.3e-4.
    """
    m, law, temperature, count = machine(depth=7), Langevin(dt=0.05, eta=0.02), 0.05, 1_000
    r, _ = snapshots(m, law, temperature, count, [600], start="small")[0]
    n = WIDTH * PATTERNS
    e = m.energy(r).numpy() / position_temperature(temperature, law)
    first = e[:, 0]
    assert stats.kstest(first, stats.gamma(n).cdf).pvalue > 1e-4
    assert abs(first.mean() - n) < 4 * np.sqrt(n / count)
    assert abs(first.var() / n - 1) < 4 * np.sqrt((2 + 6 / n) / count)
    assert e[:, -2].mean() > 1.3 * n


def test_energy_of_hidden_layers_of_a_trained_machine_is_n_t():
    """c = 1, L = 6, N = 10, M = 192, T = 1e-4: walls are far, the output is learnt (E_L < 1 % of its start).

    Then 1 - y_L^2 is small, and with it g of the test above: E_l = M N T_r, variance M N T_r^2 in the layers
    next to the output, l = 4, 5. Below, a pull is still dying away, and E_l is up to 3 % higher. What holds
    in all five, by integration by parts in S_l, is <R_l . dH/dS_l> = M N T_r. Friction forgets in
    2/eta = 200 steps, so snapshots 500 apart are independent. 2 + 2 + 5 values at 4 sigma: false alarm
    6e-4; sigma of the means 0.26 %.
    """
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 192)
    inputs = rng.choice([-1, 1], (2, 30))[label] * np.where(rng.random((192, 30)) < 0.1, -1, 1)
    outputs = np.where(np.eye(2)[label] > 0, 1, -1)
    m = ThermalMachine(inputs.astype(np.int8), outputs.astype(np.int8), depth=6, width=10)
    law, temperature, n = Langevin(dt=0.01, eta=0.01), 1e-4, 1920
    times = [0, *range(8_000, 14_001, 500)]
    positions = [r for r, _ in snapshots(m, law, temperature, 6, times, start="small")]
    start, *late = [m.energy(r).numpy() for r in positions]
    assert (late[-1][:, -1] < 0.01 * start[:, -1]).all()
    e = np.concatenate(late) / position_temperature(temperature, law) / n
    top = e[:, 3:5]
    error = 1 / np.sqrt(n * len(e))
    z = (top.mean(0) - 1) / error
    z_variance = (n * ((top - 1) ** 2).mean(0) - 1) / np.sqrt(2 / len(e))
    virial = []
    for r in positions[1:]:
        force = torch.empty_like(r)
        m.force(r, force)
        pairs = zip(residuals(m, r, 0), m.neuron_layers(force), strict=True)
        virial.append(torch.stack([-(x.flatten(1).double() * f).sum(1) for x, f in pairs], 1).numpy())
    w = np.concatenate(virial) / position_temperature(temperature, law) / n
    z_virial = (w.mean(0) - 1) / (w.std(0, ddof=1) / np.sqrt(len(w)))
    assert np.abs(z).max() < 4, z
    assert np.abs(z_variance).max() < 4, z_variance
    assert np.abs(z_virial).max() < 4, z_virial
    assert (np.abs(e[:, :5].mean(0) - 1) < 0.05).all()


def test_damped_oscillators_under_a_schedule_of_temperatures():
    """A harmonic stand-in through ``advance``: moments at time t while T falls, called in two pieces.

    Exact recursion of mean and covariance of (r, v), three stiffnesses, two times; 30 z-scores at 4.5: false
    alarm 2e-4. With the temperatures in the reverse order it must fail.
    """
    law, copies = Langevin(dt=0.02, eta=0.02), 40_000
    stiffness = torch.tensor([1.0, 4.0, 25.0], dtype=torch.float64).repeat_interleave(copies)
    well = SimpleNamespace(device=torch.device("cpu"), force=lambda r, out: torch.mul(r, -stiffness, out=out))
    temperatures = np.geomspace(3e-3, 1e-4, 90)
    r = torch.full((1, len(stiffness)), 0.2, dtype=torch.float64)
    v = torch.full_like(r, -0.1)
    go = advance("eager", well, law, batch(1, seed=9))

    def z_scores(used: np.ndarray) -> list[float]:
        z: list[float] = []
        for i, k in enumerate((1.0, 4.0, 25.0)):
            mean, cov = np.array([0.2, -0.1]), np.zeros((2, 2))
            for temperature in used:
                a, b = law.coefficients(temperature)
                step = np.array([[1 - k * law.dt**2, a * law.dt], [-k * law.dt, a]])
                kick = b * np.array([law.dt, 1.0])
                mean, cov = step @ mean, step @ cov @ step.T + np.outer(kick, kick)
            here = slice(i * copies, (i + 1) * copies)
            data = np.stack([r[0, here].numpy(), v[0, here].numpy()])
            z.extend((data.mean(1) - mean) / np.sqrt(np.diag(cov) / copies))
            error = np.sqrt((cov**2 + np.outer(np.diag(cov), np.diag(cov))) / copies)
            z.extend(((np.cov(data) - cov) / error)[np.triu_indices(2)])
        return z

    for done, until in ((0, 40), (40, 90)):
        go(r, v, done, temperatures[done:until])
        z = z_scores(temperatures[:until])
        assert np.abs(z).max() < 4.5, z
    assert np.abs(z_scores(temperatures[::-1])).max() > 10
