"""Stable fixed points of maps on hierarchies of overlaps, by Newton's method that follows the flow. Knows
no physics.

The equations of broken replica symmetry have many roots: wherever two levels may be equal, or a level zero,
they solve the equations exactly. The wanted root is the one to which the flow ``dx/ds = F(x) - x`` goes.
Newton's method alone lands on any of them; the flow alone crawls, because a hierarchy is marginally stable.
Implicit Euler steps

    ((1 + 1/tau) 1 - dF/dx) dx = F(x) - x

are the flow for small tau and Newton's method for large (pseudo-transient continuation; Kelley & Keyes,
SIAM J. Numer. Anal. 35, 508 (1998)). They move away from a root that the flow leaves as long as ``tau <
1/(rho - 1)``, rho the largest real eigenvalue of dF/dx, so tau stays below half of that while rho > 1 and
grows freely afterwards: convergence ends quadratic, and only at roots with rho <= 1. Rises from level to
level may shrink by a factor 10 per step, so that a level never lands on another by accident.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from deepglass.errors import NotConverged
from theory.gaussian import Array

_SHRINK = 0.1
_FIRST_TAU = 1.0
_LARGEST_TAU = 1e12
_MARGINAL, _CROWDED = 1e-6, 1e-4
_FAR_FROM_STABLE = 1.3
_FASTEST, _SLOWEST = 10.0, 0.5
_NEAR = 0.1
_PART = 1e-4
_ONE = 1.0 - 1e-14
_DENSE = 60
_KRYLOV = 40


class Mapped(NamedTuple):
    """F(x), shape (N,), and its Jacobian, shape (N, N)."""

    image: Array
    jacobian: Array


@dataclass(frozen=True)
class Relaxed:
    """A fixed point ``x`` (N,): residual of the undamped map, largest eigenvalue of its Jacobian,
    evaluations.
    """

    x: Array
    residual: float
    rho: float
    evaluations: int


def residual(x: Array, image: Array) -> float:
    """Largest change of any overlap under one undamped map, relative to one minus it; 0 if empty."""
    return float(np.max(np.abs(image - x) / (1.0 - x), initial=0.0))


def rightmost(matrix: Array, start: Array) -> tuple[float, Array]:
    """Real part of the rightmost eigenvalue, and the direction it acts on: to warm-start the next call.

    Small matrices exactly; larger ones by one Arnoldi space, whose largest Ritz value is exact for an
    eigenvalue that stands out and within rounding of 1 for the marginal crowd there.
    """
    if matrix.shape[0] <= _DENSE:
        values, vectors = np.linalg.eig(matrix)
        first = int(np.argmax(values.real))
        return float(values[first].real), np.asarray(vectors[:, first].real)
    basis = np.zeros((_KRYLOV + 1, matrix.shape[0]))
    hessenberg = np.zeros((_KRYLOV + 1, _KRYLOV))
    basis[0] = start / np.linalg.norm(start)
    size = _KRYLOV
    for j in range(_KRYLOV):
        new = matrix @ basis[j]
        for _ in range(2):  # Gram-Schmidt twice is enough
            shares = basis[: j + 1] @ new
            hessenberg[: j + 1, j] += shares
            new = new - shares @ basis[: j + 1]
        hessenberg[j + 1, j] = np.linalg.norm(new)
        if hessenberg[j + 1, j] < 1e-12:
            size = j + 1
            break
        basis[j + 1] = new / hessenberg[j + 1, j]
    values, vectors = np.linalg.eig(hessenberg[:size, :size])
    first = int(np.argmax(values.real))
    return float(values[first].real), np.asarray(vectors[:, first].real @ basis[:size])


def _rises(x: Array, levels: int) -> Array:
    return np.diff(x.reshape(-1, levels), axis=1, prepend=0.0)


def _guarded(old: Array, new: Array, levels: int) -> Array:
    """``new`` with every rise, and every distance to 1, at least a tenth of what it was."""
    rises = np.maximum(_rises(new, levels), _SHRINK * _rises(old, levels))
    most = 1.0 - _SHRINK * (1.0 - old.reshape(-1, levels)[:, -1])
    total = np.sum(rises, axis=1)
    factor = np.where(total > most, most / np.maximum(total, 1e-300), 1.0)
    return np.asarray(np.cumsum(rises * factor[:, None], axis=1).ravel())


def _parted(x: Array, levels: int) -> Array:
    """Every level a little above the one before."""
    room = 1.0 - x.reshape(-1, levels)[:, -1:]
    return np.asarray(np.cumsum(np.maximum(_rises(x, levels), _PART * room / levels), axis=1).ravel())


def relax(
    mapping: Callable[[Array], Mapped],
    start: Array,
    levels: int,
    *,
    tolerance: float = 1e-9,
    limit: int = 120,
) -> Relaxed:
    """The fixed point to which the flow from ``start`` (N,) goes; rows of ``levels`` values, not
    decreasing, in [0, 1).

    Raises NotConverged with the last iterate after ``limit`` evaluations, or where the map leaves its domain.
    """
    x = np.asarray(start, dtype=np.float64)
    # Large systems crowd at the margin of stability, where an eigenvalue is known to less than its
    # distance from 1.
    stable = 1.0 + (_MARGINAL if x.size <= _DENSE else _CROWDED)
    tau, previous, best = 0.0, np.inf, np.inf
    rho, direction = 0.0, np.ones_like(x)
    found: Relaxed | None = None
    for evaluation in range(1, limit + 1):
        if np.any(x >= _ONE):
            raise NotConverged("an overlap reaches 1", last=x)
        image, jacobian = mapping(x)
        off = residual(x, image)
        if not np.isfinite(off) or not np.isfinite(jacobian).all():
            raise NotConverged("the map is not a number", last=x, residual=off)
        if x.size:
            rho, direction = rightmost(jacobian, direction)
        best = min(best, off)
        settled = off <= tolerance and rho <= stable
        if found is not None:
            better = settled and off < found.residual
            return Relaxed(x, off, rho, evaluation) if better else replace(found, evaluations=evaluation)
        if settled:
            # One more step: the error is the residual over 1 - rho, and Newton's last step is a cheap one.
            found = Relaxed(x, off, rho, evaluation)
            if off == 0.0:
                return found
        elif off <= tolerance:
            # An unstable root: levels merged that should not be. Part them, and follow the flow from there.
            x = _parted(x, levels)
            image, jacobian = mapping(x)
            tau, previous = 0.0, np.inf
        size = float(np.max(np.abs(image - x)))
        if tau == 0.0:
            tau = max(_FIRST_TAU, _NEAR / size)
        else:
            tau = min(_LARGEST_TAU, tau * min(_FASTEST, max(_SLOWEST, 2.0 * previous / size)))
        previous = size
        if rho > _FAR_FROM_STABLE:
            # The map itself leaves an unstable root faster than implicit steps, which halve tau for it.
            x = _guarded(x, image, levels)
            continue
        if rho > 1.0:
            tau = min(tau, 0.5 / (rho - 1.0))
        step = np.linalg.solve((1.0 + 1.0 / tau) * np.eye(x.size) - jacobian, image - x)
        x = _guarded(x, x + step, levels)
    raise NotConverged(
        f"no stable fixed point after {limit} evaluations; residual {best:.1e}, largest eigenvalue {rho:.6f}",
        last=x,
        residual=best,
    )
