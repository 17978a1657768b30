"""The id of a message: a digest of what the message is, not of where it stands.

A mail program changes a message's status, and a server writes one `Delivered-To` for each mailbox. These do not count, nor
do the separator and the quoting of a mailbox file. So a message keeps its id in every copy, whatever is done to the mailbox,
and its octets prove that they are those of an id. Knows nothing about mailboxes.
"""

import re
from hashlib import blake2b

LENGTH = 22
"""Digits of an id: 128 bits in base 62."""

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SEPARATOR = re.compile(rb"From [^\n]*+\n")
_OF_A_MAILBOX = re.compile(
    rb"(?im)^(?:Delivered-To|Status|X-Status|X-Keywords|X-UID|X-IMAP|X-IMAPbase|Content-Length|Lines)[ \t]*+:"
    rb"[^\n]*+(?:\n|\Z)(?:[ \t][^\n]*+(?:\n|\Z))*+"  # whole, once begun
)
_HEADER_ENDS = re.compile(rb"\n\r?\n")


def identity(octets: bytes) -> str:
    """The id of the message in these octets: 22 of 0-9A-Za-z."""
    digest = Digest()
    digest.add(octets)
    return digest.id


class Digest:
    """Takes a message in pieces, and knows its id. It holds the header, and what may be blank lines at the end."""

    __slots__ = ("_body", "_held")

    def __init__(self) -> None:
        self._held = b""
        self._body: blake2b | None = None

    def add(self, piece: bytes) -> None:
        """Takes the next piece."""
        if self._body:
            self._end(self._body, self._held + piece)
            return
        before, self._held = len(self._held), self._held + piece
        separator = _SEPARATOR.match(self._held)
        start = separator.end() if separator else 0
        if separator or not self._held.startswith(b"From "):
            blank = _HEADER_ENDS.search(self._held, max(start, before - 2))
            if blank:
                self._begin(start, blank.start() + 1)

    @property
    def id(self) -> str:
        """The id of the message whose pieces were added."""
        if not self._body:
            separator = _SEPARATOR.match(self._held)
            self._begin(separator.end() if separator else 0, len(self._held))
        assert self._body
        return _base62(int.from_bytes(self._body.digest()))

    def _begin(self, start: int, end: int) -> None:
        """The header is whole."""
        self._body = blake2b(_OF_A_MAILBOX.sub(b"", self._held[start:end]), digest_size=16)
        self._end(self._body, self._held[end:])

    def _end(self, body: blake2b, text: bytes) -> None:
        """Takes the body's next octets. A mailbox file has a blank line behind a message."""
        certain = text.rstrip(b"\r\n")
        body.update(certain)
        self._held = text[len(certain) :]


def _base62(number: int) -> str:
    digits = []
    for _ in range(LENGTH):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
