"""Prediction beside measurement: overlays, phases, effective storage ratio."""

from compare.overlay import Overlay, overlay
from deepglass.phases import THRESHOLD, Extent, extent, phase

__all__ = ["THRESHOLD", "Extent", "Overlay", "extent", "overlay", "phase"]
