"""Motion beside free diffusion: laws whose numbers are known, and runs that are free by construction."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from compare import glassy, motion
from compare.cli import app
from compare.diffusion import free_master, free_overlap, free_time
from deepglass import schema
from deepglass.cli import main
from deepglass.errors import InvalidInput
from paper_figures.stored import reduced
from simulate import Protocol, run
from simulate.relu.protocol import ReluProtocol

T = np.unique(np.rint(10 ** np.arange(0, 6.01, 1 / 15)))
WALK = ReluProtocol(
    data="gaussian", patterns=100, width=8, train_steps=0, train_fine=0, eta=0.01, steps=3000,
    waiting_time=(0, 1000), samples=8, temperatures=(0.0, 1e-3, 1e-2, 1e-1), forces="decay",
    factors=(100.0, 1000.0, 3000.0),
)  # fmt: skip


def test_constants_of_free_walks():
    """tau_90, tau_e in units of length^2/D and their ratio; Q at multiples of tau_e (numbers of the note)."""
    assert free_time(0.9, 1.0, 1.0) == pytest.approx(0.18481, rel=1e-4)
    assert free_time(math.exp(-1), 1.0, 1.0) == pytest.approx(2.18154, rel=1e-5)
    assert free_time(0.9, 0.0, 1.0) == math.inf
    u = [0.03, 0.1, 0.3, 1, 3, 10, 30]
    np.testing.assert_allclose(free_master(u), [0.994, 0.870, 0.618, 0.368, 0.218, 0.120, 0.070], atol=6e-4)
    t = np.array([0.0, 3.0, 70.0])
    assert free_overlap(t, 0.1, 2.0)[0] == 1
    tau = free_time(math.exp(-1), 0.1, 2.0)
    np.testing.assert_allclose(free_overlap(t[1:], 0.1, 2.0), free_master(t[1:] / tau), rtol=1e-12)
    assert free_overlap(1e9, 0.1, 2.0) == pytest.approx(2 / math.sqrt(math.pi * 0.1 * 1e9), rel=1e-6)


def test_the_estimator_of_the_exponent_gives_its_known_value_on_the_null():
    """-0.4966 for log-spaced points between tau_e and 1000 tau_e."""
    grid = np.logspace(0, 6, 601)
    assert motion.exponent(grid, free_master(grid / 50)) == pytest.approx(-0.4966, abs=5e-4)
    assert motion.free_exponent(grid, free_master(grid / 50)) == pytest.approx(-0.4966, abs=5e-4)
    power = np.minimum(1, (grid / 10) ** -0.3)
    assert motion.exponent(grid, power) == pytest.approx(-0.3, abs=1e-6)
    assert math.isnan(motion.exponent(grid, np.full_like(grid, 0.9)))


def test_first_passage_is_between_points_and_missing_where_it_cannot_be_told():
    curve = np.array([1.0, 0.95, 0.85, 0.2])
    t = np.array([1.0, 10.0, 100.0, 1000.0])
    assert motion.first_passage(t, curve, 0.9) == pytest.approx(10**1.5)
    assert math.isnan(motion.first_passage(t, curve, 0.1))
    assert math.isnan(motion.first_passage(t, 0.1 * curve, 0.9))


def test_a_cage_is_told_from_a_trap_and_from_a_walk():
    walk, trap = 1e-3 * T, 1 - np.exp(-T / 1e3)
    cage = 1 - np.exp(-T / 10) + 1e-5 * T
    np.testing.assert_allclose(motion.slopes(T, walk), 1, atol=1e-9)
    assert [motion.caged(motion.slopes(T, x)) for x in (walk, trap, cage)] == [False, False, True]
    assert motion.late_slope(T, T**1.5) == pytest.approx(1.5)


def test_curves_that_scale_collapse_and_others_do_not():
    free = [free_master(T / tau) for tau in (20, 100, 900)]
    stretched = [np.exp(-((T / tau) ** 0.5)) for tau in (20, 100, 900)]
    spread, off = motion.collapse(T, free)
    assert spread < 2e-3
    assert off < 2e-3
    spread, off = motion.collapse(T, stretched)
    assert spread < 5e-3
    assert off > 0.03  # another master curve
    spread, _ = motion.collapse(T, [free[0], stretched[1]])
    assert spread > 0.03
    assert all(map(math.isnan, motion.collapse(T, free[:1])))


def test_the_jackknife_of_a_mean_is_its_standard_error():
    rows = np.random.default_rng(0).normal(size=(12, 3))
    value, error = motion.jackknife(lambda x: float(x[1]), rows)
    assert value == pytest.approx(rows[:, 1].mean())
    assert error == pytest.approx(rows[:, 1].std(ddof=1) / np.sqrt(12))
    assert math.isnan(motion.jackknife(lambda x: float(x[1]), rows[:1])[1])


@pytest.fixture(scope="module")
def walk() -> xr.Dataset:
    return run(WALK)


def test_walks_are_free_at_every_temperature_and_nothing_survives(walk):
    """8 samples of 216 weights. Ratios within 4 of their own standard errors, false alarm about 1 % in all
    (Student's t of 8 samples); fixed seed."""
    found = glassy(walk, walk)
    still, *moving = found.motions
    assert still.verdict == "does not move"
    assert math.isnan(still.tau90)
    for m in moving:
        assert m.verdict in ("free", "too fast")
        assert not m.caged
        assert m.alpha2_max < 0.5
        assert abs(m.exponent - m.exponent_free) < 4 * m.exponent_error + 0.02
        assert m.msd_late == pytest.approx(1, abs=0.1)
    timed = [m for m in moving if not math.isnan(m.tau90)]
    assert len(timed) >= 2
    for m in timed:
        assert abs(math.log(m.over_free)) < 4 * m.over_free_error + 0.02
        assert abs(m.ageing - 1) < 4 * m.ageing * m.ageing_error
    assert found.slope == pytest.approx(-1, abs=4 * found.slope_error + 0.03)
    assert found.collapse_free[0] < 0.06
    assert found.null_collapse[0] < 0.06
    assert not [line for line in found.survives if "exponent" not in line]


def test_what_is_kept_of_a_run_says_the_same(walk):
    a, b = glassy(walk), glassy(reduced.reduce(walk))
    for x, y in zip(a.motions, b.motions, strict=True):
        assert x.verdict == y.verdict
        for name in ("tau90", "over_free", "exponent", "msd_late", "alpha2_max", "ageing"):
            np.testing.assert_allclose(getattr(x, name), getattr(y, name), rtol=1e-4, equal_nan=True)


def test_drift_is_not_taken_for_temperature():
    """Gaussian points, under-parametrised: at T far below, tau is that of T = 0 and not that of a walk."""
    drifting = run(
        replace(
            WALK, forces="all", train_steps=500, width=4, steps=2500, waiting_time=1000, samples=4,
            temperatures=(0.0, 1e-12),
        )
    )  # fmt: skip
    found = glassy(drifting)
    assert found.motions[1].verdict == "drift"
    assert found.motions[1].over_still == pytest.approx(1, abs=1e-3)
    assert found.motions[1].over_free < 1e-3
    assert any("those of T = 0" in line for line in found.survives)


def test_the_command_line_prints_and_refuses(walk, tmp_path, capsys):
    path = tmp_path / "walk.nc"
    schema.write(walk, path, "run")
    assert main(app, ["glassy", str(path), "--null", str(path)]) == 0
    assert "beyond free diffusion:" in capsys.readouterr().out
    assert main(app, ["glassy", str(path), "--t-w", "0", "--factor", "1000", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["factor"] == 1000
    assert told["motions"][0]["tau90"] is None
    assert main(app, ["glassy", str(path), "--factor", "7"]) == 2
    assert "factor = 7 must be one of the run's: 100, 1000, 3000" in capsys.readouterr().err
    thermal = run(Protocol(depth=2, width=3, patterns=8, steps=8, waiting_time=4))
    with pytest.raises(InvalidInput, match="must be of the system relu-network"):
        glassy(thermal)
