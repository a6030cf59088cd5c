"""What the solved theory predicts: the reach of the solid, what a student has learnt, P(q) layer by layer."""

from theory.predictions.distribution import (
    TOLERANCE,
    Continuous,
    Distribution,
    LayerHierarchy,
    continuous_width,
    hierarchy_by_layer,
    overlap_distribution,
)
from theory.predictions.generalization import (
    Generalization,
    generalization,
    generalization_of,
    propagate,
)
from theory.predictions.penetration import (
    LiquidCentre,
    Penetration,
    Slope,
    Thresholds,
    Vanishing,
    layer_thresholds,
    liquid_centre,
    penetration,
    penetration_of,
    slope,
)

__all__ = [
    "TOLERANCE",
    "Continuous",
    "Distribution",
    "Generalization",
    "LayerHierarchy",
    "LiquidCentre",
    "Penetration",
    "Slope",
    "Thresholds",
    "Vanishing",
    "continuous_width",
    "generalization",
    "generalization_of",
    "hierarchy_by_layer",
    "layer_thresholds",
    "liquid_centre",
    "overlap_distribution",
    "penetration",
    "penetration_of",
    "propagate",
    "slope",
]
