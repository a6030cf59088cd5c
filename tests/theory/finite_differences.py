"""Derivatives that know nothing of the formulas they check."""

import numpy as np


def derivative(function, x, h=1e-4):
    """Jacobian by central differences of fourth order, the variable last."""
    columns = []
    for j in range(x.size):
        unit = np.zeros(x.size)
        unit[j] = h
        near = function(x + unit) - function(x - unit)
        far = function(x + 2.0 * unit) - function(x - 2.0 * unit)
        columns.append((8.0 * near - far) / (12.0 * h))
    return np.stack(columns, axis=-1)
