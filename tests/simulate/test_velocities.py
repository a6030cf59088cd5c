"""Velocities of replicas at t_w: kept, a replica goes on as its sample did; fresh, it is another."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

from deepglass.errors import InvalidInput
from simulate import Protocol, resume, run
from simulate.inspection import problems
from simulate.noise import Member
from simulate.thermal.experiment import ThermalExperiment, data_of

KEPT = Protocol(
    depth=3, width=4, patterns=30, steps=60, waiting_time=(20, 40), samples=2, replicas=2, velocities="kept"
)


def test_without_noise_replicas_that_keep_their_velocities_are_the_undisturbed_machine():
    """T = 0 and no friction: every branch is the one trajectory, bit for bit; with fresh ones none is."""
    alone = run(replace(KEPT, temperature=0.0, eta=0.0, waiting_time=59, replicas=1))
    for velocities, same in (("kept", True), ("fresh", False)):
        split = run(replace(KEPT, temperature=0.0, eta=0.0, velocities=velocities))
        for t_w in (20, 40):
            for replica in (0, 1):
                branch = split["E"].sel(t_w=t_w, replica=replica, t=60)
                assert (branch.values == alone["E"].sel(t=60, t_w=59, replica=0).values).all() == same


def test_noise_alone_sets_them_apart():
    """At the first step after t_w replicas differ by their noise: v by N(0, 2 eta (2 - eta) T), r by v dt."""
    protocol = replace(KEPT, temperature=1e-3, eta=0.1, samples=1)
    experiment = ThermalExperiment(protocol, data_of(protocol), "compiled")
    members = [Member(0, k, 20) for k in range(2)]
    r, _ = experiment.start([Member(0)])
    kept = torch.full_like(r, 0.3)
    r, v = experiment.split(r, members, kept)
    assert torch.equal(r[0], r[1])
    assert torch.equal(v, torch.full_like(v, 0.3))
    experiment.advance(members)(r, v, 20, experiment.temperatures(20, 1))
    moved = (v[0] - v[1])[(r.abs() < 0.99).all(0)].double()
    expected = 2 * 0.1 * 1.9 * 1e-3
    assert moved.numel() > 300
    # Variance of n Gaussians: relative error sqrt(2/n), false alarm 6e-5.
    assert moved.square().mean().item() == pytest.approx(expected, rel=4 * (2 / moved.numel()) ** 0.5)


def test_stopped_resumed_lengthened_and_valid(tmp_path, monkeypatch):
    """Bit for bit, and the files that hold velocities at t_w are looked at."""
    whole = run(KEPT)
    target = tmp_path / "run.nc"
    with monkeypatch.context() as patched:
        patched.setattr("simulate.chunk.ChunkRun._measure", _stop_at(30))
        with pytest.raises(KeyboardInterrupt):
            run(replace(KEPT, checkpoint_every=7), out=target)
    (unfinished,) = problems(tmp_path / "run.nc.partial")
    assert unfinished.startswith("unfinished")
    velocities = next(iter((tmp_path / "run.nc.partial").glob("split-20.sample-0.velocities.npz")))
    content = velocities.read_bytes()
    velocities.write_bytes(content[:-20])
    assert any("velocities" in problem for problem in problems(tmp_path / "run.nc.partial"))
    velocities.write_bytes(content)
    xr.testing.assert_equal(resume(target).drop_attrs(), whole.drop_attrs())
    assert problems(target) == []
    longer = resume(target, more=20)
    fresh = run(replace(KEPT, steps=80))
    np.testing.assert_array_equal(longer["E"].sel(t=80), fresh["E"].sel(t=80))
    np.testing.assert_array_equal(longer["q_star"], fresh["q_star"])


def _stop_at(step):
    from simulate.chunk import ChunkRun

    real = ChunkRun._measure

    def measure(self, r, v, t):
        if t >= step and self.chunk.t_w is None:
            raise KeyboardInterrupt
        real(self, r, v, t)

    return measure


def test_old_protocols_have_fresh_ones_and_others_are_refused():
    assert Protocol().velocities == "fresh"
    with pytest.raises(InvalidInput, match="velocities = 'warm' must be one of fresh, kept"):
        Protocol(velocities="warm")
