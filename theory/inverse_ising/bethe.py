"""Belief propagation on the complete graph of couplings: Bethe moments, free energy, energy, entropy.

The message of i to j is the field c_{i->j} on spin i without j, kept as a matrix (N, N); what it does to j is
``u_{i->j} = artanh(tanh J_ij tanh c_{i->j})``, the log-domain form of the cavity equations:

    c_{i->j} = h_i + sum_{k != j} u_{k->i},      m_i = tanh(h_i + sum_k u_{k->i}),
    C_ij = (t + m_{i->j} m_{j->i}) / (1 + t m_{i->j} m_{j->i}),      t = tanh J_ij, m_{i->j} = tanh c_{i->j},
    ln Z = sum_i ln[2 cosh(H_i) prod_k cosh J_ik (1 - t_ik^2 m_{k->i}^2)^(1/2)]
           - sum_{i<j} ln[cosh J_ij (1 + t m_{i->j} m_{j->i})].

Exact on trees (C of coupled pairs there; of all pairs, see bethe_response). On dense graphs there may be
several fixed points (name a start) or none that is stable. Source: Zou & Huang, Phys. Rev. Research 3, 033290
(2021); Mezard & Montanari (2009), chapter 14.
"""

from dataclasses import dataclass, field

import numpy as np

from deepglass import checks
from deepglass.errors import InvalidInput, NotConverged
from theory.gaussian import Array
from theory.inverse_ising.certificate import Certificate
from theory.inverse_ising.model import IsingModel
from theory.inverse_ising.moments import Moments

METHOD = "belief propagation"
TOLERANCE = 1e-9
MAX_SWEEPS = 5000


@dataclass(frozen=True, eq=False)
class BetheState:
    """A fixed point: messages c (N, N), Bethe moments; ``log_z``, ``energy``, ``entropy`` per spin.

    Certificate residual: largest change of any ``m_{i->j}`` under one undamped sweep.
    """

    model: IsingModel = field(repr=False)
    messages: Array = field(repr=False)
    moments: Moments = field(repr=False)
    log_z: float
    energy: float
    certificate: Certificate

    @property
    def entropy(self) -> float:
        """Entropy per spin in nats."""
        return self.log_z + self.energy


def log_cosh(x: Array) -> Array:
    """``ln cosh x`` without overflow, and exactly 0 at 0."""
    a = np.abs(x)
    small = np.where(a < 1.0, a, 0.0)
    large = a + np.log1p(np.exp(-2.0 * a)) - np.log(2.0)
    return np.where(a < 1.0, np.log1p(2.0 * np.sinh(0.5 * small) ** 2), large)


def influence(J: Array, c: Array) -> Array:
    """``u = artanh(tanh J tanh c)``, by logarithms where the product rounds to one."""
    product = np.tanh(J) * np.tanh(c)
    far = np.abs(product) > 0.999
    if not far.any():
        u: Array = np.arctanh(product)
        return u
    u = np.arctanh(np.where(far, 0.0, product))
    plus, minus = np.abs(J[far] + c[far]), np.abs(J[far] - c[far])
    u[far] = 0.5 * (plus - minus + np.log1p(np.exp(-2.0 * plus)) - np.log1p(np.exp(-2.0 * minus)))
    return u


def _sweep(model: IsingModel, messages: Array) -> Array:
    u = influence(model.J, messages)
    new: Array = (model.h + u.sum(axis=0))[:, None] - u.T
    return new


def bethe_log_z(model: IsingModel, messages: Array) -> float:
    """Bethe ``ln Z / N`` of any messages (N, N); stationary where they are a fixed point."""
    t, m = np.tanh(model.J), np.tanh(messages)
    H = model.h + influence(model.J, messages).sum(axis=0)
    # Written in |H| + log1p so that fields of any size are fine; u = +-artanh(t m) is the odd part, this the
    # even.
    bonds = log_cosh(model.J)
    even = (bonds + 0.5 * np.log1p(-np.minimum((t * m) ** 2, 1.0 - 1e-16))).sum()
    sites = np.sum(np.abs(H) + np.log1p(np.exp(-2.0 * np.abs(H))))
    pairs = 0.5 * np.sum(bonds + np.log1p(np.maximum(t * m * m.T, -1.0 + 1e-16)))
    return float(sites + even - pairs) / model.N


