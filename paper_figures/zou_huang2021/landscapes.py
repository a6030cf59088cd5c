"""Entropy landscapes of weight space around solutions, part by part: the paper's main figure.

Entropy s against distance d from a reference, by belief propagation in both directions of the tilt: lines
rising, dashes falling. Deep networks: one hump, below the bound of independent coins; the interior follows
the bound. Shallow: two branches, of which :mod:`.transition` says what they are worth. Below: the whole deep
network at the energy of its reference, and the states of the TAP equations.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from numpy.typing import NDArray

from compare.resampling import standard_error
from paper_figures.sheet import AMBER, BLUE, GREEN, ORANGE, Paths, Row, absent, page, write
from paper_figures.stored.results import Results
from paper_figures.stored.scores import OPEN, Score, judged
from paper_figures.zou_huang2021.inferred import DIRECTIONS, reports, stored
from paper_figures.zou_huang2021.part_of_network import LEVELS
from theory.inverse_ising import Landscape, entropy_bound, hysteresis

STUDIES = ("ensembles",)
INFERRED = "under"

Panel = Sequence[tuple[str, str, tuple[str, ...]]]
"""Label, part, and names of fits of which the first that is there is drawn."""

BETHE, PSEUDO = ("authors",), ("authors.pseudo",)
OWN = ("exact.pseudo", "pseudo", "exact.independent")
PANELS: Mapping[str, Panel] = {
    "under-parametrised": [("authors.up", part, BETHE) for part in ("input", "interior", "output")],
    "over-parametrised": [("authors.op", part, BETHE) for part in ("input", "interior", "output")],
    "Fashion-MNIST": [("authors.fashion", part, BETHE) for part in ("input", "interior", "output")],
    "whole network": [("authors.up", "full", PSEUDO), ("authors.op", "full", PSEUDO)],
    "shallow": [("authors.shallow", "full", BETHE)],
    "our networks": [("under", part, OWN) for part in ("input", "interior", "output")],
}
"""Six panels; those of the authors' models and of our own ensembles."""

COLOUR = {"input": BLUE, "interior": GREEN, "output": ORANGE, "full": AMBER}
AT = (0.1, 0.2, 0.3, 0.4)
"""Distances at which entropies are compared."""

ENTROPY: Mapping[tuple[str, str, str], float] = {
    ("authors.up", "input", "authors"): 0.6350, ("authors.up", "interior", "authors"): 0.6889,
    ("authors.up", "output", "authors"): 0.6260, ("authors.op", "input", "authors"): 0.6188,
    ("authors.op", "interior", "authors"): 0.6634, ("authors.op", "output", "authors"): 0.6315,
    ("authors.fashion", "input", "authors"): 0.6494, ("authors.fashion", "interior", "authors"): 0.6354,
    ("authors.fashion", "output", "authors"): 0.6422, ("authors.up", "full", "authors.pseudo"): 0.6250,
    ("authors.op", "full", "authors.pseudo"): 0.6297,
}  # fmt: skip
"""Entropies without tilt, of an independent belief propagation on the authors' models (1e-3)."""

CURVES: Mapping[tuple[str, str, str], tuple[tuple[float, float], ...]] = {
    ("authors.up", "full", "authors.pseudo"): (
        (0.295, 0.295),
        (0.454, 0.454),
        (0.551, 0.551),
        (0.606, 0.606),
    ),
    ("authors.up", "interior", "authors"): ((0.316, 0.323), (0.480, 0.496), (0.579, 0.604), (0.646, 0.669)),
    ("authors.up", "input", "authors"): ((0.28, 0.28), (0.43, 0.43), (0.535, 0.535), (0.60, 0.60)),
    ("authors.up", "output", "authors"): ((0.28, 0.29), (0.42, 0.45), (0.52, 0.55), (0.585, 0.61)),
    ("authors.op", "interior", "authors"): ((0.311, 0.319), (0.474, 0.487), (0.578, 0.590), (0.641, 0.645)),
    ("authors.op", "full", "authors.pseudo"): ((0.297, 0.297), (0.454, 0.454), (0.552, 0.552), (0.61, 0.61)),
}
"""Entropies at AT of the same, lowest and highest of several references."""

