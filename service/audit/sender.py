"""A client that sends letters over one connection, one after the other, and reports what it hears.

Knows nothing about sockets, nor about what the answers are good for.

It speaks plain SMTP: EHLO, or HELO where that is refused, then MAIL, RCPT, DATA, each after the reply to the one before.
After a refusal it waits a little. When only some recipients are accepted it leaves, since not every server knows RSET.
"""

import re
from collections.abc import Callable, Generator
from typing import NamedTuple, Protocol

from .letters import Letter

PAUSE = 0.1
"""Seconds between a refusal and the next command."""

LONGEST_REPLY = 64 * 1024
"""Octets of a reply at most; a server that says more is left."""

_REPLY = re.compile(rb"(?:[2-5][0-9][0-9]-[^\n]*\n)*([2-5][0-9][0-9])( [^\n]*|\r?)\n")


class Record(Protocol):
    """Who is told what happens."""

    def begin(self, letter: Letter, server: str) -> None:
        """A letter is about to be sent."""

    def answer(self, token: str, code: int, text: str, is_complete: bool) -> None:
        """It was answered, with a reply code."""

    def give_up(self, token: str, why: str, is_complete: bool) -> None:
        """No answer will come."""


class Reply(NamedTuple):
    """A reply: its code, and the text of its last line."""

    code: int
    text: str


class Sender:
    """A conversation for a `Connection`. `draw` gives the next letter, or None when no more are to be sent.

    `wake` makes the connection call `resume`; `later` calls a function after so many seconds.
    """

    takes_input = True
    is_behind = wants_tls = is_agreed = False
    interest = None

    def __init__(
        self,
        server: str,
        draw: Callable[[], Letter | None],
        record: Record,
        patience: float,
        wake: Callable[[], None],
        later: Callable[[float, Callable[[], None]], object],
    ) -> None:
        self.outgoing = bytearray()
        self.is_finished = False
        self.has_greeted = False
        """Whether the server said anything that makes sense."""
        self.patience = patience
        self.farewell = ""
        self._server = server
        self._draw = draw
        self._record = record
        self._wake = wake
        self._later = later
        self._heard = b""
        self._letter: Letter | None = None
        self._is_complete = False
        self._is_pausing = False
        self._dialogue = self._talk()
        next(self._dialogue)

    # What is said

    def _talk(self) -> Generator[bytes, Reply, None]:
        """The dialogue: yields what is to be sent, and gets the reply to it. Nothing is sent at first: the server greets."""
        greeting = yield b""
        self.has_greeted = True
        if greeting.code != 220 or not (yield from self._greet()):
            return
        while self._begin():
            was_accepted = yield from self._transact()
            if was_accepted is None:
                return
            self._is_pausing = not was_accepted
        yield b"QUIT\r\n"

    def _greet(self) -> Generator[bytes, Reply, bool]:
        reply = yield b"EHLO smtpcount\r\n"
        if reply.code >= 500:
            reply = yield b"HELO smtpcount\r\n"
        return reply.code == 250

    def _transact(self) -> Generator[bytes, Reply, bool | None]:
        """Sends the letter. Returns whether it was accepted; None: the connection is of no use any more."""
        assert self._letter
        content, recipients = self._letter.content, self._letter.recipients
        reply = yield b"MAIL FROM:<smtpcount@localhost>\r\n"
        if reply.code >= 300:
            return self._answer(reply)
        for address in recipients:
            reply = yield b"RCPT TO:<%b>\r\n" % address.encode()
            if reply.code >= 300:
                self._answer(reply)
                return None if len(recipients) > 1 else (yield from self._reset())
        reply = yield b"DATA\r\n"
        if reply.code != 354:
            self._answer(reply)
            return None
        self._is_complete = True
        return self._answer((yield _stuffed(content)))

    def _reset(self) -> Generator[bytes, Reply, bool | None]:
        """Ends a transaction without a recipient: with RSET, where that is known."""
        reply = yield b"RSET\r\n"
        return None if reply.code >= 300 else False

    # The letter

    def _begin(self) -> bool:
        """Draws the next letter; False if there is none."""
        self._letter, self._is_complete = self._draw(), False
        if self._letter:
            self._record.begin(self._letter, self._server)
        return self._letter is not None

    def _answer(self, reply: Reply) -> bool:
        """The letter was answered. Returns whether it was accepted."""
        assert self._letter
        self._record.answer(self._letter.token, reply.code, reply.text, self._is_complete)
        self._letter = None
        return reply.code < 300

    def _leave(self, why: str) -> None:
        """The connection is over; a letter on its way gets no answer."""
        self.is_finished = True
        if self._letter:
            self._record.give_up(self._letter.token, why, self._is_complete)
            self._letter = None

    # What is heard

    def receive(self, data: bytes) -> None:
        """Takes bytes of the server, and says what follows on each reply."""
        self._heard += data
        while not self.is_finished and (match := _REPLY.match(self._heard)):
            self._heard = self._heard[match.end() :]
            self._go_on(Reply(int(match[1]), match[2].decode("latin-1").strip()))
        if len(self._heard) > LONGEST_REPLY or (self._heard and self._heard[:1] not in b"2345"):
            self._leave("the server says what is no reply")

    def _go_on(self, reply: Reply) -> None:
        if reply.code == 421:
            if self._letter:
                self._answer(reply)
            self._leave("421")
            return
        try:
            said = self._dialogue.send(reply)
        except StopIteration:
            self._leave("")
            return
        if self._is_pausing:
            self._is_pausing = False
            self._later(PAUSE, lambda: self._say(said))
        else:
            self.outgoing += said

    def _say(self, said: bytes) -> None:
        if not self.is_finished:
            self.outgoing += said
            self._wake()

    # The connection

    def open(self) -> None:
        """The connection is established. The server speaks first."""

    def resume(self) -> None:
        """There is something to send after a pause."""

    def secured(self) -> None:
        """Never called: it wants no TLS."""

    def end_of_input(self) -> None:
        """The server has closed the connection."""
        self._leave("the server closed the connection")

    def time_out(self) -> None:
        """The server was silent for too long."""
        self._leave("the server was silent for too long")

    def shut_down(self, at_once: bool) -> None:
        """The program ends."""
        self._leave("the checker was stopped")

    def break_down(self) -> None:
        """A method of this conversation has raised an exception, which is logged."""
        self._leave("a fault of the checker")

    def hang_up(self) -> None:
        """The connection is gone."""
        self._leave("the connection was lost")


def _stuffed(content: bytes) -> bytes:
    """Mail data: lines that begin with a dot get another, and a line with a dot is the end."""
    return re.sub(rb"(?m)^\.", b"..", content) + b".\r\n"
