"""Importing a package loads what everybody needs of it, and no more."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SLOW = {"torch", "numba", "matplotlib", "sklearn", "sympy", "mpmath", "dask", "typer", "xarray", "scipy"}
NEEDED = {
    "deepglass": set(),
    "theory": {"scipy", "xarray"},
    "simulate": {"scipy", "xarray", "torch", "numba"},
    "compare": {"scipy", "xarray"},
    "paper_figures": set(),
}


@pytest.mark.parametrize("package", NEEDED)
def test_slow_libraries_wait_until_they_are_needed(package):
    code = f"import sys, {package}; print(*sorted({SLOW!r} & set(sys.modules)))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(loaded.stdout.split()) <= NEEDED[package]


def test_names_that_are_loaded_late_are_there():
    code = (
        "import compare, deepglass, theory;"
        "print(compare.figure.__name__, deepglass.read.__module__, theory.solve_hierarchy.__module__);"
        "theory.absent"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["compare.figure", "deepglass.schema", "theory.broken"]
    assert "module 'theory' has no attribute 'absent'" in done.stderr
