"""What figures of the deep perceptron read off stored results: late overlaps, curves, times, verdicts."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from compare import Verdict, equilibrium, verdict
from compare.relaxation import relaxation_times
from simulate.store import over_samples

SAME = ("q_aligned", "Q_aligned")
"""Overlaps of students, hidden neurons in each other's sign."""

TEACHER = ("q_aligned_teacher", "Q_aligned_teacher")
"""The same with the teacher: equal in equilibrium."""


SUSPECT = 0.1
"""Level at which students and teacher are told apart: few samples are to notice a run on its way too."""


def late(result: xr.Dataset, name: str) -> tuple[np.ndarray, np.ndarray]:
    """A variable at the last time since the last t_w: mean over samples and its standard error, by layer."""
    at_wait = result[name].isel(t_w=-1)
    last = at_wait.sel(t=int(result.attrs["steps"]) - int(at_wait["t_w"]))
    mean, error = over_samples(last.astype(float))
    return mean.values, error.values


def curve(result: xr.Dataset, name: str, layer: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times > 0 since the last t_w, mean and standard error of one layer."""
    values = result[name].isel(t_w=-1)
    (dim,) = (str(d) for d in values.dims if d not in ("t", "sample"))
    mean, error = over_samples(values.sel({dim: layer}).astype(float).transpose("t", "sample"))
    shown = (values["t"].values > 0) & np.isfinite(mean.values)
    return values["t"].values[shown], mean.values[shown], error.values[shown]


def verdict_on(result: xr.Dataset, profiles: Sequence[xr.Dataset]) -> str:
    """The judge's words on the aligned overlaps of a stored result.

    Where students are not as far from each other as from the teacher it is not in equilibrium, and said to
    be on its way.
    """
    state = meeting(result)
    if state != "all layers meet":
        return f"on its way ({state})"
    return verdict(profiles, [_paired(result)], variables=SAME).verdict


def meeting(result: xr.Dataset) -> str:
    """Whether students are as far from each other as from the teacher, in words."""
    return equilibrium(_paired(result), variables=SAME, level=SUSPECT).verdict


def at_infinity(results: Sequence[xr.Dataset], profiles: Sequence[xr.Dataset]) -> Verdict:
    """The judge's verdict on aligned overlaps of stored results of several sizes, extrapolated in 1/c or
    1/N."""
    return verdict(profiles, [_paired(result) for result in results], variables=SAME)


def _paired(result: xr.Dataset) -> xr.Dataset:
    """As the judge reads it: means over pairs are one pair."""
    return result.assign({name: result[name].expand_dims("pair") for name in (*SAME, *TEACHER)})


def times(result: xr.Dataset, name: str, layers: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Relaxation times of layers, the geometric mean over samples and its relative error; missing beyond."""
    tau = relaxation_times(result, name)
    (dim,) = (str(d) for d in tau.dims if d != "sample")
    chosen = tau.sel({dim: list(layers)})
    mean, error = over_samples(chosen.copy(data=np.log(chosen.values)))
    return np.exp(mean.values), error.values


def output_less_input(found: xr.Dataset) -> np.ndarray:
    """Q_L - Q_1 at the end, by sample: 0 in the gaussian closure, whatever c does to both alike."""
    end = int(found.attrs["steps"])
    values = (
        found["Q_aligned"].isel(t_w=-1).sel(t=end).transpose("sample", "weight_layer").values.astype(float)
    )
    apart: np.ndarray = values[:, -1] - values[:, 0]
    return apart
