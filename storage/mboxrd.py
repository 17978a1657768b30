"""The mboxrd format: what a message looks like in a mailbox file.

It does not know files, nor where a message comes from. The format is the "mboxrd" of the mbox family (RFC 4155 describes
the family): a separator line, header, blank line, body with `From ` lines quoted by one `>`, blank line.
"""

import re
import time
from collections.abc import Iterable, Iterator
from functools import lru_cache

from .fields import headed, unix_lines
from .letter import Letter

_FROM_LINE = re.compile(rb"^(>*From )", re.MULTILINE)
_NOT_IN_A_SEPARATOR = re.compile(rb'[^!-~]|["\\]')
LONGEST_SENDER = 1000
"""Octets of a sender in a separator line: mail programs do not see one that is longer than 8 KiB."""

_LONGEST_UNDECIDED = len(b">From\r")
_UNDECIDED = re.compile(rb">*(F(r(om?)?)?)?\r?\Z")


def entry(letter: Letter) -> Iterator[bytes]:
    """A letter as it stands in a mailbox file, in pieces; the trailing blank line included."""
    separator = _NOT_IN_A_SEPARATOR.sub(b"?", letter.reverse_path[:LONGEST_SENDER]) or b"MAILER-DAEMON"
    yield b"From %b %b\n" % (separator, _date(int(letter.came)))
    piece = b""
    for piece in headed(letter, lines(letter.content(), letter.is_verbatim)):
        yield piece
    yield b"\n" if piece.endswith(b"\n") else b"\n\n"


def lines(content: Iterable[bytes], is_verbatim: bool = False) -> Iterator[bytes]:
    """Content as it stands in a mailbox file: `From ` lines quoted, and unless it is verbatim the CR of each CRLF dropped.

    A line is what comes after a LF. No piece is empty.
    What the end of a piece does not decide waits for the next: a CR, or the beginning of a line that may become a `From `.
    """
    rest = b""
    begins_a_line = True
    for piece in content:
        text = rest + piece
        start = text.rfind(b"\n") + 1
        is_undecided = (start > 0 or begins_a_line) and _UNDECIDED.match(text, start) is not None
        # Of a long run of ">" the last few are enough: one more may stand anywhere in it.
        cut = max(start, len(text) - _LONGEST_UNDECIDED) if is_undecided else len(text) - text.endswith(b"\r")
        text, rest = text[:cut], text[cut:]
        if text:
            yield _quoted(text if is_verbatim else unix_lines(text), begins_a_line)
            begins_a_line = is_undecided or text.endswith(b"\n")
    if rest:
        yield _quoted(rest, begins_a_line)  # there is no LF in it


def _quoted(text: bytes, begins_a_line: bool) -> bytes:
    if b"From " not in text:
        return text
    start = 0 if begins_a_line else text.find(b"\n") + 1 or len(text)
    return text[:start] + _FROM_LINE.sub(rb">\1", text[start:])


def gap(end: bytes) -> bytes:
    """What must stand between the last octets of a mailbox file (two, or all it has) and a new entry."""
    if not end or end == b"\n\n":
        return b""
    return b"\n" if end.endswith(b"\n") else b"\n\n"


@lru_cache(maxsize=4)
def _date(second: int) -> bytes:
    return time.asctime(time.gmtime(second)).encode()
