"""The server's side of TLS, as a conversation that wraps another conversation.

Knows nothing about sockets, about what is said under the encryption, or about where certificates are.

TLS runs in memory: ciphertext from the peer goes into one `ssl.MemoryBIO`, ciphertext for the peer comes out of another, and
an `ssl.SSLObject` works between them. No socket is wrapped: a wrapped socket would read, write and wait in its own way, and
the selector would not see the data that it has already decrypted. So the loop still does all reading and writing, and a
client that stalls in a handshake delays nobody.

A connection is encrypted, in the middle of a dialogue or from its first moment on, as follows:

1. The conversation sets `wants_tls`. At once, the connection puts an `Encryption` in the conversation's place. What the
   conversation has said so far goes to the front of the output in plain text; the peer waits for it before it sends its
   ClientHello. Everything that the conversation says later leaves encrypted.
2. Input is now the handshake. OpenSSL gets nothing until the whole ClientHello has arrived (`tls_records.Hello`), so that
   an idle client costs no memory for TLS; after that it gets whole records. Each attempt runs beside the loop, in a thread,
   since the use of a private key takes long. Nothing else may touch the SSLObject meanwhile. A wake-up brings its result.
3. When the handshake is complete, `secured` is called on the conversation. Data that came with the last bytes of the
   handshake is decrypted in the same turn.

From then on input is decrypted a few records at a time, and output is encrypted on demand: the next PIECE when all
ciphertext before it is sent. So neither direction fills memory. A conversation that finishes before step 3 can say nothing
any more, and the connection closes. An error of TLS finishes the `Encryption`: the alert is sent, and `farewell` says why.
The end of input is the same with and without a close_notify.
"""

import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from .conversation import Conversation
from .tls_records import Hello, whole

Contexts = Callable[[], ssl.SSLContext]
"""Returns the context for the next handshake."""

Cancel = Callable[[], None]
Beside = Callable[[Callable[[], Any], Callable[[Any], None]], Cancel]
"""Makes a costly call outside the loop and passes its result to the callback in the loop, unless cancelled. Raises
RuntimeError if it cannot."""

MOST_OCTETS = 16 * 1024
"""Most octets of input for a handshake; large ones need about 2 KiB."""

RECORDS = 32
"""Most records decrypted at once: each may ask for new keys, which takes much longer than reading it."""

PIECE = 64 * 1024
"""Octets that are encrypted at once. No more are while ciphertext waits to be sent."""

_WIRE_LIMIT = 2 * PIECE
"""With this many octets of unsent ciphertext nothing more is read, since TLS may add answers (key updates) to them."""

_PLAINER = {
    "WRONG_VERSION_NUMBER": "what came is not TLS",
    "HTTP_REQUEST": "what came is not TLS",
    "UNSUPPORTED_PROTOCOL": "the peer's TLS is older than 1.2",
}


