"""The grammar of POP3: turns a command line into an event and its argument, or the Reply that refuses the syntax.

Knows nothing about whether the event is allowed, or which messages there are.
"""

import re
from collections.abc import Callable, Mapping

from ..engine.events import Event
from ..engine.foreign import Foreign, is_foreign
from ..mail.credentials import Wording, parse_auth
from . import replies
from .replies import SYNTAX, UNRECOGNIZED

MAX_LINE = 12_288
"""Longest line in octets, without its line end: what RFC 4954 section 4 asks for; RFC 2449 section 4 asks for 255."""

MOST_DIGITS = 9
"""Digits of a number, leading zeros aside."""

_NUMBER = re.compile(rb"0*(\d{1,%d})" % MOST_DIGITS)
_NUMBERS = re.compile(rb"0*(\d{1,%d}) +0*(\d{1,%d})" % (MOST_DIGITS, MOST_DIGITS))

WORDING = Wording(
    replies.CHALLENGE, None, replies.WRONG_CREDENTIALS, replies.AUTH_UNAVAILABLE, replies.AUTH_CANCELLED,
    replies.NOT_ENCODED, SYNTAX.about(b"AUTH mechanism [initial-response]"), replies.UNKNOWN_MECHANISM,
)  # fmt: skip
"""What is said when a client authenticates; what follows when it has is for the actions to say."""

MECHANISMS = b"AUTH"
"""The argument of CAPA where a client has sent AUTH alone, which asks for the mechanisms only."""


def parse_pop(line: bytes) -> tuple[Event, object]:
    """The event of a line (without its line end), and its argument, or the refusing Reply in its place."""
    word, _, rest = line.partition(b" ")
    command = None if len(line) > MAX_LINE else _COMMANDS.get(word.upper().rstrip(b"\t"))
    if command is None:
        return Event.OTHER, Foreign.LINE if is_foreign(line) else UNRECOGNIZED
    return command(rest)


Parse = Callable[[bytes], tuple[Event, object]]


def _bare(event: Event) -> Parse:
    """A command without an argument."""
    refusal = SYNTAX.about(event.name.encode())

    def parse(text: bytes) -> tuple[Event, object]:
        return event, refusal if text.strip(b" \t") else b""

    return parse


def _text(event: Event, words: bytes, strip: bytes) -> Parse:
    """A command with a text, from which blanks at its ends may be stripped."""
    refusal = SYNTAX.about(words)

    def parse(text: bytes) -> tuple[Event, object]:
        return event, text.strip(strip) or refusal

    return parse


def _number(event: Event, words: bytes, alone: Event | None = None) -> Parse:
    """A command with the number of a message; without one it may be another event, `alone`."""
    refusal = SYNTAX.about(words)

    def parse(text: bytes) -> tuple[Event, object]:
        text = text.strip(b" \t")
        if alone and not text:
            return alone, b""
        match = _NUMBER.fullmatch(text)
        return event, int(match[1]) if match else refusal

    return parse


def _top(text: bytes) -> tuple[Event, object]:
    match = _NUMBERS.fullmatch(text.strip(b" \t"))
    return Event.TOP, (int(match[1]), int(match[2])) if match else SYNTAX.about(b"TOP message lines")


def _auth(text: bytes) -> tuple[Event, object]:
    text = text.strip(b" \t")
    return parse_auth(text, WORDING) if text else (Event.CAPA, MECHANISMS)


_COMMANDS: Mapping[bytes, Parse] = {
    **{
        event.name.encode(): _bare(event)
        for event in (Event.CAPA, Event.STLS, Event.STAT, Event.NOOP, Event.RSET, Event.QUIT)
    },
    b"USER": _text(Event.USER, b"USER name", b" \t"),
    b"PASS": _text(Event.PASS, b"PASS password", b""),  # a password may begin and end with blanks
    b"LIST": _number(Event.SCAN, b"LIST [message]", Event.LIST),
    b"UIDL": _number(Event.UNIQUE, b"UIDL [message]", Event.UIDL),
    b"RETR": _number(Event.RETR, b"RETR message"),
    b"DELE": _number(Event.DELE, b"DELE message"),
    b"TOP": _top,
    b"AUTH": _auth,
}
