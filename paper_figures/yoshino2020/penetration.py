"""How far the solid reaches: where each layer freezes, and the penetration depth xi against ln alpha.

xi is the interpolated layer at which the overlap falls to 1/e. If it were proportional to ln alpha, its
slope would be the same in every decade; the slopes are measured, not assumed.
"""

import math
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from scipy.optimize import brentq

from deepglass.errors import NotConverged
from deepglass.phases import THRESHOLD
from paper_figures.checks import Check, known
from paper_figures.sheet import BLUE, GREEN, ORANGE, Row, page, targets, write
from paper_figures.yoshino2020.profiles import is_stationary
from theory import solve_hierarchy, solve_profile, transitions
from theory.broken import Hierarchy
from theory.gaussian import Array
from theory.predictions import Slope, Thresholds, layer_thresholds, penetration_of

COLUMNS = ("panel", "solution", "k", "stationary", "alpha", "layer", "xi")
THRESHOLDS = {
    ("random", 10): (2.467401100, 21.0117, 86.0946, 282.88, 619.30),
    ("random", 20): (2.467401100, 21.0117, 86.0946, 282.88),
    ("teacher-student", 10): (2.467401100, 12.915625538, 38.421296416, 88.866830383, 138.826063977),
    ("teacher-student", 20): (2.467401100, 12.915625538, 38.421296416, 88.866830383, 172.622, 289.847),
}
DECADES = ((10.0, 100.0), (100.0, 1e3), (1e3, 1e4), (1e4, 1e6))
LABELS = {
    "random": ("random, RS", BLUE, "o"),
    "teacher-student": ("teacher-student, continuous branch", ORANGE, "s"),
}


@dataclass(frozen=True)
class Settings:
    """``density``, ``broken_density``: points per decade of RS and of RSB with ``k`` steps, the latter up to
    ``top``; ``layers``: those whose freezing is searched in RSB, to ``precision`` in ln alpha.
    """

    depth: int
    density: int
    broken_density: int
    top: float
    k: int
    layers: tuple[int, ...]
    precision: float


SETTINGS = {
    "smoke": Settings(10, 3, 3, 60.0, 1, (2,), 3e-2),
    "laptop": Settings(20, 8, 4, 1e3, 5, (2, 3), 5e-3),
}


