"""The first layer of all thermal machines of a batch: its inputs are frozen and +-1.

A few pixels side by side take few different values among the patterns: sums of J_1 over such a group are
tabulated once for every combination that occurs (:class:`Plan`), and a pattern costs one look-up per group.
Rows of J_1 go side by side, as many as a register holds.
"""

# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from simulate.kernels.registers import LANES, add, load, multiply_add, spread, store


class Plan(NamedTuple):
    """How layer 1 is computed, and the frozen neurons; made once per machine (:mod:`.dynamics.compiled`).

    The distinct pixels (up to sign) lie in G groups; ``codes`` says which combination of the pixels of a
    group each pattern shows, counted through all groups.
    """

    codes: NDArray[np.int32]  # (M, G): row of the table
    pixels: NDArray[np.int64]  # (G + 1,): first distinct pixel of each group
    rows: NDArray[np.int64]  # (G + 1,): first combination of each group
    signs: NDArray[np.floating]  # flat: for each combination the values +-1 of the pixels of its group
    column: NDArray[np.int64]  # (N_0,): the distinct pixel that each pixel equals
    sign: NDArray[np.floating]  # (N_0,): +-1, up to this sign
    outputs: NDArray[np.floating]  # (N_L, M)


@numba.njit
def fold(r, spins, row, rows_each, plan, weights):
    """J_1 of LANES rows summed over equal pixels: weights (distinct pixels, LANES)."""
    n0 = plan.column.size
    weights[:] = 0
    last = min(row + LANES, r.shape[0] * rows_each)
    for lane in range(last - row):
        machine, i = divmod(row + lane, rows_each)
        j = r[machine, spins + i * n0 : spins + (i + 1) * n0]
        for p in range(n0):
            weights[plan.column[p] * LANES + lane] += plan.sign[p] * j[p]


@numba.njit
def look_up(plan, weights, table, z):
    """z (patterns, LANES) = J_1 S_0 of LANES rows."""
    at = 0
    for g in range(plan.pixels.size - 1):
        for row in range(plan.rows[g], plan.rows[g + 1]):
            total = spread(plan.sign[0] - plan.sign[0])
            for p in range(plan.pixels[g], plan.pixels[g + 1]):
                total = multiply_add(spread(plan.signs[at]), load(weights, p * LANES), total)
                at += 1
            store(table, row * LANES, total)
    for mu in range(plan.codes.shape[0]):
        total = load(table, plan.codes[mu, 0] * LANES)
        for g in range(1, plan.codes.shape[1]):
            total = add(total, load(table, plan.codes[mu, g] * LANES))
        store(z, mu * LANES, total)


@numba.njit
def look_back(plan, d, table, forces):
    """forces (distinct pixels, LANES) = d_1 S_0^T of LANES rows: the transpose of the look-up."""
    table[:] = 0
    for mu in range(plan.codes.shape[0]):
        here = load(d, mu * LANES)
        for g in range(plan.codes.shape[1]):
            at = plan.codes[mu, g] * LANES
            store(table, at, add(load(table, at), here))
    forces[:] = 0
    at = 0
    for g in range(plan.pixels.size - 1):
        for row in range(plan.rows[g], plan.rows[g + 1]):
            here = load(table, row * LANES)
            for p in range(plan.pixels[g], plan.pixels[g + 1]):
                total = multiply_add(spread(plan.signs[at]), here, load(forces, p * LANES))
                store(forces, p * LANES, total)
                at += 1
