"""The grammar of RFC 5321: turns a command line into an event and its argument, or the Reply that refuses the syntax.

Knows nothing about whether the event is allowed, or which mailboxes exist.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from ..engine.actions import Chunk
from ..engine.events import Event
from ..engine.foreign import Foreign, is_foreign
from ..engine.replies import (
    AUTH_CANCELLED,
    AUTH_UNAVAILABLE,
    AUTHENTICATED,
    CHALLENGE,
    NOT_ENCODED,
    PARAMETER_SYNTAX,
    RECIPIENT_SYNTAX,
    SENDER_SYNTAX,
    SYNTAX,
    UNKNOWN_MECHANISM,
    UNRECOGNIZED,
    WRONG_CREDENTIALS,
    Reply,
)
from ..mail.credentials import Auth, Wording, parse_auth
from . import domains, paths
from .domains import MAX_DOMAIN
from .paths import MAILBOX, SOURCE_ROUTE, Path
from .tolerance import Tolerance

MAX_LINE = 12_288
"""Longest line in octets, without its line end: RFC 4954 section 4 requires it; RFC 5321 requires far less."""

# Fast path: one expression matches the lines of MAIL and RCPT that follow the grammar, as most do: path, local-part, domain,
# parameters. Blanks before the line end are ignored (RFC 5321 section 4.1.1). Everything else goes to `paths`.
_PARAMETERS = rb"((?: [^ ]+)*)"
_REVERSE = re.compile(rb"(<(?:%b%b)?>)%b" % (SOURCE_ROUTE, MAILBOX, _PARAMETERS))
_FORWARD = re.compile(rb"(<(?:%b%b|(?i:postmaster))>)%b" % (SOURCE_ROUTE, MAILBOX, _PARAMETERS))
_PATH = re.compile(rb"<%b%b>" % (SOURCE_ROUTE, MAILBOX))
_WORD = re.compile(rb"[^ ]+")
_PARAMETER = re.compile(rb"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([\x21-\x3c\x3e-\x7e\x80-\xff]+))?")
_CLIENT = re.compile(rb"([\x21-\x7e\x80-\xff]{1,%d})(?:[ \t]([\t\x20-\x7e\x80-\xff]*))?" % MAX_DOMAIN)
_NAMELESS = "[]<>\"'\N{REPLACEMENT CHARACTER}"
"""A client's name must have at least one character that is neither one of these nor white space."""
_TEXT = re.compile(rb"[\x20-\x7e\x80-\xff\t]*")
_CHUNK = re.compile(rb"(\d+)(?: +(.*))?", re.DOTALL)
_MOST_DIGITS = 20


class Client(NamedTuple):
    """The argument of EHLO and HELO: the client's name, and what was tolerated in it."""

    name: bytes
    tolerated: tuple[Tolerance, ...] = ()


class Envelope(NamedTuple):
    """The argument of MAIL and RCPT. Keywords of parameters are in upper case; a parameter without a value has None."""

    path: Path
    parameters: dict[bytes, bytes | None]
    tolerated: tuple[Tolerance, ...] = ()


Argument = bytes | Client | Envelope | Chunk | Auth | Reply | Foreign


def parse_esmtp(line: bytes) -> tuple[Event, Argument]:
    """The event of a line (without its CRLF), and its argument, or the refusing Reply in its place.

    Tolerates common violations of the grammar and lists them in the argument.
    """
    if len(line) > MAX_LINE:
        return Event.OTHER, Foreign.LINE if is_foreign(line) else UNRECOGNIZED
    word, _, rest = line.rstrip(b" \t").partition(b" ")
    command = _COMMANDS.get(word.upper())
    if command is None:
        return _parse_odd(line)
    event, parse = command
    if rest[:1] in _BLANK and event in _TOLERANT:
        return _parse_odd(line)
    return parse(rest.lstrip(b" ")) if event is None else (event, parse(rest.lstrip(b" ")))


