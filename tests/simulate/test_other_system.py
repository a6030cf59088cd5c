"""A system that the package does not know: independent Ising spins in a field, run by the engine as it is.

A spin is drawn from its law with probability RATE at every step, so that all is known exactly: magnetisation
m = tanh(h/T), and between replicas at t steps after t_w q = m^2 + (1 - m^2) (1 - RATE)^(2t).
"""

import json
import math
import os
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np
import pytest
import torch
import xarray as xr
from runs import same

from deepglass import schema
from deepglass.cli import main
from deepglass.errors import Diverged, InvalidInput
from simulate import Protocol, inspection, noise, registry, resume, run
from simulate.cli import app
from simulate.contract import Experiment, Footprint, System, Variable
from simulate.grid import expand
from simulate.overlaps import Correlation
from simulate.protocol import BaseProtocol
from simulate.segments import MANIFEST, Folder, partial_of, protocol_of
from simulate.sweep import run_sweep, survey
from simulate.validation import of_finished

RATE = 0.25


@dataclass(frozen=True)
class SpinProtocol(BaseProtocol):
    system: ClassVar[str] = "spins"

    field: float = 0.5
    temperature: float = 1.0


class SpinExperiment(Experiment):
    """Spins (L, N, M) in a flat row."""

    def __init__(self, protocol: SpinProtocol, backend: str):
        self.protocol, self.backend, self.device = protocol, backend, torch.device("cpu")

    @property
    def particles(self):
        return self.protocol.depth * self.protocol.width * self.protocol.patterns

    def start(self, members):
        keys = noise.keys(self.protocol.seed, members, noise.START)
        r = torch.sign(noise.normal(keys, 0, self.particles))
        return r, r.new_empty(len(r), 0)

    def advance(self, members):
        keys = torch.from_numpy(noise.keys(self.protocol.seed, members).astype(np.int64))
        blocks = torch.arange(self.particles)[None]

        def heat_bath(r, v, first, temperatures):
            for step, temperature in enumerate(temperatures, start=first):
                whether, which = (w.double() / 2**32 for w in noise.philox(blocks, step, keys)[:2])
                up = which < 1 / (1 + math.exp(-2 * self.protocol.field / temperature))
                r.copy_(torch.where(whether < RATE, torch.where(up, 1.0, -1.0).to(r.dtype), r))

        return heat_bath

    def temperatures(self, first, count):
        return np.full(count, self.protocol.temperature)

    def check(self, r, v, t, members):
        wrong = torch.nonzero((r.abs() != 1).any(1))
        if len(wrong):
            raise Diverged(
                f"step {t}: a spin of sample {members[int(wrong[0])].sample} is neither up nor down"
            )

    def one_time(self, r, v, members):
        return {"m": torch.stack([x.double().mean(1) for x in self._layers(r)], 1).numpy()}

    def two_time(self, r, past, members):
        layers, replicas = self._layers(r), self.protocol.replicas
        return {"q": Correlation.between_replicas(layers, replicas).raw.numpy()}

    def unpack(self, rows):
        p = self.protocol
        return {"S": rows.reshape(*rows.shape[:-1], p.depth, p.width, p.patterns)}

    def layers(self, rows):
        return {"q_matrix_raw": [x.numpy() for x in self._layers(torch.from_numpy(rows))]}

    def attributes(self):
        return {"field_lines": "parallel"}

    def warnings(self, measured):
        return ["upside down"] if np.nanmean(measured["m"][:, -1]) < 0 else []

    def _layers(self, r):
        return list(r.view(len(r), self.protocol.depth, -1).unbind(1))


