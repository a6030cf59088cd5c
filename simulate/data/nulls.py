"""Data without some of its structure: images that are noise, labels that are shuffled or a teacher's.

What is replaced keeps its shape, so that a machine on such data compares with one on the data themselves.

* images ``random``: independent fair signs. Row mu is the same for any number of patterns.
* labels ``shuffled``: those of the source, permuted among the training patterns and among the test patterns.
  Every class keeps its count, and beyond it nothing can be learnt. The permutation is one of exactly M
  labels: row mu depends on M.
* labels ``teacher``: the answers of a network of random weights with the machine's depth and width,
  S_l = sgn(J_l S_{l-1}), each row of J_l uniform on the sphere |J|^2 = fan-in, and as many linear outputs as
  there are classes; the largest wins. Row mu is the same for any number of patterns.

A sign network sends images that are much alike to few states, perhaps most of them to one class. So each
output, relative to the mean of the outputs, is measured from the cut between two of its values that parts all
images of the source most evenly: at its median, as nearly as its values allow. With two classes that is the
most even threshold on the difference of the two outputs. For random images the cut is 0: a sign network is
odd, and an image is as probable as its negative.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepglass.checks import integer
from deepglass.errors import InvalidInput
from simulate.data.dataset import Signs
from simulate.data.streams import Stream, generator
from simulate.data.synthetic import propagate, require_memory, signs, spherical

IMAGES = ("own", "random")
LABELS = ("own", "shuffled", "teacher")

Targets = NDArray[np.intp]
Part = tuple[Signs, Targets]
"""Images (n, N_0), and for each the position of its label among the classes."""


@dataclass(frozen=True)
class Null:
    """What of the data is replaced.

    Attributes:
        images: one of :data:`IMAGES`.
        labels: one of :data:`LABELS`; ``own`` labels of random images are those of the images replaced.
        width, depth: of the teacher.
    """

    images: str = "own"
    labels: str = "own"
    width: int = 1
    depth: int = 1

    def replace(
        self, training: Part, test: Part, pool: Signs, classes: int, seed: int
    ) -> tuple[Part, Part, str]:
        """Training and test patterns with what is replaced, and what was done, in words.

        ``pool`` is all images of the source, of which training and test are some. Raises InvalidInput for a
        teacher that knows one class only.
        """
        (inputs, targets), (test_inputs, test_targets) = training, test
        said = []
        if self.images == "random":
            inputs = signs(seed, Stream.INPUTS, *inputs.shape)
            test_inputs = signs(seed, Stream.TEST_INPUTS, *test_inputs.shape)
            said.append(f"images replaced by random +-1, seed {seed}")
        if self.labels == "shuffled":
            targets = generator(seed, Stream.LABELS).permutation(targets)
            test_targets = generator(seed, Stream.TEST_LABELS).permutation(test_targets)
            said.append(f"labels shuffled, seed {seed}")
        if self.labels == "teacher":
            teacher, centres, words = self._teacher(pool, classes, seed)
            targets, test_targets = (teacher.targets(x, centres) for x in (inputs, test_inputs))
            if len(np.unique(np.concatenate([targets, test_targets]))) == 1:
                raise InvalidInput(
                    f"labels = teacher: that of seed {seed}, depth {self.depth}, width {self.width} gives all"
                    " images one label; another seed or a larger width"
                )
            said.append(words)
        if said:
            counts = (_counts(x, classes) for x in (targets, test_targets))
            said.append("patterns of each class: {} in training, {} in the test".format(*counts))
        return (inputs, targets), (test_inputs, test_targets), ", ".join(said)

    def _teacher(self, pool: Signs, classes: int, seed: int) -> tuple["Teacher", NDArray[np.float64], str]:
        """The teacher of a seed, where its outputs are measured from, and both in words."""
        width, depth = integer("width", self.width, 1), integer("depth", self.depth, 1)
        images, pixels = pool.shape
        numbers = width * (pixels + depth * width + classes + images)
        require_memory(2 * 8 * numbers, f"a teacher of width = {width}, depth = {depth}")
        teacher = Teacher.draw(seed, pixels, width, depth, classes)
        if self.images == "random":
            centres, cut = np.zeros(classes), "0"
        else:
            centres, cut = teacher.even_cuts(pool), "its most even cut over all images"
        return (
            teacher,
            centres,
            (
                f"labels of a random teacher of depth {depth} and width {width}, seed {seed},"
                f" the largest output wins, each measured from {cut}"
            ),
        )


OWN = Null()
"""Nothing."""


def _counts(targets: Targets, classes: int) -> str:
    return " + ".join(map(str, np.bincount(targets, minlength=classes)))


@dataclass(frozen=True, eq=False)
class Teacher:
    """A random network whose hidden units are signs; its weights, from the first layer on."""

    weights: tuple[NDArray[np.float64], ...]

    @classmethod
    def draw(cls, seed: int, inputs: int, width: int, depth: int, outputs: int) -> "Teacher":
        """The teacher of a seed: ``depth`` layers of weights, hidden layers of ``width`` neurons."""
        sizes = [inputs, *[width] * (depth - 1), outputs]
        stream = generator(seed, Stream.TEACHER)
        return cls(tuple(spherical(stream, *shape) for shape in zip(sizes[1:], sizes[:-1], strict=True)))

    def outputs(self, images: Signs) -> NDArray[np.float64]:
        """The linear outputs relative to their mean, (n, classes)."""
        hidden = propagate(self.weights[:-1], images)
        # Equal hidden states must give equal outputs to the last bit, or they could fall on both sides of a
        # cut: summed row by row, which a matrix product does not promise.
        fields = np.stack([(hidden * row).sum(axis=1) for row in self.weights[-1]], axis=1)
        return np.asarray(fields - fields.mean(axis=1, keepdims=True))

    def even_cuts(self, images: Signs) -> NDArray[np.float64]:
        """For each output the midpoint of two neighbouring values that parts ``images`` most evenly."""
        return np.array([_even_cut(values) for values in self.outputs(images).T])

    def targets(self, images: Signs, centres: NDArray[np.float64]) -> Targets:
        """The class of each image: its largest output, each measured from its centre."""
        return np.asarray(np.argmax(self.outputs(images) - centres, axis=1))


def _even_cut(values: NDArray[np.float64]) -> float:
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) == 1:
        return float(distinct[0])
    below = np.cumsum(counts)[:-1]
    k = int(np.argmin(np.abs(2 * below - len(values))))
    return float((distinct[k] + distinct[k + 1]) / 2)
