"""A run in a few numbers: what the command line prints."""

from typing import Any

import numpy as np
import typer
import xarray as xr

from deepglass.cli import Format, print_json, table
from simulate.registry import system_in


def summary(run: xr.Dataset) -> dict[str, Any]:
    """The numbers of a run that its JSON holds: those of its system, and what every run has.

    With several t_w they are of the longest; ``t_w`` lists all.
    """
    return {
        "steps": int(run.attrs["steps"]),
        **system_in(run.attrs).numbers(run),
        "replica_steps_per_second": float(run.attrs["replica_steps_per_second"]),
        "t_w": run["t_w"].values,
    }


def describe(run: xr.Dataset) -> str:
    """The same for a reader; a pair of columns per late overlap and t_w."""
    numbers, system = summary(run), system_in(run.attrs)
    speed = f"{numbers['replica_steps_per_second']:.0f} replica-steps/s"
    lines = [system.heading(run.attrs), ", ".join([*system.told(numbers), speed])]
    columns: list[tuple[str, Any]] = [("layer", np.arange(1, int(run.attrs["depth"]) + 1))]
    several = run.sizes["t_w"] > 1
    for t_w in run["t_w"].values:
        at = f" (t_w {t_w})" if several else ""
        for name in system.late:
            star = run.sel(t_w=t_w)[[f"{name}_star", f"{name}_star_error"]]
            columns += [(f"{name}*{at}", _by_weights(star[f"{name}_star"]))]
            columns += [("+-", _by_weights(star[f"{name}_star_error"]))]
    return "\n".join([*lines, table(columns)] if system.late else lines)


def show(run: xr.Dataset, said: str, format: Format) -> None:
    """Print a run that has ended, and its warnings; ``said`` is what happened to it."""
    if run.attrs["warnings"]:
        typer.echo(f"warning: {run.attrs['warnings']}", err=True)
    if format is Format.json:
        print_json(summary(run))
    else:
        typer.echo(describe(run))
        typer.echo(said)


def _by_weights(values: xr.DataArray) -> Any:
    """One value for each layer of weights; the last leads to frozen neurons, which are not shown."""
    return np.append(values.values[1:-1], np.nan) if "neuron_layer" in values.dims else values.values
