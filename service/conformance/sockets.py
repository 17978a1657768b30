"""A wire of the conformance kit over a socket: the client's side of a connection, with TLS where it is asked for.

Knows nothing about what is said.

`SocketWire` is a conversation on a `Connection`, as that of any server is. TLS is done here, in memory: the reactor knows
only the server's side of it.
"""

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

from reactor.loop import Reactor
from reactor.stream.tls import reason

from .tasks import Waiting, pause

LONGEST_SILENCE = 86_400.0
"""Seconds. The kit has its own patience, so the connection's is long."""

PIECE = 64 * 1024
"""Octets that are decrypted at once."""


def trusting_anybody() -> ssl.SSLContext:
    """A client's context that does not check certificates: servers under test sign their own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class SocketWire:
    """A connection to the server under test.

    Its first methods are those of `conformance.wire.Wire`, the others those of a conversation of the reactor.
    """

    takes_input = True
    is_behind = is_agreed = wants_tls = False
    interest = None
    patience = LONGEST_SILENCE
    farewell = ""

    def __init__(
        self,
        reactor: Reactor,
        sock: socket.socket,
        context: ssl.SSLContext,
        wake: Callable[[], None],
        waited: Callable[[float], None],
    ) -> None:
        self._reactor = reactor
        self._socket = sock
        self._context = context
        self._wake = wake
        self._waited = waited
        self._tls: ssl.SSLObject | None = None
        self._from_peer, self._to_peer = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._came = b""
        self._has_ended = False
        self._waiting: Waiting[bytes | None] | None = None
        self._sent: Waiting[None] | None = None
        self.close_now: Callable[[], None] = lambda: None
        self.outgoing = bytearray()
        self.is_finished = False

    # For the kit

    def send(self, data: bytes) -> None:
        """Sends bytes, as soon as there is room."""
        if self.is_finished or self._has_ended or not data:
            return
        if self._tls:
            with suppress(ssl.SSLError):
                self._tls.write(data)
            self.outgoing += self._to_peer.read()
        else:
            self.outgoing += data
        self._wake()

    async def hear(self, seconds: float) -> bytes | None:
        """The bytes that come next; b"" at the end; None if nothing comes for so long."""
        if self._tls:
            self._decrypt()
        if not self._came and not self._has_ended and not self.is_finished:
            self._waiting = Waiting(self._reactor)
            self._waiting.bring_after(seconds, None)
            began = self._reactor.now
            if await self._waiting is None:
                self._waiting = None
                return None
            self._waiting = None
            self._waited(self._reactor.now - began)
        came, self._came = self._came, b""
        return came

    def put_back(self, data: bytes) -> None:
        """Makes bytes those that come next."""
        self._came = data + self._came

    async def secure(self, seconds: float = 10.0) -> str:
        """Makes a TLS handshake. Returns why it failed, "" if it did not."""
        self._came = b""
        tls = self._context.wrap_bio(self._from_peer, self._to_peer, server_hostname=None)
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                self.outgoing += self._to_peer.read()
                self._wake()
            except ssl.SSLError as error:
                return reason(error)
            else:
                self.outgoing += self._to_peer.read()
                self._wake()
                self._tls = tls
                return ""
            came = await self.hear(seconds)
            if not came:
                return "the server is silent" if came is None else "the server closes the connection"
            self._from_peer.write(came)

    async def end_output(self) -> None:
        """Says that nothing more will be sent."""
        await self._flushed()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    async def pause(self, seconds: float) -> None:
        """Lets time pass, once all is sent."""
        await self._flushed()
        await pause(self._reactor, seconds)

    def close(self) -> None:
        """Closes the connection at once, once this turn's output is sent."""
        if not self.is_finished:
            self.is_finished = True
            self._wake()
            self._reactor.call_soon(self.close_now)

    async def _flushed(self) -> None:
        while self.outgoing and not self._has_ended:
            await pause(self._reactor, 0.001)

    def _decrypt(self) -> None:
        assert self._tls
        if self._from_peer.pending == 0 and self._came:
            return
        with suppress(ssl.SSLWantReadError):
            try:
                while piece := self._tls.read(PIECE):
                    self._came += piece
            except ssl.SSLZeroReturnError:
                self._has_ended = True
            except ssl.SSLWantReadError:
                raise
            except ssl.SSLError:
                self._has_ended = True

    # For the connection

    def open(self) -> None:
        """Does nothing: the server speaks first."""

    def receive(self, data: bytes) -> None:
        """Takes bytes from the server."""
        if self._tls:
            self._from_peer.write(data)
            self._decrypt()
        else:
            self._came += data
        if self._waiting and (self._came or self._has_ended):
            self._waiting.bring(b"")

    def end_of_input(self) -> None:
        """The server has closed the connection."""
        self._has_ended = True
        if self._waiting:
            self._waiting.bring(b"")

    def resume(self) -> None:
        """Does nothing: what is to be sent is in `outgoing`."""

    def secured(self) -> None:
        """Never called: this wants no TLS of the connection."""

    def time_out(self) -> None:
        """Nothing was said for a day."""
        self.is_finished = True

    def shut_down(self, at_once: bool) -> None:
        """The program wants to end."""
        self.is_finished = True

    def break_down(self) -> None:
        """A method of this wire has raised an exception, which is logged."""
        self.hang_up()

    def hang_up(self) -> None:
        """The connection is gone."""
        self.is_finished = True
        self.end_of_input()
