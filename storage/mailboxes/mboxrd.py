"""The mboxrd format: what a message looks like in a mailbox file.

Knows nothing about files, nor where a message comes from. The format is the "mboxrd" of the mbox family (RFC 4155 describes
the family): a separator line, header, blank line, body with `From ` lines quoted by one `>`, blank line.

Mail programs record in a message's header what they know about it: whether it was read or deleted, its number, its length. A
sender who wrote such fields could have this message hidden, or the ones behind it. The fields belong to the mailbox, so
those that a sender wrote are renamed.
"""

import re
import time
from collections.abc import Iterable, Iterator
from functools import lru_cache

from .fields import beginning, headed, unix_lines, unix_pieces
from .letter import Letter

_FROM_LINE = re.compile(rb"^(>*From )", re.MULTILINE)
_QUOTED_LINE = re.compile(rb"(\n)>(?=>*From )")
_SEPARATED = bytes(octet if 33 <= octet <= 126 and octet not in b'"\\' else ord("?") for octet in range(256))
"""For `bytes.translate`: what a separator line has for each octet of a sender. Mail programs split the line at blanks."""
LONGEST_SENDER = 1000
"""Octets of a sender in a separator line: mail programs do not recognise a line longer than 8 KiB."""

_LONGEST_UNDECIDED = len(b">From")
_UNDECIDED = re.compile(rb">*(F(r(om?)?)?)?\Z")

_OF_THE_MAILBOX = (
    rb"status|x-status|x-keywords|x-uidl?|x-imap|x-imapbase|content-length|x-mozilla-(?:status2?|keys)|x-evolution"
)
"""Fields that Dovecot, mutt, UW IMAP, qpopper, Thunderbird and Evolution keep in mailbox files, and obey."""

_FIELD = re.compile(rb"[\r\n](?=[csx])(?:%b)[ \t]*:" % _OF_THE_MAILBOX, re.IGNORECASE)
"""Such a field, with the end of the line before it: LF, or for some programs, like Python's `mailbox`, CR."""
_FIELD_BEHIND_LF = re.compile(rb"\n(?=[csx])(?:%b)[ \t]*:" % _OF_THE_MAILBOX, re.IGNORECASE)
"""The same where there is no CR: `re` looks for one octet four times as fast as for one of two."""

_END_OF_HEADER = re.compile(rb"\n\r?\n")
_LONGEST_NAME = 40
_MAY_BE_A_FIELD = re.compile(rb"[\r\n]+(?:%b)[ \t]*" % _OF_THE_MAILBOX, re.IGNORECASE)
_LONGEST_FIELD = 4096
"""Octets of such a field's name, with blanks behind it, that are held back. A longer one is renamed, whatever follows."""


def entry(letter: Letter) -> Iterable[bytes]:
    """A letter as an entry of a mailbox file, in pieces, with its separator and the blank line at its end."""
    sender = letter.reverse_path[:LONGEST_SENDER].translate(_SEPARATED) or b"MAILER-DAEMON"
    from_line = b"From %b %b\n" % (sender, _date(int(letter.came)))
    if letter.is_large:
        return _in_pieces(from_line, letter)
    text = _whole(letter)
    return (b"".join((from_line, text, b"\n" if text.endswith(b"\n") else b"\n\n")),)


def _whole(letter: Letter) -> bytes:
    """The text of a letter that is in memory. The same as `_in_pieces`, at less cost (tests compare them)."""
    content = b"".join(letter.content())
    fields, content = beginning(letter, content if letter.is_verbatim else unix_lines(content))
    text = fields + content
    start = len(fields) - 2  # ours need no look; the last two octets of them may be the blank line
    end = _END_OF_HEADER.search(text, start)
    return _quoted(_renamed(text, end.start() if end else len(text), start), begins_a_line=True)


def _in_pieces(from_line: bytes, letter: Letter) -> Iterator[bytes]:
    yield from_line
    content = letter.content()
    piece = b""
    for piece in quoted(renamed(headed(letter, content if letter.is_verbatim else unix_pieces(content)))):
        yield piece
    yield b"\n" if piece.endswith(b"\n") else b"\n\n"


def renamed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """A message in pieces, with its header at the front; in the header, any field that belongs to the mailbox is renamed.

    If the end of a piece may be such a field, or the blank line, it is held back until the next piece decides.
    """
    held = b""
    for piece in pieces:
        text = held + piece
        end = _END_OF_HEADER.search(text)
        if end:
            yield _renamed(text, end.start())
            yield from pieces
            return
        cut = _undecided(text)
        text, held = text[:cut], text[cut:]
        if len(held) > _LONGEST_FIELD:
            yield _renamed(text, len(text)) + _renamed(held + b":", len(held) + 1)[:-1]
            held = b""
        elif text:
            yield _renamed(text, len(text))
    if held:
        yield _renamed(held, len(held))


