"""Which solution a student finds: entropies of the teacher-student branches against alpha.

The continuous branch grows from zero overlap; the crystal, all overlaps close to 1, appears at a spinodal.
The larger entropy is the equilibrium, so the student jumps where the curves cross, unless it is caught in
the continuous branch until that ends. In deep chains a filled stretch of the continuous curve comes between.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from paper_figures.checks import Check, at_most, found, known
from paper_figures.sheet import BLUE, GREEN, ORANGE, Paths, Row, page, targets, write
from theory import Transitions, follow, solve_profile, transitions

SCENARIO = "teacher-student"
COLUMNS = ("depth", "curve", "alpha", "entropy")
WINDOWS = {2: (9.85, 10.01), 10: (133.6, 144.4)}
"""Where branches lie too close to be told apart: shown enlarged, less a straight line.

Unstable and distant branches may lie outside.
"""

RIGHT = {2: 30.0, 3: 60.0, 5: 120.0, 10: 500.0}
KNOWN = {
    (2, "crystal from"): 9.87177694,
    (2, "continuous to"): 9.992897911,
    (2, "crossing"): 9.931434704,
    (3, "crystal from"): 11.5397974,
    (3, "continuous to"): 27.81369586,
    (3, "crossing"): 16.44871916,
    (5, "crossing"): 34.72914216,
    (10, "crossing"): 100.8798738,
}
COLOURS = {"continuous": BLUE, "crystal": ORANGE, "filled": GREEN, "unstable": "0.55"}
_INSIDE = 1e-7


@dataclass(frozen=True)
class Settings:
    """The depths shown, two or four, and the number of alphas on each branch."""

    depths: tuple[int, ...]
    points: int


SETTINGS = {"smoke": Settings((2, 3), 12), "laptop": Settings((2, 3, 5, 10), 100)}


@dataclass(frozen=True)
class Diagram:
    """One chain: its transitions, its curves (name, alpha, entropy) and the largest residual on them."""

    transitions: Transitions
    curves: list[tuple[str, np.ndarray, np.ndarray]]
    residual: float


def make(folder: Path, size: str = "laptop", overwrite: bool = False) -> list[Check]:
    """Draw it into ``folder``; returns the checked numbers."""
    settings, paths = SETTINGS[size], targets(folder, "branches", overwrite)
    diagrams = [_diagram(depth, settings.points) for depth in settings.depths]
    _draw(diagrams, paths, overwrite)
    return [check for diagram in diagrams for check in _checks(diagram)]


def _ends(diagram: Transitions) -> dict[str, float]:
    """Spinodals and first-order crossings by name."""
    ends = {f"{s.branch} {s.side}": s.alpha for s in diagram.spinodal}
    for crossing in diagram.first_order:
        ends["crossing" if crossing.above == "crystal" else f"crossing to {crossing.above}"] = crossing.alpha
    return ends


def _checks(diagram: Diagram) -> list[Check]:
    depth, ends = diagram.transitions.depth, _ends(diagram.transitions)
    checks = [at_most(f"L = {depth}: largest residual", diagram.residual, 1e-9)]
    first = np.pi**2 / (8.0 if depth == 2 else 4.0)
    onset = found(freezing.alpha for freezing in diagram.transitions.continuous)
    checks.append(known(f"L = {depth}: first continuous transition", onset, first, 1e-9))
    for name, alpha in sorted(ends.items(), key=lambda item: item[1]):
        label = f"L = {depth}: {name}"
        expected = KNOWN.get((depth, name))
        checks.append(Check(label, alpha) if expected is None else known(label, alpha, expected, 1e-8))
    top = max(float(entropy.max()) for _, _, entropy in diagram.curves)
    checks.append(Check(f"L = {depth}: largest entropy drawn (<= 0)", top))
    return checks


def _diagram(depth: int, points: int) -> Diagram:
    diagram = transitions(SCENARIO, depth)
    ends = _ends(diagram)
    right, residuals = RIGHT[depth], [0.0]
    curves = []

    def solved(name: str, branch: str, low: float, high: float) -> None:
        alphas = np.geomspace(low, high, points)
        profiles = [solve_profile(SCENARIO, depth, float(alpha), branch=branch) for alpha in alphas]
        residuals.extend(profile.certificate.residual for profile in profiles)
        curves.append((name, alphas, np.array([profile.entropy for profile in profiles])))

    end = ends.get("continuous to")
    solved("continuous", "continuous", 1.0, right if end is None else end * (1.0 - _INSIDE))
    solved("crystal", "crystal", ends["crystal from"] * (1.0 + _INSIDE), right)
    back = follow(SCENARIO, depth, 3.0 * right, branch="crystal", to=1.5)
    curves += _unstable(back.values, back.entropy, back.fold_after, None if end is None or depth > 3 else 1)
    if "filled from" in ends and end is not None:
        middle = follow(SCENARIO, depth, end * (1.0 - 1e-3), to=2.0 * right)
        start, stop = (index + 1 for index in middle.fold_after[:2])
        curves.append(("unstable", middle.values[start:stop], middle.entropy[start:stop]))
        curves.append(("filled", middle.values[stop:], middle.entropy[stop:]))
        residuals.append(float(middle.residual.max()))
    return Diagram(diagram, curves, max(residuals))


def _unstable(
    alphas: np.ndarray, entropy: np.ndarray, folds: tuple[int, ...], last: int | None
) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """The part of the crystal's curve behind its fold, up to the fold that ends the continuous branch."""
    stop = alphas.size if last is None or last >= len(folds) else folds[last] + 1
    part = slice(folds[0] + 1, stop)
    return [("unstable", alphas[part], entropy[part])]


