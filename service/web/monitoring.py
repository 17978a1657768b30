"""Figures and health, in the process of the page or of the monitor: takes the snapshots of all processes, and tells.

What it has added up is kept, so that its successor goes on from there. Knows nothing about HTTP.
"""

import logging
import os
import socket
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from reactor.loop import READ, Reactor
from web.environment import Figures, Watch
from web.request import RequestError

from .. import VERSION, judged
from ..notices import PLACE
from ..page_settings import NEEDED_FOR_METRICS, Settings, missing, what_to_install
from ..snapshots import EVERY, LONGEST, PARENT, POP3, Row, Snapshot, parsed
from .clients import Clients
from .keepsake import Keepsake
from .moves import Moves
from .standing import Standing
from .tally import Tally

log = logging.getLogger("carteiro")

PAGE = -1
"""The number of this process. Those of the SMTP side are 0 and more."""

NAMES = {POP3: "pop3", PAGE: "page", PARENT: "parent"}

HEARD = 5.0
"""Seconds within which the SMTP side must have been heard for the server to be ready."""

INDEX_HEARD = 15.0
"""The same for the index. Its process has the least priority, and reading a large message takes a while."""

MOST_LAG = 15.0
"""Seconds that the index may be behind its mailboxes for the server to be ready."""

DATABASE_HEARD = 15.0
"""Seconds within which the database must have answered, if mail goes there. It is asked every 10 s if there is no mail."""

DATAGRAMS = 100
"""Datagrams that are taken in a turn."""


class Index(Protocol):
    """The index, if mail is shown."""

    @property
    def standing(self) -> Standing | None:
        """How it stood when it was heard last; None if it was not heard."""

    @property
    def restarts(self) -> int:
        """How often its process was started again."""

    @property
    def deleted(self) -> int:
        """How many messages were deleted."""


class Monitoring:
    """Takes snapshots in a reactor, and answers `web.environment.Watch`."""

    def __init__(self, reactor: Reactor, settings: Settings, index: Index | None = None) -> None:
        self._reactor = reactor
        self._index = index
        self._place = Path(settings.directory) / PLACE
        self._began = time.monotonic()
        self._requests: dict[int, int] = defaultdict(int)
        arriving, memory = settings.metering
        self._socket = socket.socket(fileno=arriving)
        self._keepsake = Keepsake(memory)
        self._tally = Tally()
        self.clients = Clients()
        """Sessions of clients, if they are examined."""
        self._go_on(self._keepsake.kept())
        reactor.watch(self._socket, READ, self._arrived)
        self._tick()

    @property
    def watch(self) -> Watch:
        """What programs ask that look after the server."""
        return Watch(self._trouble, self._exposition)

    def figures(self) -> Figures:
        """Those of them that the API tells."""
        moves = Moves(self._tally.totals("moves"))
        return Figures(
            version=VERSION,
            database="carteiro",
            database_size=self._size,
            uptime=int(self._tally.age),
            memory=resident(os.getpid()),
            deleted=int(self._tally.total("deleted")),
            accepted=int(self._tally.total("messages")),
            accepted_size=int(self._tally.total("octets")),
            rejected=int(sum(moves.refused.values())),
        )

    @property
    def _size(self) -> int:
        """Octets of the index's files. Somebody may be deleting them."""
        with suppress(OSError):
            return sum(path.stat().st_size for path in self._place.glob("index.db*"))
        return 0

    def answered(self, status: int) -> None:
        """Counts a request."""
        self._requests[status] += 1

    def close(self) -> None:
        """Stops taking snapshots."""
        self._reactor.unwatch(self._socket)
        self._socket.close()

    def _go_on(self, kept: bytes) -> None:
        """Goes on from what an earlier process has kept. It may have been of another version."""
        try:
            if kept:
                self._tally.unpack(kept)
        except (ValueError, TypeError, AttributeError):
            log.exception("the sums of an earlier process cannot be read: figures begin anew")

    # Snapshots

    def _arrived(self, _: int) -> None:
        with suppress(BlockingIOError):
            for _ in range(DATAGRAMS):
                self._take(self._socket.recv(LONGEST))
        self._keep()  # nobody else has them now, and who has told them may be dead

    def _take(self, datagram: bytes) -> None:
        try:
            if session := judged.parsed(datagram):
                self.clients.take(session)
            else:
                self._tally.take(parsed(datagram))
        except (ValueError, TypeError):
            log.exception("figures that cannot be read")

    def _tick(self) -> None:
        self._reactor.call_later(EVERY, self._tick)
        self._keep()

    def _keep(self) -> None:
        self._count_own()
        self._keepsake.keep(self._tally.packed())

    def _count_own(self) -> None:
        self._tally.take(Snapshot(PAGE, os.getpid(), self._began, time.monotonic(), list(self._own_rows())))

    def _own_rows(self) -> Iterator[Row]:
        for status, count in self._requests.items():
            yield Row("requests", (str(status),), count)
        if self._index is None:
            return
        yield Row("restarts", ("index",), self._index.restarts)
        yield Row("deleted", (), self._index.deleted)
        if standing := self._index.standing:
            silence = max(0.0, time.monotonic() - standing.at - EVERY)
            yield Row("lag", (), standing.lag + silence, is_gauge=True)
            yield Row("lagging", (), standing.mailboxes, is_gauge=True)
            yield Row("indexed", (), standing.messages, is_gauge=True)
            yield Row("unread", (), standing.unread, is_gauge=True)
            yield Row("index_size", (), self._size, is_gauge=True)

    # Telling

    def _exposition(self) -> bytes:
        if missing(NEEDED_FOR_METRICS):
            raise RequestError(503, what_to_install(NEEDED_FOR_METRICS))
        # Only who is asked for figures needs the package, and its memory.
        from .figures import Exposed, Surroundings, exposition

        self._keep()  # what was told once must not become less, even if this process is killed now
        return exposition(Exposed(self._tally, Surroundings(VERSION, time.time(), self._memory())))

    def _memory(self) -> dict[str, int]:
        """A single process that serves is the first one, too: it is told once."""
        names = {pid: NAMES.get(number, f"worker {number}") for number, pid in sorted(self._tally.pids.items())}
        return {name: octets for pid, name in names.items() if (octets := resident(pid))}

    def _trouble(self) -> str:
        silences = [seconds for number, seconds in self._tally.silences.items() if number > 0]
        if not silences:
            return "the SMTP side was not heard yet"
        if min(silences) > HEARD:
            return f"the SMTP side was not heard for {min(silences):.0f} s"
        waits = [sum(values.values()) for values in self._tally.gauges("database_silence").values()]
        if waits and min(waits) > DATABASE_HEARD:
            return f"the database did not answer for {min(waits):.0f} s"
        return self._trouble_of_index(self._index) if self._index else ""

    @staticmethod
    def _trouble_of_index(index: Index) -> str:
        standing = index.standing
        if standing is None:
            return "the index was not heard yet"
        silence = time.monotonic() - standing.at
        if silence > INDEX_HEARD:
            return f"the index was not heard for {silence:.0f} s"
        return f"the index is {standing.lag:.0f} s behind its mailboxes" if standing.lag > MOST_LAG else ""


def resident(pid: int) -> int:
    """Octets of memory of a process; 0 if the system does not tell."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGESIZE")
