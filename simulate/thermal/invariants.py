"""What a sound run of thermal machines obeys, beyond what its protocol asks for."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from simulate.thermal import health
from simulate.thermal.protocol import Protocol
from simulate.thermal.recorded import MATRICES, TWO_TIME

ROUNDING = 1e-6
"""By how much a normalised overlap may exceed 1."""

COUNTS = ("inputs", "outputs", "test_patterns")
"""Attributes that say how large the data are."""


def wrong_attributes(run: xr.Dataset, protocol: Protocol) -> list[str]:
    """Attributes that are missing, or do not say what the protocol says."""
    found = []
    for name in COUNTS:
        value = run.attrs.get(name)
        if not isinstance(value, int | np.integer) or value < (name != "test_patterns"):
            found.append(f"attribute {name} = {value!r} is no number of this kind")
    for name in ("temperature", "eta"):
        if run.attrs[name] != getattr(protocol, name):
            found.append(f"attribute {name} is not that of the protocol")
    return found


def undefined(run: xr.Dataset, name: str) -> NDArray[np.bool_]:
    """Where a measured value is none: at the frozen layers, or without a direction to compare."""
    if name in ("S2", "kinetic_S"):
        return np.isin(np.arange(run.sizes["neuron_layer"]), (0, run.sizes["neuron_layer"] - 1))
    if name == "q_test":
        return np.asarray((run["Q_raw"].values == 0).any(-1)[..., None])
    if name not in TWO_TIME or name.endswith("_raw"):
        return np.zeros(1, bool)
    zero = np.asarray(run[f"{name[0]}_raw"].values == 0)
    if not name.endswith("_global"):
        return zero
    return np.asarray((zero[..., 1:-1] if name[0] in "cq" else zero).all(-1))


def bounds(run: xr.Dataset) -> list[str]:
    """Overlaps and mean squares at most 1, squares and energies not negative, E the sum of its layers."""
    found = []
    for name in ("S2", "J2", *TWO_TIME, *MATRICES):
        if name in run and (np.abs(run[name].values) > 1 + ROUNDING).any():
            found.append(f"{name} exceeds 1: particles have left (-1, 1)")
    for name in ("E", "E_layer", "kinetic", "kinetic_S", "kinetic_J", "S2", "J2", "A_tanh", "A_sgn"):
        if (run[name].values < 0).any():
            found.append(f"{name} is negative somewhere")
    found += [f"{name} exceeds 1" for name in ("A_tanh", "A_sgn") if (run[name].values > 1).any()]
    total = run["E_layer"].sum("weight_layer", skipna=False)
    if not np.allclose(total, run["E"], rtol=1e-9, equal_nan=True):
        found.append("E is not the sum of E_layer")
    return found


def last_velocities(run: xr.Dataset, protocol: Protocol) -> list[str]:
    """The velocities that were kept are those that were measured last."""
    if not protocol.keep_state:
        return []
    v = run["state_v"].values.astype(float)
    if np.allclose((v**2).mean(axis=-1), run["kinetic"].values[:, -1], rtol=1e-6):
        return []
    return ["kinetic at the last step is not that of state_v"]


def temperature(run: xr.Dataset, protocol: Protocol) -> list[str]:
    """Hot layers must have been reported, and none can be colder than T at the end."""
    sizes = health.layer_sizes(protocol, int(run.attrs["inputs"]), int(run.attrs["outputs"]))
    kinetic = health.kinetic_of({name: run[name].values for name in ("kinetic_S", "kinetic_J")})
    at_end, earlier = health.of_run(protocol, kinetic, sizes)
    found = [
        f"{hot.name} are hotter than {protocol.hot:g} T at step {hot.last} and the file does not say so"
        for hot in (*at_end, *earlier)
        if f"{hot.name} (" not in str(run.attrs["warnings"])
    ]
    last = {what: x[:, -1].reshape(-1, x.shape[-1]) for what, x in kinetic.items()}
    cold = health.cold_layers(protocol, protocol.steps, last, sizes)
    return [*found, *(f"{line}, colder than T" for line in cold)]
