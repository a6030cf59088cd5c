"""Which closure do dilute chains obey? Overlaps of students who left their teacher, beside both predictions.

Above: the last overlap of every layer of weights, for networks of growing c and N. Below: how the overlap of
the first layer, next to the input, falls with time (full) and that with the teacher (dotted): in equilibrium
they are equal. Hidden neurons are in the other's sign (:mod:`simulate.perceptron.gauge`).
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from compare.resampling import standard_error
from paper_figures.checks import Check
from paper_figures.perceptron.one_layer import rows as exact
from paper_figures.perceptron.overlaps import SAME, TEACHER, curve, late, output_less_input
from paper_figures.perceptron.studies import CHAINS, DILUTE, label
from paper_figures.sheet import BLUE, ORANGE, Colour, Paths, Row, page, sequence, write
from paper_figures.stored.results import Results
from theory import CLOSURES, solve_profile

STUDIES = ("one_layer", "chains")
SHOWN = (
    "L=2.alpha=2.hard", "L=2.alpha=4.hard", "L=3.alpha=4.hard", "L=5.alpha=4.hard", "L=2.alpha=12.beta=5",
)  # fmt: skip
"""Chains that are drawn; the numbers are of all."""

COLUMNS = ("chain", "what", "c", "N", "kind", "layer", "t", "value", "error")
STYLE: Mapping[str, tuple[str, str]] = {"gaussian": (BLUE, "-"), "site": (ORANGE, "--")}

Axes = np.ndarray
"""Two panels, one above the other."""


def draw(results: Results, paths: Paths, overwrite: bool) -> list[Check]:
    """Draw what is stored; returns distances from predictions and from equilibrium."""
    rows: list[Row] = []
    checks: list[Check] = []
    sizes = DILUTE[results.size]
    with page(7.2, 3.7) as sheet:
        axes = sheet.subplots(2, len(SHOWN))
        for chain in CHAINS:
            profiles = predicted(chain)
            drawn = axes[:, SHOWN.index(chain)] if chain in SHOWN else None
            rows += _expected(profiles, chain)
            if drawn is not None:
                _lines(profiles, drawn)
            for (degree, width, *_), colour in zip(sizes, sequence(len(sizes)), strict=True):
                found = results.get("chains", label(chain, degree, width))
                if found is None:
                    continue
                if drawn is not None:
                    _measured(found, drawn, colour, f"$c={degree}$, $N={width}$")
                rows += _rows(found, chain, degree, width)
                checks += _checks(found, profiles, f"{chain}, c = {degree}, N = {width}")
            if drawn is not None:
                _finish(drawn, chain)
        axes[0, 0].plot([], [], ":", color="0.3", lw=0.9, label="with the teacher")
        handles, names = axes[0, 0].get_legend_handles_labels()
        sheet.legend(handles, names, loc="outside upper center", ncols=6, columnspacing=1.2)
        write(sheet, COLUMNS, rows, paths, overwrite)
    licence = [
        Check(f"one layer, {row.ensemble}: {row.quantity} at 1/N -> 0, p", row.test.p)
        for row in exact(results)
    ]
    return checks + licence


def predicted(chain: str) -> dict[str, xr.Dataset]:
    """What the closures say of a chain, by their names."""
    depth, alpha, temperature = CHAINS[chain]
    potential, beta = ("soft", 1 / temperature) if temperature else ("hard", None)
    return {
        closure: solve_profile(
            "teacher-student", depth, alpha, closure=closure, potential=potential, beta=beta
        ).to_dataset()
        for closure in CLOSURES
    }


def _expected(profiles: Mapping[str, xr.Dataset], chain: str) -> list[Row]:
    rows: list[Row] = []
    for closure, profile in profiles.items():
        for kind in ("q", "Q"):
            layers = profile[kind].values[1:-1] if kind == "q" else profile[kind].values
            rows += [
                (chain, closure, "", "", kind, layer, "", float(value), 0.0)
                for layer, value in enumerate(layers, start=1)
            ]
    return rows


def _lines(profiles: Mapping[str, xr.Dataset], axes: Axes) -> None:
    above, below = axes
    for closure, profile in profiles.items():
        colour, line = STYLE[closure]
        weights = profile["Q"].values
        above.plot(range(1, len(weights) + 1), weights, line, color=colour, lw=1.4, label=closure)
        below.axhline(float(weights[0]), ls=line, color=colour, lw=1.4)


def _measured(found: xr.Dataset, axes: Axes, colour: Colour, name: str) -> None:
    above, below = axes
    mean, error = late(found, "Q_aligned")
    above.errorbar(
        range(1, len(mean) + 1), mean, error, fmt="o", color=colour, ms=3.5, lw=0.9, label=name, capsize=1.5
    )
    t, value, spread = curve(found, "Q_aligned", 1)
    below.plot(t, value, color=colour, lw=1.0)
    below.plot(*curve(found, "Q_aligned_teacher", 1)[:2], ":", color=colour, lw=0.9)
    below.fill_between(t, value - spread, value + spread, color=colour, alpha=0.25, lw=0)


def _finish(axes: Axes, chain: str) -> None:
    above, below = axes
    depth, alpha, temperature = CHAINS[chain]
    core = rf"soft, $\beta={1 / temperature:g}$" if temperature else "hard"
    above.set_title(rf"$L={depth}$, {core}, $\alpha={alpha:g}$", fontsize=7)
    above.set(ylim=(-0.05, 1.05), xlabel="layer $l$")
    above.set_xticks(range(1, depth + 1))
    below.set(xscale="log", ylim=(-0.05, 1.05), xlabel="sweeps $t$")
    below.set_xticks([1, 100, 10_000])
    if chain == SHOWN[0]:
        above.set_ylabel("$Q_l$ at the end")
        below.set_ylabel("$Q_1(t)$, next to the input")
    else:
        above.set_yticklabels([])
        below.set_yticklabels([])


def _rows(found: xr.Dataset, chain: str, degree: int, width: int) -> list[Row]:
    rows: list[Row] = []
    end = int(found.attrs["steps"])
    for what, names in (("measured", SAME), ("with the teacher", TEACHER)):
        for kind, name in zip("qQ", names, strict=True):
            mean, error = (x[1:-1] if kind == "q" else x for x in late(found, name))
            for layer, (value, spread) in enumerate(zip(mean, error, strict=True), start=1):
                rows.append((chain, what, degree, width, kind, layer, end, float(value), float(spread)))
    for t, value, spread in zip(*curve(found, "Q_aligned", 1), strict=True):
        rows.append((chain, "in time", degree, width, "Q", 1, int(t), float(value), float(spread)))
    return rows


def _checks(found: xr.Dataset, profiles: Mapping[str, xr.Dataset], at: str) -> list[Check]:
    """Output less input side, how far the weights are from each closure, and from equilibrium.

    Each closure's own difference stands beside ours.
    """
    mean, _ = late(found, "Q_aligned")
    apart = output_less_input(found)
    told = f"{at}: Q_L - Q_1, error {float(standard_error(apart)):.1g}"
    checks = [
        Check(f"{told}, beside {closure}", float(apart.mean()), float(profile["Q"][-1] - profile["Q"][0]))
        for closure, profile in profiles.items()
    ]
    for closure, profile in profiles.items():
        off = float(np.sqrt(np.mean((mean - profile["Q"].values) ** 2)))
        checks.append(Check(f"{at}: rms distance of Q_l from {closure}", off))
    teacher, _ = late(found, "Q_aligned_teacher")
    checks.append(Check(f"{at}: teacher's Q_l less students', mean", float(np.mean(teacher - mean))))
    return checks
