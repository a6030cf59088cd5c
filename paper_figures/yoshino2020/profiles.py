"""Overlap profiles of a deep chain, alpha over six decades: symmetric and broken, random and teacher-student.

Replica symmetry is broken for random data only: a student is as close to its teacher as to another student
(Nishimori), which leaves no room for a hierarchy. The teacher-student panels show the equilibrium, the
branch of larger entropy; where that is the crystal the continuous branch is dotted.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import log_ndtr

from paper_figures.checks import Check, at_most, known
from paper_figures.sheet import Paths, Row, page, power, sequence, targets, write
from theory import Profile, solve_hierarchy, solve_profile
from theory.broken import Hierarchy

DEPTH = 20
ALPHAS = (1.0, 10.0, 1e2, 1e3, 1e4, 1e5, 1e6)
STATIONARY = 1e-6
"""A hierarchy whose entropy changes less than this with its break points, see :func:`is_stationary`."""

COLUMNS = ("panel", "branch", "k", "stationary", "alpha", "overlap", "layer", "value")

RESULTS = ("random, RS", "random, RSB", "teacher-student")


@dataclass(frozen=True)
class Settings:
    """``broken``: the alphas of the broken solutions; ``steps``: their k, the last one drawn in full."""

    broken: tuple[float, ...]
    steps: tuple[int, ...]


SETTINGS = {"smoke": Settings(ALPHAS[:3], (1, 3)), "laptop": Settings(ALPHAS, (5, 10))}


def is_stationary(hierarchy: Hierarchy) -> bool:
    """Whether the entropy is stationary in the range of the break points; if not, the branch ended before.

    Few levels: when all break points scale together. Many: in the last, which then lies on the plateau.
    """
    stretch = float(hierarchy.m @ hierarchy.m_slope)
    return min(abs(stretch), abs(float(hierarchy.m_slope[-1]))) < STATIONARY


@dataclass(frozen=True)
class Line:
    """One profile as drawn."""

    panel: str
    branch: str
    k: int
    stationary: bool
    alpha: float
    q: np.ndarray
    Q: np.ndarray
    style: str
    width: float


def make(folder: Path, size: str = "laptop", overwrite: bool = False) -> list[Check]:
    """Draw it into ``folder``; returns the checked numbers."""
    settings, paths = SETTINGS[size], targets(folder, "profiles", overwrite)
    lines: list[Line] = []
    checks: list[Check] = []
    random = {alpha: solve_profile("random", DEPTH, alpha) for alpha in ALPHAS}
    lines += [_symmetric(RESULTS[0], profile, "-") for profile in random.values()]
    learned = {
        alpha: solve_profile("teacher-student", DEPTH, alpha, branch="equilibrium") for alpha in ALPHAS
    }
    for alpha, profile in learned.items():
        lines.append(_symmetric(RESULTS[2], profile, "-"))
        if profile.branch == "crystal":
            lines.append(_symmetric(RESULTS[2], solve_profile("teacher-student", DEPTH, alpha), ":"))
    broken = [
        solve_hierarchy("random", DEPTH, alpha, k)
        for k in settings.steps
        for alpha in settings.broken
        if not (k == 1 and alpha > 400.0)
    ]
    lines += [_broken(found, settings.steps[-1]) for found in broken]

    symmetric = [*random.values(), *learned.values()]
    checks.append(at_most("RS: largest residual", max(p.certificate.residual for p in symmetric), 1e-9))
    checks.append(at_most("RSB: largest residual", max(h.certificate.residual for h in broken), 1e-7))
    checks.append(
        at_most(
            "left-right symmetry", max(float(np.max(np.abs(line.q - line.q[::-1]))) for line in lines), 1e-6
        )
    )
    for scenario, fronts in (("random", (0, 1, 3, 5)), ("teacher-student", (0, 1, 4))):
        for alpha, front in zip(ALPHAS, fronts, strict=False):
            q = (random if scenario == "random" else learned)[alpha].q[1:-1]
            name = f"{scenario}: frozen layers at each end, alpha = {alpha:g}"
            checks.append(Check(name, float(np.sum(q > 0.0)) / 2, float(front), 0.0))
    crystals = [alpha for alpha, profile in learned.items() if profile.branch == "crystal"]
    checks.append(
        Check("teacher-student: first alpha drawn whose equilibrium is the crystal", crystals[0], 1e3, 0.0)
    )
    for found in broken:
        name = f"random, k = {found.k}, alpha = {found.alpha:g}: q_k of layer 1"
        name += "" if is_stationary(found) else ", break points not stationary"
        checks.append(Check(name, float(found.q[1, -1])))
    for alpha in ALPHAS[1:]:
        checks.append(Check(f"random, RS, alpha = {alpha:g}: q of layer 1", float(random[alpha].q[1])))
    first = solve_profile("random", 1, 1.0)
    checks.append(known("L = 1, alpha = 1: Q^2 as its own equation", *_gardner(first), 1e-8))
    _draw(lines, settings, paths, overwrite)
    return checks


def _gardner(profile: Profile) -> tuple[float, float]:
    """Both sides of ``Q/(1-Q)^2 = alpha w0(Q)`` at depth 1, the right one by Gauss-Hermite quadrature."""
    Q = float(profile.Q[0])
    z, weight = np.polynomial.hermite_e.hermegauss(120)
    u = np.sqrt(Q / (1.0 - Q)) * z
    mills = np.exp(-0.5 * u * u - log_ndtr(u)) / np.sqrt(2.0 * np.pi)
    right = float(weight @ mills**2) / np.sqrt(2.0 * np.pi) / (1.0 - Q)
    return Q / (1.0 - Q) ** 2, profile.alpha * right


def _symmetric(panel: str, profile: Profile, style: str) -> Line:
    return Line(panel, profile.branch, 0, True, profile.alpha, profile.q, profile.Q, style, 1.2)


def _broken(found: Hierarchy, last: int) -> Line:
    stationary = is_stationary(found)
    style, width = ("-" if stationary else "--", 1.2) if found.k == last else (":", 0.9)
    return Line(
        RESULTS[1],
        "continuous",
        found.k,
        stationary,
        found.alpha,
        found.q[:, -1],
        found.Q[:, -1],
        style,
        width,
    )


def _draw(lines: list[Line], settings: Settings, paths: Paths, overwrite: bool) -> None:
    colours = dict(zip(ALPHAS, sequence(len(ALPHAS)), strict=True))
    rows: list[Row] = []
    with page(7.0, 4.3) as figure:
        axes = figure.subplots(2, 3, sharex=True, sharey=True)
        for line in lines:
            column = RESULTS.index(line.panel)
            for row, (name, values, first) in enumerate((("q", line.q, 0), ("Q", line.Q, 1))):
                layers = np.arange(first, DEPTH + 1)
                full = line.width > 1.0 and line.style != ":"
                axes[row, column].plot(
                    layers, values, line.style, color=colours[line.alpha], lw=line.width,
                    marker="o" if full else None, ms=2.2,
                )  # fmt: skip
                rows += [
                    (line.panel, line.branch, line.k, line.stationary, line.alpha, name, int(layer), value)
                    for layer, value in zip(layers, values, strict=True)
                ]
        steps = settings.steps
        titles = (
            "random, RS",
            f"random, RSB: level $k = {steps[-1]}$",
            "teacher-student (RS), equilibrium",
        )
        for axis, title in zip(axes[0], titles, strict=True):
            axis.set_title(title, fontsize=8.5)
        for axis in axes[1]:
            axis.set(xlabel="layer $l$", xticks=range(0, DEPTH + 1, 5))
        axes[0, 0].set(ylabel="neuron overlap $q_l$", ylim=(-0.03, 1.05))
        axes[1, 0].set_ylabel("weight overlap $Q_l$")
        notes = {
            (0, 1): f"dotted: $k = {', '.join(map(str, steps[:-1]))}$\ndashed: break points\nnot stationary",
            (0, 2): "$\\alpha \\geq 10^3$: crystal, at 1\ndotted: the continuous\nbranch there",
        }
        for place, note in notes.items():
            axes[place].text(
                0.5, 0.9, note, transform=axes[place].transAxes, ha="center", va="top", fontsize=6.5
            )
        handles = [axes[0, 0].plot([], [], "o-", ms=2.2, color=c)[0] for c in colours.values()]
        labels = [rf"$\alpha =$ {power(alpha)}" for alpha in colours]
        figure.legend(handles, labels, loc="outside upper center", ncols=7, fontsize=7, columnspacing=1.0)
        write(figure, COLUMNS, rows, paths, overwrite)
