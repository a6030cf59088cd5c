"""The overlap profile of one chain: what is asked, what is found, and how well."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from deepglass import checks
from deepglass.errors import NotConverged
from theory import branches
from theory.gaussian import Array
from theory.network import REPLICAS, Chain
from theory.potentials import HardCore
from theory.solve import Certificate

SCENARIOS = tuple(REPLICAS)
BRANCHES = ("continuous", "crystal", "equilibrium")


@dataclass(frozen=True)
class Profile:
    """A replica-symmetric solution of the deep perceptron (hard core, Gaussian closure).

    Inputs ``scenario``, ``depth`` = L, ``alpha``, ``margin``; ``branch`` is the branch solved.
    ``q``, ``q_complement`` = 1 - q: neuron overlaps, shape (L+1,), layers 0..L, boundaries 1, liquid 0.
    ``Q``, ``Q_complement``: weight overlaps, shape (L,), layers 1..L. ``eps``: variance of the
    neurons' fields, shape (L-1,), hidden layers. ``entropy``: per N M; per replica for random, of the
    student for teacher-student. ``certificate``: residual of the undamped equations and how it was reached.
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
    entropies: Mapping[str, float] = field(default_factory=dict)

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
            attrs={
                "scenario": self.scenario,
                "depth": self.depth,
                "alpha": self.alpha,
                "margin": self.margin,
                "potential": HardCore.name,
                "closure": "gaussian",
                "rsb": 0,
                "branch": self.branch,
                "ensemble": ensemble(self.scenario, self.margin),
                "entropy": self.entropy,
                "residual": self.certificate.residual,
                "evaluations": self.certificate.evaluations,
                "method": self.certificate.method,
                "reason": self.certificate.reason,
            },
        )


def ensemble(scenario: str, margin: float) -> str:
    """What the output layer is: ``random``, a deterministic ``teacher``, or ``planted``.

    A hard core at a margin other than 0 forbids some outputs of any machine: the one-replica limit then
    describes patterns planted around a machine that satisfies them, not the answers of a teacher.
    """
    if scenario == "random":
        return "random"
    return "teacher" if margin == 0.0 else "planted"


def _profile(branch: str, point: branches.SaddlePoint, entropies: Mapping[str, float]) -> Profile:
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
        entropies=entropies,
    )


def solve_profile(
    scenario: str, depth: int, alpha: float, margin: float = 0.0, branch: str = "continuous"
) -> Profile:
    """Solve the replica-symmetric equations of a chain of ``depth`` weight layers.

    ``scenario``: ``random`` (random inputs and outputs) or ``teacher-student`` (outputs of a teacher at
    margin 0; a planted ensemble at any other). ``depth`` <= 200. ``alpha`` = M/N, 1e-6 to 1e9. ``margin``:
    least gap, |margin| <= 4.
    ``branch``: ``continuous`` (grown from infinitesimal overlaps), ``crystal`` (teacher-student, all
    overlaps close to 1) or ``equilibrium`` (of those that exist the one of larger entropy).

    Raises InvalidInput for a value out of range, NoSolution (``.limit`` names the nearest alpha) where the
    branch does not exist, NotConverged if the residual exceeds 1e-10, or 8 rounding errors of the largest
    logit where that is more (:func:`theory.solve.accepted`; 6e-8 for a crystal at alpha = 1e9).
    """
    scenario = checks.one_of("scenario", scenario, SCENARIOS)
    depth = branches.check_depth(depth)
    # Not above 0 is one complaint, outside the range that has been tested another.
    alpha = checks.real("alpha", alpha, above=0.0)
    alpha = checks.real("alpha", alpha, at_least=branches.ALPHA_MIN, at_most=branches.ALPHA_MAX)
    margin = checks.real("margin", margin, at_least=-branches.MARGIN_MAX, at_most=branches.MARGIN_MAX)
    branch = checks.one_of("branch", branch, BRANCHES)
    chain = Chain(scenario, depth, alpha, HardCore(margin))
    try:
        if branch == "continuous":
            return _profile(branch, branches.continuous(chain), {})
        if branch == "crystal":
            return _profile(branch, branches.crystal(chain), {})
        return _equilibrium(chain)
    except NotConverged as error:
        # Raised in the depths of the solver, which knows no physics: say which equations failed.
        raise NotConverged(
            f"branch {branch} of scenario {scenario}, depth {depth}, alpha {alpha:.10g}, "
            f"margin {margin:g}: {error}",
            error.last,
            error.residual,
        ) from error


def _equilibrium(chain: Chain) -> Profile:
    """The existing branch of largest entropy. Raises NoSolution if there is none."""
    points = branches.existing(chain)
    entropies = {name: point.entropy for name, point in points.items()}
    winner = max(entropies, key=lambda name: entropies[name])
    return _profile(winner, points[winner], entropies)
