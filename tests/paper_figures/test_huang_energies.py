"""Figs. 2, S1, S2: their measures on curves whose answer is known, and their panels on made-up results."""

import math
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from scipy import stats

from paper_figures.huang2025 import (
    figure_2,
    figure_s1,
    figure_s2,
    global_correlations,
    late_values,
    load,
    measures,
    notes,
    relaxation,
    time_panels,
)
from paper_figures.huang2025.claims import Claim, Estimate, estimate
from paper_figures.huang2025.panel import Panel
from paper_figures.huang2025.reference import FIXED_M, FIXED_N, Curve, curves
from paper_figures.huang2025.studies import studies_at

T = np.unique(np.round(10 ** np.arange(0, 5.01, 1 / 16)).astype(int))


def values(function, samples=(1.0,), t=T):
    """A function of t, times a factor for every sample."""
    data = np.array([[function(x) * factor for factor in samples] for x in t], dtype=float)
    return xr.DataArray(
        data, dims=("t", "sample"), coords={"t": np.asarray(t), "sample": np.arange(len(samples))}
    )


def curve(x, y):
    x = np.array(x, dtype=float)
    return Curve(x, np.array(y, dtype=float), np.full(len(x), np.nan))


def test_tau_0_and_tau_th_of_a_logarithmic_decay_to_a_plateau():
    energy = values(lambda t: max(1 - 0.1 * math.log(t), 0.05), samples=(1, 3))
    one, other = energy.isel(sample=0), energy.isel(sample=1)
    assert np.log(relaxation.onset(one)) == pytest.approx(2)
    # Twice the plateau, 0.1, is reached at ln t = 9, whatever the units of the energy.
    for found in (one, other, energy.mean("sample")):
        assert np.log(relaxation.settled(found, 1e5)) == pytest.approx(9)
    # A run that ends before the plateau has a higher late value, and is not settled where it starts.
    assert relaxation.settled(one, 5e3) < np.exp(8.6)
    assert np.isnan(relaxation.settled(one * 0 + 1, 1e5))
    assert np.isnan(relaxation.onset(one * 0 + 1))


def test_a_sample_that_never_falls_counts_in_the_time_of_the_mean():
    """exp(-t/1e3) in three of four: the mean is 0.8 at 1e3 ln(15/11), where three alone are at 0.733."""
    t = np.linspace(1, 1_000, 2_000)
    falling = xr.DataArray(np.exp(-t / 1e3), {"t": t}, "t")
    ratio = xr.concat([falling, falling, falling, falling * 0 + 1], "sample")
    found = figure_2._moment("tau_0", ratio, 1e3)
    assert found.value == pytest.approx(math.log10(1e3 * math.log(15 / 11)), abs=1e-4)
    assert found.samples == 4
    # Without the fourth ln(5/4), without one of the others ln(10/7).
    left_out = np.log10(1e3 * np.log([5 / 4, 10 / 7, 10 / 7, 10 / 7]))
    assert found.error == pytest.approx(math.sqrt(3) * left_out.std(), rel=1e-3)


def test_the_papers_curve_is_measured_like_ours():
    function = lambda t: max(1 - 0.1 * math.log(t), 0.05)  # noqa: E731
    theirs = relaxation.as_values(curve(T, [function(t) for t in T]))
    ours, theirs = values(function).isel(sample=0), theirs.isel(sample=0)
    assert relaxation.onset(theirs) == pytest.approx(relaxation.onset(ours))
    assert relaxation.settled(theirs, 1e5) == pytest.approx(relaxation.settled(ours, 1e5))


def test_late_is_the_last_factor_of_two_and_no_later():
    energy = values(lambda t: float(t), t=[1, 49, 50, 80, 100, 101, 500])
    assert relaxation.late(energy, 100).values == pytest.approx([(50 + 80 + 100) / 3])
    assert relaxation.end(energy, None, values(lambda t: t)) == 500
    assert np.isnan(relaxation.late(energy, 40)).all()


