"""Data without some of their structure: what is replaced, what stays, and what a seed means."""

import json
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from deepglass.errors import InvalidInput
from simulate import Protocol, run
from simulate.data import load
from simulate.data.images import Pool, dataset
from simulate.data.nulls import OWN, Null, Teacher
from simulate.data.streams import Stream, generator

KINDS = {
    "shuffled": {"labels": "shuffled"},
    "teacher": {"labels": "teacher"},
    "random images": {"images": "random"},
    "random images, shuffled": {"images": "random", "labels": "shuffled"},
    "random images, teacher": {"images": "random", "labels": "teacher"},
}
FALSE_ALARM = 1e-6
"""Probability with which a right implementation would fail one statistical test, over seeds."""


def digits(patterns=200, seed=0, width=10, depth=4, **kind):
    return load("digits", patterns=patterns, seed=seed, width=width, depth=depth, **kind)


def noise(images=300, pixels=20, labels=2, seed=0):
    """A pool of fair signs as images 0 and 1, labelled in turn."""
    pictures = np.random.default_rng(seed).integers(0, 2, (images, pixels))
    return Pool("noise", pictures, np.arange(images) % labels, "test", 0, None)


BEFORE = "ea716c7ea38ba1e9eca6ede5a64f23a2ac540d7eb94f6cd700c0c7be316b839b"
"""SHA-256 of the digits, M = 200, seed 0, as of the commit (4192d30) before anything could be replaced."""


class TestOwn:
    def test_nothing_is_replaced_by_default(self):
        data, named = digits(), digits(images="own", labels="own")
        assert data.sha256 == named.sha256 == BEFORE
        assert data.source == named.source
        assert data.source.endswith("order by seed 0")

    def test_the_null_of_nothing_is_the_data(self):
        pool = noise()
        assert dataset(pool, 100, 0).sha256 == dataset(pool, 100, 0, null=OWN).sha256


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
class TestEvery:
    def test_shapes_and_one_hot_stay(self, kind):
        data, own = digits(**kind), digits()
        for name in ("inputs", "outputs", "test_inputs", "test_outputs"):
            array = getattr(data, name)
            assert array.shape == getattr(own, name).shape
            assert array.dtype == np.int8
            assert set(np.unique(array)) == {-1, 1}
        for outputs in (data.outputs, data.test_outputs):
            np.testing.assert_array_equal((outputs == 1).sum(axis=1), 1)
        assert (data.name, data.classes) == ("digits", (0, 1))

    def test_only_what_is_named_changes(self, kind):
        data, own = digits(**kind), digits()
        for name, part in (("images", ("inputs", "test_inputs")), ("labels", ("outputs", "test_outputs"))):
            changed = [(getattr(data, array) != getattr(own, array)).any() for array in part]
            assert changed == [name in kind] * 2

    def test_seed_decides(self, kind):
        first, again, other = digits(**kind), digits(**kind), digits(seed=1, **kind)
        assert first.sha256 == again.sha256
        assert len({first.sha256, other.sha256, digits().sha256}) == 3

    def test_test_set_is_the_same_for_any_number_of_patterns(self, kind):
        few, many = (load("digits", patterns=m, seed=0, width=5, depth=2, classes=range(10), **kind)
                     for m in (30, 1000))  # fmt: skip
        np.testing.assert_array_equal(few.test_inputs, many.test_inputs)
        np.testing.assert_array_equal(few.test_outputs, many.test_outputs)

    def test_more_patterns_keep_the_first(self, kind):
        few, many = digits(patterns=30, **kind), digits(patterns=300, **kind)
        np.testing.assert_array_equal(few.inputs, many.inputs[:30])
        if kind.get("labels") != "shuffled":  # a permutation of exactly M labels
            np.testing.assert_array_equal(few.outputs, many.outputs[:30])

    def test_source_says_what_was_done(self, kind):
        data = digits(**kind)
        assert ("images replaced by random +-1, seed 0" in data.source) == ("images" in kind)
        assert ("labels shuffled, seed 0" in data.source) == (kind.get("labels") == "shuffled")
        assert ("teacher of depth 4 and width 10" in data.source) == (kind.get("labels") == "teacher")
        assert ("pixel > 7" in data.source) == ("images" not in kind) == (data.threshold == 7)
        counts, test = ((x == 1).sum(axis=0) for x in (data.outputs, data.test_outputs))
        assert f"{counts[0]} + {counts[1]} in training, {test[0]} + {test[1]} in the test" in data.source

    @pytest.mark.parametrize("name", ["random", "teacher"])
    def test_sources_without_images_refuse(self, kind, name):
        what = " and ".join(kind)
        with pytest.raises(InvalidInput, match=f"{what} cannot be used with data = {name}"):
            load(name, patterns=5, seed=0, width=5, depth=2, **kind)

    def test_without_test_images(self, kind):
        data = digits(patterns=360, **kind)
        assert data.test_inputs.shape == (0, 64)
        assert data.test_outputs.shape == (0, 2)


