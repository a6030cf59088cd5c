"""The deep perceptron as a chain of overlaps: functional, stationarity map, growth of liquid layers.

Replica symmetry. Weight layer l = 1..L joins neuron layers l-1 and l; q_0 = q_L = 1 are frozen. A closure
(:mod:`theory.closures`) says how ``lambda_l`` is made of overlaps and how the sites answer; then

    p_l = alpha W_l dlambda_l/dQ_l,      Q_l/(1-Q_l)^2 = p_l  (n = 0),  Q_l/(1-Q_l) = p_l  (n = 1)

and q_l is the neuron's answer to the fields of its bonds. In the gaussian closure, and for n = 1 in
every one, all right sides grow with all overlaps: the equations are a monotone map. A hidden layer with
q_l = 0 (liquid) solves its equation exactly, so the map acts on a *support* of frozen layers, and
:meth:`Chain.onset` says whether an infinitesimal overlap of a liquid layer would grow.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from deepglass import checks
from deepglass.errors import InvalidInput
from theory import measures
from theory.closures import CLOSURES, Closure, Onset
from theory.gaussian import Array
from theory.overlaps import Overlaps, Support
from theory.potentials import HardCore, Potential
from theory.solve import Image

REPLICAS = {"random": 0, "teacher-student": 1}
"""Scenario -> number n of replicas of the limit that describes it."""

DEFAULT_POTENTIAL = HardCore()
DEFAULT_CLOSURE = CLOSURES["gaussian"]

DEPTH_MAX = 200
"""Most weight layers: the Jacobian is dense, (2L-1)^2 doubles, and its solution costs L^3."""


def check_depth(depth: object) -> int:
    """Return the depth if it is an integer from 1 to DEPTH_MAX, else raise InvalidInput."""
    number = checks.integer("depth", depth, 1)
    if number > DEPTH_MAX:
        raise InvalidInput(f"depth = {number} must be an integer >= 1 and <= {DEPTH_MAX}")
    return number


class Linearised(NamedTuple):
    """One undamped map on a support of K unknowns: its image with Jacobian, and what it went through.

    ``alpha_slope``: derivative of the image in ln alpha, shape (K,). ``eps``: fields of all neuron
    layers, shape (L+1,), 0 at the boundaries.
    """

    image: Image
    alpha_slope: Array
    eps: Array


@dataclass(frozen=True)
class Chain:
    """A network of ``depth`` weight layers at storage ratio ``alpha`` in a scenario."""

    scenario: str
    depth: int
    alpha: float
    potential: Potential = DEFAULT_POTENTIAL
    closure: Closure = DEFAULT_CLOSURE

    @property
    def n(self) -> int:
        """Number of replicas of the limit: 0 random, 1 teacher-student."""
        return REPLICAS[self.scenario]

    @property
    def label(self) -> str:
        """The chain without its alpha, for messages."""
        return (
            f"{self.scenario} data at depth {self.depth}, margin {self.potential.margin:g} "
            f"({self.potential.name}, {self.closure.name} closure)"
        )

    def overlaps(self, support: Support, x: Array) -> Overlaps:
        """The overlaps of all layers; ``x`` holds the logits of the support's unknowns, hidden first."""
        L = self.depth
        logits = np.full(2 * L + 1, -np.inf)
        logits[[0, L]] = np.inf
        logits[support.unknowns] = x
        value, complement = expit(logits), expit(-logits)
        return Overlaps(value[: L + 1], complement[: L + 1], value[L + 1 :], complement[L + 1 :])

    def linearised(self, support: Support, x: Array) -> Linearised:
        """The map at logits ``x`` (K,), its Jacobian (K, K) and its derivative in ln alpha."""
        L = self.depth
        point = self.overlaps(support, x)
        answer = self.closure.respond(self.potential, self.n, point, support)
        bond = np.flatnonzero(support.bonds)
        row, ends = L + 1 + bond, [bond, bond + 1] if self.closure.own_output else [bond]
        log_p = np.log(self.alpha) + answer.log_w[bond]
        log_p_slope = answer.log_w_slope[bond]
        for end in ends:
            log_p += np.log(point.q[end])
            log_p_slope[np.arange(bond.size), end] += point.q_complement[end]
        weight = measures.weight(log_p, self.n)
        value, slope = np.append(answer.logit, np.zeros(L)), np.zeros(2 * L + 1)
        jacobian = np.vstack([answer.logit_slope, np.zeros((L, 2 * L + 1))])
        value[row], slope[row] = weight
        jacobian[row] = weight.slope[:, None] * log_p_slope
        keep = support.unknowns
        return Linearised(Image(value[keep], jacobian[np.ix_(keep, keep)]), slope[keep], answer.eps)

    def onset(self, q: Array) -> Onset:
        """Growth of an infinitesimal overlap of each hidden layer whose neighbours hold overlaps q,
        (L+1,).
        """
        return self.closure.onset(self.potential, self.alpha, q[:-2], q[2:])

    def weight_seed(self, q_left: Array, q_right: Array, pull: Array) -> Array:
        """Logit of Q between layers of small or frozen overlaps, ``p = alpha q_left q_right pull``.
        Shape (K,).
        """
        log_p = np.log(self.alpha * pull) + np.log(q_left) + np.log(q_right)
        return measures.weight(log_p, self.n).logit

    def entropy(self, point: Overlaps, eps: Array) -> float:
        """The functional of independent overlaps and fields, per N M (s/n for n = 0, s for n = 1).

        ``eps`` has shape (L+1,); its boundary entries do not enter. The bonds
        ``[ln(1-Q) + Q/(1-Q)]/(2 alpha)`` (``ln(1-Q) + Q`` for n = 1) and the single-site terms of the
        closure. It is stationary at the fixed points of the map.
        """
        bonds = measures.weight_entropy(point.Q, point.Q_complement, self.n) / (2.0 * self.alpha)
        return float(np.sum(bonds)) + self.closure.entropy(self.potential, self.n, point, eps)