def _renamed(text: bytes, end: int, start: int = 0) -> bytes:
    """The text, with the fields that belong to the mailbox renamed from `start` to `end`."""
    field = _FIELD_BEHIND_LF if text.find(b"\r", start, end) < 0 else _FIELD
    if not field.search(text, start, end):  # nearly always
        return text
    return text[:start] + field.sub(_original, text[start:end]) + text[end:]


def _original(field: re.Match[bytes]) -> bytes:
    return field[0][:1] + b"X-Original-" + field[0][1:]


def _undecided(text: bytes) -> int:
    """Where the last line begins, line ends before it included, if it may be a field to rename or the blank line; else the
    length.
    """
    start = max(text.rfind(b"\n"), text.rfind(b"\r"))
    if text[start - 1 : start] in (b"\n", b"\r") and start > 1:
        start -= 1 + (text[start - 2 : start - 1] == b"\n")
    is_short = len(text) - start <= _LONGEST_NAME
    return start if start >= 0 and (is_short or _MAY_BE_A_FIELD.fullmatch(text, start)) else len(text)


def quoted(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The text of a message as a mailbox file has it: each line that begins with any number of `>` and then `From ` gets one
    more `>`.

    Only LF ends a line here. Yields no empty piece. If the end of a piece may be the beginning of such a line, it is held
    back until the next piece decides.
    """
    rest = b""
    begins_a_line = True
    for piece in pieces:
        text, rest, is_undecided = _decided(rest + piece, begins_a_line)
        if text:
            yield _quoted(text, begins_a_line)
            begins_a_line = is_undecided or text.endswith(b"\n")
    if rest:
        yield _quoted(rest, begins_a_line)  # it has no LF


def _quoted(text: bytes, begins_a_line: bool) -> bytes:
    if b"From " not in text:
        return text
    start = 0 if begins_a_line else text.find(b"\n") + 1 or len(text)
    return text[:start] + _FROM_LINE.sub(rb">\1", text[start:])


def content_of(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The content of an entry, both in pieces: without its separator, the quoting, and the blank line at its end."""
    held = last = b""
    for piece in _unquoted(_without_separator(pieces)):
        text = held + piece
        held = b"\n" if text.endswith(b"\n") else b""  # of two at the end the second one is the blank line
        text = text[: len(text) - len(held)]
        if text:
            yield text
            last = text
    if held and not last.endswith(b"\n"):
        yield held


def _without_separator(pieces: Iterable[bytes]) -> Iterator[bytes]:
    is_in_it = True
    for piece in pieces:
        if is_in_it:
            _, end, rest = piece.partition(b"\n")
            is_in_it = not end
            if rest:
                yield rest
        else:
            yield piece


def _unquoted(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Undoes `quoted`, in the same way."""
    rest = b""
    begins_a_line = True
    for piece in pieces:
        text, rest, is_undecided = _decided(rest + piece, begins_a_line)
        if text:
            yield _QUOTED_LINE.sub(rb"\1", b"\n" * begins_a_line + text)[begins_a_line:]
            begins_a_line = is_undecided or text.endswith(b"\n")
    if rest:
        yield rest  # it is no whole "From "


def _decided(text: bytes, begins_a_line: bool) -> tuple[bytes, bytes, bool]:
    """Cuts off the end of a text if it may be the beginning of a line `From `, quoted or not. Returns both parts, and
    whether it may be.
    """
    start = text.rfind(b"\n") + 1
    is_undecided = (start > 0 or begins_a_line) and _UNDECIDED.match(text, start) is not None
    # Of a long run of ">" the last few suffice: the one that is added or goes may stand anywhere in it.
    cut = max(start, len(text) - _LONGEST_UNDECIDED) if is_undecided else len(text)
    return text[:cut], text[cut:], is_undecided


def gap(end: bytes) -> bytes:
    """The octets needed between the end of a mailbox file (its last two octets, or all it has) and a new entry."""
    if not end or end == b"\n\n":
        return b""
    return b"\n" if end.endswith(b"\n") else b"\n\n"


@lru_cache(maxsize=4)
def _date(second: int) -> bytes:
    return time.asctime(time.gmtime(second)).encode()
