"""Relaxation times against curves whose times are known."""

import numpy as np
import pytest
import xarray as xr

from compare import relaxation_times
from deepglass.errors import InvalidInput

TAUS = {1: 50.0, 2: 800.0}


@pytest.fixture
def run() -> xr.Dataset:
    """Layer l decays to 0.4 as exp(-t/tau_l), twice as slowly in sample 1; the ends are frozen."""
    t = np.unique(np.rint(10 ** np.arange(0, 4.01, 0.05)).astype(int))
    curves = np.ones((1, len(t), 2, 3, 4))
    for layer, tau in TAUS.items():
        for sample in (0, 1):
            curves[0, :, sample, :, layer] = 0.4 + 0.6 * np.exp(-t / (tau * (1 + sample)))[:, None]
    dims = ("t_w", "t", "sample", "replica", "neuron_layer")
    coords = {"t_w": [0], "t": t, "sample": [0, 1], "neuron_layer": range(4)}
    return xr.Dataset({"c": (dims, curves)}, coords=coords, attrs={"steps": int(t[-1])})


def test_tau_is_where_the_curve_is_at_one_over_e_of_its_way(run):
    """Exponentials between twenty points a decade: chords in ln t miss by half a percent at most."""
    tau = relaxation_times(run, plateau=0.4)
    assert tau.dims == ("sample", "neuron_layer")
    assert np.isnan(tau.sel(neuron_layer=[0, 3])).all()
    for layer, expected in TAUS.items():
        np.testing.assert_allclose(tau.sel(neuron_layer=layer), [expected, 2 * expected], rtol=5e-3)


def test_a_plateau_may_differ_by_layer_and_a_level_may_not_be_reached(run):
    plateau = xr.DataArray([1.0, 0.4, 0.0, 1.0], dims="neuron_layer", coords={"neuron_layer": range(4)})
    tau = relaxation_times(run, plateau=plateau)
    np.testing.assert_allclose(tau.sel(neuron_layer=1), [50, 100], rtol=5e-3)
    assert np.isnan(tau.sel(neuron_layer=2)).all()
    half = relaxation_times(run, level=0.5, plateau=0.4)
    np.testing.assert_allclose(half.sel(neuron_layer=1), [50 * np.log(2), 100 * np.log(2)], rtol=5e-3)


def test_what_cannot_be_is_named(run):
    with pytest.raises(InvalidInput, match="lacks a correlation 'C'"):
        relaxation_times(run, "C")
    with pytest.raises(InvalidInput, match="must be below 1"):
        relaxation_times(run, plateau=1.0)


def test_a_layer_that_is_gone_at_the_first_time_is_fast_not_missing(run):
    begun = run.isel(t=0).assign_coords(t=0).assign(c=xr.ones_like(run.c.isel(t=0)))
    fast = xr.concat([begun, run], "t").transpose("t_w", "t", ...)
    fast.c[0, 1:, :, :, 1] = 0.1
    tau = relaxation_times(fast)
    np.testing.assert_allclose(tau.sel(neuron_layer=1), (1 - 1 / np.e) / 0.9)
    assert np.isnan(tau.sel(neuron_layer=[0, 3])).all()
