"""A log that never holds up the loop: what its reader does not take is counted and dropped.

It does not know what is logged.
"""

import logging
import os
import select
import time
from functools import lru_cache

_AT_ONCE = select.PIPE_BUF
"""Octets that a pipe which is ready takes without waiting (POSIX)."""


_LINE = "%(asctime)s %(levelname)s %(message)s"


def log_to(descriptor: int | None, level: int) -> None:
    """From now on what is logged is written there, from `level` on; None: nowhere."""
    handler = logging.NullHandler() if descriptor is None else ImpatientHandler(descriptor)
    handler.setFormatter(_Form(_LINE))
    logging.basicConfig(level=level, handlers=[handler])
    # What no line shows is not found out: a fifth of what a line costs ("Optimization" in the logging HOWTO of Python).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None


def log_as(name: str) -> None:
    """From now on each line says which one of several processes wrote it."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(_Form(_LINE.replace("%(message)s", f"{name}: %(message)s")))


class _Form(logging.Formatter):
    """What is the same in all lines of a second is put together once."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 (it is logging's)
        """Local time, to the millisecond."""
        return f"{_second(int(record.created))},{int(record.msecs):03}"


@lru_cache(maxsize=4)
def _second(second: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))


class ImpatientHandler(logging.Handler):
    """Writes log lines to a descriptor: a file, a terminal, or a pipe whose reader may be slow or stopped.

    A line that would have to wait is dropped; when there is room again, a line says how many were.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Called by `logging`, with the handler's lock held."""
        lines = f"{self.format(record)}\n"
        if self._dropped:
            lines = f"{self._dropped} lines of this log were dropped: nobody read it\n{lines}"
        if self._write(lines.encode("utf-8", "backslashreplace")):
            self._dropped = 0
        else:
            self._dropped += 1

    def _write(self, data: bytes) -> bool:
        """False when not all of it was taken. A log that cannot be written to at all is no reason to stop."""
        for at in range(0, len(data), _AT_ONCE):
            try:
                if not self._poll.poll(0):
                    return False
                os.write(self._descriptor, data[at : at + _AT_ONCE])
            except OSError:
                return False
        return True
