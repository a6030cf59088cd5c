"""The continuous limit of a hierarchy: how far k levels and the grid of the fields are from it."""

from dataclasses import dataclass, replace

import numpy as np

from deepglass import checks
from theory import rsb, terms
from theory.broken import K_MAX
from theory.gaussian import Array
from theory.potentials import Potential, potential_of
from theory.profile import solve_profile

__all__ = ["Convergence", "convergence"]


@dataclass(frozen=True)
class Convergence:
    """One hierarchy at growing k and at finer grids, all on break points ``x_max i/k``.

    ``levels`` (n,): numbers k; ``entropy`` (n,), ``q_EA`` (n, L+1): innermost overlaps at each. ``order``:
    p in ``s_k - s ~ k^-p`` from the last three k (NaN unless they form a geometric series), ``limit``: s
    extrapolated with it. ``grid_entropy``, ``grid_q``: largest change of s and of any overlap when the grid
    of the fields is made twice as fine, at the first k.
    """

    x_max: float
    levels: tuple[int, ...]
    entropy: Array
    q_EA: Array
    order: float
    limit: float
    grid_entropy: float
    grid_q: float


def convergence(
    depth: int,
    alpha: float,
    levels: tuple[int, ...] = (25, 50, 100),
    *,
    margin: float = 0.0,
    potential: str | Potential = "hard",
    beta: float | None = None,
) -> Convergence:
    """Solve random data (gaussian closure) with several numbers of levels and two grids.

    ``levels``: growing, each >= 2. Other arguments and errors as in :func:`theory.solve_hierarchy`. The
    largest is solved first and sets x_max.
    """
    chosen = tuple(sorted(checks.integer("levels", k, 2, K_MAX) for k in levels))
    symmetric = solve_profile("random", depth, alpha, margin, potential=potential, beta=beta)
    interaction = potential_of(potential, margin, beta)
    chain, start = rsb.start(depth, float(alpha), interaction, symmetric.q, symmetric.Q)
    finest = rsb.solve(chain, start, chosen[-1])
    x_max = float(finest.chain.m[-1])
    states = [rsb.relevelled(finest, k) for k in chosen[:-1]] + [finest]
    entropy = np.array([state.solved.entropy for state in states])
    order, limit = _extrapolated(chosen, entropy)
    coarse = states[0]
    fine = rsb.settle(replace(coarse.chain, step=0.5 * terms.STEP), coarse.solved.levels)
    return Convergence(
        x_max=x_max,
        levels=chosen,
        entropy=entropy,
        q_EA=np.array([state.solved.levels.q[:, -1] for state in states]),
        order=order,
        limit=limit,
        grid_entropy=abs(fine.solved.entropy - float(entropy[0])),
        grid_q=float(np.max(np.abs(fine.solved.levels.q - coarse.solved.levels.q))),
    )


def _extrapolated(levels: tuple[int, ...], values: Array) -> tuple[float, float]:
    """Order and limit of the last three values, ``v + c k^-p`` at k in a geometric series."""
    if len(levels) < 3 or levels[-1] * levels[-3] != levels[-2] ** 2:
        return float("nan"), float("nan")
    first, second = float(values[-2] - values[-3]), float(values[-1] - values[-2])
    if not 0.0 < second / first < 1.0:
        return float("nan"), float("nan")
    ratio = second / first
    order = -np.log(ratio) / np.log(levels[-1] / levels[-2])
    return float(order), float(values[-1] + second * ratio / (1.0 - ratio))
