"""A run in a few numbers: what the command line prints."""

import math
from typing import Any

import numpy as np
import xarray as xr

from deepglass.cli import table


def summary(run: xr.Dataset) -> dict[str, Any]:
    """The numbers of a run that its JSON holds; hidden layers only for ``q_star``.

    ``energy_ratio`` is E(steps)/E(2), E averaged over replicas and samples (missing for one step);
    accuracies and
    ``kinetic_temperature`` (<v^2> of all particles, m = k_B = 1) are those of the last time.
    """
    steps = int(run.attrs["steps"])
    energy = run["E"].mean(["sample", "replica"])
    ratio = float(energy.sel(t=steps) / energy.sel(t=2)) if steps >= 2 else math.nan
    last = run.sel(t=steps)
    return {
        "steps": steps,
        "energy_ratio": ratio,
        "test_accuracy": {name: float(last[f"A_{name}"].mean()) for name in ("tanh", "sgn")},
        "q_star": run["q_star"].values[1:-1],
        "Q_star": run["Q_star"].values,
        "kinetic_temperature": float(last["kinetic"].mean()),
        "replica_steps_per_second": float(run.attrs["replica_steps_per_second"]),
    }


def describe(run: xr.Dataset) -> str:
    """The same for a reader."""
    numbers = summary(run)
    a = run.attrs
    layers = np.arange(1, int(a["depth"]) + 1)
    # Weight layer L leads to the frozen labels: it has no hidden neurons beside it.
    hidden = {name: np.append(run[name].values[1:-1], np.nan) for name in ("q_star", "q_star_error")}
    columns = [
        ("layer", layers),
        ("q*", hidden["q_star"]),
        ("+-", hidden["q_star_error"]),
        ("Q*", run["Q_star"].values),
        ("+-", run["Q_star_error"].values),
    ]
    head = (
        f"thermal machine on {a['data']}: L = {a['depth']}, N = {a['width']}, M = {a['patterns']}"
        f" (alpha = {a['alpha']:g}), T = {a['temperature']:g},"
        f" {a['samples']} samples x {a['replicas']} replicas"
    )
    accuracy = numbers["test_accuracy"]
    whole = (
        f"E({numbers['steps']})/E(2) = {numbers['energy_ratio']:.4g},"
        f" test accuracy tanh {accuracy['tanh']:.3f} sgn {accuracy['sgn']:.3f},"
        f" <v^2> = {numbers['kinetic_temperature']:.3g},"
        f" {numbers['replica_steps_per_second']:.0f} replica-steps/s"
    )
    return "\n".join([head, whole, table(columns)])
