"""How the terms of one layer combine: which overlaps make lambda_l, and who answers it.

Every closure writes the functional as bonds plus, per layer, a single-site term of (lambda_l, eps_l), of
which the chain needs W_l, q_l and their derivatives:

* ``gaussian`` (Yoshino, SciPost Phys. Core 2, 005 (2020)): gap and neuron are separate sites. The
  neuron's own output enters its gap by its average, ``lambda_l = q_{l-1} Q_l q_l``, so ``eps_l`` holds
  the bonds on both sides.
* ``site``: gap and neuron are one site, :mod:`theory.joint`. ``lambda_l = q_{l-1} Q_l``, and
  ``eps_l = Q_{l+1} W_{l+1}`` holds the downstream bond only.

In both, with ``dlambda_l/dQ_l`` and ``dlambda/dq_l`` by the product rule, stationarity reads

    p_l = alpha W_l dlambda_l/dQ_l,     eps_l = sum over bonds m of W_m dlambda_m/dq_l,     q_l = E F_h^2

(q_L = 1, so that the output layer is the same in both).
"""

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from theory import joint, measures
from theory.gaussian import Array
from theory.overlaps import Overlaps, Support
from theory.potentials import Potential
from theory.solve import ROUNDING


class Responses(NamedTuple):
    """What the sites of a chain of L layers answer to its overlaps; derivatives in the 2L+1 logits.

    ``log_w`` = ln W_l and ``log_w_slope`` (L,), (L, 2L+1), meaningful where the bond is frozen. ``eps``
    (L+1,), 0 at the boundaries. ``logit`` = ln(q/(1-q)) and ``logit_slope``: (L+1,), (L+1, 2L+1), for
    frozen hidden layers.
    """

    log_w: Array
    log_w_slope: Array
    eps: Array
    logit: Array
    logit_slope: Array


class Onset(NamedTuple):
    """An infinitesimal overlap of hidden layers l = 1..L-1, each shape (L-1,).

    ``growth``: the factor by which one map multiplies it. ``pull``: the ratio
    ``p_l/(alpha q_{l-1} q_l)`` it grows with, the W per overlap of the layer.
    """

    growth: Array
    pull: Array


class Moments(NamedTuple):
    """Second moments of the second derivatives of the single-site term, per layer 1..L, each shape (L,).

    ``chi_ah`` and ``chi_hh`` of the output layer, which has no free neuron, are 0 and 1 and do not enter.
    """

    w: Array
    chi_aa: Array
    chi_ah: Array
    chi_hh: Array


class Closure(Protocol):
    """What the chain asks of a closure. ``n`` is the number of replicas of the limit."""

    @property
    def name(self) -> str:
        """The word under which results are labelled."""
        ...

    @property
    def own_output(self) -> bool:
        """Whether q_l enters lambda_l."""
        ...

    @property
    def noise(self) -> float:
        """Error of the map's logits x relative to ``1 + |x|``: rounding and quadrature."""
        ...

    def respond(self, potential: Potential, n: int, point: Overlaps, support: Support) -> Responses:
        """All W, eps and q of one undamped map."""
        ...

    def onset(self, potential: Potential, alpha: float, left: Array, right: Array) -> Onset:
        """How hidden layers between overlaps ``left`` = q_{l-1} and ``right`` = q_{l+1} begin to freeze."""
        ...

    def entropy(self, potential: Potential, n: int, point: Overlaps, eps: Array) -> float:
        """The single-site terms of the functional: everything but the bonds."""
        ...

    def moments(self, potential: Potential, n: int, point: Overlaps, eps: Array) -> Moments:
        """What the stability of a solution needs."""
        ...


def product(closure: Closure, point: Overlaps) -> tuple[Array, Array]:
    """lambda_l and ``1 - lambda_l``, the latter a sum of positive terms; each shape (L,)."""
    overlap, rest = point.Q, point.Q_complement
    if closure.own_output:
        overlap, rest = point.Q * point.q[1:], rest + point.Q * point.q_complement[1:]
    return np.asarray(point.q[:-1] * overlap), np.asarray(point.q_complement[:-1] + point.q[:-1] * rest)


def product_slopes(closure: Closure, point: Overlaps) -> Array:
    """``d ln lambda_l/dx``, shape (L, 2L+1): d ln q = (1 - q) dx in the logit x of q."""
    L = point.Q.size
    layer = np.arange(L)
    slopes = np.zeros((L, 2 * L + 1))
    slopes[layer, layer] = point.q_complement[:-1]
    slopes[layer, L + 1 + layer] = point.Q_complement
    if closure.own_output:
        slopes[layer, layer + 1] = point.q_complement[1:]
    return slopes


