"""MNIST from folders, from a server on this machine, and the real files where there are some."""

import hashlib
import os
import socket
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pooch
import pytest

from deepglass.errors import InvalidInput
from simulate.data import load, mnist


def load_mnist(**options):
    return load("mnist", **{"patterns": 2, "seed": 0, "width": 5, "depth": 2, "threshold": 2, **options})


@pytest.mark.parametrize("subfolder", ["", "mnist"])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_folder_named_by_argument_or_environment(tmp_path, write_pair, monkeypatch, subfolder, suffix):
    write_pair(tmp_path / subfolder, suffix=suffix)
    monkeypatch.delenv("DEEPGLASS_DATA", raising=False)
    by_argument = load_mnist(data_dir=tmp_path)
    monkeypatch.setenv("DEEPGLASS_DATA", str(tmp_path))
    by_environment = load_mnist()
    assert by_argument.sha256 == by_environment.sha256
    assert by_argument.inputs.shape == (2, 12)
    assert "t10k-images-idx3-ubyte" in by_argument.source


def test_argument_wins_over_environment(tmp_path, write_pair, monkeypatch):
    write_pair(tmp_path)
    monkeypatch.setenv("DEEPGLASS_DATA", str(tmp_path / "missing"))
    assert load_mnist(data_dir=tmp_path).name == "mnist"


def test_all_pairs_form_one_pool_train_first(tmp_path, write_pair):
    write_pair(tmp_path, "t10k", count=4, first=6)
    write_pair(tmp_path, "train", count=6)
    pool = mnist.pool(tmp_path)
    assert pool.images[:, 0].tolist() == list(range(10))
    assert pool.labels.tolist() == [0, 1, 0, 1, 0, 1, 0, 1, 0, 1]
    assert pool.source == "train-images-idx3-ubyte, t10k-images-idx3-ubyte"


def test_default_threshold(tmp_path, write_pair):
    write_pair(tmp_path, count=200)
    data = load_mnist(data_dir=tmp_path, patterns=200, threshold=None)
    assert (data.inputs[:, 0] == 1).sum() == 200 - 128
    assert "pixel > 127 is +1" in data.source


@pytest.mark.parametrize(
    ("name", "problem"),
    [("", "holds no MNIST images"), ("missing", "does not exist"), ("file", "is not a folder")],
)
@pytest.mark.parametrize("by", ["argument", "environment"])
def test_folder_without_images(tmp_path, monkeypatch, name, problem, by):
    (tmp_path / "file").write_text("")
    folder = tmp_path / name
    if by == "environment":
        monkeypatch.setenv("DEEPGLASS_DATA", str(folder))
    with pytest.raises(InvalidInput, match=f"{folder} {problem}.*train-images-idx3-ubyte.*t10k-labels-idx1"):
        load_mnist(data_dir=folder if by == "argument" else None)


def test_empty_word_is_no_folder(monkeypatch, tmp_path, write_pair):
    write_pair(tmp_path)
    monkeypatch.setenv("DEEPGLASS_DATA", str(tmp_path))
    with pytest.raises(InvalidInput, match="data_dir = '' must name a folder"):
        load_mnist(data_dir="")


@pytest.mark.parametrize("folder", ["~no-such-user/here", "x" * 5000])
def test_folder_that_cannot_be(folder):
    with pytest.raises(InvalidInput, match=f"{folder} does not exist"):
        load_mnist(data_dir=folder)