def test_a_line_in_ln_t_is_straight_and_a_power_law_is_not():
    r_squared, curvature = relaxation.line(values(lambda t: 3 - 0.2 * math.log(t)).isel(sample=0))
    assert r_squared == pytest.approx(1)
    assert curvature == pytest.approx(0, abs=1e-9)

    def bent(t, k):
        x = 2 * (math.log10(t) - 3.5)
        return 5 - 0.7 * (x + k * (x**2 - 1 / 3))

    t = np.geomspace(1e3, 1e4, 400)
    for k in (1 / 6, -0.4):
        found = relaxation.line(values(lambda t, k=k: bent(t, k), t=t).isel(sample=0))
        assert found[1] == pytest.approx(k, abs=1e-4)
        assert found[0] == pytest.approx(1 / (1 + k**2 * (4 / 45) * 3), abs=0.02)
    # y = 1/t falls tenfold over the span: steep first, flat last.
    assert relaxation.curvature(values(lambda t: 1 / t).isel(sample=0)) < -0.4
    assert np.isnan(relaxation.line(values(lambda t: t, t=T[T < 5000]).isel(sample=0))).all()


def test_jackknife_is_the_standard_error_of_a_mean_and_follows_it_through_functions():
    samples = np.random.default_rng(3).normal(2, 0.1, 12)
    made = values(lambda t: 1.0, samples, t=[1, 2])
    plain = relaxation.jackknife(made, lambda average: float(average[0]))
    wanted = estimate(list(samples))
    assert plain.value == pytest.approx(wanted.value)
    assert plain.error == pytest.approx(wanted.error)
    assert plain.samples == 12
    squared = relaxation.jackknife(made, lambda average: float(average[0]) ** 2)
    assert squared.error == pytest.approx(2 * wanted.value * wanted.error, rel=0.01)
    assert math.isnan(relaxation.jackknife(made.isel(sample=[0]), lambda average: 1.0).error)


def test_the_bootstrap_spreads_as_students_t_and_keeps_samples_together():
    """On the edge a mean has even chance, farther off that of Student's t; three alike move as one."""
    rng = np.random.default_rng(0)
    rows = np.repeat(rng.normal(size=(4, 1)), 3, axis=1)
    rows -= rows.mean(axis=0)
    count = lambda means: (means < 0.0).sum(axis=-1).astype(float)  # noqa: E731
    found = relaxation.bootstrap(rows + 1e-9, count)
    assert found.value == 0
    assert found.error == pytest.approx(1.5, abs=0.03)  # all three or none
    error = rows[:, 0].std(ddof=1) / 2
    chance = stats.t.sf(1.5, 3)
    far = relaxation.bootstrap(rows + 1.5 * error, count)
    assert far.error == pytest.approx(3 * math.sqrt(chance * (1 - chance)), rel=0.1)
    assert math.isnan(relaxation.bootstrap(rows[:1], count).error)


def test_the_place_of_a_maximum_is_certain_only_if_it_stands_out():
    peak = {0.0: np.array([1.0, 1.1]), 1.0: np.array([3.0, 3.1]), 2.0: np.array([2.0, 2.1])}
    assert relaxation.maximum(peak) == Estimate(1.0, 0.0, 2)
    twins = {0.0: np.array([1.0, 3.0, 1.0, 3.0]), 1.0: np.array([3.0, 1.0, 3.0, 1.01])}
    found = relaxation.maximum(twins)
    assert found.value == 1.0
    assert found.error == pytest.approx(0.5, abs=0.05)  # of a coin between 0 and 1
    assert relaxation.maximum(twins) == found
    assert math.isnan(relaxation.maximum({0.0: np.array([1.0]), 1.0: np.array([2.0, 3.0])}).error)


@pytest.mark.parametrize("count", [3, 5])
def test_a_combination_of_two_is_welchs(count):
    """1,000 sums 2a - b: the spread is the error that is given, on average of its square."""
    rng = np.random.default_rng(count)
    found = [
        relaxation.combined((estimate(rng.normal(1, 1, count)), estimate(rng.normal(0, 3, 5))), (2, -1))
        for _ in range(1_000)
    ]
    variance = 4 / count + 9 / 5
    assert np.mean([e.error**2 for e in found]) == pytest.approx(variance, rel=0.1)
    assert np.var([e.value for e in found]) == pytest.approx(variance, rel=0.15)
    assert all(min(count, 5) <= e.samples <= count + 4 for e in found)


