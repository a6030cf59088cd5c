"""One layer, exactly solved by replicas: measured overlap, energy and error of generalization beside it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from compare.finite_size import limit
from compare.hotelling import Test
from compare.resampling import standard_error
from paper_figures.perceptron.studies import ONE_LAYER, ONE_LAYER_SIZES
from paper_figures.stored.results import Results
from theory import solve_profile
from theory.predictions import generalization_of

STEP = 1e-3
"""Of beta, relative, in the derivative that gives the energy."""


@dataclass(frozen=True, eq=False)
class Row:
    """A quantity of an ensemble: by size (mean, error), its limit of large N, the prediction and its test."""

    ensemble: str
    quantity: str
    measured: Mapping[int, tuple[float, float]]
    limit: tuple[float, float]
    predicted: float
    test: Test


def rows(results: Results) -> list[Row]:
    """All that is stored at two sizes or more, each with two samples or more."""
    found = []
    for name in ONE_LAYER:
        predictions = predicted(name)
        stored = {n: results.get("one_layer", f"{name}.N={n}") for n, _ in ONE_LAYER_SIZES[results.size]}
        known = {n: r for n, r in stored.items() if r is not None and r.sizes["sample"] > 1}
        if len(known) < 2:
            continue
        values = {n: _values(r, list(predictions)) for n, r in known.items()}
        limits = limit(list(values), list(values.values()))
        expected = np.array(list(predictions.values()))
        for k, quantity in enumerate(predictions):
            by_size = {n: (float(v[:, k].mean()), float(standard_error(v[:, k]))) for n, v in values.items()}
            at_end = float(limits.value[k]), float(limits.error[k])
            found.append(Row(name, quantity, by_size, at_end, float(expected[k]), limits.test(k, expected)))
    return found


def predicted(name: str) -> dict[str, float]:
    """Overlap; the error of generalization with a teacher, the energy of a gap without."""
    alpha, *_, values = ONE_LAYER[name]
    if values.get("scenario") != "random":
        profile = solve_profile("teacher-student", 1, alpha)
        overlap = float(profile.Q[0])  # with each other and with the teacher
        return {
            "Q": overlap,
            "Q with the teacher": overlap,
            "generalization error": generalization_of(profile).error,
        }
    beta = 1 / values["temperature"]
    profile = solve_profile("random", 1, alpha, potential="soft", beta=beta)
    low, high = (
        solve_profile("random", 1, alpha, potential="soft", beta=beta * (1 + sign * STEP)).entropy
        for sign in (-1, 1)
    )
    return {"Q": float(profile.Q[0]), "energy of a gap": (low - high) / (2 * STEP * beta)}


def _values(result: xr.Dataset, quantities: list[str]) -> np.ndarray:
    """One number a sample and quantity, at the last time, (samples, quantities)."""
    last = result.isel(t_w=-1).sel(t=int(result.attrs["steps"]))
    gaps = int(result.attrs["width"]) * int(result.attrs["patterns"])
    known = {
        "Q": last["Q"].values[:, 0],
        "Q with the teacher": last["Q_teacher"].values[:, 0],
        "generalization error": last["generalization_error"].values,
        "energy of a gap": last["E"].values / gaps,
    }
    return np.stack([known[name] for name in quantities], axis=1).astype(float)
