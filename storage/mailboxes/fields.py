"""The header fields that a mailbox of any kind puts before the content of a message.

Knows nothing about where one message ends and the next begins.
"""

import re
from collections.abc import Iterable, Iterator

from .letter import Letter

_HEADER_FIELD = re.compile(rb"[!-9;-~]++[ \t]*+:")  # possessive: a line without a colon is looked at once
_SEPARATORS = re.compile(rb"(?:>*From [^\n]*\n(?:[ \t][^\n]*\n)*)+")
_SEPARATOR = re.compile(rb"^(?=>*From )", re.MULTILINE)
_LONGEST_LINE = 998  # of a header: RFC 5322 section 2.1.1


def headed(letter: Letter, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The header fields a mailbox adds (see `beginning`), followed by the pieces of the letter's content."""
    fields, first = beginning(letter, next(pieces, b""))
    yield fields
    if first:
        yield first
    yield from pieces


def beginning(letter: Letter, first: bytes) -> tuple[bytes, bytes]:
    """The header fields a mailbox adds, with LF line ends, and the first piece of the letter's content, to go behind them.

    The fields are Return-Path (RFC 5321 section 4.4), a Delivered-To for each forward-path, and the trace fields. If the
    content has no header, the blank line that ends one follows. `From ` lines in front of the content's header, which would
    separate messages in a mailbox file, become fields of it.
    """
    first = _without_separators(first)
    has_header = _HEADER_FIELD.match(first, 0, _LONGEST_LINE) or first.startswith(
        (b"\n", b"\r\n") if letter.is_verbatim else b"\n"
    )
    fields = [b"Return-Path: <", letter.reverse_path, b">\n"]
    for path in letter.forward_paths:
        fields += (b"Delivered-To: ", path, b"\n")
    fields.append(unix_lines(letter.trace))
    if not has_header:
        fields.append(b"\n")
    return b"".join(fields), first


def _without_separators(first: bytes) -> bytes:
    """The first piece of content, with `From ` lines in front of a header renamed, so that the header counts as one."""
    lines = first.startswith((b"F", b">")) and _SEPARATORS.match(first)
    if not lines or not _HEADER_FIELD.match(first, lines.end(), lines.end() + _LONGEST_LINE):
        return first
    return _SEPARATOR.sub(b"X-Mailbox-Line: ", lines[0]) + first[lines.end() :]


def unix_lines(text: bytes) -> bytes:
    """The text with the CR of each CRLF dropped; every other octet stays."""
    return text.replace(b"\r\n", b"\n")


def unix_pieces(content: Iterable[bytes]) -> Iterator[bytes]:
    """Does for a text in pieces, cut anywhere, what `unix_lines` does. Yields no empty piece."""
    held = b""
    for piece in content:
        text = held + piece
        cut = len(text) - text.endswith(b"\r")
        held = text[cut:]
        if cut:
            yield unix_lines(text[:cut])
    if held:
        yield held
