"""What a machine has learnt by heart, read off the configurations that its run kept."""

from dataclasses import replace

import numpy as np
import pytest

from deepglass.errors import InvalidInput
from simulate import Protocol, run
from simulate.data import load
from simulate.perceptron.protocol import PerceptronProtocol
from simulate.thermal.training_accuracy import training_accuracy

PROTOCOL = Protocol(
    depth=3, width=5, patterns=60, steps=200, waiting_time=50, samples=2, replicas=2, frames_per_decade=1
)


@pytest.fixture(scope="module")
def measured():
    return run(PROTOCOL)


def by_hand(row, inputs, outputs):
    """Share of right answers of the network y_l = tanh(J_l y_{l-1}) with the weights of a flat row."""
    weights, y = row[2 * 5 * 60 :], inputs.T.astype(float)
    for shape in ((5, 64), (5, 5), (2, 5)):
        layer, weights = np.split(weights, [shape[0] * shape[1]])
        y = np.tanh(layer.reshape(shape) @ y)
    assert not weights.size
    return float((y.argmax(0) == outputs.argmax(1)).mean())


def test_it_is_that_of_the_tanh_network_on_what_it_was_trained_on(measured):
    data = load("digits", patterns=60, seed=0, width=5, depth=3)
    found = training_accuracy(measured)
    assert found.dims == ("t", "sample", "replica")
    assert found["t"].values.tolist() == [50, 51, 60, 150, 200]  # t_w, one frame a decade, the end
    for s in range(2):
        split = measured.state_split.values[0, s]
        assert found.sel(t=50)[s].values.tolist() == [by_hand(split, data.inputs, data.outputs)] * 2
        for a in range(2):
            last = measured.state_r.values[0, s, a]
            assert found.sel(t=200)[s, a] == by_hand(last, data.inputs, data.outputs)
            # The hand is right: on the test patterns it finds what the run has measured.
            tested = by_hand(last, data.test_inputs, data.test_outputs)
            assert measured.A_tanh.sel(t=200)[0, s, a] == pytest.approx(tested, abs=1e-12)
    assert found.attrs["most_frequent"] == pytest.approx(
        max(data.outputs[:, 0].sum(), -data.outputs[:, 0].sum()) / 120 + 0.5
    )


def test_what_was_not_kept_is_not_known():
    found = training_accuracy(run(replace(PROTOCOL, frames_per_decade=0, keep_state=False)))
    assert found.sizes == {"t": 0, "sample": 2, "replica": 2}


def test_other_data_and_other_systems_are_refused(measured):
    with pytest.raises(InvalidInput, match="their hash is another"):
        training_accuracy(measured.assign_attrs(data_sha256="0"))
    other = run(PerceptronProtocol(depth=1, width=8, patterns=8, steps=2, samples=1))
    with pytest.raises(InvalidInput, match="not of system 'deep-perceptron'"):
        training_accuracy(other)
