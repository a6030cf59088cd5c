"""Compiled code that is kept on disk until any file of this folder changes.

Numba's cache notices edits of the file a function stands in, and of no other: after an edit of what it calls
elsewhere it would go on with the old code. The key of the cache holds the variables of a closure, though.
:func:`cached` makes the digest of all files of the folder one of them.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import CellType, FunctionType
from typing import Any

import numba


def digest(folder: Path) -> str:
    """Of all Python files of a folder, by name and content."""
    found = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        found.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()


SOURCES = digest(Path(__file__).parent)


def cached(function: Callable[..., None]) -> Any:
    """Compile without the interpreter's lock; what is kept on disk is of :data:`SOURCES`."""
    code = function.__code__
    closed = FunctionType(
        code.replace(co_freevars=(*code.co_freevars, "SOURCES")),
        function.__globals__,
        function.__name__,
        function.__defaults__,
        (*(function.__closure__ or ()), CellType(SOURCES)),
    )
    closed.__doc__, closed.__module__ = function.__doc__, function.__module__
    closed.__qualname__ = function.__qualname__
    return numba.njit(cache=True, nogil=True)(closed)
