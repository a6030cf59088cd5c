"""One predicted profile and one measured run, aligned layer by layer.

The Ising theory on random data and the thermal machine are different models: their agreement is
described (phases, alpha_eff), not tested, and no z-score is formed.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from compare import effective_alpha
from compare.effective_alpha import MEANING, EffectiveAlpha
from compare.measured import at_waiting_time
from deepglass import phases
from deepglass.errors import InvalidInput


@dataclass(frozen=True)
class Overlay:
    """What an overlay says.

    Attributes:
        layers: Dataset over ``neuron_layer`` 0..L: ``predicted``, ``measured``, ``error`` (standard error
            over samples, missing for one sample), ``predicted_phase``, ``measured_phase``.
        predicted, measured: extent of the solid on each side.
        alpha_theory, alpha_run: storage ratios of the two.
        alpha_eff: the theory's alpha whose profile is nearest to the measured one.
        warnings: what the reader must know before believing the picture.
        captions: parameters of profile and run, one line each.
        null: what of the run's data is not the images' own, such as "labels shuffled"; empty if nothing is.
    """

    layers: xr.Dataset
    predicted: phases.Extent
    measured: phases.Extent
    alpha_theory: float
    alpha_run: float
    alpha_eff: EffectiveAlpha
    warnings: tuple[str, ...]
    captions: tuple[str, ...]
    null: str = ""

    def columns(self) -> dict[str, list[Any]]:
        """The table, hidden layers only (the boundaries are frozen on both sides)."""
        hidden = self.layers.isel(neuron_layer=slice(1, -1))
        return {
            "layer": hidden["neuron_layer"].values.tolist(),
            **{str(name): hidden[name].values.tolist() for name in hidden.data_vars},
        }

    def as_dict(self) -> dict[str, Any]:
        """The overlay as plain data: the columns of the table and the scalars."""
        return {
            **self.columns(),
            "alpha_theory": self.alpha_theory,
            "alpha_run": self.alpha_run,
            "alpha_eff": self.alpha_eff.alpha,
            "alpha_eff_bound": self.alpha_eff.bound,
            "alpha_eff_rms": self.alpha_eff.rms,
            "xi_s": {side: _depths(getattr(self, side)) for side in ("predicted", "measured")},
            "n_liquid": {"predicted": self.predicted.n_liquid, "measured": self.measured.n_liquid},
            "warnings": list(self.warnings),
        }


def overlay(profile: xr.Dataset, run: xr.Dataset, t_w: int | None = None) -> Overlay:
    """Align a profile and a run of the same depth; the longest ``t_w`` unless one is named.

    Raises InvalidInput if the depths differ, if there is no hidden layer, if the run has no pair
    of replicas to measure an overlap with, or no such t_w.

    >>> from simulate import Protocol, run
    >>> from theory import solve_profile
    >>> measured = run(Protocol(depth=3, width=4, patterns=20, steps=40, waiting_time=20, samples=2))
    >>> found = overlay(solve_profile("random", 3, 5.0).to_dataset(), measured)
    >>> found.columns()["layer"], found.columns()["predicted_phase"]
    ([1, 2], ['liquid', 'liquid'])
    """
    run = at_waiting_time(run, t_w)
    depth, run_depth = int(profile.attrs["depth"]), int(run.attrs["depth"])
    if depth != run_depth:
        raise InvalidInput(f"profile of depth {depth} and run of depth {run_depth}: depths must be equal")
    if depth < 2:
        raise InvalidInput("depth = 1 has no hidden layer to compare; use depth >= 2")
    if run.sizes["pair"] == 0:
        raise InvalidInput("run has 1 replica and therefore no measured overlap; use replicas >= 2")
    aligned = xr.Dataset(
        {
            "predicted": profile["q"],
            "measured": run["q_star"],
            "error": run["q_star_error"],
        }
    ).reset_coords(drop=True)
    for side in ("predicted", "measured"):
        aligned[f"{side}_phase"] = ("neuron_layer", phases.phase(aligned[side].values))
    a, b = profile.attrs, run.attrs
    alpha_theory, alpha_run = float(a["alpha"]), float(b["alpha"])
    measured = aligned["measured"].values
    if np.isnan(measured).any():
        raise InvalidInput("run holds a layer whose overlap is missing (all its particles are zero)")
    nearest = effective_alpha.fit(
        measured,
        a["scenario"],
        float(a["margin"]),
        a["branch"],
        closure=a["closure"],
        potential="soft" if "beta" in a else "hard",
        beta=float(a["beta"]) if "beta" in a else None,
    )
    return Overlay(
        layers=aligned,
        predicted=phases.extent(aligned["predicted"]),
        measured=phases.extent(measured),
        alpha_theory=alpha_theory,
        alpha_run=alpha_run,
        alpha_eff=nearest,
        warnings=tuple(_warnings(alpha_theory, alpha_run, nearest, run)),
        captions=_captions(profile, run),
        null=_null(run),
    )


def _warnings(alpha_theory: float, alpha_run: float, nearest: EffectiveAlpha, run: xr.Dataset) -> list[str]:
    found = []
    if not np.isclose(alpha_theory, alpha_run, rtol=1e-6):
        found.append(f"alpha differs: theory {alpha_theory:g}, run {alpha_run:g}")
    if nearest.bound:
        found.append(f"alpha_eff {nearest} is only a {nearest.bound} bound: {MEANING[nearest.bound]}")
    if run.sizes["sample"] < 2:
        found.append("one sample: no error bar can be given")
    if run.attrs.get("warnings"):
        found.append(f"run: {run.attrs['warnings']}")
    return found


def _null(run: xr.Dataset) -> str:
    found = {name: run.attrs.get(name, "own") for name in ("images", "labels")}
    return ", ".join(f"{name} {value}" for name, value in found.items() if value != "own")


def _captions(profile: xr.Dataset, run: xr.Dataset) -> tuple[str, ...]:
    a, b = profile.attrs, run.attrs
    steps = int(a.get("rsb", 0))
    symmetry = f"{steps} steps of replica symmetry breaking" if steps else "replica symmetric"
    return (
        f"theory: {a['scenario']}, L = {a['depth']}, alpha = {a['alpha']:g}, margin {a['margin']:g},"
        f" {a['closure']} closure, {symmetry}, {a['branch']} branch",
        f"run: {b['data']} (classes {b['classes'] or '-'}), L = {b['depth']}, N = {b['width']},"
        f" M = {b['patterns']}, alpha = {b['alpha']:g}, T = {b['temperature']:g}, dt = {b['dt']:g},"
        f" eta = {b['eta']:g}, c = {b['c_scale']}, {b['start']} start",
        f"t_w = {int(run['t_w'])}, t = {b['steps'] - int(run['t_w'])},"
        f" {b['samples']} samples x {b['replicas']} replicas, seed {b['seed']}",
    )


def _depths(extent: phases.Extent) -> dict[str, float]:
    return {"input": extent.xi_input, "output": extent.xi_output}
