"""The figure of time steps, on made-up energies: their ratios, and what is left out."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from paper_figures.huang2025.figure_timestep import FIGURE, STEPS
from paper_figures.huang2025.panel import Panel


def made(dt, late, patterns=250):
    """E = 100 until the last step, then 100 ``late``, within 1 %; the layers twice their scale."""
    t = np.array([0, 1, 10, 400, 500, 800])
    spread = np.array([0.99, 1.0, 1.01])
    energy = np.where(t[:, None] < 800, 100.0, 100 * late * spread)
    layers = np.tile(2 * patterns * 10 * 1e-5 * np.array([1.0, 1.0, 7.0]), (6, 3, 1))
    return xr.Dataset(
        {"E": (("t", "sample"), energy), "E_layer": (("t", "sample", "weight_layer"), layers)},
        {"t": t, "sample": [0, 1, 2], "weight_layer": [1, 2, 3]},
        {"patterns": patterns, "width": 10, "temperature": 1e-5, "dt": dt},
    )


class Made:
    size = "laptop"

    def __init__(self, late):
        self.found = {
            f"{name}.dt={dt:g}": made(dt, late[dt], patterns)
            for name, patterns in (("M=250", 250), ("M=2000", 1715))
            for dt in late
        }

    def get(self, study, label):
        return self.found.get(label)


def drawn(letter, late):
    panel = Panel(f"timestep{letter}", Figure().subplots(), Made(late))
    FIGURE.panels[letter](panel)
    return panel, {claim.name: claim for claim in panel.claims}


def test_ratios_differ_from_one_where_the_energy_depends_on_the_step():
    _, claims = drawn("c", dict(zip(STEPS, (0.4, 0.4, 0.2), strict=True)))
    same, half = (claims[f"E*(dt = {dt})/E*(dt = 0.01), M=250"] for dt in ("0.005", "0.0025"))
    assert (same.paper, same.source, same.verdict, half.verdict) == (1, "null", "agrees", "differs")
    assert half.ours.value == pytest.approx(0.5)
    assert half.ours.error == pytest.approx(0.5 * 0.01 * np.sqrt(2 / 3))
    assert half.ours.samples == 5  # equal errors of 3: 4 degrees of freedom
    assert claims["E*/E(0) at dt = 0.01, M=250"].ours.value == pytest.approx(0.4)
    assert claims["E*/E(0) at dt = 0.01, M=2000"].note == "M = 1715 for 2000"
    assert not any("limit" in name or "share" in name for name in claims)


def test_without_the_papers_step_there_is_no_ratio():
    _, claims = drawn("c", {0.005: 0.4})
    assert claims["E*/E(0) at dt = 0.005, M=250"].ours is not None
    assert claims["E*(dt = 0.005)/E*(dt = 0.01), M=250"].verdict == "not run at this size"
    assert [*claims] == [*drawn("c", {})[1]]


def test_layers_are_over_their_thermal_scale_and_the_output_is_left_out():
    panel, _ = drawn("b", {0.01: 0.4})
    assert [(row[3], row[4]) for row in panel.rows] == [(1, pytest.approx(2)), (2, pytest.approx(2))]
