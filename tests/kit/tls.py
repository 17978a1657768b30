"""Certificates made by `openssl`, a peer that speaks TLS in memory, and a server of Echos in a thread of its own."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from reactor.loop import READ, Reactor
from reactor.stream.addresses import parse
from reactor.stream.conversation import Conversation
from reactor.stream.server import Server
from reactor.stream.tls import Contexts

from .echo import Echo
from .support import program

EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")


class Pem(NamedTuple):
    """The files of a certificate and its key."""

    cert: Path
    key: Path


def make_pem(directory: Path, name: str = "server", *how: str, days: int = 2) -> Pem:
    """Makes a self-signed certificate for localhost. `how` replaces the kind of key."""
    pem = Pem(directory / f"{name}-cert.pem", directory / f"{name}-key.pem")
    command = [program("openssl"), "req", "-x509", *(how or (*EC, "-nodes")), "-subj", f"/CN={name}", "-days", str(days)]
    names = ("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    subprocess.run([*command, *names, "-out", pem.cert, "-keyout", pem.key], check=True, capture_output=True, timeout=60)
    return pem


def trusting(pem: Pem) -> ssl.SSLContext:
    """A client's context that trusts only this certificate."""
    return ssl.create_default_context(cafile=str(pem.cert))


class Peer:
    """A client in memory: ciphertext in, ciphertext out, and the plain text that it has heard."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname="localhost")
        self.heard = bytearray()
        self.is_secured = False
        self.has_ended = False
        self.receive(b"")

    def receive(self, data: bytes | bytearray) -> None:
        self._incoming.write(data)
        try:
            if not self.is_secured:
                self.tls.do_handshake()
                self.is_secured = True
            while piece := self.tls.read(1 << 16):
                self.heard += piece
            self.has_ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.has_ended = True

    def say(self, data: bytes) -> bytes:
        """Encrypts words; returns all ciphertext that is due."""
        self.tls.write(data)
        return self.due()

    def leave(self) -> bytes:
        """The ciphertext of a close_notify."""
        with suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        return self.due()

    def due(self) -> bytes:
        return self._outgoing.read()


def exchange(peer: Peer, conversation: Conversation, sizes: Iterable[int] = (1 << 16,)) -> None:
    """Carries ciphertext both ways, in pieces of these sizes, until neither side has more."""
    pieces = cycle(sizes)
    while True:
        data = peer.due()
        is_quiet = not data
        while data:
            size = next(pieces)
            conversation.receive(data[:size])
            data = data[size:]
        while outgoing := conversation.outgoing:
            is_quiet = False
            size = next(pieces)
            taken = outgoing[:size]
            del outgoing[:size]
            peer.receive(taken)
        if is_quiet:
            return


class Service:
    """A server of Echos in a thread, with a port on which TLS can be begun, and one on which it must be."""

    def __init__(self, tls: Contexts, max_connections: int = 10) -> None:
        self.echos: list[Echo] = []
        self._reactor = Reactor()
        self._server = Server(self._reactor, max_connections, 300, tls)
        self.plain = parse(self._server.listen("127.0.0.1", 0, self._opener(False), b"full\n"))
        self.implicit = parse(self._server.listen("127.0.0.1", 0, self._opener(True)))
        ours, self._stop = socket.socketpair()
        self._reactor.watch(ours, READ, lambda _: self._reactor.stop())
        self._sockets = [ours, self._stop]
        self._thread = threading.Thread(target=self._run)

    def _opener(self, wants_tls: bool) -> Callable[[str, Callable[[], None]], Echo]:
        def open_echo(_: str, wake: Callable[[], None]) -> Echo:
            echo = Echo(wake, wants_tls)
            self.echos.append(echo)
            return echo

        return open_echo

    def _run(self) -> None:
        self._reactor.run()
        self._server.close()
        self._reactor.close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
        for sock in self._sockets:
            sock.close()

    def stop(self) -> None:
        """Ends the server and its thread; clients stay open."""
        self._stop.send(b"!")
        self._thread.join(20)
        assert not self._thread.is_alive()

    def connect(self, address: tuple[str, int]) -> socket.socket:
        """A client without TLS."""
        sock = socket.create_connection(address, 20)
        self._sockets.append(sock)
        return sock

    def upgrade(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        """A client that begins TLS after some plain text."""
        sock = self.connect(self.plain)
        assert sock.recv(100) == b"hi\n"
        sock.sendall(b"encrypt\n")
        assert sock.recv(100) == b"go ahead\n"
        return self._secure(sock, context)

    def implicitly(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        """A client of the port that expects TLS from the first octet."""
        return self._secure(self.connect(self.implicit), context)

    def _secure(self, sock: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
        secured = context.wrap_socket(sock, server_hostname="localhost")
        self._sockets.append(secured)
        return secured
