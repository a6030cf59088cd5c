"""How long layers remember: the time at which a correlation has fallen to a level, by sample and layer."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from compare.measured import at_waiting_time
from compare.motion import first_passage
from deepglass import phases
from deepglass.errors import InvalidInput


def crossing(
    values: xr.DataArray, level: float = phases.THRESHOLD, *, logarithmic: bool = True
) -> NDArray[np.float64]:
    """Per sample the time at which values (t, sample) first fall to ``level``, linear in ln t or else in t.

    Missing where they never do.
    """
    array = values.transpose("sample", "t").values.astype(float)
    t = values["t"].values.astype(float)
    known = np.isfinite(array) & (t > 0)
    return np.array(
        [first_passage(t[k], x[k], level, logarithmic=logarithmic) for x, k in zip(array, known, strict=True)]
    )


def relaxation_times(
    run: xr.Dataset,
    name: str = "c",
    t_w: int | None = None,
    *,
    level: float = phases.THRESHOLD,
    plateau: xr.DataArray | float = 0.0,
) -> xr.DataArray:
    """tau of every layer and sample of a run: where (x - plateau)/(1 - plateau) first falls to ``level``.

    ``name``: of a correlation or overlap x that starts at 1 (``c``, ``C``, ``q``, ``Q``, ``q_teacher``, ...),
    its mean over replicas or pairs; ``t_w`` is the longest unless named. ``plateau``: what x tends to, by
    layer: a prediction, or an overlap that was measured. In steps since t_w, dimensions (sample, layer);
    missing where the level is not reached, as in the frozen ends. Raises InvalidInput for a variable the run
    lacks, and for a plateau of 1 or more.

    >>> t = np.arange(1000)
    >>> c = np.exp(-t / 100)[None, :, None, None]
    >>> run = xr.Dataset({"C": (("t_w", "t", "sample", "weight_layer"), c)}, coords={"t_w": [0], "t": t})
    >>> relaxation_times(run, "C").values.round(1).tolist()
    [[100.0]]
    """
    if name not in run or not {"t", "sample"} <= set(run[name].dims):
        raise InvalidInput(f"run lacks a correlation {name!r} along t and sample")
    late = at_waiting_time(run, t_w)[name]
    mean = late.mean([str(d) for d in late.dims if d in ("replica", "pair")])
    (layer,) = (str(d) for d in mean.dims if d not in ("t", "sample"))
    bottom = xr.zeros_like(mean[layer], dtype=float) + plateau
    inner = bottom.isel({layer: slice(1, -1)}) if layer == "neuron_layer" else bottom
    if not bool((inner < 1).all()):
        raise InvalidInput(f"plateau = {inner.values.tolist()} must be below 1 in every layer")
    scaled = (mean - bottom) / (1 - bottom).where(bottom < 1)
    columns = [_first(scaled.sel({layer: x}), level) for x in mean[layer].values]
    return xr.DataArray(
        np.stack(columns, axis=1),
        dims=("sample", layer),
        coords={"sample": mean["sample"].values, layer: mean[layer].values},
        name=f"tau_{name}",
        attrs={"long_name": f"time at which {name} falls to {level:.3g} of its way", "units": "steps"},
    )


def _first(values: xr.DataArray, level: float) -> NDArray[np.float64]:
    """As :func:`crossing`; before the first time after 0, linear in t from t = 0."""
    found = crossing(values, level)
    if 0 in values["t"].values:
        begun = values.sel(t=0).values
        t = float(values["t"].values[values["t"].values > 0].min())
        then = values.sel(t=t).values
        early = (begun > level) & (then <= level)
        found[early] = t * (begun - level)[early] / (begun - then)[early]
    return found