SLACK = 0.006
"""By which other references may differ from those."""

BETA = ((-2.0, 2.03), (-1.0, 1.24), (-0.5, 1.22), (0.0, 1.25), (0.5, 1.05), (1.0, 0.84), (2.0, 0.66))
"""Inverse temperature at the reference's energy, whole network, under-parametrised."""

TAP: Mapping[tuple[str, str, str], tuple[float, ...]] = {
    ("authors.shallow", "full", "authors"): (338.05, 296.34),
    ("authors.up", "full", "authors.pseudo"): (517.41,),
    ("authors.op", "full", "authors.pseudo"): (515.28,),
}
"""ln Z of the TAP states, of the whole system."""

COLUMNS = ("panel", "ensemble", "part", "fit", "level", "direction", "quantity", "x", "d", "value")


def draw(results: Results, paths: Paths | None, overwrite: bool) -> list[Score]:
    """Draw what is stored, into files if ``paths`` says where; returns its numbers."""
    rows: list[Row] = []
    scores: list[Score] = []
    with page(7.2, 6.2) as sheet:
        axes = sheet.subplots(3, 3)
        for axis, (title, panel) in zip(axes.flat, PANELS.items(), strict=False):
            drawn = False
            for label, part, fits in panel:
                found = stored(results.data, results.size, label, part)
                name = _first(found, fits)
                if found is None or name is None:
                    continue
                drawn = True
                word = part if len(panel) > 2 else label
                colour = COLOUR[part] if len(panel) > 2 or label != "authors.op" else BLUE
                rows += _curves(title, found, name, axis, colour, word)
                scores += _scores(results, found, name)
            _dress(axis, title, drawn)
        rows += _iso(results, axes[2, 0], axes[2, 1], scores)
        rows += _tap(results, axes[2, 2], scores)
        if not scores:
            scores.append(Score("entropy without tilt", math.nan))
        write(sheet, COLUMNS, rows, paths, overwrite)
    return scores


def _first(found: xr.Dataset | None, fits: Sequence[str]) -> str | None:
    """The first of the fits that gave a model."""
    if found is None:
        return None
    told = reports(found)
    return next((name for name in fits if told.get(name, {}).get("model")), None)


def _dress(axis: Axes, title: str, drawn: bool) -> None:
    d = np.linspace(0, 1, 201)
    axis.plot(d, entropy_bound(d), ":", color="0.4", lw=0.9)
    axis.set(xlabel="distance $d$", ylabel="entropy $s$", xlim=(0, 1), ylim=(0, 0.72))
    axis.set_title(title, fontsize=8)
    if drawn:
        axis.legend(fontsize=6, loc="lower center")
    else:
        absent(axis, "not inferred")


def _curves(title: str, found: xr.Dataset, name: str, axis: Axes, colour: str, word: str) -> list[Row]:
    """All levels, both directions, of the first reference of each."""
    rows: list[Row] = []
    one = found.sel(fit=name).isel(reference=0)
    for level in LEVELS:
        for way in DIRECTIONS:
            here = one.sel(level=level, direction=way)
            told = word if level == "El" and way == 1 else None
            axis.plot(here.d, here.s, "-" if way == 1 else "--", color=colour, lw=0.8, label=told)
            head = (title, found.attrs["label"], found.attrs["part"], name, level, way, "s")
            rows += [
                (*head, float(x), float(d), float(s))
                for x, d, s in zip(here.x.values, here.d.values, here.s.values, strict=True)
            ]
    return rows


