"""What tests of runs of several systems share: the end of a process at any write."""

from collections.abc import Callable

import pytest

from deepglass import files


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def killed_at_write(monkeypatch) -> Callable[[int, Callable[[], object]], bool]:
    """Do some work in a process that ends at its ``number``-th write of a file; whether it ended there."""
    write_with = files.write_with

    def killed(number: int, work: Callable[[], object]) -> bool:
        calls = iter(range(10**9))

        def write(path, write, overwrite=False):
            if next(calls) == number:
                raise Killed
            return write_with(path, write, overwrite)

        with monkeypatch.context() as patched:
            patched.setattr(files, "write_with", write)
            try:
                work()
            except Killed:
                return True
        return False

    return killed
