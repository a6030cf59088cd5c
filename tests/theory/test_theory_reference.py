"""The float solvers against 30-digit values, and those values against themselves.

The table is written by ``python -m theory.symbolic.reference > tests/theory/reference/rs_30_digits.json``.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from mpmath import mp

from deepglass.errors import InvalidInput
from theory import capacity, solve_profile
from theory.symbolic import averages, reference

TABLE = json.loads((Path(__file__).parent / "reference" / "rs_30_digits.json").read_text())
PROBLEM = tuple(reference.Point._fields)
CHEAP = [("random", 1, 0.5, 0.5), ("teacher-student", 2, 4.0, 0.0)]


def problem(row):
    return reference.Point(**{name: row[name] for name in PROBLEM})


def name(row):
    return "-".join(str(row[part]) for part in PROBLEM)


rows = pytest.mark.parametrize("row", TABLE["solutions"], ids=name)


def floats(row, key):
    return np.array([float(value) for value in row[key]])


@rows
def test_float_solver_agrees(row):
    point = problem(row)
    profile = solve_profile(*point[:4], branch=point.branch, closure=point.closure)
    np.testing.assert_allclose(profile.Q, floats(row, "Q"), rtol=0, atol=1e-12)
    np.testing.assert_allclose(profile.q[1:-1], floats(row, "q"), rtol=0, atol=1e-12)
    np.testing.assert_allclose(profile.eps, floats(row, "eps"), rtol=1e-11)
    assert profile.entropy == pytest.approx(float(row["entropy"]), abs=1e-11)


def assert_regenerated(row):
    """Started from the stored values, of which three digits are kept."""
    point = problem(row)
    start = np.round(np.concatenate([floats(row, "Q"), floats(row, "q")]), 3)
    # A crystal is closer to 1 than three digits tell.
    start = [0.999 if value == 1.0 else float(value) for value in start]
    found = reference.solve(*point[:5], start=start)
    with mp.workdps(40):
        assert found.residual < mp.mpf(10) ** -28
        for key in ("Q", "q", "eps"):
            for value, digits in zip(getattr(found, key), row[key], strict=True):
                assert abs(value / mp.mpf(digits) - 1) < mp.mpf(10) ** -29
        assert abs(found.entropy - mp.mpf(row["entropy"])) < mp.mpf(10) ** -29


@pytest.mark.parametrize(
    "row",
    [row for row in TABLE["solutions"] if problem(row)[:4] in CHEAP and row["closure"] == "gaussian"],
    ids=name,
)
def test_table_is_regenerated(row):
    assert_regenerated(row)


@pytest.mark.slow
@rows
def test_whole_table_is_regenerated(row):
    assert_regenerated(row)


@pytest.mark.slow
@pytest.mark.parametrize("point", reference.POINTS[:18], ids=lambda point: "-".join(map(str, point)))
def test_more_digits_and_nodes_change_nothing(point):
    """36 digits use twice the quadrature nodes of 30; branches are reached from 0.1 or 0.999 alone."""
    found = point.solve()
    again = reference.solve(*point[:5], start=[float(v) for v in (*found.Q, *found.q)], digits=36)
    with mp.workdps(50):
        for key in ("Q", "q", "eps"):
            for value, better in zip(getattr(found, key), getattr(again, key), strict=True):
                assert abs(value / better - 1) < mp.mpf(10) ** -30


def test_table_is_what_the_module_asks_for():
    assert [problem(row) for row in TABLE["solutions"]] == list(reference.POINTS)
    assert [entry["margin"] for entry in TABLE["gardner"]] == list(reference.MARGINS)


def test_averages_by_another_quadrature():
    """mpmath's adaptive tanh-sinh on plain intervals."""
    with mp.workdps(20):
        lam, margin = mp.mpf("0.8"), mp.mpf("0.5")

        def square(z):
            u = (mp.sqrt(lam) * z - margin) / mp.sqrt(1 - lam)
            return mp.npdf(z) * (mp.npdf(u) / mp.ncdf(u)) ** 2 / (1 - lam)

        assert abs(mp.quad(square, [-12, -4, 0, 4, 12]) - averages.gap(lam, margin, 0).w) < 1e-17
        q = mp.quad(lambda z: mp.npdf(z) * mp.tanh(3 + mp.sqrt(3) * z) ** 2, [-12, -4, 0, 4, 12])
        assert abs(q - averages.neuron(mp.mpf(3), 1).q) < 1e-17


@pytest.mark.parametrize("entry", TABLE["gardner"], ids=lambda entry: str(entry["margin"]))
def test_gardner_capacity(entry):
    margin = entry["margin"]
    with mp.workdps(40):
        integral = mp.quad(lambda t: mp.npdf(t) * (t + margin) ** 2, [-margin, 4, 8, 16])
        assert abs(mp.mpf(entry["capacity"]) * integral - 1) < mp.mpf(10) ** -29
        stored = mp.mpf(entry["capacity"])
        assert abs(reference.gardner_capacity(margin) / stored - 1) < mp.mpf(10) ** -29
    assert capacity(1, margin) == pytest.approx(float(stored), rel=1e-12)


def test_bad_input_is_named():
    for arguments, word in (
        (("other", 1, 1.0), "scenario"),
        (("random", 0, 1.0), "depth"),
        (("random", 1, 1.0, 0.0, "other"), "closure"),
    ):
        with pytest.raises(InvalidInput, match=word):
            reference.solve(*arguments)
