"""Which solutions of the chain exist, and where they end.

* *continuous*: the least fixed point, grown from infinitesimal overlaps layer by layer from the frozen
  boundaries. Random: ends at a capacity where all overlaps reach 1. Teacher-student: may end by a fold.
* *crystal* (teacher-student): the greatest fixed point, all overlaps close to 1. It appears at a
  spinodal where the curve of solutions folds; a chain without fold (depth 1) has one branch only.

The map is monotone in the overlaps and in alpha, so the least fixed point is climbed to from below and
the greatest descended to from above, with no other branch in between (:mod:`theory.solve`).
"""

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, ndtr

from deepglass import checks
from deepglass.errors import InvalidInput, NoSolution
from theory import measures
from theory.continuation import Family, Fold, Local, find_fold
from theory.gaussian import Array
from theory.network import Chain, Overlaps, Support
from theory.potentials import HardCore
from theory.solve import Certificate, Map, fixed_point

MARGIN_MAX = 4.0
"""Largest |margin|. At -4 chance meets all but 3e-5 of the constraints: spinodals lie near 2e9 already."""

ALPHA_MIN, ALPHA_MAX = 1e-6, 1e9
"""Storage ratios: below, no layer but a single bond is frozen; above, logits leave their rounding."""

DEPTH_MAX = 200
"""Most weight layers: the Jacobian is dense, (2L-1)^2 doubles, and its solution costs L^3."""

_SAME = 1e-6
_LOOSE = 1e-2
_LIQUID = -9.0


@dataclass(frozen=True)
class SaddlePoint:
    """A solution of a chain: frozen layers, logits of their overlaps (K,), certificate."""

    chain: Chain
    support: Support
    x: Array
    certificate: Certificate

    @property
    def overlaps(self) -> Overlaps:
        """All overlaps, liquid layers exactly 0."""
        return self.chain.overlaps(self.support, self.x)

    @property
    def eps(self) -> Array:
        """Fields of the neuron layers 0..L (0 at the boundaries), shape (L+1,)."""
        return self.chain.linearised(self.support, self.x).eps

    @property
    def entropy(self) -> float:
        """The functional at the solution."""
        return self.chain.entropy(self.overlaps, self.eps)

    @property
    def has_liquid(self) -> bool:
        """Whether a hidden layer has no overlap."""
        return not all(self.support.hidden)


def check_depth(depth: object) -> int:
    """Return the depth if it is an integer from 1 to DEPTH_MAX, else raise InvalidInput."""
    number = checks.integer("depth", depth, 1)
    if number > DEPTH_MAX:
        raise InvalidInput(f"depth = {number} must be an integer >= 1 and <= {DEPTH_MAX}")
    return number


def _map(chain: Chain, support: Support) -> Map:
    return lambda x: chain.linearised(support, x).image


def _whole(chain: Chain) -> Support:
    return Support((True,) * (chain.depth - 1))


def _extend(chain: Chain, old: Support, x: Array, new: Support) -> Array:
    """A sub-solution on a larger support: the old one, and infinitesimal overlaps in the added layers."""
    L = chain.depth
    point = chain.overlaps(old, x)
    logits = np.full(2 * L + 1, -np.inf)
    logits[old.unknowns] = x
    added = new.neurons & ~old.neurons
    excess = np.append(0.0, np.append(chain.growth(point.q) - 1.0, 0.0))
    bonds = np.flatnonzero(new.bonds & ~old.bonds)
    mapping = _map(chain, new)
    seed = 1e-2
    while True:
        q = np.where(added, seed * np.minimum(1.0, excess), point.q)
        logits[: L + 1][added] = np.log(q[added]) - np.log1p(-q[added])
        logits[L + 1 + bonds] = chain.weight_seed(q[bonds], q[bonds + 1])
        start = logits[new.unknowns]
        if seed < 1e-12 or np.all(mapping(start).value >= start - 1e-13 * (1.0 + np.abs(start))):
            return start
        seed *= 0.1


def least(chain: Chain) -> SaddlePoint:
    """The least fixed point: the continuous branch where it exists.

    Liquid layers next to frozen ones are added to the support while an infinitesimal overlap grows.
    """
    support = Support((False,) * (chain.depth - 1))
    frozen = np.ones(int(support.bonds.sum()))
    x = chain.weight_seed(frozen, frozen)
    point, evaluations = chain.overlaps(support, x), 0
    certificate, settled = Certificate(0.0, 0, reason="every layer is liquid"), x.size == 0
    while True:
        grows = chain.growth(point.q) > 1.0 + 1e-13
        enlarged = Support(tuple(bool(a or b) for a, b in zip(support.hidden, grows, strict=True)))
        if enlarged == support and settled:
            return SaddlePoint(chain, support, x, replace(certificate, evaluations=evaluations))
        if enlarged == support:
            solution, settled = fixed_point(_map(chain, support), x, 1), True
        else:
            x, support = _extend(chain, support, x, enlarged), enlarged
            solution, settled = fixed_point(_map(chain, support), x, 1, loose=_LOOSE), False
        x, certificate = solution.x, solution.certificate
        evaluations += certificate.evaluations
        point = chain.overlaps(support, x)


