"""Snapshots of a process's figures: a few datagrams a second, which nobody has to take.

They go through a pair of sockets that is made before any process is forked, and is inherited by all: it is there with any
store, or none. Sending never waits: what does not fit is dropped, and counted. That loses nothing, since figures grow, and
the next snapshot has them all. Knows nothing about what is counted.
"""

import json
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from reactor.loop import Reactor

EVERY = 1.0
"""Seconds between two snapshots of a process."""

PARENT = 0
"""The number of the process that starts the others. Those that serve are numbered from 1."""

POP3 = -2
"""The number of the process that speaks POP3."""

ROWS = 400
"""Rows of a datagram. A row has about 60 octets, so a datagram has less than LONGEST. A snapshot may take several."""

LONGEST = 64 << 10
"""Octets of a datagram."""


class Row(NamedTuple):
    """A figure: a name, what tells it from others of this name, and its value. What is no gauge only grows."""

    name: str
    labels: tuple[str, ...]
    value: float
    is_gauge: bool = False


class Snapshot(NamedTuple):
    """What a datagram has: figures of a process. Others of the same moment may come in the next one."""

    number: int
    """The worker's, from 1 on; 0 for the process that starts the others."""
    pid: int
    began: float
    """When the process began to count: seconds of a clock that all processes share. It tells it from an earlier one."""
    at: float
    """When the figures were true, by the same clock."""
    rows: list[Row]


class Snapshots:
    """The sockets. Raises OSError if they cannot be made. With a `sender`, it is the end that another process has made."""

    def __init__(self, sender: int | None = None) -> None:
        if sender is None:
            self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        else:
            self._ours, self._theirs = socket.socket(fileno=sender), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        for sock in (self._ours, self._theirs):
            sock.setblocking(False)
        self.dropped = 0
        """Datagrams that nobody took, of this process."""

    @property
    def descriptor(self) -> int:
        """Where the snapshots of all processes arrive."""
        return self._theirs.fileno()

    @property
    def sender(self) -> int:
        """Where they are sent."""
        return self._ours.fileno()

    def begin(self, reactor: Reactor, number: int, rows: Callable[[], Iterable[Row]]) -> None:
        """From now on sends the figures of this process each second, as long as the reactor runs."""
        began = time.monotonic()

        def send() -> None:
            reactor.call_later(EVERY, send)
            for datagram in datagrams(number, began, rows()):
                self.send(datagram)

        send()

    def send(self, datagram: bytes) -> None:
        """Sends a datagram, if there is room for it now."""
        try:
            self._ours.send(datagram, socket.MSG_DONTWAIT)
        except OSError:
            self.dropped += 1

    def close(self) -> None:
        """Closes the sockets."""
        self._ours.close()
        self._theirs.close()


def datagrams(number: int, began: float, rows: Iterable[Row]) -> Iterator[bytes]:
    """A snapshot of this process, in as many datagrams as it needs."""
    left = iter(rows)
    while part := list(islice(left, ROWS)):
        yield json.dumps([number, os.getpid(), began, time.monotonic(), part], separators=(",", ":")).encode()


def parsed(datagram: bytes) -> Snapshot:
    """The content of a datagram. Raises ValueError and TypeError for one that is none of ours."""
    number, pid, began, at, rows = json.loads(datagram)
    figures = [Row(name, tuple(labels), value, is_gauge) for name, labels, value, is_gauge in rows]
    return Snapshot(number, pid, began, at, figures)
