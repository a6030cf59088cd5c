"""Runs of the deep perceptron: the engine keeps its promises, and what is recorded is what it says."""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
import xarray as xr
from runs import same

from deepglass import schema
from deepglass.cli import main
from deepglass.errors import Diverged, InvalidInput
from simulate import inspection, noise, resume, run
from simulate.cli import app
from simulate.noise import Member
from simulate.perceptron.experiment import PerceptronExperiment
from simulate.perceptron.gauge import aligned
from simulate.perceptron.protocol import PerceptronProtocol
from simulate.perceptron.samples import Samples
from simulate.segments import partial_of, protocol_of
from simulate.systems.deep_perceptron import DeepPerceptron
from simulate.systems.disorder import draw, start
from simulate.validation import of_finished

SMALL = {"width": 6, "patterns": 12, "steps": 24, "samples": 3, "replicas": 2, "test_patterns": 50}

LADDER = PerceptronProtocol(
    **SMALL, depth=3, degree=4, potential="soft", temperature=0.2, ladder=(0.4, 1.0), exchange_every=3,
    waiting_time=(4, 10), checkpoint_every=7, replicas_per_chunk=4, frames_per_decade=2, matrix_times=(5,),
)  # fmt: skip

PLANTED = PerceptronProtocol(**SMALL, start="planted")


@pytest.fixture(scope="module")
def ladder() -> xr.Dataset:
    return run(LADDER)


@pytest.fixture(scope="module")
def planted() -> xr.Dataset:
    return run(PLANTED)


def test_killed_at_any_write_it_goes_on_bit_for_bit(ladder, tmp_path, killed_at_write):
    for number in range(0, 200, 13):
        out = tmp_path / f"{number}.nc"
        if not killed_at_write(number, partial(run, LADDER, out=out)):
            break
        if (partial_of(out) / "run.json").exists():
            same(resume(out), ladder)
            assert inspection.problems(out) == []
    assert number > 30


@pytest.mark.parametrize("protocol", [LADDER, PLANTED], ids=["ladder", "planted"])
def test_chunks_and_threads_change_nothing_and_samples_can_be_run_alone(protocol, ladder, planted):
    whole = ladder if protocol is LADDER else planted
    same(run(replace(protocol, replicas_per_chunk=2, checkpoint_every=0)), whole)
    alone = run(replace(protocol, first_sample=1, samples=1))
    for name in whole.data_vars:
        if "sample" in whole[name].dims:
            np.testing.assert_array_equal(alone[name], whole[name].sel(sample=[1]), err_msg=name)


def test_longer_is_one_long_run(tmp_path):
    out = tmp_path / "run.nc"
    run(LADDER, out=out)
    longer = resume(out, more=10)
    same(longer, run(replace(LADDER, steps=34, extra_times=(14, 20, 24))))
    assert inspection.problems(out) == []


def test_the_file_is_sound_and_says_what_it_is(ladder, planted, tmp_path):
    for number, whole in enumerate(
        (ladder, planted, run(replace(PLANTED, scenario="random", start="apart")))
    ):
        assert of_finished(whole) == []
        path = tmp_path / f"{number}.nc"
        schema.write(whole, path, "run")
        assert schema.read(path, "run").attrs["system"] == "deep-perceptron"
        for command in ("validate", "inspect"):
            assert main(app, [command, str(path)]) == 0
    assert ladder.attrs["alpha"] == 3.0
    assert protocol_of(path).scenario == "random"


def test_eager_and_compiled_start_alike():
    """The same trajectory up to rounding; in float64 rounding decides nothing in 5 sweeps of so few."""
    changes = {"precision": "float64", "steps": 5, "waiting_time": (0, 2), "samples": 1}
    for protocol in (replace(LADDER, **changes), replace(PLANTED, **changes)):
        compiled, eager = run(protocol), run(replace(protocol, backend="eager"))
        assert (compiled.attrs["kernels"], eager.attrs["kernels"]) == ("numba", "torch")
        for name in ("E", "q", "Q", "C", "Q_teacher", "q_test", "state_r"):
            np.testing.assert_allclose(compiled[name], eager[name], atol=1e-7, err_msg=name)


