"""Files: whole or absent, and read with suspicion."""

import os

import numpy as np
import pytest
import xarray as xr

from deepglass import schema
from deepglass.errors import InvalidInput

RESULT = xr.Dataset(
    {"q": ("neuron_layer", [1.0, 0.25, 1.0])}, attrs={"depth": 2, "branch": "continuous", "alpha": 2.5}
)


def test_what_is_read_is_what_was_written(tmp_path):
    path = schema.write(RESULT, tmp_path / "deep" / "p.nc", "profile")
    read = schema.read(path, "profile")
    xr.testing.assert_equal(read, RESULT)
    assert read.attrs["alpha"] == 2.5
    assert read.attrs["depth"] == 2
    assert read.attrs["schema_version"] == schema.SCHEMA_VERSION
    assert os.listdir(path.parent) == ["p.nc"]


def test_existing_file_is_kept_unless_overwritten(tmp_path):
    path = schema.write(RESULT, tmp_path / "p.nc", "profile")
    before = path.read_bytes()
    with pytest.raises(InvalidInput, match="exists"):
        schema.write(RESULT * 0, path, "profile")
    assert path.read_bytes() == before
    schema.write(RESULT * 0, path, "profile", overwrite=True)
    assert schema.read(path, "profile").q.sum() == 0


def test_a_failing_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = schema.write(RESULT, tmp_path / "p.nc", "profile")
    before = path.read_bytes()

    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(schema.os, "replace", full)
    with pytest.raises(InvalidInput, match="No space left"):
        schema.write(RESULT * 0, path, "profile", overwrite=True)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["p.nc"]


def test_targets_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InvalidInput, match="folder"):
        schema.check_target(tmp_path)
    with pytest.raises(InvalidInput, match="not a writable folder"):
        schema.check_target(tmp_path / "file" / "p.nc")


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
    with pytest.raises(InvalidInput, match="holds a profile, not a run"):
        schema.read(path, "run")


def test_another_schema_version_is_refused(tmp_path, monkeypatch):
    path = schema.write(RESULT, tmp_path / "p.nc", "profile")
    monkeypatch.setattr(schema, "SCHEMA_VERSION", 2)
    with pytest.raises(InvalidInput, match="schema version 1, this deepglass reads 2"):
        schema.read(path, "profile")