def make(folder: Path, size: str = "laptop", overwrite: bool = False) -> list[Check]:
    """Draw it into ``folder``; returns the checked numbers."""
    settings, paths = SETTINGS[size], targets(folder, "penetration", overwrite)
    alphas = np.logspace(0.0, 6.0, 6 * settings.density + 1)
    found = {scenario: layer_thresholds(scenario, settings.depth) for scenario in LABELS}
    curves = {
        scenario: np.array([solve_profile(scenario, settings.depth, float(alpha)).q for alpha in alphas])
        for scenario in LABELS
    }
    broken = _broken(settings)
    thresholds = {scenario: found[scenario].alpha[: settings.depth // 2] for scenario in LABELS}
    freezing = {1: float(thresholds["random"][0])}
    freezing |= {layer: _freezing(layer, thresholds["random"], settings) for layer in settings.layers}
    crystal = [
        c.alpha for c in transitions("teacher-student", settings.depth).first_order if c.above == "crystal"
    ]

    checks: list[Check] = []
    for scenario in LABELS:
        checks += _layers(scenario, settings.depth, found[scenario])
        checks += _slopes(f"{scenario}, RS", alphas, curves[scenario])
        checks.append(_saturation(f"{scenario}, continuous, RS", curves[scenario]))
    steps = f"random, RSB k = {settings.k}"
    checks += [Check(f"{steps}: layer {layer} freezes at alpha", alpha) for layer, alpha in freezing.items()]
    q = np.array([hierarchy.q[:, -1] for hierarchy in broken])
    missing = len(_grid(settings)) - len(broken)
    checks.append(Check(f"{steps}: storage ratios without a stable solution", missing))
    checks += _slopes(steps, np.array([hierarchy.alpha for hierarchy in broken]), q)
    checks += [Check("teacher-student: the crystal takes over at alpha", alpha) for alpha in crystal]

    rows: list[Row] = []
    with page(7.0, 3.3) as figure:
        left, right = figure.subplots(1, 2)
        for scenario, (label, colour, mark) in LABELS.items():
            rows += _thresholds(left, thresholds[scenario], label, 0, mark, colour)
            xi = penetration_of(alphas, curves[scenario]).xi_input
            right.plot(alphas, xi, "-", color=colour)
            rows += [("xi", label, 0, True, a, "", x) for a, x in zip(alphas, xi, strict=True)]
        reached = np.full(max(freezing), np.nan)
        reached[[layer - 1 for layer in freezing]] = list(freezing.values())
        rows += _thresholds(left, reached, "random, RSB", settings.k, "D", GREEN)
        rows += _levels(right, broken, settings.k)
        for alpha in crystal:
            rows.append(
                ("the crystal takes over", LABELS["teacher-student"][0], 0, True, alpha, "", math.nan)
            )
            for axis in (left, right):
                axis.axvline(alpha, color=ORANGE, ls=":", lw=1.0)
        for axis in (left, right):
            axis.set(xscale="log", xlabel=r"storage ratio $\alpha$")
        left.set(ylabel="layer $l$ that freezes", yticks=range(1, settings.depth // 2 + 1))
        right.set(ylabel=r"penetration depth $\xi_s$ ($q_l = 1/e$)", xlim=(1, 1e6), ylim=(0, None))
        note = f"$L = {settings.depth}$\ndashed: break points\nnot stationary\ndotted: crystal takes over"
        left.text(0.03, 0.97, note, transform=left.transAxes, va="top", fontsize=6.5)
        figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=3)
        write(figure, COLUMNS, rows, paths, overwrite)
    return checks


def _thresholds(axis: Axes, alpha: Array, label: str, k: int, mark: str, colour: str) -> list[Row]:
    """Alpha at which each layer freezes; open marks for broken symmetry."""
    layers = np.arange(1, alpha.size + 1)
    face, size = ("none", 6.5) if k else (colour, 4.0)
    name = rf"{label}, $k = {k}$" if k else label
    axis.plot(alpha, layers, mark, color=colour, mfc=face, ms=size, label=name)
    return [("threshold", label, k, "", a, int(n), math.nan) for a, n in zip(alpha, layers, strict=True)]


def _levels(axis: Axes, broken: list[Hierarchy], k: int) -> list[Row]:
    """The penetration of the innermost level, dashed where break points are not stationary."""
    alphas = np.array([found.alpha for found in broken])
    xi = penetration_of(alphas, np.array([found.q[:, -1] for found in broken])).xi_input
    stationary = np.array([is_stationary(found) for found in broken])
    last = int(np.argmin(stationary)) if not stationary.all() else stationary.size
    axis.plot(alphas[:last], xi[:last], "-", color=GREEN)
    axis.plot(alphas[max(last - 1, 0) :], xi[max(last - 1, 0) :], "--", color=GREEN)
    return [
        ("xi", "random, RSB", k, bool(s), a, "", x) for a, x, s in zip(alphas, xi, stationary, strict=True)
    ]


def _layers(scenario: str, depth: int, found: Thresholds) -> list[Check]:
    """Where the layers freeze, and how the ratios of successive ones shrink."""
    name = f"{scenario}, L = {depth}"
    expected = THRESHOLDS[scenario, depth]
    checks = [
        known(f"{name}: layer {layer} freezes at alpha", found.alpha[layer - 1], alpha, 2e-5)
        for layer, alpha in enumerate(expected, start=1)
    ]
    checks.append(Check(f"{name}: last layer freezes at alpha", float(found.steps[-1])))
    ratios = [float(ratio) for ratio in found.ratios[:6]]
    return checks + [
        Check(f"{name}: alpha of layer {i + 2} / layer {i + 1}", r) for i, r in enumerate(ratios)
    ]


def _saturation(name: str, q: Array) -> Check:
    return Check(f"{name}: centre overlap at alpha = 1e6 less 1/e", float(q[-1].min()) - THRESHOLD)


def _slopes(name: str, alphas: Array, q: Array) -> list[Check]:
    """Slope of xi in ln alpha, decade by decade, with the standard error as a number of its own."""
    checks = []
    for low, high in DECADES:
        slope: Slope = penetration_of(alphas, q, (low * 0.999, high * 1.001)).slope_input
        if math.isfinite(slope.value):
            label = f"{name}: d xi/d ln alpha, {low:g} to {high:g}"
            checks += [Check(label, slope.value), Check(f"{label}, error", slope.error)]
    return checks


def _grid(settings: Settings) -> Array:
    """The storage ratios of the broken solutions."""
    count = round(math.log10(settings.top / 3.0) * settings.broken_density) + 1
    return np.geomspace(3.0, settings.top, count)


def _broken(settings: Settings) -> list[Hierarchy]:
    """The broken solutions that are found: beyond alpha about 75 the flow may miss a stable one."""
    found = []
    for alpha in _grid(settings):
        with suppress(NotConverged):
            found.append(solve_hierarchy("random", settings.depth, float(alpha), settings.k))
    return found


def _freezing(layer: int, symmetric: Array, settings: Settings) -> float:
    """Where a layer freezes beside a broken one: ``alpha (2/pi)^2 q_k^2 = 1`` with its neighbour's q_k.

    Small overlaps decouple level by level; the innermost, the largest of the neighbour's, is the first. NaN
    if a solution on the way is not found.
    """

    def excess(log_alpha: float) -> float:
        found = solve_hierarchy("random", settings.depth, math.exp(log_alpha), settings.k)
        neighbour = max(float(found.q[layer - 1, -1]), 1e-6)
        return 2.0 * math.log(neighbour) + log_alpha + 2.0 * math.log(2.0 / math.pi)

    high = math.log(symmetric[layer - 1])
    low = high - 0.6
    try:
        while excess(low) > 0.0:
            low, high = low - 0.4, low
        return math.exp(float(brentq(excess, low, high, xtol=settings.precision)))
    except NotConverged:
        return math.nan