def test_what_is_recorded_follows_from_the_configurations(ladder):
    last = ladder.isel(t_w=0).sel(t=20)
    experiment = PerceptronExperiment(LADDER, Samples(LADDER), "compiled")
    one = experiment.machine
    states = torch.from_numpy(ladder.state_r.values[0]).reshape(6, 3, -1)  # machines, rungs, particles
    drawn = [experiment.samples[s // 2] for s in range(6)]
    wirings = [d.wiring for d in drawn]
    energies = torch.stack([one.energy(states[:, k], wirings).sum(1) for k in range(3)], 1)
    at_end = ladder.isel(t_w=0).sel(t=24)
    np.testing.assert_allclose(at_end.E_rung.values.reshape(6, 3), energies, rtol=1e-6)
    spins, weights = one.spins(states[:, 0]), one.weights(states[:, 0])
    q = (spins[0::2] * spins[1::2]).mean((2, 3))
    np.testing.assert_allclose(last.q.values[:, 0], q, atol=1e-6)
    teacher = torch.stack([d.weights for d in drawn])
    np.testing.assert_allclose(
        last.Q_teacher.values.reshape(6, 3), (weights * teacher).mean((2, 3)), atol=1e-6
    )
    fresh = torch.stack([experiment.samples.fresh(s // 2) for s in range(6)])
    answers = one.forward(weights, wirings, fresh)[:, -1]
    right = one.forward(teacher, wirings, fresh)[:, -1]
    np.testing.assert_allclose(
        at_end.generalization_error.values.ravel(), (answers != right).double().mean((1, 2)), atol=1e-9
    )
    np.testing.assert_allclose(at_end.generalization_error, (1 - last.q_test_teacher[..., -1]) / 2, atol=1e-9)
    frame = ladder.isel(t_w=0).sel(t_frame=10)
    past = ladder.isel(t_w=0).sel(t_frame=0)
    c = (frame.S * past.S).mean(["neuron", "pattern"])
    np.testing.assert_allclose(ladder.isel(t_w=0).sel(t=10).c, c, atol=1e-6)
    assert set(np.unique(frame.S)) == {-1.0, 1.0}
    np.testing.assert_allclose((frame.J**2).sum("input"), 4, rtol=1e-5)


def test_a_planted_start_of_the_hard_core_never_violates_a_gap(planted):
    assert (planted.violated == 0).all()
    at_once = planted.isel(t_w=0).sel(t=0)
    for name in ("q", "Q", "q_teacher", "Q_teacher", "q_test_teacher", "c", "C"):
        np.testing.assert_allclose(at_once[name], 1, atol=1e-6)
    assert (at_once.generalization_error == 0).all()
    assert float(planted.Q_teacher.isel(t_w=0).sel(t=24).max()) < 1


def test_replicas_that_begin_apart_are_strangers_with_a_past_each():
    protocol = replace(PLANTED, start="apart", potential="soft", temperature=0.5)
    at_once = run(protocol).isel(t_w=0).sel(t=0)
    np.testing.assert_allclose(at_once[["c", "C"]].to_array(), 1, atol=1e-6)
    assert (np.abs(at_once.Q) < 0.5).all()
    together = run(replace(protocol, start="random")).isel(t_w=0).sel(t=0)
    np.testing.assert_allclose(together.Q, 1, atol=1e-6)


def test_rungs_have_noise_and_starts_of_their_own():
    experiment = PerceptronExperiment(LADDER, Samples(LADDER), "compiled")
    members = [Member(0, 0, 0)]
    r = experiment.start(members)[0].view(3, -1)
    assert not torch.equal(r[0], r[1])
    same_start = r[:1].repeat(3, 1).view(1, -1).contiguous()
    hot = PerceptronExperiment(replace(LADDER, exchange_every=100), Samples(LADDER), "compiled")
    hot.advance(members)(same_start, same_start[:, :0], 0, np.full(1, 0.2))
    moved = same_start.view(3, -1)
    assert not torch.equal(moved[1], moved[2])


def test_a_round_of_exchange_moves_whole_configurations(monkeypatch):
    """Without sweeps: after round k the copies are permuted as the ladder says of their energies and keys."""
    monkeypatch.setattr("simulate.perceptron.experiment.CompiledSweeps.__call__", lambda *_: None)
    experiment = PerceptronExperiment(LADDER, Samples(LADDER), "compiled")
    members = [Member(s, a, 0) for s in range(3) for a in range(2)]
    r, v = experiment.start(members)
    begun = r.view(6, 3, -1).clone()
    # The coldest starts with the configuration of highest energy: some exchange is certain.
    energies = experiment.one_time(r, v, members)["E_rung"]
    order = np.argsort(-energies, axis=1)
    r.copy_(torch.stack([begun[b, torch.from_numpy(order[b])] for b in range(6)]).view_as(r))
    keys = noise.keys(LADDER.seed, members, noise.EXCHANGE)
    expected = r.view(6, 3, -1).clone()
    for round_ in range(2):
        now = torch.from_numpy(experiment.one_time(expected.view_as(r), v, members)["E_rung"])
        where = LADDER.rungs().swaps(now, keys, round_)
        assert (where != torch.arange(3)).any()
        expected = torch.stack([expected[b, where[b]] for b in range(6)])
    experiment.advance(members)(r, v, 0, np.full(7, 0.2))  # rounds after sweeps 3 and 6
    assert torch.equal(r.view(6, 3, -1), expected)


def test_aligned_overlaps_do_not_notice_flips_and_are_zero_between_strangers():
    """A flipped copy overlaps with itself by 1; of 64 pairs of strangers the mean is 0 to 5 sigma."""
    machine = DeepPerceptron(3, 8, 40, 4, "hard")
    disorders = [draw(machine, "teacher-student", 0.0, 0, s) for s in range(64)]
    wirings = [d.wiring for d in disorders]
    states = machine.state(
        torch.stack([d.spins for d in disorders]), torch.stack([d.weights for d in disorders])
    )
    flipped = states.clone()
    spins, weights = machine.spins(flipped), machine.weights(flipped)
    for b, wiring in enumerate(wirings):
        for layer, i in ((1, 2), (2, 2), (2, 5)):
            spins[b, layer, i] *= -1
            weights[b, layer - 1, i] *= -1
            weights[b, layer][torch.from_numpy(wiring.inputs[layer] == i)] *= -1
    torch.testing.assert_close(machine.energy(flipped, wirings), machine.energy(states, wirings))
    assert machine.energy(flipped, wirings).sum() == 0
    for overlaps in aligned(machine, states, flipped, wirings):
        torch.testing.assert_close(overlaps, torch.ones_like(overlaps))
    members = [Member(s) for s in range(64)]
    others = torch.stack([start(machine, d, "random", 1, m) for d, m in zip(disorders, members, strict=True)])
    q, weights = aligned(machine, states, others, wirings)
    for overlaps, count in ((q[:, 1:-1], 8 * 40), (weights, 8 * 4)):
        assert (overlaps.mean(0).abs() < 5 / math.sqrt(64 * count)).all()
    assert (q[:, [0, -1]] == 1).all()


def test_hidden_neurons_that_never_move_are_reported():
    """Hard core so cold that a neuron in its own gap flips once in e^50 tries."""
    values = {**SMALL, "patterns": 6, "steps": 40, "per_decade": 10, "samples": 1}
    stuck = PerceptronProtocol(**values, start="planted", temperature=0.02)
    assert "no neuron of layers 1 has flipped" in run(stuck).attrs["warnings"]
    assert run(replace(stuck, temperature=0.0)).attrs["warnings"] == ""


def test_an_impossible_state_is_named():
    experiment = PerceptronExperiment(LADDER, Samples(LADDER), "compiled")
    members = [Member(s, a, 0) for s in range(2) for a in range(2)]
    r, v = experiment.start(members)
    experiment.check(r, v, 5, members)
    for place in (0, experiment.machine.neurons):  # a neuron, a weight
        broken = r.clone()
        broken[3, experiment.machine.particles + place] = 3.5
        with pytest.raises(Diverged, match="step 5: sample 1, replica 1"):
            experiment.check(broken, v, 5, members)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda d: d.violated.values.__setitem__((0, -1, 0, 0, 0), 1.5), "violated exceeds 1"),
        (lambda d: d.E.values.__setitem__((0, -1, 0, 0), 1e6), "E is not the sum of E_layer"),
        (lambda d: d.q.values.__setitem__((0, 3, 0, 0, 0), 0.5), "q of the frozen ends is not 1"),
        (lambda d: d.state_r.values.__setitem__((0, 0, 0, 3), 0.5), "state_r: a neuron is not"),
        (lambda d: d.state_r.values.__setitem__((0, 0, 0, 3), 9), "state_r: a particle is neither"),
        (lambda d: d.Q_teacher.values.fill(np.nan), "Q_teacher is missing"),
        (lambda d: d.attrs.update(margin=0.5), "attribute margin is not that of the protocol"),
    ],
)
def test_damage_is_named(planted, change, problem):
    damaged = planted.copy(deep=True)
    change(damaged)
    found = of_finished(damaged)
    assert any(line.startswith(problem) for line in found), found


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"start": "planted", "scenario": "random"}, "needs a teacher"),
        ({"start": "apart", "waiting_time": 5}, "start = 'apart' needs waiting_time = 0, not 5"),
        ({"ladder": (0.5, 0.1)}, r"temperatures = \(0.0, 0.5, 0.1\) must be ascending"),
        ({"ladder": (0.5,), "schedule": "anneal", "initial_temperature": 1.0, "schedule_steps": 5}, "ladder"),
        ({"degree": 7}, "degree = 7 must be"),
        ({"potential": "elastic"}, "potential = 'elastic' must be one of soft, hard"),
        ({"temperature": -1.0}, "temperature = -1"),
        ({"potential": "soft"}, "temperature = 0 with the soft core: hidden neurons cannot flip"),
        ({"reach": 0.3}, "reach = 0.3 with the hard core at temperature 0"),
        ({"test_patterns": -1}, "test_patterns = -1"),
        ({"exchange_every": 0}, "exchange_every = 0"),
        ({"scenario": "parity"}, "scenario = 'parity' must be one of random, teacher-student"),
        ({"backend": "captured"}, "backend = 'captured' must be one of auto, compiled, eager"),
    ],
)
def test_parameters_that_cannot_be_are_named(change, words):
    with pytest.raises(InvalidInput, match=words):
        PerceptronProtocol(**{**SMALL, **change})


