"""Profiles as predictions of runs: whether they speak of the same thing, and how to tell them apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from compare.hotelling import Array
from compare.measured import PERCEPTRON, equal, system
from deepglass.errors import InvalidInput

SHARED = ("depth", "alpha", "scenario", "potential", "margin", "temperature")
"""Parameters of a profile that a run of the deep perceptron must have too."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """A profile's overlaps ``values`` (2 L - 1,), as :func:`compare.measured.layers` orders them.

    ``name`` tells it from the other profiles; ``replicon`` is None where the profile does not say.
    """

    name: str
    closure: str
    rsb: int
    branch: str
    replicon: float | None
    values: Array


def predictions(profiles: Sequence[xr.Dataset], runs: Sequence[xr.Dataset]) -> tuple[Prediction, ...]:
    """The predictions of profiles for these runs.

    Raises InvalidInput for no profile, for parameters that differ from a run's (of a deep perceptron those of
    :data:`SHARED`; of another system, which the theory does not describe, the depth alone), and for two
    profiles that are the same prediction.
    """
    if not profiles:
        raise InvalidInput("no profile among the files: name one, from `python -m theory profile --out`")
    for profile in profiles:
        for run in runs:
            _comparable(profile, run)
    names = [_name(profile, profiles) for profile in profiles]
    for name in names:
        if names.count(name) > 1:
            raise InvalidInput(f"two profiles are the same prediction ({name}); name each once")
    return tuple(_prediction(profile, name) for profile, name in zip(profiles, names, strict=True))


def _comparable(profile: xr.Dataset, run: xr.Dataset) -> None:
    wanted, given = {"potential": "hard", **_parameters(profile)}, _parameters(run)
    # A hard core violates nothing: temperature 0.
    wanted["temperature"] = 1 / float(wanted["beta"]) if "beta" in wanted else 0.0
    for name in SHARED if system(run) == PERCEPTRON else ("depth",):
        if name not in given:
            raise InvalidInput(f"run of a {PERCEPTRON} lacks the attribute {name}")
        if not equal(wanted[name], given[name]):
            raise InvalidInput(
                f"profile of {name} = {wanted[name]} and run of {name} = {given[name]}: they must be equal"
            )


def _parameters(dataset: xr.Dataset) -> dict[str, Any]:
    """Its attributes; ``hard`` and ``hard-core`` are one potential."""
    found = dict(dataset.attrs)
    if "potential" in found:
        found["potential"] = str(found["potential"]).removesuffix("-core")
    return found


def _name(profile: xr.Dataset, profiles: Sequence[xr.Dataset]) -> str:
    """The closure, and whatever else sets the profile apart from the others."""
    a = profile.attrs
    parts = [str(a["closure"])]
    parts += [f"{a['rsb']}-RSB"] if a.get("rsb", 0) else []
    parts += [str(a["branch"])] if a["branch"] != "continuous" else []
    for name in ("scenario", "alpha", "margin", "potential", "beta"):
        value = a.get(name)
        if value is not None and any(not equal(value, other.attrs.get(name)) for other in profiles):
            parts.append(str(value) if isinstance(value, str) else f"{name} {value:g}")
    return " ".join(parts)


def _prediction(profile: xr.Dataset, name: str) -> Prediction:
    a = profile.attrs
    return Prediction(
        name=name,
        closure=str(a["closure"]),
        rsb=int(a.get("rsb", 0)),
        branch=str(a["branch"]),
        replicon=float(a["replicon"]) if "replicon" in a else None,
        values=np.concatenate([profile["q"].values[1:-1], profile["Q"].values]).astype(float),
    )
