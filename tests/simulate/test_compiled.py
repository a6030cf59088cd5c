"""The compiled backend against the eager one, its batches, its hyperbolic tangent, merged pixels."""

import numpy as np
import pytest
import torch

from simulate import noise
from simulate.dynamics import compiled
from simulate.dynamics.compiled import Compiled
from simulate.dynamics.eager import Eager
from simulate.dynamics.langevin import Langevin
from simulate.kernels import thermal
from simulate.systems.thermal_machine import ThermalMachine, merge

LAW = Langevin(dt=0.01, eta=0.02)
CASES = [  # L, N, N_0, N_L, M
    (1, 3, 20, 3, 70),
    (2, 4, 6, 2, 9),
    (2, 1, 5, 5, 300),
    (3, 5, 40, 3, 65),
    (6, 7, 33, 2, 333),
    (4, 18, 64, 1, 350),
]


def signs(depth, inputs, outputs, patterns):
    """Random +-1 with equal and opposite pixels, and one that is always on."""
    rng = np.random.default_rng(depth)
    x = rng.choice([-1, 1], (patterns, inputs)).astype(np.int8)
    x[:, inputs // 2 :: 2] = x[:, :1] * rng.choice([-1, 1], inputs)[None, inputs // 2 :: 2]
    x[:, 1] = 1
    return x, rng.choice([-1, 1], (patterns, outputs)).astype(np.int8)


def machine(case, c_scale="1", dtype=torch.float64):
    depth, width, inputs, outputs, patterns = case
    return ThermalMachine(*signs(depth, inputs, outputs, patterns), depth, width, c_scale, dtype)


def evolve(backend, m, batch, steps=100, first=(1 << 32) - 50, calls=1, hot=0.05):
    """Positions and velocities after ``steps`` steps while the temperature falls, in ``calls`` calls."""
    if isinstance(batch, int):
        batch = range(batch)
    r = torch.cat([m.start("uniform", 3, range(s, s + 1)) for s in batch])
    v = torch.zeros_like(r)
    move = backend(m, LAW, noise.keys(5, [(s, 0) for s in batch]))
    temperatures = np.linspace(hot, 1e-4, steps)
    for part in np.split(np.arange(steps), calls):
        move(r, v, first + int(part[0]), temperatures[part])
    return r, v


@pytest.mark.parametrize("c_scale", ["1", "inv-sqrt"])
@pytest.mark.parametrize("case", CASES)
def test_trajectories_are_those_of_the_eager_backend(case, c_scale):
    m = machine(case, c_scale)
    for ours, plain in zip(evolve(Compiled, m, 3), evolve(Eager, m, 3), strict=True):
        np.testing.assert_allclose(ours, plain, atol=1e-12)
    assert (ours != 0).all()


@pytest.mark.parametrize("case", CASES)
def test_float32_follows_float64_for_one_step(case):
    single, exact = machine(case, dtype=torch.float32), machine(case)
    for ours, plain in zip(evolve(Compiled, single, 3, 1), evolve(Eager, exact, 3, 1), strict=True):
        np.testing.assert_allclose(ours, plain, atol=3e-7)


def test_a_small_start_in_float32_follows_float64():
    """Many patterns, nearly equal: the sums behind norms and forces must not lose digits."""
    single, exact = machine((10, 10, 64, 2, 2000), dtype=torch.float32), machine((10, 10, 64, 2, 2000))
    r, r2 = single.start("small", 0, range(1)), exact.start("small", 0, range(1))
    v, v2 = torch.zeros_like(r), torch.zeros_like(r2)
    keys = noise.keys(0, [(0, 0)])
    Compiled(single, LAW, keys)(r, v, 0, np.zeros(1))
    Eager(exact, LAW, keys)(r2, v2, 0, np.zeros(1))
    for ours, plain in zip(single.weight_layers(v), exact.weight_layers(v2), strict=True):
        assert (ours - plain).norm() < 2e-6 * plain.norm()
    for ours, plain in zip(single.neuron_layers(v), exact.neuron_layers(v2), strict=True):
        assert (ours - plain).norm() < 2e-6 * plain.norm()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("case", CASES)
def test_neither_the_batch_nor_the_calls_change_a_bit(case, dtype):
    m = machine(case, dtype=dtype)
    together = evolve(Compiled, m, 7)
    for again in (evolve(Compiled, m, 7), evolve(Compiled, m, 7, calls=2)):
        assert all(map(torch.equal, together, again))
    for s in (0, 6):
        alone = evolve(Compiled, m, range(s, s + 1))
        assert all(torch.equal(a[s], b[0]) for a, b in zip(together, alone, strict=True))


@pytest.mark.parametrize("small", [True, False])
def test_tiles_do_not_matter(monkeypatch, small):
    m = machine((4, 6, 20, 2, 1000))
    whole = evolve(Compiled, m, 2)
    monkeypatch.setattr(compiled, "TILE_NUMBERS", 1 if small else 1 << 20)
    monkeypatch.setattr(compiled, "TILE_PATTERNS", 64)
    tiles = evolve(Compiled, m, 2)
    np.testing.assert_allclose(whole[0], tiles[0], atol=1e-12)


@pytest.mark.parametrize("where", [0, 100, -1])
def test_a_nan_stays_visible(where):
    m = machine(CASES[3], dtype=torch.float32)
    r, v = m.start("uniform", 0, range(2)), torch.zeros((2, m.particles))
    r[1, where] = torch.nan
    Compiled(m, LAW, noise.keys(0, [(0, 0), (1, 0)]))(r, v, 0, np.full(3, 1e-3))
    assert r[1].isnan().any()
    assert not r[0].isnan().any()


def test_particles_stay_between_the_walls():
    r, _ = evolve(Compiled, machine(CASES[4], dtype=torch.float32), 2, hot=0.5)
    assert (r.abs() <= 1).all()
    assert (r.abs() > 0.99).any()


def test_the_tip_of_the_cone_is_a_place_of_rest():
    m = ThermalMachine(np.ones((3, 2), np.int8), np.ones((3, 1), np.int8), depth=2, width=2)
    r, v = torch.zeros((1, m.particles)), torch.zeros((1, m.particles))
    Compiled(m, LAW, noise.keys(0, [(0, 0)]))(r, v, 0, np.zeros(1))
    assert torch.isfinite(r).all()
    assert (m.views(v).first == 0).all()


def test_equal_and_opposite_pixels_are_merged():
    x, _ = signs(3, 40, 2, 65)
    first, column, sign = merge(x.T)
    assert len(first) == 30
    np.testing.assert_array_equal(x.T, sign[:, None] * x.T[first[column]])


@pytest.mark.parametrize("depth", [1, 4])
@pytest.mark.parametrize("c_scale", ["1", "inv-sqrt"])
def test_merged_forces_are_the_unmerged_ones(monkeypatch, depth, c_scale):
    case = (depth, 5, 40, 2, 300)
    merged = machine(case, c_scale)
    monkeypatch.setattr(ThermalMachine, "_merge", lambda *_: None)
    plain = machine(case, c_scale)
    assert merged.merged is not None
    assert plain.merged is None
    r = plain.start("uniform", 0, range(3))
    force, expected = torch.full_like(r, torch.nan), torch.full_like(r, torch.nan)
    merged.force(r, force)
    plain.force(r, expected)
    np.testing.assert_allclose(force, expected, atol=1e-14)


def test_random_pixels_are_not_merged():
    x = np.random.default_rng(0).choice([-1, 1], (65, 40)).astype(np.int8)
    assert ThermalMachine(x, x[:, :2], 3, 4).merged is None


def test_tables_give_back_the_inputs():
    x, y = signs(4, 64, 2, 700)
    plan = compiled.plan(x.T.astype(np.float32), y.T.astype(np.float32))
    pixels = np.zeros((700, plan.pixels[-1]))
    at = 0
    for g, (a, b) in enumerate(zip(plan.pixels[:-1], plan.pixels[1:], strict=True)):
        count = (plan.rows[g + 1] - plan.rows[g]) * (b - a)
        table = plan.signs[at : at + count].reshape(-1, b - a)
        pixels[:, a:b] = table[plan.codes[:, g] - plan.rows[g]]
        at += count
    assert at == plan.signs.size
    np.testing.assert_array_equal(pixels[:, plan.column] * plan.sign, x)


def test_tanh_of_float32_is_good_to_a_few_units_in_the_last_place():
    x = np.concatenate(
        [np.linspace(-12, 12, 2_000_001), np.geomspace(1e-45, 1e38, 200_001), [0, -0.0, 1e-40]]
    ).astype(np.float32)
    exact = np.tanh(x.astype(np.float64))
    y = x.copy()
    thermal.tanh(y)
    unit = np.spacing(np.abs(exact).astype(np.float32)).astype(np.float64)
    assert (np.abs(y - exact) / unit).max() < 6
    assert np.abs(y).max() <= 1 + 1.2e-7
    assert (y[x == 0] == 0).all()
    special = np.array([np.inf, -np.inf, np.nan, 100, -100], np.float32)
    thermal.tanh(special)
    np.testing.assert_allclose(special, [1, -1, np.nan, 1, -1], rtol=1.3e-7)


def test_tanh_of_float64_is_that_of_the_library():
    x = np.append(np.linspace(-20, 20, 10_001), [np.nan, np.inf])
    y = x.copy()
    thermal.tanh(y)
    np.testing.assert_allclose(y, np.tanh(x), rtol=1e-15)


def test_threads_share_the_batch_and_change_nothing():
    """Bit for bit, for any number of them, as each machine is advanced by itself."""
    m = machine((4, 5, 9, 2, 70))
    keys = noise.keys(1, [(s, 0) for s in range(5)])
    results = []
    for threads in (1, 2, 5, 9):
        r, v = m.start("small", 3, range(5)), torch.zeros(5, m.particles, dtype=m.dtype)
        Compiled(m, Langevin(), keys, threads)(r, v, 7, np.full(40, 1e-3))
        results.append((r, v))
    for r, v in results[1:]:
        assert torch.equal(r, results[0][0])
        assert torch.equal(v, results[0][1])
