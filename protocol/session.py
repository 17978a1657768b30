"""One client's dialogue: bytes come in, replies and finished messages go out.

It applies the cells of a table and decides nothing about order itself; it knows no socket, file, clock or log.
"""

from collections.abc import Callable
from typing import ClassVar

from . import replies
from .buffer import Buffer
from .commands import MAX_COMMAND_LINE
from .outside import Fault, Message, Report, Site
from .replies import Reply
from .table import Go, Mark, State, Verb
from .trace import received

OUTPUT_LIMIT = 64 * 1024
"""Octets of replies that may wait for the client; no further command is carried out before it has read them."""

STEPS_A_TURN = 50
"""Commands that are carried out at once; who sends more in one segment does not hold up the others."""

LOGGED_REFUSALS = 10
"""Refused commands in a row that are logged."""

_SHOWN = 100
"""Octets of a refused line that the log shows."""


class Session:
    """The server's side of one connection.

    Bytes from the client go to `receive`, its end of sending to `end_of_input`. Replies gather in `outgoing`; whoever sends
    them takes them off its front. `wake` is called when a held session (see `takes_input`) can go on; then `resume` is due.
    """

    __slots__ = (
        "_address", "_answer", "_buffer", "_client", "_forward_path", "_has_ended", "_is_draining", "_mailbox", "_message",
        "_message_id", "_octets", "_reading", "_refusals", "_report", "_reverse_path", "_row", "_site", "_since", "_wake",
        "farewell", "is_agreed", "is_behind", "outgoing", "state",
    )  # fmt: skip

    wants_tls = False
    patience = float("inf")

    def __init__(self, site: Site, address: str, report: Report, wake: Callable[[], None]) -> None:
        self._site = site
        self._address = address
        self._report = report
        self._wake = wake
        self._buffer = Buffer(MAX_COMMAND_LINE)
        self.outgoing = bytearray()
        self.is_behind = False
        self.is_agreed = False
        self.farewell = ""
        self._client = b""
        self._reverse_path = b""
        self._forward_path = b""
        self._mailbox = ""
        self._message: Message | None = None
        self._message_id = ""
        self._octets = 0
        self._since = 0.0
        self._refusals = 0
        self._answer: tuple[Fault | None] | None = None
        self._has_ended = False
        self._is_draining = False
        self._enter(site.dialect.table.start)

    # What happens to a session, from outside

    def open(self) -> None:
        """The client is there: it is greeted."""
        self._say(replies.GREETING.about(self._site.hostname))

    def secured(self) -> None:
        """Never called: no session wants TLS yet."""

    def receive(self, data: bytes) -> None:
        """Bytes came from the client."""
        self._buffer.feed(data)
        self.resume()

    def end_of_input(self) -> None:
        """The client sends no more. What it has sent is still answered; half a line or half a message is dropped."""
        self._has_ended = True
        self.resume()

    def hang_up(self) -> None:
        """The connection is gone. A message that has ended is still stored."""
        self._finish("gone")

    def time_out(self) -> None:
        """The client was idle for too long."""
        self._close(replies.IDLE_TOO_LONG, "idle for too long")

    def break_down(self) -> None:
        """An error of ours was met in this session."""
        self._close(replies.OUR_BUG, "internal error")

    def shut_down(self, at_once: bool) -> None:
        """The server stops: for this client at once, or after the message that it is sending, if it is."""
        self._is_draining = True
        if at_once:
            self._close(replies.SHUTTING_DOWN, "shutting down")
        self.resume()

    @property
    def takes_input(self) -> bool:
        """False while what came is not carried out, or storage has not answered, and when the session is finished."""
        return not self.is_behind and self._reading not in _DEAF

    @property
    def is_finished(self) -> bool:
        """True when nothing will be read or said any more; `farewell` then says why."""
        return self._reading is Mark.GONE

    # Reading: the table says what kind of line is due, and what a line of that kind does

    def resume(self) -> None:
        """Carries out what has come, as far as there is room for replies, it is not too much, and storage has answered."""
        self.is_behind = False
        steps = 0
        while self._step():
            steps += 1
            if steps == STEPS_A_TURN or len(self.outgoing) >= OUTPUT_LIMIT:
                self.is_behind = True
                return

    def _step(self) -> bool:
        """Takes one command, piece of mail data, or answer; false when there is none."""
        if self._reading is None and not self._is_draining:
            line = self._buffer.line()
            if line is not None:
                self._command(line)
                return True
        elif self._reading is Mark.TEXT:
            piece, is_end = self._buffer.content()
            if piece or is_end:
                self._content(piece, is_end)
                return True
        elif self._reading is Mark.HELD:
            return self._stored()
        return self._leave()

    def _leave(self) -> bool:
        """Nothing is left to be taken: the end, if the client or the server has announced it."""
        if self._reading is Mark.GONE:
            self._buffer.clear()
        elif self._has_ended:
            self._finish("the client ended")
        elif self._is_draining and self._reading is None:
            self._close(replies.SHUTTING_DOWN, "shutting down")
        return False

    def _command(self, line: bytes) -> None:
        verb, argument = self._site.dialect.parse(line)
        cell = self._row[verb]
        if isinstance(cell, Reply):
            self._refuse(cell, line)
        elif isinstance(argument, Reply):
            self._refuse(argument, line)
        else:
            self._apply(verb, self._ACTIONS[verb](self, argument), line)

    def _content(self, piece: bytes, is_end: bool) -> None:
        self._octets += len(piece)
        if self._message and self._octets > self._site.max_message_size:
            self._abandon()
        if self._message and piece:
            self._message.write(piece)
        if is_end:
            self._apply(Verb.END, self._end())

    def _stored(self) -> bool:
        if self._answer is None:
            return False
        (fault,), self._answer = self._answer, None
        self._apply(Verb.STORED, replies.MESSAGE_ACCEPTED if fault is None else _FAULTS[fault.kind])
        return True

    # Applying a cell

    def _apply(self, verb: Verb, reply: Reply | None, line: bytes | None = None) -> None:
        """Goes where the cell says. No reply yet means accepted so far; no line, that it was not a command."""
        cell = self._row[verb]
        if not isinstance(cell, Go):
            raise RuntimeError(f"{verb} in {self.state}: {cell}")
        if reply is None or reply.accepts:
            self._enter(cell.accepted)
            self._refusals = 0
            if reply:
                self._say(reply)
        else:
            self._enter(cell.refused)
            self._refuse(reply, line)

    def _enter(self, state: State) -> None:
        table = self._site.dialect.table
        self.state = state
        self._row = table.cells[state]
        self._reading = table.reading(state)

    def _say(self, reply: Reply) -> None:
        self.outgoing += reply.line

    def _refuse(self, reply: Reply, line: bytes | None) -> None:
        self._say(reply)
        words = reply.line.decode("ascii", "replace").rstrip()
        if line is None:
            self._report("message refused with %s", words)
            return
        self._refusals += 1
        if self._refusals <= LOGGED_REFUSALS:
            more = " (more in a row are not logged)" if self._refusals == LOGGED_REFUSALS else ""
            self._report("refused with %s: %r%s", words, line[:_SHOWN], more)
        if self._refusals == self._site.max_refusals:
            self._close(replies.TOO_MANY_REFUSALS, "too many commands were refused")

    def _close(self, reply: Reply, why: str) -> None:
        if not self.is_finished:
            self._say(reply.about(self._site.hostname))
            self._finish(why)

    def _finish(self, why: str) -> None:
        if not self.is_finished:
            self.farewell = why
            self._abandon()
            self._enter(self._site.dialect.table.closed)

    def _abandon(self) -> None:
        if self._message:
            self._message.abandon()
            self._message = None

    # One method a verb: it is called only where the table allows the verb, and its reply says whether it accepts

    def _helo(self, client: bytes) -> Reply:
        self._client = client
        return replies.HELLO.about(client)

    def _mail(self, reverse_path: bytes) -> Reply:
        self._reverse_path = reverse_path
        return replies.SENDER_OK.about(reverse_path or b"<>")

    def _rcpt(self, forward_path: bytes) -> Reply:
        local_part, at, domain = forward_path.rpartition(b"@")
        mailbox = self._site.find_mailbox(local_part if at else domain)
        if mailbox is None:
            return replies.ADDRESS_UNKNOWN
        self._mailbox = mailbox
        self._forward_path = forward_path
        return replies.RECIPIENT_OK.about(forward_path)

    def _data(self, _: bytes) -> Reply:
        site = self._site
        self._octets = 0
        self._buffer.begin_content()
        self._message = site.store.begin(self._reverse_path, [(self._mailbox, self._forward_path)])
        self._message.trace(
            received(self._client, self._address, site.hostname, self._message.id, self._forward_path, site.clock())
        )
        return replies.START_MAIL_INPUT

    def _end(self) -> Reply | None:
        if self._message is None:
            return replies.MESSAGE_TOO_LARGE.about(self._site.max_message_size)
        message, self._message = self._message, None
        self._since = self._site.clock()
        self._message_id = message.id
        message.commit(self._answered)
        return None

    def _answered(self, fault: Fault | None) -> None:
        self._answer = (fault,)
        outcome = "stored" if fault is None else f"not stored ({fault})"
        waited = 1000 * (self._site.clock() - self._since)
        words = "message %s %s: mailbox %s, %d octets, %.1f ms"
        self._report(words, self._message_id, outcome, self._mailbox, self._octets, waited)
        self._wake()

    def _quit(self, _: bytes) -> Reply:
        self.farewell = "quit"
        self.is_agreed = True
        return replies.CLOSING.about(self._site.hostname)

    _ACTIONS: ClassVar = {Verb.HELO: _helo, Verb.MAIL: _mail, Verb.RCPT: _rcpt, Verb.DATA: _data, Verb.QUIT: _quit}


_FAULTS = {"no room": replies.NO_ROOM, "for now": replies.NOT_STORED, "for good": replies.NEVER_STORED}

_DEAF = (Mark.HELD, Mark.GONE)
