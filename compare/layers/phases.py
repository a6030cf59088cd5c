"""Solid or liquid: whether the aligned overlap of trained copies exceeds that of copies with nothing pinned.

With q of the trained copies and q_0 of a null, both after alignment,

    e = (q - q_0)/(1 - q_0)

is 0 at the null and 1 for copies that are the same (agreement beyond chance, as Cohen's kappa). A layer is
solid where the whole interval of e lies above the margin, liquid where it lies below, undecided otherwise;
the default margin 1/e is the paper's criterion (arXiv:2506.06789, Fig. 1), which this is for q_0 = 0. Errors
of q and q_0 are those of :func:`compare.layers.overlaps.mean_of_pairs`; the interval is Student's, with one
degree of freedom less than copies. Nulls that are made of the trained copies move with them; their errors
count as independent, which is wide.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from compare.layers.overlaps import Array, Mean
from deepglass.phases import THRESHOLD

LEVEL = 0.05
SOLID, LIQUID, UNDECIDED, MISSING = "solid", "liquid", "undecided", "missing"


@dataclass(frozen=True, eq=False)
class Beyond:
    """How far overlaps lie beyond a null, layer by layer.

    Attributes:
        excess, error: e and its standard error.
        low, high: its interval.
        phase: solid, liquid, undecided, or missing without an overlap.
    """

    excess: Array
    error: Array
    low: Array
    high: Array
    phase: NDArray[np.str_]


def beyond(trained: Mean, null: Mean, margin: float = THRESHOLD, level: float = LEVEL) -> Beyond:
    """``trained`` against ``null``, each (layers,); ``level`` is the chance of a wrong interval, a layer."""
    q, q0 = trained.value, null.value
    room = np.where(q0 < 1, 1 - q0, np.nan)
    excess = (q - q0) / room
    error = np.hypot(trained.error / room, null.error * (1 - q) / room**2)
    freedom = min(trained.copies, null.copies) - 1
    reach = float(stats.t.isf(level / 2, freedom)) * error if freedom >= 1 else np.full_like(error, np.nan)
    low, high = excess - reach, excess + reach
    phase = np.full(q.shape, UNDECIDED, dtype="<U9")
    phase[low > margin], phase[high < margin] = SOLID, LIQUID
    phase[~np.isfinite(q)] = MISSING
    return Beyond(excess, error, low, high, phase)


def missing(like: Beyond) -> Beyond:
    """Nothing judged."""
    nothing = np.full(like.excess.shape, np.nan)
    return Beyond(nothing, nothing, nothing, nothing, np.full(nothing.shape, MISSING, dtype="<U9"))


def over_all(found: Mapping[str, Beyond]) -> tuple[Beyond, NDArray[np.str_]]:
    """Against all nulls, layer by layer: numbers are those against the null that leaves least, which is
    named; solid is what is solid against each, liquid what is liquid against one."""
    names = list(found)
    values = np.stack([np.where(np.isfinite(b.excess), b.excess, np.inf) for b in found.values()])
    least, across = values.argmin(0), np.arange(values.shape[1])

    def pick(attribute: str) -> Array:
        rows: Array = np.stack([getattr(b, attribute) for b in found.values()])
        return np.asarray(rows[least, across])

    phases = np.stack([b.phase for b in found.values()])
    phase = np.full(values.shape[1], UNDECIDED, dtype="<U9")
    phase[(phases == SOLID).all(0)] = SOLID
    phase[(phases == LIQUID).any(0)] = LIQUID
    phase[(phases == MISSING).any(0)] = MISSING
    chosen = Beyond(pick("excess"), pick("error"), pick("low"), pick("high"), phase)
    return chosen, np.array(names)[least]
