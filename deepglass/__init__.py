"""The ground floor that theory, simulate, compare and paper_figures share, and nothing more.

What users meet of it: the errors, and :func:`read` and :func:`write` for result files (docs/schema.md).

>>> from deepglass import InvalidInput, read
>>> try:
...     read("absent.nc", "run")
... except InvalidInput as error:
...     print(error)
run file absent.nc does not exist
"""

from typing import TYPE_CHECKING

from deepglass import lazy
from deepglass.errors import (
    DeepglassError,
    Diverged,
    InUse,
    InvalidInput,
    NoSolution,
    NotConverged,
    WriteFailed,
)

if TYPE_CHECKING:
    from deepglass.schema import read, write
else:
    __getattr__ = lazy.attributes(__name__, dict.fromkeys(("read", "write"), "deepglass.schema"))

__version__ = "0.1.0"

__all__ = [
    "DeepglassError",
    "Diverged",
    "InUse",
    "InvalidInput",
    "NoSolution",
    "NotConverged",
    "WriteFailed",
    "read",
    "write",
]
