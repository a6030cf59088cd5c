"""Random and teacher patterns: reproducible row by row, fair, and labelled by the teacher."""

import math

import numpy as np
import pytest

from deepglass.errors import InvalidInput
from simulate.data import load
from simulate.data.synthetic import propagate, teacher_weights

ARRAYS = ("inputs", "outputs", "test_inputs", "test_outputs")
FALSE_ALARM = 1e-6
"""Probability with which a right implementation would fail one statistical test, over seeds."""


def source(name, patterns=50, seed=0, width=13, depth=3):
    return load(name, patterns=patterns, seed=seed, width=width, depth=depth)


def bound(count: int, tests: int = 1) -> float:
    """|mean of ``count`` fair signs| exceeds it ``tests`` times over with probability <= FALSE_ALARM.

    Hoeffding: P(|mean| > b) <= 2 exp(-count b^2 / 2), times the number of means looked at.
    """
    return math.sqrt(2 * math.log(2 * tests / FALSE_ALARM) / count)


@pytest.mark.parametrize("name", ["random", "teacher"])
class TestBoth:
    def test_shapes(self, name):
        data = source(name)
        assert [getattr(data, array).shape for array in ARRAYS] == [(50, 13), (50, 13), (400, 13), (400, 13)]
        for array in ARRAYS:
            assert getattr(data, array).dtype == np.int8
            assert set(np.unique(getattr(data, array))) == {-1, 1}
        assert data.name == name
        assert data.classes == ()
        assert data.threshold is None
        assert "13" in data.source

    def test_more_patterns_keep_the_first_and_the_test_set(self, name):
        few, many = source(name, patterns=7), source(name, patterns=1001)
        np.testing.assert_array_equal(many.inputs[:7], few.inputs)
        np.testing.assert_array_equal(many.outputs[:7], few.outputs)
        np.testing.assert_array_equal(many.test_inputs, few.test_inputs)
        np.testing.assert_array_equal(many.test_outputs, few.test_outputs)

    def test_seed_decides_every_array(self, name):
        first, again, other = source(name), source(name), source(name, seed=1)
        assert first.sha256 == again.sha256 != other.sha256
        for array in ARRAYS:
            assert (getattr(first, array) != getattr(other, array)).any()

    def test_test_patterns_are_fresh(self, name):
        data = source(name, patterns=400, width=40)
        overlap = np.mean(data.inputs * data.test_inputs, dtype=float)
        assert abs(overlap) < bound(400 * 40)

    def test_each_neuron_is_balanced(self, name):
        """Inputs are fair; a sign network is odd in its input, so the teacher's outputs are too."""
        data = source(name, patterns=5000)
        for array in (data.inputs, data.outputs):
            assert np.abs(array.mean(axis=0)).max() < bound(5000, tests=13)

    @pytest.mark.parametrize("option", [{"classes": (0, 1)}, {"threshold": 1.0}, {"data_dir": "."}])
    def test_image_options_are_refused(self, name, option):
        with pytest.raises(InvalidInput, match=f"{next(iter(option))} cannot be used with data = {name}"):
            load(name, patterns=5, seed=0, width=5, depth=2, **option)

    @pytest.mark.parametrize("huge", [{"patterns": 10**12}, {"patterns": 10**18}, {"width": 10**9}])
    def test_more_than_the_memory_holds(self, name, huge):
        with pytest.raises(InvalidInput, match=r"M = \d+, width = \d+.* would take \d+ bytes.* 16 GiB"):
            source(name, **huge)
        with pytest.raises(InvalidInput, match="M = 100000000000000000000 "):
            source(name, patterns=10**20)

    @pytest.mark.parametrize("wrong", [{"width": 0}, {"width": 2.0}, {"patterns": 0}, {"seed": -1}])
    def test_wrong_sizes(self, name, wrong):
        with pytest.raises(InvalidInput, match="must be an integer"):
            source(name, **wrong)


def test_random_outputs_are_independent_of_the_inputs():
    data = source("random", patterns=5000, width=10)
    correlation = data.inputs.astype(float).T @ data.outputs / 5000
    assert np.abs(correlation).max() < bound(5000, tests=100)


def test_random_patterns_are_independent_of_each_other():
    data = source("random", patterns=60, width=1000)
    overlaps = data.inputs.astype(float) @ data.inputs.T / 1000
    assert np.abs(overlaps[np.triu_indices(60, 1)]).max() < bound(1000, tests=60 * 59 // 2)


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_teacher_labels_neuron_by_neuron(depth):
    width = 6
    data = source("teacher", patterns=20, width=width, depth=depth)
    weights = teacher_weights(0, width, depth)
    for inputs, outputs in ((data.inputs, data.outputs), (data.test_inputs, data.test_outputs)):
        for pattern, label in zip(inputs[:20], outputs[:20], strict=True):
            spins = [int(spin) for spin in pattern]
            for layer in weights:
                fields = [sum(J * S for J, S in zip(row, spins, strict=True)) for row in layer]
                spins = [1 if field / math.sqrt(width) > 0 else -1 for field in fields]
            assert spins == label.tolist()


def test_teacher_rows_lie_on_the_sphere_and_differ():
    weights = teacher_weights(seed=0, width=50, depth=4)
    assert weights.shape == (4, 50, 50)
    np.testing.assert_allclose((weights**2).sum(axis=-1), 50, rtol=1e-12)
    rows = weights.reshape(200, 50)
    overlaps = (rows @ rows.T / 50)[np.triu_indices(200, 1)]
    # sqrt(50) times the overlap of two random directions is sub-gaussian with unit variance.
    assert np.abs(overlaps).max() < bound(50, tests=200 * 199 // 2)
    np.testing.assert_array_equal(teacher_weights(0, 50, 2), weights[:2])


def test_teacher_is_odd():
    data = source("teacher")
    weights = teacher_weights(0, 13, 3)
    np.testing.assert_array_equal(propagate(weights, -data.inputs), -data.outputs)


def test_equal_inputs_get_equal_labels():
    data = source("teacher", patterns=500, width=4)
    labels = {}
    for inputs, outputs in zip(data.inputs.tolist(), data.outputs.tolist(), strict=True):
        assert labels.setdefault(tuple(inputs), outputs) == outputs
    assert len(labels) <= 16


def test_memory_limit_is_sharp(monkeypatch):
    """Random patterns are four int8 arrays: two of (M, width), two of (400, width)."""
    monkeypatch.setattr("simulate.data.synthetic.LIMIT_GIB", 2 * (50 + 400) * 13 / 2**30)
    assert len(source("random", patterns=50).inputs) == 50
    with pytest.raises(InvalidInput, match="would take 11726 bytes"):
        source("random", patterns=51)


@pytest.mark.parametrize("huge", [{"width": 10**6}, {"depth": 10**9}])
def test_teacher_too_large_for_the_memory(huge):
    with pytest.raises(InvalidInput, match="would take"):
        source("teacher", **huge)


def test_teacher_has_a_depth():
    with pytest.raises(InvalidInput, match="depth = 0 must be an integer >= 1"):
        source("teacher", depth=0)