@dataclass(frozen=True)
class Gaussian:
    """Gap and neuron as separate sites, all layers at once."""

    name: str = "gaussian"
    own_output: bool = True
    noise: float = ROUNDING

    def respond(self, potential: Potential, n: int, point: Overlaps, support: Support) -> Responses:
        """``eps_l = q_{l-1} Q_l W_l + Q_{l+1} q_{l+1} W_{l+1}``."""
        L = point.Q.size
        bond = np.flatnonzero(support.bonds)
        overlap, rest = product(self, point)
        w, w_slope = measures.interaction(potential, overlap[bond], rest[bond], n)
        lambda_slope = product_slopes(self, point)
        log_w, log_w_slope = np.zeros(L), np.zeros((L, 2 * L + 1))
        log_w[bond] = np.log(w)
        log_w_slope[bond] = (overlap[bond] * w_slope / w)[:, None] * lambda_slope[bond]
        # W dlambda/dq of either end of a bond, and its logarithmic derivative without that end.
        eps, eps_slope = np.zeros(L + 1), np.zeros((L + 1, 2 * L + 1))
        for here, there in ((bond, bond + 1), (bond + 1, bond)):
            field = point.q[there] * point.Q[bond] * w
            slope = log_w_slope[bond] + lambda_slope[bond]
            slope[np.arange(bond.size), here] -= point.q_complement[here]
            eps[here] += field
            eps_slope[here] += field[:, None] * slope
        eps[[0, L]] = 0.0
        hidden = 1 + np.flatnonzero(support.hidden)
        logit, logit_slope = np.zeros(L + 1), np.zeros((L + 1, 2 * L + 1))
        neuron = measures.neuron(eps[hidden], n)
        logit[hidden] = neuron.logit
        logit_slope[hidden] = neuron.slope[:, None] * eps_slope[hidden]
        return Responses(log_w, log_w_slope, eps, logit, logit_slope)

    def onset(self, potential: Potential, alpha: float, left: Array, right: Array) -> Onset:
        """``alpha w(0)^2 (q_{l-1}^2 + q_{l+1}^2)``; two infinitesimal layers couple in higher order."""
        w = measures.interaction_at_zero(potential)
        return Onset(np.asarray(alpha * w * w * (left**2 + right**2)), np.full(left.shape, w))

    def entropy(self, potential: Potential, n: int, point: Overlaps, eps: Array) -> float:
        """``sum_l A(lambda_l) + sum_hidden {Z(eps) - (1 - 2n) eps (1-q)/2}``,
        ``Z = <ln 2cosh> - n eps``.
        """
        gaps = measures.interaction_entropy(potential, *product(self, point), n)
        field = eps[1:-1]
        spins = measures.neuron_log_partition(field, n) - 0.5 * (1 - 2 * n) * field * point.q_complement[1:-1]
        return float(np.sum(gaps) + np.sum(spins))

    def moments(self, potential: Potential, n: int, point: Overlaps, eps: Array) -> Moments:
        """``< f''^2 >`` and ``< sech^4 >``; gap and neuron do not respond to each other."""
        overlap, rest = product(self, point)
        chi_hh = np.append(measures.neuron_moment(eps[1:-1], n), 1.0)
        return Moments(
            measures.interaction(potential, overlap, rest, n).w,
            measures.interaction_moment(potential, overlap, rest, n),
            np.zeros_like(overlap),
            chi_hh,
        )


