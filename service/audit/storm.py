"""Many clients at once: keeps a number of connections to several servers open, and gives each the next letter.

Knows nothing about the dialogue.

A client whose connection ends, or cannot be made, goes to the next server, as a sender with several MX records does. It
waits before that: 50 ms, and twice as long each time that it gets nowhere, up to a second.
"""

import errno
import os
import socket
from collections.abc import Callable
from typing import Any, NamedTuple

from reactor.loop import WRITE, Reactor, Timer
from reactor.stream import addresses
from reactor.stream.connection import Connection

from .history import History
from .letters import Letter
from .sender import Sender

CONNECT_TIMEOUT = 5.0
"""Seconds to wait for a connection to be made."""

SHORTEST_WAIT = 0.05
"""Seconds that a client waits before it connects again, at first."""

LONGEST_WAIT = 1.0
"""The same at the most."""


class Server(NamedTuple):
    """Where a server is: what people call it, and what a socket needs."""

    name: str
    family: socket.AddressFamily
    address: Any


def look_up(host: str, port: int) -> Server:
    """Finds a server's address. Raises OSError."""
    return Server(addresses.name(host, port), *addresses.look_up(host, port))


class Client:
    """One of the clients: its connection, and those that follow on it."""

    def __init__(self, storm: "Storm", number: int) -> None:
        self._storm = storm
        self._turn = number
        self._wait = 0.0
        self._sender: Sender | None = None
        self._connection: Connection | None = None
        self._attempt: tuple[socket.socket, Timer] | None = None
        self.is_over = False

    def connect(self) -> None:
        """Begins a connection to the server whose turn it is."""
        if self._storm.is_stopping:
            self._end()
            return
        server = self._storm.servers[self._turn % len(self._storm.servers)]
        self._turn += 1
        sock = socket.socket(server.family, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        why = sock.connect_ex(server.address)
        if why not in (0, errno.EINPROGRESS):
            sock.close()
            self._missed(server, os.strerror(why))
            return
        reactor = self._storm.reactor
        timer = reactor.call_later(CONNECT_TIMEOUT, lambda: self._connected(server, errno.ETIMEDOUT))
        self._attempt = (sock, timer)
        reactor.watch(sock, WRITE, lambda _: self._connected(server))

    def _connected(self, server: Server, why: int = 0) -> None:
        """The attempt is over: with a connection, or not."""
        assert self._attempt
        (sock, timer), self._attempt = self._attempt, None
        timer.cancel()
        self._storm.reactor.unwatch(sock)
        why = why or sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if why:
            sock.close()
            self._missed(server, os.strerror(why))
            return
        self._connection = Connection(
            self._storm.reactor,
            sock,
            server.name,
            lambda _, wake: self._open(server, wake),
            self._storm.patience,
            lambda _: self._closed(server),
        )

    def _open(self, server: Server, wake: Callable[[], None]) -> Sender:
        storm = self._storm
        self._sender = Sender(server.name, storm.draw, storm.history, storm.patience, wake, storm.reactor.call_later)
        return self._sender

    def _closed(self, server: Server) -> None:
        assert self._sender
        has_greeted, self._connection = self._sender.has_greeted, None
        if not has_greeted:
            self._missed(server, "it did not greet")
            return
        self._wait = 0.0
        self._again()

    def _missed(self, server: Server, why: str) -> None:
        self._storm.history.miss(server.name, why)
        self._storm.trouble = f"{server.name}: {why}"
        self._again()

    def _again(self) -> None:
        """Connects once more, after a while."""
        self._wait = min(LONGEST_WAIT, max(SHORTEST_WAIT, 2 * self._wait))
        self._storm.reactor.call_later(self._wait, self.connect)

    def cut_off(self) -> None:
        """Ends at once."""
        if self._attempt:
            (sock, timer), self._attempt = self._attempt, None
            timer.cancel()
            self._storm.reactor.unwatch(sock)
            sock.close()
        if self._connection:
            self._connection.cut_off("stopped")
        self._end()

    def _end(self) -> None:
        if not self.is_over:
            self.is_over = True
            self._storm.left()


class Storm:
    """The clients, and what they share. `draw` gives the next letter, or None when there are enough."""

    def __init__(
        self,
        reactor: Reactor,
        servers: list[Server],
        history: History,
        draw: Callable[[], Letter | None],
        patience: float,
    ) -> None:
        self.reactor = reactor
        self.servers = servers
        self.history = history
        self.patience = patience
        self.is_stopping = False
        self.trouble = ""
        """Why the last server that could not be reached was not."""
        self._draw = draw
        self._clients: list[Client] = []

    def begin(self, clients: int) -> None:
        """Lets so many clients connect."""
        self._clients = [Client(self, number) for number in range(clients)]
        for client in self._clients:
            client.connect()

    def draw(self) -> Letter | None:
        """The next letter; None: the client is to leave."""
        letter = None if self.is_stopping else self._draw()
        if letter is None:
            self.stop()
        return letter

    def stop(self) -> None:
        """Begins no further letter. Those on their way are waited for; a second call does not wait."""
        if self.is_stopping:
            return
        self.is_stopping = True
        self.history.stop()

    def cut_off(self) -> None:
        """Ends all connections at once."""
        self.stop()
        for client in self._clients:
            client.cut_off()

    def left(self) -> None:
        """A client has ended. With the last one the loop does."""
        if all(client.is_over for client in self._clients):
            self.reactor.stop()
