"""Asked to stop (Ctrl-C, SIGTERM, SIGHUP), a run on the command line checkpoints first.

The loop looks at :func:`requested` where its state is whole, a few seconds apart at most. A second Ctrl-C
does not wait for that: then the last checkpoint is the one before.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from deepglass.errors import DeepglassError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_asked: list[int] = []


class Stopped(DeepglassError):
    """A run was asked to stop and did, after a checkpoint; its exit code is the shell's for the signal."""

    def __init__(self, message: str, number: int):
        super().__init__(message)
        self.exit_code = 128 + number


def requested() -> int | None:
    """The signal that asked to stop, if one did."""
    return _asked[0] if _asked else None


@contextmanager
def checkpoint_before_stopping() -> Iterator[None]:
    """While inside, these signals are taken down instead of ending the process at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def take_down(number: int, frame: FrameType | None) -> None:
        if _asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        _asked.append(number)

    before = {number: signal.signal(number, take_down) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _asked.clear()
