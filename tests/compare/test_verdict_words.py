"""The judge: its words, what it refuses, the command line."""

import json
from itertools import count

import numpy as np
import pytest
import xarray as xr
from judged import ALPHA, DEPTH, GAUSSIAN, SITE, SIZES, a_run, numbers

from compare.cli import app
from compare.measured import gather
from compare.verdict import verdict
from deepglass import schema
from deepglass.cli import main
from deepglass.errors import InvalidInput
from theory import solve_profile


def test_words_of_two_predictions():
    near = SITE.assign(q=GAUSSIAN.q + 0.004, Q=GAUSSIAN.Q)
    found = verdict([GAUSSIAN, near], [a_run(9)])
    error = found.layers[0].error
    assert (
        found.layers[0].verdict == f"agrees with both (cannot tell: they differ by 0.004, error {error:.2g})"
    )
    assert found.layers[-1].verdict == "agrees with both (cannot tell: they are equal here)"
    assert found.verdict == "agrees with both (cannot tell)"
    off = verdict([GAUSSIAN, near], [a_run(9, shift=0.5)])
    assert {entry.verdict for entry in off.layers} == {"agrees with neither"}
    assert off.verdict == "agrees with neither"
    assert off.overall[0].rejected == ("q_1", "q_2", "Q_1", "Q_2", "Q_3")


def test_words_of_three_predictions_and_their_names():
    broken = GAUSSIAN.assign(q=GAUSSIAN.q**0.9, Q=GAUSSIAN.Q**0.9).assign_attrs(rsb=1)
    found = verdict([GAUSSIAN, broken, SITE], [a_run(10, noise=0.2)])
    assert numbers(found.overall, "prediction") == ["gaussian", "gaussian 1-RSB", "site"]
    assert numbers(found.layers[:3], "prediction") == ["gaussian", "gaussian 1-RSB", "site"]
    assert numbers(found.layers[:3], "closure") == ["gaussian", "gaussian", "site"]
    assert numbers(found.layers[:3], "rsb") == [0, 1, 0]
    assert found.layers[1].predicted == broken.q.values[1]
    assert "gaussian 1-RSB: overlaps within a state, the innermost level" in found.notes
    assert any(note.startswith("gaussian: replica symmetry is unstable") for note in found.notes)
    assert any("loops" in note for note in found.notes)
    site = verdict([GAUSSIAN, broken, SITE], [a_run(11, SITE, noise=0.005)])
    assert site.layers[0].verdict == "agrees with site, not with gaussian or gaussian 1-RSB"


def test_few_samples():
    two = verdict([GAUSSIAN], [a_run(12, samples=2)])
    assert {entry.verdict for entry in two.layers} == {"too few samples"}
    assert two.verdict == "too few samples"
    three = verdict([GAUSSIAN], [a_run(12, samples=3)])
    assert three.overall[0].method == "holm"
    p = [entry.p for entry in three.layers]
    assert three.overall[0].p == pytest.approx(min(1, 5 * min(p)))
    assert three.overall[0].chi2 == max(entry.chi2 for entry in three.layers)
    assert verdict([GAUSSIAN], [a_run(12, samples=5)]).overall[0].method == "holm"
    assert verdict([GAUSSIAN], [a_run(12, samples=6)]).overall[0].method == "hotelling"
    # Each size needs them: the sum of the samples of several does not count.
    sizes = [a_run(n, width=n, samples=5 if n == 40 else 6) for n in SIZES]
    assert verdict([GAUSSIAN], sizes).overall[0].method == "holm"


def test_layers_without_spread_or_of_one_fluctuation_are_not_tested_as_if_they_had_their_own():
    run = a_run(13)
    run["q"] = run.q * 0 + xr.DataArray([1.0, 0.3, 0.2, 1.0], dims="neuron_layer")
    found = verdict([GAUSSIAN], [run])
    assert found.layers[0].verdict == "no spread over samples, no test"
    assert np.isnan(found.layers[0].p)
    assert np.isnan(found.layers[0].error)
    assert found.overall[0].layers == 3
    assert found.overall[0].method == "hotelling"
    run = a_run(13)
    run["Q"] = run.Q.sel(weight_layer=1, drop=True) + 0 * run.Q
    assert verdict([GAUSSIAN], [run]).overall[0].method == "holm"
    run[["q", "Q"]] = run[["q", "Q"]] * 0 + 1
    assert verdict([GAUSSIAN], [run]).verdict == "too few samples"


