"""From an ensemble of weights to its Ising models, judged and swept, kept in small files.

:func:`infer` knows nothing of where an ensemble comes from; :func:`.part_of_network.ensembles` makes them of
weights (S, N).
What is inferred is kept by label and part under ``data/SIZE/inferred``, with the hash of all that it was made
from, and made anew only where that differs.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from compare.ising_fits import Attempt, attempt
from compare.ising_models import (
    EDGE,
    branches,
    chain_landscape,
    independent_configurations,
    likelihood,
    sides,
)
from deepglass import schema
from deepglass.errors import InvalidInput, NotConverged
from paper_figures.zou_huang2021.part_of_network import LEVELS, Part, Spins
from paper_figures.zou_huang2021.plans import Plan
from simulate.ising_chains import annealed_log_z
from theory.inverse_ising import (
    IsingModel,
    Landscape,
    Moments,
    entropy_landscape,
    gaussian_multi_information,
    independent_entropy,
    independent_error,
    iso_energy_landscape,
    moment_error,
    tap_states,
)
from theory.inverse_ising.bethe import solve_bethe

Values = NDArray[np.float64]

VERSION = 5
"""Of the method: results of another are made anew."""

QUANTILES = (0.9, 0.5, 0.1)
DIRECTIONS = (1, -1)


def identity(ensemble: Part, plan: Plan) -> str:
    """Hash of everything that a result is made from."""
    told = hashlib.sha256()
    told.update(json.dumps([VERSION, ensemble.part, ensemble.sizes, asdict(plan)]).encode())

    def add(name: str, array: NDArray[Any] | None) -> None:
        told.update(name.encode())
        if array is not None:
            told.update(str(array.shape).encode() + np.ascontiguousarray(array).tobytes())

    add("m", ensemble.moments.m)
    add("C", ensemble.moments.C)
    add("samples", ensemble.samples)
    add("unseen", ensemble.unseen)
    for name, rows in ensemble.references.items():
        add(name, rows)
    for name, model in ensemble.models.items():
        add(f"{name}.J", model.J)
        add(f"{name}.h", model.h)
    return told.hexdigest()[:24]


Tell = Callable[[str], None]


def infer(ensemble: Part, plan: Plan, tell: Tell | None = None) -> xr.Dataset:
    """Fit, judge and sweep; what is kept of it, with dimensions fit, level, reference, direction, x.

    ``d``, ``s``, ``energy``, ``log_z`` by belief propagation and ``chain_d``, ``chain_s``, ``chain_error`` by
    chains; missing where there is no fixed point, or no model. ``gain`` (fit, unseen): ln P of configurations
    left out over that of independent spins. Attributes: ``report``, JSON, of every fit.
    """
    say = tell or (lambda line: None)
    done: dict[str, Attempt] = {
        name: Attempt(model, True, "given", 0.0) for name, model in ensemble.models.items()
    }
    for name in plan.fits:
        done[name] = attempt(
            name, ensemble.moments, ensemble.samples, plan.learning, before=done, seed=plan.seed
        )
        say(f"{ensemble.label}.{ensemble.part}: {name}, {done[name].seconds:.0f} s")
    references = _references(ensemble, plan, done)
    x = np.linspace(*plan.x)
    shape = (len(done), len(LEVELS), plan.references, len(DIRECTIONS), x.size)
    values = {
        name: np.full(shape, np.nan, np.float32)
        for name in (
            "d",
            "s",
            "energy",
            "log_z",
            *(("chain_d", "chain_s", "chain_error") if plan.chains else ()),
        )
    }
    report: dict[str, dict[str, Any]] = {}
    gains: dict[str, Values] = {}
    iso = {name: np.full((len(done), 2, len(plan.iso)), np.nan) for name in ("iso_beta", "iso_d", "iso_s")}
    for f, (name, tried) in enumerate(done.items()):
        report[name] = _told(tried)
        if tried.model is None:
            continue
        model = tried.model
        report[name] |= _bethe(model, ensemble.moments)
        if plan.judged:
            told, gains[name] = _judged(ensemble, model, plan)
            report[name] |= told
        if plan.tap:
            report[name] |= _tap(model, plan)
        for a, k, w in product(range(len(LEVELS)), range(plan.references), range(len(DIRECTIONS))):
            row = references[LEVELS[a]][k]
            most = plan.given_sweeps if name in ensemble.models else plan.bethe_sweeps
            found = _landscape(model, row, x, DIRECTIONS[w], most)
            for key in ("d", "s", "energy", "log_z"):
                values[key][f, a, k, w] = getattr(found, key)
            if plan.chains:
                swept = chain_landscape(
                    model, row, x, DIRECTIONS[w], plan.sampling, log_z=report[name].get("log_z", np.nan),
                    seed=plan.seed + 10 * k + a,
                )  # fmt: skip
                values["chain_d"][f, a, k, w], values["chain_s"][f, a, k, w] = swept.d, swept.s
                values["chain_error"][f, a, k, w] = swept.residual
        if plan.iso and name in ensemble.models:
            row = references["El"][0]
            for w, way in enumerate(DIRECTIONS):
                level = iso_energy_landscape(
                    model,
                    row,
                    np.array(plan.iso),
                    way,
                    beta=plan.iso_beta,
                    tolerance=1e-7,
                    max_sweeps=plan.given_sweeps,
                )
                iso["iso_beta"][f, w], iso["iso_d"][f, w], iso["iso_s"][f, w] = level.beta, level.d, level.s
        say(f"{ensemble.label}.{ensemble.part}: {name} judged and swept")
    return _dataset(ensemble, plan, list(done), x, values, iso, report, gains, references)


def _dataset(
    ensemble: Part, plan: Plan, names: list[str], x: Values, values: Mapping[str, NDArray[Any]],
    iso: Mapping[str, Values], report: Mapping[str, Any], gains: Mapping[str, Values],
    references: Mapping[str, Spins],
) -> xr.Dataset:  # fmt: skip
    dims = ("fit", "level", "reference", "direction", "x")
    moments = ensemble.moments
    found = xr.Dataset(
        {name: (dims, array) for name, array in values.items()},
        coords={"fit": names, "level": list(LEVELS), "direction": list(DIRECTIONS), "x": x},
        attrs={
            "label": ensemble.label, "part": ensemble.part, "depth": len(ensemble.sizes) - 1,
            "sizes": ",".join(map(str, ensemble.sizes)), "N": moments.N,
            "identity": identity(ensemble, plan), "report": json.dumps(report),
            "samples": 0 if ensemble.samples is None else len(ensemble.samples),
            "independent_error": independent_error(moments).total,
            "independent_entropy": independent_entropy(moments.m),
            "multi_information": _information(moments), "visits": json.dumps(_visits(ensemble, references)),
        },
    )  # fmt: skip
    found["m"] = ("spin", moments.m.astype(np.float32))
    if ensemble.unseen is not None and gains:
        nothing = np.full(len(ensemble.unseen), np.nan)
        found["gain"] = (("fit", "unseen"), np.array([gains.get(n, nothing) for n in names], np.float32))
    if plan.iso:
        found = found.assign_coords(iso_x=list(plan.iso))
        for name, array in iso.items():
            found[name] = (("fit", "direction", "iso_x"), array)
    return found


def _told(tried: Attempt) -> dict[str, Any]:
    made = tried.model is not None
    return {
        "model": made, "converged": tried.converged, "reason": tried.reason, "width": tried.width,
    }  # fmt: skip


def _bethe(model: IsingModel, moments: Moments) -> dict[str, Any]:
    """By Bethe averages at zero tilt: error, state, and the branch against the data."""
    both = branches(model, moments.m)
    told = {"bethe_error": np.nan, "bethe_log_z": np.nan, "bethe_energy": np.nan, "bethe_entropy": np.nan}
    try:
        state = solve_bethe(model, tolerance=1e-7)
        told = {
            "bethe_error": moment_error(state.moments, moments).total, "bethe_log_z": state.log_z,
            "bethe_energy": state.energy, "bethe_entropy": state.entropy,
        }  # fmt: skip
    except NotConverged:
        pass
    return told | {"gap": both.gap, "against": both.probability, "branch_overlap": both.overlap}


def _judged(ensemble: Part, model: IsingModel, plan: Plan) -> tuple[dict[str, Any], Values]:
    """By chains: sampled errors from both sides, and the likelihood, also of every unseen configuration."""
    moments, samples = ensemble.moments, ensemble.samples
    start = independent_configurations(moments, plan.sampling.chains, plan.seed + 2)
    seen = sides(model, moments, start, plan.sampling, plan.seed + 3)
    other = -np.inf
    if seen.two:  # annealing along the data sees one branch only
        base = np.arctanh(np.clip(moments.m, -EDGE, EDGE))
        there = annealed_log_z(
            model.J, model.h, -base, chains=plan.sampling.chains, sweeps=plan.sampling.anneal,
            seed=plan.seed + 5, equilibrium=seen.last_other,
        )  # fmt: skip
        other = there.value
    found = likelihood(
        model, moments, seen.last, ensemble.unseen, plan.sampling, seed=plan.seed + 4,
        samples=None if samples is None else len(samples), other_branch=other,
    )  # fmt: skip
    told = {
        "two": seen.two, "other_log_z": other - found.log_z.value,
        "sampled_error": seen.errors[0].total, "sampled_error_other": seen.errors[1].total,
        "noise": seen.noise, "overlap": seen.overlap, "overlap_error": seen.overlap_error,
        "apart": seen.apart, "time": seen.time, "fitted": found.fitted,
        "unseen": found.unseen, "error": found.error, "log_z": found.log_z.value,
        "log_z_error": found.log_z.error, "weights": found.log_z.effective,
    }  # fmt: skip
    return told, found.gains


def _tap(model: IsingModel, plan: Plan) -> dict[str, Any]:
    try:
        found = tap_states(model, plan.tap, plan.seed)
    except NotConverged:
        return {"tap": [], "tap_starts": []}
    return {"tap": (model.N * found.log_z[:6]).tolist(), "tap_starts": list(found.found[:6])}


def _information(moments: Moments) -> float:
    try:
        return gaussian_multi_information(moments)
    except InvalidInput:
        return float("nan")


def _visits(ensemble: Part, references: Mapping[str, Spins]) -> dict[str, float]:
    """Overlap of configurations with the signs of the means: whether they are ever against them."""
    seen = [rows for rows in (ensemble.samples, ensemble.unseen) if rows is not None]
    rows = np.concatenate(seen or list(references.values()))
    overlap = rows @ np.sign(ensemble.moments.m) / ensemble.moments.N
    return {
        "lowest": float(overlap.min()), "mean": float(overlap.mean()), "highest": float(overlap.max()),
        "against": int((overlap < 0).sum()), "of": len(rows),
    }  # fmt: skip


def _references(ensemble: Part, plan: Plan, done: Mapping[str, Attempt]) -> dict[str, Spins]:
    """Those given, or unseen configurations at quantiles of the energy of the best judge there is."""
    if ensemble.references:
        short = [level for level in LEVELS if len(ensemble.references.get(level, ())) < plan.references]
        if short:
            raise InvalidInput(f"references: {short[0]} has fewer than {plan.references} configurations")
        return {level: ensemble.references[level][: plan.references] for level in LEVELS}
    if ensemble.unseen is None:
        raise InvalidInput(f"ensemble {ensemble.label} needs references or unseen configurations")
    models = [done[n].model for n in ("exact.pseudo", "pseudo", "exact.independent", *done) if n in done]
    judge = next((model for model in models if model is not None), None)
    if judge is None:
        raise InvalidInput(f"ensemble {ensemble.label}: no fit gave a model")
    order = np.argsort(judge.energy(ensemble.unseen))
    found = {}
    for level, share in zip(LEVELS, QUANTILES, strict=True):
        first = min(int(share * len(order)), len(order) - plan.references)
        found[level] = ensemble.unseen[order[max(first, 0) :][: plan.references]]
    return found


def _landscape(model: IsingModel, star: Spins, x: Values, way: int, most: int) -> Landscape:
    """With the points so far where messages stop settling."""
    try:
        return entropy_landscape(model, star, x, way, tolerance=1e-7, max_sweeps=most)
    except NotConverged as error:
        last: Landscape = error.last
        return last


# --------------------------------------------------------------------------------------------- storing


def file(data: Path, size: str, label: str, part: str) -> Path:
    """Where the result of a part is kept."""
    return data / size / "inferred" / f"{label}.{part}.nc"


def stored(data: Path, size: str, label: str, part: str) -> xr.Dataset | None:
    """A kept result; None where there is none."""
    path = file(data, size, label, part)
    return schema.read(path, "inferred") if path.is_file() else None


def reports(found: xr.Dataset) -> dict[str, dict[str, Any]]:
    """What is told of every fit of a result, missing numbers as NaN."""
    told: dict[str, dict[str, Any]] = json.loads(found.attrs["report"])
    return told


def complete(
    wanted: Iterable[tuple[Part, Plan]], data: Path, size: str, tell: Tell | None = None
) -> list[Path]:
    """Infer what is missing or was made from something else, and keep it; the files of all."""
    paths = []
    for ensemble, plan in wanted:
        path = file(data, size, ensemble.label, ensemble.part)
        old = stored(data, size, ensemble.label, ensemble.part)
        if old is None or old.attrs["identity"] != identity(ensemble, plan):
            schema.write(infer(ensemble, plan, tell), path, "inferred", overwrite=True)
        paths.append(path)
    return paths
