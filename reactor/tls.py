"""The server's side of TLS, as a conversation that another conversation is held through.

It does not know sockets, nor what is said under the encryption, nor where certificates are.
"""

import ssl
from collections.abc import Callable
from contextlib import suppress

from .conversation import Conversation

Contexts = Callable[[], ssl.SSLContext]
"""Gives the context for the next handshake."""

PIECE = 64 * 1024
"""Octets that are encrypted at once; no more are while ciphertext waits to be sent."""

_WIRE_LIMIT = 2 * PIECE
"""Octets of ciphertext that may wait while more is read: answers to the peer's handshakes and new keys are added to it."""

_PLAINER = {
    "WRONG_VERSION_NUMBER": "what came is not TLS",
    "HTTP_REQUEST": "what came is not TLS",
    "UNSUPPORTED_PROTOCOL": "the peer's TLS is older than 1.2",
}


class Encryption:
    """Stands between a connection and a conversation that wants TLS: ciphertext on one side, plain text on the other.

    It is itself a conversation, so the connection needs to know nothing of it. What its conversation said before goes out
    first and in plain; nothing that it says later does. Whoever fails at TLS is sent the alert and finished, and `farewell`
    says why.
    """

    __slots__ = (
        "_conversation", "_failure", "_from_peer", "_has_ended", "_is_established", "_tls", "_to_peer", "_wire",
    )  # fmt: skip

    stance = None  # ciphertext waits here, too

    def __init__(self, conversation: Conversation, context: ssl.SSLContext) -> None:
        self._conversation = conversation
        self._from_peer = ssl.MemoryBIO()
        self._to_peer = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._from_peer, self._to_peer, server_side=True)
        self._is_established = False
        self._has_ended = False
        self._failure = ""
        self._wire = bytearray(conversation.outgoing)
        conversation.outgoing.clear()

    # What the connection sees

    @property
    def outgoing(self) -> bytearray:
        """What is to be sent, encrypted a piece at a time: the next when all before is sent."""
        if not self._wire and self._is_established and not self._failure:
            self._encrypt(self._conversation.outgoing)
            if self._conversation.is_finished and not self._conversation.outgoing:
                self._take_leave()
        return self._wire

    @property
    def takes_input(self) -> bool:
        """During the handshake, too, whether the conversation takes some or not."""
        if self.is_finished or len(self._wire) >= _WIRE_LIMIT:
            return False
        return self._conversation.takes_input or not self._is_established

    @property
    def is_behind(self) -> bool:
        """The conversation is; during the handshake it has to wait."""
        return self._is_established and self._conversation.is_behind

    @property
    def is_finished(self) -> bool:
        """The conversation is, or TLS has failed. What it has said during the handshake is then never sent."""
        return bool(self._failure) or self._conversation.is_finished

    @property
    def is_agreed(self) -> bool:
        """True also when the peer has said, in TLS, that it will send no more."""
        return self._has_ended or self._conversation.is_agreed

    @property
    def wants_tls(self) -> bool:
        """This is it, and there is no second TLS inside."""
        return False

    @property
    def patience(self) -> float:
        """The conversation's."""
        return self._conversation.patience

    @property
    def farewell(self) -> str:
        """Why TLS has failed, or the conversation's farewell."""
        return self._failure or self._conversation.farewell

    def open(self) -> None:
        """The peer speaks first."""

    def secured(self) -> None:
        """Never called: this wants no TLS."""

    def receive(self, data: bytes) -> None:
        """Ciphertext came. It may end the handshake, carry plain text, and end the input, all at once."""
        if self._failure or self._has_ended:
            return
        self._from_peer.write(data)
        if not self._is_established:
            if not self._shake_hands():
                return
            self._conversation.secured()
        plain = self._decrypt()
        if plain:
            self._conversation.receive(plain)
        if self._has_ended:
            self._conversation.end_of_input()

    def end_of_input(self) -> None:
        """The peer has ended its side of the connection, with or without a word in TLS before."""
        if self._failure or self._has_ended:
            return
        self._has_ended = True
        if self._is_established:
            self._conversation.end_of_input()
        else:
            self._failure = "TLS handshake failed: the peer left"

    def resume(self) -> None:
        """As the conversation's, and so are the following."""
        self._conversation.resume()

    def time_out(self) -> None:
        """Nothing came, or nothing went, for too long."""
        self._conversation.time_out()

    def shut_down(self, at_once: bool) -> None:
        """The program wants to end."""
        self._conversation.shut_down(at_once)

    def break_down(self) -> None:
        """An exception came out of the conversation."""
        self._conversation.break_down()

    def hang_up(self) -> None:
        """The connection is gone."""
        self._conversation.hang_up()

    # TLS

    def _shake_hands(self) -> bool:
        """As far as what came allows; true when the handshake is complete."""
        if self._conversation.is_finished:
            return False
        try:
            self._tls.do_handshake()
            self._is_established = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self._failure = f"TLS handshake failed: {reason(error)}"
        self._flush()
        return self._is_established

    def _decrypt(self) -> bytes:
        """All that came: nothing may stay where the selector does not see it. It is less than the ciphertext was."""
        pieces = []
        try:
            while piece := self._tls.read(PIECE):
                pieces.append(piece)
            self._has_ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._has_ended = True
        except ssl.SSLError as error:
            self._fail(error)
        self._flush()
        return b"" if self._failure else b"".join(pieces)

    def _encrypt(self, plain: bytearray) -> None:
        if not plain:
            return
        piece = plain[:PIECE]
        try:
            taken = self._tls.write(piece)
        except ssl.SSLError as error:
            self._fail(error)
        else:
            del plain[:taken]
        self._flush()

    def _take_leave(self) -> None:
        """Says close_notify, once however often this is called."""
        with suppress(ssl.SSLError):  # it would like to wait for the peer's
            self._tls.unwrap()
        self._flush()

    def _fail(self, error: ssl.SSLError) -> None:
        self._failure = f"TLS failed: {reason(error)}"

    def _flush(self) -> None:
        if self._to_peer.pending:
            self._wire += self._to_peer.read()


def reason(error: ssl.SSLError) -> str:
    """OpenSSL's reason, in words."""
    if error.reason in _PLAINER:
        return _PLAINER[error.reason]
    return error.reason.lower().replace("_", " ") if error.reason else str(error.strerror or error)
