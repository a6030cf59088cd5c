"""Which layers of trained networks are solid, which are liquid: copies of any PyTorch model compared."""

from compare.layers import page
from compare.layers.capture import capture
from compare.layers.copies import Copies, Layer, read
from compare.layers.measure import Measured, measure, measure_copies

__all__ = ["Copies", "Layer", "Measured", "capture", "measure", "measure_copies", "page", "read"]
