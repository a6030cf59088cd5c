"""The IDX reader against files written here, whole and damaged in every way."""

import gzip
import struct

import numpy as np
import pytest

from deepglass.errors import InvalidInput
from simulate.data import idx

IMAGES = np.arange(2 * 3 * 5, dtype=np.uint8).reshape(2, 3, 5)


def magic(code: int) -> bytes:
    return struct.pack(">I", code)


WHOLE = magic(0x803) + struct.pack(">III", 2, 3, 5) + IMAGES.tobytes()


@pytest.mark.parametrize("name", ["images", "images.gz"])
@pytest.mark.parametrize("array", [IMAGES, np.array([7, 0, 255], np.uint8)], ids=["images", "labels"])
def test_reads_what_was_written(tmp_path, write_idx, name, array):
    read = idx.read_idx(write_idx(tmp_path / name, array))
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, array)


def test_compression_is_told_by_content_not_by_name(tmp_path):
    path = tmp_path / "images"
    path.write_bytes(gzip.compress(WHOLE))
    np.testing.assert_array_equal(idx.read_idx(path), IMAGES)


DAMAGED = {
    "nothing in it": (b"", "not an IDX file"),
    "text": (b"<html>404</html>", "not an IDX file"),
    "signed bytes": (magic(0x903) + WHOLE[4:], "not an IDX file"),
    "float": (magic(0xD03) + WHOLE[4:], "not an IDX file"),
    "matrix": (magic(0x802) + WHOLE[4:], "not an IDX file"),
    "little-endian": (struct.pack("<I", 0x803) + WHOLE[4:], "not an IDX file"),
    "header cut": (WHOLE[:11], "truncated"),
    "content cut": (WHOLE[:-1], "truncated.* 30 bytes, it holds 29"),
    "absurd size": (magic(0x803) + struct.pack(">III", *[2**32 - 1] * 3) + b"abc", "truncated"),
    "no image": (magic(0x803) + struct.pack(">III", 0, 28, 28), r"holds no images: .*\(0, 28, 28\)"),
    "no pixel": (magic(0x803) + struct.pack(">III", 200, 0, 5), r"holds no pixels: .*\(200, 0, 5\)"),
    "no label": (magic(0x801) + struct.pack(">I", 0), "holds no labels"),
    "trailing byte": (WHOLE + b"\0", "trailing"),
    "gzip cut": (gzip.compress(WHOLE)[:-9], "its gzip is damaged"),
    "gzip wrong checksum": (gzip.compress(WHOLE)[:-8] + bytes(8), "its gzip is damaged"),
    "gzip with garbage inside": (gzip.compress(WHOLE)[:10] + b"\xff" * 20, "its gzip is damaged"),
    "gzip followed by garbage": (gzip.compress(WHOLE) + b"garbage", "its gzip is damaged"),
    "gzip of a cut file": (gzip.compress(WHOLE[:-1]), "truncated"),
    "gzip of a long file": (gzip.compress(WHOLE + b"\0"), "trailing"),
    "gzip of text": (gzip.compress(b"hello"), "not an IDX file"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_file_is_named_in_one_line(tmp_path, case):
    content, message = DAMAGED[case]
    path = tmp_path / "some-images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=message) as caught:
        idx.read_idx(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_flipped_bit_in_a_gzip_is_blamed_on_the_gzip(tmp_path):
    """Whatever the damage makes of the content: wrong magic number, too short, too long, other pixels."""
    path = tmp_path / "some-images-idx3-ubyte.gz"
    packed = gzip.compress(WHOLE, mtime=0)
    for position in range(10, len(packed)):  # after the header with file name and time
        damaged = bytearray(packed)
        damaged[position] ^= 1  # the lowest bit of a byte is never padding
        path.write_bytes(damaged)
        with pytest.raises(InvalidInput, match="its gzip is damaged"):
            idx.read_idx(path)


@pytest.mark.parametrize("name", ["missing", "."])
def test_no_such_file(tmp_path, name):
    with pytest.raises(InvalidInput, match="does not exist"):
        idx.read_idx(tmp_path / name)


def test_pairs_train_first_then_by_name(tmp_path, write_pair):
    for prefix in ("t10k", "extra", "train"):
        write_pair(tmp_path, prefix)
    assert [pair.images.name.split("-")[0] for pair in idx.find_pairs(tmp_path)] == ["train", "extra", "t10k"]


def test_pairs_under_dotted_names_and_mixed_compression(tmp_path, write_idx):
    write_idx(tmp_path / "train-images.idx3-ubyte.gz", IMAGES)
    write_idx(tmp_path / "train-labels.idx1-ubyte", np.array([3, 4]))
    images, labels = idx.read_pairs(idx.find_pairs(tmp_path))
    np.testing.assert_array_equal(images, IMAGES.reshape(2, 15))
    np.testing.assert_array_equal(labels, [3, 4])


def test_a_file_and_its_gz_are_one(tmp_path, write_pair):
    write_pair(tmp_path)
    write_pair(tmp_path, suffix=".gz")
    assert len(idx.find_pairs(tmp_path)) == 1


def test_only_visible_files_count(tmp_path, write_pair):
    write_pair(tmp_path, "._train")
    (tmp_path / "t10k-images-idx3-ubyte").mkdir()
    assert idx.find_pairs(tmp_path) == []


def test_images_without_labels(tmp_path, write_pair):
    write_pair(tmp_path, "train")
    _, labels = write_pair(tmp_path, "t10k")
    labels.unlink()
    with pytest.raises(InvalidInput, match=r"t10k-images-idx3-ubyte has no labels.*t10k-labels-idx1-ubyte"):
        idx.find_pairs(tmp_path)


def test_unreadable_folder(tmp_path):
    with pytest.raises(InvalidInput, match="cannot be read"):
        idx.find_pairs(tmp_path / "missing")


def test_count_mismatch(tmp_path, write_pair, write_idx):
    images, labels = write_pair(tmp_path)
    write_idx(labels, np.zeros(5))
    with pytest.raises(InvalidInput, match=f"{images} holds 6 images, but {labels} 5 labels"):
        idx.read_pairs(idx.find_pairs(tmp_path))


@pytest.mark.parametrize(
    ("which", "message"), [(0, "holds labels, not images"), (1, "holds images, not labels")]
)
def test_exchanged_contents(tmp_path, write_pair, which, message):
    files = write_pair(tmp_path)
    files[which].write_bytes(files[1 - which].read_bytes())
    with pytest.raises(InvalidInput, match=f"{files[which]} {message}"):
        idx.read_pairs(idx.find_pairs(tmp_path))


def test_pairs_of_different_size(tmp_path, write_pair, write_idx):
    write_pair(tmp_path, "train")
    images, _ = write_pair(tmp_path, "t10k", count=2)
    write_idx(images, IMAGES)
    with pytest.raises(InvalidInput, match=r"t10k-images.* 3x5 pixels, but .*train-images.* of 4x3"):
        idx.read_pairs(idx.find_pairs(tmp_path))
