"""Runs to be judged: Gaussian overlaps of a known mean, as a deep perceptron would have them."""

import numpy as np
import xarray as xr
from scipy import stats

from theory import solve_profile

DEPTH = 3
ALPHA = 8.0
FALSE_ALARM = 1e-4
SIZES = (20, 40, 80, 160)
ATTRIBUTES = {
    "code_version": "test",
    "system": "deep-perceptron", "depth": DEPTH, "width": 100, "patterns": 800, "steps": 30, "samples": 1,
    "replicas": 3, "seed": 0, "alpha": ALPHA, "temperature": 0.0, "dt": 0.0, "eta": 0.0, "data": "random",
    "classes": "", "start": "small", "c_scale": "1", "protocol": "", "run_id": "", "scenario": "random",
    "potential": "hard", "margin": 0.0,
}  # fmt: skip
GAUSSIAN, SITE = (
    solve_profile("random", DEPTH, ALPHA, closure=closure).to_dataset().assign_attrs(code_version="test")
    for closure in ("gaussian", "site")
)


def uniform(p) -> bool:
    return stats.kstest(p, "uniform").pvalue > FALSE_ALARM


def a_run(seed: int, profile=GAUSSIAN, samples=8, noise=0.02, shift=0.0, **attributes) -> xr.Dataset:
    """Overlaps of a profile plus ``shift`` and noise, the same part in all layers and pairs of a sample."""
    random = np.random.default_rng(seed)
    pairs, times, waits = 3, [1, 10, 20, 25], [5, 10]
    data = {}
    common = random.standard_normal((len(waits), len(times), samples, 1, 1))
    for name, layer in (("q", "neuron_layer"), ("Q", "weight_layer")):
        clean = profile[name].values + shift
        own = random.standard_normal((len(waits), len(times), samples, pairs, len(clean)))
        values = clean + noise * (0.5 * common + own)
        values[0, 3] = values[1, 3] = np.nan
        values[0, 3] = 7.0  # late for the first t_w, which is not the one to be judged
        data[name] = (("t_w", "t", "sample", "pair", layer), values)
        for star in (f"{name}_star", f"{name}_star_error"):
            data[star] = (("t_w", layer), np.zeros((len(waits), len(clean))))
    coordinates = {
        "t_w": waits, "t": times, "sample": np.arange(samples), "neuron_layer": np.arange(DEPTH + 1),
        "weight_layer": np.arange(1, DEPTH + 1),
    }  # fmt: skip
    return xr.Dataset(data, coordinates, {**ATTRIBUTES, "seed": seed, **attributes})


def numbers(entries, name):
    return [getattr(entry, name) for entry in entries]
