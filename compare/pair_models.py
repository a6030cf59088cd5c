"""The pairwise model of a part of a network: what its correlations take of the entropy, where a fit can be
trusted.

Deficit S_ind(m) - s: entropy of independent weights of the same means, less that of the fitted model, nats
per weight. s is that of Bethe with the rings of messages (:mod:`theory.inverse_ising.bethe_loops`): without
them many weak couplings count for too little. A fit is trusted if messages settle and its moments, by linear
response, are nearer to the data's than those of independent weights; elsewhere numbers are missing, and why
is said.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compare.weight_ensemble import Array
from compare.weight_space import Jackknife
from deepglass.errors import InvalidInput, NotConverged
from theory.inverse_ising import (
    BetheState,
    IsingModel,
    Moments,
    Strength,
    bethe_response,
    entropy_deficit,
    fit,
    independent_error,
    loop_entropy,
    loop_log_z,
    moment_error,
    solve_bethe,
    strength,
)

METHODS = ("bethe-response", "nmf")
LARGEST = 1000
"""Most weights of a part that is fitted: messages are N^2."""

GROUPS = 10
"""Groups of networks that are left out in turn for errors: each costs a fit."""

FIRST, MOST = 100, 1000
"""Sweeps after which messages must have come near, and have settled."""

NEAR, SETTLED = 1e-2, 1e-8
"""What messages may still change by then."""


@dataclass(frozen=True)
class PairModel:
    """A fit, or why there is none.

    Attributes:
        part, order: what was fitted; order ``raw`` is averaged over hidden-unit permutations.
        method: of :func:`theory.inverse_ising.fit`, then belief propagation.
        deficit, error: entropy that correlations take, bias removed, with its jackknife error over 10 groups
            of networks.
        bethe: the same by the Bethe free energy alone, as in the paper.
        bias: what was removed from both: their deficit for weights shuffled over networks, each by itself.
        moment_error, independent_error: of the model by linear response, and of independent weights.
        strength: of couplings and fields; None without a fit. Those of n networks in canonical order have
            noise of about 1/sqrt(n) each: do not compare them with averaged ones.
        reason: why something is missing, else empty.
    """

    part: str
    order: str
    method: str = ""
    deficit: float = float("nan")
    error: float = float("nan")
    bethe: float = float("nan")
    bias: float = float("nan")
    moment_error: float = float("nan")
    independent_error: float = float("nan")
    strength: Strength | None = None
    reason: str = ""


class _NoFit(Exception):
    """Why no model of some moments is trusted."""


def pair_model(
    part: str,
    order: str,
    weights: Array,
    owner: NDArray[np.int64],
    moments: Callable[[Array], Moments],
    shuffled: Sequence[Array],
) -> PairModel:
    """The model of a part, from weights (S, N) of networks ``owner`` (S,).

    ``moments`` makes those of the part from such weights, averaged or not; ``shuffled`` are weights without
    correlations, of which the bias is the mean.
    """
    found = moments(weights)
    if found.N > LARGEST:
        return PairModel(part, order, reason=f"{found.N} weights, fitted are at most {LARGEST}")
    if found.N < 2:
        return PairModel(part, order, reason="a single weight has no pairs")
    try:
        method, state, error = _trusted(found, METHODS)
    except _NoFit as why:
        return PairModel(part, order, independent_error=independent_error(found).total, reason=str(why))
    deficit = _deficits(found, state)
    bias, spread, reason = np.full(2, np.nan), float("nan"), ""
    try:
        bias = np.mean([_deficits_by(moments(each), method) for each in shuffled], axis=0)
    except _NoFit as why:
        reason = f"bias unknown, no fit of shuffled weights ({why})"
    groups = min(GROUPS, int(owner[-1]) + 1)
    group = owner * groups // (owner[-1] + 1)
    try:
        without = [_deficits_by(moments(weights[group != g]), method)[0] for g in range(groups)]
        spread = Jackknife(float(deficit[0]), np.array(without)).error
    except _NoFit as why:
        reason = reason or f"error unknown, no fit without some of the networks ({why})"
    value, bethe = (deficit - bias).tolist()
    return PairModel(
        part,
        order,
        method,
        value,
        spread,
        bethe,
        float(bias[0]),
        error,
        independent_error(found).total,
        strength(state.model),
        reason,
    )


def _deficits(moments: Moments, state: BetheState) -> Array:
    """With loops, and by Bethe alone."""
    entropies = (loop_entropy(state, moments), state.entropy)
    return np.array([entropy_deficit(moments.m, entropy) for entropy in entropies])


def _deficits_by(moments: Moments, method: str) -> Array:
    return _deficits(moments, _trusted(moments, (method,), compare=False)[1])


def _trusted(moments: Moments, methods: Sequence[str], compare: bool = True) -> tuple[str, BetheState, float]:
    """The first method whose model can be solved, its Bethe state, and its moment error by response."""
    reasons = []
    for method in methods:
        try:
            state = _solved(fit(moments, method).model)
            error = moment_error(bethe_response(state), moments).total
            loop_log_z(state)  # refuses what has no sum over loops
        except NotConverged as why:
            reasons.append(f"{method}: messages still change by {why.residual:.1g}")
        except (InvalidInput, np.linalg.LinAlgError) as why:
            reasons.append(f"{method}: {why}")
        else:
            independent = independent_error(moments).total
            if not compare or error < independent:
                return method, state, error
            reasons.append(f"{method}: moment error {error:.2g}, independent weights {independent:.2g}")
    raise _NoFit("; ".join(reasons))


def _solved(model: IsingModel) -> BetheState:
    """The Bethe state from bare fields; given up early where messages do not come near."""
    try:
        return solve_bethe(model, max_sweeps=FIRST, tolerance=SETTLED)
    except NotConverged as first:
        if first.residual > NEAR:
            raise
        return solve_bethe(model, first.last.messages, max_sweeps=MOST - FIRST, tolerance=SETTLED)
