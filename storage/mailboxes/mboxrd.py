"""The mboxrd format: what a message looks like in a mailbox file.

It does not know files, nor where a message comes from. The format is the "mboxrd" of the mbox family (RFC 4155 describes
the family): a separator line, header, blank line, body with `From ` lines quoted by one `>`, blank line.

Mail programs keep what they know of a message in its header: whether it was read, or deleted, its number, where it ends. A
sender that writes such fields would have his message hidden, or others behind it. They are the mailbox's, so a sender's
get another name.
"""

import re
import time
from collections.abc import Iterable, Iterator
from functools import lru_cache

from .fields import headed, unix_pieces
from .letter import Letter

_FROM_LINE = re.compile(rb"^(>*From )", re.MULTILINE)
_NOT_IN_A_SEPARATOR = re.compile(rb'[^!-~]|["\\]')
LONGEST_SENDER = 1000
"""Octets of a sender in a separator line: mail programs do not see one that is longer than 8 KiB."""

_LONGEST_UNDECIDED = len(b">From")
_UNDECIDED = re.compile(rb">*(F(r(om?)?)?)?\Z")

_OF_THE_MAILBOX = (
    rb"status|x-status|x-keywords|x-uidl?|x-imap|x-imapbase|content-length|x-mozilla-(?:status2?|keys)|x-evolution"
)
"""Fields that Dovecot, mutt, UW IMAP, qpopper, Thunderbird and Evolution keep in mailbox files, and obey."""

_FIELD = re.compile(rb"([\r\n])((?:%b)[ \t]*:)" % _OF_THE_MAILBOX, re.IGNORECASE)
_ORIGINAL = rb"\1X-Original-\2"
"""A line begins behind a LF, and for some programs, as Python's `mailbox`, behind a CR, too."""

_END_OF_HEADER = re.compile(rb"\n\r?\n")
_LONGEST_NAME = 40
_MAY_BE_A_FIELD = re.compile(rb"[\r\n]+(?:%b)[ \t]*" % _OF_THE_MAILBOX, re.IGNORECASE)
_LONGEST_FIELD = 4096
"""Octets of such a name with blanks behind it that are waited for; it is renamed then, whatever follows."""


def entry(letter: Letter) -> Iterator[bytes]:
    """A letter as it stands in a mailbox file, in pieces; the trailing blank line included."""
    separator = _NOT_IN_A_SEPARATOR.sub(b"?", letter.reverse_path[:LONGEST_SENDER]) or b"MAILER-DAEMON"
    yield b"From %b %b\n" % (separator, _date(int(letter.came)))
    content = letter.content()
    piece = b""
    for piece in quoted(renamed(headed(letter, content if letter.is_verbatim else unix_pieces(content)))):
        yield piece
    yield b"\n" if piece.endswith(b"\n") else b"\n\n"


def renamed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """A message whose header begins with a field of ours, in pieces; what would be the mailbox's in it has another name.

    What the end of a piece does not decide waits for the next: a line that may become such a field, or the blank one.
    """
    held = b""
    for piece in pieces:
        text = held + piece
        end = _END_OF_HEADER.search(text)
        if end:
            yield _FIELD.sub(_ORIGINAL, text[: end.start()]) + text[end.start() :]
            yield from pieces
            return
        cut = _undecided(text)
        text, held = text[:cut], text[cut:]
        if len(held) > _LONGEST_FIELD:
            yield _FIELD.sub(_ORIGINAL, text) + _FIELD.sub(_ORIGINAL, held + b":")[:-1]
            held = b""
        elif text:
            yield _FIELD.sub(_ORIGINAL, text)
    if held:
        yield _FIELD.sub(_ORIGINAL, held)


def _undecided(text: bytes) -> int:
    """Where the last line begins, with line ends before it, if it may be a field to be renamed, or blank; else the end."""
    start = max(text.rfind(b"\n"), text.rfind(b"\r"))
    if text[start - 1 : start] in (b"\n", b"\r") and start > 1:
        start -= 1 + (text[start - 2 : start - 1] == b"\n")
    is_short = len(text) - start <= _LONGEST_NAME
    return start if start >= 0 and (is_short or _MAY_BE_A_FIELD.fullmatch(text, start)) else len(text)


def quoted(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """A message as it stands in a mailbox file: with a `>` before each line of any number of these and `From `.

    A line is what comes after a LF. No piece is empty.
    What the end of a piece does not decide waits for the next: the beginning of a line that may become a `From `.
    """
    rest = b""
    begins_a_line = True
    for piece in pieces:
        text = rest + piece
        start = text.rfind(b"\n") + 1
        is_undecided = (start > 0 or begins_a_line) and _UNDECIDED.match(text, start) is not None
        # Of a long run of ">" the last few are enough: one more may stand anywhere in it.
        cut = max(start, len(text) - _LONGEST_UNDECIDED) if is_undecided else len(text)
        text, rest = text[:cut], text[cut:]
        if text:
            yield _quoted(text, begins_a_line)
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
