"""The spherical perceptron with gaps above a margin, storing random patterns: the chain of depth 1.

Gardner, J. Phys. A 21, 257 (1988) for the symmetric solution and its capacity; Gardner & Derrida, J. Phys. A
21, 271 (1988) for its stability; Franz, Parisi, Sevelev, Urbani & Zamponi, SciPost Phys. 2, 019 (2017) for
negative margins, where replica symmetry breaks before capacity.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit

from deepglass import checks
from deepglass.errors import NoSolution
from theory import measures, terms
from theory.gaussian import Array
from theory.hierarchy import Evaluation, HierarchicalChain
from theory.models.ladder import TOLERANCE, Image, Ladder, climb, given, optimise
from theory.overlaps import Support
from theory.potentials import MARGIN_MAX, HardCore
from theory.storage import second_moment

_CLUSTER = 4.0
"""Crowding of break points around the first: their spacing grows by e^4 towards 0 and 1."""


def _clustered(k: int, centre: float) -> Array:
    """Break points (k,), ``centre`` among them: dense around it, up to +-4 from it in logits."""
    spread = np.sinh(_CLUSTER * np.linspace(-1.0, 1.0, k | 1)[-k:]) / math.sinh(_CLUSTER)
    return np.asarray(expit(float(logit(centre)) + 4.0 * spread))


@dataclass(frozen=True)
class PerceptronSolution:
    """A spherical perceptron on random patterns; overlaps ``Q`` (k+1,), break points ``m`` (k,).

    ``entropy`` per pattern and weight: ``s/n`` per N M of the chain. ``replicon`` = ``1 - alpha (1-Q_k)^2
    < f_k''^2 >``, positive where the states are stable. The rest as in :class:`Ladder`.
    """

    alpha: float
    margin: float
    m: Array = field(repr=False)
    Q: Array = field(repr=False)
    entropy: float
    replicon: float
    residual: float
    rho: float
    evaluations: int


def perceptron(
    alpha: float,
    margin: float = 0.0,
    k: int = 0,
    break_points: Sequence[float] | Array | None = None,
    *,
    tolerance: float = TOLERANCE,
    step: float = terms.STEP,
) -> PerceptronSolution:
    """Solve the hard-core perceptron with k steps of replica symmetry breaking.

    ``break_points`` (k,): given, or stationary for k = 1 and clustered around that one beyond. Raises
    NoSolution from the symmetric capacity on, NotConverged where symmetry is broken and capacity is lower.
    """
    alpha = checks.real("alpha", alpha, above=0.0)
    margin = checks.real("margin", margin, at_least=-MARGIN_MAX, at_most=MARGIN_MAX)
    k, m = given(k, break_points)
    capacity = 1.0 / second_moment(margin)
    if alpha >= capacity:
        raise NoSolution(f"no perceptron stores alpha = {alpha:g}, capacity {capacity:.6g}", capacity)

    def chain(m: Array) -> HierarchicalChain:
        return HierarchicalChain(1, alpha, HardCore(margin), m, Support(()), step)

    def solve(m: Array, start: Array | None, spent: int) -> Ladder[Evaluation]:
        layer = chain(m)

        def mapping(x: Array) -> Image[Evaluation]:
            found = layer.evaluate(x)
            return Image(found.image, found.jacobian, found)

        if start is None:
            start = alpha / capacity * np.arange(1, m.size + 2) / (m.size + 1)
        return climb(mapping, m, start, tolerance, spent)

    def slope(ladder: Ladder[Evaluation]) -> Array:
        return chain(ladder.m).break_point_slope(ladder.term)

    if m is not None or k == 0:
        found = solve(np.empty(0) if m is None else m, None, 0)
    else:
        found = optimise(solve, slope, np.full(1, 0.5))
        if k > 1:
            m = _clustered(k, float(found.m[0]))
            above = np.append(m, 1.0) > found.m[0]
            # The one step, tilted: a ramp may settle with the step at a neighbouring break point.
            ramp = np.linspace(found.x[0], found.x[1], k + 1)
            found = solve(m, 0.9 * found.x[above.astype(int)] + 0.1 * ramp, found.evaluations)
    chi = found.term.interactions[1].chi[-1]
    return PerceptronSolution(
        alpha,
        margin,
        found.m,
        found.x,
        chain(found.m).entropy(found.term),
        float(1.0 - alpha * (1.0 - found.x[-1]) ** 2 * chi),
        found.residual,
        found.rho,
        found.evaluations,
    )


def almeida_thouless(margin: float) -> float:
    """The alpha at which replica symmetry becomes unstable; inf for margins >= 0: stable up to capacity.

    Along the symmetric branch ``alpha = Q/((1-Q)^2 w)``, so ``alpha (1-Q)^2 chi = 1`` reads ``Q chi = w``.
    """
    margin = checks.real("margin", margin, at_least=-MARGIN_MAX, at_most=MARGIN_MAX)
    potential = HardCore(margin)

    def moments(y: float) -> tuple[float, float]:
        overlap, complement = np.full(1, expit(y)), np.full(1, expit(-y))
        w = measures.interaction(potential, overlap, complement, 0).w[0]
        return float(w), float(measures.interaction_moment(potential, overlap, complement, 0)[0])

    def excess(y: float) -> float:
        w, chi = moments(y)
        return float(expit(y)) * chi / w - 1.0

    low, high = -10.0, 25.0
    if margin >= 0.0 or excess(high) < 0.0:
        return math.inf
    y = float(brentq(excess, low, high, xtol=1e-13, rtol=1e-14))
    return float(expit(y) / (expit(-y) ** 2 * moments(y)[0]))
