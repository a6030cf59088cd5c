"""Layers that are too hot: false alarms, single machines among many, schedules, and what a file says."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from deepglass.errors import Diverged
from simulate import Protocol, resume, run
from simulate.noise import Member
from simulate.thermal import health

PROTOCOL = Protocol(
    depth=4, width=5, patterns=20, steps=1000, waiting_time=(300, 500), samples=8, replicas=8, eta=0.05,
    temperature=1e-3,
)  # fmt: skip
SIZES = {"spins": [0, 100, 100, 100, 0], "weights": [320, 25, 25, 10]}
MEMBERS = [Member(s, a, 300) for s in range(8) for a in range(8)]


def thermal(rng: np.random.Generator, shape: tuple[int, ...], temperature: float = 1e-3) -> dict:
    """<v^2> of layers at T; missing at the frozen ends."""
    frozen = np.full(shape, np.nan)
    return {
        what: temperature * np.stack([rng.chisquare(n, shape) / n if n else frozen for n in sizes], axis=-1)
        for what, sizes in SIZES.items()
    }


@pytest.fixture
def bold(monkeypatch):
    """Alarms often enough to be counted: a tenth of all runs, whatever the ratio."""
    monkeypatch.setattr(health, "FALSE_ALARM", 0.1)
    health._limit.cache_clear()
    yield replace(PROTOCOL, hot=1.0)
    health._limit.cache_clear()


def of_whole_run(rng: np.random.Generator, protocol: Protocol) -> dict:
    shape = (2, len(protocol.times()), protocol.samples, protocol.replicas)
    return thermal(rng, shape)


def test_false_alarms_are_as_rare_as_they_say(bold):
    """150 thermal runs at a rate of at most 0.1, most of it used: binomial bounds at 1e-4."""
    rng = np.random.default_rng(0)
    alarms = sum(any(health.of_run(bold, of_whole_run(rng, bold), SIZES)) for _ in range(150))
    assert stats.binom.sf(alarms - 1, 150, 0.1) > 1e-4
    assert alarms > 0


def test_thermal_runs_are_silent():
    rng = np.random.default_rng(1)
    assert not any(health.lines(PROTOCOL, of_whole_run(rng, PROTOCOL), SIZES) for _ in range(10))


@pytest.mark.parametrize("n", [1, 5, 16, 64, 1920, 10**7, 10**10])
def test_the_limit_is_the_quantile_of_chi_square(n):
    """Against scipy.stats, and for large n against the normal law."""
    protocol = replace(PROTOCOL, hot=1e-9)
    tests = len(protocol.times()) * 7 * (8 * 17 + 3)
    limit = health._limit(protocol, n)
    assert stats.chi2.sf(n * limit, n) == pytest.approx(health.FALSE_ALARM / tests, rel=1e-4)
    if n > 10**6:
        normal = stats.norm.isf(health.FALSE_ALARM / tests) * np.sqrt(2 / n)
        assert limit - 1 == pytest.approx(normal, rel=2e-3)


def hot(kinetic: dict, protocol: Protocol = PROTOCOL, t: int = 900) -> list[str]:
    return [str(x) for x in health.hot_layers(protocol, t, kinetic, SIZES, MEMBERS)]


def test_one_hot_machine_of_64_is_named():
    """Its layer is at 1.3 T on average, which nothing distinguishes from a warm one."""
    kinetic = thermal(np.random.default_rng(2), (64,))
    kinetic["weights"][27, 0] = 20e-3
    assert kinetic["weights"][:, 0].mean() < 1.5e-3
    assert hot(kinetic) == ["weights 1 of sample 3, replica 3, t_w 300 (20 T)"]
    kinetic["weights"][30, 0] = 6e-3
    assert hot(kinetic) == ["weights 1 in 2 of 64 machines (up to 20 T)"]
    kinetic["weights"][:, 0] *= 6.4
    assert hot(kinetic) == [f"weights 1 ({kinetic['weights'][:, 0].mean() / 1e-3:.2g} T)"]


def test_a_machine_so_hot_that_it_heats_the_average_is_named_alone():
    kinetic = thermal(np.random.default_rng(3), (64,))
    kinetic["spins"][0, 2] = 1.0
    assert kinetic["spins"][:, 2].mean() > 1.5e-3
    assert hot(kinetic, replace(PROTOCOL, waiting_time=300)) == ["spins 2 of sample 0, replica 0 (1e+03 T)"]


def test_a_tiny_layer_is_judged_by_the_average_if_no_machine_can_be():
    """Ten weights at 2.5 T are no news in one machine, but in 64."""
    kinetic = thermal(np.random.default_rng(4), (64,))
    kinetic["weights"][5, 3] = 2.5e-3
    assert hot(kinetic) == []
    kinetic["weights"][:, 3] = 2.5e-3
    assert hot(kinetic) == ["weights 4 (2.5 T)"]


def test_a_layer_that_was_hot_once_is_in_the_file():
    rng = np.random.default_rng(5)
    kinetic = of_whole_run(rng, PROTOCOL)
    times = PROTOCOL.times().tolist()
    row = times.index(700)
    kinetic["weights"][1, row, ..., 1] = 3e-3
    kinetic["spins"][1, 3] = 9e-3  # at step 3, when nothing is thermal yet
    kinetic["spins"][:, times.index(237), 2, :, 2] = 4e-3  # the trunk of sample 2, repeated along replica
    (line,) = health.lines(PROTOCOL, kinetic, SIZES)
    assert line == (
        "layers hotter than 1.5 T earlier, since cooled: spins 2 of sample 2 (4 T, last at step 237),"
        " weights 2 (3 T, last at step 700)"
    )
    kinetic["weights"][:, -1, ..., 1] = 2e-3
    at_end, earlier = health.lines(PROTOCOL, kinetic, SIZES)
    assert at_end == "layers hotter than 1.5 T at step 1000: weights 2 (2 T); dt may be too long for them"
    assert "weights" not in earlier


def test_missing_values_are_no_alarm():
    kinetic = of_whole_run(np.random.default_rng(6), PROTOCOL)
    kinetic["weights"][:, -3] = np.nan
    kinetic["spins"][0, -2, 0] = np.nan
    assert health.lines(PROTOCOL, kinetic, SIZES) == []


CHANGING = {"initial_temperature": 1e-2, "schedule_steps": 600}


@pytest.mark.parametrize(
    ("values", "t", "is_thermal", "cause"),
    [
        ({}, 199, False, "the run is shorter than 10/eta, not yet thermal"),
        ({}, 200, True, "dt may be too long for them"),
        ({"eta": 0.0}, 1000, False, "the run is shorter than 10/eta, not yet thermal"),
        ({"schedule": "quench", **CHANGING}, 599, True, "dt may be too long for them"),
        ({"schedule": "quench", **CHANGING}, 700, False, "not yet thermal since step 600"),
        ({"schedule": "quench", **CHANGING}, 800, True, "dt may be too long for them"),
        ({"schedule": "anneal", **CHANGING}, 599, False, "the temperature is still changing"),
        ({"schedule": "anneal", **CHANGING}, 600, False, "not yet thermal since step 600"),
        ({"schedule": "anneal", **CHANGING}, 800, True, "dt may be too long for them"),
        ({"schedule": "anneal", "initial_temperature": 1e-3, "schedule_steps": 600}, 599, True, "dt may"),
    ],
)
def test_the_age_counts_from_the_last_change_of_temperature(values, t, is_thermal, cause):
    protocol = replace(PROTOCOL, **values)
    assert health.thermal(protocol, t) is is_thermal
    line = health.describe(protocol, t, [health.Hot("spins 1", "", 3.2, t)])
    assert line.startswith(f"layers hotter than 1.5 T at step {t}: spins 1 (3.2 T); {cause}")
    cold = {"spins": np.full((64, 5), 1e-5), "weights": np.full((64, 4), 1e-5)}
    assert bool(health.cold_layers(protocol, t, cold, SIZES)) is is_thermal
    assert health.describe(protocol, t, []) == ""


def test_zero_temperature_has_no_hot_or_cold_layers():
    protocol = replace(PROTOCOL, temperature=0.0)
    kinetic = of_whole_run(np.random.default_rng(7), PROTOCOL)
    assert health.lines(protocol, kinetic, SIZES) == []
    last = {what: x[:, -1].reshape(-1, x.shape[-1]) for what, x in kinetic.items()}
    assert health.cold_layers(protocol, 1000, last, SIZES) == []


def test_a_particle_that_left_is_named():
    r, v = torch.zeros(3, 5), torch.zeros(3, 5)
    members = [Member(4, a, 10) for a in range(3)]
    health.check(r, v, 7, members)
    r[2, 4] = 1.5
    with pytest.raises(Diverged, match="step 7: a particle of sample 4, replica 2"):
        health.check(r, v, 7, members)
    r[2, 4], v[1, 0] = 0.0, np.nan
    with pytest.raises(Diverged, match="sample 4, replica 1"):
        health.check(r, v, 7, members)


def test_a_file_says_the_same_however_the_run_came_about(tmp_path):
    """Hot in one go, made longer, and in chunks."""
    short = Protocol(
        depth=2, width=3, patterns=12, steps=250, waiting_time=100, samples=2, replicas=2, eta=0.05,
        temperature=1e-6, extra_times=(150, 250),
    )  # fmt: skip
    whole = run(replace(short, steps=300))
    assert whole.attrs["warnings"].startswith("layers hotter than 1.5 T at step 300")
    run(short, out=tmp_path / "run.nc")
    assert resume(tmp_path / "run.nc", more=50).attrs["warnings"] == whole.attrs["warnings"]
    assert run(replace(short, steps=300, replicas_per_chunk=2)).attrs["warnings"] == whole.attrs["warnings"]
