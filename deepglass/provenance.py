"""Which code made a result."""

import subprocess
from functools import lru_cache
from pathlib import Path

from deepglass import __version__


@lru_cache(maxsize=1)
def code_version() -> str:
    """Package version, with the commit (and ``-dirty``) when run from a git checkout."""
    root = Path(__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return __version__
    try:
        described = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty", "--exclude", "*"],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return __version__
    return f"{__version__}+{described}"
