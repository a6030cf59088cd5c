"""Claims and their verdicts, digitised curves, and what figures read off a result."""

import math

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from scipy import stats

from compare.relaxation import crossing
from paper_figures.huang2025 import measures
from paper_figures.huang2025.claims import RARE, Claim, Estimate, estimate, table
from paper_figures.huang2025.notes import TOYS
from paper_figures.huang2025.panel import Panel
from paper_figures.huang2025.reference import READING_ERROR_LOG10, curves
from paper_figures.stored.scores import number


def claim(value, error, paper, samples=5, paper_error=0.0):
    return Claim("2c", "x", Estimate(value, error, samples), paper, paper_error, "null")


def test_verdict_is_students_t_at_one_percent():
    edge = stats.t.ppf(1 - RARE / 2, 4)
    assert claim(edge + 1e-6, 1.0, 0.0).verdict == "differs"
    assert claim(edge - 1e-6, 1.0, 0.0).verdict == "too few samples"
    many = stats.norm.ppf(1 - RARE / 2)
    assert claim(many + 1e-6, 1.0, 0.0).verdict == "too few samples"
    assert claim(many - 1e-6, 1.0, 0.0).verdict == "agrees"
    assert claim(0.0, 3.0, 5.0, paper_error=4.0).z == -1.0
    assert claim(1.0, 0.1, None).verdict == "no reference"
    assert claim(1.0, math.nan, 1.0).verdict == "no error bar"
    assert claim(math.nan, math.nan, 1.0).verdict == "undefined"
    assert Claim("2c", "x", None, 1.0).verdict == "not run at this size"
    assert [claim(2, 0.0, 2).verdict, claim(2, 0.0, 1).verdict] == ["agrees", "differs"]


def test_what_lies_within_the_reach_of_a_text_agrees_and_no_more():
    """tau ~ 1e3 within a factor of two: 2.7 and 3.3 agree exactly, 3.5 differs if our error is small."""

    def said(value, error):
        return Claim("2a", "log10 tau", Estimate(value, error, 6), 3.0, 0.3, "text")

    assert said(2.71, 0.01).verdict == said(3.29, 1e-9).verdict == "agrees"
    assert said(3.5, 0.01).verdict == "differs"
    assert said(3.5, 0.1).verdict == "agrees"
    assert said(3.5, 0.01).z == pytest.approx(20)


class Empty:
    """No results, at some size."""

    def __init__(self, size="laptop"):
        self.size = size


def claimed(name, *rest, size="laptop", **more):
    panel = Panel(name, Figure().subplots(), Empty(size))
    panel.claim("x", *rest, **more)
    return panel.claims[0]


def test_the_error_of_reading_a_figure_counts():
    """That of a linear axis does not vanish with the number, that of a logarithmic one does."""
    assert claimed("3d", Estimate(0.0015, 1e-6, 6), 0.0005).verdict == "agrees"
    assert claimed("3d", Estimate(0.0045, 1e-6, 6), 0.0005).verdict == "differs"
    assert claimed("2c", Estimate(0.0101, 1e-9, 6), 0.01).verdict == "differs"
    assert claimed("2c", Estimate(0.01001, 1e-9, 6), 0.01).verdict == "agrees"
    time = claimed("2c", Estimate(2.6, 1e-9, 6), 2.6005, reading=READING_ERROR_LOG10)
    assert time.spread == pytest.approx(4.34e-4, rel=1e-3)
    assert claimed("3d", Estimate(0.0, 1e-9, 6), 0.0, source="text").spread == 0


def test_nothing_is_compared_at_the_smallest_size():
    toy = claimed("3d", Estimate(0.5, 0.01, 3), 0.9, size="smoke", note="M = 60 for 2000")
    assert (toy.verdict, toy.note) == ("no reference", f"M = 60 for 2000; {TOYS}")
    assert claimed("3d", None, 0.9, size="smoke").verdict == "not run at this size"


def test_a_test_decides_instead_of_the_difference():
    """A time 10 of its errors off agrees where the curve is at the level, with the freedom of the samples."""

    def time(value, samples=4, bound=False):
        test = Estimate(value, 0.02, samples)
        ours = Estimate(3.5, math.nan if bound else 0.05, samples)
        return Claim("3b", "log10 tau", ours, 3.0, 0.0, "digitised", at_least=bound, test=test)

    edge = 0.02 * stats.t.ppf(1 - RARE / 2, 3)
    for bound in (False, True):
        assert time(0.02 * 2.5, bound=bound).verdict == "agrees"
        assert time(0.999 * edge, bound=bound).verdict == "too few samples"
        assert time(1.001 * edge, bound=bound).verdict == "differs"
        assert time(math.nan, bound=bound).verdict == "not reached"
    assert time(-0.05).z == pytest.approx(-2.5)
    assert time(0.999 * edge, 40).verdict == "differs"
    assert "> 3.5" in table([time(0.1, bound=True)])


