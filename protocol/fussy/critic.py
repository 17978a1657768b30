"""Follows a session beside it, and finds what its client does against the RFCs. It changes nothing.

Knows nothing about who wants to know, or about sockets.

It has two sources: the octets that the client sends, before the session takes them, and the session's moves, as they happen.
A move tells which command was understood, and what the answer was; the octets tell how it was written, and what came with
it. Each move of a command takes one line off the octets, and the move at the end of mail data takes those. So both stay in
step, whatever the session refuses, skips or puts off.

That a command came too early is certain only if it was there before the reply to the one before it was made, or had left:
the network cannot have done that. What came later may have been sent too early, too, but that is not told.
"""

from collections.abc import Iterator
from typing import NamedTuple

from ..engine.actions import Chunk
from ..engine.ends import Ending
from ..engine.environment import Move, Site
from ..engine.events import Event
from ..engine.replies import INTERMEDIATES, REFUSALS
from ..engine.shown import shown
from ..engine.table import Mark, Row, State
from ..esmtp.extensions import extension_of, offered
from ..esmtp.grammar import MAX_LINE, Argument, Client, Envelope, parse_esmtp
from ..esmtp.table import CHUNKED, FORWARD, OPENING, REVERSE, SHAKING
from .commands import flaws, flaws_of_line
from .content import Text
from .incoming import Incoming
from .rules import RULES, Rule

LONGEST_EXAMPLE = 100
"""Octets of a client's line that a remark shows."""

LONGEST_LINE = 512
LONGER = {Event.MAIL: {"SIZE": 26, "8BITMIME": 17, "SMTPUTF8": 10, "AUTH": 500}, Event.RCPT: {"SMTPUTF8": 10}}
"""Octets of a command line, CRLF included (RFC 5321 section 4.5.3.1.4), and what each extension that is offered adds (RFC
1870 section 3, RFC 6152 section 2, RFC 6531 section 3.1, RFC 4954 section 3)."""

SLACK = len("\r\n")
"""Octets of mail data more than were declared that are let pass: many clients add a last line end when they send it."""

_HELLOS = (Event.EHLO, Event.HELO)
_AUTHS = (Event.AUTH, Event.PROOF)
_CHUNKS = (Event.BDAT, Event.LAST)
_CONTENTS = (Event.DATA, *_CHUNKS)
_NEED_HELLO = (Event.MAIL, Event.RCPT, *_CONTENTS, Event.STARTTLS, *_AUTHS)
_NOT_BETWEEN_CHUNKS = (Event.MAIL, Event.RCPT, Event.DATA, Event.STARTTLS, *_AUTHS)
_LASTS = (Event.EHLO, Event.DATA, Event.VRFY, Event.EXPN, Event.NOOP)
"""What must be the last command of a group (RFC 2920 section 3.1)."""

_TAKE_NOTHING = (Event.OPENED, Event.CHECKED, Event.FOUND)
"""Moves that take nothing of what the client has sent, and tell nothing of it."""

_SECRETS = (Event.OTHER, *_AUTHS, Event.NOOP, Event.HELP, Event.VRFY, Event.EXPN)
"""Their lines are not shown: a password may stand in them."""

_NEEDS = {
    **dict.fromkeys(_CHUNKS, ("CHUNKING", "3030-2-not-offered")),
    **dict.fromkeys(_AUTHS, ("AUTH", "4954-4-not-offered")),
    Event.STARTTLS: ("STARTTLS", "3207-4-not-offered"),
}
"""The extension that a command belongs to, and the rule that it breaks where that is not offered."""


class Remark(NamedTuple):
    """A rule that a client broke: how often, and the line with which it did so first; "" where that may be secret."""

    rule: Rule
    times: int
    example: str = ""


