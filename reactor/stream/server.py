"""A server: its listeners, their connections, the limit on the number of connections, and the shutdown.

Knows nothing about what is said on a connection.
"""

import logging
import resource
import socket
from collections.abc import Callable
from functools import partial

from ..loop import Reactor
from .connection import Connection
from .conversation import Opener
from .listener import Listener, listening
from .tls import Beside, Contexts

log = logging.getLogger("carteiro.reactor")

DRAIN_LIMIT = 10.0
"""Seconds that connections have to end while the server drains."""

Hurried = Callable[[str], None]
"""Hears of a client (`host:port`) that has sent something before it was accepted."""

_OWN_DESCRIPTORS = 64
"""Descriptors that the process needs in addition to its connections."""


class Server:
    """Accepts connections on any number of listeners and gives each a conversation.

    When there are `max_connections`, a further client gets the listener's refusal and is disconnected; the others do not
    notice. `tls` gives the context for conversations that want TLS; without it none may want it. `beside` makes the
    handshakes outside the loop; without it they are made in the loop.
    """

    def __init__(
        self,
        reactor: Reactor,
        max_connections: int,
        idle_timeout: float,
        tls: Contexts | None = None,
        beside: Beside | None = None,
    ) -> None:
        self._reactor = reactor
        self._max_connections = _allowed_connections(max_connections)
        self._idle_timeout = idle_timeout
        self._tls = tls
        self._beside = beside
        self._listeners: list[Listener] = []
        self._connections: set[Connection] = set()
        self._drained: Callable[[], None] | None = None
        self.refused = 0
        """Clients that were refused, since there were too many."""

    def listen(self, host: str, port: int, open_conversation: Opener, refusal: bytes = b"") -> str:
        """Listens on all addresses of a host. Returns the first one as `host:port`. Raises ListenError."""
        first, *others = [socks[0] for socks in listening(host, port)]
        for sock in others:
            self.listen_on(sock, open_conversation, refusal)
        return self.listen_on(first, open_conversation, refusal)

    def listen_on(
        self, sock: socket.socket, open_conversation: Opener, refusal: bytes = b"", hurried: Hurried | None = None
    ) -> str:
        """Accepts clients on a socket that already listens. Returns its address as `host:port`.

        `hurried` hears of each client that has sent something before it was accepted, just before its conversation begins.
        """
        listener = Listener(self._reactor, sock, partial(self._accepted, open_conversation, refusal, hurried))
        self._listeners.append(listener)
        return listener.address

    def drain(self, drained: Callable[[], None]) -> None:
        """Stops accepting and lets the conversations end. After DRAIN_LIMIT it closes the rest. Then calls `drained`.

        `drained` may be called more than once.
        """
        self._stop_listening()
        self._drained = drained
        self._reactor.call_later(DRAIN_LIMIT, self.close)
        for connection in list(self._connections):
            connection.shut_down()
        self._check_drained()

    def close(self) -> None:
        """Closes all listeners and connections at once."""
        self._stop_listening()
        for connection in list(self._connections):
            connection.cut_off("the server stopped")

    def _stop_listening(self) -> None:
        for listener in self._listeners:
            listener.close()

    def _accepted(
        self, open_conversation: Opener, refusal: bytes, hurried: Hurried | None, sock: socket.socket, peer: str
    ) -> None:
        if len(self._connections) >= self._max_connections:
            self.refused += 1
            log.warning("%s refused: %d connections are the limit", peer, self._max_connections)
            _send_and_close(sock, refusal)
            return
        if hurried and _has_input(sock):
            hurried(peer)
        try:
            connection = Connection(
                self._reactor, sock, peer, open_conversation, self._idle_timeout, self._closed, self._tls, self._beside
            )
        except Exception:
            log.exception("%s: internal error before the first byte", peer)
            sock.close()
            return
        if not connection.is_closed:
            self._connections.add(connection)

    def _closed(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._check_drained()

    def _check_drained(self) -> None:
        if self._drained and not self._connections:
            self._drained()


def _has_input(sock: socket.socket) -> bool:
    """Whether the peer has sent something."""
    try:
        return bool(sock.recv(1, socket.MSG_PEEK))
    except OSError:
        return False


def _send_and_close(sock: socket.socket, data: bytes) -> None:
    with sock:
        try:
            if data:
                sock.send(data)
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def _allowed_connections(wanted: int) -> int:
    """Raises the soft limit on open files as far as needed and allowed. Returns the number of connections it then allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _OWN_DESCRIPTORS
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    connections = min(wanted, max(1, allowed - _OWN_DESCRIPTORS))
    if connections < wanted:
        log.warning("open files are limited to %d here, so connections to %d", allowed, connections)
    return connections
