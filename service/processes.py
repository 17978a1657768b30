"""The parent of several processes that serve the same addresses: starts them, and passes signals on to them.

Knows nothing about what a worker does for its clients.
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
"""More workers than this for each core are no help."""

Work = Callable[[int, Sequence[Listener], Parent], None]
"""The work of a worker: serves on its own sockets of the listeners until a signal ends it. Raises StorageError."""


def count_of(workers: int) -> int:
    """The number of processes for a value of --workers: 0 means one per core. Warns of too many."""
    cores = os.cpu_count() or 1
    if workers > WORKERS_A_CORE * cores:
        words = "--workers %d on %d cores: each has a journal of 16 MiB, and more than %d per core are no help"
        log.warning(words, workers, cores, WORKERS_A_CORE)
    return workers or cores


class Workers:
    """Runs `count` workers and passes signals on to them, until all have ended.

    `store` is this process's own: meanwhile it moves the mail that earlier workers left in their journals.
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
        self._count = count
        self._supervisor = Supervisor(self.reactor, count, self._begin, self.reactor.stop)

    @property
    def restarts(self) -> int:
        """How often a worker was started again."""
        return max(0, self._supervisor.starts - self._count)

    def run(self, announce: Callable[[], None] = lambda: None) -> None:
        """Runs until all workers have ended."""
        announce()
        self.reactor.run()
        self._supervisor.close()
        self.reactor.close()
        self._store.close()
        log.info("all workers ended")

    def stop(self) -> None:
        """Lets the workers drain. A second signal stops them at once."""
        for signum in ENDING:
            self.reactor.on_signal(signum, self._supervisor.stop_at_once)
        for listener in self._listeners:
            listener.close()
        self._supervisor.signal_all(signal.SIGTERM, is_end=True)

    def reread(self) -> None:
        """Makes all workers read their files again. This process does so too, since later workers inherit its copies."""
        self._sources.reread()
        self._supervisor.signal_all(signal.SIGHUP, is_end=False)

    def _begin(self, number: int, parent: Parent) -> int:
        """Runs in a worker's process; returns its exit code."""
        log_as(f"worker {number}")
        try:
            self._work(number, keep_only(self._listeners, number), parent)
        except StorageError as error:
            log.error("%s", error)
            return 1
        return 0
