"""A log that never blocks the loop: lines that its reader does not take in time are dropped and counted."""

import logging
import os
import select
import time
from functools import lru_cache

_AT_ONCE = select.PIPE_BUF
"""A pipe that polls as writable takes this many octets without blocking (POSIX)."""


_LINE = "%(asctime)s %(levelname)s %(message)s"


def log_to(descriptor: int | None, level: int) -> None:
    """Sends the program's log, from `level` on, to a file descriptor. None: nothing is written."""
    handler = logging.NullHandler() if descriptor is None else ImpatientHandler(descriptor)
    handler.setFormatter(_Form(_LINE))
    logging.basicConfig(level=level, handlers=[handler])
    # Do not collect what no line shows: it is a fifth of a line's cost ("Optimization" in Python's logging HOWTO).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None


def dropped() -> int:
    """How many lines of the log were dropped so far in this process."""
    return sum(each.dropped for each in logging.getLogger().handlers if isinstance(each, ImpatientHandler))


def log_as(name: str) -> None:
    """Puts `name` in front of each message, to tell several processes apart."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(_Form(_LINE.replace("%(message)s", f"{name}: %(message)s")))


class _Form(logging.Formatter):
    """A formatter that formats the date and time only once per second."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 (the name is logging's)
        """Local time, to the millisecond."""
        return f"{_second(int(record.created))},{int(record.msecs):03}"


@lru_cache(maxsize=4)
def _second(second: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))


class ImpatientHandler(logging.Handler):
    """Writes log lines to a descriptor: a file, a terminal, or a pipe whose reader may be slow or stopped.

    Drops a line that would have to wait. When there is room again, a line says how many were dropped.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._dropped = 0
        self.dropped = 0
        """Lines that were dropped so far, those included of which a line has told."""

    def emit(self, record: logging.LogRecord) -> None:
        """Called by `logging`, with the handler's lock held."""
        lines = f"{self.format(record)}\n"
        if self._dropped:
            lines = f"{self._dropped} lines of this log were dropped: nobody read it\n{lines}"
        if self._write(lines.encode("utf-8", "backslashreplace")):
            self._dropped = 0
        else:
            self._dropped += 1
            self.dropped += 1

    def _write(self, data: bytes) -> bool:
        """Returns false if not all was written. An error is no reason to stop the server."""
        for at in range(0, len(data), _AT_ONCE):
            try:
                if not self._poll.poll(0):
                    return False
                os.write(self._descriptor, data[at : at + _AT_ONCE])
            except OSError:
                return False
        return True
