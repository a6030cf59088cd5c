"""Single-site averages of the replica-symmetric theory: interaction, Ising neuron, spherical weight.

Each exists for two numbers ``n`` of replicas: ``n = 0`` (random boundaries; plain averages) and
``n = 1`` (teacher-student; replica 0 is the teacher, whose own weight tilts every average). Formulas:
Yoshino, SciPost Phys. Core 2, 005 (2020), replica-symmetric saddle point of the Gaussian closure.

All overlaps enter with their complement ``1 - overlap``, and logits ``ln(q/(1-q))`` are returned, so
that nothing is lost near 0 or near 1.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from theory.gaussian import REACH, SPACING, Array, nodes
from theory.potentials import Potential

_DIRECT_BELOW = 4.0
"""Teacher-student neuron: up to this field variance q is averaged itself, beyond it 1 - q only."""


class Interaction(NamedTuple):
    """``w`` and ``dw/dlambda``, one entry per weight layer."""

    w: Array
    slope: Array


class Neuron(NamedTuple):
    """Answer of a neuron to its field variance: ``ln(q/(1-q))`` and its derivative in eps."""

    logit: Array
    slope: Array


class Weight(NamedTuple):
    """Answer of a weight vector: ``ln(Q/(1-Q))`` and its derivative in ln p."""

    logit: Array
    slope: Array


def _gaps(potential: Potential, overlap: Array, complement: Array, n: int) -> tuple[Array, Array, Array]:
    """Excess h - margin (K, m), the remaining variance (K, 1), weights of the (tilted) average (K, m)."""
    margin = potential.margin
    broad = overlap < 0.5
    safe = np.where(broad, 1.0, overlap)
    # The potential acts at z = margin/sqrt(lambda), over the width sqrt((1 - lambda)/lambda).
    centre = np.where(broad, 0.0, margin / np.sqrt(safe))
    scale = np.where(broad, 1.0, np.minimum(1.0, np.sqrt(complement / safe)))
    reach = REACH + abs(margin)
    offset, weight = nodes(centre, scale, reach, SPACING / max(1.0, abs(margin) / 2.0))
    # h - margin = sqrt(lambda) (z - centre), exactly so where the feature is narrow.
    excess = np.sqrt(overlap)[:, None] * offset - np.where(broad, margin, 0.0)[:, None]
    variance = complement[:, None]
    if n == 1:
        # INT Dz exp f(sqrt(lambda) z; 1 - lambda) = exp f(0; 1): Gaussians convolve.
        normaliser = potential.value(np.full(1, -margin), np.ones(1))
        weight = weight * np.exp(potential.value(excess, variance) - normaliser)
    return excess, variance, weight


def interaction(potential: Potential, overlap: Array, complement: Array, n: int) -> Interaction:
    """``w = < f'(sqrt(lambda) z)^2 >`` and ``dw/dlambda = < f''^2 - 2 (1 - n) f'^2 f'' >``.

    ``overlap`` is lambda, ``complement`` is 1 - lambda > 0, both of shape (K,). The average is over
    ``Dz`` for n = 0, over ``Dz exp(f)/INT Dz exp(f)`` for n = 1.
    """
    excess, variance, weight = _gaps(potential, overlap, complement, n)
    first, second = potential.slopes(excess, variance)
    square = first * first
    w = np.sum(weight * square, axis=1)
    slope = np.sum(weight * (second * second - 2.0 * (1 - n) * square * second), axis=1)
    return Interaction(w, slope)


def interaction_at_zero(potential: Potential) -> float:
    """``w(lambda = 0) = f'(0; 1)^2``, the same for both n; ``[phi(k)/Phi(-k)]^2`` for the hard core."""
    return float(potential.slopes(np.full(1, -potential.margin), np.ones(1)).first[0] ** 2)


def interaction_entropy(potential: Potential, overlap: Array, complement: Array, n: int) -> Array:
    """``A(lambda) = < f(sqrt(lambda) z) >``, shape (K,); average as in :func:`interaction`."""
    excess, variance, weight = _gaps(potential, overlap, complement, n)
    return np.asarray(np.sum(weight * potential.value(excess, variance), axis=1))


def interaction_moment(potential: Potential, overlap: Array, complement: Array, n: int) -> Array:
    """``< f''(sqrt(lambda) z)^2 >``, shape (K,): the response to fluctuations that break replica
    symmetry.
    """
    excess, variance, weight = _gaps(potential, overlap, complement, n)
    return np.asarray(np.sum(weight * potential.slopes(excess, variance).second ** 2, axis=1))


