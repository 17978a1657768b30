"""Where clients are listened for, and what is spoken with them there.

It does not accept anybody.
"""

import argparse
import socket
from collections.abc import Callable
from typing import NamedTuple

from reactor.stream import addresses
from reactor.stream.conversation import Opener
from reactor.stream.listener import listening

from .resources import Resources

DEFAULT = ("127.0.0.1", 49152)


class Speech(NamedTuple):
    """What one process says to the clients of a listener."""

    opener: Opener
    """Opens the conversation with a client."""
    refusal: bytes = b""
    """What a client hears when there are too many."""


class Listener(NamedTuple):
    """An address that is listened on: the sockets of all processes that serve, and what they speak there."""

    sockets: list[socket.socket]
    """One for each process. Where the system cannot share an address, all are the same one."""
    speak: Callable[[Resources], Speech]
    """Makes, in a process, what it says there."""
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


def open_listeners(
    options: argparse.Namespace, speak: Callable[[bool], Callable[[Resources], Speech]], processes: int
) -> list[Listener]:
    """Listens on all addresses that the options name; `speak` gives the speech of those with and without TLS from the first
    octet on. Raises ListenError.
    """
    plain = options.listen or ([] if options.listen_tls else [DEFAULT])
    places = [(place, False) for place in plain] + [(place, True) for place in options.listen_tls]
    return [
        Listener(sockets, speak(is_encrypted), is_encrypted)
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
