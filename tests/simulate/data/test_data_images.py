"""Selection, split, binarisation and one-hot, on a pool in which every image is recognisable."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepglass.errors import InvalidInput
from simulate.data.images import Pool, dataset, one_hot

BITS = 12


def numbered_pool(count: int, labels: int = 2, **options) -> Pool:
    """Image k shows the binary digits of k, black 0 and white 10; its label is k modulo ``labels``."""
    numbers = np.arange(count)
    images = (numbers[:, None] >> np.arange(BITS) & 1) * 10
    return Pool("numbered", images, numbers % labels, "test", **{"threshold": 5.0, **options})


def numbers(inputs: np.ndarray) -> list[int]:
    return ((inputs > 0) @ (1 << np.arange(BITS))).tolist()


@given(st.integers(2, 1000), st.data())
def test_split_is_disjoint_complete_and_labelled(count, draw):
    patterns = draw.draw(st.integers(1, count))
    data = dataset(numbered_pool(count), patterns, seed=3)
    training, test = numbers(data.inputs), numbers(data.test_inputs)
    assert len(training) == patterns
    assert len(test) == min(400, count - patterns)
    assert len({*training, *test}) == len(training) + len(test)
    assert data.outputs.argmax(axis=1).tolist() == [k % 2 for k in training]
    assert data.test_outputs.argmax(axis=1).tolist() == [k % 2 for k in test]


def test_more_patterns_keep_the_training_and_the_test_set():
    few, many = (dataset(numbered_pool(1000), patterns, seed=5) for patterns in (10, 600))
    assert numbers(many.inputs)[:10] == numbers(few.inputs)
    assert numbers(many.test_inputs) == numbers(few.test_inputs)
    crowded = dataset(numbered_pool(1000), 900, seed=5)
    assert numbers(crowded.test_inputs) == numbers(few.test_inputs)[-100:]


def test_seed_decides_and_nothing_else():
    first, again, other = (dataset(numbered_pool(1000), 50, seed) for seed in (1, 1, 2))
    assert first.sha256 == again.sha256 != other.sha256
    assert numbers(first.inputs) == numbers(again.inputs) != numbers(other.inputs)
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    dataset(numbered_pool(1000), 50, 1)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_the_order_of_a_seed_is_pinned():
    """A change here changes every published seed."""
    assert numbers(dataset(numbered_pool(1000), 5, seed=0).inputs) == [199, 617, 451, 901, 486]


def test_whole_pool_leaves_no_test_set():
    data = dataset(numbered_pool(30), 30, seed=0)
    assert data.test_inputs.shape == (0, BITS)
    assert data.test_outputs.shape == (0, 2)
    assert data.test_inputs.dtype == data.test_outputs.dtype == np.int8
    assert "no test images left" in data.source
    assert "no test images left" not in dataset(numbered_pool(30), 29, seed=0).source


def test_more_patterns_than_images():
    with pytest.raises(InvalidInput, match=r"M = 31 exceeds.* 30 images of the classes 0, 1"):
        dataset(numbered_pool(30), 31, seed=0)


def test_arrays_are_signs_and_hashed():
    data = dataset(numbered_pool(1000, labels=3), 100, seed=0, classes=(0, 1, 2))
    arrays = (data.inputs, data.outputs, data.test_inputs, data.test_outputs)
    digest = hashlib.sha256()
    for array in arrays:
        assert array.dtype == np.int8
        assert set(np.unique(array)) == {-1, 1}
        digest.update(repr(array.shape).encode() + array.tobytes())
    assert data.sha256 == digest.hexdigest()


def test_one_hot():
    np.testing.assert_array_equal(one_hot(np.array([2, 0]), 3), [[-1, -1, 1], [1, -1, -1]])


def test_classes_keep_their_order_and_drop_the_rest():
    data = dataset(numbered_pool(100, labels=5), 40, seed=0, classes=(4, 1))
    assert data.classes == (4, 1)
    assert [data.classes[k] for k in data.outputs.argmax(axis=1)] == [k % 5 for k in numbers(data.inputs)]
    assert {k % 5 for k in numbers(data.inputs)} == {1, 4}


def test_labels_need_not_be_small_or_signed_the_same():
    labels = np.where(np.arange(20) % 2, np.uint64(2**64 - 1), np.uint64(3))
    pool = Pool("wide", numbered_pool(20).images, labels, "test", 5.0, classes=None)
    assert dataset(pool, 5, seed=0).classes == (3, 2**64 - 1)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ((0,), "two or more"),
        ((), "two or more"),
        ((1, 1), "two or more different"),
        ((0, 7), "no image of class 7; its labels are 0, 1, 2"),
        ((0, 1.5), "integer labels"),
        ((True, 0), "integer labels"),
        ("01", "integer labels"),
    ],
)
def test_impossible_classes(classes, message):
    with pytest.raises(InvalidInput, match=message):
        dataset(numbered_pool(30, labels=3), 5, seed=0, classes=classes)


def test_all_labels_by_default_where_the_source_says_so():
    assert dataset(numbered_pool(100, labels=10, classes=None), 5, seed=0).classes == tuple(range(10))
    with pytest.raises(InvalidInput, match=r"11 different labels.*--classes"):
        dataset(numbered_pool(100, labels=11, classes=None), 5, seed=0)
    assert dataset(numbered_pool(100, labels=11, classes=None), 5, seed=0, classes=(0, 10)).classes == (0, 10)
    with pytest.raises(InvalidInput, match="one label only"):
        dataset(numbered_pool(100, labels=1, classes=None), 5, seed=0)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64])
def test_a_pixel_is_up_only_above_the_threshold(dtype):
    images = np.array([[0, 4, 5, 6, 10]] * 4, dtype=dtype)
    pool = Pool("gray", images, np.arange(4) % 2, "test", threshold=5)
    np.testing.assert_array_equal(dataset(pool, 1, seed=0).inputs, [[-1, -1, -1, 1, 1]])
    np.testing.assert_array_equal(dataset(pool, 1, seed=0, threshold=4.5).inputs, [[-1, -1, 1, 1, 1]])


def test_threshold_halfway_is_that_of_the_whole_pool():
    images = np.array([[0.0, 0.3]] * 4 + [[0.2, 1.0]] * 2)  # the class left out sets the maximum
    pool = Pool("own", images, np.array([0, 1, 0, 1, 2, 2]), "test", threshold=None)
    with pytest.raises(InvalidInput, match=r"halfway between 0 and 1.*all pixels of own equal"):
        dataset(pool, 1, seed=0)
    data = dataset(pool, 1, seed=0, classes=(0, 1, 2))
    assert "pixel > 0.5 is +1 (halfway between 0 and 1)" in data.source
    assert data.threshold == 0.5


def test_threshold_used_is_reported_and_not_hashed():
    default, equivalent = (dataset(numbered_pool(30), 5, seed=0, threshold=level) for level in (None, 6))
    assert (default.threshold, equivalent.threshold) == (5.0, 6.0)
    assert default.sha256 == equivalent.sha256


@pytest.mark.parametrize("threshold", [float("nan"), float("inf"), "5", True])
def test_threshold_must_be_a_number(threshold):
    with pytest.raises(InvalidInput, match="threshold"):
        dataset(numbered_pool(30), 5, seed=0, threshold=threshold)


@pytest.mark.parametrize("threshold", [-1, 10, 1e300])
def test_threshold_must_tell_pixels_apart(threshold):
    with pytest.raises(InvalidInput, match="all pixels of numbered equal; they lie between 0 and 10"):
        dataset(numbered_pool(30), 5, seed=0, threshold=threshold)
