"""The theory's solvers beside plain damped iteration on the same equations, one thread, one run.

    python -m benchmarks.theory [--out FILE.json]

Three tasks: a replica-symmetric profile at L = 20, a 100-step hierarchy at L = 20 and alpha = 100, and the
whole teacher-student phase diagram at L = 10. The baseline is what one would write first,
``x += (F(x) - x)/2`` on the overlaps, no Jacobian, until the residual is the one the solver is asked for. It
stops at a cap, and then says "not reached" with what it got to. For the phase diagram it bisects each
transition from a bracket that already contains it, which is more than a plain search would know.
"""

import json
import math
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.special import expit

from deepglass.cli import table
from theory import closures, measures, rsb, solve_profile, transitions
from theory.gaussian import Array
from theory.hierarchy import HierarchicalChain
from theory.levels import Levels
from theory.network import Chain
from theory.overlaps import Overlaps
from theory.potentials import HardCore
from theory.saddle import least
from theory.site_hierarchy import SiteChain

SHARE = 0.5
"""Damping: the share of the image in the next iterate."""

SYMMETRIC, BROKEN = 1e-10, 1e-7
"""Residuals asked for: the largest change of an overlap under one undamped map, relative to one minus it."""

TINY = 1e-280
"""Overlaps are kept above it: the logarithm of a liquid layer must exist."""

SEED = 0.1
"""Overlap of every layer at the start of an iteration from below."""


@dataclass(frozen=True)
class Plain:
    """Where damped iteration got to; ``residual`` of the undamped map."""

    point: Overlaps
    eps: Array
    residual: float
    evaluations: int


def symmetric_map(chain: Chain, point: Overlaps) -> tuple[Overlaps, Array]:
    """One undamped map of all overlaps (gaussian closure), and the fields eps (L+1,)."""
    overlap, rest = closures.product(chain.closure, point)
    w = measures.interaction(chain.potential, overlap, rest, chain.n).w
    q, Q = point.q, point.Q
    log_p = math.log(chain.alpha) + np.log(np.maximum(q[:-1], TINY) * np.maximum(q[1:], TINY) * w + TINY)
    weight = measures.weight(log_p, chain.n).logit
    eps = np.zeros(chain.depth + 1)
    eps[1:-1] = q[:-2] * Q[:-1] * w[:-1] + Q[1:] * q[2:] * w[1:]
    neuron = measures.neuron(np.maximum(eps[1:-1], TINY), chain.n).logit
    frozen = np.array([np.inf])
    logits = np.concatenate([frozen, neuron, frozen])
    return Overlaps(expit(logits), expit(-logits), expit(weight), expit(-weight)), eps


def damped(chain: Chain, start: float, tolerance: float, cap: int) -> Plain:
    """Plain damped iteration from all hidden overlaps equal to ``start``."""
    L = chain.depth
    q, Q = np.full(L + 1, start), np.full(L, start)
    q[[0, L]] = 1.0
    point, off, eps = Overlaps.of(q, Q), math.inf, np.zeros(L + 1)
    for evaluation in range(1, cap + 1):
        image, eps = symmetric_map(chain, point)
        off = float(
            max(
                np.max(np.abs(image.q - point.q)[1:-1] / point.q_complement[1:-1], initial=0.0),
                np.max(np.abs(image.Q - point.Q) / point.Q_complement),
            )
        )
        if off <= tolerance:
            return Plain(point, eps, off, evaluation)
        mixed = [
            (1.0 - SHARE) * old + SHARE * new
            for old, new in (
                (point.q, image.q),
                (point.q_complement, image.q_complement),
                (point.Q, image.Q),
                (point.Q_complement, image.Q_complement),
            )
        ]
        point = Overlaps(*mixed)
    return Plain(point, eps, off, cap)