@pytest.mark.parametrize(
    ("t", "text"),
    [
        (200, "200"), (1_000, "10^3"), (1_500, r"1.5 \times 10^3"), (12_000, r"1.2 \times 10^4"),
        (100_000.0, "10^5"), (550_000, r"5.5 \times 10^5"), (1_715, r"1.715 \times 10^3"),
    ],
)  # fmt: skip
def test_times_are_written_with_all_their_digits(t, text):
    assert notes.power(t) == text


def test_samples_that_learnt_nothing_are_counted():
    late = xr.DataArray([0.5, 0.59, 0.61, 0.9], dims="sample")
    assert late_values.at_chance(late) == "2 of 4 samples at chance"
    assert late_values.at_chance(late[2:]) == late_values.at_chance(None) == ""


def test_a_time_beyond_the_run_is_not_read():
    ours = values(lambda t: math.log(t), samples=(1, 1.1), t=T[T <= 1000])
    assert measures.reading(ours, 100).value == pytest.approx(1.05 * math.log(100))
    assert measures.reading(ours, 1001) is None
    assert measures.reading(None, 10) is None
    # A chord where the paper has points: ln t of 1/t, between 10 and 1000 at 100.
    bent = values(lambda t: 1 / t, samples=(1, 1.1), t=T[T <= 1000])
    points = np.array([10.0, 1000.0])
    assert measures.reading(bent, 100, points).value == pytest.approx(1.05 * (0.1 + 0.001) / 2)
    assert measures.reading(bent, 100, points).value == pytest.approx(
        1.05 * curve(points, 1 / points).at(100)
    )
    assert measures.reading(bent, 10, points).value == pytest.approx(1.05 / 10)
    for alone in (None, points * 10, np.array([10.0, 2000.0])):
        assert measures.reading(bent, 100, alone).value == pytest.approx(1.05 / 100)


def test_scatter_is_that_about_a_line_and_resolution_that_of_the_points():
    x = np.geomspace(1, 1e4, 41)
    assert relaxation.scatter(curve(x, 2 - 0.3 * np.log(x)), 300) == pytest.approx(0, abs=1e-12)
    generator = np.random.default_rng(0)
    squares = [relaxation.scatter(curve(x, generator.normal(0, 0.02, 41)), 300) ** 2 for _ in range(2000)]
    assert np.mean(squares) == pytest.approx(0.02**2, rel=0.08)
    assert relaxation.resolution(curve(x, x), 120) == pytest.approx(0.05)
    assert relaxation.resolution(curve([1, 10, 1000], [3, 2, 1]), 100) == pytest.approx(1)
    assert relaxation.resolution(curve([1, 10, 1000], [3, 2, 1]), 1000) == pytest.approx(1)


def test_differences_errors_and_names():
    found = relaxation.unlike(Estimate(3.0, 0.3, 6), Estimate(1.0, 0.4, 4))
    # Welch: 0.5^4/(0.3^4/5 + 0.4^4/3) = 6.2 degrees of freedom.
    assert found == Estimate(2.0, pytest.approx(0.5), 7)
    ratio = relaxation.quotient(Estimate(3.0, 0.03, 6), Estimate(1.5, 0.02, 4))
    assert ratio == Estimate(pytest.approx(2.0), pytest.approx(2 * math.hypot(0.01, 1 / 75)), 7)
    missing = relaxation.unlike(Estimate(math.nan, math.nan, 3), Estimate(1.0, 0.1, 4))
    assert math.isnan(missing.value)
    assert math.isnan(missing.error)
    barred = replace(curve([10, 1000], [0, 1]), error=np.array([0.1, 0.3]))
    assert relaxation.error_at(barred, 100) == pytest.approx(0.2)
    assert math.isnan(relaxation.error_at(curve([10, 1000], [0, 1]), 100))
    assert time_panels.waiting("tw=2e3") == 2000
    made = xr.Dataset(attrs={"patterns": 1715})
    assert notes.note(made, "", "t = 5") == "M = 1715 for 2000; t = 5"
    assert notes.note(made, patterns=1715) == notes.note(None) == ""


# Results made of the paper's own curves, the same in every sample but for a factor.

SPREAD = np.array([0.99, 1.0, 1.01])