class SpinSystem(System[SpinProtocol, None]):
    protocol = SpinProtocol
    one_time = {"m": Variable(("replica", "weight_layer"), "magnetisation")}  # noqa: RUF012
    two_time = {"q": Variable(("pair", "weight_layer"), "overlap")}  # noqa: RUF012
    late = ("q",)
    frames = {"S": ("weight_layer", "neuron", "pattern")}  # noqa: RUF012
    matrices = {"q_matrix_raw": "weight_layer"}  # noqa: RUF012
    step = "sweeps"
    outside = "lying down"
    presets = {"cold": {"temperature": 0.1}}  # noqa: RUF012

    def load(self, protocol):
        return None

    def footprint(self, protocol, backend, data=None):
        particles = self.particles(protocol, {})
        return Footprint(particles, 64 * particles * protocol.replicas, 64 * particles)

    def experiment(self, protocol, data, backend):
        return SpinExperiment(protocol, backend)

    def particles(self, protocol, attributes):
        return protocol.depth * protocol.width * protocol.patterns

    def allowed(self, protocol, positions):
        return bool((np.abs(positions) == 1).all())

    def frame_shapes(self, protocol, attributes):
        return {"S": (protocol.depth, protocol.width, protocol.patterns)}

    def broken(self, run, protocol):
        state = run["state_r"].values.reshape(*run["m"].shape[:1], *run["m"].shape[2:], -1)
        same = np.allclose(state.mean(-1), run["m"].values[:, -1])
        return [] if same else ["m at the last step is not that of state_r"]

    def heading(self, parameters):
        return f"{parameters['patterns']} spins in a field {parameters['field']:g}"

    def numbers(self, run):
        return {"m": run["m"].isel(t=-1).mean().item(), "q_star": run["q_star"].values}

    def told(self, numbers):
        return [f"m = {numbers['m']:.3f}"]