def test_from_the_command_line(tmp_path, capsys):
    out = tmp_path / "run.nc"
    given = ["run", "--out", str(out), "--system", "deep-perceptron", "--width", "6", "--patterns", "12"]
    given += ["--steps", "8", "--waiting-time", "0", "--ladder", "0.5,1", "--temperature", "0.1"]
    assert main(app, [*given, "--potential", "soft", "--samples", "2"]) == 0
    protocol = protocol_of(out)
    assert (protocol.ladder, protocol.potential, protocol.waiting_time) == ((0.5, 1.0), "soft", 0)
    assert "deep perceptron, teacher-student, soft core, T = 0.1" in capsys.readouterr().out
    assert main(app, ["run", "--system=deep-perceptron", "--dt", "0.1", "--out", str(out)]) == 2
    assert "--dt" in capsys.readouterr().err
    assert main(app, ["run", "--system", "magnets", "--out", str(out)]) == 2
    assert "system = 'magnets' must be one of thermal-machine, deep-perceptron" in capsys.readouterr().err
    assert main(app, [*given, "--ladder", "warm", "--overwrite"]) == 2
    assert "ladder = 'warm' must be numbers" in capsys.readouterr().err
    assert main(app, ["run", "--system", "deep-perceptron", "--help"]) == 0
    assert "--scenario" in capsys.readouterr().out


def test_a_condensed_teacher_is_reported():
    protocol = PerceptronProtocol(
        **{**SMALL, "width": 16, "patterns": 256, "samples": 1, "steps": 1}, depth=1, potential="soft",
        temperature=0.05,
    )  # fmt: skip
    said = run(protocol).attrs["warnings"]
    assert "teacher of sample 0: those of layer 1 are nearly parallel" in said
    assert run(replace(protocol, patterns=32)).attrs["warnings"] == ""


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("protocol", [LADDER, PLANTED], ids=["ladder", "planted"])
def test_a_cuda_run_follows_the_cpu_run(protocol):
    """In float64, five sweeps; resumed runs are the same bit for bit by the engine's own tests."""
    changes = {"precision": "float64", "steps": 5, "waiting_time": (0, 2), "samples": 1}
    on_cpu, on_gpu = (run(replace(protocol, **changes, device=device)) for device in ("cpu", "cuda"))
    assert on_gpu.attrs["backend"] == "eager"
    for name in ("E", "E_rung", "q", "Q", "C", "Q_teacher", "q_test", "state_r"):
        np.testing.assert_allclose(on_gpu[name], on_cpu[name], atol=1e-7, err_msg=name)
