"""The overlap profile of one chain: what is asked, what is found, and how well."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from deepglass import checks
from deepglass.errors import NotConverged
from theory import branches
from theory.closures import CLOSURES
from theory.gaussian import Array
from theory.network import REPLICAS, Chain, check_depth
from theory.potentials import HardCore, Potential, potential_of
from theory.saddle import SaddlePoint
from theory.solve import Certificate
from theory.stability import Stability, stability

if TYPE_CHECKING:
    from theory.broken import Hierarchy

SCENARIOS = tuple(REPLICAS)
BRANCHES = ("continuous", "crystal", "equilibrium")


@dataclass(frozen=True)
class Profile:
    """A replica-symmetric solution of the deep perceptron.

    Inputs ``scenario``, ``depth`` = L, ``alpha``, ``margin``, ``closure``, ``potential`` (``hard-core``
    or ``soft-core``) and ``beta`` (None for the hard core); ``branch`` is the branch solved.
    ``q``, ``q_complement`` = 1 - q: neuron overlaps, shape (L+1,), layers 0..L, boundaries 1, liquid 0.
    ``Q``, ``Q_complement``: weight overlaps, shape (L,), layers 1..L. ``eps``: variance of the
    neurons' fields, shape (L-1,), hidden layers. ``entropy``: per N M; per replica for random, of the
    student for teacher-student. ``certificate``: residual of the undamped equations and how it was reached.
    ``stability``: against breaking of the replica symmetry; its ``replicon`` is positive where stable.
    ``entropies``: the branches that were compared, if the equilibrium was asked for.
    """

    scenario: str
    depth: int
    alpha: float
    margin: float
    branch: str
    q: Array
    q_complement: Array
    Q: Array
    Q_complement: Array
    eps: Array
    entropy: float
    certificate: Certificate
    closure: str
    potential: str
    beta: float | None
    stability: Stability
    entropies: Mapping[str, float] = field(default_factory=dict)

    @property
    def replicon(self) -> float:
        """The stability eigenvalue, positive where replica symmetry is stable."""
        return self.stability.replicon

    @property
    def ensemble(self) -> str:
        """What the output layer is, see :func:`ensemble`."""
        return ensemble(self.scenario, self.margin, self.potential)

    def to_dataset(self) -> xr.Dataset:
        """The profile with labelled layers; eps is NaN at the frozen boundaries."""
        weights, neurons = ("weight_layer",), ("neuron_layer",)
        eps = np.concatenate([[np.nan], self.eps, [np.nan]])
        return xr.Dataset(
            {
                "q": (neurons, self.q, {"long_name": "neuron overlap"}),
                "q_complement": (neurons, self.q_complement, {"long_name": "1 - neuron overlap"}),
                "eps": (neurons, eps, {"long_name": "variance of the field of a neuron"}),
                "Q": (weights, self.Q, {"long_name": "weight overlap"}),
                "Q_complement": (weights, self.Q_complement, {"long_name": "1 - weight overlap"}),
            },
            coords={
                "neuron_layer": np.arange(self.depth + 1),
                "weight_layer": np.arange(1, self.depth + 1),
            },
            attrs=attributes(self, rsb=0, branch=self.branch),
        )


def attributes(found: "Profile | Hierarchy", rsb: int, branch: str) -> dict[str, Any]:
    """What a file says of a solution beside its numbers: what was asked for, and how well it is solved."""
    return {
        "scenario": found.scenario,
        "depth": found.depth,
        "alpha": found.alpha,
        "margin": found.margin,
        "potential": found.potential,
        **({} if found.beta is None else {"beta": found.beta}),
        "closure": found.closure,
        "rsb": rsb,
        "branch": branch,
        "ensemble": ensemble(found.scenario, found.margin, found.potential),
        "entropy": found.entropy,
        "replicon": found.replicon,
        "residual": found.certificate.residual,
        "evaluations": found.certificate.evaluations,
        "method": found.certificate.method,
        "reason": found.certificate.reason,
    }


def ensemble(scenario: str, margin: float, potential: str = HardCore.name) -> str:
    """What the output layer is: ``random``, a deterministic ``teacher``, or ``planted``.

    Unless exp(-beta v(h)) + exp(-beta v(-h)) = 1, which only the hard core at margin 0 satisfies, the
    one-replica limit describes patterns planted around a machine that satisfies them, not the answers of
    a teacher.
    """
    if scenario == "random":
        return "random"
    return "teacher" if margin == 0.0 and potential == HardCore.name else "planted"


def _profile(branch: str, point: SaddlePoint, entropies: Mapping[str, float]) -> Profile:
    overlaps, chain = point.overlaps, point.chain
    return Profile(
        scenario=chain.scenario,
        depth=chain.depth,
        alpha=chain.alpha,
        margin=chain.potential.margin,
        branch=branch,
        q=overlaps.q,
        q_complement=overlaps.q_complement,
        Q=overlaps.Q,
        Q_complement=overlaps.Q_complement,
        eps=point.eps[1:-1],
        entropy=point.entropy,
        certificate=point.certificate,
        closure=chain.closure.name,
        potential=chain.potential.name,
        beta=getattr(chain.potential, "beta", None),
        stability=stability(point),
        entropies=entropies,
    )


def chain_of(scenario: str, depth: int, alpha: float, closure: str, potential: Potential) -> Chain:
    """The chain a user names. Raises InvalidInput for a value out of range."""
    scenario = checks.one_of("scenario", scenario, SCENARIOS)
    depth = check_depth(depth)
    # Not above 0 is one complaint, outside the range that has been tested another.
    alpha = checks.real("alpha", alpha, above=0.0)
    alpha = checks.real("alpha", alpha, at_least=branches.ALPHA_MIN, at_most=branches.ALPHA_MAX)
    return Chain(scenario, depth, alpha, potential, CLOSURES[checks.one_of("closure", closure, CLOSURES)])


def solve_profile(
    scenario: str,
    depth: int,
    alpha: float,
    margin: float = 0.0,
    branch: str = "continuous",
    *,
    closure: str = "gaussian",
    potential: str | Potential = "hard",
    beta: float | None = None,
) -> Profile:
    """Solve the replica-symmetric equations of a chain of ``depth`` weight layers.

    ``scenario``: ``random`` (random inputs and outputs) or ``teacher-student`` (outputs of a teacher for
    the hard core at margin 0; a planted ensemble otherwise). ``depth`` <= 200. ``alpha`` = M/N, 1e-6 to
    1e9. ``margin``: least gap, |margin| <= 4. ``closure``: ``gaussian`` or ``site``
    (:mod:`theory.closures`). ``potential``: ``hard``, or ``soft`` with an inverse temperature ``beta``,
    1e-3 to 1e8. ``branch``: ``continuous`` (grown from infinitesimal overlaps), ``crystal``
    (teacher-student, all overlaps close to 1) or ``equilibrium`` (of those that exist the one of larger
    entropy).

    Raises InvalidInput for a value out of range, NoSolution (``.limit`` names the nearest alpha) where the
    branch does not exist, NotConverged if the residual exceeds 1e-10, or 8 rounding errors of the largest
    logit where that is more (:func:`theory.solve.accepted`; 6e-8 for a crystal at alpha = 1e9).

    >>> profile = solve_profile("random", depth=10, alpha=30.0)
    >>> [round(float(q), 3) for q in profile.q]
    [1.0, 0.391, 0.053, 0.0, 0.0, 0.0, 0.0, 0.0, 0.053, 0.391, 1.0]
    >>> profile.certificate.residual < 1e-10
    True
    """
    chain = chain_of(scenario, depth, alpha, closure, potential_of(potential, margin, beta))
    branch = checks.one_of("branch", branch, BRANCHES)
    try:
        if branch == "continuous":
            return _profile(branch, branches.continuous(chain), {})
        if branch == "crystal":
            return _profile(branch, branches.crystal(chain), {})
        return _equilibrium(chain)
    except NotConverged as error:
        # Raised in the depths of the solver, which knows no physics: say which equations failed.
        raise NotConverged(
            f"branch {branch} of {chain.label}, alpha {chain.alpha:.10g}: {error}", error.last, error.residual
        ) from error


def _equilibrium(chain: Chain) -> Profile:
    """The existing branch of largest entropy. Raises NoSolution if there is none."""
    points = branches.existing(chain)
    entropies = {name: point.entropy for name, point in points.items()}
    winner = max(entropies, key=lambda name: entropies[name])
    return _profile(winner, points[winner], entropies)
