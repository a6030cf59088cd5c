"""Compiled code that is kept on disk is that of the files as they are now."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from simulate import ising_chains
from simulate.dynamics import descent
from simulate.kernels import caching, perceptron, thermal

INNER = "import numba\n\n@numba.njit\ndef inner():\n    return {}\n"
OUTER = """
import json
import numba, numpy
from .caching import cached
from .inner import inner

@cached
def advance(out):
    out[0] = inner()

@numba.njit(cache=True)
def plain(out):
    out[0] = inner()

found = {}
for name, function in {"advance": advance, "plain": plain}.items():
    out = numpy.zeros(1)
    function(out)
    found[name] = out[0], sum(function.stats.cache_hits.values())
print(json.dumps(found))
"""


def test_an_edit_of_a_neighbour_is_noticed(tmp_path):
    """Numba alone goes on with the old code: the trap is there."""
    package = tmp_path / "package"
    package.mkdir()
    shutil.copy(Path(caching.__file__), package)
    (package / "__init__.py").touch()
    (package / "outer.py").write_text(OUTER)
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache")}

    def run(value: int) -> dict:
        (package / "inner.py").write_text(INNER.format(value))
        command = [sys.executable, "-m", "package.outer"]
        return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)

    assert run(1) == {"advance": [1, 0], "plain": [1, 0]}
    assert run(1) == {"advance": [1, 1], "plain": [1, 1]}
    assert run(2) == {"advance": [2, 0], "plain": [1, 1]}


def test_what_calls_the_kernels_is_kept_by_their_digest():
    for function in (thermal.advance, perceptron.advance, ising_chains._sweeps, descent._kick):
        assert [cell.cell_contents for cell in function.py_func.__closure__] == [caching.SOURCES]
        assert function.__doc__


def test_the_digest_is_of_every_file(tmp_path):
    def write(**files: str) -> str:
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(text)
        return caching.digest(tmp_path)

    first = write(a="1", b="2")
    assert write(a="1") == first
    assert len({first, write(a="2"), write(a="2", b="3"), write(c=""), write(a="2", b="", c="3")}) == 5
