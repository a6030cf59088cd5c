"""A run in a few numbers: what the command line prints."""

import math
from typing import Any

import numpy as np
import xarray as xr

from deepglass.cli import table


def summary(run: xr.Dataset) -> dict[str, Any]:
    """The numbers of a run that its JSON holds; hidden layers only for ``q_star``.

    ``energy_ratio`` is E(steps)/E(2), E averaged over replicas and samples (missing for one step);
    accuracies and ``kinetic_temperature`` (<v^2> of all particles, m = k_B = 1) are those of the last time.
    With several t_w they are of the longest; ``t_w`` lists all.
    """
    steps = int(run.attrs["steps"])
    late = run.isel(t_w=-1)
    energy = late["E"].mean(["sample", "replica"])
    ratio = float(energy.sel(t=steps) / energy.sel(t=2)) if steps >= 2 else math.nan
    last = late.sel(t=steps)
    return {
        "steps": steps,
        "energy_ratio": ratio,
        "test_accuracy": {name: float(last[f"A_{name}"].mean()) for name in ("tanh", "sgn")},
        "q_star": late["q_star"].values[1:-1],
        "Q_star": late["Q_star"].values,
        "kinetic_temperature": float(last["kinetic"].mean()),
        "replica_steps_per_second": float(run.attrs["replica_steps_per_second"]),
        "t_w": run["t_w"].values,
    }


def describe(run: xr.Dataset) -> str:
    """The same for a reader; one pair of columns of overlaps per t_w."""
    numbers = summary(run)
    a = run.attrs
    columns: list[tuple[str, Any]] = [("layer", np.arange(1, int(a["depth"]) + 1))]
    several = run.sizes["t_w"] > 1
    for t_w in run["t_w"].values:
        at = f" (t_w {t_w})" if several else ""
        # Weight layer L leads to the frozen labels: it has no hidden neurons beside it.
        one = run.sel(t_w=t_w)
        hidden = {name: np.append(one[name].values[1:-1], np.nan) for name in ("q_star", "q_star_error")}
        columns += [
            (f"q*{at}", hidden["q_star"]),
            ("+-", hidden["q_star_error"]),
            (f"Q*{at}", one["Q_star"].values),
            ("+-", one["Q_star_error"].values),
        ]
    accuracy = numbers["test_accuracy"]
    whole = (
        f"E({numbers['steps']})/E(2) = {numbers['energy_ratio']:.4g},"
        f" test accuracy tanh {accuracy['tanh']:.3f} sgn {accuracy['sgn']:.3f},"
        f" <v^2> = {numbers['kinetic_temperature']:.3g},"
        f" {numbers['replica_steps_per_second']:.0f} replica-steps/s"
    )
    return "\n".join([heading(a), whole, table(columns)])


def heading(a: dict[str, Any]) -> str:
    """One line that says what was simulated, from the attributes of a run."""
    return (
        f"thermal machine on {a['data']}: L = {a['depth']}, N = {a['width']}, M = {a['patterns']}"
        f" (alpha = {a['alpha']:g}), T = {a['temperature']:g},"
        f" {a['samples']} samples x {a['replicas']} replicas"
    )
