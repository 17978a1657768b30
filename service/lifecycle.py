"""How a process that serves is told to end, and how it does.

It does not know what its servers serve.
"""

import logging
import signal
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from reactor.loop import Reactor

log = logging.getLogger("carteiro")

ENDING = (signal.SIGTERM, signal.SIGINT)


class Drainable(Protocol):
    """A server, as far as it can be ended."""

    def drain(self, drained: Callable[[], None]) -> None:
        """Accepts nobody any more and lets its connections end; `drained` is called when all have, perhaps repeatedly."""

    def close(self) -> None:
        """Ends everything at once."""


class Lifecycle:
    """Ends a process in order: SIGTERM and SIGINT drain all its servers and then stop its loop; a second one stops at once.

    SIGHUP calls `reread`.
    """

    def __init__(self, reactor: Reactor, servers: Sequence[Drainable], reread: Callable[[], None]) -> None:
        self._reactor = reactor
        self._servers = list(servers)
        self._draining: set[int] = set()
        for signum in ENDING:
            reactor.on_signal(signum, self.stop)
        reactor.on_signal(signal.SIGHUP, reread)

    def stop(self) -> None:
        """Lets messages on the way end, and stops when all servers are drained."""
        log.info("stopping: messages on the way may end, a second signal stops at once")
        for signum in ENDING:
            self._reactor.on_signal(signum, self.stop_at_once)
        self._draining = set(range(len(self._servers)))
        for number, server in enumerate(self._servers):
            server.drain(partial(self._drained, number))

    def stop_at_once(self) -> None:
        """Closes all connections."""
        log.info("stopping at once")
        for server in self._servers:
            server.close()
        self._reactor.stop()

    def _drained(self, number: int) -> None:
        self._draining.discard(number)
        if not self._draining:
            self._reactor.stop()