def greatest(chain: Chain) -> SaddlePoint:
    """The greatest fixed point of a teacher-student chain, descended to from all overlaps near 1.

    Near 1, ``w ~ (1 - lambda)^(-1/2)``, so the logit y of Q maps to ``y/2 + const``: a super-solution.
    Layers whose overlap tends to 0 are found by :func:`least`, which then is the only fixed point.
    """
    support, L = _whole(chain), chain.depth
    y = 2.0 * math.log1p(chain.alpha * (1.0 + abs(chain.potential.margin))) + 2.0
    while True:
        # One map at q = 1 bounds the hidden overlaps from above.
        x = np.append(np.full(L - 1, np.inf), np.full(L, y))
        x = np.append(chain.linearised(support, x).image.value[: L - 1], np.full(L, y))
        if np.all(chain.linearised(support, x).image.value <= x):
            break
        y += 2.0
    solution = fixed_point(_map(chain, support), x, -1)
    return SaddlePoint(chain, support, solution.x, solution.certificate)


def _depth_constant(depth: int) -> float:
    """X_L of :func:`capacity`: 0, 1/pi, (2/pi)/1.25, ... growing to 2/pi.

    Near capacity ``1 - q_l`` is proportional to a ``delta_l > 0`` (delta_0 = delta_L = 0) with

        X [(delta_l/(delta_{l-1} + delta_l))^2 + (delta_l/(delta_l + delta_{l+1}))^2] = 2/pi

    for every hidden layer. With ``v_l = delta_l/(delta_l + delta_{l+1})`` and 2/pi = mu X this is the
    recursion ``v_l^2 = mu - (1 - v_{l-1})^2`` from ``v_1^2 = mu - 1``, ended by the symmetry of the chain:
    ``v = 1/2`` on its middle bond (odd L), ``2 (1 - v)^2 = mu`` before its middle layer (even L).
    """
    if depth == 1:
        return 0.0
    half = depth // 2

    def mismatch(log_first: float) -> float:
        first = math.exp(2.0 * log_first)
        v = math.exp(log_first)
        for _ in range(half - 1 if depth % 2 else half - 2):
            v = math.sqrt(first + v * (2.0 - v))
        return v - 0.5 if depth % 2 else (1.0 + first) - 2.0 * (1.0 - v) ** 2

    if depth == 2:
        return 1.0 / math.pi
    low, high = -300.0, math.log(0.5)
    if mismatch(low) > 0.0:
        return 2.0 / math.pi
    first = math.exp(2.0 * float(brentq(mismatch, low, high, xtol=1e-15, rtol=1e-15)))
    return 2.0 / math.pi / (1.0 + first)


def capacity(depth: int, margin: float = 0.0) -> float:
    """Storage ratio at which the random branch ends by all overlaps reaching 1; inf if it never does.

    With ``C = INT_{-k}^inf Dt (t + k)^2``, k the margin, the interaction grows as
    ``w ~ C/(1 - lambda)^2`` and a neuron answers ``1 - q = sqrt(2/(pi eps))``; all complements then shrink
    together, and the linear relations between them have a positive solution up to

        alpha = 1/(sqrt(C) - sqrt(X_L))^2   if C > X_L.

    Depth 1 is Gardner's ``1/C`` (J. Phys. A 21, 257 (1988)). In replica symmetry and at margin 0 depth 2 ends
    at 48.9588 and deeper chains store any number of patterns.
    """
    depth = check_depth(depth)
    margin = checks.real("margin", margin, at_least=-MARGIN_MAX, at_most=MARGIN_MAX)
    density = math.exp(-0.5 * margin * margin) / math.sqrt(2.0 * math.pi)
    second_moment = (1.0 + margin * margin) * float(ndtr(margin)) + margin * density
    constant = _depth_constant(depth)
    if second_moment <= constant:
        return math.inf
    return 1.0 / (math.sqrt(second_moment) - math.sqrt(constant)) ** 2


def _local(depth: int, margin: float, support: Support) -> Family:
    """The teacher-student family in ln alpha, for :func:`theory.continuation.find_fold`."""

    def local(x: Array, log_alpha: float) -> Local:
        chain = Chain("teacher-student", depth, math.exp(log_alpha), HardCore(margin))
        image, slope, _ = chain.linearised(support, x)
        return Local(image.value - x, image.jacobian, slope)

    return local


