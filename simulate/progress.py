"""Progress and warnings of long work on standard error."""

import logging
import sys
from typing import Any

from tqdm import tqdm


class ProgressBar:
    """Replica-steps done and to do; shows up with the first step, so bad input prints its one line only.

    Used as a context manager and passed as ``progress`` to :func:`simulate.run.run`. Away from a
    terminal it speaks every half minute instead of every second.
    """

    def __enter__(self) -> "ProgressBar":
        self.bar: tqdm[Any] | None = None
        self._log = log_beside_bar()
        return self

    def __call__(self, done: int, total: int) -> None:
        """Report how far the work is."""
        if self.bar is None:
            pause = 1.0 if sys.stderr.isatty() else 30.0
            # What was done before is no part of the speed.
            self.bar = tqdm(
                total=total, initial=done, unit="replica-step", unit_scale=True, mininterval=pause,
                leave=False, delay=pause,
            )  # fmt: skip
        self.bar.update(done - self.bar.n)

    def __exit__(self, *error: object) -> None:
        if self.bar is not None:
            self.bar.close()
        if self._log is not None:
            logging.getLogger("simulate").removeHandler(self._log)


class LogBesideBar(logging.Handler):
    """Log lines that do not tear the progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        tqdm.write(f"{record.levelname.lower()}: {record.getMessage()}", file=sys.stderr)


def log_beside_bar() -> LogBesideBar | None:
    """Let what ``simulate`` logs come out that way; None if somebody else has taken charge of it."""
    logger = logging.getLogger("simulate")
    if logger.handlers:
        return None
    handler = LogBesideBar()
    logger.addHandler(handler)
    return handler