def _sweeps(one: xr.Dataset) -> tuple[Landscape, Landscape] | None:
    """Rising and falling sweep of a reference (x,) where both are whole."""
    x, nothing = one.x.values.astype(np.float64), np.full(one.sizes["x"], np.nan)
    found = []
    for way in DIRECTIONS:
        here = one.sel(direction=way)
        d, s = (here[name].values.astype(np.float64) for name in ("d", "s"))
        if not np.isfinite(d).all():
            return None
        log_z = here.log_z.values.astype(np.float64)
        found.append(Landscape(x, d, s, nothing, log_z, nothing, way, 0.0, 0))
    return found[0], found[1]


def _entropies(sweep: Landscape) -> NDArray[np.float64]:
    """s at AT, by its distance from the bound, which is the smoother; NaN where the sweep jumps over one."""
    d = sweep.d[::-1]
    values = entropy_bound(AT) + np.interp(AT, d, sweep.s[::-1] - entropy_bound(np.clip(d, 0.0, 1.0)))
    gap = [np.min(np.abs(d - at)) for at in AT]
    found: NDArray[np.float64] = np.where(np.array(gap) < 0.12, values, np.nan)
    return found


def _scores(results: Results, found: xr.Dataset, name: str) -> list[Score]:
    """Entropy, its shape, and the disagreement of directions, over all references; null: the bound."""
    label, part = str(found.attrs["label"]), str(found.attrs["part"])
    at, key = f"{label} {part}, {name}", (label, part, name)
    told = reports(found)[name]
    scores = []
    wanted = ENTROPY.get(key)
    bounds = OPEN if wanted is None else judged(results, wanted - 1e-3, wanted + 1e-3)
    scores.append(
        Score(f"{at}: entropy without tilt", told["bethe_entropy"], null=math.log(2), within=bounds)
    )
    one = found.sel(fit=name)
    sweeps = [
        _sweeps(one.sel(level=level).isel(reference=k))
        for level in LEVELS
        for k in range(one.sizes["reference"])
    ]
    whole = [pair for pair in sweeps if pair is not None]
    if not whole:
        return [*scores, Score(f"{at}: largest step of d", math.nan)]
    steps = [max(float(rising.steps.max()), float(falling.steps.max())) for rising, falling in whole]
    shallow = label.endswith("shallow") and name == "authors"
    loose = shallow or label not in ("authors.up", "authors.op")
    most = 0.1 * float(found.x[1] - found.x[0]) / 0.05
    scores.append(
        Score(
            f"{at}: largest step of d, mean over references", float(np.mean(steps)),
            float(standard_error(steps)),
            within=judged(results, 0.5, 0.7) if shallow else OPEN if loose else judged(results, 0.0, most),
        )
    )  # fmt: skip
    apart = [hysteresis(*pair) for pair in whole]
    share = float(np.mean([gap is not None for gap in apart]))
    expected = judged(results, 1.0, 1.0) if shallow else OPEN if loose else judged(results, 0.0, 0.0)
    scores.append(Score(f"{at}: references with hysteresis, share", share, within=expected))
    ends = [gap for gap in apart if gap is not None]
    if ends:
        for word, values, low, high in (
            ("lower", [gap.lower for gap in ends], -1.75, -1.45),
            ("upper", [gap.upper for gap in ends], 1.15, 1.45),
        ):
            scores.append(
                Score(
                    f"{at}: {word} end of the hysteresis in x", float(np.mean(values)),
                    float(standard_error(values)),
                    within=judged(results, low, high) if shallow else OPEN,
                )
            )  # fmt: skip
    if not shallow:
        table = np.array([_entropies(rising) for rising, _ in whole])
        for k, distance in enumerate(AT):
            row = table[:, k]
            bounds = OPEN
            if key in CURVES:
                low, high = CURVES[key][k]
                bounds = judged(results, low - SLACK, high + SLACK)
            scores.append(
                Score(
                    f"{at}: s at d = {distance:g}", float(row.mean()), float(standard_error(row)),
                    null=float(entropy_bound(distance)), within=bounds,
                )
            )  # fmt: skip
    return scores


