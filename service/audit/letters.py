"""The messages of the checker: each has a token, and content that shows whether it came back whole.

Knows nothing about who sends them, nor where they are found.

A server may add header fields in front of ours and behind, and may store lines with another end. So what is compared is the
body: its lines, without their ends, and without blank lines after the last one. The body begins and ends with the token, so
neither a message that was cut short nor one with another's body is taken for whole. Some of its lines are those that servers
get wrong: dots, `From ` and blank ones.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from typing import NamedTuple

FIELD = b"Smtpcount-Token"
"""The header field that has the token."""

_TOKEN = re.compile(rb"^" + FIELD + rb": ([0-9a-z]+-[0-9]+)\r?$", re.MULTILINE)
_ODD_LINES = b".\r\n..\r\nFrom here to there\r\n\r\n. \r\n"


class Letter(NamedTuple):
    """A message that is to be sent. `content` has CRLF lines, without the dots of DATA."""

    token: str
    mailboxes: tuple[str, ...]
    recipients: tuple[str, ...]
    content: bytes
    digest: str


def letter(token: str, recipients: Sequence[tuple[str, str]], octets: int) -> Letter:
    """The letter with this token, of about `octets` octets. `recipients` are addresses, each with its mailbox."""
    header = b"From: <smtpcount@localhost>\r\nSubject: counted\r\n%b: %b\r\n\r\n" % (FIELD, token.encode())
    ends = (b"begin %b\r\n" % token.encode(), b"end %b\r\n" % token.encode())
    room = octets - len(header) - sum(map(len, ends)) - len(_ODD_LINES)
    noise = base64.encodebytes(hashlib.shake_128(token.encode()).digest(max(0, room * 57 // 78))).replace(b"\n", b"\r\n")
    content = header + ends[0] + _ODD_LINES + noise + ends[1]
    addresses, mailboxes = zip(*recipients, strict=True)
    return Letter(token, tuple(dict.fromkeys(mailboxes)), addresses, content, digest(content))


def digest(content: bytes) -> str:
    """SHA-256, in hexadecimal digits, of the body: its lines without their ends, and without blank ones after the last."""
    body = content.replace(b"\r\n", b"\n").partition(b"\n\n")[2]
    return hashlib.sha256(body.rstrip(b"\n")).hexdigest()


def recognized(content: bytes) -> tuple[str, str] | None:
    """The token and the digest of a message as it was found, whatever was added to its header; None: it is none of ours."""
    found = _TOKEN.search(content)
    return (found[1].decode(), digest(content)) if found else None
