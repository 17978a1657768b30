"""A listening socket: it accepts until nobody waits, and survives whatever accepting can meet.

It does not know what becomes of an accepted socket.
"""

import errno
import logging
import socket
from collections.abc import Callable

from .addresses import name
from .loop import READ, Reactor

log = logging.getLogger("carteiro.reactor")

BACKLOG = 4096
"""Connections that the kernel may keep until they are accepted (it has a limit of its own, too)."""

ACCEPTS_A_TURN = 256
"""A burst of clients is greeted in parts of this size, so that it does not hold up those already there."""

PAUSE = 0.5
"""Seconds without accepting when the process or the machine is out of descriptors or memory."""

_OUT_OF = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class ListenError(Exception):
    """An address cannot be listened on. The text is one line: where, why, and what to do."""


class Listener:
    """Accepts from a listening socket (see `listening`), and gives each accepted socket and its peer's name away."""

    def __init__(self, reactor: Reactor, sock: socket.socket, accepted: Callable[[socket.socket, str], None]) -> None:
        self._reactor = reactor
        self._accepted = accepted
        self._socket = sock
        self._is_paused = False
        self.is_closed = False
        self.address = name(*self._socket.getsockname()[:2])
        """Where it listens, `host:port`; an IPv6 host stands in brackets."""
        reactor.watch(self._socket, READ, self._accept)

    def close(self) -> None:
        """Listens no longer."""
        if not self.is_closed:
            self.is_closed = True
            if not self._is_paused:
                self._reactor.unwatch(self._socket)
            self._socket.close()

    def _accept(self, _: int) -> None:
        for _turn in range(ACCEPTS_A_TURN):
            if self.is_closed:
                return
            try:
                sock, address = self._socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _OUT_OF:
                    self._pause(error)
                    return
                log.warning("a client left before it was accepted: %s", error.strerror)
                continue
            sock.setblocking(False)
            self._accepted(sock, name(*address[:2]))

    def _pause(self, error: OSError) -> None:
        log.warning("%s: no new connections for %g s: %s", self.address, PAUSE, error.strerror)
        self._is_paused = True
        self._reactor.unwatch(self._socket)
        self._reactor.call_later(PAUSE, self._go_on)

    def _go_on(self) -> None:
        if not self.is_closed:
            self._is_paused = False
            self._reactor.watch(self._socket, READ, self._accept)


def listening(host: str, port: int, count: int = 1) -> list[socket.socket]:
    """Sockets that listen on `host:port` (port 0: the kernel picks one), and share what comes among them.

    Where the kernel does not share it is one socket for all. Raises ListenError when the address cannot be had.
    """
    if count == 1 or not hasattr(socket, "SO_REUSEPORT"):
        return [_listen(host, port, is_shared=False)] * count
    if port:
        _listen(host, port, is_shared=False).close()  # which fails when another program has it, also one that would share it
    first = _listen(host, port, is_shared=True)
    return [first, *(_listen(host, first.getsockname()[1], is_shared=True) for _ in range(1, count))]


def _listen(host: str, port: int, is_shared: bool) -> socket.socket:
    sock = None
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        sock = socket.socket(family, kind, protocol)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted sockets inherit it: replies are small and must not wait for the acknowledgement of the one before.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if is_shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.setblocking(False)
        sock.bind(address)
        sock.listen(BACKLOG)
    except (OSError, UnicodeError) as error:
        if sock:
            sock.close()
        why = error.strerror if isinstance(error, OSError) else "this is no host name"
        raise ListenError(f"cannot listen on {name(host, port)}: {why}: {_advice(error)}") from error
    return sock


def _advice(error: Exception) -> str:
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.EADDRINUSE:
        return "end the program that has this port, or choose another with --listen"
    if code == errno.EACCES:
        return "ports below 1024 are for root, choose another with --listen"
    return "choose an address of this machine with --listen"
