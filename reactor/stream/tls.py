"""The server's side of TLS, as a conversation that another conversation is held through.

It does not know sockets, nor what is said under the encryption, nor where certificates are.
"""

import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from .conversation import Conversation
from .tls_records import Hello, whole

Contexts = Callable[[], ssl.SSLContext]
"""Gives the context for the next handshake."""

Cancel = Callable[[], None]
Beside = Callable[[Callable[[], Any], Callable[[Any], None]], Cancel]
"""Makes a costly call beside the loop, and tells its result there, unless that is cancelled. Raises RuntimeError when it
cannot."""

MOST_OCTETS = 16 * 1024
"""Octets that a handshake may take until it is complete: some need two."""

RECORDS = 32
"""Records that are decrypted at once: each may ask for new keys, which takes much longer than to read it."""

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

    A handshake, in which a key is used, is made `beside` the loop if that can be; then `wake` is called,
    and `resume` is due. Before a whole ClientHello has come there is nothing of TLS that could take memory.
    """

    __slots__ = (
        "_beside", "_came", "_cancel", "_context", "_conversation", "_failure", "_from_peer", "_has_ended",
        "_hello", "_is_established", "_is_over", "_outcome", "_taken", "_tls", "_to_peer", "_wake", "_wire",
    )  # fmt: skip

    interest = None  # ciphertext waits here, too

    def __init__(
        self,
        conversation: Conversation,
        context: ssl.SSLContext,
        wake: Callable[[], None] = lambda: None,
        beside: Beside | None = None,
    ) -> None:
        self._conversation = conversation
        self._context = context
        self._wake = wake
        self._beside = beside
        self._from_peer: ssl.MemoryBIO | None = None
        self._to_peer: ssl.MemoryBIO | None = None
        self._tls: ssl.SSLObject | None = None
        self._hello = Hello()
        self._came = bytearray()
        """Ciphertext that TLS has not taken yet."""
        self._taken = 0
        """Octets that the handshake has taken."""
        self._cancel: Cancel | None = None
        """There while the handshake is made beside the loop, and nobody else may touch TLS."""
        self._outcome: str | None = None
        self._is_established = False
        self._is_over = False
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
        if self.is_finished or len(self._wire) >= _WIRE_LIMIT or len(self._came) >= PIECE or self._is_over:
            return False
        return not self._is_established or (self._conversation.takes_input and not self._has_more)

    @property
    def is_behind(self) -> bool:
        """The conversation is, or it could take more; during the handshake it has to wait."""
        return self._is_established and (
            self._conversation.is_behind
            or (self._conversation.takes_input and self._has_more and len(self._wire) < _WIRE_LIMIT)
        )

    @property
    def _has_more(self) -> bool:
        """Whether what came is to be taken still."""
        return not (self._failure or self._has_ended) and whole(self._came, 1) > 0

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
        if not (self._failure or self._has_ended):
            self._came += data
            self._go_on()

    def end_of_input(self) -> None:
        """The peer has ended its side of the connection, with or without a word in TLS before."""
        if self._failure or self._has_ended:
            return
        self._is_over = True
        if not self._is_established:
            self._drop()
            self._failure = "TLS handshake failed: the peer left"
        self._end_if_over()

    def resume(self) -> None:
        """As the conversation's, and so are the following. What came is taken as far as there was no time before."""
        outcome, self._outcome = self._outcome, None
        if outcome is not None:
            self._shaken(outcome)
        else:
            self._conversation.resume()
        self._go_on()

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
        self._drop()
        self._conversation.hang_up()

    # TLS

    def _go_on(self) -> None:
        """Takes what came: so much that others do not wait for long. When there is more, this `is_behind`."""
        if not self._is_established:
            self._shake_hands()
        if self._is_established and self._conversation.takes_input and self._has_more:
            plain = self._decrypt(self._take(whole(self._came, RECORDS)))
            if plain:
                self._conversation.receive(plain)
            if self._has_ended:
                self._conversation.end_of_input()
        self._end_if_over()

    def _end_if_over(self) -> None:
        if self._is_over and not self._has_ended and not self._has_more:
            self._has_ended = True
            if self._is_established:
                self._conversation.end_of_input()

    def _take(self, length: int) -> bytes:
        taken = bytes(self._came[:length])
        del self._came[:length]
        return taken

    def _shake_hands(self) -> None:
        """As far as what came allows."""
        while not (self._is_established or self._failure or self._is_beside or self._conversation.is_finished):
            length = whole(self._came, 1) if self._tls else self._hello.length(self._came)
            if self._taken + (length or len(self._came)) > MOST_OCTETS:
                self._failure = "TLS handshake failed: it takes too many octets"
                return
            if not length:
                return
            self._taken += length
            tls = self._feed(self._take(length))
            attempt = partial(_attempt, tls)
            if self._beside:
                with suppress(RuntimeError):  # there can be no thread
                    self._cancel = self._beside(attempt, self._handshake_made)
                    return
            self._shaken(attempt())

    def _feed(self, data: bytes) -> ssl.SSLObject:
        if self._tls is None or self._from_peer is None:
            self._from_peer, self._to_peer = ssl.MemoryBIO(), ssl.MemoryBIO()
            self._tls = self._context.wrap_bio(self._from_peer, self._to_peer, server_side=True)
        self._from_peer.write(data)
        return self._tls

    def _handshake_made(self, outcome: str | None) -> None:
        """What was done beside the loop is done. None: it was not, by a fault of ours that is logged."""
        self._cancel = None
        self._outcome = "internal error" if outcome is None else outcome
        self._wake()

    def _shaken(self, outcome: str) -> None:
        self._flush()
        if outcome == _DONE:
            self._is_established = True
            self._conversation.secured()
        elif outcome != _MORE:
            self._failure = f"TLS handshake failed: {outcome}"

    @property
    def _is_beside(self) -> bool:
        """Whether the handshake is made beside the loop, or was, and `resume` is due."""
        return self._cancel is not None or self._outcome is not None

    def _drop(self) -> None:
        """Nobody waits for the handshake any more."""
        if self._cancel:
            self._cancel()
            self._cancel = None

    def _decrypt(self, data: bytes) -> bytes:
        """All that is in these records: nothing may stay where nobody sees it. It is less than the ciphertext was."""
        tls = self._feed(data)
        pieces = []
        try:
            while piece := tls.read(PIECE):
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
        if not plain or not self._tls:
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
            if self._tls:
                self._tls.unwrap()
        self._flush()

    def _fail(self, error: ssl.SSLError) -> None:
        self._failure = f"TLS failed: {reason(error)}"

    def _flush(self) -> None:
        if self._to_peer and self._to_peer.pending:
            self._wire += self._to_peer.read()


_DONE, _MORE = "done", "more"


def _attempt(tls: ssl.SSLObject) -> str:
    """Whether the handshake is done, or needs more, or why it fails. In any thread."""
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return _MORE
    except ssl.SSLError as error:
        return reason(error)
    return _DONE


def reason(error: ssl.SSLError) -> str:
    """OpenSSL's reason, in words."""
    if error.reason in _PLAINER:
        return _PLAINER[error.reason]
    return error.reason.lower().replace("_", " ") if error.reason else str(error.strerror or error)
