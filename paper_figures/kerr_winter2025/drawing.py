"""What these figures share: stored motion, its labels, and curves."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from compare.glassy import Glassy, glassy
from compare.measured import at_waiting_time
from paper_figures.stored.results import Results

Values = NDArray[np.float64]

COLD = 1e-5
"""T up to which the motion should be that of T = 0."""


def age(result: xr.Dataset, t_w: int) -> int:
    """Steps between the training and t_w."""
    return int(t_w) - int(result.attrs["train_steps"])


def main_t_w(result: xr.Dataset) -> int:
    """The second waiting time, where most is measured; the only one where there is one."""
    return int(result["t_w"].values[min(1, result.sizes["t_w"] - 1)])


def survey(
    results: Results, study: str, label: str, null: str | None = None
) -> tuple[xr.Dataset, Glassy] | None:
    """A stored result and its motion at the main t_w, beside a control; None where it is not there."""
    found = results.get(study, label)
    walks = None if null is None else results.get("controls", null)
    return None if found is None else (found, glassy(found, walks, t_w=main_t_w(found)))


def curves(result: xr.Dataset, name: str, t_w: int | None = None, **chosen: float) -> tuple[Values, Values]:
    """Times > 0 since t_w and a variable (sample, temperature, t)."""
    late = at_waiting_time(result, main_t_w(result) if t_w is None else t_w)[name].sel(chosen)
    values = late.astype(float).transpose("sample", "temperature", "t").values
    known = ~np.isnan(values).all(axis=(0, 1)) & (late["t"].values > 0)
    return late["t"].values[known].astype(float), values[..., known]


def temperature(value: float) -> str:
    """As a label."""
    if value == 0:
        return "$T=0$"
    exponent = np.log10(value)
    shown = f"10^{{{round(exponent)}}}" if abs(exponent - round(exponent)) < 1e-9 else f"{value:g}"
    return f"$T={shown}$"
