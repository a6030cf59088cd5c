"""The effective Ising model of weight space: inference, Bethe, landscape (docs/effective_ising.md)."""

from theory.inverse_ising.bethe import BetheState, bethe_log_z, growth, solve_bethe
from theory.inverse_ising.bethe_learning import fit_bethe, matched_bethe
from theory.inverse_ising.bethe_loops import loop_entropy, loop_log_z
from theory.inverse_ising.bethe_response import bethe_response, fit_bethe_response
from theory.inverse_ising.boltzmann import fit_boltzmann
from theory.inverse_ising.certificate import Certificate, Fit, MonteCarloError, Sampler, monte_carlo_error
from theory.inverse_ising.fit import METHODS, fit
from theory.inverse_ising.information import (
    Strength,
    entropy_deficit,
    gaussian_multi_information,
    independent_entropy,
    strength,
)
from theory.inverse_ising.landscape import (
    Hysteresis,
    Landscape,
    entropy_bound,
    entropy_landscape,
    hysteresis,
    iso_energy_landscape,
)
from theory.inverse_ising.layers import parts, permutation_average, permuted
from theory.inverse_ising.model import Exact, IsingModel, configurations, exact, probabilities
from theory.inverse_ising.moments import (
    MomentError,
    Moments,
    independent_error,
    moment_error,
    sample_moments,
)
from theory.inverse_ising.naive_mean_field import fit_nmf
from theory.inverse_ising.pseudo_likelihood import fit_pseudo
from theory.inverse_ising.tap import TapStates, tap_states
from theory.inverse_ising.third_moments import ThirdMoments, third_moment_test, third_moments

__all__ = [
    "METHODS",
    "BetheState",
    "Certificate",
    "Exact",
    "Fit",
    "Hysteresis",
    "IsingModel",
    "Landscape",
    "MomentError",
    "Moments",
    "MonteCarloError",
    "Sampler",
    "Strength",
    "TapStates",
    "ThirdMoments",
    "bethe_log_z",
    "bethe_response",
    "configurations",
    "entropy_bound",
    "entropy_deficit",
    "entropy_landscape",
    "exact",
    "fit",
    "fit_bethe",
    "fit_bethe_response",
    "fit_boltzmann",
    "fit_nmf",
    "fit_pseudo",
    "gaussian_multi_information",
    "growth",
    "hysteresis",
    "independent_entropy",
    "independent_error",
    "iso_energy_landscape",
    "loop_entropy",
    "loop_log_z",
    "matched_bethe",
    "moment_error",
    "monte_carlo_error",
    "parts",
    "permutation_average",
    "permuted",
    "probabilities",
    "sample_moments",
    "solve_bethe",
    "strength",
    "tap_states",
    "third_moment_test",
    "third_moments",
]