class Clock:
    """Seconds since it was made: on the wall, and of this process, which a busy machine does not stretch."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        """(wall, cpu)."""
        return time.perf_counter() - self.wall, time.process_time() - self.cpu


Row = dict[str, object]


def row(task: str, how: str, spent: tuple[float, float], evaluations: int | None, result: str) -> Row:
    """One line of the table."""
    print(f"{task}: {how}: {spent[0]:.2f} s, {result}", file=sys.stderr, flush=True)
    return {
        "task": task,
        "how": how,
        "seconds": spent[0],
        "cpu_s": spent[1],
        "evaluations": "" if evaluations is None else evaluations,
        "result": result,
    }


def profile_rows(alpha: float, cap: int = 20_000) -> list[Row]:
    """Random data, L = 20: generic, or next to a transition, where the slowest mode is critical."""
    task = f"RS profile, random, L = 20, alpha = {alpha:g}"
    ours = solve_profile("random", 20, alpha)
    clock = Clock()
    solve_profile("random", 20, alpha)
    spent = clock.read()
    certificate = ours.certificate
    rows = [row(task, "deepglass", spent, certificate.evaluations, f"residual {certificate.residual:.0e}")]
    clock = Clock()
    plain = damped(Chain("random", 20, alpha), 0.5, SYMMETRIC, cap)
    spent = clock.read()
    error = float(np.max(np.abs(plain.point.q - ours.q)))
    verdict = "" if plain.residual <= SYMMETRIC else "not reached: "
    result = f"{verdict}residual {plain.residual:.0e}, q wrong by {error:.0e}"
    return [*rows, row(task, "plain damped", spent, plain.evaluations, result)]


def hierarchy_rows(k: int = 100, depth: int = 20, alpha: float = 100.0, cap_s: float = 120.0) -> list[Row]:
    """Random data: the whole search, then both methods at its break points from one start."""
    task = f"{k}-RSB, random, L = {depth}, alpha = {alpha:g}"
    warm = solve_profile("random", 3, 4.0)
    rsb.solve(*rsb.start(3, 4.0, HardCore(), warm.q, warm.Q), 4)  # loads the compiled recursion

    clock = Clock()
    symmetric = solve_profile("random", depth, alpha)
    state = rsb.solve(*rsb.start(depth, alpha, HardCore(), symmetric.q, symmetric.Q), k)
    spent = clock.read()
    done = state.relaxed
    result = f"residual {done.residual:.0e}, x_max {float(state.chain.m[-1]):.3f} found"
    rows = [row(task, "deepglass, whole search", spent, None, result)]

    found, chain = state.solved.levels, state.chain
    ramp = np.append(np.linspace(0.1, 0.8, k), 1.0)
    boundary = np.ones((1, k + 1))
    start = Levels(
        np.vstack([boundary, np.outer(found.q[1:-1, -1], ramp), boundary]), np.outer(found.Q[:, -1], ramp)
    )
    clock = Clock()
    again = rsb.settle(chain, start)
    spent = clock.read()
    result = f"residual {again.relaxed.residual:.0e}"
    rows.append(row(task, "deepglass, one solution from a ramp", spent, again.relaxed.evaluations, result))
    return [*rows, damped_hierarchy(task, chain, chain.pack(start), again.relaxed.x, cap_s)]


def damped_hierarchy(
    task: str, chain: HierarchicalChain | SiteChain, x: Array, wanted: Array, cap_s: float
) -> Row:
    """Plain damped iteration of the k-RSB map from packed overlaps x (N,), without its Jacobian."""
    clock, evaluations, off, verdict = Clock(), 0, math.inf, ""
    while True:
        image = chain.evaluate(x, jacobian=False).image
        evaluations += 1
        off = float(np.max(np.abs(image - x) / (1.0 - x)))
        if off <= BROKEN:
            break
        if clock.read()[1] > cap_s:
            verdict = "not reached: "
            break
        x = x + SHARE * (image - x)
    error = float(np.max(np.abs(x - wanted)))
    result = f"{verdict}residual {off:.0e}, overlaps wrong by {error:.0e}"
    return row(task, "plain damped, same ramp", clock.read(), evaluations, result)


WRONG = 1e-3
"""Relative error from which a transition that plain iteration believes to have found is called wrong."""


class Undecided(Exception):
    """The cap was reached before the residual."""


class Diagram:
    """Yes-or-no questions at one alpha, answered by plain iteration."""

    def __init__(self, depth: int, cap: int):
        self.chain = Chain("teacher-student", depth, 1.0)
        self.cap = cap
        self.evaluations = 0

    def solve(self, alpha: float, start: float) -> Plain:
        """Damped iteration to the residual asked for. Raises Undecided at the cap."""
        plain = damped(replace(self.chain, alpha=alpha), start, SYMMETRIC, self.cap)
        self.evaluations += plain.evaluations
        if plain.residual > SYMMETRIC:
            raise Undecided
        return plain

    def frozen(self, layer: int) -> Callable[[float], bool]:
        """Whether a layer is frozen on the branch from below."""
        return lambda alpha: float(self.solve(alpha, SEED).point.q[layer]) > 1e-6

    def crystal(self, alpha: float) -> bool:
        """Whether iteration from above stays away from the branch from below."""
        above, below = self.solve(alpha, 1.0 - 1e-9), self.solve(alpha, SEED)
        return float(np.max(np.abs(above.point.q - below.point.q))) > 1e-3

    def crystal_wins(self, alpha: float) -> bool:
        """Whether the branch from above has the larger entropy."""
        there = replace(self.chain, alpha=alpha)
        above, below = self.solve(alpha, 1.0 - 1e-9), self.solve(alpha, SEED)
        return there.entropy(above.point, above.eps) > there.entropy(below.point, below.eps)

    def ended(self, level: float) -> Callable[[float], bool]:
        """Whether the centre of the branch from below has jumped above a level."""
        return lambda alpha: float(np.min(self.solve(alpha, SEED).point.q)) > level

    def bisect(self, question: Callable[[float], bool], low: float, high: float) -> tuple[float, float, bool]:
        """Where no turns to yes: alpha, relative width of the last bracket, whether that is 1e-6."""
        while high / low - 1.0 > 1e-6:
            middle = math.sqrt(low * high)
            try:
                if question(middle):
                    high = middle
                else:
                    low = middle
            except Undecided:
                return middle, high / low - 1.0, False
        return math.sqrt(low * high), high / low - 1.0, True


def jump(depth: int, alpha: float) -> float:
    """Halfway between the smallest overlaps of the branch from below just before and just after it ends."""
    before, after = (least(Chain("teacher-student", depth, alpha * f)).overlaps.q for f in (0.9999, 1.0001))
    return 0.5 * float(np.min(before) + np.min(after))


def diagram_rows(depth: int = 10, cap: int = 5_000) -> list[Row]:
    """Every teacher-student transition of a chain; the baseline one by one."""
    task = f"phase diagram, teacher-student, L = {depth}"
    clock = Clock()
    found = transitions("teacher-student", depth)
    spent = clock.read()
    total = len(found.continuous) + len(found.spinodal) + len(found.first_order)
    rows = [row(task, "deepglass, the whole", spent, None, f"{total} values, relative error about 1e-12")]

    plain = Diagram(depth, cap)
    questions: list[tuple[str, float, Callable[[float], bool] | None]] = []
    seen: list[float] = []
    for freezing in found.continuous:
        if freezing.alpha not in seen:
            seen.append(freezing.alpha)
            questions.append((f"layer {freezing.layer}", freezing.alpha, plain.frozen(freezing.layer)))
    for spinodal in found.spinodal:
        name = f"{spinodal.branch} {spinodal.side}"
        asked = {"crystal from": plain.crystal, "continuous to": plain.ended(jump(depth, spinodal.alpha))}
        questions.append((name, spinodal.alpha, asked.get(name)))
    for crossing in found.first_order:
        name = f"{crossing.below} to {crossing.above}"
        questions.append((name, crossing.alpha, plain.crystal_wins if crossing.above == "crystal" else None))
    for name, alpha, question in questions:
        if question is None:
            result = f"not attempted: fixed starts do not follow a branch; deepglass {alpha:.8g}"
            rows.append(row(task, f"plain, {name}", (0.0, 0.0), None, result))
            continue
        plain.evaluations, clock = 0, Clock()
        value, width, reached = plain.bisect(question, alpha / 1.3, alpha * 1.2)
        error = abs(value / alpha - 1.0)
        verdict = "wrong: " if error > WRONG else ""
        if not reached:
            verdict = f"not reached, undecided within {width:.0e}: "
        result = f"{verdict}{value:.8g}, off by {error:.0e} from {alpha:.8g}"
        rows.append(row(task, f"plain, {name}", clock.read(), plain.evaluations, result))
    return rows


def main(arguments: list[str]) -> None:
    """Measure, print a table and, with ``--out``, write JSON."""
    with np.errstate(all="ignore"):
        rows = [*profile_rows(100.0), *profile_rows(2.47), *diagram_rows(), *hierarchy_rows()]
    print(table((key, [line[key] for line in rows]) for key in rows[0]))
    if "--out" in arguments:
        record = {"device": f"cpu {platform.machine()}", "threads": 1, "numpy": np.__version__, "rows": rows}
        Path(arguments[arguments.index("--out") + 1]).write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])
