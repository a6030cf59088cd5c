"""Motion beside free diffusion: laws whose numbers are known, and runs that are free by construction."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from compare import glassy, motion
from compare.cli import app
from compare.diffusion import free_master, free_overlap, free_time, well_displacement
from compare.survival import verdict
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


def test_a_weight_in_the_well_moves_as_its_law_says():
    """By iteration of the covariance of w' = k w + noise."""
    temperature, strength, eta, patterns = 0.4, 0.8, 0.1, 10
    keep, noise = 1 - eta * strength, 2 * temperature * eta / patterns
    variance = noise / (1 - keep**2)
    expected, correlation = [], variance
    for _ in range(5):
        expected.append(2 * (variance - correlation))
        correlation *= keep
    found = well_displacement(np.arange(5), temperature, strength, eta, patterns)
    np.testing.assert_allclose(found, expected, atol=1e-15)
    late = well_displacement(1e6, temperature, strength, 1e-6, patterns)
    assert late == pytest.approx(2 * temperature / (patterns * strength) * (1 - math.exp(-0.8)), rel=1e-5)


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
    short = 1 - np.exp(-T / 300) + 1e-4 * T  # its plateau lies across two decades
    seen = [motion.caged(motion.slopes(T, x)) for x in (walk, trap, cage, short)]
    assert seen == [False, False, True, True]
    assert motion.slopes(T, T**1.5)[-1] == pytest.approx(1.5)


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
        assert m.verdict in ("free", "undecided", "too fast", "does not move")
        assert not m.caged
        assert m.alpha2_max < 0.5
        assert abs(m.exponent - m.exponent_free) < 4 * m.exponent_error + 0.02
        assert m.msd_late == pytest.approx(1, abs=0.1)
    timed = [m for m in moving if not math.isnan(m.tau90)]
    assert len(timed) >= 2
    for m in timed:
        assert abs(math.log(m.over_free)) < 4 * m.over_free_error + 0.02
        assert abs(math.log(m.ageing)) < 4 * m.ageing_error + 0.02
        assert m.off_free < 0.02
    assert found.null_collapse.among < 0.06
    assert found.null_exponent[0] == pytest.approx(-0.4966, abs=4 * found.null_exponent[1] + 0.02)
    assert found.survives == ()


LENGTH, RATE = 0.02, 1e-6


def made(*kinds: str, samples: int = 6, spread: float = 0.0) -> xr.Dataset:
    """What is kept of a run whose curves are laws: walks, walks that are three times slower at the second
    t_w, or a slide at constant speed, as at T = 0. sigma_W = 2, F = 100, D = RATE T, T = 1, 10, ..."""
    t = np.unique(np.rint(10 ** np.arange(0, 5.01, 1 / 15)))
    t = np.concatenate([[0.0], t])
    temperatures = [0.0, *(10.0**k for k in range(len(kinds)))]
    shape = (2, len(t), samples, len(temperatures))
    overlap, msd = np.ones((*shape, 1)), np.zeros(shape)
    each = np.exp(spread * np.linspace(-1, 1, samples))
    for k, kind in enumerate(("slide", *kinds)):
        for age in (0, 1):
            for s in range(samples):
                if kind == "slide":
                    speed = 2e-6 * each[s]  # of Gaussian velocities: alpha_2 = 0
                    overlap[age, :, s, k, 0] = free_overlap(t**2, speed**2 / 2, LENGTH)
                    msd[age, :, s, k] = (speed * t) ** 2
                else:
                    d = RATE * temperatures[k] * each[s] / (3 if kind == "ageing" and age else 1)
                    overlap[age, :, s, k, 0] = free_overlap(t, d, LENGTH)
                    msd[age, :, s, k] = 2 * d * t
    dims = ("t_w", "t", "sample", "temperature")
    return xr.Dataset(
        {
            "overlap": ((*dims, "factor"), overlap),
            "msd": (dims, msd),
            "alpha2": (dims, np.full(shape, 0.25)),
            "sigma": (dims[1:], np.full(shape[1:], 100 * LENGTH)),
        },
        {"t_w": [1, 10], "t": t, "sample": range(samples), "temperature": temperatures, "factor": [100.0]},
        attrs={
            "system": "relu-network", "eta": 1e-4, "patterns": 100, "train_steps": 0, "lambda_": 0.0,
            "forces": "all", "weights": 1000,
        },
    )  # fmt: skip


