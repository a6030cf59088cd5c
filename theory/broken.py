"""The hierarchy of overlaps of one chain, k steps of replica symmetry breaking: what is asked and what is
found.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from deepglass import checks
from deepglass.errors import InvalidInput, NoSolution, NotConverged
from theory import rsb
from theory.gaussian import Array
from theory.levels import Levels
from theory.measures import interaction_at_zero
from theory.network import check_depth
from theory.overlaps import Overlaps
from theory.potentials import Potential, potential_of
from theory.profile import SCENARIOS, Profile, attributes, solve_profile
from theory.solve import Certificate
from theory.stability import replicon

K_MAX = 200
"""Most steps: a solution takes k^3 operations and k n^2 numbers of memory per layer, n about 150 grid
nodes.
"""

METHOD = "pseudo-transient Newton on overlaps at fixed break points, from the symmetric limit"


@dataclass(frozen=True)
class Hierarchy:
    """A k-RSB solution of the deep perceptron.

    Inputs as in :class:`theory.Profile`. ``m``: break points, shape (k,). ``q``: neuron overlaps at every
    level, shape (L+1, k+1), outermost level first; the overlap is ``q[l, i]`` for x in (m_i, m_{i+1}), so
    that P(q) of a layer has weight ``m_{i+1} - m_i`` there (m_0 = 0, m_{k+1} = 1). ``Q``: weight overlaps,
    shape (L, k+1). ``eps``: variances of the neurons' fields, shape (L+1, k+1), 0 at the boundaries.
    ``entropy``: per N M and replica. ``m_slope``: derivative of the entropy in the break points, shape
    (k,): 0 where they are stationary. ``replicon``: stability of the innermost level, positive where
    stable, 0 marginal (:mod:`theory.stability`). ``rho``: largest eigenvalue of the map, at most 1.
    ``symmetric``: the replica-symmetric solution it grows from.
    """

    scenario: str
    depth: int
    alpha: float
    margin: float
    closure: str
    potential: str
    beta: float | None
    m: Array
    q: Array
    Q: Array
    eps: Array
    entropy: float
    m_slope: Array
    replicon: float
    rho: float
    certificate: Certificate
    symmetric: Profile = field(repr=False)

    @property
    def k(self) -> int:
        """Number of steps of symmetry breaking."""
        return int(self.m.size)

    @property
    def weights(self) -> Array:
        """``m_{i+1} - m_i``, shape (k+1,): weight of level i in P(q)."""
        return np.asarray(np.diff(np.concatenate([[0.0], self.m, [1.0]])))

    def to_dataset(self) -> xr.Dataset:
        """The solution with labelled layers and levels; ``q`` and ``Q`` are those of the innermost level."""
        neurons, weights = ("neuron_layer",), ("weight_layer",)
        return xr.Dataset(
            {
                "q": (neurons, self.q[:, -1], {"long_name": "neuron overlap within a state, q_k"}),
                "Q": (weights, self.Q[:, -1], {"long_name": "weight overlap within a state, Q_k"}),
                "q_level": (("neuron_layer", "level"), self.q, {"long_name": "neuron overlap q_i"}),
                "Q_level": (("weight_layer", "level"), self.Q, {"long_name": "weight overlap Q_i"}),
                "eps_level": (("neuron_layer", "level"), self.eps, {"long_name": "variance of fields eps_i"}),
                "weight": (("level",), self.weights, {"long_name": "weight of the level in P(q)"}),
                "m": (("step",), self.m, {"long_name": "break point"}),
                "m_slope": (("step",), self.m_slope, {"long_name": "d entropy / d break point"}),
            },
            coords={
                "neuron_layer": np.arange(self.depth + 1),
                "weight_layer": np.arange(1, self.depth + 1),
                "level": np.arange(self.k + 1),
                "step": np.arange(1, self.k + 1),
            },
            attrs=attributes(self, rsb=self.k, branch="continuous"),
        )


def solve_hierarchy(
    scenario: str,
    depth: int,
    alpha: float,
    k: int,
    margin: float = 0.0,
    *,
    closure: str = "gaussian",
    potential: str | Potential = "hard",
    beta: float | None = None,
    break_points: Sequence[float] | Array | None = None,
) -> Hierarchy:
    """Solve a chain with k steps of replica symmetry breaking, k <= 200; other arguments as in
    ``solve_profile``.

    ``random``: on the branch that grows from the symmetric solution. k = 1: the break point is stationary.
    k >= 2: evenly spaced break points up to an x_max that is stationary for a coarse hierarchy, or inside
    the end of the branch (``m_slope`` says which). ``break_points`` (k,) between 0 and 1 fixes them
    instead. ``teacher-student``: by Nishimori's identities all levels are equal, which is what is returned,
    with the replicon of that solution.

    Raises InvalidInput for a value out of range, NoSolution where the symmetric solution, a stationary
    break point (k = 1) or the branch at given break points does not exist, NotConverged.

    With a teacher no level differs from another:

    >>> found = solve_hierarchy("teacher-student", 3, 20.0, k=2)
    >>> [round(float(q), 3) for q in found.q[1]]
    [0.779, 0.779, 0.779]
    """
    scenario = checks.one_of("scenario", scenario, SCENARIOS)
    depth = check_depth(depth)
    k = checks.integer("rsb", k, 0, K_MAX)
    m = _checked(k, break_points)
    symmetric = solve_profile(scenario, depth, alpha, margin, closure=closure, potential=potential, beta=beta)
    if scenario == "teacher-student":
        return _equal_levels(symmetric, rsb.uniform(k) * (k / (k + 1.0)) if m is None else m)
    interaction = potential_of(potential, margin, beta)
    chain, levels = rsb.start(depth, float(alpha), interaction, symmetric.q, symmetric.Q, closure)
    try:
        state = rsb.solve(chain, levels, k) if m is None else rsb.at(chain, levels, m)
    except NoSolution as error:
        if m is not None:
            raise
        limit = _last_stationary(depth, float(alpha), interaction, closure)
        raise NoSolution(f"{error}; 1RSB exists up to about alpha = {limit:.4g}", limit) from error
    except NotConverged as error:
        raise NotConverged(
            f"{k}-RSB of random data at depth {depth}, alpha {alpha:.10g}, margin {margin:g}: {error}",
            error.last,
            error.residual,
        ) from error
    return _hierarchy(symmetric, state)


def _last_stationary(depth: int, above: float, potential: Potential, closure: str) -> float:
    """The largest alpha, to 0.2 %, below ``above`` at which 1RSB has a stationary break point."""
    low, high = 1.0 / (2.0 * interaction_at_zero(potential) ** 2), above
    while high > 1.002 * low:
        middle = float(np.sqrt(low * high))
        symmetric = solve_profile("random", depth, middle, potential=potential, closure=closure)
        try:
            rsb.solve(*rsb.start(depth, middle, potential, symmetric.q, symmetric.Q, closure), 1)
        except (NoSolution, NotConverged):
            high = middle
        else:
            low = middle
    return low


def _checked(k: int, break_points: Sequence[float] | Array | None) -> Array | None:
    if break_points is None:
        return None
    m = np.asarray(break_points, dtype=np.float64)
    if m.shape != (k,) or not np.all(np.diff(np.concatenate([[0.0], m, [1.0]])) > 0.0):
        raise InvalidInput(f"break_points must be rsb = {k} numbers rising strictly between 0 and 1")
    return m if k else None


def _equal_levels(symmetric: Profile, m: Array) -> Hierarchy:
    def repeated(values: Array) -> Array:
        return np.repeat(values[:, None], m.size + 1, axis=1)

    eps = np.concatenate([[0.0], symmetric.eps, [0.0]])
    return _assembled(
        symmetric,
        m,
        Levels(repeated(symmetric.q), repeated(symmetric.Q)),
        repeated(eps),
        symmetric.entropy,
        np.zeros(m.size),
        symmetric.replicon,
        np.nan,
        symmetric.certificate,
    )


def _hierarchy(symmetric: Profile, state: rsb.State) -> Hierarchy:
    solved = state.solved
    q, Q = solved.levels.q[:, -1], solved.levels.Q[:, -1]
    stability = replicon(state.chain.closure, symmetric.alpha, Overlaps.of(q, Q), 1.0 - Q, solved.moments)
    certificate = Certificate(
        state.relaxed.residual, state.relaxed.evaluations, METHOD, "converged to a stable hierarchy"
    )
    return _assembled(
        symmetric,
        state.chain.m,
        solved.levels,
        solved.eps,
        solved.entropy,
        solved.slope,
        stability.replicon,
        state.relaxed.rho,
        certificate,
    )


def _assembled(
    symmetric: Profile,
    m: Array,
    levels: Levels,
    eps: Array,
    entropy: float,
    m_slope: Array,
    stable: float,
    rho: float,
    certificate: Certificate,
) -> Hierarchy:
    return Hierarchy(
        scenario=symmetric.scenario,
        depth=symmetric.depth,
        alpha=symmetric.alpha,
        margin=symmetric.margin,
        closure=symmetric.closure,
        potential=symmetric.potential,
        beta=symmetric.beta,
        m=m,
        q=levels.q,
        Q=levels.Q,
        eps=eps,
        entropy=entropy,
        m_slope=m_slope,
        replicon=stable,
        rho=rho,
        certificate=certificate,
        symmetric=symmetric,
    )
