"""What a run of classifiers records, by the names of docs/schema.md."""

from simulate.contract import Variable

ONE_TIME = {
    name: Variable(("replica", *layers), description)
    for name, layers, description in (
        ("cost", ("draw",), "cross-entropy of a drawn network on the training patterns, nats"),
        ("accuracy", ("draw",), "fraction of training patterns it classifies rightly"),
        ("test_cost", ("draw",), "cross-entropy of a drawn network on the test patterns, nats"),
        ("test_accuracy", ("draw",), "fraction of test patterns it classifies rightly"),
        ("mu2", ("weight_layer",), "mean square over a layer of the means of its weights; 1: all certain"),
    )
}

TESTED = ("test_cost", "test_accuracy")
"""What there is only with test patterns."""

FRAMES = {"theta": ("weight",)}
"""A configuration: fields of binary weights, or real weights, W_1 to W_L."""
