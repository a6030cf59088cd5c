"""What tests of runs share: when two of them are the same, and how far the points of a sweep are."""

from pathlib import Path

import numpy as np
import xarray as xr

from deepglass import schema
from simulate import BaseProtocol, run


def same(a: xr.Dataset, b: xr.Dataset) -> None:
    """All variables and coordinates equal, bit for bit."""
    assert set(a.variables) == set(b.variables)
    for name in a.variables:
        np.testing.assert_array_equal(a[name].values, b[name].values, err_msg=str(name))


def assert_same_run(path: Path, protocol: BaseProtocol) -> None:
    """The file holds bit for bit what a direct run measures."""
    stored, direct = schema.read(path, "run"), run(protocol)
    for name in direct.data_vars:
        xr.testing.assert_identical(stored[name].drop_attrs(), direct[name].drop_attrs())


def states(results) -> list[str]:
    return [str(result.state) for result in results]