def _iso(results: Results, left: Axes, right: Axes, scores: list[Score]) -> list[Row]:
    """beta(x) and s(d) at the energy of the lowest reference."""
    found = stored(results.data, results.size, "authors.up", "full")
    left.set(xlabel="tilt $x$", ylabel=r"$\beta$ at constant energy")
    right.set(xlabel="distance $d$", ylabel="entropy $s$ at constant energy", xlim=(0, 1), ylim=(0, 0.72))
    name = _first(found, PSEUDO)
    rows: list[Row] = []
    if found is None or name is None or "iso_beta" not in found:
        absent(left, "not inferred")
        return rows
    one = found.sel(fit=name)
    for way in DIRECTIONS:
        here = one.sel(direction=way)
        left.plot(here.iso_x, here.iso_beta, "o-" if way == 1 else "s--", color=BLUE, ms=3, mfc="none")
        right.plot(here.iso_d, here.iso_s, "o-" if way == 1 else "s--", color=BLUE, ms=3, mfc="none")
        for x, d, s, beta in zip(
            here.iso_x.values, here.iso_d.values, here.iso_s.values, here.iso_beta.values, strict=True
        ):
            head = ("constant energy", "authors.up", "full", name, "El", way)
            rows += [
                (*head, "beta", float(x), float(d), float(beta)),
                (*head, "s", float(x), float(d), float(s)),
            ]
    grid = np.linspace(0, 1, 201)
    right.plot(grid, entropy_bound(grid), ":", color="0.4", lw=0.9)
    rising = one.sel(direction=1)
    left.plot(*zip(*BETA, strict=True), "x", color="0.3", ms=4, label="independent run")
    left.legend(fontsize=6)
    for x, beta in BETA:
        near = np.flatnonzero(np.abs(rising.iso_x.values - x) < 1e-9)
        value = float(rising.iso_beta.values[near[0]]) if near.size else math.nan
        scores.append(
            Score(
                f"authors.up full, {name}: beta at constant energy, x = {x:g}", value,
                within=judged(results, beta - 0.03, beta + 0.03),
            )
        )  # fmt: skip
    return rows


def _tap(results: Results, axis: Axes, scores: list[Score]) -> list[Row]:
    """ln Z per spin of the TAP states, and how many starts led there."""
    rows: list[Row] = []
    names, position = [], 0
    for key, expected in TAP.items():
        label, part, name = key
        found = stored(results.data, results.size, label, part)
        told: Mapping[str, Any] = {} if found is None else reports(found).get(name, {})
        if found is None or "tap" not in told:
            continue
        values, starts = told["tap"], told["tap_starts"]
        N = int(found.attrs["N"])
        total = max(sum(starts), 1)
        axis.scatter(
            [v / N for v in values],
            [position] * len(values),
            s=[60 * n / total + 4 for n in starts],
            color=BLUE,
        )
        head = ("TAP", label, part, name, "", "", "ln Z per spin, starts that led there")
        rows += [(*head, n, math.nan, v / N) for v, n in zip(values, starts, strict=True)]
        count = len(expected)
        scores.append(
            Score(f"{label} {part}, {name}: TAP states", len(values), within=judged(results, count, count))
        )
        for k, wanted in enumerate(expected):
            scores.append(
                Score(
                    f"{label} {part}, {name}: ln Z of TAP state {k + 1}",
                    values[k] if k < len(values) else math.nan,
                    within=judged(results, wanted - 0.02, wanted + 0.02),
                )
            )
        names.append(label.removeprefix("authors."))
        position += 1
    if names:
        axis.set_yticks(range(position), names)
        axis.set(xlabel=r"$\ln Z/N$ of TAP states", ylim=(-0.5, position - 0.5))
        axis.margins(x=0.15)
    else:
        absent(axis, "not inferred")
    return rows
