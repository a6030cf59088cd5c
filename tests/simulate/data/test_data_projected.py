"""Images as principal components with parities, and CIFAR-10 files written here."""

import numpy as np
import pytest

from deepglass.errors import InvalidInput
from simulate.data import cifar, load, pool, projected


def digits(**values):
    settings = {"patterns": 300, "test_patterns": 100, "components": 6, "power": None, "seed": 0}
    return projected.load(values.pop("data", "digits"), **{**settings, **values})


def test_components_are_those_of_the_correlation_matrix():
    """By numpy's eigenvectors of the covariance of all but the test, up to their signs; variances descend."""
    found, images = digits(), pool("digits")
    raw = images.images[:-100].astype(float)
    spread = raw.std(0)
    scaled = (raw - raw.mean(0)) / np.where(spread > 0, spread, 1)
    _, axes = np.linalg.eigh(np.cov(scaled.T))
    expected = (scaled[:300] @ axes[:, ::-1][:, :6]).T
    np.testing.assert_allclose(np.abs(found.inputs), np.abs(expected), atol=1e-9)
    whole = digits(patterns=1697)
    variances = whole.inputs.var(1)
    assert (np.diff(variances) < 0).all()
    np.testing.assert_allclose(whole.inputs.mean(1), 0, atol=1e-10)


def test_labels_are_parities_and_the_test_is_scaled_by_itself():
    found, images = digits(), pool("digits")
    np.testing.assert_array_equal(found.labels, np.where(images.labels[:300] % 2, -1, 1))
    np.testing.assert_array_equal(found.test_labels, np.where(images.labels[-100:] % 2, -1, 1))
    assert found.test_inputs.shape == (6, 100)
    np.testing.assert_allclose(found.test_inputs.mean(1), 0, atol=1e-10)


def test_power_is_one_number_for_all():
    plain, scaled = digits(), digits(power=10.0)
    assert np.square(scaled.inputs).sum(0).mean() == pytest.approx(10)
    ratio = scaled.inputs / plain.inputs
    np.testing.assert_allclose(ratio, ratio[0, 0])
    np.testing.assert_allclose(scaled.test_inputs / plain.test_inputs, ratio[0, 0])
    assert plain.sha256 != scaled.sha256
    assert digits().sha256 == plain.sha256


def test_gaussian_points_have_neither_structure_nor_bias():
    """4000 points: moments at 5 standard errors, false alarm below 1e-5."""
    found = projected.load("gaussian", patterns=4000, test_patterns=10, components=5, power=10.0, seed=3)
    assert np.square(found.inputs).sum(0).mean() == pytest.approx(10, rel=5 * np.sqrt(2 / 20_000))
    assert abs(found.labels.mean()) < 5 / np.sqrt(4000)
    assert np.abs(found.inputs @ found.labels / 4000).max() < 5 * np.sqrt(2 / 4000)
    assert found.test_inputs.shape == (5, 10)
    other = projected.load("gaussian", patterns=4000, test_patterns=10, components=5, power=10.0, seed=4)
    assert (other.inputs != found.inputs).all()


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"patterns": 1700}, "P = 1700 and test_patterns = 100 exceed the pool: digits holds 1797 images"),
        ({"components": 65}, "components = 65 must be at most 64"),
        ({"data": "faces"}, "data = 'faces' must be one of"),
        ({"data_dir": "."}, "data_dir cannot be used with data = digits"),
        ({"data": "gaussian", "data_dir": "."}, "data_dir cannot be used with data = gaussian"),
    ],
)
def test_what_does_not_fit_is_named(values, problem):
    with pytest.raises(InvalidInput, match=problem):
        digits(**values)


@pytest.fixture
def cifar_folder(tmp_path):
    """Two files of training and one of the test, ten records each; pixels say which record it is."""
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for k, name in enumerate(("data_batch_1.bin", "data_batch_2.bin", "test_batch.bin")):
        records = np.full((10, 3073), 1, np.uint8)
        records[:, 0] = np.arange(10)
        records[:, 1:] = (np.arange(10) + 10 * k)[:, None] + np.arange(3072) % 2
        (folder / name).write_bytes(records.tobytes())
    return tmp_path


def test_cifar_files_are_read_in_order_and_serve_every_system(cifar_folder, monkeypatch):
    found = cifar.pool(cifar_folder)
    assert found.images.shape == (30, 3072)
    np.testing.assert_array_equal(found.images[:, 0], np.arange(30))
    np.testing.assert_array_equal(found.labels, np.tile(np.arange(10), 3))
    monkeypatch.setenv("DEEPGLASS_DATA", str(cifar_folder))
    reduced = projected.load("cifar10", patterns=20, test_patterns=10, components=1, power=None, seed=0)
    np.testing.assert_array_equal(reduced.labels[:4], [1, -1, 1, -1])
    thermal = load("cifar10", patterns=3, seed=0, width=4, depth=3, threshold=15.0)
    assert thermal.inputs.shape == (3, 3072)


def test_cifar_files_that_are_none_are_refused(tmp_path, cifar_folder, monkeypatch):
    monkeypatch.delenv("DEEPGLASS_DATA", raising=False)
    with pytest.raises(InvalidInput, match="name the folder"):
        cifar.pool()
    with pytest.raises(InvalidInput, match=r"holds no CIFAR-10; expected data_batch_1\.bin"):
        cifar.pool(tmp_path / "elsewhere")
    path = cifar_folder / "cifar-10-batches-bin" / "data_batch_2.bin"
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    with pytest.raises(InvalidInput, match=r"data_batch_2.bin has 30729 bytes, not a multiple of 3073"):
        cifar.pool(cifar_folder)
    path.write_bytes(b"\x0c" + content[1:])
    with pytest.raises(InvalidInput, match="label 12 is not one of"):
        cifar.pool(cifar_folder)