def test_the_thermal_machine_may_be_judged_and_the_verdict_says_what_it_is():
    attributes = {"system": "thermal-machine", "alpha": 24.0, "temperature": 1e-5}
    run = a_run(14, **attributes)
    run.attrs = {k: v for k, v in run.attrs.items() if k not in ("scenario", "potential", "margin")}
    other = solve_profile("random", DEPTH, 9.0).to_dataset()
    found = verdict([GAUSSIAN, other], [run])
    assert numbers(found.overall, "prediction") == ["gaussian alpha 8", "gaussian alpha 9"]
    assert "different models" in found.notes[0]
    del run.attrs["system"]  # runs from before there was a choice
    assert verdict([GAUSSIAN, other], [run]).verdict == found.verdict
    with pytest.raises(InvalidInput, match="depth = 4 and run of depth = 3"):
        verdict([solve_profile("random", 4, 9.0).to_dataset()], [run])


def test_a_run_of_the_engine_is_read_as_it_is():
    from simulate import Protocol, run

    sizes = {"depth": DEPTH, "width": 4, "patterns": 20, "samples": 3, "replicas": 2}
    machine = run(Protocol(**sizes, steps=20, waiting_time=10, backend="eager"))
    found = verdict([GAUSSIAN], [machine])
    np.testing.assert_allclose(
        [entry.measured for entry in found.layers],
        [*machine.q_star.values[0, 1:-1], *machine.Q_star.values[0]],
    )
    np.testing.assert_allclose(
        [entry.error for entry in found.layers],
        [*machine.q_star_error.values[0, 1:-1], *machine.Q_star_error.values[0]],
    )


def test_the_soft_core_is_judged_at_its_temperature():
    soft = solve_profile("random", DEPTH, ALPHA, potential="soft", beta=3.0).to_dataset()
    run = a_run(15, soft, potential="soft", temperature=1 / 3)
    assert verdict([soft], [run]).verdict == "agrees with gaussian"
    with pytest.raises(InvalidInput, match=r"temperature = 0\.3333"):
        verdict([soft], [a_run(15, soft, potential="soft", temperature=0.3)])


def test_other_overlaps_can_be_judged():
    run = a_run(16)
    for name in ("q", "Q"):
        run[f"{name}_teacher"] = run[name].rename(pair="replica")
    run = run.drop_vars(["q", "Q"])
    found = verdict([GAUSSIAN], [run], variables=("q_teacher", "Q_teacher"))
    assert found.layers == verdict([GAUSSIAN], [a_run(16)]).layers


def without(name):
    return a_run(0).drop_vars(name)


def lacking(name):
    run = a_run(0)
    del run.attrs[name]
    return run


BAD = {
    "alpha = 8.0 and run of alpha = 9.0": lambda: [a_run(0, alpha=9.0)],
    "scenario = random and run of scenario = teacher-student": lambda: [a_run(0, scenario="teacher-student")],
    "temperature = 0.0 and run of temperature = 0.1": lambda: [a_run(0, temperature=0.1)],
    "potential = hard and run of potential = soft": lambda: [a_run(0, potential="soft")],
    "margin = 0.0 and run of margin = 0.1": lambda: [a_run(0, margin=0.1)],
    "depth = 3 and run of depth = 4": lambda: [a_run(0, depth=4)],
    "lacks the attribute scenario": lambda: [lacking("scenario")],
    "different systems": lambda: [a_run(0), lacking("system")],
    "runs differ in data": lambda: [a_run(0), a_run(1, data="teacher")],
    "lacks the variable Q along": lambda: [without("Q")],
    "lacks the variable q along": lambda: [a_run(0).isel(pair=0)],
    "1 replica": lambda: [a_run(0).isel(pair=[])],
    "1 sample": lambda: [a_run(0, samples=1)],
    "sample 0 of seed 0 at N = 100 comes twice": lambda: [a_run(0), a_run(0)],
    "different times": lambda: [a_run(0), a_run(1, steps=20)],
    "not measured at its last step, t = 21": lambda: [a_run(0, steps=31)],
    "overlaps q are missing": lambda: [a_run(0, steps=35)],
    "no run": lambda: [],
}