@dataclass
class Made:
    """Results that are made up; none but these is there."""

    found: dict[tuple[str, str], xr.Dataset] = field(default_factory=dict)
    size: str = "laptop"

    def get(self, study, label):
        return self.found.get((study, label))


def _run(energy, accuracy, patterns, width, until=1e5, factor=1.0):
    """A result whose E(t)/E(0) and A(t) are given curves, at their points up to ``until``."""
    t = np.concatenate([[0, 1], energy.x[energy.x <= until]])
    e = np.concatenate([[1, 1], energy.y[energy.x <= until] * factor])
    a = np.interp(np.log(np.maximum(t, 1)), np.log(accuracy.x), accuracy.y)
    return xr.Dataset(
        {
            "E": (("t", "sample"), 50 * e[:, None] * np.where(t < 2, 1, SPREAD[:, None]).T),
            "A_tanh": (("t", "sample"), a[:, None] * SPREAD),
            "A_sgn": (("t", "sample"), 0.5 + 0 * a[:, None] * SPREAD),
        },
        coords={"t": t, "sample": [0, 1, 2]},
        attrs={"patterns": patterns, "width": width, "alpha": patterns / width, "steps": int(t[-1])},
    )


def _made(until=1e5, factor=1.0):
    found = {}
    for label, series in FIXED_M.items():
        found["widths", label] = _run(
            curves("2c")[series], curves("2d")[series], 1715, int(label[2:]), until, factor
        )
    for label, series in FIXED_N.items():
        made = _run(curves("2a")[series], curves("2b")[series], int(label[2:]), 10, until, factor)
        made["E"].loc[{"t": 12}] = 50.0  # E(0) of these
        found["patterns", label] = made
    for label, series in figure_s1.SERIES.items():
        found["temperatures", label] = _run(
            curves("S1a")[series], curves("S1b")[series], 1715, 20, until, factor
        )
    return Made(found)


WAITS = (100, 1000, 2000, 5000, 10_000)


def _waits(steps=60_000, shift=0.0):
    points = [0, steps, *(steps - t_w for t_w in WAITS)]
    for panel in ("2g", "S2a", "S2b", "S2c"):
        points += [x for of in curves(panel).values() for x in of.x if x < steps]
    t = np.unique(points)
    made = {}
    for variable, panel in (("c", "2g"), ("C", "S2a"), ("q", "S2b"), ("Q", "S2c")):
        given = {time_panels.waiting(name): found for name, found in curves(panel).items()}
        data = np.full((len(WAITS), len(t), 3), np.nan)
        for k, t_w in enumerate(WAITS):
            of = given.get(t_w, given[1000])
            known = np.interp(np.log(np.maximum(t, 1)), np.log(of.x), of.y)
            data[k] = known[:, None] + shift + np.array([-0.002, 0, 0.002])
            data[k, t > steps - t_w] = np.nan
        made[f"{variable}_global"] = (("t_w", "t", "sample"), data)
    coords = {"t_w": list(WAITS), "t": t, "sample": [0, 1, 2]}
    attrs = {"patterns": 1715, "width": 10, "alpha": 171.5, "steps": steps}
    return xr.Dataset(made, coords=coords, attrs=attrs)


@cache
def _of_itself(letter) -> dict[str, Claim]:
    """The claims of a panel of Fig. 2 when ours is the paper's."""
    return _claims(figure_2.FIGURE, letter, _made())


def _claims(figure, letter, results) -> dict[str, Claim]:
    panel = Panel(f"{figure.name}{letter}", Figure().subplots(), results)
    figure.panels[letter](panel)
    assert panel.rows
    named = {claim.name: claim for claim in panel.claims}
    assert len(named) == len(panel.claims)
    return named


ALL = [
    (figure.FIGURE, letter) for figure in (figure_2, figure_s1, figure_s2) for letter in figure.FIGURE.panels
]


@pytest.mark.parametrize(("figure", "letter"), ALL, ids=[f"{figure.name}{letter}" for figure, letter in ALL])
def test_without_results_every_panel_draws_the_paper_and_claims_nothing(figure, letter):
    claims = _claims(figure, letter, Made())
    assert {claim.verdict for claim in claims.values()} == {"not run at this size"}
    assert any(claim.paper is not None for claim in claims.values())
    assert load(figure.name) is figure


