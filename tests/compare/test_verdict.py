"""The judge: laws of its tests for few samples, its words, what it refuses, the command line.

Synthetic runs have Gaussian overlaps of a known mean. Statistical tests fix their seeds; their false-alarm
rate is 1e-4 each unless they say otherwise.
"""

import json
from itertools import count

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from compare.cli import app
from compare.finite_size import limit
from compare.hotelling import holm, t_squared
from compare.measured import gather, layers
from compare.verdict import verdict
from deepglass import schema
from deepglass.cli import main
from deepglass.errors import InvalidInput
from theory import solve_profile

DEPTH = 3
ALPHA = 8.0
FALSE_ALARM = 1e-4
ATTRIBUTES = {
    "code_version": "test",
    "system": "deep-perceptron", "depth": DEPTH, "width": 100, "patterns": 800, "steps": 30, "samples": 1,
    "replicas": 3, "seed": 0, "alpha": ALPHA, "temperature": 0.0, "dt": 0.0, "eta": 0.0, "data": "random",
    "classes": "", "start": "small", "c_scale": "1", "protocol": "", "run_id": "", "scenario": "random",
    "potential": "hard", "margin": 0.0,
}  # fmt: skip
GAUSSIAN, SITE = (
    solve_profile("random", DEPTH, ALPHA, closure=closure).to_dataset().assign_attrs(code_version="test")
    for closure in ("gaussian", "site")
)


def uniform(p) -> bool:
    return stats.kstest(p, "uniform").pvalue > FALSE_ALARM


def a_run(seed: int, profile=GAUSSIAN, samples=8, noise=0.02, shift=0.0, **attributes) -> xr.Dataset:
    """Overlaps of a profile plus ``shift`` and noise, the same part in all layers and pairs of a sample."""
    random = np.random.default_rng(seed)
    pairs, times, waits = 3, [1, 10, 20, 25], [5, 10]
    data = {}
    common = random.standard_normal((len(waits), len(times), samples, 1, 1))
    for name, layer in (("q", "neuron_layer"), ("Q", "weight_layer")):
        clean = profile[name].values + shift
        own = random.standard_normal((len(waits), len(times), samples, pairs, len(clean)))
        values = clean + noise * (0.5 * common + own)
        values[0, 3] = values[1, 3] = np.nan
        values[0, 3] = 7.0  # late for the first t_w, which is not the one to be judged
        data[name] = (("t_w", "t", "sample", "pair", layer), values)
        for star in (f"{name}_star", f"{name}_star_error"):
            data[star] = (("t_w", layer), np.zeros((len(waits), len(clean))))
    coordinates = {
        "t_w": waits, "t": times, "sample": np.arange(samples), "neuron_layer": np.arange(DEPTH + 1),
        "weight_layer": np.arange(1, DEPTH + 1),
    }  # fmt: skip
    return xr.Dataset(data, coordinates, {**ATTRIBUTES, "seed": seed, **attributes})


def numbers(entries, name):
    return [getattr(entry, name) for entry in entries]


def test_what_is_measured_is_the_last_time_of_the_last_t_w_without_the_boundaries():
    run = a_run(1)
    found = gather([run])
    (values,) = found.values
    late = run.sel(t_w=10, t=20).mean("pair")
    np.testing.assert_allclose(values, np.hstack([late.q.values[:, 1:-1], late.Q.values]))
    assert [str(layer) for layer in layers(DEPTH)] == ["q_1", "q_2", "Q_1", "Q_2", "Q_3"]
    assert found.times == ((10, 20),)
    assert gather([run], t_w=5).values[0][0, 0] == 7.0
    with pytest.raises(InvalidInput, match="t_w = 6"):
        gather([run], t_w=6)


def test_one_layer_is_students_t_and_all_are_hotellings():
    random = np.random.default_rng(2)
    x = random.standard_normal((7, 4)) @ random.standard_normal((4, 4))
    found = limit([10], [x])
    for i in range(4):
        known = stats.ttest_1samp(x[:, i], 0.1)
        assert found.test(i, np.full(4, 0.1)).p == pytest.approx(known.pvalue, rel=1e-9)
        assert found.test(i, np.full(4, 0.1)).chi2 == pytest.approx(known.statistic**2, rel=1e-9)
    d = x.mean(0) - 0.1
    t2 = 7 * d @ np.linalg.solve(np.cov(x.T), d)
    joint = found.test(range(4), np.full(4, 0.1))
    assert joint.chi2 == pytest.approx(t2, rel=1e-9)
    assert joint.p == pytest.approx(stats.f.sf(t2 * 3 / (4 * 6), 4, 3), rel=1e-9)
    assert joint.freedom == pytest.approx(6)


