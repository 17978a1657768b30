"""Toys on a port of loopback: a reactor in a thread of the test."""

import socket
import threading
from types import TracebackType
from typing import Self

from reactor.loop import READ, Reactor
from reactor.stream.server import Server

from .toy import Fault, Toy


class ToyServer:
    """Serves a toy with this fault to each client, without TLS."""

    def __init__(self, fault: Fault) -> None:
        plain = fault._replace(terms={"has_tls": False, **fault.terms})
        self._reactor = Reactor()
        self._server = Server(self._reactor, 300, 3600.0)
        address = self._server.listen("127.0.0.1", 0, lambda peer, wake: Toy(plain, wake))
        self.port = int(address.rpartition(":")[2])
        self._ours, self._theirs = socket.socketpair()
        self._reactor.watch(self._theirs, READ, lambda _: self._reactor.stop())
        self._thread = threading.Thread(target=self._reactor.run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ours.send(b"\0")
        self._thread.join(10)
        assert not self._thread.is_alive()
        self._server.close()
        self._reactor.close()
        self._ours.close()
        self._theirs.close()
