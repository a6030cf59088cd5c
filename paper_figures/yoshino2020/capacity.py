"""How much random data the symmetric theory says a chain can store, against its depth; closed form.

An arrow marks a chain whose symmetric branch never ends. Depth 1 is Gardner's perceptron in either closure.
The capacities are those of the symmetric solution, which is unstable there for depth > 1.
"""

import math
from dataclasses import dataclass
from pathlib import Path

from scipy.integrate import quad

from paper_figures.checks import Check, known
from paper_figures.sheet import BLUE, GREEN, ORANGE, Paths, Row, page, targets, write
from theory import CLOSURES, capacity

MARGINS = {0.0: BLUE, 0.5: ORANGE, 1.0: GREEN}
MARKS = {"gaussian": ("o", "-"), "site": ("s", "--")}
COLUMNS = ("closure", "margin", "depth", "capacity")


@dataclass(frozen=True)
class Settings:
    """The deepest chain shown."""

    deepest: int


SETTINGS = {"smoke": Settings(4), "laptop": Settings(7)}


def make(folder: Path, size: str = "laptop", overwrite: bool = False) -> list[Check]:
    """Draw it into ``folder``; returns the checked numbers."""
    settings, paths = SETTINGS[size], targets(folder, "capacity", overwrite)
    depths = range(1, settings.deepest + 1)
    found = {
        (closure, margin, depth): capacity(depth, margin, closure=closure)
        for closure in CLOSURES
        for margin in MARGINS
        for depth in depths
    }
    _draw(found, list(depths), paths, overwrite)
    checks = [
        known(
            f"L = 1, margin {margin:g}, {closure}: Gardner", found[closure, margin, 1], _gardner(margin), 1e-8
        )
        for closure in CLOSURES
        for margin in MARGINS
    ]
    checks += [
        known("L = 1, margin 0", found["gaussian", 0.0, 1], 2.0, 1e-8),
        known("L = 2, margin 0, gaussian", found["gaussian", 0.0, 2], 48.9588, 1e-5),
        known("L = 2, margin 0, site", found["site", 0.0, 2], 20.6487645696, 1e-9),
        Check(
            "L = 3, margin 0, gaussian: infinite (1 yes)",
            float(math.isinf(found["gaussian", 0.0, 3])),
            1.0,
            0.0,
        ),
    ]
    checks += [
        Check(f"L = {depth}, margin {margin:g}, {closure}", value)
        for (closure, margin, depth), value in found.items()
        if depth in (2, 3, settings.deepest)
    ]
    return checks


def _gardner(margin: float) -> float:
    """``1/INT_{-k}^inf Dt (t + k)^2`` by quadrature, independent of the closed form."""

    def weight(t: float) -> float:
        return (t + margin) ** 2 * math.exp(-0.5 * t * t) / math.sqrt(2.0 * math.pi)

    value: float = quad(weight, -margin, 40.0, epsabs=1e-14, epsrel=1e-13)[0]
    return 1.0 / value


def _draw(
    found: dict[tuple[str, float, int], float], depths: list[int], paths: Paths, overwrite: bool
) -> None:
    with page(6.4, 3.1) as figure:
        left, right = figure.subplots(1, 2)
        top = 100.0 * max(value for value in found.values() if math.isfinite(value))
        for closure, (mark, line) in MARKS.items():
            for margin, colour in MARGINS.items():
                axis = right if margin else left
                values = [found[closure, margin, depth] for depth in depths]
                drawn = [value if math.isfinite(value) else math.nan for value in values]
                axis.plot(
                    depths, drawn, line, marker=mark, color=colour, ms=4,
                    mfc="white" if closure == "site" else colour, label=rf"{closure}, $\kappa = {margin:g}$",
                )  # fmt: skip
                for depth, value in zip(depths, values, strict=True):
                    if math.isinf(value):
                        tail = (depth, top / 30.0)
                        arrow = {"arrowstyle": "->", "color": colour, "ls": line}
                        axis.annotate("", (depth, top / 1.5), tail, arrowprops=arrow)
        left.text(
            0.3, 0.92, "arrows:\ninfinite", transform=left.transAxes, ha="right", va="center", fontsize=7
        )
        for margin, colour in MARGINS.items():
            axis = right if margin else left
            axis.plot(1, _gardner(margin), "*", color="k", mfc=colour, ms=9, mew=0.5, zorder=5)
        left.plot([], [], "*", color="k", mfc="white", ms=8, mew=0.5, label="Gardner, $L = 1$")
        left.set(yscale="log", ylim=(0.7, top), title=r"margin $\kappa = 0$")
        right.set(ylim=(0.0, None), title=r"margins $\kappa = 0.5$, $1$")
        for axis in (left, right):
            axis.set(xlabel="depth $L$", ylabel=r"capacity $\alpha_c$ (RS)", xticks=depths)
        figure.legend(loc="outside upper center", ncols=4)
        rows: list[Row] = [(*key, value) for key, value in found.items()]
        write(figure, COLUMNS, rows, paths, overwrite)