def parse_strictly(line: bytes) -> tuple[Event, Argument]:
    """Parses like `parse_esmtp`, but refuses what that tolerates, with a reply that says what to write instead."""
    event, argument = parse_esmtp(line)
    if not isinstance(argument, Client | Envelope) or not argument.tolerated:
        return event, argument
    instead = argument.tolerated[0].instead
    refusals = {Event.MAIL: SENDER_SYNTAX, Event.RCPT: RECIPIENT_SYNTAX}
    if event in refusals:
        return event, refusals[event].about(instead)
    return event, SYNTAX.about(b"%b name: %b" % (event.name.encode(), instead))


def _parse_odd(line: bytes) -> tuple[Event, Argument]:
    """Parses a line that does not begin with a command and one space: one with other blanks, or not SMTP at all."""
    match = _MORE_BLANKS.match(line)
    if match:
        event, parse = _COMMANDS[match[1].upper()]
        assert event
        argument = parse(line[match.end() :].rstrip(b" \t"))
        if isinstance(argument, Client | Envelope):
            argument = argument._replace(tolerated=tuple(dict.fromkeys((Tolerance.BLANKS, *argument.tolerated))))
        return event, argument
    return Event.OTHER, Foreign.LINE if is_foreign(line) else UNRECOGNIZED


_TOLERANT = (Event.EHLO, Event.HELO, Event.MAIL, Event.RCPT)
"""The commands after which any number of spaces and tabs is tolerated."""

_MORE_BLANKS = re.compile(rb"(EHLO|HELO|MAIL|RCPT)[ \t]+", re.IGNORECASE)
_BLANK = (b" ", b"\t")


def mailbox_of(text: bytes) -> Path | None:
    """The path `<A@B>`; None: the text violates the grammar."""
    match = _PATH.fullmatch(text)
    return paths.sound(text, match[1], match[2]) if match else None


def _words(pattern: "re.Pattern[bytes]", refusal: Reply) -> Callable[[bytes], bytes | Reply]:
    def parse(text: bytes) -> bytes | Reply:
        return text if pattern.fullmatch(text) else refusal

    return parse


def _client(words: bytes) -> Callable[[bytes], Client | Reply]:
    refusal = SYNTAX.about(words)

    def parse(text: bytes) -> Client | Reply:
        match = _CLIENT.fullmatch(text)
        if not match or not match[1].decode("utf-8", "replace").strip(_NAMELESS).strip():
            return refusal
        flaws = domains.flaws(match[1])
        is_literal = match[1][:1] == b"[" and flaws == ()
        has_words = match[2] is not None and not is_literal  # allowed after a literal (section 4.1.1.1)
        return Client(
            match[1],
            (Tolerance.HELLO_NAME,) * (flaws != ()) + (Tolerance.HELLO_WORDS,) * has_words,
        )

    return parse


def _mail(text: bytes) -> Envelope | Reply:
    if text[:5].upper() != b"FROM:":
        return SYNTAX.about(b"MAIL FROM:<address>")
    match = _REVERSE.fullmatch(text, 5)
    return (match and _envelope(match, b"")) or _tolerant(text[5:], SENDER_SYNTAX, is_reverse=True)


def _rcpt(text: bytes) -> Envelope | Reply:
    if text[:3].upper() != b"TO:":
        return SYNTAX.about(b"RCPT TO:<address>")
    match = _FORWARD.fullmatch(text, 3)
    return (match and _envelope(match, b"postmaster")) or _tolerant(text[3:], RECIPIENT_SYNTAX)


def _envelope(match: "re.Match[bytes]", alone: bytes) -> Envelope | Reply | None:
    """The argument for a match of the fast path. None: the path is still invalid, for example too long.

    `alone` is the local-part of a path without one: <> or <postmaster>.
    """
    text, local_part, domain, words = match.groups()
    path = Path(text[1:-1], alone) if local_part is None else paths.sound(text, local_part, domain)
    if path is None:
        return None
    parameters = _parameters(words) if words else _NO_PARAMETERS
    return PARAMETER_SYNTAX if parameters is None else Envelope(path, parameters)


