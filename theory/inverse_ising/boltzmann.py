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
from theory.inverse_ising.moments import Moments, independent_error, sample_moments

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
    checked_by: int = 10,
) -> Fit:
    """Learn (J, h) on sampled moments; ``rate`` in units of the inverse curvature, ``l2`` a pull on J.

    The averaged model is sampled ``checked_by`` times more: that moment error is the certificate's residual
    and must be <= ``tolerance``, by default twice what a perfect model would show from as many independent
    samples, and below the error of independent spins. Raises NotConverged with the Fit.
    """
    most = checks.integer("steps", steps, 2)
    scale = checks.real("rate", rate, above=0.0)
    pull = checks.real("l2", l2, at_least=0.0)
    rule = Steps.of(moments)
    model = start_model(moments, start)
    J, h, averaged = np.zeros_like(model.J), np.zeros_like(model.h), 0
    for count in range(most):
        found = sample_moments(sample(model.J, model.h))
        if pull > 0.0:
            found = Moments(found.m, np.clip(found.C + pull * model.J, -1.0, 1.0))
        model = rule.step(model, moments, found, scale / (1.0 + 4.0 * count / most))
        if count >= most // 2:
            J, h, averaged = J + model.J, h + model.h, averaged + 1
    mean = IsingModel(J / averaged, h / averaged)
    times = checks.integer("checked_by", checked_by, 1)

    def more(couplings: Array, fields: Array) -> Array:
        return np.concatenate([sample(couplings, fields) for _ in range(times)])

    checked = monte_carlo_error(mean, moments, more)
    limit = 2.0 * checked.noise if tolerance is None else checks.real("tolerance", tolerance, above=0.0)
    off = checked.error.total
    # Independent spins pass a bar that so few samples cannot lower; data without correlations have no other.
    alone = independent_error(moments).total
    reached = off <= limit and (off < alone or alone <= checked.noise)
    reason = f"sampled moment error {off:.2e} of {limit:.2e} allowed, {checked.samples} samples"
    fit = Fit(mean, Certificate(off, most, METHOD, reason), checked.error, checked)
    if not reached:
        raise NotConverged(f"Boltzmann learning after {most} steps: {reason}", fit, off)
    return fit
