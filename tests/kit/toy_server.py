"""Toys on a port of loopback: a reactor in a thread of the test."""

import socket
import ssl
import threading
from types import TracebackType
from typing import Self

from reactor.loop import READ, Reactor
from reactor.stream.server import Server
from reactor.stream.tls import Contexts

from .tls import Pem
from .toy import Fault, Toy


def contexts(pem: Pem) -> Contexts:
    """A server's context."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem.cert, pem.key)
    return lambda: context


class ToyServer:
    """Serves a toy with this fault to each client. `pem`: for TLS; from the first octet on if `is_encrypted`."""

    def __init__(self, fault: Fault, pem: Pem | None = None, is_encrypted: bool = False) -> None:
        served = fault._replace(terms={"has_tls": pem is not None and not is_encrypted, **fault.terms})
        self._reactor = Reactor()
        self._server = Server(self._reactor, 300, 3600.0, contexts(pem) if pem else None)
        address = self._server.listen("127.0.0.1", 0, lambda peer, wake: Toy(served, wake, is_encrypted))
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
