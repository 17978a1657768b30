"""Where clients are listened for, and what is spoken with them there.

It does not accept anybody.
"""

import argparse
import socket
from typing import NamedTuple

from protocol.engine.dialect import Dialect
from reactor.stream import addresses
from reactor.stream.listener import listening

DEFAULT = ("127.0.0.1", 49152)


class Listener(NamedTuple):
    """An address that is listened on: the sockets of all processes that serve, and what they speak there."""

    sockets: list[socket.socket]
    """One for each process. Where the system cannot share an address, all are the same one."""
    dialect: Dialect
    is_encrypted: bool = False
    """Whether TLS is spoken from the first octet on."""

    def __str__(self) -> str:
        """As it is announced: `127.0.0.1:465 (TLS)`."""
        return addresses.name(*self.sockets[0].getsockname()[:2]) + " (TLS)" * self.is_encrypted

    def of(self, number: int) -> "Listener":
        """As one of the processes has it, numbered from 1."""
        return self._replace(sockets=[self.sockets[number - 1]])

    def close(self) -> None:
        """Closes all its sockets."""
        for sock in self.sockets:
            sock.close()


def open_listeners(options: argparse.Namespace, dialect: Dialect, processes: int) -> list[Listener]:
    """Listens on all addresses that the options name. Raises ListenError."""
    plain = options.listen or ([] if options.listen_tls else [DEFAULT])
    places = [(place, False) for place in plain] + [(place, True) for place in options.listen_tls]
    return [
        Listener(sockets, dialect, is_encrypted)
        for (host, port), is_encrypted in places
        for sockets in listening(host, port, processes)
    ]


def keep_only(listeners: list[Listener], number: int) -> list[Listener]:
    """Those of one process; in this process, which was forked off, the sockets of the others are closed."""
    own = [listener.of(number) for listener in listeners]
    kept = {sock for listener in own for sock in listener.sockets}
    for sock in {sock for listener in listeners for sock in listener.sockets} - kept:
        sock.close()
    return own