def test_numbers_of_curves_that_are_known():
    found = glassy(made("walk", "ageing"))
    slide, walk, ageing = found.motions
    assert [m.verdict for m in found.motions] == ["drift", "free", "neither"]
    tau = free_time(0.9, RATE, LENGTH)
    assert walk.tau90 == pytest.approx(tau, rel=5e-3)
    assert walk.over_free == pytest.approx(1, abs=5e-3)
    assert ageing.over_free == pytest.approx(3, rel=5e-3)
    assert walk.tau_ratio == pytest.approx(11.804, rel=1e-2)
    assert walk.ageing == pytest.approx(1)
    assert ageing.ageing == pytest.approx(3, rel=1e-2)
    assert slide.tau90 == pytest.approx(LENGTH / (2e-6 * math.sqrt(2) * 1.16309), rel=1e-2)
    assert walk.over_still == pytest.approx(walk.tau90 / slide.tau90)
    assert walk.off_free == pytest.approx(0, abs=1e-9)
    assert ageing.off_free > 0.1
    assert (walk.msd_early, slide.msd_early) == (pytest.approx(1), pytest.approx(2))
    assert (walk.msd_late, slide.msd_late) == (pytest.approx(1), pytest.approx(2))
    assert (walk.alpha2_end, walk.alpha2_max) == (pytest.approx(0.25), pytest.approx(0.25))
    assert walk.exponent == pytest.approx(walk.exponent_free, abs=1e-3)
    assert math.isnan(walk.exponent_well)
    assert glassy(made("walk", "ageing"), t_w=1).motions[2].verdict == "free"


def test_errors_are_those_of_the_mean_over_samples():
    """D of six samples spread by e^(+-0.2): the logarithm of tau_90 has that deviation over sqrt(6)."""
    walk = glassy(made("walk", spread=0.2)).motions[1]
    deviation = np.std(0.2 * np.linspace(-1, 1, 6), ddof=1) / math.sqrt(6)
    assert walk.tau90_error == pytest.approx(deviation, rel=2e-2)
    assert walk.over_free_error == pytest.approx(deviation, rel=2e-2)


def test_curves_collapse_by_kind():
    found = glassy(made("walk", "walk", "ageing"))
    assert found.slope == pytest.approx(-1, abs=5e-3)
    assert found.collapse_free.among == pytest.approx(0, abs=3e-3)
    assert found.collapse_free.off_free == pytest.approx(0, abs=3e-3)
    # The others: a slide, Q = erf(c/u), and a walk that has slowed down.
    slide, walk = free_master(motion.REDUCED**2), free_master(motion.REDUCED)
    spread = math.sqrt(np.var(np.stack([slide, walk]), axis=0, ddof=1).mean())
    off = math.sqrt(np.square((slide - walk) / 2).mean())
    assert found.collapse_landscape.among == pytest.approx(spread, rel=0.15)
    assert found.collapse_landscape.off_free == pytest.approx(off, rel=0.15)


@pytest.mark.parametrize(
    ("free", "still", "off", "expected"),
    [
        ((1.0, 0.05), (0.1, 0.05), 0.01, "free"),
        ((1.0, 0.05), (0.1, 0.05), 0.1, "free at first"),
        ((1.2, 0.15), (0.1, 0.05), 0.01, "undecided"),
        ((1.5, 0.25), (0.1, 0.05), 0.1, "undecided"),
        ((1.5, 0.15), (0.1, 0.05), 0.1, "neither"),
        ((2.0, 0.05), (0.1, 0.05), 0.1, "neither"),
        ((0.01, 0.1), (1.0, 0.02), 0.3, "drift"),
        ((1.0, 0.01), (1.0, 0.01), 0.0, "undecided"),
        ((2.0, 0.05), (math.nan, math.nan), 0.1, "neither"),
        ((math.nan, math.nan), (0.1, 0.05), 0.1, "undecided"),
    ],
)
def test_equality_needs_the_whole_interval(free, still, off, expected):
    assert verdict(np.array([1.0, 0.5]), 0.9, free, still, off) == expected
    assert verdict(np.array([1.0, 0.95]), 0.9, free, still, off) == "does not move"
    assert verdict(np.array([0.8, 0.5]), 0.9, free, still, off) == "too fast"


def test_what_survives_is_told_with_its_temperatures():
    said = glassy(made("walk", "ageing", spread=0.01)).survives
    shapes, aged = said
    assert shapes == "displacements that are not Gaussian, alpha_2: 0.25 at 1, 0.25 at 10"
    assert aged.startswith("ageing, tau_90 of the last t_w over the first: 3.0")
    assert aged.endswith(" at 10")


def test_a_null_must_be_one(walk):
    for change, problem in (
        ({"forces": "all"}, "the null must be free"),
        ({"lambda_": 0.1}, "the null must be free"),
        ({"weights": 7}, "the null has weights = 7, the run 216"),
        ({"eta": 0.5}, "the null has eta = 0.5"),
    ):
        with pytest.raises(InvalidInput, match=problem):
            glassy(walk, walk.assign_attrs(change))
    with pytest.raises(InvalidInput, match="no temperature above 0"):
        glassy(walk, walk.sel(temperature=[0.0]))
    with pytest.raises(InvalidInput, match="t_w = 0 of the run lies in its training, which ends at 5"):
        glassy(walk.assign_attrs(train_steps=5))


def test_what_is_kept_of_a_run_says_the_same(walk):
    a, b = glassy(walk), glassy(reduced.reduce(walk))
    for x, y in zip(a.motions, b.motions, strict=True):
        assert x.verdict == y.verdict
        for name in ("tau90", "over_free", "exponent", "msd_late", "alpha2_max", "ageing", "off_free"):
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
    assert math.isnan(found.motions[1].ageing)  # one t_w
    assert any("those of T = 0" in line and line.endswith("T = 1e-12") for line in found.survives)


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