@pytest.mark.parametrize("letter", list("abcdef"))
def test_the_papers_own_curves_agree_with_it(letter):
    claims = _of_itself(letter)
    drawn = [c for c in claims.values() if c.source == "digitised" and c.ours is not None]
    assert len(drawn) >= 9
    # The shape of a curve is the same in all samples here: it has no error beyond that of rounding.
    assert [c.key for c in drawn if c.verdict != "agrees" and "in ln t" not in c.name] == []
    assert all(c.ours.value == pytest.approx(c.paper, rel=0.03, abs=0.01) for c in drawn)


# The paper's late values are themselves uncertain by 6 %.
@pytest.mark.parametrize(("letter", "kind", "factor"), [("c", "E(", 1.3), ("e", "E*", 2.0)])
def test_other_energies_differ(letter, kind, factor):
    claims = _claims(figure_2.FIGURE, letter, _made(factor=factor))
    at_last = [
        c for c in claims.values() if c.name.startswith(kind) and c.paper is not None and c.paper < 0.5
    ]
    assert len(at_last) >= 9
    assert {c.verdict for c in at_last} == {"differs"}


def test_a_short_run_claims_nothing_beyond_its_end():
    claims = _claims(figure_2.FIGURE, "c", _made(until=3e3))
    assert claims["E(2000)/E(0), N=10"].verdict == "agrees"
    assert claims["E(10000)/E(0), N=10"].verdict == "not run at this size"
    assert claims["curvature of E in ln t, N=10"].verdict == "not run at this size"
    # What is late is then earlier on both sides.
    late = _claims(figure_2.FIGURE, "e", _made(until=3e3))["E*, N=10"]
    assert late.verdict == "agrees"
    assert late.paper > 0.2
    assert late.note == "M = 1715 for 2000; t = 1300..2500"


def test_the_text_is_held_against_one_ensemble_a_panel():
    for letter, label in (("a", "M=250"), ("c", "N=10")):
        claims = _of_itself(letter)
        text = {name: claim for name, claim in claims.items() if claim.source == "text"}
        wanted = {f"log10 tau_0, {label}", f"log10 tau_th, {label}", f"curvature of E in ln t, {label}"}
        assert set(text) == {f"{name}, text" for name in wanted}
        assert text[f"log10 tau_th, {label}, text"].paper == 4
        assert text[f"log10 tau_th, {label}, text"].paper_error == pytest.approx(0.3, abs=0.01)


def test_the_largest_accuracy_needs_all_ensembles():
    some = _made()
    name = "ln alpha of the largest A*, N = 10"
    claim = _claims(figure_2.FIGURE, "f", some)[name]
    assert claim.ours is None
    assert claim.note == "missing: M=160, M=500, M=1000"
    for m in (160, 500, 1000):
        some.found["patterns", f"M={m}"] = _run(
            curves("2a")["lnalpha=2.1"], curves("2b")["lnalpha=2.1"], m, 10
        )
    claims = _claims(figure_2.FIGURE, "f", some)
    assert claims[name].ours.value == pytest.approx(math.log(25))
    assert claims[name].verdict == "agrees"
    assert claims["A*, M=250 - A*, M=10"].ours.value > 0.25
    assert claims["A*, M=250 - A*, N=10"].ours.value > 0.05
    assert "A*, M=4000" not in claims
    assert "A*, M=4000" in _claims(figure_2.FIGURE, "f", replace(some, size="paper"))


def test_correlations_of_the_paper_agree_at_our_times():
    results = Made({("waits", "all"): _waits()})
    for figure, letter in ((figure_2.FIGURE, "g"), *((figure_s2.FIGURE, x) for x in "abc")):
        known = [c for c in _claims(figure, letter, results).values() if c.ours is not None]
        assert len(known) >= 12
        assert [c.key for c in known if c.verdict == "differs"] == []
    shifted = Made({("waits", "all"): _waits(shift=0.1)})
    claims = _claims(figure_s2.FIGURE, "b", shifted)
    assert claims["q(300, 100)"].verdict == "differs"
    assert claims["q(300, 100000)"].verdict == "not run at this size"


