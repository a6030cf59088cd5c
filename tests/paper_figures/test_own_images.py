"""Images as people have them: what is understood, what is refused in one line that says what to do."""

import shlex
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from deepglass import schema
from deepglass.cli import main
from deepglass.errors import InvalidInput
from paper_figures import demo
from paper_figures.cli import app
from paper_figures.own_images import prepare

N = 70
RANDOM = np.random.default_rng(0)
LABELS = np.arange(N) % 2
IMAGES = (RANDOM.random((N, 6, 5)) < 0.3 + 0.4 * LABELS[:, None, None]).astype(np.uint8) * 200
WORDS = np.where(LABELS == 1, "dog", "cat")
COLOUR = np.stack([IMAGES, IMAGES // 2, IMAGES // 4], axis=-1)
GREY = 0.299 * COLOUR[..., 0] + 0.587 * COLOUR[..., 1] + 0.114 * COLOUR[..., 2]
WITH_NAN = np.where(np.arange(5) == 3, np.nan, IMAGES)


def blown_up(times):
    """Images of 4 x 4 pixels, each made a square of ``times`` pixels."""
    return np.kron(IMAGES[:, :4, :4], np.ones((1, times, times)))


def stored(folder, images=IMAGES, labels=LABELS):
    np.savez(folder / "mine.npz", images=images, labels=labels)
    return folder / "mine.npz"


@pytest.mark.parametrize(
    ("images", "labels", "expected", "classes"),
    [
        (IMAGES, LABELS, IMAGES, ("0", "1")),
        (IMAGES / 200, LABELS + 0.0, IMAGES / 200, ("0", "1")),
        (IMAGES > 0, LABELS == 1, IMAGES > 0, ("False", "True")),
        (IMAGES[..., None], LABELS[:, None], IMAGES, ("0", "1")),
        (COLOUR, WORDS, GREY, ("cat", "dog")),
        (np.moveaxis(COLOUR, -1, 1), WORDS.astype("S"), GREY, ("cat", "dog")),
        (np.concatenate([COLOUR, COLOUR[..., :1]], -1), 3 + 7 * LABELS, GREY, ("3", "10")),
        (IMAGES.reshape(N, 30), LABELS, IMAGES.reshape(N, 30), ("0", "1")),
        (IMAGES[:, :5].reshape(N, 25), LABELS, IMAGES[:, :5], ("0", "1")),
        (blown_up(14), LABELS, blown_up(7), ("0", "1")),
    ],
)  # fmt: skip
def test_what_is_understood(tmp_path, images, labels, expected, classes):
    found = prepare(stored(tmp_path, images, labels))
    assert found.classes == classes
    np.testing.assert_array_equal(found.labels, LABELS)
    np.testing.assert_allclose(found.images, expected, rtol=1e-6)
    assert ("images of 56 x 56 pixels were shrunk to 28 x 28" in found.notes) == (images.shape[1] == 56)


@pytest.mark.parametrize(
    ("images", "labels", "problem"),
    [
        (WITH_NAN, LABELS, "images hold NaN or infinity"),
        (IMAGES, WORDS.astype(object), r"labels must be numbers, not objects \(labels.astype\(int\), or"),
        (IMAGES, np.eye(2)[LABELS], r"not \(70, 2\); of one-hot rows take labels.argmax\(1\)"),
        (IMAGES, LABELS + 0.5, "labels must be whole numbers or words, not fractions"),
        (IMAGES, LABELS[:-1], r"images of shape \(70, 6, 5\), but 69 labels"),
        (np.moveaxis(IMAGES, 0, -1), LABELS, r"the first axis must count them \(np.moveaxis"),
        (COLOUR[:, None], LABELS, r"are none: \(n, rows, columns\), grey"),
        (IMAGES, np.arange(N) % 7, r"hold 7 classes \(0, 1, 2, 3, 4, 5, 6\); choose two: --classes 0,1"),
        (IMAGES, np.zeros(N, int), r"hold one class only \(0\); two are needed"),
        (IMAGES, (np.arange(N) < 20) * 1, "hold 20 images of class 1; at least 30 of each are needed"),
        (0 * IMAGES, LABELS, "makes all pixels of .* equal; they lie between 0 and 0"),
        (np.zeros((N, 4000)), LABELS, "images of 4000 pixels are too large, and rows of pixels cannot be"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path, images, labels, problem):
    with pytest.raises(InvalidInput, match=problem) as caught:
        prepare(stored(tmp_path, images, labels))
    assert "\n" not in str(caught.value)


def test_classes_are_chosen_in_the_order_they_are_named(tmp_path):
    labels = np.arange(N) // 35 + 4  # 4, 5
    labels[:3] = 9
    path = stored(tmp_path, labels=labels)
    found = prepare(path, ("5", "4"))
    np.testing.assert_array_equal(found.labels, labels[3:] == 4)
    assert "classes: 0 = 5 (35 images), 1 = 4 (32 images)" in found.notes
    for classes, problem in ((("5", "8"), "hold no class 8; there are 4, 5, 9"), (("4", "4"), "different")):
        with pytest.raises(InvalidInput, match=problem):
            prepare(path, classes)


def test_the_threshold(tmp_path):
    assert prepare(stored(tmp_path)).threshold == 100
    assert prepare(stored(tmp_path), threshold=7.0).threshold == 7
    # One glaring pixel: half-way, all others would be dark.
    images = IMAGES.astype(float) + RANDOM.random(IMAGES.shape)
    images[0, 0, 0] = 1e6
    found = prepare(stored(tmp_path, images))
    assert found.threshold == pytest.approx(np.median(images), rel=1e-6)
    assert any("median" in line and "50% are +1" in line for line in found.notes)
    with pytest.raises(InvalidInput, match="threshold = 300 makes all pixels"):
        prepare(stored(tmp_path), threshold=300.0)


def pictures(folder, images, ending="png"):
    for k, (image, word) in enumerate(zip(images, WORDS, strict=True)):
        (folder / word).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / word / f"{k:03d}.{ending}")
    return folder


def test_a_folder_of_pictures_for_each_class(tmp_path):
    for mode, images, expected in (
        ("L", IMAGES, IMAGES),
        ("RGB", COLOUR, GREY),
        ("16 bit", IMAGES.astype(np.uint16) * 300, IMAGES * 300.0),
    ):
        folder = pictures(tmp_path / mode, images)
        (folder / "notes.txt").write_text("no picture")
        (folder / ".cache").mkdir()
        found = prepare(folder)
        order = np.argsort(WORDS, kind="stable")
        np.testing.assert_allclose(found.images, expected[order], atol=0.51)  # 8 bits
        assert found.classes == ("cat", "dog")
        np.testing.assert_array_equal(found.labels, LABELS[order])
        assert ("colour was turned to grey" in found.notes) is (mode == "RGB")
        assert "transparent parts were made white" not in found.notes


def test_pictures_of_all_sizes_and_transparent_ones(tmp_path):
    folder = pictures(tmp_path / "sizes", IMAGES)
    see_through = np.zeros((60, 90, 4), np.uint8)  # black, seen on white
    Image.fromarray(see_through).save(folder / "cat" / "000.png")
    found = prepare(folder)
    assert found.images.shape == (N, 28, 28)
    assert (found.images[0] == 255).all()
    assert "pictures of 2 sizes were made 28 x 28" in found.notes
    assert "transparent parts were made white" in found.notes


def test_of_very_many_pictures_some_of_the_whole_are_taken(tmp_path, monkeypatch):
    monkeypatch.setattr("paper_figures.pictures.MOST", 30)
    folder = pictures(tmp_path, IMAGES)
    for k in range(100, 125):  # 60 dogs, every second is taken; 35 cats
        Image.fromarray(IMAGES[1]).save(folder / "dog" / f"{k}.png")
    Image.fromarray(0 * IMAGES[1]).save(folder / "dog" / "122.png")
    Image.fromarray(0 * IMAGES[1] + 255).save(folder / "dog" / "123.png")
    found = prepare(folder)
    assert "30 of the 60 pictures of dog were taken, evenly over their names" in found.notes
    assert "30 of the 35 pictures of cat were taken, evenly over their names" in found.notes
    dogs = found.images[found.labels == 1]
    np.testing.assert_allclose(dogs[:17], IMAGES[1:67:4], atol=0.51)
    # Dogs 0 to 34 are the files 001, 003, ..., 069; dog 57, odd and left out, is 122, dog 58 is 123.
    assert (dogs[29] == 255).all()
    assert not (dogs == 0).all(axis=(1, 2)).any()


def test_pictures_of_other_classes_are_not_opened(tmp_path):
    folder = pictures(tmp_path, IMAGES)
    (folder / "ant").mkdir()
    (folder / "ant" / "0.png").write_bytes(b"nothing")
    assert prepare(folder, "dog,cat").classes == ("dog", "cat")
    with pytest.raises(InvalidInput, match="hold 3 classes"):
        prepare(folder)


def test_the_size_that_a_photograph_had(tmp_path):
    folder = pictures(tmp_path, np.kron(IMAGES[:, :4, :4], np.ones((1, 125, 75), np.uint8)))
    found = prepare(folder)
    assert found.images.shape == (N, 28, 17)
    assert "images of 500 x 300 pixels were shrunk to 28 x 17" in found.notes


def test_a_class_whose_name_has_a_comma(tmp_path):
    labels = np.array(["Cat, fluffy", "Cat", "dog"])[np.arange(N) % 2 * 2]
    labels[0] = "Cat"
    path = stored(tmp_path, labels=labels)
    assert prepare(path, "Cat, fluffy,dog").classes == ("Cat, fluffy", "dog")
    assert prepare(path, "dog , Cat,fluffy").classes == ("dog", "Cat, fluffy")
    with pytest.raises(InvalidInput, match="hold no class fluffy"):
        prepare(path, "dog,fluffy,Cat")
    with pytest.raises(InvalidInput, match="choose two: --classes 'Cat,Cat, fluffy'") as caught:
        prepare(path)
    words = shlex.split(str(caught.value).rpartition("--classes ")[2])
    with pytest.raises(InvalidInput, match="hold 1 images of class Cat;"):  # both are understood
        prepare(path, *words)


def test_data_that_name_nothing():
    with pytest.raises(InvalidInput, match="data = '' names nothing"):
        prepare("")


def test_folders_that_are_none(tmp_path):
    with pytest.raises(InvalidInput, match="expected a folder of pictures for each class"):
        prepare(tmp_path)
    folder = pictures(tmp_path / "a", IMAGES)
    (folder / "cat" / "000.png").write_bytes(b"nothing")
    with pytest.raises(InvalidInput, match=r"picture .*cat/000.png cannot be read"):
        prepare(folder)
    (tmp_path / "x.csv").write_text("1,2")
    with pytest.raises(InvalidInput, match=r"neither a folder nor an .npz file; from Python: numpy.savez"):
        prepare(tmp_path / "x.csv")
    with pytest.raises(InvalidInput, match="does not exist"):
        prepare(tmp_path / "none.npz")
    archive = stored(tmp_path)
    with pytest.raises(InvalidInput, match=f"does not exist; did you mean .*{archive.name}"):
        prepare(archive.with_suffix(""))


@pytest.mark.parametrize(
    ("places", "said"),
    [
        (("1.png", "2.png"), "holds 2 pictures but no folders of them"),
        (
            ("cat/a/1.png", "dog/a/1.png"),
            r"two folders deep; move those of .*cat/a up into .*cat, or expected",
        ),
        (("train/cat/1.png", "train/dog/1.png"), r"two folders deep; name .*train, or expected a folder of"),
        (("notes.txt",), "holds no images; expected a folder of pictures for each class"),
    ],
)
def test_what_a_folder_holds_instead(tmp_path, places, said):
    for place in places:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_bytes(b"")
    with pytest.raises(InvalidInput, match=said):
        prepare(tmp_path)


def test_the_number_of_patterns_that_is_chosen(tmp_path, monkeypatch):
    """Without --patterns a multiple of the width, also where the images are many."""
    chosen = []
    monkeypatch.setattr(demo, "make", lambda folder, protocol, *_: chosen.append(protocol.patterns))
    few = str(stored(tmp_path))
    (tmp_path / "many").mkdir()
    many = str(stored(tmp_path / "many", np.tile(IMAGES, (5, 1, 1)), np.tile(LABELS, 5)))
    for k, (path, width) in enumerate(((few, 8), (few, 52), (many, 8), (many, 9), (many, 100))):
        demo.on_own_images(tmp_path / str(k), path, protocol=replace(demo.PROTOCOL, width=width))
    assert chosen == [48, 52, 240, 234, 200]
    too_wide = replace(demo.PROTOCOL, width=53)
    problem = "width = 53 is more than the 52 images that are learnt of the 70 of .*; take a width up to 52"
    with pytest.raises(InvalidInput, match=problem):
        demo.on_own_images(tmp_path / "none", few, protocol=too_wide)
    demo.on_own_images(tmp_path / "given", few, protocol=too_wide, patterns=50)
    assert chosen[-1] == 50


SMALL = replace(
    demo.PROTOCOL, depth=3, width=4, steps=60, waiting_time=20, samples=2, replicas=2, matrix_times=(40,)
)


def test_from_own_images_to_the_report(tmp_path):
    folder = pictures(tmp_path / "pets", IMAGES)
    said = demo.on_own_images(tmp_path / "out", str(folder), protocol=SMALL)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {*demo.FILES.values(), demo.IMAGES}
    stored_run = schema.read(tmp_path / "out" / "run.nc", "run")
    # A quarter is left for the test, alpha is whole.
    assert (stored_run.attrs["patterns"], stored_run.attrs["test_patterns"]) == (52, 18)
    assert stored_run.attrs["threshold"] == 100
    text = (tmp_path / "out" / "report.html").read_text()
    assert "pets, cat or dog" in text
    assert "of the training images" in text
    assert "classes: 0 = cat (35 images), 1 = dog (35 images)" in said
    assert said.endswith("images.npz")
    with pytest.raises(InvalidInput, match="exists"):
        demo.on_own_images(tmp_path / "out", str(folder), protocol=SMALL)
    with pytest.raises(InvalidInput, match="patterns = 71 are more than the 70 images"):
        demo.on_own_images(tmp_path / "other", str(folder), protocol=SMALL, patterns=71)
    assert not (tmp_path / "other").exists()


def test_from_the_command_line(tmp_path, capsys, monkeypatch):
    given = {}
    monkeypatch.setattr(demo, "on_own_images", lambda *a: given.update(a=a) or "done")
    path = str(tmp_path / "x.npz")
    assert main(app, ["demo", "--data", path, "--classes", "cat, dog", "--width", "6", "--out", "o"]) == 0
    assert given["a"][1:4] == (path, "cat, dog", None)
    assert given["a"][4].width == 6
    assert main(app, ["demo", "--classes", "1,2"]) == 2
    assert "name them by --data" in capsys.readouterr().err
