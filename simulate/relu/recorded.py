"""What a run of ReLU networks records, by the names of docs/schema.md."""

import numpy as np

from simulate.contract import Variable

CLOCK = "; t counts steps since t_w"

ONE_TIME = {
    name: Variable(("replica", "temperature", *layers), description)
    for name, layers, description in (
        ("loss", (), "L_D on the training patterns"),
        ("U", (), "L_D + lambda |W|^2/2"),
        ("unsatisfied", (), "fraction of training patterns with a deficit above 1e-3"),
        ("norm2", ("weight_layer",), "sum of W^2 of a layer"),
        ("sigma", (), "standard deviation of all weights, sigma_W"),
        ("test_loss", (), "L_D on the test patterns"),
        ("test_error", (), "fraction of test patterns with the wrong sign"),
    )
}

TWO_TIME = {
    name: Variable(("replica", "temperature", *layers), description + CLOCK)
    for name, layers, description in (
        ("overlap", ("factor",), "fraction of weights that have moved by at most sigma_W(t_w)/F"),
        ("overlap_layer", ("weight_layer",), "the same of one layer, for the smallest F"),
        ("msd", (), "mean squared displacement of the weights"),
        ("msd_layer", ("weight_layer",), "the same of one layer"),
        ("alpha2", (), "<d^4>/(3 <d^2>^2) - 1 of displacements d: 0 if they are Gaussian"),
        ("displacements", ("log10_displacement",), "fraction of weights in bins of log10 |d|"),
    )
}

TESTED = ("test_loss", "test_error")
"""What there is only with test patterns."""

FRAMES = {"W": ("temperature", "weight")}
"""A configuration: the weights of every copy, W_1 to W_L."""

MATRICES = {"distance": "temperature", "distance_aligned": "temperature"}
"""|W_a - W_b| of all pairs; the same, hidden units of one in the order that is nearest to the other's."""

PER_DECADE, LOWEST, HIGHEST = 10, -12, 2
BINS = tuple(np.round(np.arange(LOWEST * PER_DECADE, HIGHEST * PER_DECADE) / PER_DECADE + 0.05, 2).tolist())
"""Centres of the bins of displacements; weights that moved less, or not at all, are in none."""
