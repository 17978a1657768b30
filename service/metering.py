"""Metering: what the processes of a server need so that another one can tell their figures.

It is made before any process is forked, if somebody asks for figures; else there is none, and nothing is counted. Knows
nothing about what becomes of the figures.
"""

import os
from collections.abc import Callable, Iterator, Mapping

from protocol.engine.table import State
from reactor.loop import Reactor
from reactor.stream.server import Server
from storage.contract import Store

from .counting import Counts, rows_of_store
from .notices import Notices
from .snapshots import PARENT, Row, Snapshots


class Metering:
    """The counts of this process, and the way of its snapshots. `closed` is the state in which sessions are over.

    Raises OSError.
    """

    def __init__(self, closed: State, notices: Notices | None = None) -> None:
        self.counts = Counts()
        self._snapshots = Snapshots()
        self._memory = _file_in_memory()
        self._closed = closed
        self._notices = notices
        self._number = 1

    @property
    def descriptors(self) -> tuple[int, int]:
        """Where snapshots arrive, and a file that outlives whoever reads them, for what was added up so far."""
        return self._snapshots.descriptor, self._memory

    @property
    def sender(self) -> int:
        """Where another process sends its snapshots."""
        return self._snapshots.sender

    def begin_anew(self, number: int) -> None:
        """In a forked worker: what the process before has counted is not ours."""
        self._number = number
        self.counts.forget()
        self._snapshots.dropped = 0
        if self._notices:
            self._notices.dropped = 0

    def serve(self, reactor: Reactor, server: Server, store: Store) -> None:
        """Sends the figures of this process, which serves clients, as long as the reactor runs."""

        def rows() -> Iterator[Row]:
            yield Row("refused", (), server.refused)
            yield from self._rows()
            yield from rows_of_store(store)

        reactor.after_write(self.counts.add_up)
        self._snapshots.begin(reactor, self._number, rows)

    def accompany(self, reactor: Reactor, restarts: Callable[[], Mapping[str, int]], store: Store | None = None) -> None:
        """Sends the figures of the process that starts others: how often each kind was started again.

        With a `store`, it serves no clients, but has a store of its own.
        """

        def rows() -> Iterator[Row]:
            for name, number in restarts().items():
                yield Row("restarts", (name,), number)
            if store:
                yield from self._rows()
                yield from rows_of_store(store)

        self._snapshots.begin(reactor, PARENT, rows)

    def _rows(self) -> Iterator[Row]:
        yield Row("snapshots_dropped", (), self._snapshots.dropped)
        yield Row("notices_dropped", (), self._notices.dropped if self._notices else 0)
        yield from self.counts.rows(self._closed)

    def send(self, datagram: bytes) -> None:
        """Sends something else the same way."""
        self._snapshots.send(datagram)

    def close(self) -> None:
        """Closes all descriptors."""
        self._snapshots.close()
        os.close(self._memory)


def _file_in_memory() -> int:
    """A file without a name, in memory if the system can."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("figures")
    import tempfile

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