def test_parts_of_different_freedom_are_welchs():
    random = np.random.default_rng(3)
    a, b = random.standard_normal(4), 3 * random.standard_normal(9)
    known = stats.ttest_ind(a, b, equal_var=False)
    parts = [[[a.var(ddof=1) / 4]], [[b.var(ddof=1) / 9]]]
    found = t_squared([a.mean() - b.mean()], parts, [3, 8])
    assert found.p == pytest.approx(known.pvalue, rel=1e-9)
    assert found.freedom == pytest.approx(known.df, rel=1e-9)


def test_holm_of_a_known_example_and_with_missing_values():
    np.testing.assert_allclose(holm([0.01, np.nan, 0.04, 0.03, 0.005]), [0.03, np.nan, 0.06, 0.06, 0.02])
    assert np.isnan(holm([np.nan])).all()


@pytest.mark.parametrize("samples", [3, 5])
def test_p_of_a_layer_is_uniform_for_few_samples(samples):
    random = np.random.default_rng(4)
    tests = [limit([10], [random.standard_normal((samples, 1))]).test(0, [0.0]) for _ in range(400)]
    assert uniform([test.p for test in tests])
    # The law of chi^2 would raise 19 % (3 samples), 12 % (5) alarms at 5 %.
    alarms = sum(stats.chi2.sf(test.chi2, 1) < 0.05 for test in tests)
    assert alarms > stats.binom.isf(FALSE_ALARM, 400, 0.05)


def test_p_of_whole_verdicts_is_uniform():
    found = [verdict([GAUSSIAN], [a_run(seed)]) for seed in range(150)]
    assert uniform([v.overall[0].p for v in found])
    assert {v.overall[0].method for v in found} == {"hotelling"}
    assert uniform([v.layers[1].p for v in found])
    wrong = [bool(v.overall[0].rejected) for v in found]
    assert sum(wrong) <= stats.binom.isf(FALSE_ALARM, 150, 0.01)
    words = [v.verdict for v in found]  # joint test or Holm's: twice the level at most
    assert words.count("does not agree with gaussian") <= stats.binom.isf(FALSE_ALARM, 150, 0.02)


def test_the_right_closure_is_picked_and_the_wrong_rejected():
    """8 samples, errors of 0.005, closures 0.02 to 0.4 apart: the wrong one is always rejected, the right one
    in at most 2 %."""
    for right, other in ((GAUSSIAN, SITE), (SITE, GAUSSIAN)):
        name, wrong = right.attrs["closure"], other.attrs["closure"]
        found = [verdict([GAUSSIAN, SITE], [a_run(seed, right)]) for seed in range(50)]
        picked = f"agrees with {name}, not with {wrong}"
        assert all(o.p < 0.01 for v in found for o in v.overall if o.closure == wrong)
        assert sum(v.verdict != picked for v in found) <= stats.binom.isf(FALSE_ALARM, 50, 0.02)
        # q_1, next to the input, is 0.23 or 0.
        assert sum(v.layers[0].verdict != picked for v in found) <= stats.binom.isf(FALSE_ALARM, 50, 0.01)


def test_power_against_a_shift_is_that_of_the_noncentral_t():
    """One layer alone, 6 samples, off by 2 errors of the mean: rejected at 5 % as often as it should be."""
    random = np.random.default_rng(5)
    values = random.standard_normal((500, 6, 1)) + 2 / np.sqrt(6)
    rejected = sum(limit([10], [x]).test(0, [0.0]).p < 0.05 for x in values)
    edge = stats.t.isf(0.025, 5)
    power = stats.nct.sf(edge, 5, 2) + stats.nct.cdf(-edge, 5, 2)
    low, high = stats.binom.interval(1 - FALSE_ALARM, 500, power)
    assert low <= rejected <= high


SIZES = (20, 40, 80, 160)


def sized(random, samples, limits, slope, curve=0.0):
    """Samples of several sizes, correlated layers, noise that falls with size as 1/sqrt(N)."""
    mix = np.eye(len(limits)) + 0.5
    return [
        limits + slope / n + curve / n**2
        + 0.02 * np.sqrt(20 / n) * random.standard_normal((samples, len(limits))) @ mix
        for n in SIZES
    ]  # fmt: skip