def test_the_negative_swing_is_found_at_the_papers_points():
    claims = _claims(figure_2.FIGURE, "g", Made({("waits", "all"): _waits()}))
    depth, time = claims["minimum of c(t, 100)"], claims["log10 t of the minimum, t_w = 100"]
    assert depth.paper == pytest.approx(-0.372, abs=1e-3)
    assert depth.ours.value == pytest.approx(depth.paper)
    assert depth.ours.error == pytest.approx(0.002 / math.sqrt(3), rel=1e-3)
    assert time.ours.value == pytest.approx(math.log10(800))
    short = _claims(figure_2.FIGURE, "g", Made({("waits", "all"): _waits(steps=10_400)}))
    assert short["minimum of c(t, 100)"].ours is not None
    nothing = _claims(figure_2.FIGURE, "g", Made({("waits", "all"): _waits().sel(t=slice(0, 700))}))
    assert nothing["minimum of c(t, 100)"].verdict == "not run at this size"


def test_late_correlations_are_compared_at_our_time_or_not_at_all():
    claims = _claims(figure_2.FIGURE, "h", Made({("waits", "all"): _waits()}))
    assert global_correlations.LATEST == 100_000
    same = claims["Q*(5000)"]  # Fig. S2c was digitised for this t_w
    assert same.note == "M = 1715 for 2000; t = 5e4"
    assert same.paper == pytest.approx(curves("S2c")["tw=5e3"].at(5e4))
    assert same.ours.value == pytest.approx(same.paper, abs=0.01)
    other = claims["c*(2000)"]  # Fig. 2g was not
    assert other.note == "M = 1715 for 2000; t = 5e4, the paper's is at t = 1e5"
    assert (other.paper, other.verdict) == (None, "no reference")
    assert claims["c*(1)"].ours is None
    # At the paper's time all are compared, and can differ.
    late = _waits(steps=110_000, shift=0.1)
    there = _claims(figure_2.FIGURE, "h", Made({("waits", "all"): late}))["c*(2000)"]
    assert there.paper == pytest.approx(curves("2h")["c*"].at(2000))
    assert there.verdict == "differs"


def test_temperatures_agree_with_themselves_and_name_the_other_figure():
    told, learnt = (_claims(figure_s1.FIGURE, letter, _made(until=3e4)) for letter in "ab")
    for claims in (told, learnt):
        known = [c for c in claims.values() if c.verdict not in ("not run at this size", "no reference")]
        assert len(known) >= 10
        assert [c.key for c in known if c.verdict != "agrees"] == []
    assert f"Fig. 2c, N = 20: {curves('2c')['lnalpha=4.6'].at(500):.3g}" in told["E(500)/E(0), T=1e-5"].note
    assert "Fig. 2c" not in told["E(500)/E(0), T=1e-3"].note


def test_series_of_the_paper_are_paired_with_the_ensembles_of_the_same_alpha():
    for label, series in [*FIXED_N.items(), *FIXED_M.items()]:
        number = int(label[2:])
        alpha = number / 10 if label.startswith("M=") else 2000 / number
        assert float(series.removeprefix("lnalpha=")) == pytest.approx(math.log(alpha), abs=0.051)
    assert all(float(a[2:]) == float(b[2:]) for a, b in figure_s1.SERIES.items())
    known = studies_at("laptop")
    assert set(FIXED_M) == set(known["widths"].ensembles)
    assert set(FIXED_N) < set(known["patterns"].ensembles)
    assert set(late_values.SHOWN) == {*known["patterns"].ensembles, "N=10"}
    assert set(figure_s1.SERIES) == set(known["temperatures"].ensembles)


def test_late_values_of_the_paper():
    flat = curve([10, 60, 80, 100, 200], [9, 1, 2, 3, 7])
    assert late_values.of_paper(flat, 100) == 2
    assert late_values.span(1e5) == "t = 5e4..1e5"


def test_two_repeats_differ_by_what_their_errors_add_up_to():
    """0.012 is the difference of two; one has 0.0085, and so has A* of one ensemble less that of another."""
    claims = _of_itself("f")
    assert math.sqrt(2) * claims["A*, M=10"].paper_error == pytest.approx(0.012)
    assert claims["A*, M=250 - A*, M=10"].paper_error == pytest.approx(0.012)
    energy = _of_itself("e")["E*, M=10"]
    assert math.sqrt(2) * energy.paper_error == pytest.approx(0.06 * energy.paper)
