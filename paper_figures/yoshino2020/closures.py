"""The two closures side by side: where they agree, and what each says of the input side of a chain.

The gaussian closure is the reference's; the site closure keeps a neuron together with its own gap. Random
data: the continuous branch. Teacher-student: the equilibrium.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepglass.errors import NoSolution
from paper_figures.checks import Check, at_most, known
from paper_figures.sheet import BLUE, ORANGE, Paths, Row, page, sequence, targets, write
from theory import CLOSURES, SCENARIOS, Profile, Transitions, solve_profile, transitions

DEPTH = 5
ALPHAS = (5.0, 30.0, 80.0)
BRANCH = {"random": "continuous", "teacher-student": "equilibrium"}
STYLE = {"gaussian": ("o", "-"), "site": ("s", "--")}
COLOURS = {"random": BLUE, "teacher-student": ORANGE}
COLUMNS = ("panel", "scenario", "closure", "branch", "depth", "alpha", "layer", "q")
FIRST = {"gaussian": math.pi**2 / 8.0, "site": 1.524937744}


@dataclass(frozen=True)
class Settings:
    """Depths of the table of transitions; the deepest is drawn."""

    depths: tuple[int, ...]


SETTINGS = {"smoke": Settings((2,)), "laptop": Settings((2, 3, 5))}


def make(folder: Path, size: str = "laptop", overwrite: bool = False) -> list[Check]:
    """Draw it into ``folder``; returns the checked numbers."""
    settings, paths = SETTINGS[size], targets(folder, "closures", overwrite)
    profiles = {
        (scenario, closure, alpha): _profile(scenario, closure, alpha)
        for scenario in SCENARIOS
        for closure in CLOSURES
        for alpha in ALPHAS
    }
    diagrams = [
        transitions(scenario, depth, closure=closure)
        for depth in settings.depths
        for scenario in SCENARIOS
        for closure in CLOSURES
    ]
    _draw(profiles, diagrams, paths, overwrite)
    solved = [profile for profile in profiles.values() if profile is not None]
    checks = [at_most("largest residual", max(p.certificate.residual for p in solved), 1e-10)]
    for diagram in diagrams:
        checks += _numbers(diagram)
    for profile in solved:
        if profile.scenario == "teacher-student":
            name = (
                f"L = {DEPTH}, teacher-student, {profile.closure}, alpha = {profile.alpha:g}: crystal (1 yes)"
            )
            checks.append(Check(name, float(profile.branch == "crystal")))
    return checks


def _profile(scenario: str, closure: str, alpha: float) -> Profile | None:
    try:
        return solve_profile(scenario, DEPTH, alpha, branch=BRANCH[scenario], closure=closure)
    except NoSolution:
        return None


def _numbers(diagram: Transitions) -> list[Check]:
    """Every transition of a chain; those that are known in closed form are checked."""
    at = f"L = {diagram.depth}, {diagram.scenario}, {diagram.closure}"
    first = FIRST[diagram.closure] if diagram.depth == 2 else math.pi**2 / 4.0
    checks = []
    for index, freezing in enumerate(diagram.continuous):
        name = f"{at}: layer {freezing.layer} freezes"
        checks.append(Check(name, freezing.alpha) if index else known(name, freezing.alpha, first, 1e-9))
    checks += [Check(f"{at}: spinodal, {s.branch} {s.side}", s.alpha) for s in diagram.spinodal]
    checks += [Check(f"{at}: crossing to {c.above}", c.alpha) for c in diagram.first_order]
    if diagram.capacity is not None:
        checks.append(Check(f"{at}: capacity", diagram.capacity))
    return checks


def _draw(
    profiles: dict[tuple[str, str, float], Profile | None],
    diagrams: list[Transitions],
    paths: Paths,
    overwrite: bool,
) -> None:
    rows: list[Row] = []
    colours = dict(zip(ALPHAS, sequence(len(ALPHAS)), strict=True))
    layers = np.arange(DEPTH + 1)
    with page(7.0, 3.1) as figure:
        axes = figure.subplots(1, 3)
        for (scenario, closure, alpha), profile in profiles.items():
            if profile is None:
                continue
            mark, line = STYLE[closure]
            axis, colour = axes[SCENARIOS.index(scenario)], colours[alpha]
            axis.plot(layers, profile.q, line, marker=mark, ms=4, color=colour,
                      mfc=colour if closure == "gaussian" else "white")  # fmt: skip
            rows += [
                ("profile", scenario, closure, profile.branch, DEPTH, alpha, int(layer), q)
                for layer, q in zip(layers, profile.q, strict=True)
            ]
        for axis, scenario in zip(axes, SCENARIOS, strict=False):
            word = "RS" if scenario == "random" else "equilibrium"
            axis.set(ylim=(-0.03, 1.05), xlabel="layer $l$", ylabel="overlap $q_l$")
            axis.set_title(f"{scenario}, {word}, $L = {DEPTH}$", fontsize=8)
        deepest = diagrams[-1].depth
        for diagram in diagrams:
            rows += [
                (
                    "transition",
                    diagram.scenario,
                    diagram.closure,
                    "continuous",
                    diagram.depth,
                    f.alpha,
                    f.layer,
                    math.nan,
                )
                for f in diagram.continuous
                if diagram.depth == deepest
            ]
            if diagram.depth == deepest:
                mark, line = STYLE[diagram.closure]
                found = sorted((f.layer, f.alpha) for f in diagram.continuous)
                colour = COLOURS[diagram.scenario]
                axes[2].plot(*zip(*found, strict=True), line, marker=mark, ms=4, color=colour,
                             mfc=colour if diagram.closure == "gaussian" else "white",
                             label=f"{diagram.scenario}")  # fmt: skip
        axes[2].set(yscale="log", xlabel="layer $l$", ylabel=r"layer freezes at $\alpha$")
        axes[2].set_xticks(range(1, deepest))
        axes[2].set_title(f"continuous transitions, $L = {deepest}$", fontsize=8)
        handles = [axes[0].plot([], [], color=colour)[0] for colour in colours.values()]
        names = [rf"$\alpha = {alpha:g}$" for alpha in ALPHAS]
        for closure, (mark, line) in STYLE.items():
            handles.append(
                axes[0].plot(
                    [], [], line, marker=mark, ms=4, color="k", mfc="k" if closure == "gaussian" else "white"
                )[0]
            )
            names.append(closure)
        for scenario, colour in COLOURS.items():
            handles.append(axes[0].plot([], [], "-", lw=3, color=colour)[0])
            names.append(f"right: {scenario}")
        figure.legend(
            handles, names, loc="outside upper center", ncols=7, columnspacing=1.0, handlelength=1.8
        )
        write(figure, COLUMNS, rows, paths, overwrite)