@pytest.fixture
def served(tmp_path, write_pair, monkeypatch):
    """A folder of IDX files, the registry of their hashes, and the address at which they are served."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path / "served"
    files = [*write_pair(folder, "train", suffix=".gz"), *write_pair(folder, "t10k", suffix=".gz")]
    registry = {file.name: "md5:" + hashlib.md5(file.read_bytes()).hexdigest() for file in files}

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder, registry, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_fetch_downloads_once(tmp_path, served):
    origin, registry, url = served
    cache = tmp_path / "cache"
    files = mnist.fetch(cache, url, registry)
    assert [file.name for file in files] == list(registry)
    assert all(file.read_bytes() == (origin / file.name).read_bytes() for file in files)
    for name in registry:
        (origin / name).unlink()
    assert mnist.fetch(cache, url, registry) == files


def test_fetch_replaces_a_damaged_file(tmp_path, served):
    origin, registry, url = served
    name = next(iter(registry))
    (tmp_path / name).write_bytes(b"damaged")
    mnist.fetch(tmp_path, url, registry)
    assert (tmp_path / name).read_bytes() == (origin / name).read_bytes()


def test_load_without_a_folder_uses_the_cache(tmp_path, served, monkeypatch, no_data_folder):
    _, registry, url = served
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / project)
    monkeypatch.setattr(mnist, "fetch", partial(mnist.fetch, base_url=url, registry=registry))
    data = load_mnist()
    assert len(data.inputs) + len(data.test_inputs) == 12
    assert {file.name for file in (tmp_path / "deepglass" / "mnist").iterdir()} == set(registry)


@pytest.fixture
def refuse(capfd):
    """``fetch`` fails with one short line that says what to do instead, and leaves nothing behind."""
    return partial(check_refusal, capfd)


def check_refusal(capfd, folder: Path, url: str, registry: dict[str, str], message: str) -> None:
    level = pooch.get_logger().level
    with pytest.raises(InvalidInput, match=message) as caught:
        mnist.fetch(folder, url, registry)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 250
    assert all(word in text for word in (next(iter(registry)), url, "--data-dir", "DEEPGLASS_DATA"))
    assert not folder.exists()
    assert capfd.readouterr() == ("", "")
    assert pooch.get_logger().level == level


def test_wrong_hash(tmp_path, served, refuse):
    _, registry, url = served
    refuse(tmp_path / "cache", url, dict.fromkeys(registry, "md5:" + "0" * 32), "hash is not the known one")


def test_folders_are_removed_only_if_created_and_empty(tmp_path, served):
    _, registry, url = served
    wrong = "md5:" + "0" * 32
    existing = tmp_path / "existing"
    existing.mkdir()
    with pytest.raises(InvalidInput):
        mnist.fetch(existing / "new" / "mnist", url, dict.fromkeys(registry, wrong))
    assert list(existing.iterdir()) == []
    first, second, *_ = registry
    with pytest.raises(InvalidInput, match=second):
        mnist.fetch(existing / "new" / "mnist", url, {first: registry[first], second: wrong})
    assert [file.name for file in (existing / "new" / "mnist").iterdir()] == [first]


def test_file_not_on_the_server(tmp_path, served, refuse):
    _, registry, url = served
    refuse(tmp_path / "cache", url, {f"no-{name}": value for name, value in registry.items()}, "answered 404")


def test_connection_refused(tmp_path, monkeypatch, refuse):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]  # bound but not listening: refuses
        refuse(tmp_path / "cache", f"http://127.0.0.1:{port}/", mnist.REGISTRY, "no connection")


def test_silent_server_is_given_up(tmp_path, monkeypatch, refuse):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(mnist, "TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        refuse(tmp_path / "cache", url, mnist.REGISTRY, "no answer within 0.1 s")


def test_cache_that_cannot_be_a_folder(tmp_path, served):
    _, registry, url = served
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match=r"file.cache cannot be written \(Not a directory\)"):
        mnist.fetch(tmp_path / "file" / "cache", url, registry)


@pytest.fixture
def real_t10k(tmp_path):
    """The 10,000-image files of the user's data folder, on their own."""
    folder = Path(os.environ.get("DEEPGLASS_DATA") or "/nonexistent")
    files = {file.name: file for place in (folder / "mnist", folder) for file in place.glob("t10k-*-ubyte*")}
    if not files:
        pytest.skip("DEEPGLASS_DATA names no folder with the t10k files of MNIST")
    for name, file in files.items():
        (tmp_path / name).symlink_to(file.resolve())
    return tmp_path


def test_real_mnist(real_t10k):
    data = load_mnist(data_dir=real_t10k, patterns=1715, threshold=None)
    assert data.inputs.shape == (1715, 784)
    assert data.test_inputs.shape == (400, 784)
    outputs = np.concatenate([data.outputs, data.test_outputs])
    assert [(outputs[:, k] == 1).sum() for k in (0, 1)] == [980, 1135]
    with pytest.raises(InvalidInput, match="2115 images"):
        load_mnist(data_dir=real_t10k, patterns=2116, threshold=None)


def test_real_files_have_the_known_hashes(real_t10k):
    for file in real_t10k.glob("*.gz"):
        assert mnist.REGISTRY[file.name] == "md5:" + hashlib.md5(file.read_bytes()).hexdigest()
