"""The interface: which word leads where, and what is refused."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import simulate
from deepglass.errors import InvalidInput
from simulate.data import DataSet, load, parse_classes

NETWORK = {"width": 5, "depth": 2}


def test_digits():
    data = load(patterns=200, seed=0, **NETWORK)
    assert isinstance(data, DataSet)
    assert data.name == "digits"
    assert data.classes == (0, 1)
    assert data.inputs.shape == (200, 64)
    assert data.outputs.shape == (200, 2)
    assert len(data.test_inputs) == 160
    assert "load_digits" in data.source
    assert "360 images" in data.source
    assert "pixel > 7 is +1" in data.source
    assert data.threshold == 7


def test_digits_show_their_labels():
    """The centre of a zero is empty, that of a one is ink: binarised right and labelled right."""
    data = load(patterns=360, seed=0, **NETWORK)
    centre = data.inputs.reshape(-1, 8, 8)[:, 3:5, 3:5].mean(axis=(1, 2))
    zeros, ones = data.outputs[:, 0] == 1, data.outputs[:, 1] == 1
    assert zeros.sum() == 178
    assert ones.sum() == 182
    assert (zeros ^ ones).all()
    assert centre[zeros].mean() < -0.9
    assert centre[ones].mean() > 0.5


def test_digits_of_other_classes():
    data = load("digits", patterns=100, seed=0, classes=[3, 8, 5], threshold=8, **NETWORK)
    assert data.classes == (3, 8, 5)
    assert data.outputs.shape == (100, 3)
    np.testing.assert_array_equal((data.outputs == 1).sum(axis=1), 1)
    assert len(data.test_inputs) == 400


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"patterns": 0}, "M = 0 must be an integer >= 1"),
        ({"patterns": 2.5}, "M = 2.5 must be"),
        ({"patterns": 361}, "M = 361 exceeds the pool: digits holds 360 images"),
        ({"seed": -1}, "seed = -1 must be"),
        ({"classes": (0, 12)}, "no image of class 12"),
        ({"data_dir": "."}, "data_dir cannot be used with data = digits"),
    ],
)
def test_wrong_values(wrong, message):
    with pytest.raises(InvalidInput, match=message):
        load(**{"patterns": 5, "seed": 0, **NETWORK, **wrong})


@pytest.mark.parametrize("word", ["", "digit", "MNIST", "no/such/folder", "x" * 5000])
def test_unknown_word(word):
    with pytest.raises(
        InvalidInput,
        match=r"one of digits, mnist, cifar10, random, teacher, PATH\.npz, FOLDER; no such file or folder",
    ):
        load(word, patterns=5, seed=0, **NETWORK)


def test_file_of_another_kind(tmp_path):
    path = tmp_path / "images.csv"
    path.write_text("1,2,3")
    with pytest.raises(InvalidInput, match=r"images\.csv' must be one of .*FOLDER; that file is none"):
        load(path, patterns=5, seed=0, **NETWORK)


def test_slow_libraries_are_not_imported_before_they_are_needed():
    """In a fresh interpreter, with an empty package in place of ``simulate``, which imports much else."""
    program = """
import sys, types
simulate = sys.modules["simulate"] = types.ModuleType("simulate")
simulate.__path__ = [sys.argv[1]]
import simulate.data
print(*{"sklearn", "pooch", "requests"} & set(sys.modules))
"""
    folder = Path(simulate.__file__).parent
    command = [sys.executable, "-c", program, str(folder)]
    done = subprocess.run(command, cwd=folder.parent, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(
    ("text", "classes"), [("0,1", (0, 1)), (" 7, 3 ,5", (7, 3, 5)), ("-1,+1", (-1, 1)), ("10,11", (10, 11))]
)
def test_parse_classes(text, classes):
    assert parse_classes(text) == classes


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "0",
        "0,",
        "0,,1",
        "0,0",
        "0,00",
        "0;1",
        "0 1",
        "a,b",
        "0.5,1",
        "1_0,2",
        "٣,٤",
        "1" * 99 + ",2",
    ],
)
def test_parse_classes_refuses(text):
    with pytest.raises(InvalidInput, match="classes"):
        parse_classes(text)
