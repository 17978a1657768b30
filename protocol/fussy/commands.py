"""Examines how a command line is written: its octets, its syntax, its addresses.

Knows nothing about the session in which it comes.
"""

import re
from collections.abc import Iterator

from ..engine.actions import Chunk
from ..engine.events import Event
from ..engine.replies import UNKNOWN_MECHANISM, Reply
from ..esmtp.grammar import Argument, Client, Envelope
from .incoming import Line
from .rules import OF_TOLERANCES

LONGEST_LOCAL_PART, LONGEST_PATH = 64, 256
"""In octets; the path with its angle brackets (RFC 5321 section 4.5.3.1)."""

_NO_LINE = {"5321-2.3.8-bare-lf", "5321-2.3.8-bare-cr"}
"""A line that breaks these is two, or none: what stands in it is not examined."""

_ROUTE = re.compile(rb"[^:]*:[ \t]*<@[^:>]*:")


def flaws(event: Event, argument: Argument, line: Line, limit: int, is_utf8: bool) -> Iterator[str]:
    """The ids of the rules that a command breaks by how it is written. One cause, one id.

    `limit` is the longest that it may be, in octets with its CRLF. `is_utf8`: SMTPUTF8 was asked for.
    """
    found = list(flaws_of_line(line, limit))
    yield from found
    is_no_line = bool(_NO_LINE.intersection(found)) or (event is Event.OTHER and line.length > limit)
    if not is_no_line:
        yield from _flaws_of_argument(event, argument, line.octets, is_utf8)


def flaws_of_line(line: Line, limit: int) -> Iterator[str]:
    """The same for a line of any kind."""
    if line.length > limit:
        yield "5321-4.5.3.1.4-command-line"
    if b"\n" in line.octets:
        yield "5321-2.3.8-bare-lf"
    if b"\r" in line.octets:
        yield "5321-2.3.8-bare-cr"
    if line.octets[-1:] in (b" ", b"\t") and line.octets.strip():
        yield "5321-4.1.1-trailing-blanks"


def _flaws_of_argument(event: Event, argument: Argument, octets: bytes, is_utf8: bool) -> Iterator[str]:
    if event is Event.OTHER:
        yield "5321-4.1.1-unknown"
    elif not octets.isascii() and not is_utf8:
        yield "5321-2.4-eight-bit-command"
    elif argument is UNKNOWN_MECHANISM:
        yield "4954-4-not-offered"
    elif isinstance(argument, Reply) or (isinstance(argument, Chunk) and argument.flaw):
        yield "5321-4.1.1-syntax"
    if isinstance(argument, Client | Envelope):
        yield from (OF_TOLERANCES[tolerance] for tolerance in argument.tolerated)
    if isinstance(argument, Envelope):
        yield from _flaws_of_path(argument, octets)


def _flaws_of_path(envelope: Envelope, octets: bytes) -> Iterator[str]:
    if len(envelope.path.local_part) > LONGEST_LOCAL_PART:
        yield "5321-4.5.3.1.1-local-part"
    if len(envelope.path.text) > LONGEST_PATH - len("<>"):
        yield "5321-4.5.3.1.3-path"
    if _ROUTE.match(octets):
        yield "5321-4.1.1.3-source-route"
