"""One process that serves: its loop, its store, its threads, and the sessions of its clients.

It does not know other processes, but for the one that began it.
"""

import argparse
import logging
import signal
from collections.abc import Callable, Iterable

from protocol.engine import replies
from protocol.engine.environment import Site
from protocol.engine.session import Session
from reactor.loop import Reactor
from reactor.offload import Offload
from reactor.stream.conversation import Opener
from reactor.stream.server import Server
from reactor.supervisor import Parent
from storage.contract import Store

from .lifecycle import Lifecycle
from .listeners import Listener
from .sources import Sources
from .transcript import observer_for, report_for
from .wiring import site_of

log = logging.getLogger("carteiro")


class Service:
    """Serves SMTP on some listeners, each of which has one socket here; the store becomes this service's own."""

    def __init__(self, options: argparse.Namespace, sources: Sources, store: Store, listeners: Iterable[Listener]) -> None:
        self._options = options
        self._sources = sources
        self._store = store
        self.reactor = Reactor()
        self._checks, self._handshakes, self._syncs = (Offload(self.reactor) for _ in range(3))
        store.join(self.reactor, self._syncs.beside)
        tls = sources.certificate.context if sources.certificate else None
        limits = options.max_connections, options.idle_timeout
        self._server = Server(self.reactor, *limits, tls, self._handshakes.beside)
        for listener in listeners:
            self._listen(listener)
        self.lifecycle = Lifecycle(self.reactor, [self._server], sources.reread)

    def _listen(self, listener: Listener) -> None:
        site = site_of(self._options, listener.dialect, self._sources, self._store, self.reactor, self._checks)
        too_many = replies.TOO_MANY_CONNECTIONS.about(site.hostname).line
        (sock,) = listener.sockets
        # Who expects TLS at once could not read a refusal.
        self._server.listen_on(sock, session_opener(site, listener.is_encrypted), b"" if listener.is_encrypted else too_many)

    def run(self, announce: Callable[[], None] = lambda: None, parent: Parent | None = None) -> None:
        """Serves until a signal ends it, or its parent is gone. Then what was accepted is moved, as far as that can be."""
        if parent:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C comes to all: the parent passes it on
            parent.live_with(self.reactor, self.lifecycle.stop)
        announce()
        self.reactor.run()
        if parent:
            parent.end()
        for offload in (self._checks, self._handshakes, self._syncs):
            offload.close()
        self.reactor.close()
        self._store.close()
        log.info("stopped")


def session_opener(site: Site, is_encrypted: bool) -> Opener:
    """Opens the sessions of a listener."""

    def open_session(peer: str, wake: Callable[[], None]) -> Session:
        address = peer.rpartition(":")[0].strip("[]")
        return Session(site, address, report_for(peer), wake, is_encrypted, observer_for(peer))

    return open_session
