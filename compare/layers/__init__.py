"""Which layers of trained networks are solid, which are liquid: copies of any PyTorch model compared."""

from typing import TYPE_CHECKING

from compare.layers.capture import capture
from compare.layers.copies import Copies, Layer, read
from compare.layers.measure import Measured, measure, measure_copies
from deepglass import lazy

if TYPE_CHECKING:
    from compare.layers import page
else:  # it loads matplotlib
    __getattr__ = lazy.attributes(__name__, {"page": "compare.layers.page"})

__all__ = ["Copies", "Layer", "Measured", "capture", "measure", "measure_copies", "page", "read"]
