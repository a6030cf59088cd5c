"""Prediction beside measurement: overlays and verdicts, phases, effective storage ratio."""

from compare.equilibrium import Equilibrium, equilibrium
from compare.glassy import Glassy, glassy
from compare.overlay import Overlay, overlay
from compare.relaxation import relaxation_times
from compare.verdict import Verdict, verdict
from deepglass.phases import THRESHOLD, Extent, extent, phase

__all__ = [
    "THRESHOLD",
    "Equilibrium",
    "Extent",
    "Glassy",
    "Overlay",
    "Verdict",
    "equilibrium",
    "extent",
    "glassy",
    "overlay",
    "phase",
    "relaxation_times",
    "verdict",
]
