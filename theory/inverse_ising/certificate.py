"""What every fit returns: the model, why it may be believed, and how far its moments are off."""

from collections.abc import Callable
from dataclasses import dataclass, field

from theory.gaussian import Array
from theory.inverse_ising.model import IsingModel
from theory.inverse_ising.moments import MomentError, Moments, moment_error, sample_moments

Sampler = Callable[[Array, Array], Array]
"""``sample(J, h)`` gives configurations (S, N) of +-1 of law ``exp(-E)``; it may keep chains."""


@dataclass(frozen=True)
class Certificate:
    """Why a result may be believed.

    ``residual``: how far the method's equations are from solved, without damping, in the unit its docstring
    names. ``iterations`` of the method. ``reason``: why it stopped.
    """

    residual: float
    iterations: int
    method: str
    reason: str


@dataclass(frozen=True)
class MonteCarloError:
    """The moment error of a model as sampled, not as its own approximation believes.

    ``noise`` is what a perfect model would show from as many independent samples, for the total; chains that
    mix slowly show more.
    """

    error: MomentError
    noise: float
    samples: int


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model with its certificate.

    ``own_error``: moment error by the averages of the method itself, None if it has none; ``monte_carlo``: by
    sampling, None where no sampler was given.
    """

    model: IsingModel = field(repr=False)
    certificate: Certificate
    own_error: MomentError | None = None
    monte_carlo: MonteCarloError | None = None


def monte_carlo_error(model: IsingModel, moments: Moments, sample: Sampler) -> MonteCarloError:
    """Moment error of any model, by sampling it once."""
    drawn = sample(model.J, model.h)
    S = len(drawn)
    variance = (1.0 - moments.m**2).mean()
    if moments.N > 1:
        variance += (1.0 - moments.C**2).sum() / (moments.N * (moments.N - 1))
    return MonteCarloError(moment_error(sample_moments(drawn), moments), float(variance / S) ** 0.5, S)