def _tolerant(text: bytes, refusal: Reply, is_reverse: bool = False) -> Envelope | Reply:
    """Parses an argument that violates the grammar: tolerates it if it is still clear, else refuses it."""
    found = paths.find(text)
    if isinstance(found, bytes):
        return refusal.about(found)
    path, tolerated, rest = found
    if not path.text and not is_reverse:
        return refusal.about(b"write <user@host>")
    if not is_reverse and path.text.lower() == b"postmaster":  # needs no domain
        tolerated = tuple(item for item in tolerated if item is not Tolerance.NO_DOMAIN)
    parameters = _parameters(rest.replace(b"\t", b" "))
    return PARAMETER_SYNTAX if parameters is None else Envelope(path, parameters, tolerated)


_NO_PARAMETERS: dict[bytes, bytes | None] = {}


def _parameters(words: bytes) -> dict[bytes, bytes | None] | None:
    """The parameters by keyword; None: they violate the grammar, or one occurs twice."""
    parameters: dict[bytes, bytes | None] = {}
    for word in _WORD.findall(words):
        parameter = _PARAMETER.fullmatch(word)
        if parameter is None or parameter[1].upper() in parameters:
            return None
        parameters[parameter[1].upper()] = parameter[2]
    return parameters


def _bdat(text: bytes) -> tuple[Event, Chunk | Reply]:
    match, flaw = _CHUNK.fullmatch(text), SYNTAX.about(b"BDAT size [LAST]")
    if match is None or len(match[1].lstrip(b"0")) > _MOST_DIGITS:
        return Event.BDAT, flaw
    size = int(match[1].lstrip(b"0") or b"0")
    if match[2] is None:
        return Event.BDAT, Chunk(size)
    return (Event.LAST, Chunk(size)) if match[2].upper() == b"LAST" else (Event.BDAT, Chunk(size, flaw))


WORDING = Wording(
    CHALLENGE, AUTHENTICATED, WRONG_CREDENTIALS, AUTH_UNAVAILABLE, AUTH_CANCELLED, NOT_ENCODED,
    SYNTAX.about(b"AUTH mechanism [initial-response]"), UNKNOWN_MECHANISM,
)  # fmt: skip
"""What is said when a client authenticates."""


_NOTHING = re.compile(rb"")
_ARGUMENTS: dict[Event, Callable[[bytes], Argument]] = {
    Event.EHLO: _client(b"EHLO name"),
    Event.HELO: _client(b"HELO name"),
    Event.MAIL: _mail,
    Event.RCPT: _rcpt,
    Event.DATA: _words(_NOTHING, SYNTAX.about(b"DATA")),
    Event.RSET: _words(_NOTHING, SYNTAX.about(b"RSET")),
    Event.NOOP: _words(_TEXT, SYNTAX.about(b"NOOP")),
    Event.HELP: _words(_TEXT, SYNTAX.about(b"HELP")),
    Event.VRFY: _words(re.compile(rb"[\x20-\x7e\x80-\xff]+"), SYNTAX.about(b"VRFY address")),
    Event.EXPN: _words(re.compile(rb"[\x20-\x7e\x80-\xff]+"), SYNTAX.about(b"EXPN list")),
    Event.STARTTLS: _words(_NOTHING, SYNTAX.about(b"STARTTLS")),
    Event.QUIT: _words(_NOTHING, SYNTAX.about(b"QUIT")),
}
_COMMANDS: dict[bytes, tuple[Event | None, Callable[[bytes], Any]]] = {
    event.name.encode(): (event, parse) for event, parse in _ARGUMENTS.items()
} | {b"BDAT": (None, _bdat), b"AUTH": (None, partial(parse_auth, wording=WORDING))}