@pytest.mark.parametrize("message", BAD)
def test_runs_that_cannot_be_judged_are_refused(message):
    with pytest.raises(InvalidInput, match=message):
        verdict([GAUSSIAN], BAD[message]())


def test_runs_of_another_temperature_or_alpha_are_no_ensemble():
    machine = {"system": "thermal-machine"}
    for name, value in (("alpha", 9.0), ("temperature", 0.1), ("depth", 4)):
        with pytest.raises(InvalidInput, match=f"runs differ in {name}"):
            gather([a_run(0, **machine), a_run(1, **machine, **{name: value})])


def test_a_profile_older_than_its_potential_is_of_the_hard_core():
    older = GAUSSIAN.copy()
    older.attrs = {name: value for name, value in GAUSSIAN.attrs.items() if name != "potential"}
    assert verdict([older], [a_run(0)]).layers == verdict([GAUSSIAN], [a_run(0)]).layers


def test_profiles_and_levels_that_cannot_be_used_are_refused():
    for profiles, level, message in (
        ([], 0.01, "no profile"),
        ([GAUSSIAN, SITE, GAUSSIAN], 0.01, r"same prediction \(gaussian\)"),
        ([GAUSSIAN], 0.0, "level"),
        ([GAUSSIAN], 0.7, "level"),
    ):
        with pytest.raises(InvalidInput, match=message):
            verdict(profiles, [a_run(0)], level=level)
    with pytest.raises(InvalidInput, match="3 sizes"):
        verdict([GAUSSIAN], [a_run(0)], quadratic=True)


@pytest.fixture
def files(tmp_path):
    number = count()

    def write(dataset, kind):
        return str(schema.write(dataset, tmp_path / f"{kind}{next(number)}.nc", kind))

    return write


def test_command_prints_table_and_json(files, capsys):
    paths = [files(GAUSSIAN, "profile"), files(SITE, "profile")]
    paths += [files(a_run(n, width=n, shift=2 / n), "run") for n in SIZES[:3]]
    assert main(app, ["verdict", *paths, "--format", "json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert len(printed["layers"]) == 10
    wanted = {"layer", "kind", "measured", "error", "predicted", "chi2", "p", "closure", "verdict"}
    assert wanted <= set(printed["layers"][0])
    assert {"prediction", "chi2", "p", "method", "verdict"} <= set(printed["overall"][1])
    assert printed["at"] == "1/N -> 0"
    assert main(app, ["verdict", *paths[::-1], "--level", "0.001"]) == 0
    out = capsys.readouterr().out
    assert "agrees with gaussian, not with site" in out
    assert "level 0.001, Holm over layers" in out
    assert "p(fit)" in out
    assert main(app, ["verdict", paths[0], paths[2], "--t-w", "10"]) == 0
    assert "note: one size: compared at N = 20" in capsys.readouterr().out


def test_command_refuses_in_one_line(files, capsys):
    profile, run = files(GAUSSIAN, "profile"), files(a_run(0), "run")
    cases = [
        ([profile], "no run"),
        ([run], "no profile"),
        ([profile, run, run], "twice"),
        ([profile, "none.nc"], "profile or run file none.nc does not exist"),
        ([profile, run, "--variables", "q"], "two names"),
        ([profile, run, "--variables", "r,R"], "lacks the variable r"),
        ([profile, run, "--level", "2"], "level"),
        ([profile, files(a_run(0, alpha=9.0), "run")], "alpha"),
    ]
    for arguments, word in cases:
        assert main(app, ["verdict", *arguments]) == 2
        printed = capsys.readouterr()
        assert word in printed.err
        assert len(printed.err.strip().splitlines()) == 1
        assert printed.out == ""
