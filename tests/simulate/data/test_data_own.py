"""The user's own images: .npz files and IDX folders, good and bad."""

import io
import zipfile

import numpy as np
import pytest

from deepglass.errors import InvalidInput
from simulate.data import load

COUNT = 20
IMAGES = np.linspace(-1, 3, COUNT * 6).reshape(COUNT, 2, 3)
LABELS = np.arange(COUNT) % 3 - 1


def load_own(path, **options):
    return load(path, **{"patterns": 5, "seed": 0, "width": 5, "depth": 2, **options})


def save(path, **arrays):
    np.savez(path, **arrays)
    return path


def test_npz(tmp_path):
    path = save(tmp_path / "own.npz", images=IMAGES, labels=LABELS)
    data = load_own(path)
    assert data.name == str(path)
    assert data.classes == (-1, 0, 1)
    assert data.inputs.shape == (5, 6)
    assert data.outputs.shape == (5, 3)
    assert len(data.test_inputs) == COUNT - 5
    assert "pixel > 1 is +1 (halfway between -1 and 3)" in data.source
    assert data.threshold == 1
    other = load_own(str(path), classes=(1, -1), threshold=0)
    assert other.classes == (1, -1)
    assert other.threshold == 0


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.float16, np.float32, ">i4"])
def test_any_numbers(tmp_path, dtype):
    signs = np.random.default_rng(0).integers(0, 2, (COUNT, 6))
    path = save(tmp_path / "own.npz", images=signs.astype(dtype), labels=LABELS.astype(np.int16))
    data = load_own(path, patterns=COUNT)
    assert (data.inputs == 1).sum() == signs.sum()


def test_folder(tmp_path, write_pair):
    write_pair(tmp_path, "mine")
    data = load_own(tmp_path, patterns=3)
    assert data.name == str(tmp_path)
    assert data.classes == (0, 1)
    assert "mine-images-idx3-ubyte" in data.source
    assert "halfway between 0 and 5" in data.source


def test_folder_without_images(tmp_path):
    with pytest.raises(InvalidInput, match=f"{tmp_path} holds no IDX images; expected train-images-idx3"):
        load_own(tmp_path)


def test_missing_npz(tmp_path):
    with pytest.raises(InvalidInput, match=r"nothing\.npz does not exist"):
        load_own(tmp_path / "nothing.npz")
    with pytest.raises(InvalidInput, match=r"~no-such-user/nothing\.npz does not exist"):
        load_own("~no-such-user/nothing.npz")


def test_npz_that_is_a_folder(tmp_path):
    (tmp_path / "own.npz").mkdir()
    with pytest.raises(InvalidInput, match=r"own\.npz is a folder, not a file"):
        load_own(tmp_path / "own.npz")


BAD_ARRAYS = {
    "no labels": ({"images": IMAGES}, "lacks the array labels"),
    "no images": ({"labels": LABELS}, "lacks the array images"),
    "neither": ({"x": LABELS}, "lacks the array images and labels"),
    "fewer labels": ({"images": IMAGES, "labels": LABELS[1:]}, r"labels must have shape \(20,\)"),
    "label column": ({"images": IMAGES, "labels": LABELS[:, None]}, "labels must have shape"),
    "float labels": (
        {"images": IMAGES, "labels": LABELS.astype(float)},
        "labels must be integers, not float64",
    ),
    "bool labels": ({"images": IMAGES, "labels": LABELS > 0}, "labels must be integers, not bool"),
    "text labels": ({"images": IMAGES, "labels": LABELS.astype(str)}, "labels must be integers"),
    "object labels": (
        {"images": IMAGES, "labels": LABELS.astype(object)},
        "labels must be numbers, not objects",
    ),
    "object images": (
        {"images": IMAGES.astype(object), "labels": LABELS},
        "images must be numbers, not objects",
    ),
    "complex images": ({"images": IMAGES * 1j, "labels": LABELS}, "images must be numbers"),
    "text images": ({"images": IMAGES.astype(str), "labels": LABELS}, "images must be numbers"),
    "flat images": ({"images": np.arange(COUNT), "labels": LABELS}, r"images must have shape \(n, ...\)"),
    "single number": ({"images": np.float64(1), "labels": LABELS}, "images must have shape"),
    "no image": ({"images": IMAGES[:0], "labels": LABELS[:0]}, r"images of shape \(0, 2, 3\) hold no images"),
    "no pixel": (
        {"images": IMAGES[:, :0], "labels": LABELS},
        r"images of shape \(20, 0, 3\) hold no pixels",
    ),
    "NaN": ({"images": np.where(IMAGES > 2.9, np.nan, IMAGES), "labels": LABELS}, "NaN or infinity"),
    "infinity": ({"images": np.where(IMAGES > 2.9, np.inf, IMAGES), "labels": LABELS}, "NaN or infinity"),
    "constant": ({"images": np.ones((COUNT, 4)), "labels": LABELS}, "all pixels of .* equal"),
    "one label": ({"images": IMAGES, "labels": np.ones(COUNT, int)}, "one label only"),
    "many labels": ({"images": IMAGES, "labels": np.arange(COUNT)}, "20 different labels.*--classes"),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_bad_arrays(tmp_path, case):
    arrays, message = BAD_ARRAYS[case]
    path = save(tmp_path / "own.npz", **arrays)
    with pytest.raises(InvalidInput, match=message) as caught:
        load_own(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def archive(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, content in members.items():
            target.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def good() -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, images=IMAGES, labels=LABELS)
    return buffer.getvalue()


def single_array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, IMAGES)
    return buffer.getvalue()


BAD_FILES = {
    "nothing in it": (b"", "is not an .npz archive$"),
    "text": (b"images and labels", "is not an .npz archive$"),
    "cut": (good()[:-40], "is a damaged .npz archive"),
    "flipped bytes": (good()[:200] + b"\xff" * 50 + good()[250:], "images cannot be read"),
    "not arrays": (archive(images=b"hello", labels=b"hello"), "images must be numbers, not [|]S5"),
    "header cut": (archive(images=single_array()[:20], labels=b""), "images cannot be read"),
    "single array": (single_array(), "is a single array, not an .npz archive"),
    "single array cut": (single_array()[:-1], "is not an .npz archive$"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_corrupt_file(tmp_path, case):
    path = tmp_path / "own.npz"
    content, message = BAD_FILES[case]
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=message) as caught:
        load_own(path)
    assert str(path) in str(caught.value)
    assert "pickle" not in str(caught.value)
    assert "\n" not in str(caught.value)
