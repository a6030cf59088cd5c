"""Claims and their verdicts, digitised curves, and what figures read off a result."""

import math

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from paper_figures.huang2025 import measures
from paper_figures.huang2025.claims import RARE, Claim, Estimate, estimate, number, table
from paper_figures.huang2025.reference import curves


def claim(value, error, paper, samples=5, paper_error=0.0):
    return Claim("2c", "x", Estimate(value, error, samples), paper, paper_error, "null")


def test_verdict_is_students_t_at_one_percent():
    edge = stats.t.ppf(1 - RARE / 2, 4)
    assert claim(edge - 1e-6, 1.0, 0.0).verdict == "agrees"
    assert claim(edge + 1e-6, 1.0, 0.0).verdict == "differs"
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


def test_the_error_of_reading_a_figure_counts():
    assert Claim("3d", "q", Estimate(0.9995, 1e-6, 6), 0.9985, 0.0, "digitised").verdict == "agrees"
    assert Claim("3d", "q", Estimate(0.9995, 1e-6, 6), 0.9955, 0.0, "digitised").verdict == "differs"


def test_a_lower_bound_differs_from_what_is_smaller_alone():
    def bound(paper):
        return Claim("3b", "log10 tau", Estimate(4.7, math.nan, 4), paper, 0.05, "digitised", "", True)

    assert bound(3.1).verdict == "differs"
    assert bound(4.65).verdict == bound(5.2).verdict == "not reached"
    assert math.isnan(bound(3.1).z)
    assert "> 4.7" in table([bound(3.1)])


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
    found = measures.crossing(values)
    assert found[0] == pytest.approx(math.exp(5 * (1 - 1 / math.e)))
    assert math.isnan(found[1])


def test_values_between_measurements_are_linear_in_ln_t():
    t = np.array([0, 1, 10, 100])
    values = xr.DataArray(
        np.stack([2 + 3 * np.log(np.maximum(t, 1))] * 2), dims=("sample", "t"), coords={"t": t}
    )
    assert measures.at(values, 37).values == pytest.approx([2 + 3 * math.log(37)] * 2)
    assert measures.at(values, 10).values == pytest.approx([2 + 3 * math.log(10)] * 2)
    assert np.isnan(measures.at(values, 1_000).values).all()
