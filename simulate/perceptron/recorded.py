"""What a run of deep perceptrons records, by the names of docs/schema.md."""

from simulate.contract import Variable

CLOCK = "; t counts sweeps since t_w"

ONE_TIME = {
    name: Variable(("replica", *layers), description)
    for name, layers, description in (
        ("E", (), "H = sum_l E_l"),
        ("E_layer", ("weight_layer",), "E_l = sum v(r) of the gaps of a layer; hard: how many are violated"),
        ("violated", ("weight_layer",), "fraction of the gaps of a layer with r < kappa"),
        ("E_rung", ("rung",), "H of the copy at each temperature of the ladder"),
        ("generalization_error", (), "fraction of the teacher's answers to fresh inputs that are missed"),
    )
}

TWO_TIME = {
    name: Variable((member, layer), description + CLOCK)
    for name, member, layer, description in (
        ("c", "replica", "neuron_layer", "auto-correlation of neurons with t_w"),
        ("C", "replica", "weight_layer", "auto-correlation of weights with t_w"),
        ("q", "pair", "neuron_layer", "overlap of neurons between replicas"),
        ("Q", "pair", "weight_layer", "overlap of weights between replicas"),
        ("q_aligned", "pair", "neuron_layer", "overlap of neurons, hidden ones in the other's sign"),
        ("Q_aligned", "pair", "weight_layer", "overlap of weights, hidden neurons in the other's sign"),
        ("q_test", "pair", "neuron_layer", "overlap of networks' answers to fresh inputs"),
        ("q_teacher", "replica", "neuron_layer", "overlap of neurons with the teacher's"),
        ("Q_teacher", "replica", "weight_layer", "overlap of weights with the teacher's"),
        ("q_aligned_teacher", "replica", "neuron_layer", "the same of neurons in the teacher's sign"),
        ("Q_aligned_teacher", "replica", "weight_layer", "the same, hidden neurons in the teacher's sign"),
        (
            "q_test_teacher",
            "replica",
            "neuron_layer",
            "overlap of answers to fresh inputs with the teacher's",
        ),
    )
}

TAUGHT = (
    "generalization_error", "q_teacher", "Q_teacher", "q_aligned_teacher", "Q_aligned_teacher",
    "q_test_teacher",
)  # fmt: skip
"""What there is only with a teacher."""

TESTED = ("generalization_error", "q_test", "q_test_teacher")
"""What there is only with fresh inputs."""

FRAMES = {"S": ("neuron_layer", "neuron", "pattern"), "J": ("weight_layer", "neuron", "input")}
"""A configuration; see :class:`simulate.systems.deep_perceptron.DeepPerceptron`."""

MATRICES = {"q_matrix": "neuron_layer", "Q_matrix": "weight_layer"}