def _draw(diagrams: list[Diagram], paths: Paths, overwrite: bool) -> None:
    rows: list[Row] = []
    with page(7.0, 2.8 * (len(diagrams) // 2)) as figure:
        axes = figure.subplots(len(diagrams) // 2, 2).ravel()
        for axis, diagram in zip(axes, diagrams, strict=True):
            depth = diagram.transitions.depth
            for name, alpha, entropy in diagram.curves:
                axis.plot(alpha, entropy, ":" if name == "unstable" else "-", color=COLOURS[name], lw=1.3)
                rows += [(depth, name, a, s) for a, s in zip(alpha, entropy, strict=True)]
            rows += _marks(axis, diagram)
            axis.set(xscale="log", xlim=(1.0, RIGHT[depth]), ylim=_range(diagram))
            axis.set(xlabel=r"storage ratio $\alpha$", ylabel=r"entropy $s$ per $NM$")
            axis.set_title(f"$L = {depth}$")
            if depth in WINDOWS:
                rows += _zoom(axis, diagram)
        handles = [
            axes[0].plot([], [], ":" if n == "unstable" else "-", color=c)[0] for n, c in COLOURS.items()
        ]
        names = ["continuous", "crystal", "filled", "unstable"]
        handles += [axes[0].plot([], [], mark, color="k", mfc="white", ms=5)[0] for mark in ("o", "^", "v")]
        names += ["crossing", "spinodal: from", "spinodal: to"]
        figure.legend(
            handles, names, loc="outside upper center", ncols=7, columnspacing=1.0, handlelength=1.6
        )
        write(figure, COLUMNS, rows, paths, overwrite)


def _marks(axis: Axes, diagram: Diagram) -> list[Row]:
    """Spinodals as triangles, crossings as circles, on the branches they belong to."""
    rows: list[Row] = []
    curves = {name: (alpha, entropy) for name, alpha, entropy in diagram.curves if name != "unstable"}
    depth = diagram.transitions.depth
    for spinodal in diagram.transitions.spinodal:
        if spinodal.branch not in curves:
            continue
        _, entropy = curves[spinodal.branch]
        value = float(entropy[0] if spinodal.side == "from" else entropy[-1])
        mark = "^" if spinodal.side == "from" else "v"
        axis.plot(spinodal.alpha, value, mark, color=COLOURS[spinodal.branch], mfc="white", ms=4, zorder=4)
        rows.append((depth, f"spinodal {spinodal.branch} {spinodal.side}", spinodal.alpha, value))
    for crossing in diagram.transitions.first_order:
        axis.plot(crossing.alpha, crossing.entropy, "o", color="k", mfc="white", ms=4, zorder=5)
        rows.append((depth, f"crossing to {crossing.above}", crossing.alpha, crossing.entropy))
    return rows


def _range(diagram: Diagram) -> tuple[float, float]:
    """Entropies from the ends of the stable branches to the top."""
    lowest = min(float(s.min()) for name, _, s in diagram.curves if name != "unstable")
    highest = max(float(s.max()) for _, _, s in diagram.curves)
    return lowest - 0.08 * (highest - lowest), highest + 0.04


def _zoom(axis: Axes, diagram: Diagram) -> list[Row]:
    """The curves in a window of alpha less the straight line in ln alpha through the continuous branch."""
    depth = diagram.transitions.depth
    low, high = WINDOWS[depth]
    end = _ends(diagram.transitions)["continuous to"] * (1.0 - _INSIDE)
    ends = [solve_profile(SCENARIO, depth, alpha).entropy for alpha in (low, end)]
    slope = (ends[1] - ends[0]) / math.log(end / low)
    inset = axis.inset_axes((0.13, 0.47, 0.4, 0.4) if depth == 2 else (0.64, 0.1, 0.34, 0.36))
    rows: list[Row] = []

    def drawn(alpha: float | np.ndarray, entropy: float | np.ndarray) -> np.ndarray:
        return 1e4 * (np.asarray(entropy) - ends[0] - slope * np.log(np.asarray(alpha) / low))

    seen = []
    for name, alpha, entropy in diagram.curves:
        if name in ("continuous", "crystal"):
            span = max(low, float(alpha[0])), min(high, float(alpha[-1]))
            dense = np.geomspace(*span, 25)
            alpha, entropy = (
                dense,
                np.array([solve_profile(SCENARIO, depth, float(a), branch=name).entropy for a in dense]),
            )
        inset.plot(
            alpha, drawn(alpha, entropy), ":" if name == "unstable" else "-", color=COLOURS[name], lw=1.1
        )
        inside = (alpha >= low) & (alpha <= high)
        rows += [(depth, f"inset {name}", a, s) for a, s in zip(alpha[inside], entropy[inside], strict=True)]
        if name in ("continuous", "filled") or depth == 2:
            seen += [float(value) for value in drawn(alpha[inside], entropy[inside])]
    for crossing in diagram.transitions.first_order:
        if low < crossing.alpha < high:
            inset.plot(
                crossing.alpha, drawn(crossing.alpha, crossing.entropy), "o", color="k", mfc="white", ms=4
            )
    margin = 0.15 * (max(seen) - min(seen))
    inset.set(xlim=(low, high), ylim=(min(seen) - margin, max(seen) + margin))
    inset.tick_params(labelsize=6)
    inset.set_title(r"$10^4 (s - {\rm line})$", fontsize=6.5, pad=2)
    return rows
