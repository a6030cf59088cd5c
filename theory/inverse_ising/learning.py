"""Gradient steps of Boltzmann learning, of a size that the data's own correlations set.

In the couplings the likelihood is as curved as the pair products fluctuate: along the top eigenvector u of
the connected correlations by ``lambda_1^2 + 2 (u.m)^2 lambda_1``, in the fields by ``lambda_1``. The second
term is there only because J acts on raw products; coupling ``(s_i - m_i)(s_j - m_j)`` instead removes it (the
same models in other coordinates), so that steps may be larger. Scaling every spin by its variance does the
same for spins of very different |m|.
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
_VARIANCE_MIN = 0.05


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
    """Step sizes: variances (N,) that scale the spins, top eigenvalue of the correlations so scaled."""

    variance: Array = field(repr=False)
    top: float

    @classmethod
    def of(cls, moments: Moments) -> "Steps":
        """From the data's connected correlations."""
        variance = np.maximum(1.0 - moments.m**2, _VARIANCE_MIN)
        scaled = moments.connected / np.sqrt(np.outer(variance, variance))
        return cls(variance, max(1.0, float(np.linalg.eigvalsh(scaled)[-1])))

    def step(self, model: IsingModel, data: Moments, found: Moments, rate: float) -> IsingModel:
        """One step up the likelihood, ``rate`` in units of the inverse curvature (stable below about 1)."""
        dm = data.m - found.m
        mixed = np.outer(data.m, dm)
        gradient = data.C - found.C - mixed - mixed.T
        dJ = rate / self.top**2 * gradient / np.outer(self.variance, self.variance)
        np.fill_diagonal(dJ, 0.0)
        dh = rate / self.top * dm / self.variance - dJ @ data.m
        return IsingModel(model.J + dJ, model.h + dh)
