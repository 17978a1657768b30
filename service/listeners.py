"""The addresses that the server listens on, and what it speaks on each.

Opens the sockets; `reactor.stream.listener` accepts the clients.
"""

import argparse
import socket
from collections.abc import Callable
from typing import NamedTuple

from reactor.stream import addresses
from reactor.stream.conversation import Opener
from reactor.stream.listener import listening
from reactor.stream.server import Hurried

from .resources import Resources

DEFAULT = ("127.0.0.1", 49152)


class Speech(NamedTuple):
    """How one process talks to the clients of a listener."""

    opener: Opener
    """Creates the conversation with a client."""
    refusal: bytes = b""
    """Sent to a client when there are too many connections."""
    hurried: Hurried | None = None
    """Hears of each client that has sent something before it was accepted."""


class Listener(NamedTuple):
    """An address that the server listens on: the sockets of all processes, and what they speak there."""

    sockets: list[socket.socket]
    """One per process. If the system cannot share an address, all entries are the same socket."""
    speak: Callable[[Resources], Speech]
    """Creates the speech of a process; called in that process."""
    is_encrypted: bool = False
    """Whether clients speak TLS from the first octet on."""

    def __str__(self) -> str:
        """The address as the server announces it: `127.0.0.1:465 (TLS)`."""
        return addresses.name(*self.sockets[0].getsockname()[:2]) + " (TLS)" * self.is_encrypted

    def of(self, number: int) -> "Listener":
        """This listener with only the socket of one process, numbered from 1."""
        return self._replace(sockets=[self.sockets[number - 1]])

    def close(self) -> None:
        """Closes all its sockets."""
        for sock in self.sockets:
            sock.close()


def open_listeners(
    options: argparse.Namespace, speak: Callable[[bool], Callable[[Resources], Speech]], processes: int
) -> list[Listener]:
    """Listens on all addresses that the options name. Raises ListenError.

    `speak` takes whether a listener speaks TLS from the first octet on, and returns its `Listener.speak`.
    """
    plain = options.listen or ([] if options.listen_tls else [DEFAULT])
    places = [(place, "--listen") for place in plain] + [(place, "--listen-tls") for place in options.listen_tls]
    return [
        Listener(sockets, speak(flag == "--listen-tls"), flag == "--listen-tls")
        for (host, port), flag in places
        for sockets in listening(host, port, processes, flag)
    ]


def keep_only(listeners: list[Listener], number: int) -> list[Listener]:
    """In a forked process: the listeners with only its own sockets. Closes the sockets of the other processes."""
    own = [listener.of(number) for listener in listeners]
    kept = {sock for listener in own for sock in listener.sockets}
    for sock in {sock for listener in listeners for sock in listener.sockets} - kept:
        sock.close()
    return own
