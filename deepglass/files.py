"""Output files: looked at before any work starts, written whole or not at all."""

import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from deepglass.errors import InvalidInput


def check_target(path: str | Path, overwrite: bool = False) -> Path:
    """Make sure before any work starts that ``path`` can be written. Returns it resolved (links followed).

    Raises InvalidInput for an existing file (unless ``overwrite``), for a folder, a device or another
    thing that is no regular file, and for a place that cannot be written. Nothing is left behind.
    """
    if str(path).endswith(os.sep):
        raise InvalidInput(f"output {path} names a folder; name a file")
    try:
        target = Path(path).resolve()
        if target.is_dir():
            raise InvalidInput(f"output {path} is a folder; name a file")
        if target.exists() and not target.is_file():
            raise InvalidInput(f"output {path} is not a regular file; name another")
        if target.exists() and not overwrite:
            raise InvalidInput(
                f"output file {path} exists; pass --overwrite (Python: overwrite=True) to replace it"
                " or name another"
            )
        ancestor = target.parent
        while not ancestor.exists():
            ancestor = ancestor.parent
        with tempfile.TemporaryFile(dir=ancestor):  # os.access says yes to root everywhere
            pass
    except OSError as error:
        raise InvalidInput(f"output file {path} cannot be written: {_reason(error)}") from error
    return target


def write_bytes(path: str | Path, content: bytes | memoryview, overwrite: bool = False) -> Path:
    """Write a file of ``content`` atomically; see :func:`write_with`."""
    return write_with(path, lambda stream: stream.write(content), overwrite)


def write_with(path: str | Path, write: Callable[[BinaryIO], object], overwrite: bool = False) -> Path:
    """Write a file atomically: a reader sees the old file, or the whole new one, never a part.

    ``write`` is called with a binary stream, so that large content need not be held in memory. Without
    ``overwrite`` a file that appeared since :func:`check_target` is kept, and the content goes to a new name
    beside it, which the error names. Raises InvalidInput if the place cannot be written.
    """
    target = check_target(path, overwrite)
    temporary = target.with_name(f".{target.stem[:100]}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "xb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        if overwrite or not target.exists():
            os.replace(temporary, target)
            return target
        kept = target.with_name(f"{target.stem}-{secrets.token_hex(4)}{target.suffix}")
        os.replace(temporary, kept)
    except OSError as error:
        raise InvalidInput(f"output file {path} cannot be written: {_reason(error)}") from error
    finally:
        temporary.unlink(missing_ok=True)
    raise InvalidInput(f"output file {path} appeared while working; the result was kept as {kept}")


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
