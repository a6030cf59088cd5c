"""States of the Thouless-Anderson-Palmer equations, counted from many random starts.

    m_i = tanh(h_i + sum_j J_ij m_j - m_i sum_j J_ij^2 (1 - m_j^2)),
    ln Z_TAP = (1/2) m.J m + h.m + (1/4) (1 - m^2).J^2 (1 - m^2) + sum_i entropy(m_i).

The paper's code has ``(1 - m_j)^2`` in the reaction term and no ``h.m``; here is the theory. The reaction
term is taken one step back (Bolthausen, Commun. Math. Phys. 325, 333 (2014)), without which iteration cycles.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.special import entr

from deepglass import checks
from deepglass.errors import NotConverged
from theory.gaussian import Array
from theory.inverse_ising.certificate import Certificate
from theory.inverse_ising.model import IsingModel

METHOD = "TAP iteration from random starts"


@dataclass(frozen=True, eq=False)
class TapStates:
    """States by falling ``ln Z``: m (K, N), ``log_z`` (K,) per spin, ``found`` (K,) starts led there.

    ``starts`` in all; those that found no state are the difference. Certificate residual: largest
    ``|tanh(...) - m|`` of the equations themselves, over all states.
    """

    m: Array = field(repr=False)
    log_z: Array
    found: tuple[int, ...]
    starts: int
    certificate: Certificate


def tap_equations(model: IsingModel, m: Array) -> Array:
    """Right-hand side of the TAP equations for states m (..., N)."""
    right: Array = np.tanh(model.h + m @ model.J - m * ((1.0 - m**2) @ model.J**2))
    return right


def tap_log_z(model: IsingModel, m: Array) -> Array:
    """TAP ``ln Z / N`` of states m (..., N); stationary at solutions."""
    left = 1.0 - m**2
    bonds = 0.5 * np.sum(m * (m @ model.J), axis=-1) + 0.25 * np.sum(left * (left @ model.J**2), axis=-1)
    entropy = np.sum(entr((1.0 + m) / 2.0) + entr((1.0 - m) / 2.0), axis=-1)
    value: Array = (bonds + m @ model.h + entropy) / model.N
    return value


def tap_states(
    model: IsingModel,
    starts: int = 2000,
    seed: int = 0,
    *,
    tolerance: float = 1e-8,
    max_iterations: int = 2000,
    distinct: float = 1e-3,
) -> TapStates:
    """Iterate all starts (tanh of normal numbers) at once and cluster what they find.

    distinct: root mean square difference of m above which two states are two. Raises NotConverged, carrying
    the last iterates (starts, N), if no start finds a state.
    """
    R = checks.integer("starts", starts, 1)
    limit = checks.real("tolerance", tolerance, above=0.0)
    most = checks.integer("max_iterations", max_iterations, 1)
    apart = checks.real("distinct", distinct, above=0.0)
    rng = np.random.default_rng(checks.integer("seed", seed, 0))
    m = np.tanh(rng.standard_normal((R, model.N)))
    before = m
    squares = model.J**2
    count = 0
    for _ in range(most):
        new = np.tanh(model.h + m @ model.J - before * ((1.0 - m**2) @ squares))
        before, m, count = m, new, count + 1
        # A pair of equal iterates solves the equations; cheap to see, and checked by them below.
        if np.max(np.abs(m - before)) <= 0.1 * limit:
            break
    residual = np.max(np.abs(tap_equations(model, m) - m), axis=1)
    solved = m[residual <= limit]
    if len(solved) == 0:
        off = float(residual.min())
        raise NotConverged(f"no TAP state from {R} starts in {count} iterations; residual {off:.1e}", m, off)
    states: list[Array] = []
    tally: list[int] = []
    for one in solved:
        near = [k for k, state in enumerate(states) if np.sqrt(np.mean((state - one) ** 2)) <= apart]
        if near:
            tally[near[0]] += 1
        else:
            states.append(one)
            tally.append(1)
    log_z = tap_log_z(model, np.array(states))
    order = np.argsort(-log_z)
    worst = float(residual[residual <= limit].max())
    reason = f"{len(solved)} of {R} starts solved the equations"
    return TapStates(
        np.array(states)[order],
        log_z[order],
        tuple(tally[k] for k in order),
        R,
        Certificate(worst, count, METHOD, reason),
    )