class Encryption:
    """Stands between a connection and a conversation that wants TLS: ciphertext on one side, plain text on the other.

    It is itself a conversation, so the connection treats it like any other. `beside` makes the handshake outside the loop;
    `wake` is called when an attempt is done, and `resume` is then due. Without `beside`, or if no thread can be started, the
    handshake is made in the loop.
    """

    __slots__ = (
        "_beside", "_came", "_cancel", "_context", "_conversation", "_failure", "_from_peer", "_has_ended",
        "_hello", "_is_established", "_is_over", "_outcome", "_taken", "_tls", "_to_peer", "_wake", "_wire",
    )  # fmt: skip

    interest = None  # the conversation's is not enough: ciphertext waits here, too

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
        """Ciphertext that OpenSSL has not got yet."""
        self._taken = 0
        """Octets of input that the handshake has used."""
        self._cancel: Cancel | None = None
        """Set while an attempt at the handshake runs beside the loop; nothing else may use the SSLObject then."""
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
        """Ciphertext to send. When it is empty, encrypts the next piece of the conversation's output."""
        if not self._wire and self._is_established and not self._failure:
            self._encrypt(self._conversation.outgoing)
            if self._conversation.is_finished and not self._conversation.outgoing:
                self._take_leave()
        return self._wire

    @property
    def takes_input(self) -> bool:
        """True during the handshake, then as the conversation says; but false while too much is waiting."""
        if self.is_finished or len(self._wire) >= _WIRE_LIMIT or len(self._came) >= PIECE or self._is_over:
            return False
        return not self._is_established or (self._conversation.takes_input and not self._has_more)

    @property
    def is_behind(self) -> bool:
        """True if the conversation is behind, or could take input that is waiting here. False during the handshake."""
        return self._is_established and (
            self._conversation.is_behind
            or (self._conversation.takes_input and self._has_more and len(self._wire) < _WIRE_LIMIT)
        )

    @property
    def _has_more(self) -> bool:
        """Whether a whole record waits to be decrypted."""
        return not (self._failure or self._has_ended) and whole(self._came, 1) > 0

    @property
    def is_finished(self) -> bool:
        """True if the conversation is finished or TLS has failed. Words said in an unfinished handshake are never sent."""
        return bool(self._failure) or self._conversation.is_finished

    @property
    def is_agreed(self) -> bool:
        """True if the conversation and the peer agree on the end, or if input has ended."""
        return self._has_ended or self._conversation.is_agreed

    @property
    def wants_tls(self) -> bool:
        """False: there is no TLS inside TLS."""
        return False

    @property
    def patience(self) -> float:
        """The conversation's patience."""
        return self._conversation.patience

    @property
    def farewell(self) -> str:
        """The reason why TLS has failed, or else the conversation's farewell."""
        return self._failure or self._conversation.farewell

    def open(self) -> None:
        """Does nothing: in TLS the peer speaks first."""

    def secured(self) -> None:
        """Never called: this wants no TLS."""

    def receive(self, data: bytes) -> None:
        """Takes ciphertext. It may complete the handshake, carry plain text and end the input, all at once."""
        if not (self._failure or self._has_ended):
            self._came += data
            self._go_on()

    def end_of_input(self) -> None:
        """The peer has ended its side of the connection, with or without a close_notify."""
        if self._failure or self._has_ended:
            return
        self._is_over = True
        if not self._is_established:
            self._drop()
            self._failure = "TLS handshake failed: the peer left"
        self._end_if_over()

    def resume(self) -> None:
        """Applies the result of a handshake attempt, or resumes the conversation; then processes waiting input."""
        outcome, self._outcome = self._outcome, None
        if outcome is not None:
            self._shaken(outcome)
        else:
            self._conversation.resume()
        self._go_on()

    def time_out(self) -> None:
        """Nothing was sent or received for too long."""
        self._conversation.time_out()

    def shut_down(self, at_once: bool) -> None:
        """The program wants to end."""
        self._conversation.shut_down(at_once)

    def break_down(self) -> None:
        """A method of the conversation, or of this class, has raised an exception."""
        self._conversation.break_down()

    def hang_up(self) -> None:
        """The connection is gone."""
        self._drop()
        self._conversation.hang_up()

    # TLS

    def _go_on(self) -> None:
        """Processes waiting input: at most RECORDS records, so that others do not wait. The rest makes this `is_behind`."""
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
        """Continues the handshake as far as the input allows."""
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
                with suppress(RuntimeError):  # no thread could be started
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
        """Takes the result of an attempt beside the loop. None: it raised an exception, which is logged."""
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
        """Whether an attempt runs beside the loop, or is done but not applied by `resume` yet."""
        return self._cancel is not None or self._outcome is not None

    def _drop(self) -> None:
        """Cancels the attempt beside the loop, if there is one."""
        if self._cancel:
            self._cancel()
            self._cancel = None

    def _decrypt(self, data: bytes) -> bytes:
        """Decrypts these records completely: data left in OpenSSL would go unnoticed. The result is shorter than `data`."""
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
        """Sends close_notify; further calls do nothing."""
        with suppress(ssl.SSLError):  # it reports that the peer's close_notify has not come
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
    """Continues the handshake, in any thread. Returns _DONE, _MORE if it needs more input, or the reason why it failed."""
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return _MORE
    except ssl.SSLError as error:
        return reason(error)
    return _DONE


def reason(error: ssl.SSLError) -> str:
    """The reason of an OpenSSL error, in plain words."""
    if error.reason in _PLAINER:
        return _PLAINER[error.reason]
    return error.reason.lower().replace("_", " ") if error.reason else str(error.strerror or error)
