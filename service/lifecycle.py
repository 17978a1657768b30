"""The shutdown of a serving process: signals drain its servers, then stop its loop.

Knows nothing about what the servers serve.
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
    """The part of a server that ends it."""

    def drain(self, drained: Callable[[], None]) -> None:
        """Stops accepting and lets connections end. Calls `drained` when all have ended, perhaps more than once."""

    def close(self) -> None:
        """Closes everything at once."""


class Lifecycle:
    """Handles the signals of a serving process.

    SIGTERM and SIGINT drain all servers and then stop the loop; a second one stops it at once. SIGHUP calls `reread`.
    """

    def __init__(self, reactor: Reactor, servers: Sequence[Drainable], reread: Callable[[], None]) -> None:
        self._reactor = reactor
        self._servers = list(servers)
        self._draining: set[int] = set()
        for signum in ENDING:
            reactor.on_signal(signum, self.stop)
        reactor.on_signal(signal.SIGHUP, reread)

    def stop(self) -> None:
        """Drains all servers, so that messages on the way can end, and then stops the loop."""
        log.info("stopping: messages on the way may end, a second signal stops at once")
        for signum in ENDING:
            self._reactor.on_signal(signum, self.stop_at_once)
        self._draining = set(range(len(self._servers)))
        for number, server in enumerate(self._servers):
            server.drain(partial(self._drained, number))

    def stop_at_once(self) -> None:
        """Closes all connections and stops the loop."""
        log.info("stopping at once")
        for server in self._servers:
            server.close()
        self._reactor.stop()

    def _drained(self, number: int) -> None:
        self._draining.discard(number)
        if not self._draining:
            self._reactor.stop()
