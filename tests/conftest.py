"""One thread per test process, before anything loads a numerical library."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import pytest
from hypothesis import settings

# No deadline: a busy core is not a failure. Derandomised: a fixed seed, as everywhere.
settings.register_profile("deepglass", deadline=None, derandomize=True)
settings.load_profile("deepglass")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``python -m MODULE ARGS`` as a user would, in an empty folder."""

    def run(module: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        return subprocess.run(
            [sys.executable, "-m", module, *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


@pytest.fixture
def refused(command: Callable[..., subprocess.CompletedProcess[str]]) -> Callable[..., str]:
    """Run a command that must be refused as bad input; returns its single line on standard error."""

    def run(module: str, *arguments: object) -> str:
        result = command(module, *arguments)
        lines = result.stderr.strip().splitlines()
        assert result.returncode == 2, result.stderr
        assert len(lines) == 1, result.stderr
        assert lines[0].startswith("error: ")
        assert result.stdout == ""
        return lines[0]

    return run