PROTOCOL = SpinProtocol(
    depth=2, width=3, patterns=200, steps=40, waiting_time=(10, 20), samples=3, replicas=2,
    replicas_per_chunk=4, checkpoint_every=15, frames_per_decade=1, matrix_times=(5, 30),
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def known():
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(registry.SYSTEMS, "spins", SpinSystem())
        yield


@pytest.fixture(scope="module")
def whole(known) -> xr.Dataset:
    return run(PROTOCOL)


def test_it_obeys_its_exact_law():
    """Averages of 5 x 4 x 3600 spins, or 5 x 6 pairs of such, at 5 sigma: false alarm below 1e-5."""
    many = replace(PROTOCOL, width=12, patterns=150, waiting_time=20, samples=5, replicas=4)
    measured = run(many).isel(t_w=0)
    m, spins = math.tanh(0.5), 5 * 3600
    late = measured.m.sel(t=40).mean(["sample", "replica", "weight_layer"])
    assert abs(late.item() - m) < 5 * math.sqrt((1 - m**2) / spins)
    for t in (1, 2, 5, 20):
        q = measured.q.sel(t=t).mean(["sample", "pair", "weight_layer"]).item()
        assert abs(q - m**2 - (1 - m**2) * (1 - RATE) ** (2 * t)) < 5 / math.sqrt(spins)


def test_its_file_says_what_it_is_and_is_sound(whole, tmp_path, capsys):
    out = tmp_path / "run.nc"
    same(run(PROTOCOL, out=out), whole)
    stored = schema.read(out, "run")
    same(stored, whole)
    assert protocol_of(out) == PROTOCOL
    assert stored.attrs["system"] == "spins"
    assert stored.attrs["field_lines"] == "parallel"
    assert stored.t.attrs["units"] == "sweeps"
    assert {"m", "q", "q_star", "q_star_error", "S", "q_matrix_raw", "state_r"} <= set(stored)
    assert "state_v" not in stored
    np.testing.assert_array_equal(
        whole.q_star, whole.q.sel(t=xr.DataArray([30, 20], dims="t_w")).mean(["pair", "sample"])
    )
    np.testing.assert_allclose(whole.q_matrix_raw[0, 1, :, 0, 1], whole.q.sel(t_w=10, t=30)[0, 0])
    assert main(app, ["validate", str(out)]) == 0
    assert main(app, ["inspect", str(out)]) == 0
    assert main(app, ["resume", str(out)]) == 0
    said = capsys.readouterr().out
    assert said.count("200 spins in a field 0.5") == 2
    assert "m = 0.4" in said
    assert "q* (t_w 20)" in said


def test_what_its_invariants_forbid_is_named(whole):
    for change, problem in (
        (lambda d: d.m.values.__setitem__((0, -1, 0, 0, 0), 0.9), "m at the last step"),
        (lambda d: d.m.values.__setitem__((0, 3), np.nan), "m is missing at some time of t_w = 10"),
        (lambda d: d.state_r.values.__setitem__((0, 0, 0, 3), 0.5), "state_r: a particle is lying"),
        (lambda d: d.S.values.__setitem__((0, 0, 0, 0, 0, 0, 0), 0), "S: a particle is lying"),
        (lambda d: d.q_star.values.fill(0.5), "q_star is not that of q"),
    ):  # fmt: skip
        damaged = whole.copy(deep=True)
        change(damaged)
        found = of_finished(damaged)
        assert any(line.startswith(problem) for line in found), (problem, found)
    assert of_finished(whole) == []


def test_killed_at_any_write_it_goes_on_bit_for_bit(whole, tmp_path, killed_at_write):
    for number in range(0, 200, 3):
        out = tmp_path / f"{number}.nc"
        if not killed_at_write(number, partial(run, PROTOCOL, out=out)):
            break
        if (partial_of(out) / MANIFEST).exists():
            assert Folder.open(partial_of(out)).manifest["system"] == "spins"
            (line,) = inspection.problems(out)
            assert line.startswith("unfinished")
            assert "200 spins" in inspection.describe(out)
            same(resume(out), whole)
            assert inspection.problems(out) == []
    assert number > 20


def test_longer_is_one_long_run(tmp_path):
    out = tmp_path / "run.nc"
    run(PROTOCOL, out=out)
    longer = resume(out, more=20)
    same(longer, run(replace(PROTOCOL, steps=60, extra_times=(20, 30, 40))))
    assert inspection.problems(out) == []


def test_it_can_be_swept_and_is_not_taken_for_another(tmp_path):
    table = {
        "system": "spins", "preset": "cold", "grid": {"field": [0.1, 0.2]},
        "run": {"depth": 1, "patterns": 20, "steps": 8, "waiting_time": 4, "samples": 1, "replicas": 2},
    }  # fmt: skip
    points = expand(table)
    assert [p.name for p in points] == ["field=0.1", "field=0.2"]
    assert points[0].protocol.temperature == 0.1
    assert [str(r.state) for r in run_sweep(points, tmp_path)] == ["done", "done"]
    with pytest.raises(InvalidInput, match="'dt' is unknown"):
        expand({**table, "run": {"dt": 0.1}})
    thermal = expand({"run": {"steps": 8, "waiting_time": 4}})
    os.rename(tmp_path / "field=0.1.nc", tmp_path / "run.nc")
    with pytest.raises(InvalidInput, match="system = 'spins' there, 'thermal-machine' in point 0"):
        survey(thermal, tmp_path)


def test_a_system_nobody_knows_is_refused(whole, tmp_path):
    path = tmp_path / "run.nc"
    schema.write(whole.assign_attrs(system="magnets"), path, "run")
    for read in (protocol_of, inspection.contents):
        with pytest.raises(InvalidInput, match=r"system = 'magnets' must be one of thermal-machine, .*spins"):
            read(path)
    assert "magnets" in inspection.problems(path)[0]
    assert Protocol.system == "thermal-machine"


def test_files_and_folders_that_name_no_system_are_of_the_thermal_machine(tmp_path, monkeypatch):
    protocol, out = Protocol(depth=2, width=3, patterns=8, steps=8, waiting_time=4), tmp_path / "run.nc"
    with monkeypatch.context() as patched:
        patched.setattr(schema, "write", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(protocol, out=out)
    manifest = json.loads((partial_of(out) / MANIFEST).read_text())
    assert manifest.pop("system") == "thermal-machine"
    (partial_of(out) / MANIFEST).write_text(json.dumps(manifest))
    assert protocol_of(out) == protocol
    measured = resume(out)
    del measured.attrs["system"]
    schema.write(measured, out, "run", overwrite=True)
    assert protocol_of(out) == protocol
    assert inspection.problems(out) == []
