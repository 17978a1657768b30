"""Several processes that serve the same addresses, and the one that begins and watches them.

It does not know what a process does for its clients.
"""

import logging
import os
import signal
from collections.abc import Callable, Sequence

from reactor.logs import log_as
from reactor.loop import Reactor
from reactor.supervisor import Parent, Supervisor
from storage.contract import Store
from storage.errors import StorageError

from .lifecycle import ENDING
from .listeners import Listener, keep_only
from .sources import Sources

log = logging.getLogger("carteiro")

WORKERS_A_CORE = 4
"""Workers for each core of the machine, beyond which more are no help."""

Work = Callable[[int, Sequence[Listener], Parent], None]
"""What a worker does: it serves on its own sockets of the listeners until it is told to end. Raises StorageError."""


def count_of(workers: int) -> int:
    """How many processes serve, where the operator has asked for so many; 0 is one for each core."""
    cores = os.cpu_count() or 1
    if workers > WORKERS_A_CORE * cores:
        words = "--workers %d on %d cores: each has its own journal, and more than %d a core only get in each other's way"
        log.warning(words, workers, cores, WORKERS_A_CORE)
    return workers or cores


class Workers:
    """Begins `count` workers and passes signals on to them, until all have ended. The store is that of this process: what
    earlier workers left is moved from it meanwhile.
    """

    def __init__(self, count: int, work: Work, store: Store, listeners: list[Listener], sources: Sources) -> None:
        self._work = work
        self._store = store
        self._listeners = listeners
        self._sources = sources
        self.reactor = Reactor()
        store.join(self.reactor)
        for signum in ENDING:
            self.reactor.on_signal(signum, self.stop)
        self.reactor.on_signal(signal.SIGHUP, self.reread)
        self._supervisor = Supervisor(self.reactor, count, self._begin, self.reactor.stop)

    def run(self, announce: Callable[[], None] = lambda: None) -> None:
        """Until all have ended."""
        announce()
        self.reactor.run()
        self._supervisor.close()
        self.reactor.close()
        self._store.close()
        log.info("all workers ended")

    def stop(self) -> None:
        """The workers let messages on the way end; after a second signal they stop at once."""
        for signum in ENDING:
            self.reactor.on_signal(signum, self._supervisor.stop_at_once)
        for listener in self._listeners:
            listener.close()
        self._supervisor.signal_all(signal.SIGTERM, is_end=True)

    def reread(self) -> None:
        """All of them read their files again, and so does this process, for workers that are started later."""
        self._sources.reread()
        self._supervisor.signal_all(signal.SIGHUP, is_end=False)

    def _begin(self, number: int, parent: Parent) -> int:
        """In the process of a worker; returns its exit code."""
        log_as(f"worker {number}")
        try:
            self._work(number, keep_only(self._listeners, number), parent)
        except StorageError as error:
            log.error("%s", error)
            return 1
        return 0
