"""What a student has learnt: its error on a fresh input against alpha, for chains of several depths.

The equilibrium branch is shown; the error drops by a jump (dotted) where the crystal takes over. At depth 1
it is Gibbs learning, 0.625/alpha. Each further layer takes a square root of the mismatch it is handed, so
that the exponent halves with every layer: ``alpha^(-1/2^(L-1))``.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from paper_figures.checks import Check, known
from paper_figures.sheet import Paths, Row, page, sequence, targets, write
from theory import transitions
from theory.predictions import Generalization, generalization

COLUMNS = ("depth", "branch", "alpha", "error")


@dataclass(frozen=True)
class Settings:
    """Depths and points per decade."""

    depths: tuple[int, ...]
    density: int


SETTINGS = {"smoke": Settings((1, 2, 3), 2), "laptop": Settings((1, 2, 3, 5, 10), 25)}
CROSSINGS = {2: 9.931434704, 3: 16.44871916, 5: 34.72914216, 10: 100.8798738}


def make(folder: Path, size: str = "laptop", overwrite: bool = False) -> list[Check]:
    """Draw it into ``folder``; returns the checked numbers."""
    settings, paths = SETTINGS[size], targets(folder, "generalization", overwrite)
    grid = np.logspace(-1.0, 6.0, 7 * settings.density + 1)
    curves, checks = {}, []
    for depth in settings.depths:
        crossing = next(
            (c.alpha for c in transitions("teacher-student", depth).first_order if c.above == "crystal"), None
        )
        curves[depth] = _curve(depth, grid, crossing)
        if crossing is not None:
            checks.append(known(f"L = {depth}: jump to the crystal", crossing, CROSSINGS[depth], 1e-8))
    last = curves[1][-1]
    checks.insert(
        0,
        Check(
            "L = 1: alpha times the error at alpha = 1e6 (Gibbs 0.625)", last.alpha * last.error, 0.625, 5e-4
        ),
    )
    for depth, curve in curves.items():
        late = [point for point in curve if point.alpha > 0.9e5 and point.error > 0.0]
        exponent = -float(np.polyfit(np.log([p.alpha for p in late]), np.log([p.error for p in late]), 1)[0])
        name = f"L = {depth}: exponent of the error, 1e5 to 1e6"
        expected = (0.5 ** (depth - 1), 2e-3) if depth < 5 else (None, None)
        checks.append(Check(name, exponent, *expected))
        checks.append(Check(f"L = {depth}: error at alpha = 1e6", curve[-1].error))
    _draw(curves, paths, overwrite)
    return checks


def _curve(depth: int, grid: np.ndarray, crossing: float | None) -> list[Generalization]:
    """The error along the grid, with both sides of the jump."""
    sides = [] if crossing is None else [crossing * (1.0 - 1e-9), crossing * (1.0 + 1e-9)]
    return [generalization(depth, float(alpha)) for alpha in np.sort(np.concatenate([grid, sides]))]


def _draw(curves: dict[int, list[Generalization]], paths: Paths, overwrite: bool) -> None:
    rows: list[Row] = []
    with page(3.6, 3.4) as figure:
        axis = figure.subplots()
        for (depth, curve), colour in zip(curves.items(), sequence(len(curves)), strict=True):
            parts = {name: [p for p in curve if p.branch == name] for name in ("continuous", "crystal")}
            for part in filter(None, parts.values()):
                axis.plot([p.alpha for p in part], [p.error for p in part], color=colour)
            if all(parts.values()):
                jump = [parts["continuous"][-1], parts["crystal"][0]]
                axis.plot([p.alpha for p in jump], [p.error for p in jump], ":", color=colour, lw=1.1)
            axis.plot([], [], color=colour, label=f"$L = {depth}$")
            rows += [(depth, p.branch, p.alpha, p.error) for p in curve]
        alphas = np.array([2.0, 1e6])
        axis.plot(alphas, 0.625 / alphas, "--", color="k", lw=0.9, label=r"$0.625/\alpha$")
        rows += [("asymptote", "", alpha, 0.625 / alpha) for alpha in alphas]
        axis.set(xscale="log", yscale="log", xlim=(0.1, 1e6), ylim=(3e-7, 1.0))
        axis.set(xlabel=r"storage ratio $\alpha$", ylabel=r"generalization error $\epsilon_g$")
        axis.legend(loc="lower left")
        write(figure, COLUMNS, rows, paths, overwrite)