class Critic:
    """Follows a session of the dialect esmtp. Memory: one line, and what the session itself has not taken yet.

    Call `sent` before the session receives, `moved` with each of its moves, and `caught_up` when it has done its turn.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._rows = site.dialect.table.rows
        self._row = self._home = self._rows[site.dialect.table.start]
        self._incoming = Incoming()
        self._text: Text | None = None
        self._is_dotted = self._is_begun = False
        self._answered = 0
        self._last: Event | None = None
        self._tried: set[Event] = set()
        self._offers: frozenset[str] = frozenset()
        self._has_said_hello = False
        self._parameters: dict[bytes, bytes | None] = {}
        self._counts: dict[str, int] = {}
        self._examples: dict[str, str] = {}
        self.name = b""
        """What the client called itself last."""
        self.commands = self.messages = 0
        """Lines that it sent, and messages of it that were accepted."""
        self.stored: list[str] = []
        """The ids of those that are stored, as `stored.Noting` tells."""

    @property
    def remarks(self) -> list[Remark]:
        """What was found so far, in the order in which it happened first; each rule once."""
        return [Remark(RULES[id], times, self._examples[id]) for id, times in self._counts.items()]

    # What happens

    def hurried(self) -> None:
        """The client has spoken before it was greeted."""
        self._note("5321-4.3.1-before-greeting")

    def sent(self, data: bytes, is_unanswered: bool) -> None:
        """The client has sent this. `is_unanswered`: a reply has not left yet, so the client cannot know it."""
        self._incoming.feed(data)
        if is_unanswered:
            self._answered = self._incoming.received

    def moved(self, move: Move) -> None:
        """The session has moved."""
        state, event, after, code = move
        before, self._row = self._rows[state], self._rows[after]
        if self._row.is_home:
            self._home = self._row
        if isinstance(event, Ending):
            self._end(before, event)
        elif event is Event.END:
            self._end_content(before)
        elif event is Event.SECURED:
            self._secure(state)
        elif event is Event.STORED:
            self.messages += code < INTERMEDIATES
            self._tried.clear()
        elif before.reading is Mark.RESPONSE:
            self._note_all(flaws_of_line(self._incoming.line(), MAX_LINE))
        elif event not in _TAKE_NOTHING:
            self._command(state, event, code)
        if code:
            self._answered = self._incoming.received

    def caught_up(self) -> None:
        """The session has done its turn: examines what came of mail data, and cuts a line that is overlong."""
        if self._row.reading is Mark.TEXT:
            self._look_at_content(self._row, is_end=False)
        else:
            self._incoming.bound()

    def _note_all(self, ids: Iterator[str], example: str = "") -> None:
        for id in ids:
            self._counts[id] = self._counts.get(id, 0) + 1
            self._examples.setdefault(id, example)

    def _note(self, id: str, example: str = "") -> None:
        self._note_all(iter((id,)), example)

    # The ends

    def _end(self, before: Row, ending: Ending) -> None:
        if ending is Ending.FOREIGN:
            self._note("5321-4.1.1-unknown")
        elif before.reading in (None, Mark.RESPONSE) and self._incoming.has_bare_lf:
            self._note("5321-2.3.8-bare-lf")
        elif ending in (Ending.GONE, Ending.ENDED) and before.state not in (SHAKING, OPENING):
            self._note("5321-4.1.1.10-no-quit")

    def _secure(self, state: State) -> None:
        if not self._incoming.is_empty:
            self._note("3207-4-behind-starttls")
        self._incoming.clear()
        self._has_said_hello, self._offers, self._last = False, frozenset(), None
        self._tried.clear()

    # Commands

    def _command(self, state: State, event: Event, code: int) -> None:
        line = self._incoming.line()
        argument = parse_esmtp(line.octets)[1]
        example = "" if event in _SECRETS else shown(line.octets[:LONGEST_EXAMPLE])
        found = [*flaws(event, argument, line, self._limit(event), self._asks_for_utf8(event, argument, line.octets))]
        if line.start < self._answered:
            found += self._flaws_of_haste()
        if event in _NEED_HELLO and not self._has_said_hello:
            found.append("5321-4.1.4-hello-first")
        else:
            found += [*self._flaws_of_order(state, event), *self._flaws_of_offers(state, event, argument)]
        self._note_all(iter(dict.fromkeys(found)), example)
        self._remember(event, argument, code)
        if self._row.reading is Mark.TEXT:
            self._begin_content(event, argument)
        if event is Event.QUIT and code < REFUSALS and not self._incoming.is_empty:
            self._note("5321-4.1.1.10-behind-quit")

    def _limit(self, event: Event) -> int:
        if event in _AUTHS:
            return MAX_LINE
        return LONGEST_LINE + sum(more for name, more in LONGER.get(event, {}).items() if name in self._offers)

    def _asks_for_utf8(self, event: Event, argument: Argument, octets: bytes) -> bool:
        if event is Event.RCPT:
            return b"SMTPUTF8" in self._parameters
        if isinstance(argument, Envelope):
            return b"SMTPUTF8" in argument.parameters
        return event in (Event.VRFY, Event.EXPN) and octets.upper().endswith(b" SMTPUTF8")

    def _flaws_of_haste(self) -> Iterator[str]:
        """Of a command that came before the reply to the last one."""
        if self._last is None:
            yield "5321-4.3.1-before-greeting"
        elif "PIPELINING" not in self._offers:
            yield "5321-2.1-not-waiting"
        elif self._last in _LASTS:
            yield "2920-3.1-not-last"

    def _flaws_of_order(self, state: State, event: Event) -> Iterator[str]:
        """A command that follows one that was refused is none: a client that pipelines did not know."""
        if state is CHUNKED:
            if event in _NOT_BETWEEN_CHUNKS:
                yield "3030-2-between-chunks"
        elif state in (REVERSE, FORWARD):
            if event is Event.MAIL and self._tried.isdisjoint(_CONTENTS):  # else the end of the last one was refused
                yield "5321-4.1.4-nested-mail"
            if event in _AUTHS:
                yield "4954-4-in-transaction"
            if event in _CONTENTS and Event.RCPT not in self._tried:
                yield "5321-3.3-no-recipient"
            if event is Event.DATA and self._is_binary:
                yield "3030-3-binary-data"
        elif event in (Event.RCPT, *_CONTENTS) and Event.MAIL not in self._tried:
            yield "5321-3.3-mail-first"

    def _flaws_of_offers(self, state: State, event: Event, argument: Argument) -> Iterator[str]:
        if event is Event.STARTTLS and self._home.is_encrypted:
            yield "3207-4.2-again"
        elif event in _AUTHS and self._rows[state].is_authenticated:
            yield "4954-4-again"
        elif event in _NEEDS:
            extension, id = _NEEDS[event]
            if extension not in self._offers:
                yield id
        if isinstance(argument, Envelope) and not self._offers.issuperset(_extensions_of(event, argument)):
            yield "5321-4.1.1.11-not-offered"

    @property
    def _is_binary(self) -> bool:
        return (self._parameters.get(b"BODY") or b"").upper() == b"BINARYMIME"

    def _remember(self, event: Event, argument: Argument, code: int) -> None:
        self.commands += 1
        self._last = event
        is_accepted = code < REFUSALS
        if event in (*_HELLOS, Event.RSET, Event.MAIL):
            self._tried.clear()
        self._tried.add(event)
        if event in _HELLOS:
            self._has_said_hello = True
        if event in _HELLOS and is_accepted:
            home = self._home
            lines = offered(self._site, home.is_encrypted, home.is_authenticated) if event is Event.EHLO else []
            self._offers = frozenset(line.split()[0].decode() for line in lines)
        if isinstance(argument, Client):
            self.name = argument.name
        if event is Event.MAIL and isinstance(argument, Envelope):  # what it means to send next, even if this is refused
            self._parameters = argument.parameters

    # Mail data

    def _begin_content(self, event: Event, argument: Argument) -> None:
        self._is_dotted = event is Event.DATA
        self._is_begun = False
        if self._is_dotted:
            self._incoming.begin_text()
        else:
            assert isinstance(argument, Chunk), "nothing else has octets behind it"
            self._incoming.begin_chunk(argument.size)
        if self._text is None:
            self._text = Text(self._is_dotted)

    def _look_at_content(self, row: Row, is_end: bool) -> None:
        assert self._text
        if self._is_dotted and not self._is_begun and not self._incoming.is_empty:
            self._is_begun = True
            if self._incoming.taken < self._answered:
                self._note("5321-4.1.1.4-content-early")
        piece = self._incoming.text(is_end) if self._is_dotted else self._incoming.chunk()
        if not row.returns:
            self._text.look(piece)

    def _end_content(self, before: Row) -> None:
        """Mail data has ended, or a chunk. Of a message that is whole, says what was wrong with it."""
        self._look_at_content(before, is_end=True)
        self._last = Event.END
        if before.ends_message:
            self._judge()
        if self._row.state is not CHUNKED:
            self._text = None

    def _judge(self) -> None:
        assert self._text
        self._text.end()
        size = self._parameters.get(b"SIZE") or b""
        body, is_utf8 = (self._parameters.get(b"BODY") or b"").upper(), b"SMTPUTF8" in self._parameters
        if not self._is_binary:
            self._note_all(iter(sorted(self._text.broken)))
        if self._text.is_eight_bit and not is_utf8 and body not in (b"8BITMIME", b"BINARYMIME"):
            self._note("6152-3-eight-bit")
        if size.isdigit() and self._text.octets > int(size) + SLACK:
            self._note("1870-6.1-size")


def _extensions_of(event: Event, envelope: Envelope) -> Iterator[str]:
    """The extension of each parameter; the parameter itself where no extension is known."""
    for keyword, value in envelope.parameters.items():
        extension = extension_of(keyword, value) if event is Event.MAIL else None
        yield extension or f"the parameter {keyword.decode()}"
