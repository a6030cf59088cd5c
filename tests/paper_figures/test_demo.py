"""The main job end to end, small: the chain that `make demo` runs."""

import json
from dataclasses import replace

import pytest
import xarray as xr

from deepglass import schema
from deepglass.errors import InvalidInput
from paper_figures import demo
from theory import solve_profile


def test_demo_writes_run_profile_table_and_overlay(tmp_path):
    protocol = replace(demo.PROTOCOL, depth=4, width=5, patterns=150, steps=120, waiting_time=40, samples=2)
    protocol = replace(protocol, matrix_times=(80,))
    text = demo.make(tmp_path / "demo", protocol)
    assert {p.name for p in (tmp_path / "demo").iterdir()} == set(demo.FILES.values())
    stored = schema.read(tmp_path / "demo" / "run.nc", "run")
    profile = schema.read(tmp_path / "demo" / "profile.nc", "profile")
    assert stored.attrs["alpha"] == profile.attrs["alpha"] == 30
    xr.testing.assert_equal(profile, solve_profile("random", 4, 30.0).to_dataset())
    control = schema.read(tmp_path / "demo" / "control.nc", "run")
    assert json.loads(control.attrs["protocol"]) == json.loads(stored.attrs["protocol"]) | {
        "labels": "shuffled"
    }
    assert "measured_phase" in text
    assert "Control, the same images with their labels shuffled" in text
    assert (tmp_path / "demo" / "overlay.png").stat().st_size > 10_000
    report = (tmp_path / "demo" / "report.html").read_text()
    assert (
        report.count("<img ") == 3 + 3 + 4
    )  # overlay, E(t), A(t), a tree for each layer of neurons and of weights
    with pytest.raises(InvalidInput, match="exists"):
        demo.make(tmp_path / "demo", protocol)


@pytest.mark.parametrize(("depth", "steps", "named"), [(1, 5000, "depth = 1"), (3, 1000, "steps = 1000")])
def test_a_demo_without_layers_or_replicas_is_refused(depth, steps, named):
    with pytest.raises(InvalidInput, match=named):
        demo.protocol_of(8, depth, steps)
    assert demo.protocol_of(6, 4, 3000).matrix_times == (2000,)


def test_the_demo_theory_is_solid_liquid_solid():
    q = solve_profile(demo.SCENARIO, demo.PROTOCOL.depth, demo.PROTOCOL.alpha).q
    solid = q > 2.718281828459045**-1
    assert solid[[0, 1, -2, -1]].all()
    assert not solid[2:-2].any()
