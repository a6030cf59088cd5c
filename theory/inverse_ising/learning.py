"""Gradient steps of Boltzmann learning, of a size that the data's own correlations set.

In the couplings the likelihood is as curved as pair products fluctuate: along eigenvectors u_a, u_b of the
connected correlations by ``lambda_a lambda_b`` (plus ``2 (u.m)^2 lambda_1`` for the top one, if J acts on raw
products; coupling ``(s_i - m_i)(s_j - m_j)`` instead, the same models in other coordinates, removes it), in
the fields by ``lambda_a``. A step that is one over the curvature of the stiffest direction is stable and
hopelessly slow in the soft ones; here every direction stiffer than free spins has its own.
"""

from dataclasses import dataclass, field

import numpy as np

from deepglass.errors import InvalidInput
from theory.gaussian import Array
from theory.inverse_ising.model import IsingModel
from theory.inverse_ising.moments import Moments

START = ("independent", "zero")
FIELD_MAX = 4.0
"""Fields of the independent start are cut here (|m| = 0.9993): a spin that never flips has no finite one."""
# Directions softer than free spins get the step of those. Products of +-1 fluctuate less than those of
# Gaussians (two spins of correlation c would overshoot by (1 + c^2)/(1 - c^2)), and spins that hardly flip
# have couplings that the data hardly know.
_FLOOR = 1.0


def start_model(moments: Moments, start: str | IsingModel) -> IsingModel:
    """The model learning begins from: "independent" (h = artanh m, J = 0), "zero", or a given one."""
    if isinstance(start, IsingModel):
        if start.N != moments.N:
            raise InvalidInput(f"start has {start.N} spins, the moments {moments.N}")
        return start
    none = np.zeros((moments.N, moments.N))
    if start == "zero":
        return IsingModel(none, np.zeros(moments.N))
    if start == "independent":
        edge = np.tanh(FIELD_MAX)
        return IsingModel(none, np.arctanh(np.clip(moments.m, -edge, edge)))
    raise InvalidInput(f"start = {start!r} must be one of {', '.join(START)} or a model")


@dataclass(frozen=True, eq=False)
class Steps:
    """Inverse curvature in the fields (N, N): the inverse of the data's connected correlations, floored."""

    inverse: Array = field(repr=False)

    @classmethod
    def of(cls, moments: Moments) -> "Steps":
        """From the data's connected correlations."""
        values, vectors = np.linalg.eigh(moments.connected)
        return cls((vectors / np.maximum(values, _FLOOR)) @ vectors.T)

    def step(self, model: IsingModel, data: Moments, found: Moments, rate: float) -> IsingModel:
        """One step up the likelihood, ``rate`` in units of the inverse curvature (stable below about 1)."""
        # The gradient in J at fixed h + J m, but for a term of second order in dm, which far from the means
        # would drive J the wrong way.
        gradient = data.connected - found.connected
        np.fill_diagonal(gradient, 0.0)
        dJ = rate * self.inverse @ gradient @ self.inverse
        dJ = 0.5 * (dJ + dJ.T)
        np.fill_diagonal(dJ, 0.0)
        dh = rate * self.inverse @ (data.m - found.m) - dJ @ data.m
        return IsingModel(model.J + dJ, model.h + dh)


@dataclass(frozen=True)
class PlainSteps:
    """Steps along the raw differences of moments, of given sizes for couplings and fields, as in the paper.

    Slower, and from zero another way: couplings grow along ``C ~ m m^T`` before the fields explain it.
    """

    J: float
    h: float

    def step(self, model: IsingModel, data: Moments, found: Moments, rate: float) -> IsingModel:
        """One step, ``rate`` times the sizes."""
        return IsingModel(
            model.J + rate * self.J * (data.C - found.C), model.h + rate * self.h * (data.m - found.m)
        )
