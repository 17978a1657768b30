"""One serving process: its loop, its store, its threads, and the sessions of its clients.

Knows of no other process except its parent.
"""

import argparse
import logging
import signal
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from reactor.loop import Reactor
from reactor.offload import Offload
from reactor.stream.server import Server
from reactor.supervisor import Parent
from storage.contract import Store

from .lifecycle import Lifecycle
from .listeners import Listener
from .metering import Metering
from .resources import Resources
from .sources import Sources
from .wiring import newcomers_of

if TYPE_CHECKING:
    from .fussy import Fussy

log = logging.getLogger("carteiro")


class Service:
    """Serves on listeners that have one socket each. Takes over the store: the service closes it at the end.

    With a `metering`, it counts what happens.
    """

    def __init__(
        self,
        options: argparse.Namespace,
        sources: Sources,
        store: Store,
        listeners: Iterable[Listener],
        metering: Metering | None = None,
    ) -> None:
        self._store = store
        self.reread = sources.reread
        """What SIGHUP does."""
        self.reactor = Reactor()
        self._checks, self._handshakes, self._syncs = (Offload(self.reactor) for _ in range(3))
        store.join(self.reactor, self._syncs.beside)
        tls = sources.certificate.context if sources.certificate else None
        limits = options.max_connections, options.idle_timeout
        server = Server(self.reactor, *limits, tls, self._handshakes.beside)
        newcomers, counts = newcomers_of(options, store), metering.counts if metering else None
        fussy = _fussy(metering) if options.fussy else None
        resources = Resources(options, sources, store, self.reactor, self._checks, newcomers, counts, fussy)
        for listener in listeners:
            (sock,) = listener.sockets
            server.listen_on(sock, *listener.speak(resources))
        self.lifecycle = Lifecycle(self.reactor, [server], self.reread)
        if metering:
            metering.serve(self.reactor, server, store)

    def run(self, announce: Callable[[], None] = lambda: None, parent: Parent | None = None) -> None:
        """Serves until a signal ends it or its parent is gone. Then moves accepted mail to the mailboxes, if possible.

        `announce` is called just before the loop runs.
        """
        if parent:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent passes it on
            parent.live_with(self.reactor, self.lifecycle.stop)
        announce()
        self.reactor.run()
        if parent:
            parent.end()
        for offload in (self._checks, self._handshakes, self._syncs):
            offload.close()
        self._store.close()
        self.reactor.close()
        log.info("stopped")


def _fussy(metering: Metering | None) -> "Fussy":
    from .fussy import Fussy  # the critic, which only who asks for it needs

    return Fussy(metering.send if metering else None)
