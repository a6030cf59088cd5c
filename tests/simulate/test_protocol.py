"""A protocol as data: what it accepts, when it measures, which temperature it asks for."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepglass.checks import integers
from deepglass.errors import InvalidInput
from simulate import Protocol
from simulate.schedule import Schedule

LADDER = Protocol(steps=100_000, waiting_time=(100, 1_000, 10_000))


def test_it_survives_json_and_names_what_it_does_not_know():
    odd = replace(
        LADDER, classes=(0, 1), schedule="anneal", initial_temperature=1e-3, schedule_steps=5,
        matrix_times=(7,), replicas_per_chunk=8, start="x.npy",
    )  # fmt: skip
    assert Protocol.from_json(odd.to_json()) == odd
    assert Protocol.from_json(LADDER.to_json()).waiting_times == (100, 1_000, 10_000)
    for text, message in (
        ("{", "no JSON"),
        ("[]", "table of parameters"),
        ('{"widht": 3}', "unknown parameter 'widht'"),
        ('{"width": "3"}', "width = '3'"),
        ('{"waiting_time": "10"}', "waiting_time"),
    ):
        with pytest.raises(InvalidInput, match=message):
            Protocol.from_json(text)
    assert json.loads(LADDER.to_json())["waiting_time"] == [100, 1_000, 10_000]


def test_one_waiting_time_is_the_same_in_a_list():
    assert Protocol(waiting_time=[10]) == Protocol(waiting_time=10)
    assert Protocol(waiting_time=(20, 10)).waiting_times == (10, 20)
    for bad in ((), (10, 10), (1, 20_000), "10", (1.5,), -1):
        with pytest.raises(InvalidInput, match="waiting_time"):
            Protocol(waiting_time=bad)


@given(st.integers(1, 10**7), st.integers(1, 10**7), st.integers(1, 20))
def test_a_longer_run_measures_where_the_shorter_one_did(a, b, per_decade):
    short, long = sorted((a, b))
    times = [
        set(Protocol(steps=n, waiting_time=0, per_decade=per_decade).times().tolist()) for n in (short, long)
    ]
    assert times[0] - {short} <= times[1]
    assert max(times[1]) == long
    assert len(times[1]) <= (np.log10(long) + 1) * per_decade + 5


def test_times_hold_every_waiting_time_and_every_last_time():
    times = LADDER.times()
    assert (np.diff(times) > 0).all()
    assert {0, 100, 1_000, 10_000, 99_900, 99_000, 90_000, 100_000} <= set(times.tolist())
    assert LADDER.frame_times().size == 0
    frames = replace(LADDER, frames_per_decade=1).frame_times().tolist()
    assert frames == [0, 1, 10, 100, 1_000, 10_000]  # none beyond the end of every branch


def test_schedules():
    np.testing.assert_array_equal(Schedule("fixed", 2.0).temperatures(5, 3), [2, 2, 2])
    np.testing.assert_array_equal(Schedule("quench", 1.0, 3.0, 2).temperatures(0, 4), [3, 3, 1, 1])
    np.testing.assert_allclose(Schedule("anneal", 1.0, 3.0, 4).temperatures(0, 6), [3, 2.5, 2, 1.5, 1, 1])
    for kind in ("fixed", "quench", "anneal"):
        law = Schedule(kind, 1.0) if kind == "fixed" else Schedule(kind, 1.0, 3.0, 7)
        whole = law.temperatures(0, 20)
        for first in (0, 3, 6, 7, 15):
            np.testing.assert_array_equal(law.temperatures(first, 5), whole[first : first + 5])


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"schedule": "warm"}, "schedule = 'warm'"),
        ({"schedule": "quench"}, "needs initial_temperature and schedule_steps"),
        ({"schedule": "anneal", "initial_temperature": 1.0}, "needs schedule_steps"),
        ({"initial_temperature": 1.0}, "initial_temperature cannot be used"),
        (
            {"schedule": "quench", "initial_temperature": -1.0, "schedule_steps": 3},
            "initial_temperature = -1",
        ),
        ({"schedule": "quench", "initial_temperature": 1.0, "schedule_steps": 0}, "schedule_steps = 0"),
        ({"replicas_per_chunk": 3}, "replicas_per_chunk = 3 must hold all replicas of a sample, 4"),
        ({"replicas_per_chunk": 0}, "replicas_per_chunk"),
        ({"backend": "captured", "device": "cpu"}, "backend = 'captured' needs device = 'cuda'"),
        ({"backend": "fast"}, "backend = 'fast'"),
        ({"start": "warm"}, "start = 'warm' must be one of small, uniform"),
        ({"hot": 0.0}, "hot"),
        ({"data": None}, "data = None"),
        ({"start": 3}, "start = 3"),
        ({"data_dir": 5}, "data_dir = 5"),
        ({"per_decade": 10**9}, "per_decade = 1000000000"),
        ({"keep_state": 1}, "keep_state"),
        ({"matrix_times": (-1,)}, "matrix_times"),
        ({"extra_times": (0.5,)}, "extra_times"),
        ({"first_sample": -1}, "first_sample"),
        ({"first_sample": 2**32}, "first_sample"),
        ({"waiting_time": 2**32, "steps": 2**33}, "waiting_time"),
        ({"eta": 1e-9}, "eta = 1e-09 is lost to rounding"),
        ({"checkpoint_every": -1}, "checkpoint_every"),
        ({"frames_per_decade": 0.5}, "frames_per_decade"),
    ],
)
def test_bad_parameters_are_named(values, word):
    with pytest.raises(InvalidInput, match=word):
        Protocol(**values)


def test_lists_of_integers_from_the_command_line():
    assert integers("waiting_time", "100, 1000") == (100, 1000)
    assert integers("matrix_times", "") == ()
    for bad in ("1e3", "10,", "-1", "1.5", "a"):
        with pytest.raises(InvalidInput, match=r"waiting_time = .*100,1000"):
            integers("waiting_time", bad)


def test_what_lies_beyond_the_end_is_said():
    late = replace(LADDER, matrix_times=(10, 99_901), steps=100_000, waiting_time=100)
    assert late.beyond_the_end() == ["matrix_times 99901 are beyond the end"]
    slow = Protocol(schedule="anneal", initial_temperature=1.0, schedule_steps=10**6)
    assert slow.beyond_the_end() == ["the anneal is over at step 1000000, after the end"]
    assert LADDER.beyond_the_end() == []
