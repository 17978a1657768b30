"""Transcripts of sessions, as people keep them: who said which line.

Knows nothing about what is right.

Four kinds are read. Marked: `C: ` and `S: ` in front, as `bin/smtpc` writes it; beside them `T:` is a TLS handshake, and `#`
a comment. swaks: arrows in front. Telnet: no marks; what begins with a reply code is the server's, unless it is mail data. A
script: no marks, and no reply in it.
"""

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import NamedTuple


class Who(Enum):
    """Who said a line; the value is the mark."""

    CLIENT = "C"
    SERVER = "S"
    BOTH = "T"
    """A TLS handshake."""


class Entry(NamedTuple):
    """A line of a transcript, and where it stands in the file, from 1 on."""

    who: Who
    text: str
    number: int


_MARKED = re.compile(r"([CST]):(?: (.*))?")
_SWAKS = re.compile(r"(?: (->|~>) |(<-|<~|<\*\*|<~\*) {1,2})(.*)|===.*|\*\*\*.*")
_REPLY = re.compile(r"[2-5][0-9][0-9](?:[ -].*)?")
_TELNET = re.compile(r"Trying .*|Connected to .*|Escape character is .*|Connection closed by .*|[$%#] .*")
_HANDSHAKE = re.compile(r"=== TLS started.*")
_NOT_SAID = re.compile(r"#.*|F: .*|\w+\|.*|\(.*\)")


def entries(text: str) -> list[Entry]:
    """The lines of a transcript, of whatever kind. Raises ValueError for a text in which nobody says anything."""
    rows = [(number, line.rstrip("\r")) for number, line in enumerate(text.splitlines(), 1)]
    if any(_MARKED.fullmatch(line) and line[:1] in "CS" for _, line in rows):
        found = list(_marked(rows))
    elif sum(bool(_SWAKS.fullmatch(line)) for _, line in rows) > 1:
        found = list(_swaks(rows))
    else:
        found = list(_telnet(rows))
    if not any(entry.who is Who.CLIENT for entry in found):
        raise ValueError("no line of a client is in it: write C: and S: in front of each line")
    return found


def _marked(rows: Iterable[tuple[int, str]]) -> Iterator[Entry]:
    for number, line in rows:
        match = _MARKED.fullmatch(line)
        if match:
            yield Entry(Who(match[1]), match[2] or "", number)
        elif line and not _NOT_SAID.fullmatch(line):
            raise ValueError(f"line {number}: {line[:60]!r} has neither C: nor S: in front")


def _swaks(rows: Iterable[tuple[int, str]]) -> Iterator[Entry]:
    for number, line in rows:
        match = _SWAKS.fullmatch(line)
        if _HANDSHAKE.fullmatch(line):
            yield Entry(Who.BOTH, "", number)
        elif match and match[3] is not None:
            yield Entry(Who.CLIENT if match[1] else Who.SERVER, match[3], number)


def _telnet(rows: Iterable[tuple[int, str]]) -> Iterator[Entry]:
    is_content = False
    for number, line in rows:
        is_reply = bool(_REPLY.fullmatch(line)) and not is_content
        if is_content or not _TELNET.fullmatch(line):
            yield Entry(Who.SERVER if is_reply else Who.CLIENT, line, number)
        is_content = line.startswith("354") if is_reply else is_content and line != "."
