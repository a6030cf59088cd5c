"""The judge: laws of its tests for few samples, extrapolation in the size.

Statistical tests fix their seeds; their false-alarm rate is 1e-4 each unless they say otherwise.
"""

import numpy as np
import pytest
from judged import DEPTH, FALSE_ALARM, GAUSSIAN, SITE, SIZES, a_run, uniform
from scipy import stats

from compare.finite_size import limit
from compare.hotelling import holm, t_squared
from compare.measured import gather, layers
from compare.verdict import verdict
from deepglass.errors import InvalidInput


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