@dataclass(frozen=True)
class Site:
    """Gap and neuron as one site; the fields are passed down from the output, layer by layer."""

    name: str = "site"
    own_output: bool = False
    noise: float = 1e-10

    def respond(self, potential: Potential, n: int, point: Overlaps, support: Support) -> Responses:
        """``eps_l = Q_{l+1} W_{l+1}``, from l = L-1 down to 1."""
        L = point.Q.size
        overlap, rest = product(self, point)
        lambda_slope = product_slopes(self, point)
        log_w, log_w_slope = np.zeros(L), np.zeros((L, 2 * L + 1))
        eps, eps_slope = np.zeros(L + 1), np.zeros(2 * L + 1)
        logit, logit_slope = np.zeros(L + 1), np.zeros((L + 1, 2 * L + 1))
        if support.bonds[-1]:
            w, w_slope = measures.interaction(potential, overlap[-1:], rest[-1:], n)
            log_w[-1] = math.log(float(w[0]))
            log_w_slope[-1] = overlap[-1] * w_slope[0] / w[0] * lambda_slope[-1]
        for layer in range(L - 1, 0, -1):
            # Weight layer l = index l - 1 ends in neuron layer l; weight layer l + 1 gives its field.
            if support.bonds[layer]:
                eps[layer] = point.Q[layer] * math.exp(log_w[layer])
                eps_slope = log_w_slope[layer].copy()
                eps_slope[L + 1 + layer] += point.Q_complement[layer]
                eps_slope *= eps[layer]
            else:
                eps_slope = np.zeros(2 * L + 1)
            if not support.neurons[layer]:
                continue
            index = layer - 1
            lam = overlap[index] if support.bonds[index] else 0.0
            site = joint.site(potential, float(lam), float(rest[index]), float(eps[layer]), n)
            in_overlap = lam * lambda_slope[index]
            logit[layer] = site.logit
            logit_slope[layer] = site.logit_overlap * in_overlap + site.logit_eps * eps_slope
            if support.bonds[index]:
                log_w[index] = math.log(site.w)
                log_w_slope[index] = (site.w_overlap * in_overlap + site.w_eps * eps_slope) / site.w
        return Responses(log_w, log_w_slope, eps, logit, logit_slope)

    def onset(self, potential: Potential, alpha: float, left: Array, right: Array) -> Onset:
        """Perron value and vector of the linearised map of (lambda_l, eps_l) of a liquid layer.

        To first order ``q_l = eps_l + w lambda_l`` and ``W_l = c lambda_l + w eps_l`` with w = w(0) and
        ``c = (f'' + f'^2)^2`` at h = 0; a frozen left neighbour returns
        ``lambda_l = alpha q_{l-1}^2 W_l``, a frozen right one ``eps_l = alpha w^2 q_{l+1}^2 q_l``. At
        margin 0 c = 0: the output side alone makes a layer grow, at ``alpha w^2 q_{l+1}^2 = 1``, or at
        ``x (1 + x) q_{l+1}^2 = 1`` with ``x = alpha w^2`` beside the input (q_0 = 1).
        """
        slopes = potential.slopes(np.full(1, -potential.margin), np.ones(1))
        w = float(slopes.first[0] ** 2)
        c = float((slopes.second[0] + slopes.first[0] ** 2) ** 2)
        inward, outward = alpha * left**2, alpha * w * w * right**2
        matrix = (inward * c, inward * w, outward * w, outward)
        trace, determinant = matrix[0] + matrix[3], matrix[0] * matrix[3] - matrix[1] * matrix[2]
        growth = 0.5 * (trace + np.sqrt(np.maximum(trace**2 - 4.0 * determinant, 0.0)))
        # Perron vector (lambda, eps), up to its length; (0, 1) where nothing couples.
        lam, eps = inward * w, growth - inward * c
        alone = lam + eps == 0.0
        lam, eps = np.where(alone, 0.0, lam), np.where(alone, 1.0, eps)
        return Onset(np.asarray(growth), np.asarray((c * lam + w * eps) / (eps + w * lam)))

    def entropy(self, potential: Potential, n: int, point: Overlaps, eps: Array) -> float:
        """``sum_hidden {E F - n eps - (1 - 2n) eps (1-q)/2} + A(lambda_L)``."""
        overlap, rest = product(self, point)
        total = float(measures.interaction_entropy(potential, overlap[-1:], rest[-1:], n)[0])
        for index in range(point.Q.size - 1):
            field = float(eps[index + 1])
            total += joint.log_partition(potential, float(overlap[index]), float(rest[index]), field, n)
            total -= 0.5 * (1 - 2 * n) * field * float(point.q_complement[index + 1])
        return total

    def moments(self, potential: Potential, n: int, point: Overlaps, eps: Array) -> Moments:
        """Of the joint site; the output layer as in the gaussian closure."""
        overlap, rest = product(self, point)
        w = measures.interaction(potential, overlap[-1:], rest[-1:], n).w
        last = measures.interaction_moment(potential, overlap[-1:], rest[-1:], n)
        rows = []
        for index in range(point.Q.size - 1):
            arguments = potential, float(overlap[index]), float(rest[index]), float(eps[index + 1]), n
            rows.append((joint.site(*arguments).w, *joint.moments(*arguments)))
        return Moments(*(np.array(column) for column in zip(*rows, (w[0], last[0], 0.0, 1.0), strict=True)))


CLOSURES: dict[str, Closure] = {"gaussian": Gaussian(), "site": Site()}
"""Word -> closure."""
