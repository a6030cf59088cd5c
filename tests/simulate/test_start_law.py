"""Laws of the start with amplitudes, and presets: what is drawn, what is refused, what wins."""

import numpy as np
import pytest
import torch
from scipy import stats

from deepglass.errors import InvalidInput
from simulate import Protocol
from simulate.grid import expand
from simulate.systems.start_law import StartLaw
from simulate.systems.thermal_machine import ThermalMachine
from simulate.thermal.presets import PRESETS, preset

FALSE_ALARM = 1e-4
FAN_IN = (90, 50, 50)


@pytest.fixture(scope="module")
def machine():
    rng = np.random.default_rng(0)
    signs = [rng.choice([-1, 1], size).astype(np.int8) for size in ((150, 90), (150, 40))]
    return ThermalMachine(*signs, depth=3, width=50, dtype=torch.float64)


def test_named_laws_are_those_they_stand_for(machine):
    for name, law in (("small", "normal:0.1,0.01"), ("uniform", "uniform:1,1")):
        assert torch.equal(machine.start(name, 3, range(2)), machine.start(law, 3, range(2)))


@pytest.mark.parametrize(
    ("law", "spins", "weights"),
    [
        ("normal:0.03,0.3", stats.norm(scale=0.03), [None, None, None]),
        ("uniform:0.2,0.02", stats.uniform(-0.2, 0.4), [stats.uniform(-0.02, 0.04)] * 3),
        ("fan-in:0.5,0.7", stats.uniform(-0.5, 1), [
                stats.uniform(-0.7 / n**0.5, 1.4 / n**0.5) for n in FAN_IN]),
    ],
)  # fmt: skip
def test_every_layer_has_the_law_that_was_named(machine, law, spins, weights):
    """Kolmogorov-Smirnov of each layer, Bonferroni; 10 % wrong in scale must fail."""
    r = machine.start(law, 5, range(4))
    expected = [spins] * 2 + [w or stats.norm(scale=0.3) for w in weights]
    layers = [*machine.neuron_layers(r), *machine.weight_layers(r)]
    for x, exact in zip(layers, expected, strict=True):
        flat = x.numpy().ravel()
        flat = flat[np.abs(flat) < 1]  # a Gaussian beyond the walls is put on them
        if law.startswith("normal"):
            exact = stats.truncnorm(-1 / exact.std(), 1 / exact.std(), scale=exact.std())
        assert stats.kstest(flat, exact.cdf).pvalue > FALSE_ALARM / len(layers)
        assert stats.kstest(1.1 * flat, exact.cdf).pvalue < FALSE_ALARM


def test_a_forward_start_is_the_networks_own_answer(machine):
    """All hidden energies vanish; the output's is that of the network."""
    r = machine.start("forward:0.3", 1, range(2))
    energy = machine.energy(r)
    assert energy[:, :-1].max() < 1e-12
    answers = torch.tanh(machine.feed_forward(r, machine.inputs, "tanh"))
    distance = torch.linalg.vector_norm(machine.outputs - answers, dim=(1, 2))
    torch.testing.assert_close(energy[:, -1], distance)
    assert machine.weight_layers(r)[0].std() == pytest.approx(0.3, rel=0.03)


@pytest.mark.parametrize(
    ("law", "says"),
    [
        ("normal", "must give its amplitudes, normal:S,J"),
        ("normal:0.1", "must give its amplitudes"),
        ("normal:0.1,x", "must give its amplitudes"),
        ("forward:0.1,0.2", "forward:J"),
        ("uniform:1,2", "amplitude 2 must be between 0 and 1"),
        ("uniform:nan,1", "amplitude nan"),
        ("normal:-0.1,0.1", "amplitude -0.1"),
        ("big", "must be one of small, uniform, normal:S,J"),
        ("", "must be one of"),
    ],
)
def test_what_is_no_law_is_refused(law, says):
    with pytest.raises(InvalidInput, match=says):
        StartLaw.parse(law)
    with pytest.raises(InvalidInput, match="start"):
        Protocol(start=law)


def test_presets_are_protocols_that_differ_in_start_and_velocities():
    winner, printed = (preset(name) for name in ("huang2025", "huang2025-as-printed"))
    assert (winner.start, printed.start) == ("small", "uniform")
    assert (winner.velocities, printed.velocities) == ("kept", "fresh")
    assert preset("huang2025-as-printed", start="small", velocities="kept") == winner
    assert (winner.depth, winner.width, winner.temperature, winner.dt, winner.eta) == (
        10,
        10,
        1e-5,
        0.01,
        1e-3,
    )
    with pytest.raises(InvalidInput, match="huang2025-as-printed"):
        preset("huang")
    with pytest.raises(TypeError):
        PRESETS["huang2025"]["start"] = "uniform"


def test_in_a_sweep_what_is_written_wins_over_the_preset():
    points = expand({"preset": "huang2025", "run": {"data": "digits"}, "grid": {"width": [5, 20]}})
    assert [p.protocol.width for p in points] == [5, 20]
    assert all(p.protocol.data == "digits" and p.protocol.patterns == 1715 for p in points)
    with pytest.raises(InvalidInput, match="preset"):
        expand({"preset": "huang", "run": {"data": "digits"}})


def test_on_the_command_line_what_is_written_wins_over_the_preset(command, refused, tmp_path):
    given = (
        "--preset huang2025-as-printed --data digits --patterns 30 --steps 20 --waiting-time 5 --samples 1"
    )
    result = command("simulate", "run", *given.split(), "--out", "run.nc")
    assert result.returncode == 0, result.stderr
    said = command("simulate", "inspect", "run.nc", "--format", "json").stdout
    assert '"patterns": 30' in said
    assert '"start": "uniform"' in said
    assert '"data": "digits"' in said
    # A value that is also the option's default was written all the same.
    given = (
        "--preset huang2025-as-printed --start small --data digits --patterns 30 --steps 20 --waiting-time 5"
    )
    result = command("simulate", "run", *given.split(), "--samples", "1", "--out", "small.nc")
    assert result.returncode == 0, result.stderr
    said = command("simulate", "inspect", "small.nc", "--format", "json").stdout
    assert '"start": "small"' in said
    assert '"velocities": "fresh"' in said
    assert "huang2025-as-printed" in refused("simulate", "run", "--preset", "nobody", "--out", "x.nc")