def test_an_error_of_the_papers_adds_degrees_of_freedom():
    """Ours alone: 4; equal errors: 16; the paper's alone: a Gaussian."""
    assert claim(0.0, 1.0, 0.0).freedom == 4
    assert claim(0.0, 1.0, 0.0, paper_error=1.0).freedom == pytest.approx(16)
    edge = stats.norm.ppf(1 - RARE / 2)
    assert claim(edge * 1.001, 1e-9, 0.0, paper_error=1.0).verdict == "differs"
    assert claim(edge * 0.999, 1e-9, 0.0, paper_error=1.0).verdict == "agrees"


def test_a_true_number_differs_once_in_a_hundred_times():
    """20,000 experiments of 4 samples: 200 +- 14 false alarms; z of 4 is 6e-5."""
    rng = np.random.default_rng(0)
    verdicts = [Claim("", "", estimate(rng.normal(3, 2, 4)), 3.0, 0.0, "null").verdict for _ in range(20_000)]
    assert abs(verdicts.count("differs") - 200) < 4 * 14


def test_estimate_is_mean_and_standard_error():
    found = estimate([1.0, 2.0, np.nan, 6.0])
    assert (found.value, found.samples) == (3.0, 3)
    assert found.error == pytest.approx(np.std([1, 2, 6], ddof=1) / math.sqrt(3))
    assert math.isnan(estimate([1.0]).error)
    assert estimate([]).samples == 0


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.5741, 0.0123, "0.574(12)"), (0.5741, 0.031, "0.57(3)"), (1234.5, 67.0, "1234(67)"),
        (0.5, math.nan, "0.5"), (None, 0.1, "-"), (math.nan, 0.1, "-"), (2.0, 0.0, "2"),
        (12.34, 2.0, "12.3(20)"),
        (0.99964, 0.0996, "1.00(10)"), (-0.264, 0.0195, "-0.264(20)"),
    ],
)  # fmt: skip
def test_numbers_are_written_with_the_error_of_their_last_digits(value, error, text):
    assert number(value, error) == text


def test_table_has_a_line_for_each_claim():
    assert len(table([claim(1, 0.1, 1), claim(2, 0.1, 1)]).splitlines()) == 3


def test_digitised_curves_are_read_and_interpolated_in_ln_t():
    panel = curves("2g")
    assert set(panel) == {"tw=1e2", "tw=1e3", "tw=1e4"}
    assert (np.diff(panel["tw=1e2"].x) > 0).all()
    assert panel["tw=1e2"].error[2] == 1.85e-05
    curve = curves("2c")["lnalpha=5.3"]
    assert np.isnan(curve.error).all()
    a, b = curve.x[3:5]
    assert curve.at(math.sqrt(a * b)) == pytest.approx(curve.y[3:5].mean())
    assert math.isnan(curve.at(1.0))
    assert curves("9z") == {}


def test_time_at_which_a_correlation_falls_to_a_level():
    """1 - ln(t)/5 falls to 1/e at t = exp(5 (1 - 1/e)), on any grid of t."""
    t = np.array([0, 1, 7, 30, 200, 1_000])
    falling = 1 - np.log(np.maximum(t, 1)) / 5
    values = xr.DataArray([falling, np.ones(6)], dims=("sample", "t"), coords={"t": t})
    found = crossing(values)
    assert found[0] == pytest.approx(math.exp(5 * (1 - 1 / math.e)))
    assert math.isnan(found[1])
    # Linear in t between 7 and 30.
    share = (falling[2] - 1 / math.e) / (falling[2] - falling[3])
    assert crossing(values, logarithmic=False)[0] == pytest.approx(7 + 23 * share)


def test_values_between_measurements_are_linear_in_ln_t():
    t = np.array([0, 1, 10, 100])
    values = xr.DataArray(
        np.stack([2 + 3 * np.log(np.maximum(t, 1))] * 2), dims=("sample", "t"), coords={"t": t}
    )
    assert measures.at(values, 37).values == pytest.approx([2 + 3 * math.log(37)] * 2)
    assert measures.at(values, 10).values == pytest.approx([2 + 3 * math.log(10)] * 2)
    assert np.isnan(measures.at(values, 1_000).values).all()
