"""Inverse Ising with Bethe averages: the matched model in closed form, and learning it by gradient steps.

Learning climbs the Bethe likelihood, ``dJ ~ C_data - C_bethe``, ``dh ~ m_data - m_bethe``. Where it can end
is known beforehand: a fixed point of belief propagation whose pair beliefs are the data's,

    J_ij = (1/4) ln[p(++) p(--) / (p(+-) p(-+))],   c_{i->j} = (1/4) ln[p(++) p(+-) / (p(-+) p(--))],
    h_i = sum_{j != i} c_{i->j} - (N - 2) artanh m_i

(pseudo-moment matching: Wainwright, Jaakkola & Willsky, AISTATS 2003). If belief propagation is unstable
there (:func:`theory.inverse_ising.bethe.growth` > 1), no learning converges: the model cannot be reached by
the very averages it is defined by.
"""

import numpy as np

from deepglass import checks
from deepglass.errors import InvalidInput, NotConverged
from theory.inverse_ising.bethe import METHOD as SWEEPS
from theory.inverse_ising.bethe import BetheState, growth, solve_bethe, state_of
from theory.inverse_ising.certificate import Certificate, Fit
from theory.inverse_ising.learning import PlainSteps, Steps, start_model
from theory.inverse_ising.model import IsingModel
from theory.inverse_ising.moments import Moments, moment_error

METHOD = "Boltzmann learning with Bethe averages"
_SMALLEST = 1e-3
_ROUNDING = 1e-14
_PATIENCE = 30


def matched_bethe(moments: Moments) -> BetheState:
    """The Bethe model whose pair beliefs are the moments, and its (possibly unstable) fixed point.

    InvalidInput where one of the four probabilities of a pair is not positive.
    """
    m, C, N = moments.m, moments.C, moments.N
    mi, mj = m[:, None], m[None, :]
    p = {(a, b): (1.0 + a * mi + b * mj + a * b * C) / 4.0 for a in (1, -1) for b in (1, -1)}
    apart = ~np.eye(N, dtype=bool)
    lowest = min(float(q[apart].min()) for q in p.values()) if N > 1 else 1.0
    if lowest <= 0.0 or np.max(np.abs(m)) >= 1.0:
        raise InvalidInput(f"a pair has a probability {lowest:.1e}, must be > 0 for a finite Bethe model")
    log = {key: np.log(np.where(apart, q, 1.0)) for key, q in p.items()}
    J = 0.25 * (log[1, 1] + log[-1, -1] - log[1, -1] - log[-1, 1])
    c = 0.25 * (log[1, 1] + log[1, -1] - log[-1, 1] - log[-1, -1])
    h = c.sum(axis=1) - (N - 2) * np.arctanh(m)
    np.fill_diagonal(c, np.arctanh(m))
    model = IsingModel(0.5 * (J + J.T), h)
    back = moment_error(state_of(model, c, Certificate(0.0, 0, SWEEPS, "")).moments, moments).total
    return state_of(model, c, Certificate(back, 0, "pseudo-moment matching", "closed form"))


def _obstacle(moments: Moments) -> str:
    """Why no better fit was found, as far as it can be said."""
    try:
        rate = growth(matched_bethe(moments))
    except InvalidInput:
        return "no finite Bethe model matches these moments"
    verdict = "unstable: it cannot be reached" if rate > 1.0 else "stable"
    return f"at the model that matches them messages grow by {rate:.3f} a sweep ({verdict})"


def fit_bethe(
    moments: Moments,
    start: str | IsingModel = "independent",
    *,
    tolerance: float = 1e-6,
    steps: int = 2000,
    rate: float | None = None,
    plain: tuple[float, float] | None = None,
    l2: float = 0.0,
    max_sweeps: int = 1000,
) -> Fit:
    """Learn (J, h) by gradient steps on Bethe averages until the moment error is <= ``tolerance``.

    start: "independent" (h = artanh m, J = 0), "zero", "matched" (the closed form) or a model. rate: step in
    units of the inverse curvature (:class:`Steps`); halved, from the last model, wherever a step lowers the
    Bethe likelihood or belief propagation finds no fixed point; given up where that gains nothing any more.
    plain: sizes (couplings, fields) of the paper's steps instead, (0.01, 0.3) there. l2: pull ``-l2 J`` on
    couplings; the residual is then the error of ``C_data - C - l2 J``. Certificate residual: moment error by
    Bethe averages. Raises NotConverged with the best Fit.
    """
    limit = checks.real("tolerance", tolerance, above=0.0)
    most = checks.integer("steps", steps, 1)
    pull = checks.real("l2", l2, at_least=0.0)
    fastest = (0.5 if plain is None else 1.0) if rate is None else checks.real("rate", rate, above=0.0)
    scale = fastest
    sizes = None if plain is None else [checks.real("plain", size, above=0.0) for size in plain]
    rule = Steps.of(moments) if sizes is None else PlainSteps(*sizes)
    if start == "matched":
        state = matched_bethe(moments)
        model = state.model
        pace = growth(state)
        if pace >= 1.0:
            why = f"unstable: growth {pace:.3f} a sweep"
            closed = Certificate(state.certificate.residual, 0, METHOD, why)
            raise NotConverged(f"Bethe learning: {_obstacle(moments)}", Fit(model, closed), pace)
    else:
        model = start_model(moments, start)
    best: Fit | None = None
    height = -np.inf
    reason = "no fixed point of belief propagation at the start"
    count = 0
    gained, lowest = 0, np.inf
    while count < most and scale >= _SMALLEST * fastest and count - gained <= _PATIENCE:
        count += 1
        # Messages start anew: carried along, they follow fixed points, unstable or one of two, that
        # nobody else finds, and the moments were no function of the model.
        try:
            tried = solve_bethe(model, tolerance=0.01 * limit, max_sweeps=max_sweeps)
            climbed = _likelihood(tried, moments, pull)
        except NotConverged:
            climbed = -np.inf
        if climbed == -np.inf and best is None:
            break
        if climbed < height - max(0.01 * limit**2, _ROUNDING):
            scale *= 0.5
        else:
            state, height = tried, climbed
            scale = min(fastest, 1.2 * scale)
            total = moment_error(_pulled(state.moments, model, pull), moments).total
            if best is None or total < best.certificate.residual:
                word = "moments matched" if total <= limit else f"moment error {total:.2e}"
                own = moment_error(state.moments, moments)
                best = Fit(model, Certificate(total, count, METHOD, f"{word} after {count} steps"), own)
                reason = best.certificate.reason
            if total <= limit:
                pace = growth(state)
                if pace < 1.0:
                    return best
                reason = f"moments matched, but at an unstable fixed point, growth {pace:.3f}"
                break
            if total < 0.99 * lowest:
                gained, lowest = count, total
        model = rule.step(state.model, moments, _pulled(state.moments, state.model, pull), scale)
    residual = np.inf if best is None else best.certificate.residual
    raise NotConverged(f"Bethe learning: {reason}; {_obstacle(moments)}", best, residual)


def _likelihood(state: BetheState, data: Moments, l2: float) -> float:
    """Bethe log-likelihood per spin: what the steps climb; its gradient is the difference of moments."""
    cost = 0.25 * l2 * float(np.sum(state.model.J**2)) / data.N
    return -state.model.mean_energy(data) - state.log_z - cost


def _pulled(found: Moments, model: IsingModel, l2: float) -> Moments:
    """The model's moments with ``l2 J`` added to the pairs: what is matched to the data under the pull."""
    if l2 == 0.0:
        return found
    return Moments(found.m, np.clip(found.C + l2 * model.J, -1.0, 1.0))
