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
    rb"[^\n]*+(?:\n|\Z)(?:[ \t][^\n]*+(?:\n|\Z))*+"
)
_HEADER_ENDS = re.compile(rb"\n\r?\n")


def identity(octets: bytes) -> str:
    """The id of the message in these octets: 22 of 0-9A-Za-z."""
    separator = _SEPARATOR.match(octets)
    start = separator.end() if separator else 0
    blank = _HEADER_ENDS.search(octets, start)
    end = blank.start() + 1 if blank else len(octets)
    digest = blake2b(_OF_A_MAILBOX.sub(b"", octets[start:end]), digest_size=16)
    digest.update(octets[end:].rstrip(b"\r\n"))  # a mailbox file has a blank line behind a message
    return _base62(int.from_bytes(digest.digest()))


def _base62(number: int) -> str:
    digits = []
    for _ in range(LENGTH):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
