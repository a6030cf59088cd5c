"""Chunks: how a run is cut, what memory that takes, and that the cut cannot be seen in the result."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from deepglass.errors import InvalidInput
from simulate import Protocol, noise, plan, run
from simulate.noise import Member
from simulate.thermal import memory

SMALL = Protocol(
    depth=3, width=4, patterns=20, steps=100, waiting_time=(10, 40), samples=5, replicas=2,
    precision="float64", temperature=1e-3, matrix_times=(50,),
)  # fmt: skip


@pytest.fixture(scope="module")
def whole() -> xr.Dataset:
    return run(SMALL)


@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 100))
def test_every_machine_is_in_one_chunk_and_none_is_too_large(samples, replicas, limit):
    protocol = Protocol(steps=50, waiting_time=(5, 20), samples=samples, replicas=replicas, first_sample=3)
    limit = max(limit, replicas)
    parts = plan.chunks(protocol, limit)
    assert [part.number for part in parts] == list(range(len(parts)))
    members = [member for part in parts for member in part.members(3)]
    everyone = [Member(3 + s) for s in range(samples)]
    everyone += [Member(3 + s, a, t_w) for t_w in (5, 20) for s in range(samples) for a in range(replicas)]
    assert members == everyone
    assert all(len(part.members(3)) == part.machines <= limit for part in parts)
    assert {part.t_w: (part.first, part.last) for part in parts} == {None: (0, 20), 5: (5, 50), 20: (20, 50)}
    sizes = [len(part.samples) for part in parts if part.t_w == 5]
    assert max(sizes) - min(sizes) <= 1
    work = samples * 20 + samples * replicas * (45 + 30)
    assert sum(part.replica_steps for part in parts) == work


@pytest.mark.parametrize("limit", [2, 3, 4, 7])
def test_the_cut_is_not_seen(whole, limit):
    """1e-11 after 100 steps in float64; trajectories of other shapes differ by rounding only."""
    cut = run(replace(SMALL, replicas_per_chunk=limit))
    for name in whole.data_vars:
        tolerance = 1e-6 if name == "state_v" else 1e-9
        np.testing.assert_allclose(cut[name], whole[name], rtol=tolerance, atol=1e-11, err_msg=str(name))


def test_samples_can_be_run_in_parts(whole):
    parts = [run(replace(SMALL, samples=n, first_sample=k)) for k, n in ((0, 2), (2, 3))]
    for name in ("E", "q", "Q_raw", "c", "state_r"):
        joined = xr.concat([part[name] for part in parts], "sample")
        np.testing.assert_allclose(joined, whole[name], rtol=1e-9, atol=1e-11)
    assert joined["sample"].values.tolist() == [0, 1, 2, 3, 4]


def test_a_waiting_time_alone_gives_the_same_replicas(whole):
    """What a replica does depends on its own t_w only, not on the others of the run."""
    alone = run(replace(SMALL, waiting_time=40))
    for name in ("E", "q", "C"):
        a, b = alone[name].sel(t_w=40), whole[name].sel(t_w=40)
        common = np.intersect1d(a.t, b.t)
        np.testing.assert_allclose(a.sel(t=common), b.sel(t=common), rtol=1e-9, atol=1e-11)


def test_replicas_of_different_waiting_times_have_their_own_noise():
    members = [
        Member(0),
        Member(0, 0, 0),
        Member(0, 0, 10),
        Member(0, 0, 40),
        Member(0, 1, 10),
        Member(1, 0, 10),
    ]
    kicks = noise.normal(noise.keys(3, members), 50, 64).numpy()
    assert np.unique(kicks).size > 6 * 64 - 3
    before = run(replace(SMALL, temperature=0.5, samples=1)).E.isel(sample=0, replica=0)
    assert (before.sel(t_w=10, t=10) == before.sel(t_w=40, t=10)).all()  # one trunk
    assert before.sel(t_w=10, t=100) != before.sel(t_w=40, t=100)


def machines_that_fit(protocol: Protocol, have: int | None = None) -> int:
    return plan.machines_that_fit(protocol, memory.footprint(protocol, "compiled", 784, 2), have)


def test_memory_is_reckoned_from_shapes_before_anything_is_made(monkeypatch):
    paper = Protocol(data="random", width=10, patterns=2_000, samples=20, replicas=8, keep_state=False)
    particles = 9 * 10 * 2_000 + 10 * 784 + 8 * 100 + 20
    one = 4 * particles * memory.COPIES["compiled"]
    gib = 2**30
    result = plan.result_bytes(paper, particles)
    fixed = 4 * memory.MEASURING * 8 * 10 * 2_000
    monkeypatch.setitem(plan.MOST, "cpu", 10**9)
    fit = int((0.8 * gib - result - fixed) // one)
    assert machines_that_fit(paper, have=gib) == fit
    assert machines_that_fit(replace(paper, replicas_per_chunk=16), have=gib) == 16
    with pytest.raises(InvalidInput, match=r"8 replicas .* GiB"):
        machines_that_fit(paper, have=8 * one)
    monkeypatch.setattr(plan, "memory", lambda device: gib)
    monkeypatch.setattr(torch, "zeros", lambda *_: pytest.fail("something was made"))
    with pytest.raises(InvalidInput, match="frames"):
        machines_that_fit(replace(paper, frames_per_decade=4))
    with pytest.raises(InvalidInput, match="reduce samples"):
        machines_that_fit(replace(paper, samples=100, keep_state=True))


def test_what_is_recorded_is_what_was_reckoned(whole):
    reckoned = plan.result_bytes(SMALL, whole.sizes["particle"])
    assert 1.0 < reckoned / (2 * whole.nbytes) < 1.3


PEAK = """
from pathlib import Path
from simulate import Protocol, plan, run
from simulate.thermal import memory
small = Protocol(depth=4, width=4, patterns=20, steps=40, waiting_time=10, samples=2, replicas=2)
run(small)  # compiled code and libraries are not the run's
def high_water():  # of this process only: ru_maxrss remembers the one that forked it
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
before = high_water()
large = Protocol(
    depth=5, width=30, patterns=360, steps=24, waiting_time=4, samples=12, replicas=4,
    frames_per_decade=1, matrix_times=(20,),
)
run(large)
peak = high_water() - before
particles = 4 * 30 * 360 + 30 * 64 + 3 * 30 * 30 + 60
planned = memory.chunk_bytes(large, "compiled", particles, 64, 48) + plan.result_bytes(large, particles)
print(peak / planned)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_a_run_takes_no_more_memory_than_was_reckoned():
    """Peak of a whole run, result and all, beside the plan (the file is planned for, not made here)."""
    root = Path(plan.__file__).parents[1]
    result = subprocess.run(
        [sys.executable, "-c", PEAK], capture_output=True, text=True, cwd=root, check=True
    )
    assert 0.3 < float(result.stdout) < 1.3