@lru_cache(maxsize=256)
def crystal_spinodal(depth: int, margin: float = 0.0) -> float | None:
    """Smallest alpha of the teacher-student crystal: the first fold met coming down from large alpha.

    None where the branch goes down to vanishing overlaps without a fold: the crystal then is the
    continuous branch.
    """
    w = measures.interaction_at_zero(HardCore(margin))
    alpha = 1e3 * max(1.0, 1.0 / w)
    start = greatest(Chain("teacher-student", depth, alpha, HardCore(margin)))
    fold = find_fold(
        _local(depth, margin, start.support),
        start.x,
        math.log(alpha),
        -1,
        lambda x, _: bool(np.min(x) < _LIQUID),
    )
    return None if fold is None else math.exp(fold.a)


@lru_cache(maxsize=256)
def continuous_spinodal(depth: int, margin: float, above: float) -> float:
    """Largest alpha of the teacher-student continuous branch, known to lie below ``above``.

    There the least fixed point becomes the crystal. Bracketed from the crystal's spinodal upwards, then
    located as the fold of the last continuous solution.
    """
    low = crystal_spinodal(depth, margin)
    if low is None:
        raise ValueError(f"depth {depth} at margin {margin} has one branch only")
    high, last = above, None
    while high > (1.0 + 1e-9) * low:
        if last is not None and not last.has_liquid and high < 1.02 * low:
            fold = _fold_between(last, high)
            if fold is not None:
                return math.exp(fold.a)
        middle = math.sqrt(low * high)
        found = least(Chain("teacher-student", depth, middle, HardCore(margin)))
        if _is_crystal(found):
            high = middle
        else:
            low, last = middle, found
    return low


def _fold_between(last: SaddlePoint, high: float) -> Fold | None:
    """The fold of the branch of ``last`` at some alpha up to ``high``, if there is one."""
    top = math.log(high) + 1e-6
    family = _local(last.chain.depth, last.chain.potential.margin, last.support)
    return find_fold(family, last.x, math.log(last.chain.alpha), 1, lambda _, a: a > top)


def _is_crystal(point: SaddlePoint) -> bool:
    """Whether this least fixed point, above the crystal's spinodal, is the greatest one too."""
    if point.has_liquid:
        return False
    return float(np.max(np.abs(expit(-point.x) - expit(-greatest(point.chain).x)))) < _SAME


def continuous(chain: Chain) -> SaddlePoint:
    """The branch grown from infinitesimal overlaps.

    Raises NoSolution beyond the capacity (random) or the spinodal (teacher-student) that ends it.
    """
    depth, margin, alpha = chain.depth, chain.potential.margin, chain.alpha
    if chain.n == 0:
        limit = capacity(depth, margin)
        if alpha >= limit:
            raise NoSolution(
                f"alpha = {alpha:.10g} is not below {limit:.8g}, the replica-symmetric capacity of random "
                f"data at depth {depth}, margin {margin:g}",
                limit,
            )
        return least(chain)
    point = least(chain)
    if not _continuous_has_ended(point):
        return point
    limit = continuous_spinodal(depth, margin, alpha)
    raise NoSolution(
        f"alpha = {alpha:.10g} is above {limit:.8g}, the spinodal where the continuous branch of "
        f"teacher-student data ends at depth {depth}, margin {margin:g}; the crystal remains",
        limit,
    )


def _continuous_has_ended(point: SaddlePoint) -> bool:
    """Whether this least fixed point of a teacher-student chain is the crystal, beyond the continuous one."""
    if not _is_crystal(point):
        return False
    chain = point.chain
    spinodal = crystal_spinodal(chain.depth, chain.potential.margin)
    return spinodal is not None and chain.alpha >= spinodal


def existing(chain: Chain) -> dict[str, SaddlePoint]:
    """Every branch that exists at this alpha, by name. Raises NoSolution if there is none.

    Unlike :func:`continuous` it never has to find where a missing branch has ended.
    """
    if chain.n == 0:
        return {"continuous": continuous(chain)}
    point = least(chain)
    if _continuous_has_ended(point):
        return {"crystal": greatest(chain)}
    spinodal = crystal_spinodal(chain.depth, chain.potential.margin)
    if spinodal is None or chain.alpha < spinodal:
        return {"continuous": point}
    return {"continuous": point, "crystal": greatest(chain)}


def crystal(chain: Chain) -> SaddlePoint:
    """The teacher-student branch with every overlap close to 1.

    Raises InvalidInput for random data, NoSolution below the spinodal at which it appears or where
    the continuous branch is the only one.
    """
    if chain.n == 0:
        raise InvalidInput(
            "branch = 'crystal' needs scenario teacher-student; random has only the continuous branch"
        )
    depth, margin, alpha = chain.depth, chain.potential.margin, chain.alpha
    limit = crystal_spinodal(depth, margin)
    if limit is None:
        raise NoSolution(
            f"there is no separate crystal at depth {depth}, margin {margin:g}: the branch is unique; "
            "ask for the continuous one"
        )
    if alpha < limit:
        raise NoSolution(
            f"alpha = {alpha:.10g} is below {limit:.8g}, the spinodal where the crystal of teacher-student "
            f"data appears at depth {depth}, margin {margin:g}",
            limit,
        )
    return greatest(chain)
