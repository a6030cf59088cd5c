"""Prediction beside measurement: overlays and verdicts, phases, effective storage ratio.

``figure`` draws an overlay; ``effective_alpha.fit`` finds the storage ratio of a measured profile; ``liquid``
takes an ``Ensemble`` of weights. Trained networks of your own are compared by :mod:`compare.layers`.
"""

from typing import TYPE_CHECKING

from compare import effective_alpha
from compare.effective_alpha import EffectiveAlpha
from compare.equilibrium import Equilibrium, equilibrium
from compare.glassy import Glassy, glassy
from compare.liquid import Liquid, liquid
from compare.overlay import Overlay, overlay
from compare.relaxation import relaxation_times
from compare.verdict import Verdict, verdict
from compare.weight_ensemble import Ensemble
from deepglass import lazy
from deepglass.phases import THRESHOLD, Extent, extent, phase

if TYPE_CHECKING:
    from compare import figure
else:  # it loads matplotlib
    __getattr__ = lazy.attributes(__name__, {"figure": "compare.figure"})

__all__ = [
    "THRESHOLD",
    "EffectiveAlpha",
    "Ensemble",
    "Equilibrium",
    "Extent",
    "Glassy",
    "Liquid",
    "Overlay",
    "Verdict",
    "effective_alpha",
    "equilibrium",
    "extent",
    "figure",
    "glassy",
    "liquid",
    "overlay",
    "phase",
    "relaxation_times",
    "verdict",
]
