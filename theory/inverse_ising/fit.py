"""One way to every inference method: moments or samples in, a model with its certificate out."""

from dataclasses import replace
from typing import Any

from numpy.typing import ArrayLike

from deepglass import checks
from deepglass.errors import InvalidInput
from theory.inverse_ising.bethe_learning import fit_bethe
from theory.inverse_ising.bethe_response import fit_bethe_response
from theory.inverse_ising.boltzmann import fit_boltzmann
from theory.inverse_ising.certificate import Fit, Sampler, monte_carlo_error
from theory.inverse_ising.moments import Moments, sample_moments
from theory.inverse_ising.naive_mean_field import fit_nmf
from theory.inverse_ising.pseudo_likelihood import fit_pseudo

METHODS = ("nmf", "bethe", "bethe-response", "pseudo", "boltzmann")


def fit(
    data: Moments | ArrayLike,
    method: str,
    *,
    sample: Sampler | None = None,
    weights: ArrayLike | None = None,
    **options: Any,
) -> Fit:
    """Infer the pairwise model of ``data`` (:class:`Moments`, or samples (S, N), optionally weighted).

    method: "nmf", "bethe", "bethe-response", "pseudo" (needs samples) or "boltzmann" (needs ``sample``);
    ``options`` are those of ``fit_bethe``, ``fit_pseudo``, ``fit_boltzmann``. With ``sample(J, h) -> (S, N)``
    the moment error of the model is also measured by Monte Carlo, whatever the method believes of itself.
    Raises NotConverged carrying the last Fit.

    On a chain of spins linear response is exact: couplings come back as they were.

    >>> import numpy as np
    >>> from theory.inverse_ising import IsingModel, exact
    >>> J = np.array([[0.0, 0.2, 0.0], [0.2, 0.0, -0.1], [0.0, -0.1, 0.0]])
    >>> found = fit(exact(IsingModel(J, np.zeros(3))).moments, "bethe-response")
    >>> bool(np.abs(found.model.J - J).max() < 1e-12)
    True
    """
    name = checks.one_of("method", method, METHODS)
    if isinstance(data, Moments):
        if name == "pseudo":
            raise InvalidInput("method = 'pseudo' needs samples, not moments")
        if weights is not None:
            raise InvalidInput("weights go with samples, not with moments")
        moments = data
    else:
        moments = sample_moments(data, weights)
    if name == "boltzmann":
        if sample is None:
            raise InvalidInput("method = 'boltzmann' needs sample(J, h)")
        return fit_boltzmann(moments, sample, **options)
    if name == "nmf":
        found = fit_nmf(moments, **options)
    elif name == "bethe":
        found = fit_bethe(moments, **options)
    elif name == "bethe-response":
        found = fit_bethe_response(moments, **options)
    else:
        found = fit_pseudo(data, weights, **options)  # type: ignore[arg-type]
    return (
        found
        if sample is None
        else replace(found, monte_carlo=monte_carlo_error(found.model, moments, sample))
    )
