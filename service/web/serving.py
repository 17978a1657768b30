"""Serving HTTP in a process beside the server: on sockets that it inherits, until its standard input ends.

Knows nothing about what is asked for.
"""

import os
import signal
import socket
from collections.abc import Callable, Sequence
from typing import NamedTuple

from reactor.loop import READ, Reactor
from reactor.stream.conversation import Conversation
from reactor.stream.server import Server
from web.application import Application
from web.connection import HttpConnection

from ..commands import REREAD

CONNECTIONS = 200
"""Most clients at once."""

IDLE = 3_600.0
"""Seconds of silence after which any connection is closed; most have a shorter limit of their own."""

TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\nRetry-After: 1\r\n\r\n"


class Place(NamedTuple):
    """Sockets by their descriptors, and what answers there."""

    descriptors: Sequence[int]
    application: Application


def serve(
    reactor: Reactor,
    places: Sequence[Place],
    answered: Callable[[int], None],
    reread: Callable[[], None] = lambda: None,
) -> None:
    """Serves until standard input ends, or a signal comes. `answered` hears of the status of each answer; `reread` is called
    when the server is to read its files again.
    """
    servers = [_server(reactor, place, answered) for place in places]

    def parent_spoke(_: int) -> None:
        said = os.read(0, 4096)
        if not said:
            reactor.unwatch(0)
            stop()
        elif REREAD in said:
            reread()

    def stop() -> None:
        for server in servers:
            server.close()
        reactor.stop()

    os.set_blocking(0, False)
    reactor.watch(0, READ, parent_spoke)
    reactor.on_signal(signal.SIGTERM, stop)
    reactor.run()


def _server(reactor: Reactor, place: Place, answered: Callable[[int], None]) -> Server:
    application = place.application

    def open_connection(peer: str, wake: Callable[[], None]) -> Conversation:
        clock, longest_body = (lambda: reactor.now), application.longest_body
        return HttpConnection(application, peer, wake, clock, longest_body, answered=answered)

    server = Server(reactor, CONNECTIONS, IDLE)
    for descriptor in place.descriptors:
        server.listen_on(socket.socket(fileno=descriptor), open_connection, TOO_MANY)
    return server