def _fields(eps: Array) -> tuple[Array, Array, Array, Array]:
    """z, weights, h = sqrt(eps) z and sech(h); all of shape (K, n)."""
    scale = 1.0 / np.sqrt(np.maximum(eps, 1.0))
    z, weight = nodes(np.zeros_like(eps), scale)
    h = np.sqrt(eps)[:, None] * z
    decay = np.exp(-np.abs(h))
    return z, weight, h, 2.0 * decay / (1.0 + decay * decay)


def neuron(eps: Array, n: int) -> Neuron:
    """The overlap of a neuron in a Gaussian field of variance ``eps`` > 0, shape (K,).

    n = 0: ``q = INT Dz tanh^2(sqrt(eps) z)``. n = 1: the field has mean eps as well, so that
    ``q = INT Dz tanh(eps + sqrt(eps) z)``; shifting z and using the parity of the rest,
    ``1 - q = exp(-eps/2) INT Dz sech(sqrt(eps) z)`` and ``dq/deps = exp(-eps/2) INT Dz sech^3``.
    The exponential is kept as a logarithm: 1 - q may lie below the smallest double.
    """
    z, weight, h, sech = _fields(eps)
    if n == 0:
        flat = weight * sech * sech
        q, complement = np.sum(weight * np.tanh(h) ** 2, axis=1), np.sum(flat, axis=1)
        # dq/deps = INT Dz z tanh sech^2 / sqrt(eps) (by parts): a sum of positive terms.
        slope = np.sum(flat * z * np.tanh(h), axis=1) / np.sqrt(eps)
        return Neuron(np.log(q) - np.log(complement), slope / (q * complement))
    mean = np.sum(weight * sech, axis=1)
    log_complement = np.log(mean) - 0.5 * eps
    q = -np.expm1(log_complement)
    small = eps < _DIRECT_BELOW
    part = h[small]
    q[small] = np.exp(-0.5 * eps[small]) * np.sum(weight[small] * np.sinh(part) * np.tanh(part), axis=1)
    return Neuron(np.log(q) - log_complement, np.sum(weight * sech**3, axis=1) / (mean * q))


def neuron_log_partition(eps: Array, n: int) -> Array:
    """``< ln 2cosh > - n eps`` of the neuron's field, for any eps >= 0, shape (K,).

    n = 0: ``INT Dz ln 2cosh(sqrt(eps) z)``. n = 1: ``INT Dz ln 2cosh(eps + sqrt(eps) z) - eps``,
    which is ``exp(-eps/2) INT Dz [e^h ln(1 + e^-2h) + e^-h ln(1 + e^2h)]/2`` with h = sqrt(eps) z.
    """
    _, weight, h, _ = _fields(eps)
    h = np.abs(h)
    decay = np.exp(-2.0 * h)
    tail = np.log1p(decay)
    if n == 0:
        return np.asarray(np.sum(weight * (h + tail), axis=1))
    ratio = np.divide(tail, decay, out=np.ones_like(decay), where=decay > 0.0)
    mean = np.sum(0.5 * weight * np.exp(-h) * (ratio + 2.0 * h + tail), axis=1)
    return np.asarray(np.exp(-0.5 * eps) * mean)


def neuron_moment(eps: Array, n: int) -> Array:
    """``< sech^4 >`` of the neuron's field, for any eps >= 0, shape (K,); for n = 1 it is dq/deps."""
    _, weight, _, sech = _fields(eps)
    if n == 0:
        return np.asarray(np.sum(weight * sech**4, axis=1))
    return np.asarray(np.exp(-0.5 * eps) * np.sum(weight * sech**3, axis=1))


def weight(log_p: Array, n: int) -> Weight:
    """The overlap of a spherical weight vector under ``p = alpha q_{l-1} q_l w``, shape (K,).

    n = 0: ``Q/(1-Q)^2 = p``. n = 1: ``Q/(1-Q) = p``. The derivative is in ``ln p``.
    """
    if n == 1:
        return Weight(log_p, np.ones_like(log_p))
    root = np.sqrt(1.0 + 4.0 * np.exp(log_p))
    logit = log_p + math.log(2.0) - np.log1p(root)
    return Weight(logit, 1.0 / (1.0 + expit(logit)))


def weight_entropy(Q: Array, complement: Array, n: int) -> Array:
    """Twice the bond entropy: ``ln(1-Q) + Q/(1-Q)`` for n = 0, ``ln(1-Q) + Q`` for n = 1; shape (K,)."""
    small = Q < 0.5
    log = np.where(small, np.log1p(-np.where(small, Q, 0.0)), np.log(complement))
    return np.asarray(log + (Q if n == 1 else Q / complement))
