"""A listening socket: accepts all waiting clients, and survives every error of accept.

Knows nothing about what happens to an accepted socket.
"""

import errno
import logging
import socket
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..loop import READ, Reactor
from .addresses import name

log = logging.getLogger("carteiro.reactor")

BACKLOG = 4096
"""Most connections that wait in the kernel to be accepted (the kernel may have a lower limit)."""

ACCEPTS_A_TURN = 256
"""Most clients accepted in a turn, so that a burst of new ones does not hold up those already connected."""

PAUSE = 0.5
"""Seconds to stop accepting after the process or the machine has run out of descriptors or memory."""

_OUT_OF = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class ListenError(Exception):
    """The server cannot listen on an address. The text is one line: where, why, and what to do."""


class Listener:
    """Accepts clients on a listening socket (see `listening`), and passes each socket and its peer's name to `accepted`."""

    def __init__(self, reactor: Reactor, sock: socket.socket, accepted: Callable[[socket.socket, str], None]) -> None:
        self._reactor = reactor
        self._accepted = accepted
        self._socket = sock
        self._is_paused = False
        self.is_closed = False
        self.address = name(*self._socket.getsockname()[:2])
        """The address that it listens on, as `host:port` with an IPv6 host in brackets."""
        reactor.watch(self._socket, READ, self._accept)

    def close(self) -> None:
        """Stops listening."""
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


def listening(host: str, port: int, count: int = 1, flag: str = "--listen") -> list[list[socket.socket]]:
    """Opens listening sockets on `host:port` (port 0: the kernel picks one). For each address of the host there is a list of
    `count` sockets, between which the kernel spreads the clients (SO_REUSEPORT).

    Without SO_REUSEPORT the list has the same socket `count` times. Addresses that this machine does not have are left out,
    if others remain. Raises ListenError if none remains, or after any other error; its text says to give `flag` another one.
    """
    addresses = _addresses(host, port, flag)
    for is_last in (False, False, True):
        try:
            return _listen_on_all(addresses, port, count)
        except OSError as error:
            # The port that the kernel picked for the first address may be in use on the next one: try again.
            if is_last or port or error.errno != errno.EADDRINUSE:
                raise _cannot_listen(host, port, error, flag) from error
    raise AssertionError


def _listen_on_all(addresses: "Sequence[_Address]", port: int, count: int) -> list[list[socket.socket]]:
    found: list[list[socket.socket]] = []
    missing: OSError | None = None
    for address in addresses:
        try:
            found.append(_listen_on(address, found[0][0].getsockname()[1] if found else port, count))
        except OSError as error:
            if error.errno not in _NO_SUCH_ADDRESS:
                for sock in (sock for socks in found for sock in socks):
                    sock.close()
                raise
            missing = error
    if not found and missing:
        raise missing
    return found


_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


class _Address(NamedTuple):
    family: int
    host: str
    rest: tuple[Any, ...]
    """What follows the port in an address of this family (IPv6: flow info and scope)."""


def _addresses(host: str, port: int, flag: str) -> list[_Address]:
    """The addresses of a host name, without duplicates, in the resolver's order."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise _cannot_listen(host, port, error, flag) from error
    except UnicodeError as error:
        raise ListenError(f"cannot listen on {name(host, port)}: this is no host name: {_ADVICE} {flag}") from error
    return list(dict.fromkeys(_Address(family, str(address[0]), tuple(address[2:])) for family, _, _, _, address in found))


def _listen_on(address: _Address, port: int, count: int) -> list[socket.socket]:
    if count == 1 or not hasattr(socket, "SO_REUSEPORT"):
        return [_listen(address, port, is_shared=False)] * count
    if port:
        _listen(address, port, is_shared=False).close()  # fails if another program has the port, even with SO_REUSEPORT
    first = _listen(address, port, is_shared=True)
    return [first, *(_listen(address, first.getsockname()[1], is_shared=True) for _ in range(1, count))]


def _listen(address: _Address, port: int, is_shared: bool) -> socket.socket:
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        if address.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted sockets inherit this: replies are small and must not wait for the ACK of the previous one.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if is_shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.setblocking(False)
        sock.bind((address.host, port, *address.rest))
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def _cannot_listen(host: str, port: int, error: OSError, flag: str) -> ListenError:
    return ListenError(f"cannot listen on {name(host, port)}: {error.strerror}: {_advice(error)} {flag}")


_ADVICE = "choose an address of this machine with"


def _advice(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "end the program that has this port, or choose another with"
    if error.errno == errno.EACCES:
        return "ports below 1024 are for root, choose another with"
    return _ADVICE
