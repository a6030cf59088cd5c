"""Is the jump of the shallow network's landscape a property of its weights, or of the way it was fitted?

The same data are fitted in many ways. Each model is sampled: how far its moments are off, and how likely it
makes the data. A model has a transition where sweeps of the tilt from both sides disagree: chains that are
too slow make this too often, never too seldom. The verdict looks at the models that describe the data as well
as the best one does: :func:`verdict`.

Left: distance against tilt. Middle: likelihood and sampled error of every fit; open marks have a transition.
Right: entropy against distance.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from compare.ising_fits import WEIGHED
from paper_figures.sheet import AMBER, BLUE, GREEN, ORANGE, PINK, Paths, Row, absent, page, write
from paper_figures.stored.results import Results
from paper_figures.stored.scores import Score
from paper_figures.zou_huang2021.inferred import DIRECTIONS, reports, stored
from paper_figures.zou_huang2021.part_of_network import TRUTH
from paper_figures.zou_huang2021.transition_verdict import (
    KNOWING,
    Described,
    Verdict,
    ahead,
    guarded,
    verdict,
)
from theory.inverse_ising import Landscape, entropy_bound
from theory.inverse_ising import hysteresis as disagreement

STUDIES = ("ensembles",)
INFERRED = "shallow"
LABELS = (("authors.shallow",), ("shallow",), ("authors.control",))
"""Ensembles, a row each; of several names the first that is stored. The last is a control that has one."""
PARTS = ("full", "moving")
CONTROL = "authors.control"

STYLE = {
    "authors": (BLUE, "s"), "authors.clamped": (BLUE, "s"), "bethe.zero": (PINK, "D"),
    "bethe.independent": (PINK, "o"), "bethe.scaled": (PINK, "^"), "nmf": (AMBER, "v"),
    "response": (AMBER, "o"), "pseudo": (GREEN, "o"), "exact.zero": (ORANGE, "D"),
    "exact.independent": (ORANGE, "o"), "exact.pseudo": (ORANGE, "^"), "exact.broken": (ORANGE, "s"),
    "truth": (BLUE, "*"), "exact.truth": (ORANGE, "*"), "independent": ("0.5", "x"),
    "exact.independent.free": ("k", "o"), "exact.broken.free": ("k", "s"), "exact.truth.free": ("k", "*"),
}  # fmt: skip
SHOWN = (
    "authors", "authors.clamped", "truth", "bethe.zero", "bethe.independent", "exact.broken", "exact.pseudo",
    "exact.independent", "exact.broken.free",
)  # fmt: skip
"""Fits of which curves are drawn."""

APART = 0.05
"""In d: sweeps that differ by more disagree, where they did on two tilts in a row at least."""
JUMP = 0.2
"""A step of d that is one."""
LINES = {(False, 1): "-", (False, -1): "--", (True, 1): "-.", (True, -1): ":"}
"""By whether a fit shares its colour with another, and direction."""

COLUMNS = ("ensemble", "part", "fit", "level", "reference", "direction", "quantity", "x", "value", "error")


def _of_control(shown: Sequence[tuple[str, str, xr.Dataset]]) -> str:
    return next((verdict(described(found)).word for label, _, found in shown if label == CONTROL), "")


def samples_at_least(m: np.ndarray, digits: float = 1e-4) -> float:
    """How many configurations are behind means that are known to ``digits``: 2/S is the least 1 - |m| > 0."""
    away = 1.0 - np.abs(np.asarray(m, dtype=np.float64))
    return 2.0 / (float(away[away > 0.5 * digits].min()) + 0.5 * digits)


def described(found: xr.Dataset, fewest: float = math.nan) -> list[Described]:
    """Every fit of a stored result that gave a model.

    Where nothing was left out, the likelihood is that of the moments fitted, too high by the optimism of as
    many parameters as there are couplings and fields at most: one nat for each, over the number of
    configurations, of which there are ``fewest`` (by default what the means tell).
    """
    told = reports(found)
    N = int(found.attrs["N"])
    moments_only = int(found.attrs["samples"]) == 0
    count = samples_at_least(found.m.values) if math.isnan(fewest) else fewest
    optimism = N * (N + 1) / 2 / count if moments_only else 0.0
    rows = []
    for name in found.fit.values.tolist():
        one = told[name]
        if not one["model"] or "fitted" not in one:
            continue
        gain = one["fitted"] if moments_only else one["unseen"]
        error = one["log_z_error"] if moments_only else one["error"]
        gains = found["gain"].sel(fit=name).values.astype(np.float64) if "gain" in found else np.empty(0)
        by_chains = _hysteresis(found.sel(fit=name), "chain_d") if "chain_d" in found else []
        by_bethe = _hysteresis(found.sel(fit=name), "d")
        rows.append(
            Described(
                name, gain, error, one["sampled_error"], one["bethe_error"],
                _median(jump for jump, _ in by_chains or by_bethe),
                _median(width for _, width in by_chains or by_bethe), _share(by_chains), _share(by_bethe),
                one["gap"], one["against"], one["weights"], one["log_z_error"],
                0.0 if name == "independent" else optimism, gains,
            )
        )  # fmt: skip
    return rows


def _median(values: Iterable[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return float(np.median(known)) if known else math.nan


def _share(found: Sequence[tuple[float, float]]) -> float:
    """Of the references with a disagreement; NaN if none could be swept."""
    known = [width > 0 for _, width in found if math.isfinite(width)]
    return sum(known) / len(known) if known else math.nan


def _hysteresis(one: xr.Dataset, name: str) -> list[tuple[float, float]]:
    """Largest step of d in either sweep and width of the disagreement in x, for every reference; NaN where a
    sweep is not whole."""
    x = one.x.values.astype(np.float64)
    found = []
    for level in one.level.values:
        for reference in range(one.sizes["reference"]):
            d = [
                one[name].sel(level=level, direction=way).isel(reference=reference).values
                for way in DIRECTIONS
            ]
            if not all(np.isfinite(row).all() for row in d):
                found.append((math.nan, math.nan))
                continue
            sweeps = [_landscape(x, row, way) for row, way in zip(d, DIRECTIONS, strict=True)]
            apart = disagreement(sweeps[0], sweeps[1], APART)
            step = max(float(sweep.steps.max()) for sweep in sweeps)
            # A single tilt apart is a steep crossover between two of the grid.
            width = 0.0 if apart is None else apart.upper - apart.lower
            found.append((step, width))
    return found


def _landscape(x: np.ndarray, d: np.ndarray, way: int) -> Landscape:
    nothing = np.full(x.size, np.nan)
    return Landscape(x, d.astype(np.float64), nothing, nothing, nothing, nothing, way, 0.0, 0)


def present(results: Results) -> list[tuple[str, str, xr.Dataset]]:
    """Label, part and result of what is stored."""
    found = []
    for names in LABELS:
        for label in names:
            parts = [(p, stored(results.data, results.size, label, p)) for p in PARTS]
            if any(result is not None for _, result in parts):
                found += [(label, part, result) for part, result in parts if result is not None]
                break
    return found


def draw(results: Results, paths: Paths | None, overwrite: bool) -> list[Score]:
    """Draw what is stored, into files if ``paths`` says where; returns its numbers."""
    shown = present(results)
    rows: list[Row] = []
    scores: list[Score] = []
    with page(7.2, 2.3 * max(len(shown), 1)) as sheet:
        axes = sheet.subplots(max(len(shown), 1), 3, squeeze=False)
        control = _of_control(shown)
        for (label, part, found), line in zip(shown, axes, strict=False):
            # Spins that hardly move tell most about how many configurations there were.
            fewest = max(samples_at_least(one.m.values) for name, _, one in shown if name == label)
            fits = described(found, fewest)
            said = guarded(verdict(fits), control) if label != CONTROL else verdict(fits)
            rows += _curves(label, part, found, line[0], line[2])
            rows += _fits(label, part, found, fits, line[1])
            rows.append((label, part, "verdict", "", "", "", said.word, "", said.lead, said.error))
            line[1].set_title(f"{label}, {part}: {said.word}", fontsize=7)
            scores += _scores(label, part, found, fits, said)
        if not shown:
            for axis in axes[0]:
                absent(axis, "not inferred")
            scores.append(Score("lead of the best fit", math.nan))
        write(sheet, COLUMNS, rows, paths, overwrite)
    return scores


def _curves(label: str, part: str, found: xr.Dataset, left: Axes, right: Axes) -> list[Row]:
    """d(x) and s(d) of a few fits, at the lowest reference: lines by belief propagation, dots by chains."""
    rows: list[Row] = []
    d = np.linspace(0, 1, 101)
    right.plot(d, entropy_bound(d), ":", color="0.5", lw=0.8, label="bound")
    told = reports(found)
    there = [name for name in SHOWN if told.get(name, {}).get("model")]
    if "exact.pseudo" in there and "exact.independent" in there:
        there.remove("exact.independent")
    for name in there:
        one = found.sel(fit=name, level="El").isel(reference=0)
        colour = STYLE[name][0]
        for way in DIRECTIONS:
            here = one.sel(direction=way)
            line = LINES[name in ("bethe.independent", "exact.broken"), way]
            word = name if way == 1 else None
            left.plot(here.x, here.d, line, color=colour, lw=0.9, label=word)
            right.plot(here.d, here.s, line, color=colour, lw=0.9)
            rows += _listed(label, part, name, way, "d", here.x, here.d)
            rows += _listed(label, part, name, way, "s", here.x, here.s)
            if "chain_d" in here:
                s = _followed(one, way)
                mark = "^" if way == 1 else "v"
                left.plot(here.x[::4], here.chain_d[::4], mark, color=colour, ms=2.2, alpha=0.6)
                right.plot(here.chain_d[::4], s[::4], mark, color=colour, ms=2.2, alpha=0.6)
                error = float(here.chain_error.values.max())
                rows += _listed(label, part, name, way, "d by chains", here.x, here.chain_d, error)
                rows += _listed(label, part, name, way, "s by chains", here.x, s)
    left.set(xlabel="tilt $x$", ylabel="distance $d$", ylim=(-0.03, 1.03))
    right.set(xlabel="distance $d$", ylabel="entropy $s$", xlim=(0, 1), ylim=(-0.02, 0.72))
    left.legend(fontsize=4.5, loc="lower left", handlelength=1.4)
    return rows


def _followed(one: xr.Dataset, way: int) -> xr.DataArray:
    """Entropies by chains (x,) where they are known: on the branch that ln Z at x = 0 is of, up to a jump."""
    s: xr.DataArray = one.chain_s.sel(direction=way)
    d = one.chain_d.sel(direction=way).values
    zero = int(np.argmin(np.abs(one.x.values)))
    if abs(d[zero] - float(one.chain_d.sel(direction=-1)[zero])) > APART:
        return xr.full_like(s, np.nan)
    jumps = np.flatnonzero(np.abs(np.diff(d)) > JUMP)
    below, above = jumps[jumps < zero], jumps[jumps >= zero]
    first = int(below[-1]) + 1 if below.size else 0
    last = int(above[0]) if above.size else d.size - 1
    index = np.arange(d.size)
    known: xr.DataArray = s.where(xr.DataArray((index >= first) & (index <= last), dims="x"))
    return known


def _listed(
    label: str, part: str, name: str, way: int, what: str, x: xr.DataArray, y: xr.DataArray,
    error: float = math.nan,
) -> list[Row]:  # fmt: skip
    return [
        (label, part, name, "El", 0, way, what, float(a), float(b), error)
        for a, b in zip(x.values, y.values, strict=True)
    ]


def _fits(label: str, part: str, found: xr.Dataset, fits: Sequence[Described], axis: Axes) -> list[Row]:
    """Sampled error against likelihood."""
    rows: list[Row] = []
    for fit in fits:
        colour, mark = STYLE.get(fit.name, ("k", "o"))
        for what, value, error in (
            ("gain", fit.gain, fit.error), ("sampled error", fit.seen, math.nan),
            ("Bethe error", fit.bethe, math.nan), ("jump", fit.jump, math.nan),
            ("width of hysteresis", fit.width, math.nan), ("share of references", fit.share, math.nan),
            ("gap", fit.gap, math.nan), ("weight against", fit.against, math.nan),
        ):  # fmt: skip
            rows.append((label, part, fit.name, "", "", "", what, "", value, error))
        if fit.weights < WEIGHED:
            continue
        face = "none" if fit.broken else colour
        axis.errorbar(
            fit.seen, fit.gain, yerr=fit.error, fmt=mark, color=colour, ms=4, mfc=face, lw=0.7, label=fit.name
        )
    noise = min((one["noise"] for one in reports(found).values() if "noise" in one), default=math.nan)
    axis.axvline(found.attrs["independent_error"], color="0.6", lw=0.7, ls=":")
    axis.axvline(noise, color="0.6", lw=0.7, ls="--")
    axis.set(xscale="log", xlabel="sampled moment error", ylabel="likelihood gain [nats]")
    axis.xaxis.set_minor_formatter(NullFormatter())
    top = max((fit.gain for fit in fits if fit.weights >= WEIGHED), default=1.0)
    axis.set_ylim(-0.1 * top, 1.9 * top)
    axis.legend(fontsize=4.5, ncols=2, loc="upper center", columnspacing=0.8, handletextpad=0.2)
    return rows


def _scores(
    label: str, part: str, found: xr.Dataset, fits: Sequence[Described], said: Verdict
) -> list[Score]:
    at = f"{label}, {part}"
    kept = "moments fitted" if int(found.attrs["samples"]) == 0 else "unseen"
    bound = f" (and {said.systematic:.2g} of optimism at most)" if said.systematic > 0 else ""
    lead = f"lead of the best fit over those of the other kind{bound}, nats"
    scores = [Score(f"{at}: verdict '{said.word}'; {lead}", said.lead, said.error)]
    truth = next((fit for fit in fits if fit.name == TRUTH), None)
    learnt = [fit for fit in fits if fit.name not in KNOWING and fit.weights >= WEIGHED]
    if truth is not None and learnt:
        best = max(learnt, key=lambda fit: fit.gain)
        value, error, _ = ahead(truth, best)
        scores.append(Score(f"{at}: lead of the truth over the best fit, {best.name}, nats", value, error))
    free = {fit.name: fit for fit in fits if fit.name.endswith(".free")}
    for began in ("exact.broken.free", "exact.truth.free"):
        if began in free and "exact.independent.free" in free:
            value, error, _ = ahead(free[began], free["exact.independent.free"])
            scores.append(
                Score(
                    f"{at}: without the prior, lead of {began} over exact.independent.free, nats",
                    value,
                    error,
                )
            )
    told_of = reports(found)
    for fit in fits:
        learning = fit.name.startswith("exact")
        proof = ("certified" if told_of[fit.name]["converged"] else "not certified") if learning else ""
        share = fit.bethe_share if math.isnan(fit.share) else fit.share
        told = "a jump" if fit.broken else "not decided" if fit.broken is None else "none"
        scores += [
            Score(
                f"{at}, {fit.name}: likelihood gain, {kept}, nats; sampled error {fit.seen:.3f}"
                + (f", {proof}" if proof else ""), fit.gain, fit.error, null=0.0,
            ),
            Score(
                f"{at}, {fit.name}: width of its hysteresis in x; share of references {share:.2g}: {told}",
                fit.width,
            ),
        ]  # fmt: skip
    seen = _visits(found)
    count = f"{at}: configurations against their means, of {seen['of']:.0f}"
    scores += [
        Score(count, float(seen["against"])),
        Score(f"{at}: lowest overlap of a configuration with the means", float(seen["lowest"])),
    ]
    return scores


def _visits(found: xr.Dataset) -> Mapping[str, Any]:
    told: Mapping[str, Any] = json.loads(found.attrs["visits"])
    return told
