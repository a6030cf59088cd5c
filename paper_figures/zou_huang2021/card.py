"""Numbers of the authors' arrays (arXiv:2007.08093), computed from them once: what ours stand beside."""

INPUT_MEANS = (
    0.312, 0.073, 0.033, -0.123, -0.181, 0.034, -0.081, 0.092, -0.072, 0.022,
    -0.002, -0.042, 0.089, 0.156, -0.122, 0.064, 0.001, 0.017, -0.051, -0.096,
)  # fmt: skip
"""Mean weight of the input boundary by principal component, under-parametrised."""

CLASS_MEANS = (-0.057, -0.309, -0.025, -0.099, -0.246, 0.014, -0.169, -0.206, -0.072, -0.211)
"""Mean weight of the output boundary by class, under-parametrised."""

MULTI_INFORMATION = {
    "under": {"input": 0.119, "interior": 0.0021, "output": 0.069, "full": 0.077},
    "over": {"input": 0.110, "interior": 0.0010, "output": 0.070, "full": 0.073},
    "fashion": {"input": 0.118, "interior": 0.0013, "output": 0.095, "full": 0.083},
}
"""Gaussian multi-information, nats per weight, averaged over permutations."""

CANONICAL = {"input": 0.202, "interior": 0.038, "output": 0.096}
"""The same, under-parametrised, hidden units in canonical order."""

DEFICIT = {
    "under": {"input": 0.052, "interior": 0.0019, "output": 0.053},
    "over": {"input": 0.072, "interior": 0.0011, "output": 0.041},
}
"""Entropy of independent spins less that of the authors' Bethe models, nats per weight."""

INTERIOR_MEAN = {"under": -0.0683, "over": -0.2383, "fashion": -0.3323}
"""Mean weight of the interior."""

INTERIOR_PAIRS = {"under": (0.0201, 0.0136, 0.0050), "over": (0.0113, 0.0112, 0.0002)}
"""Connected moments of pairs of the interior: same row (unit behind), same column (unit before), neither."""

SHALLOW_Q = 0.784
"""Mean square of the means of the shallow network."""
