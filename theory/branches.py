"""Which solutions of the chain exist, and where they end.

* *continuous*: the least fixed point, grown from infinitesimal overlaps layer by layer from the frozen
  boundaries. Random: ends at a capacity where all overlaps reach 1. Teacher-student: may end by a fold.
* *crystal* (teacher-student): the greatest fixed point, all overlaps close to 1. It appears at a
  spinodal where the curve of solutions folds; a chain without fold (depth 1) has one branch only.
"""

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy.special import expit

from deepglass.errors import InvalidInput, NoSolution
from theory import measures
from theory.continuation import Family, Fold, Local, find_fold
from theory.gaussian import Array
from theory.network import Chain
from theory.overlaps import Support
from theory.saddle import SaddlePoint, greatest, least
from theory.storage import capacity_of

ALPHA_MIN, ALPHA_MAX = 1e-6, 1e9
"""Storage ratios: below, no layer but a single bond is frozen; above, logits leave their rounding."""

_SAME = 1e-6
_LIQUID = -9.0


def family(chain: Chain, support: Support) -> Family:
    """The equations of a chain as a family in ln alpha, for :mod:`theory.continuation`."""

    def local(x: Array, log_alpha: float) -> Local:
        at = replace(chain, alpha=math.exp(log_alpha)).linearised(support, x)
        return Local(at.image.value - x, at.image.jacobian, at.alpha_slope)

    return local


@lru_cache(maxsize=256)
def crystal_spinodal(chain: Chain) -> float | None:
    """Smallest alpha of the teacher-student crystal: the first fold met coming down from large alpha.

    None where the branch goes down to vanishing overlaps without a fold: the crystal then is the
    continuous branch. The alpha of ``chain`` does not enter (give it 1, so that the answer is remembered).
    """
    alpha = 1e3 * max(1.0, 1.0 / measures.interaction_at_zero(chain.potential))
    start = greatest(replace(chain, alpha=alpha))
    fold = find_fold(
        family(chain, start.support), start.x, math.log(alpha), -1, lambda x, _: bool(np.min(x) < _LIQUID)
    )
    return None if fold is None else math.exp(fold.a)


@lru_cache(maxsize=256)
def continuous_spinodal(chain: Chain, above: float) -> float:
    """Largest alpha of the teacher-student continuous branch, known to lie below ``above``.

    There the least fixed point becomes the crystal. Bracketed from the crystal's spinodal upwards, then
    located as the fold of the last continuous solution. The alpha of ``chain`` does not enter.
    """
    low = crystal_spinodal(chain)
    if low is None:
        raise ValueError(f"{chain.label} has one branch only")
    high, last = above, None
    while high > (1.0 + 1e-9) * low:
        if last is not None and not last.has_liquid and high < 1.02 * low:
            fold = _fold_between(last, high)
            if fold is not None:
                return math.exp(fold.a)
        middle = math.sqrt(low * high)
        found = least(replace(chain, alpha=middle))
        if is_crystal(found):
            high = middle
        else:
            low, last = middle, found
    return low


def _fold_between(last: SaddlePoint, high: float) -> Fold | None:
    """The fold of the branch of ``last`` at some alpha up to ``high``, if there is one."""
    top = math.log(high) + 1e-6
    return find_fold(
        family(last.chain, last.support), last.x, math.log(last.chain.alpha), 1, lambda _, a: a > top
    )


def anywhere(chain: Chain) -> Chain:
    """The chain at alpha = 1: the key under which answers for all alpha are remembered."""
    return replace(chain, alpha=1.0)


def is_crystal(point: SaddlePoint) -> bool:
    """Whether this least fixed point, above the crystal's spinodal, is the greatest one too."""
    if point.has_liquid:
        return False
    return float(np.max(np.abs(expit(-point.x) - expit(-greatest(point.chain).x)))) < _SAME


def continuous(chain: Chain) -> SaddlePoint:
    """The branch grown from infinitesimal overlaps.

    Raises NoSolution beyond the capacity (random) or the spinodal (teacher-student) that ends it.
    """
    alpha = chain.alpha
    if chain.n == 0:
        limit = capacity_of(chain.depth, chain.potential, chain.closure.name)
        if alpha >= limit:
            raise NoSolution(
                f"alpha = {alpha:.10g} is not below {limit:.8g}, "
                f"the replica-symmetric capacity of {chain.label}",
                limit,
            )
        return least(chain)
    point = least(chain)
    if not _continuous_has_ended(point):
        return point
    limit = continuous_spinodal(anywhere(chain), alpha)
    raise NoSolution(
        f"alpha = {alpha:.10g} is above {limit:.8g}, the spinodal where the continuous branch of "
        f"{chain.label} ends; the crystal remains",
        limit,
    )


def _continuous_has_ended(point: SaddlePoint) -> bool:
    """Whether this least fixed point of a teacher-student chain is the crystal, beyond the continuous
    one.
    """
    if not is_crystal(point):
        return False
    chain = point.chain
    spinodal = crystal_spinodal(anywhere(chain))
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
    spinodal = crystal_spinodal(anywhere(chain))
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
    limit = crystal_spinodal(anywhere(chain))
    if limit is None:
        raise NoSolution(
            f"there is no separate crystal of {chain.label}: the branch is unique; ask for the continuous one"
        )
    if chain.alpha < limit:
        raise NoSolution(
            f"alpha = {chain.alpha:.10g} is below {limit:.8g}, "
            f"the spinodal where the crystal of {chain.label} appears",
            limit,
        )
    return greatest(chain)
