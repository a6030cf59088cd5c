"""Misfits of readings: zero for the curve itself, known for a shifted one; what is compared with what."""

import re

import numpy as np
import pytest
import xarray as xr

from paper_figures.huang2025 import misfits
from paper_figures.huang2025.misfits import FIT, JUDGE, Misfit, Row, misfit
from paper_figures.huang2025.readings import FINALISTS, SCANS, Reading, finals_study, label, scan_study
from paper_figures.huang2025.reference import READING_ERROR, Curve
from paper_figures.huang2025.studies import results_at
from simulate.thermal.presets import PRESETS

T = np.unique(np.round(10 ** (np.arange(0, 4.01, 0.05))))


def made(function, samples=4, spread=0.0, seed=0):
    rng = np.random.default_rng(seed)
    rows = [function(T) + spread * rng.standard_normal() for _ in range(samples)]
    return xr.DataArray(np.stack(rows, axis=1), dims=("t", "sample"), coords={"t": T})


def paper(function, x=(20.0, 70.0, 300.0, 4_000.0, 20_000.0), error=np.nan):
    x = np.array(x)
    return Curve(x, function(x), np.full(x.size, error))


def falling(t):
    return 2 - 0.2 * np.log(t)


def test_misfit_of_the_curve_itself_is_nothing_and_of_a_shifted_one_the_shift():
    exact = misfit(made(falling), paper(falling), 10_000)
    assert exact.rms < 1e-12
    assert exact.points == 4  # the fifth point lies beyond
    assert misfit(made(falling), paper(falling), 300).points == 3
    shifted = misfit(made(lambda t: 1.1 * falling(t)), paper(falling), 1e4)
    assert shifted.rms == pytest.approx(np.log(1.1))
    plain = misfit(made(lambda t: falling(t) + 0.05), paper(falling), 1e4, logarithmic=False)
    assert plain.rms == pytest.approx(0.05)
    # Of reading: absolute on a linear axis, relative on a logarithmic one.
    assert plain.chi2 == pytest.approx((0.05 / READING_ERROR) ** 2)
    assert shifted.chi2 == pytest.approx((0.1 / READING_ERROR) ** 2)
    known = misfit(made(lambda t: falling(t) + 0.05), paper(falling, error=0.05), 1e4, logarithmic=False)
    assert known.chi2 == pytest.approx(0.05**2 / (0.05**2 + READING_ERROR**2))


def test_chi_square_per_point_of_a_true_reading_is_student_squared():
    """Shared shifts of 5 samples: chi2 is t^2 with 4 degrees of freedom, mean 2, over 4,000 draws."""
    curve = paper(falling, x=(100.0,))
    found = [misfit(made(falling, 5, spread=0.2, seed=seed), curve, 1e4).chi2 for seed in range(4_000)]
    # t^2 has no fourth moment at 4 degrees; its median is exact: 0.5486.
    assert np.median(found) == pytest.approx(0.5486, abs=0.06)


def test_error_of_a_misfit_is_its_scatter():
    """Of 400 experiments of 6 samples with a common shift: jackknife beside the scatter of rms itself."""
    curve, far = paper(falling), lambda t: 1.3 * falling(t)
    found = [misfit(made(far, 6, spread=0.1, seed=seed), curve, 1e4) for seed in range(400)]
    scatter = np.std([fit.rms for fit in found])
    assert np.sqrt(np.mean([fit.error**2 for fit in found])) == pytest.approx(scatter, rel=0.15)


def test_panels_of_one_run_lose_a_sample_at_once():
    """A run in three panels counts fully, one in each of three by the root of three."""
    without = np.array([0.1, 0.2, 0.3, 0.2])
    alone = misfits.jackknifed({"a": without})
    panels = {name: Misfit(1, 0.2, 9, {run: without}) for name, run in zip(FIT, "aabb", strict=True)}
    assert Row("", FINALISTS[0], panels).fit_error == pytest.approx(alone / np.sqrt(2))
    same = {name: Misfit(1, 0.2, 9, {"a": without}) for name in FIT}
    assert Row("", FINALISTS[0], same).fit_error == pytest.approx(alone)
    twice = misfits._together([Misfit(1, 0.2, 9, {"a": without})] * 2)
    assert twice.error == pytest.approx(alone)
    apart = misfits._together([Misfit(1, 0.2, 9, {run: without}) for run in "ab"])
    assert apart.error == pytest.approx(alone / np.sqrt(2), rel=0.05)


def test_the_error_of_the_fit_is_its_scatter():
    """Of 300 experiments of 6 samples: four panels, three of which are one run with shifts in common."""
    curve, far = paper(falling), lambda t: 1.3 * falling(t)
    found = []
    for seed in range(300):
        one, other = (made(far, 6, spread=0.1, seed=s) for s in (seed, 1_000 + seed))
        panels = {name: misfit(one, curve, 1e4, run="a") for name in FIT[:3]}
        found.append(Row("", FINALISTS[0], {**panels, FIT[3]: misfit(other, curve, 1e4, run="b")}))
    scatter = np.std([row.fit for row in found])
    assert np.sqrt(np.mean([row.fit_error**2 for row in found])) == pytest.approx(scatter, rel=0.15)


def test_the_preset_is_the_reading_that_fits_best():
    rows = misfits.finals_table(results_at("laptop"))
    assert rows[0].reading is FINALISTS[0]
    assert {**PRESETS["huang2025"], **FINALISTS[0].changes, "start": "small"} == PRESETS["huang2025"]


def test_the_reading_nearest_on_the_fit_comes_first():
    def row(name, fit, judge):
        panels = {panel: Misfit(1, fit, 9) for panel in FIT} | {panel: Misfit(1, judge, 9) for panel in JUDGE}
        return Row(name, FINALISTS[0], panels)

    good, bad = row("good", 0.03, 0.1), row("bad", 0.3, 0.05)
    assert (good.fit, good.judged) == (pytest.approx(0.03), pytest.approx(0.1))
    assert sorted([bad, good], key=lambda r: r.fit)[0] is good
    half = Row("half", FINALISTS[0], {"2g": Misfit(1, 0.1, 9)})
    assert half.fit == np.inf
    assert not set(FIT) & set(JUDGE)


def test_contents_of_the_energy():
    """Two layers, three particles at v^2 = 4: H = 5, with kinetic energy 11, without layer 1: 3."""
    dims = ("t", "sample", "weight_layer")
    layers = xr.DataArray([[[2.0, 3.0]]], dims=dims, coords={"weight_layer": [1, 2]})
    result = xr.Dataset(
        {"E": layers.sum("weight_layer"), "E_layer": layers, "kinetic": (("t", "sample"), [[4.0]])},
        attrs={"particles": 3},
    )
    values = [misfits.content(result, what).item() for what in misfits.CONTENTS]
    assert values == [5.0, 11.0, 3.0, 3.0]


def test_readings_are_distinct_runs():
    for study in (scan_study("laptop"), finals_study("laptop")):
        assert len(set(study.ensembles.values())) == len(study.ensembles)
        assert all(re.fullmatch(r"[a-zNM=._0-9()-]+", name) for name in study.ensembles)
    assert sum(len(scan.readings) for scan in SCANS) > 100
    printed = next(reading for reading in FINALISTS if reading.name.startswith("uniform:1,1"))
    assert finals_study("laptop").ensembles[label(printed, "N=10")].start == "uniform:1,1"
    assert finals_study("laptop").ensembles[label(printed, "N=10")].velocities == "fresh"
    assert Reading.start("small", "inv-sqrt").changes == {"start": "small", "c_scale": "inv-sqrt"}