@pytest.mark.parametrize("samples", [4, 10])
def test_extrapolation_recovers_the_limit_with_the_right_coverage(samples):
    random = np.random.default_rng(6)
    limits = np.array([0.5, 0.2])
    inside, one, both, curve = 0, [], [], []
    for _ in range(400):
        found = limit(SIZES, sized(random, samples, limits, 1.5))
        test = found.test(0, limits)
        inside += abs(found.value[0] - 0.5) < stats.t.isf(0.025, test.freedom) * found.error[0]
        one.append(test.p)
        both.append(found.test([0, 1], limits).p)
        curve.append(found.fit[0].p)
        assert abs(found.slope[0] - 1.5) < 7 * found.slope_error[0]
    low, high = stats.binom.interval(1 - FALSE_ALARM, 400, 0.95)
    assert low <= inside <= high
    assert uniform(one)
    assert uniform(both)
    # The law of the fit is an approximation on the safe side: no more alarms than it says.
    assert sum(p < 0.05 for p in curve) <= stats.binom.isf(FALSE_ALARM, 400, 0.05)


def test_two_sizes_are_a_line_through_both_and_three_a_parabola():
    found = limit([10, 20], [np.array([[0.4], [0.6]]), np.array([[0.5], [0.7]])])
    assert found.value[0] == pytest.approx(0.7)  # 0.5 at 1/10, 0.6 at 1/20
    assert found.slope[0] == pytest.approx(-2.0)
    assert found.error[0] == pytest.approx(np.sqrt(4 * 0.01 + 0.01))
    assert np.isnan(found.fit[0].p)
    x = np.array([[-0.01], [0.01]])
    three = limit([10, 20, 40], [x + 0.3 + 2 / n - 5 / n**2 for n in (10, 20, 40)], quadratic=True)
    assert three.value[0] == pytest.approx(0.3)
    assert three.slope[0] == pytest.approx(2.0)
    with pytest.raises(InvalidInput, match="3 sizes"):
        limit([10, 20], [x, x], quadratic=True)


def test_runs_of_several_sizes_are_judged_at_infinite_size():
    runs = [a_run(n, width=n, shift=2 / n, noise=0.01) for n in SIZES]
    found = verdict([GAUSSIAN, SITE], runs)
    assert found.at == "1/N -> 0"
    assert found.sizes == SIZES
    assert found.samples == (8,) * 4
    assert found.verdict == "agrees with gaussian, not with site"
    assert all(abs(trend.slope - 2) < 7 * trend.slope_error for trend in found.trends)
    # Each size alone is off, and says that it was not extrapolated.
    alone = verdict([GAUSSIAN], runs[:1])
    assert alone.verdict == "does not agree with gaussian"
    assert alone.at == "N = 20"
    assert not alone.trends
    assert any("not extrapolated" in note for note in alone.notes)
    two = verdict([GAUSSIAN], runs[:2])
    assert any("goes through all of them" in note for note in two.notes)


def test_a_curve_that_is_no_line_is_pointed_out_and_a_parabola_mends_it():
    runs = [a_run(n, width=n, shift=100 / n**2, noise=0.002) for n in SIZES]
    line = verdict([GAUSSIAN], runs)
    assert all("no straight line in 1/N" in entry.verdict for entry in line.layers)
    assert any("no straight line in 1/N: q_1, q_2, Q_1, Q_2, Q_3;" in note for note in line.notes)
    parabola = verdict([GAUSSIAN], runs, quadratic=True)
    assert not any("no " in entry.verdict for entry in parabola.layers)
    assert parabola.verdict == "agrees with gaussian"


def test_dilute_runs_are_extrapolated_in_the_degree():
    runs = [a_run(c, width=10 * c, degree=c, shift=1 / c) for c in (8, 16)]
    found = verdict([SITE], runs)
    assert found.at == "1/c -> 0"
    assert found.sizes == (8, 16)
    full = a_run(1, width=16, degree=16)
    assert gather([full]).symbol == "N"
    assert gather([a_run(1, degree="")]).sizes == (100,)
    with pytest.raises(InvalidInput, match="fully connected"):
        verdict([SITE], [*runs, full])
    with pytest.raises(InvalidInput, match="differ in width: 80, 90"):
        verdict([SITE], [runs[0], a_run(2, width=90, degree=8)])


def test_runs_of_one_size_are_one_sample_set():
    parts = [a_run(7, samples=4), a_run(8, samples=3)]
    found = verdict([GAUSSIAN], parts)
    assert found.samples == (7,)
    assert found.layers[0].freedom == pytest.approx(6)
    later = a_run(7, samples=4).assign_coords(sample=np.arange(4, 8))
    assert verdict([GAUSSIAN], [parts[0], later]).samples == (8,)


def test_words_of_two_predictions():
    near = SITE.assign(q=GAUSSIAN.q + 0.004, Q=GAUSSIAN.Q)
    found = verdict([GAUSSIAN, near], [a_run(9)])
    error = found.layers[0].error
    assert (
        found.layers[0].verdict == f"agrees with both (cannot tell: they differ by 0.004, error {error:.2g})"
    )
    assert found.layers[-1].verdict == "agrees with both (cannot tell: they are equal here)"
    assert found.verdict == "agrees with both"
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
