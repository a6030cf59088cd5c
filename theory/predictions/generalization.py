"""What a student has learnt: its answers to fresh inputs beside its teacher's."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deepglass.errors import InvalidInput
from theory.gaussian import Array
from theory.profile import Profile, solve_profile


@dataclass(frozen=True)
class Generalization:
    """The student on a fresh input.

    ``r``, ``r_complement`` = 1 - r: overlap with the teacher's neurons, shape (L+1,), layers 0..L.
    ``error``: probability that an output differs, ``(1 - r_L)/2``. ``branch``: the one solved.
    """

    depth: int
    alpha: float
    branch: str
    closure: str
    r: Array
    r_complement: Array
    error: float


def propagate(Q_complement: npt.ArrayLike) -> Array:
    """``1 - r_l`` of layers 0..L, shape (L+1,), for weight overlaps of complements 1 - Q_l, shape (L,).

    Two neurons whose weights have overlap Q, on inputs of overlap r, see jointly Gaussian fields of
    correlation r Q, hence ``r_l = (2/pi) arcsin(r_{l-1} Q_l)``, r_0 = 1 (Sheppard). Near r = 1 as
    ``1 - r_l = (4/pi) arcsin(sqrt((1 - r_{l-1} Q_l)/2))``, so that nothing is lost.

    One layer known, one not at all:

    >>> propagate([0.0, 1.0]).tolist()
    [0.0, 0.0, 1.0]
    """
    given = np.asarray(Q_complement, dtype=float)
    r = np.zeros(given.size + 1)  # complements
    for layer, c in enumerate(given):
        missing = r[layer] + c - r[layer] * c
        if missing < 0.5:
            r[layer + 1] = 4.0 / math.pi * math.asin(math.sqrt(0.5 * missing))
        else:
            r[layer + 1] = 1.0 - 2.0 / math.pi * math.asin(1.0 - missing)
    return r


def generalization_of(profile: Profile) -> Generalization:
    """The test error of a solved student: its weight overlaps with the teacher, sent through the layers.

    Propagation: :func:`propagate`. At depth 1 the error is ``arccos(Q)/pi``, which tends to ``0.625/alpha``
    (Gyorgyi and Tishby, Gibbs learning). Raises InvalidInput unless there is a deterministic teacher:
    teacher-student, hard core, margin 0.
    """
    if profile.ensemble != "teacher":
        raise InvalidInput(
            "generalization needs a teacher (teacher-student, hard core, margin 0); there is none for "
            f"{profile.scenario} data, {profile.potential}, margin {profile.margin:g}"
        )
    missing = propagate(profile.Q_complement)
    return Generalization(
        profile.depth,
        profile.alpha,
        profile.branch,
        profile.closure,
        1.0 - missing,
        missing,
        0.5 * float(missing[-1]),
    )


def generalization(
    depth: int, alpha: float, branch: str = "equilibrium", *, closure: str = "gaussian"
) -> Generalization:
    """The test error of a student of a teacher of its own architecture, see :func:`generalization_of`.

    Arguments and errors as in :func:`theory.solve_profile`. In the equilibrium it falls by a jump at the
    first-order transition to the crystal. Where a weight layer is liquid, it is 1/2.

    At depth 1 the error is the angle between student and teacher:

    >>> from theory import solve_profile
    >>> overlap = float(solve_profile("teacher-student", 1, 5.0).Q[0])
    >>> f"{generalization(1, 5.0).error:.4f} {math.acos(overlap) / math.pi:.4f}"
    '0.1180 0.1180'
    """
    return generalization_of(solve_profile("teacher-student", depth, alpha, branch=branch, closure=closure))
