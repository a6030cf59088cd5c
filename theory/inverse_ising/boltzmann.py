"""Inverse Ising by Boltzmann learning with Monte Carlo averages: the exact likelihood, as sampled.

Every step draws configurations from the sampler (persistent chains, if the sampler keeps them) and moves (J,
h) by the difference of moments (Ackley, Hinton & Sejnowski, Cogn. Sci. 9, 147 (1985); Tieleman, ICML 2008).
Steps shrink as ``1/(1 + k/K)`` and the second half of the models is averaged (Polyak & Juditsky, SIAM J.
Control Optim. 30, 838 (1992)), which removes the noise of the samples from the model.
"""

import numpy as np

from deepglass import checks
from deepglass.errors import NotConverged
from theory.gaussian import Array
from theory.inverse_ising.certificate import Certificate, Fit, Sampler, monte_carlo_error
from theory.inverse_ising.learning import Steps, start_model
from theory.inverse_ising.model import IsingModel
from theory.inverse_ising.moments import Moments, independent_error, moment_error, sample_moments

METHOD = "persistent-chain Boltzmann learning"


def fit_boltzmann(
    moments: Moments,
    sample: Sampler,
    start: str | IsingModel = "independent",
    *,
    steps: int = 300,
    rate: float = 0.5,
    l2: float = 0.0,
    tolerance: float | None = None,
    check: Sampler | None = None,
    checked_by: int = 10,
) -> Fit:
    """Learn (J, h) on sampled moments; ``rate`` in units of the inverse curvature, ``l2`` a pull on J.

    The averaged model is sampled by ``check`` once (or ``checked_by`` times more by ``sample``, whose
    configurations may be too close in time to be independent). How far these are from solving what is learnt,
    ``<s_i s_j> + l2 J_ij = C_ij``, is the certificate's residual; it must be <= ``tolerance``, by default
    twice what a perfect model would show from as many independent samples, and below the error of independent
    spins. ``monte_carlo`` of the Fit is the moment error itself. Raises NotConverged with the Fit.
    """
    most = checks.integer("steps", steps, 2)
    scale = checks.real("rate", rate, above=0.0)
    pull = checks.real("l2", l2, at_least=0.0)
    rule = Steps.of(moments)

    def pulled(found: Moments, couplings: Array) -> Moments:
        return Moments(found.m, np.clip(found.C + pull * couplings, -1.0, 1.0)) if pull > 0.0 else found

    model = start_model(moments, start)
    J, h, averaged = np.zeros_like(model.J), np.zeros_like(model.h), 0
    for count in range(most):
        found = pulled(sample_moments(sample(model.J, model.h)), model.J)
        model = rule.step(model, moments, found, scale / (1.0 + 4.0 * count / most))
        if count >= most // 2:
            J, h, averaged = J + model.J, h + model.h, averaged + 1
    mean = IsingModel(J / averaged, h / averaged)
    times = checks.integer("checked_by", checked_by, 1)

    def more(couplings: Array, fields: Array) -> Array:
        return np.concatenate([sample(couplings, fields) for _ in range(times)])

    drawn = (more if check is None else check)(mean.J, mean.h)
    checked = monte_carlo_error(mean, moments, lambda couplings, fields: drawn)
    limit = 2.0 * checked.noise if tolerance is None else checks.real("tolerance", tolerance, above=0.0)
    off = moment_error(pulled(sample_moments(drawn), mean.J), moments).total
    # Independent spins pass a bar that so few samples cannot lower; data without correlations have no other.
    alone = independent_error(moments).total
    reached = off <= limit and (off < alone or alone <= checked.noise)
    reason = f"sampled residual {off:.2e} of {limit:.2e} allowed, {checked.samples} samples"
    fit = Fit(mean, Certificate(off, most, METHOD, reason), checked.error, checked)
    if not reached:
        raise NotConverged(f"Boltzmann learning after {most} steps: {reason}", fit, off)
    return fit
