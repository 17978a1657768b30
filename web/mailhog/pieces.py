"""A mail cut up as MailHog does it: header fields as they stand there, bodies still encoded, parts within parts.

It is no reading of mail for people; inbox/ does that. It takes time that grows with the octets and the levels only.
"""

import base64
import binascii
import quopri
import re
from typing import NamedTuple

MOST_PIECES = 1_000
"""Parts of a mail, those in parts included."""

MOST_LEVELS = 10
"""Levels of parts in parts."""

LONGEST_HEADER = 1 << 20
"""Octets of a header that are read."""

_FOLDED = re.compile(rb"\r\n(?=[ \t])")
_BOUNDARY = re.compile(rb"(?i);\s*+boundary\s*+=\s*+(?:\"([^\"\r\n]{1,200})\"|([^\s;\"]{1,200}))")


class Piece(NamedTuple):
    """A mail, or a part of one. Lines end with CRLF."""

    headers: dict[str, list[str]]
    body: bytes
    size: int
    """Octets, the header included."""
    pieces: list["Piece"] | None = None
    """Its parts, if it is said to have any."""

    def first(self, name: str) -> str:
        """The value of the first field with a name; "" if there is none."""
        return next((values[0] for key, values in self.headers.items() if key.lower() == name.lower()), "")

    def content(self) -> bytes:
        """What the body stands for."""
        encoding = self.first("content-transfer-encoding").strip().lower()
        if encoding == "quoted-printable":
            return quopri.decodestring(self.body)
        if encoding != "base64":
            return self.body
        digits = re.sub(rb"[^A-Za-z0-9+/]", b"", self.body)
        try:
            return base64.b64decode(digits + b"=" * (-len(digits) % 4))
        except binascii.Error:  # a single digit at the end
            return base64.b64decode(digits[:-1])


def with_crlf(octets: bytes) -> bytes:
    """A mail as it came over SMTP: mailbox files have lines that end with LF."""
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def piece(octets: bytes) -> Piece:
    """A whole mail, whose lines end with CRLF."""
    return _piece(octets, MOST_LEVELS, [MOST_PIECES])


def _piece(octets: bytes, levels: int, left: list[int]) -> Piece:
    header, blank, body = octets.partition(b"\r\n\r\n")
    if octets.startswith(b"\r\n"):
        header, body = b"", octets[2:]
    elif not blank:
        header, body = b"", octets
    headers = _headers(header[:LONGEST_HEADER])
    made = Piece(headers, body, len(octets))
    type = made.first("content-type").lstrip()
    if not type.lower().startswith("multipart/") or not levels:
        return made
    boundary = _BOUNDARY.search(type.encode("utf-8", "replace"))
    bodies = _cut(body, boundary[1] or boundary[2], left) if boundary else []
    return made._replace(pieces=[_piece(part, levels - 1, left) for part in bodies])


def _headers(header: bytes) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in _FOLDED.sub(b"", header).split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if colon and name:
            found.setdefault(name.decode("utf-8", "replace").strip(), []).append(value.decode("utf-8", "replace").strip())
    return found


def _cut(body: bytes, boundary: bytes, left: list[int]) -> list[bytes]:
    """What stands between the lines with a boundary. The last part may have no end."""
    parts: list[bytes] = []
    start: int | None = None
    for line in re.finditer(rb"(?m)^--" + re.escape(boundary) + rb"(--)?[ \t]*+\r?$", body):
        if start is not None:
            parts.append(body[start : max(start, line.start() - 2)])
            left[0] -= 1
        start = None if line[1] else line.end() + 1
        if line[1] or left[0] <= 0:
            return parts
    if start is not None:
        parts.append(body[start:])
    return parts
