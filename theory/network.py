"""The deep perceptron as a chain of overlaps: functional, stationarity map, growth of liquid layers.

Gaussian closure, replica symmetry (Yoshino, SciPost Phys. Core 2, 005 (2020)). Weight layer l = 1..L
joins neuron layers l-1 and l; with ``lambda_l = q_{l-1} Q_l q_l`` and ``q_0 = q_L = 1``

    p_l   = alpha q_{l-1} q_l w(lambda_l),      Q_l/(1-Q_l)^2 = p_l  (n = 0),  Q_l/(1-Q_l) = p_l  (n = 1)
    eps_l = q_{l-1} Q_l w(lambda_l) + Q_{l+1} q_{l+1} w(lambda_{l+1}),           q_l = neuron(eps_l)

Every right side grows with every overlap: the equations are a monotone map. A hidden layer with
q_l = 0 (liquid) solves its equation exactly, so the map acts on a *support* of frozen layers, and
:meth:`Chain.growth` says whether an infinitesimal overlap of a liquid layer would grow.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from theory import measures
from theory.gaussian import Array
from theory.potentials import HardCore, Potential
from theory.solve import Image

REPLICAS = {"random": 0, "teacher-student": 1}
"""Scenario -> number n of replicas of the limit that describes it."""

DEFAULT_POTENTIAL = HardCore()

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Support:
    """Which hidden layers are frozen (overlap > 0); ``hidden[l-1]`` is neuron layer l."""

    hidden: tuple[bool, ...]

    @cached_property
    def neurons(self) -> Mask:
        """Frozen neuron layers 0..L; the boundaries always are. Shape (L+1,)."""
        return np.array([True, *self.hidden, True])

    @cached_property
    def bonds(self) -> Mask:
        """Weight layers 1..L with an overlap: those between two frozen layers. Shape (L,)."""
        return self.neurons[:-1] & self.neurons[1:]

    @cached_property
    def unknowns(self) -> Mask:
        """Which of the (q_0..q_L, Q_1..Q_L) are unknown and not zero. Shape (2L+1,)."""
        mask = np.concatenate([self.neurons, self.bonds])
        mask[[0, len(self.hidden) + 1]] = False
        return mask


@dataclass(frozen=True)
class Overlaps:
    """q_0..q_L and Q_1..Q_L with their complements 1 - q, 1 - Q, each accurate by itself."""

    q: Array
    q_complement: Array
    Q: Array
    Q_complement: Array

    @classmethod
    def of(cls, q: npt.ArrayLike, Q: npt.ArrayLike) -> "Overlaps":
        """From plain overlaps, q of shape (L+1,) and Q of shape (L,)."""
        q, Q = np.asarray(q, dtype=np.float64), np.asarray(Q, dtype=np.float64)
        return cls(q, 1.0 - q, Q, 1.0 - Q)

    @property
    def product(self) -> Array:
        """``lambda_l = q_{l-1} Q_l q_l``, shape (L,)."""
        return np.asarray(self.q[:-1] * self.Q * self.q[1:])

    @property
    def product_complement(self) -> Array:
        """``1 - lambda_l`` as a sum of positive terms, shape (L,)."""
        inner = self.Q_complement + self.Q * self.q_complement[1:]
        return np.asarray(self.q_complement[:-1] + self.q[:-1] * inner)


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

    @property
    def n(self) -> int:
        """Number of replicas of the limit: 0 random, 1 teacher-student."""
        return REPLICAS[self.scenario]

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
        bond = np.flatnonzero(support.bonds)
        left, right, row = bond, bond + 1, L + 1 + bond
        q_left, q_right, Q = point.q[left], point.q[right], point.Q[bond]
        overlap, complement = point.product[bond], point.product_complement[bond]
        w, w_slope = measures.interaction(self.potential, overlap, complement, self.n)
        steepness = overlap * w_slope / w

        # Logarithmic derivatives: d ln q = (1 - q) dx in the logit x of q.
        d_left, d_Q, d_right = point.q_complement[left], point.Q_complement[bond], point.q_complement[right]
        log_p = np.log(self.alpha) + np.log(q_left) + np.log(q_right) + np.log(w)
        weight = measures.weight(log_p, self.n)
        value, slope = np.zeros(2 * L + 1), np.zeros(2 * L + 1)
        jacobian = np.zeros((2 * L + 1, 2 * L + 1))
        value[row], slope[row] = weight
        jacobian[row, left] = weight.slope * d_left * (1.0 + steepness)
        jacobian[row, right] = weight.slope * d_right * (1.0 + steepness)
        jacobian[row, row] = weight.slope * d_Q * steepness

        eps = np.zeros(L + 1)
        for here, there, q_there, d_here, d_there in (
            (right, left, q_left, d_right, d_left),
            (left, right, q_right, d_left, d_right),
        ):
            field = q_there * Q * w
            eps[here] += field
            jacobian[here, here] += field * d_here * steepness
            jacobian[here, there] += field * d_there * (1.0 + steepness)
            jacobian[here, row] += field * d_Q * (1.0 + steepness)
        eps[[0, L]] = 0.0
        hidden = 1 + np.flatnonzero(support.hidden)
        neuron = measures.neuron(eps[hidden], self.n)
        value[hidden] = neuron.logit
        jacobian[hidden] *= neuron.slope[:, None]
        keep = support.unknowns
        return Linearised(Image(value[keep], jacobian[np.ix_(keep, keep)]), slope[keep], eps)

    def growth(self, q: Array) -> Array:
        """Factor by which one map multiplies an infinitesimal overlap of a hidden layer whose
        neighbours hold overlaps q: ``alpha w(0)^2 (q_{l-1}^2 + q_{l+1}^2)``, l = 1..L-1.

        ``q`` has shape (L+1,). Terms between two infinitesimal layers are of higher order.
        """
        w = measures.interaction_at_zero(self.potential)
        return np.asarray(self.alpha * w * w * (q[:-2] ** 2 + q[2:] ** 2))

    def weight_seed(self, q_left: Array, q_right: Array) -> Array:
        """Logit of Q between layers of overlap q > 0, from below: w(lambda) >= w(0). Shape (K,)."""
        w = measures.interaction_at_zero(self.potential)
        log_p = np.log(self.alpha * w) + np.log(q_left) + np.log(q_right)
        return measures.weight(log_p, self.n).logit

    def entropy(self, point: Overlaps, eps: Array) -> float:
        """The functional of independent overlaps and fields, per N M (s/n for n = 0, s for n = 1).

        ``eps`` has shape (L+1,); its boundary entries do not enter. With ``sigma = 1 - 2n``

            sum_l { [ln(1-Q) + Q/(1-Q)]/(2 alpha) + A(lambda) } + sum_hidden { Z(eps) - sigma eps (1-q)/2 }

        (for n = 1 the bond term is ``ln(1-Q) + Q``, and ``Z = <ln 2cosh> - n eps``). It is stationary at
        the fixed points of the map.
        """
        bonds = measures.weight_entropy(point.Q, point.Q_complement, self.n) / (2.0 * self.alpha)
        gaps = measures.interaction_entropy(self.potential, point.product, point.product_complement, self.n)
        field = eps[1:-1]
        sigma = 1 - 2 * self.n
        spins = measures.neuron_log_partition(field, self.n) - 0.5 * sigma * field * point.q_complement[1:-1]
        return float(np.sum(bonds) + np.sum(gaps) + np.sum(spins))
