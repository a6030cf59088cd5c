"""What a run of thermal machines records, by the names of docs/schema.md."""

from simulate.contract import Variable

CLOCK = "; t counts steps since t_w"

ONE_TIME = {
    name: Variable(("replica", *layers), description)
    for name, layers, description in (
        ("E", (), "potential energy H = sum_l E_l"),
        ("E_layer", ("weight_layer",), "E_l = ||S_l - tanh(c_l J_l S_{l-1})||_F"),
        ("kinetic", (), "<v^2> over all particles (kinetic temperature, m = k_B = 1)"),
        ("kinetic_S", ("neuron_layer",), "<v^2> of the spins of a hidden layer"),
        ("kinetic_J", ("weight_layer",), "<v^2> of the weights of a layer"),
        ("S2", ("neuron_layer",), "<S_l^2>"),
        ("J2", ("weight_layer",), "<J_l^2>"),
        ("A_tanh", (), "test accuracy of the feed-forward network, tanh hidden units"),
        ("A_sgn", (), "test accuracy of the feed-forward network, sgn hidden units (Eq. 12)"),
    )
}

TWO_TIME = {
    name + suffix: Variable((member, *((layer,) if by_layer else ())), description + kind)
    for name, member, layer, description in (
        ("c", "replica", "neuron_layer", "spin auto-correlation with t_w" + CLOCK),
        ("C", "replica", "weight_layer", "weight auto-correlation with t_w" + CLOCK),
        ("q", "pair", "neuron_layer", "spin overlap between replicas split at t_w" + CLOCK),
        (
            "Q",
            "pair",
            "weight_layer",
            "weight overlap between replicas split at t_w" + CLOCK,
        ),
    )
    for suffix, by_layer, kind in (
        ("", True, " (normalised)"),
        ("_raw", True, " (unnormalised)"),
        ("_global", False, " (all layers as one, normalised)"),
    )
} | {
    "q_test": Variable(
        ("pair", "neuron_layer"),
        "overlap between replicas of the tanh network's neurons on test patterns (normalised)",
    )
}

TESTED = ("A_tanh", "A_sgn", "q_test")
"""What there is only with test patterns."""

FRAMES = {
    "S": ("hidden_layer", "neuron", "pattern"),
    "J_first": ("first_neuron", "input"),
    "J_hidden": ("inner_layer", "neuron", "neuron_below"),
    "J_last": ("output", "neuron_below"),
}
"""A configuration; see :class:`simulate.systems.thermal_machine.Views`."""

MATRICES = {"q_matrix_raw": "hidden_layer", "Q_matrix_raw": "weight_layer"}