def bethe_moments(model: IsingModel, messages: Array) -> Moments:
    """Means and pair moments of messages (N, N)."""
    t, m = np.tanh(model.J), np.tanh(messages)
    both = m * m.T
    C = (t + both) / np.maximum(1.0 + t * both, 1e-300)
    C = np.clip(0.5 * (C + C.T), -1.0, 1.0)
    np.fill_diagonal(C, 1.0)
    return Moments(np.tanh(model.h + influence(model.J, messages).sum(axis=0)), C)


def state_of(model: IsingModel, messages: Array, certificate: Certificate) -> BetheState:
    """What messages (N, N) say, fixed point or not."""
    moments = bethe_moments(model, messages)
    log_z = bethe_log_z(model, messages)
    return BetheState(model, messages, moments, log_z, model.mean_energy(moments), certificate)


def solve_bethe(
    model: IsingModel,
    messages: Array | None = None,
    *,
    damping: float = 0.0,
    tolerance: float = TOLERANCE,
    max_sweeps: int = MAX_SWEEPS,
) -> BetheState:
    """Sweep all messages at once until no ``m_{i->j}`` changes by more than ``tolerance``.

    messages: start (N, N), by default the bare fields ``c_{i->j} = h_i``. damping: share of the old message
    that stays, in [0, 1); the residual is that of the undamped equations. Raises NotConverged with the last
    state.
    """
    keep = checks.real("damping", damping, at_least=0.0)
    if keep >= 1.0:
        raise InvalidInput(f"damping = {keep:g} must be < 1")
    limit = checks.real("tolerance", tolerance, above=0.0)
    sweeps = checks.integer("max_sweeps", max_sweeps, 1)
    shape = (model.N, model.N)
    c = np.tile(model.h[:, None], (1, model.N)) if messages is None else np.array(messages, dtype=np.float64)
    if c.shape != shape or not np.isfinite(c).all():
        raise InvalidInput(f"messages have shape {c.shape}, must be finite and {shape}")
    residual = np.inf
    for count in range(1, sweeps + 1):
        new = _sweep(model, c)
        residual = float(np.max(np.abs(np.tanh(new) - np.tanh(c))))
        if residual <= limit:
            return state_of(model, c, Certificate(residual, count, METHOD, "messages stand still"))
        c = new if keep == 0.0 else keep * c + (1.0 - keep) * new
    reason = f"messages still change by {residual:.1e} after {sweeps} sweeps"
    last = state_of(model, c, Certificate(residual, sweeps, METHOD, reason))
    raise NotConverged(f"belief propagation: {reason}, must be <= {limit:g}", last, residual)


def growth(state: BetheState, sweeps: int = 300) -> float:
    """Factor by which a small change of the messages grows per sweep, near ``state``.

    Below 1 the fixed point is stable; above 1 no plain iteration finds it (the Bethe counterpart of a de
    Almeida-Thouless or a ferromagnetic instability). Power iteration of the linearised sweep from a fixed
    random start, geometric mean over the last half.
    """
    t, m = np.tanh(state.model.J), np.tanh(state.messages)
    slope = t * (1.0 - m**2) / np.maximum(1.0 - (t * m) ** 2, 1e-300)
    change = np.random.default_rng(0).standard_normal(t.shape)
    total, counted = 0.0, 0
    for k in range(checks.integer("sweeps", sweeps, 2)):
        change /= np.linalg.norm(change)
        u = slope * change
        change = u.sum(axis=0)[:, None] - u.T
        # The diagonal message goes nowhere; left in, it would only add a factor to the norm.
        np.fill_diagonal(change, 0.0)
        size = float(np.linalg.norm(change))
        if size == 0.0:
            return 0.0
        if k >= sweeps // 2:
            total, counted = total + np.log(size), counted + 1
    return float(np.exp(total / counted))
