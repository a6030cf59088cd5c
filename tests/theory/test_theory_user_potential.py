"""A potential of the user's own, one class: a harmonic gap, whose theory is closed-form."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.optimize import brentq

from deepglass.errors import InvalidInput
from theory import solve_hierarchy, solve_profile
from theory.potentials import Slopes


@dataclass(frozen=True)
class Harmonic:
    """``v = (r - margin)^2/2`` on both sides: ``f = -ln(1 + beta v2)/2 - b (h - margin)^2/2``."""

    beta: float
    margin: float
    name: str = "harmonic"

    def _stiffness(self, variance):
        return self.beta / (1.0 + self.beta * variance)

    def value(self, excess, variance):
        return -0.5 * np.log1p(self.beta * variance) - 0.5 * self._stiffness(variance) * excess**2

    def slopes(self, excess, variance):
        b = self._stiffness(variance)
        return Slopes(-b * excess, -b + 0.0 * excess)


@pytest.mark.parametrize("alpha", [0.5, 3.0, 20.0])
def test_one_layer_in_closed_form(alpha):
    """``Q/(1-Q)^2 = alpha b^2 (Q + margin^2)`` with ``b = beta/(1 + beta (1-Q))``; f is quadratic: stable."""
    beta, margin = 4.0, 0.7
    found = solve_profile("random", 1, alpha, potential=Harmonic(beta, margin))

    def equation(Q):
        b = beta / (1 + beta * (1 - Q))
        return Q / (1 - Q) ** 2 - alpha * b * b * (Q + margin**2)

    Q = brentq(equation, 1e-9, 1 - 1e-9, xtol=1e-15)
    assert found.Q[0] == pytest.approx(Q, rel=1e-11)
    b = beta / (1 + beta * (1 - Q))
    energy = -0.5 * math.log1p(beta * (1 - Q)) - 0.5 * b * (Q + margin**2)
    assert found.entropy == pytest.approx(energy + (math.log(1 - Q) + Q / (1 - Q)) / (2 * alpha), rel=1e-11)
    assert found.replicon == pytest.approx(1 - alpha * (1 - Q) ** 2 * b * b, rel=1e-9)
    assert found.potential == "harmonic"
    assert found.ensemble == "random"


def test_deep_chains_and_hierarchies_take_it():
    potential = Harmonic(4.0, 0.7)
    symmetric = solve_profile("random", 3, 30.0, potential=potential)
    assert symmetric.q[1] > 0.0
    found = solve_hierarchy("random", 3, 30.0, 0, potential=potential)
    np.testing.assert_allclose(found.q[:, 0], symmetric.q, atol=1e-9)


def test_its_parameters_are_its_own():
    with pytest.raises(InvalidInput, match="its own parameters"):
        solve_profile("random", 3, 5.0, 0.5, potential=Harmonic(1.0, 0.1))
