"""The pairwise model of a part of a network: what its correlations take of the entropy, where a fit can be
trusted.

Deficit S_ind(m) - s: entropy of independent weights of the same means, less that of the fitted model by
belief propagation, nats per weight. A fit is trusted if messages settle and its moments, by linear response,
are nearer to the data's than those of independent weights; elsewhere numbers are missing, and why is said.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compare.weight_space import Array, Jackknife
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
        bias: what was removed: the deficit of the same weights, each shuffled over networks by itself.
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
    deficit = entropy_deficit(found.m, state.entropy)
    reason = ""
    bias, spread = float("nan"), float("nan")
    try:
        bias = float(np.mean([_deficit(moments(each), method) for each in shuffled]))
    except _NoFit as why:
        reason = f"bias unknown, no fit of shuffled weights ({why})"
    groups = min(GROUPS, int(owner[-1]) + 1)
    group = owner * groups // (owner[-1] + 1)
    try:
        without = [_deficit(moments(weights[group != g]), method) for g in range(groups)]
        spread = Jackknife(deficit, np.array(without)).error
    except _NoFit as why:
        reason = reason or f"error unknown, no fit without some of the networks ({why})"
    return PairModel(
        part,
        order,
        method,
        deficit - bias,
        spread,
        bias,
        error,
        independent_error(found).total,
        strength(state.model),
        reason,
    )


def _deficit(moments: Moments, method: str) -> float:
    return entropy_deficit(moments.m, _trusted(moments, (method,), compare=False)[1].entropy)


def _trusted(moments: Moments, methods: Sequence[str], compare: bool = True) -> tuple[str, BetheState, float]:
    """The first method whose model can be solved, its Bethe state, and its moment error by response."""
    reasons = []
    for method in methods:
        try:
            state = _solved(fit(moments, method).model)
            error = moment_error(bethe_response(state), moments).total
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