def test_shuffling_keeps_the_counts_and_loses_the_digit():
    own, data = digits(patterns=300), digits(patterns=300, labels="shuffled")
    np.testing.assert_array_equal(data.outputs.sum(axis=0), own.outputs.sum(axis=0))
    np.testing.assert_array_equal(data.test_outputs.sum(axis=0), own.test_outputs.sum(axis=0))
    # A permuted sample of signs: Hoeffding's bound for sampling without replacement, up to the imbalance.
    agree = np.mean(own.outputs[:, 0] * data.outputs[:, 0], dtype=float)
    expected = np.mean(own.outputs[:, 0], dtype=float) ** 2
    assert abs(agree - expected) < 2 * math.sqrt(2 * math.log(2 / FALSE_ALARM) / 300)
    assert agree < 0.7


def test_training_and_test_labels_are_shuffled_apart():
    """How many training labels are drawn does not move the test labels, and the streams differ."""
    pool = noise(600)
    few, many = (dataset(pool, m, 0, null=Null(labels="shuffled")) for m in (100, 200))
    np.testing.assert_array_equal(few.test_outputs, many.test_outputs)
    pool = noise(800)  # 400 and 400
    own, data = dataset(pool, 400, 0), dataset(pool, 400, 0, null=Null(labels="shuffled"))
    for before, after, stream, other in (
        (own.outputs, data.outputs, Stream.LABELS, Stream.TEST_LABELS),
        (own.test_outputs, data.test_outputs, Stream.TEST_LABELS, Stream.LABELS),
    ):
        np.testing.assert_array_equal(after, before[generator(0, stream).permutation(400)])
        assert (after != before[generator(0, other).permutation(400)]).any()


def test_random_images_are_fair_and_know_nothing_of_the_labels():
    data = digits(patterns=360, images="random")
    count = data.inputs.size
    assert abs(data.inputs.mean(dtype=float)) < math.sqrt(2 * math.log(2 / FALSE_ALARM) / count)
    correlation = (data.inputs.astype(float) * data.outputs[:, :1]).mean(axis=0)
    assert np.abs(correlation).max() < math.sqrt(2 * math.log(2 * 64 / FALSE_ALARM) / 360)
    np.testing.assert_array_equal(data.outputs, digits(patterns=360).outputs)


def test_random_images_have_no_threshold():
    """One that is given, as by a preset, changes nothing."""
    data = digits(images="random", threshold=3.0)
    assert data.threshold is None
    assert data.sha256 == digits(images="random").sha256


@pytest.mark.parametrize("depth", [1, 2, 4])
@pytest.mark.parametrize("images", ["own", "random"])
def test_teacher_labels_neuron_by_neuron(images, depth):
    """Against the definition, written with loops; two classes: the sign of the difference beyond a cut."""
    pool = noise(300)
    data = dataset(pool, 200, 3, null=Null(images, "teacher", width=6, depth=depth))
    teacher = Teacher.draw(3, 20, 6, depth, 2)
    assert [J.shape for J in teacher.weights] == list(
        zip([*[6] * (depth - 1), 2], [20, *[6] * (depth - 1)], strict=True)
    )
    cut = 0.0
    if images == "own":
        values = sorted({_difference(teacher, row) for row in (2 * pool.images - 1).tolist()})
        everyone = [_difference(teacher, row) for row in (2 * pool.images - 1).tolist()]
        cuts = [(a + b) / 2 for a, b in pairwise(values)]
        cut = min(cuts, key=lambda c: abs(sum(x > c for x in everyone) - 150))
    for inputs, outputs in ((data.inputs, data.outputs), (data.test_inputs, data.test_outputs)):
        for pattern, label in zip(inputs[:40].tolist(), outputs[:40, 0].tolist(), strict=True):
            assert label == (1 if _difference(teacher, pattern) > cut else -1)


def _difference(teacher, pattern):
    """First output minus second, to a few digits less than double precision, so that equals are equal."""
    spins = pattern
    *hidden, last = (J.tolist() for J in teacher.weights)
    for layer in hidden:
        spins = [1 if sum(J * S for J, S in zip(row, spins, strict=True)) > 0 else -1 for row in layer]
    fields = [sum(J * S for J, S in zip(row, spins, strict=True)) for row in last]
    return round(fields[0] - fields[1], 9)


