"""What fits of the same data say of a transition: whether it is in the data or in how they were fitted."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from compare.ising_fits import STARTS, WEIGHED
from compare.resampling import standard_error

SIGMAS = 2.0
KNOWING = ("truth", "exact.truth", "exact.truth.free")
"""Of a control: the model that its configurations were drawn from, and learning that began there."""


@dataclass(frozen=True)
class Described:
    """One fit, in numbers.

    ``gain``: likelihood over independent spins, nats a configuration, with its standard ``error``, of which
    ``weighing`` is that of ln Z; ``gains``: of every configuration left out (empty: there are moments only).
    ``optimism``: by how much a gain on moments that were fitted may be too high, never too low; 0 on others.
    ``seen`` and ``bethe``: errors of its moments by sampling and by Bethe averages. ``jump`` and ``width``:
    largest step of d and interval of x of the disagreement, medians over references, by chains; ``share`` of
    references with one and ``bethe_share`` by belief propagation (NaN where it has no fixed points). ``gap``
    of ln Z per spin to the branch against the data, ``against``: what it weighs.
    """

    name: str
    gain: float
    error: float
    seen: float
    bethe: float
    jump: float
    width: float
    share: float
    bethe_share: float
    gap: float
    against: float
    weights: float
    weighing: float = 0.0
    optimism: float = 0.0
    gains: NDArray[np.float64] = field(default_factory=lambda: np.empty(0), repr=False, compare=False)

    @property
    def broken(self) -> bool | None:
        """Whether it has a transition, for most references; None if that is not known or they disagree."""
        share = self.bethe_share if math.isnan(self.share) else self.share
        if math.isnan(share) or 0.25 < share < 0.75:
            return None
        return share > 0.5


@dataclass(frozen=True)
class Verdict:
    """``word``, why, and what it rests on.

    ``lead``: likelihood of the best fit less that of the best fit of the other kind, with or without a
    transition, nats a configuration, with its standard ``error``; NaN where there is no other kind.
    ``systematic``: what the optimism of fitted moments may add to or take from it.
    """

    word: str
    why: str
    lead: float
    error: float
    systematic: float = 0.0


def ahead(one: Described, other: Described) -> tuple[float, float, float]:
    """By how many nats a configuration ``one`` is more likely: value, standard error, systematic bound.

    The difference is taken configuration by configuration where there are some: what makes one of them likely
    under both models is not counted as noise. ln Z of both are annealed independently.
    """
    weighing = math.hypot(one.weighing, other.weighing)
    if one.gains.size > 1 and one.gains.size == other.gains.size:
        apart = one.gains - other.gains
        return float(apart.mean()), math.hypot(standard_error(apart), weighing), 0.0
    error = weighing or math.hypot(one.error, other.error)
    return one.gain - other.gain, error, max(one.optimism, other.optimism)


SMOOTH = ("exact.zero", "exact.independent")
"""Exact learning that began without a transition."""

ARTEFACT, REAL, NONE, UNDECIDED = "artefact of the fit", "real", "no transition", "undecided"


def verdict(fits: Sequence[Described]) -> Verdict:
    """What the fits say of the transition.

    Counted are fits whose likelihood is known, but for those that knew the truth; the best must be better
    than independent spins. *Artefact*: no fit that is as likely as the best, to two errors and the systematic
    bound, has a transition, though a worse one has, and exact learning that began at a model with one
    (``exact.broken``) was tried. *Real*: all those have one, and exact learning that began without one is
    among the fits. *No transition*: no fit has. Else *undecided*. Exact learning keeps what it began with
    where the likelihood is nearly flat, so neither start alone says anything.
    """
    known = [
        fit for fit in fits if fit.weights >= WEIGHED and math.isfinite(fit.gain) and fit.name not in KNOWING
    ]
    if not known:
        return Verdict(UNDECIDED, "no fit has a known likelihood", math.nan, math.nan)
    best = max(known, key=lambda fit: fit.gain)
    if not best.gain > SIGMAS * best.error + best.optimism:
        return Verdict(UNDECIDED, "no fit is better than independent spins", math.nan, math.nan)
    near = [fit for fit in known if _as_likely(best, fit)]
    kinds = {fit.broken for fit in near}
    others = [fit for fit in known if fit.broken is not None and fit.broken != best.broken]
    rival = max(others, key=lambda fit: fit.gain, default=None)
    numbers = (math.nan, math.nan, 0.0) if rival is None else ahead(best, rival)
    names = ", ".join(fit.name for fit in near)
    if None in kinds or len(kinds) > 1:
        return Verdict(UNDECIDED, f"fits that describe the data equally well disagree: {names}", *numbers)
    if best.broken:
        if not any(fit.name in SMOOTH for fit in known):
            return Verdict(UNDECIDED, "exact learning did not begin at a model without", *numbers)
        return Verdict(REAL, f"all fits that describe the data best have it: {names}", *numbers)
    if rival is None:
        return Verdict(NONE, "no fit has one", *numbers)
    # Exact learning keeps what it began with where the likelihood is nearly flat.
    begun = any(fit.name in STARTS and fit.broken for fit in fits)
    if not begun or not any(fit.name == "exact.broken" for fit in known):
        return Verdict(UNDECIDED, "exact learning did not begin at a model with a transition", *numbers)
    why = f"no fit that describes the data best has it ({names}); {rival.name}, which has, is worse"
    return Verdict(ARTEFACT, why, *numbers)


def _as_likely(best: Described, fit: Described) -> bool:
    if fit is best:
        return True
    lead, error, systematic = ahead(best, fit)
    return lead <= SIGMAS * error + systematic


def guarded(said: Verdict, control: str) -> Verdict:
    """*Artefact* and *no transition* become *undecided* where the same procedure does not find a transition
    that is known.

    ``control``: the word for data drawn from a model that has one; empty: there is none.
    """
    if said.word not in (ARTEFACT, NONE) or control == REAL:
        return said
    why = f"a control that has a transition is called '{control or 'nothing, it is missing'}'; {said.why}"
    return Verdict(UNDECIDED, why, said.lead, said.error, said.systematic)
