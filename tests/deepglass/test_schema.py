"""Files: whole or absent, and read with suspicion."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from deepglass import files, schema
from deepglass.errors import InvalidInput

RESULT = xr.Dataset(
    {"q": ("neuron_layer", [1.0, 0.25, 1.0]), "Q": ("weight_layer", [0.5, 0.5])},
    coords={"neuron_layer": [0, 1, 2], "weight_layer": [1, 2]},
    attrs={
        "depth": 2, "branch": "continuous", "alpha": 2.5, "margin": 0.0, "scenario": "random",
        "closure": "gaussian",
    },
)  # fmt: skip


def test_what_is_read_is_what_was_written(tmp_path):
    path = schema.write(RESULT, tmp_path / "deep" / "p.nc", "profile")
    read = schema.read(path, "profile")
    xr.testing.assert_equal(read, RESULT)
    assert read.attrs["alpha"] == 2.5
    assert read.attrs["depth"] == 2
    assert read.attrs["schema_version"] == schema.SCHEMA_VERSION["profile"]
    assert os.listdir(path.parent) == ["p.nc"]


def test_existing_file_is_kept_unless_overwritten(tmp_path):
    path = schema.write(RESULT, tmp_path / "p.nc", "profile")
    before = path.read_bytes()
    with pytest.raises(InvalidInput, match="exists"):
        schema.write(RESULT * 0, path, "profile")
    assert path.read_bytes() == before
    schema.write(RESULT * 0, path, "profile", overwrite=True)
    assert schema.read(path, "profile").q.sum() == 0


FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from deepglass import files, schema
from deepglass.errors import InvalidInput
import xarray as xr
big = xr.open_dataset(sys.argv[1], engine="h5netcdf").load().assign(x=("x", list(range(50_000))))
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    schema.write(big, sys.argv[1], "profile", overwrite=True)
except InvalidInput as error:
    print(error)
"""


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path):
    path = schema.write(RESULT, tmp_path / "p.nc", "profile")
    before = path.read_bytes()
    root = Path(schema.__file__).parents[1]
    result = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, cwd=root, timeout=120
    )
    assert result.returncode == 0, result.stderr
    assert "cannot be written: File too large" in result.stdout
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["p.nc"]


def test_a_file_that_appears_meanwhile_is_kept_and_so_is_the_result(tmp_path, monkeypatch):
    path = tmp_path / "p.nc"
    fsync = os.fsync

    def appear(descriptor):
        path.write_text("somebody else's")
        fsync(descriptor)

    monkeypatch.setattr(files.os, "fsync", appear)
    with pytest.raises(InvalidInput, match="appeared while working; the result was kept as") as caught:
        schema.write(RESULT, path, "profile")
    assert path.read_text() == "somebody else's"
    xr.testing.assert_equal(schema.read(str(caught.value).split()[-1], "profile"), RESULT)


def test_targets_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    cases = [
        (tmp_path, "folder"),
        (f"{tmp_path}/new/", "folder"),
        (tmp_path / "file" / "p.nc", "cannot be written"),
        (tmp_path / "pipe", "not a regular file"),
        ("/dev/null", "not a regular file"),
        (tmp_path / ("n" * 300), "cannot be written: File name too long"),
    ]
    for target, message in cases:
        with pytest.raises(InvalidInput, match=message):
            files.check_target(target, overwrite=True)
    assert sorted(os.listdir(tmp_path)) == ["file", "pipe"]


def test_a_link_is_followed(tmp_path):
    (tmp_path / "link.nc").symlink_to(tmp_path / "real.nc")
    schema.write(RESULT, tmp_path / "link.nc", "profile")
    assert (tmp_path / "link.nc").is_symlink()
    xr.testing.assert_equal(schema.read(tmp_path / "real.nc", "profile"), RESULT)


def test_every_flipped_bit_of_the_numbers_is_noticed(tmp_path):
    path = schema.write(RESULT, tmp_path / "p.nc", "profile")
    whole = path.read_bytes()
    place = whole.index(np.float64(0.25).tobytes())
    for bit in range(0, 64, 5):
        damaged = bytearray(whole)
        damaged[place + bit // 8] ^= 1 << (bit % 8)
        path.write_bytes(damaged)
        with pytest.raises(InvalidInput, match="not a readable"):
            schema.read(path, "profile")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.drop_vars("q"), "lacks the variable q"),
        (lambda d: d.rename(neuron_layer="layer"), "lacks the variable q along neuron_layer"),
        (lambda d: d.isel(neuron_layer=[0, 1]), "neuron_layer must count 0..2"),
        (lambda d: d.drop_vars("weight_layer"), "weight_layer must count 1..2"),
        (lambda d: d.assign_attrs(depth="x"), "attribute depth = 'x' must be a int"),
        (lambda d: d.assign_attrs(alpha="2"), "attribute alpha"),
    ],
)
def test_an_incomplete_file_is_refused(tmp_path, change, message):
    path = schema.write(change(RESULT), tmp_path / "p.nc", "profile")
    with pytest.raises(InvalidInput, match=message):
        schema.read(path, "profile")


def test_missing_foreign_corrupt_and_mistaken_files(tmp_path):
    path = schema.write(RESULT, tmp_path / "p.nc", "profile")
    whole = path.read_bytes()
    foreign = tmp_path / "foreign.nc"
    xr.Dataset({"x": ("t", np.arange(3.0))}).to_netcdf(foreign, engine="h5netcdf")
    cases = {
        "none.nc": (None, "does not exist"),
        "foreign.nc": (foreign.read_bytes(), "not written by deepglass"),
    }
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        cases[f"cut{length}.nc"] = (whole[:length], "not a readable netCDF4 file")
    cases["text.nc"] = (b"layer,q\n1,0.5\n", "not a readable netCDF4 file")
    for name, (content, message) in cases.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(InvalidInput, match=message) as caught:
            schema.read(tmp_path / name, "profile")
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)
    with h5py.File(tmp_path / "plain.h5", "w") as plain:
        plain["x"] = np.arange(3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InvalidInput, match="not written by deepglass"):
            schema.read(tmp_path / "plain.h5", "profile")
    with pytest.raises(InvalidInput, match="not a file"):
        schema.read(tmp_path, "profile")
    with pytest.raises(InvalidInput, match="holds a profile, not a run"):
        schema.read(path, "run")


def test_another_schema_version_is_refused(tmp_path, monkeypatch):
    path = schema.write(RESULT, tmp_path / "p.nc", "profile")
    monkeypatch.setitem(schema.SCHEMA_VERSION, "profile", 2)
    with pytest.raises(InvalidInput, match="schema version 1, this deepglass reads 2"):
        schema.read(path, "profile")


def test_a_dask_client_that_is_gone_is_not_asked_for_locks(tmp_path):
    """A notebook may have had one: neither writing nor reading waits for its scheduler."""
    distributed = pytest.importorskip("distributed")
    with pytest.raises(ValueError, match="nonsense"):
        distributed.Client("nonsense", timeout=1)
    path = schema.write(RESULT, tmp_path / "p.nc", "profile")
    xr.testing.assert_equal(schema.read(path, "profile"), RESULT)