def test_teacher_is_the_first_of_its_stream():
    """Rows on the sphere, first layer first, from the stream that the seed names."""
    teacher = Teacher.draw(5, 20, 6, 3, 2)
    gaussian = generator(5, Stream.TEACHER).standard_normal(20 * 6)[:20]
    np.testing.assert_allclose(
        teacher.weights[0][0], gaussian * math.sqrt(20) / np.linalg.norm(gaussian), rtol=1e-12
    )
    for weights in teacher.weights:
        np.testing.assert_allclose((weights**2).sum(axis=1), weights.shape[1], rtol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_teacher_is_as_balanced_as_its_states_allow(seed):
    """One layer has as many outputs as images: the cut is the median, and the classes are equal."""
    pool = noise(301, seed=seed)
    data = dataset(pool, 301, seed, null=Null(labels="teacher", width=9, depth=1))
    assert sorted((data.outputs == 1).sum(axis=0).tolist()) == [150, 151]


def test_cut_is_the_most_even_there_is():
    """Images of three kinds in the ratio 2 : 3 : 5 can be parted 5 : 5 only between the second and third."""
    kinds = np.array([[1, 1, 1], [1, -1, 1], [-1, -1, 1]], dtype=np.int8)
    images = np.repeat(kinds, [20, 30, 50], axis=0)
    teacher = Teacher((np.array([[1.0, 0.5, 0.0], [0.0, 0.0, 0.0]]),))
    # relative to their mean the outputs are (x, -x), x = .75, .25, -.75; a plain argmax would part 5 : 5 too
    np.testing.assert_allclose(teacher.even_cuts(images), [-0.25, 0.25])
    lopsided = np.repeat(kinds, [60, 30, 10], axis=0)
    np.testing.assert_allclose(teacher.even_cuts(lopsided), [0.5, -0.5])
    assert np.bincount(teacher.targets(lopsided, teacher.even_cuts(lopsided))).tolist() == [60, 40]
    assert np.bincount(teacher.targets(lopsided, np.zeros(2))).tolist() == [90, 10]


def test_equal_images_get_equal_labels():
    """Many images on few states, which a cut that fell on a state would tear apart."""
    pool = Pool("few", np.random.default_rng(1).integers(0, 2, (500, 5)), np.arange(500) % 2, "t", 0, None)
    data = dataset(pool, 500, 0, null=Null(labels="teacher", width=4, depth=5))
    seen = {}
    for inputs, outputs in zip(data.inputs.tolist(), data.outputs.tolist(), strict=True):
        assert seen.setdefault(tuple(inputs), outputs) == outputs


def test_teacher_of_one_answer_is_refused():
    pool = Pool("one", np.tile([1, 0, 1], (50, 1)), np.arange(50) % 2, "test", 0, None)
    with pytest.raises(InvalidInput, match="gives all images one label; another seed or a larger width"):
        dataset(pool, 40, 0, null=Null(labels="teacher", width=2, depth=3))


def test_teacher_of_ten_classes():
    data = load("digits", patterns=1000, seed=0, width=30, depth=3, classes=range(10), labels="teacher")
    assert ((data.outputs == 1).sum(axis=0) > 0).all()


@pytest.mark.parametrize(("width", "depth"), [(10**6, 3), (10**8, 2), (10, 10**9)])
def test_teacher_too_large_for_the_memory(width, depth):
    with pytest.raises(InvalidInput, match=f"teacher of width = {width}, depth = {depth} would take"):
        digits(width=width, depth=depth, labels="teacher")


class TestProtocol:
    def test_travels_through_json(self):
        protocol = Protocol(images="random", labels="teacher")
        assert Protocol.from_json(protocol.to_json()) == protocol

    def test_a_protocol_of_before_has_own_data(self):
        old = json.loads(Protocol().to_json())
        del old["images"], old["labels"]
        assert Protocol.from_values(old) == Protocol()

    @pytest.mark.parametrize("wrong", [{"labels": "wrong"}, {"images": "teacher"}, {"labels": None}])
    def test_words(self, wrong):
        with pytest.raises(InvalidInput, match=f"{next(iter(wrong))} = .* must be one of own"):
            Protocol(**wrong)

    def test_run_is_on_the_data_it_names(self):
        small = Protocol(depth=3, width=4, patterns=20, steps=4, waiting_time=2, samples=1, replicas=2)
        found = run(replace(small, labels="shuffled"))
        wanted = load("digits", patterns=20, seed=0, width=4, depth=3, labels="shuffled")
        assert found.attrs["data_sha256"] == wanted.sha256 != run(small).attrs["data_sha256"]
        assert (found.attrs["images"], found.attrs["labels"]) == ("own", "shuffled")
        assert "labels shuffled" in found.attrs["data_source"]
