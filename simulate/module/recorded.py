"""What a run around a trained module records, by the names of docs/schema.md.

Layers count 1..L in the order in which they answer; attribute ``layer_names`` has their names. Neurons are
the answers of a layer to the probes, weights those of its weight matrix.
"""

from simulate.contract import Variable

CLOCK = "; t counts steps since t_w"

ONE_TIME = {
    name: Variable(("replica", *layers), description)
    for name, layers, description in (
        ("loss", (), "loss on the training patterns"),
        ("U", (), "loss + lambda |theta|^2/2"),
        ("norm2", (), "|theta|^2, all parameters"),
        ("W2", ("weight_layer",), "<W_l^2>"),
        ("S2", ("answer_layer",), "<S_l^2> of the answers to the probes"),
        ("accuracy", (), "fraction of training patterns whose largest output is at the label"),
        ("test_loss", (), "loss on the test patterns"),
        ("test_accuracy", (), "the same fraction of test patterns"),
    )
}

TWO_TIME = {
    name + suffix: Variable((member, *((layer,) if by_layer else ())), description + CLOCK + kind)
    for name, member, layer, description in (
        ("c", "replica", "answer_layer", "auto-correlation of neurons with t_w"),
        ("C", "replica", "weight_layer", "auto-correlation of weights with t_w"),
        ("q", "pair", "answer_layer", "overlap of neurons between replicas split at t_w"),
        ("Q", "pair", "weight_layer", "overlap of weights between replicas split at t_w"),
    )
    for suffix, by_layer, kind in (
        ("", True, " (normalised)"),
        ("_raw", True, " (unnormalised)"),
        ("_global", False, " (all layers as one, normalised)"),
    )
} | {
    "msd": Variable(("replica", "weight_layer"), "mean squared displacement of the weights" + CLOCK),
    "q_test": Variable(("pair", "answer_layer"), "q on test patterns" + CLOCK + " (normalised)"),
}

TESTED = ("test_loss", "test_accuracy", "q_test")
"""What there is only with test patterns."""

CLASSIFIED = ("accuracy", "test_accuracy")
"""What there is only with classes."""

FRAMES = {"theta": ("parameter",)}
MATRICES = {"q_matrix_raw": "answer_layer", "Q_matrix_raw": "weight_layer"}
