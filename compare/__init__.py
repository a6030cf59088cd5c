"""Prediction beside measurement: overlays and verdicts, phases, effective storage ratio."""

from compare.overlay import Overlay, overlay
from compare.relaxation import relaxation_times
from compare.verdict import Verdict, verdict
from deepglass.phases import THRESHOLD, Extent, extent, phase

__all__ = [
    "THRESHOLD",
    "Extent",
    "Overlay",
    "Verdict",
    "extent",
    "overlay",
    "phase",
    "relaxation_times",
    "verdict",
]
