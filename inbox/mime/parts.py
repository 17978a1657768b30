"""The structure of a mail (RFC 2046): its parts, and where each stands in the octets.

The octets are gone through once, whatever is nested in them, and no part is copied. A mail within a mail is one part: it is
a mail of its own. What a part says of itself is read here, what it contains elsewhere. Knows nothing about which parts are
shown.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from .fields import raw_text
from .filenames import file_name
from .header import Header, part_header_at
from .parameters import UNKNOWN_TYPE, media_type, valued

MOST_LEVELS = 1_000
"""Multiparts within multiparts that are opened."""

MOST_PARTS = 100_000
"""Parts of a mail."""

NUMBERED_LEVELS = 20
"""Levels of which a part's id gives the number."""

_DELIMITER = re.compile(rb"\n--([^\r\n]++)")


class Part(NamedTuple):
    """A part that has content, and what it says of itself.

    The id is as with Mailpit: numbers with dots between, `0` for a mail without parts. `place` is the type of the multipart
    it is in, or "".
    """

    id: str
    type: str
    place: str
    parameters: Mapping[str, str]
    disposition: str
    file_name: str
    content_id: str
    encoding: str
    header: int
    start: int
    end: int
    size: int = 0
    """Octets of its content, where they were counted."""


class Structure(NamedTuple):
    """All parts with content, in their order."""

    parts: tuple[Part, ...]
    is_cut: bool = False
    """Whether there were more."""
    has_no_parts: bool = False
    """Whether a multipart had none, and is shown as text."""


class _Multipart(NamedTuple):
    """A multipart that is open: parts of it may come."""

    part: Part
    boundary: bytes


def structure(octets: bytes, header: Header, start: int = 0) -> Structure:
    """The parts of a mail, whose header is given, and where that begins."""
    reading = _Reading(octets)
    reading.begin(_described(header, start, "0", ""), _guessed_boundary(octets, header.end))
    end = len(octets)
    for match in _DELIMITER.finditer(octets, max(0, header.end - 1)) if reading.is_open else ():
        if reading.begun >= MOST_PARTS:
            end = match.start()
            break
        reading.delimiter(match)
    reading.close(0, end)
    return Structure(tuple(reading.parts), end < len(octets), reading.has_no_parts)


class _Reading:
    """A mail whose parts are being found."""

    def __init__(self, octets: bytes) -> None:
        self.parts: list[Part] = []
        self.begun = 0
        self.has_no_parts = False
        self._octets = octets
        self._open: list[_Multipart] = []
        self._counts: list[int] = []
        self._levels: dict[bytes, list[int]] = {}
        self._leaf: Part | None = None

    @property
    def is_open(self) -> bool:
        return bool(self._open)

    def begin(self, part: Part, guessed_boundary: bytes = b"") -> None:
        """A part begins, in the innermost multipart that is open."""
        self.begun += 1
        boundary = part.parameters.get("boundary", "").rstrip().encode("utf-8") or guessed_boundary
        if part.type.startswith("multipart/") and boundary and len(self._open) < MOST_LEVELS:
            self._levels.setdefault(boundary, []).append(len(self._open))
            self._open.append(_Multipart(part, boundary))
            self._counts.append(0)
        else:
            self._leaf = part

    def delimiter(self, match: re.Match[bytes]) -> None:
        """A line that may be the boundary of an open multipart. Parts within it end there, whether they said so or not."""
        line = match[1].rstrip(b" \t")
        levels, is_last = self._levels.get(line), False
        if not levels and line.endswith(b"--"):
            levels, is_last = self._levels.get(line[:-2]), True
        if levels:
            level = levels[-1]
            self.close(level + (not is_last), match.start() - self._octets.endswith(b"\r", 0, match.start()))
            if not is_last:
                self._next(level, match.end())

    def close(self, level: int, end: int) -> None:
        """What is open from a level on ends. A multipart without parts is text."""
        if self._leaf:
            self.parts.append(_ended(self._leaf, end))
            self._leaf = None
        while len(self._open) > level:
            part, boundary = self._open.pop()
            self._levels[boundary].pop()
            if not self._counts.pop():
                self.parts.append(_ended(part._replace(type="text/plain"), end))
                self.has_no_parts = True

    def _next(self, level: int, end_of_delimiter: int) -> None:
        start = self._octets.find(b"\n", end_of_delimiter) + 1 or len(self._octets)
        parent = self._open[level].part
        self._counts[level] += 1
        number = str(self._counts[level])
        if level >= NUMBERED_LEVELS:
            number = f"0.{self.begun}"
        elif level:
            number = f"{parent.id}.{number}"
        self.begin(_described(part_header_at(self._octets, start), start, number, parent.type))


def _ended(part: Part, end: int) -> Part:
    return part._replace(end=max(part.start, end))


def _guessed_boundary(octets: bytes, start: int) -> bytes:
    """For a multipart that does not name its boundary: the first line that may be one, if it comes again."""
    match = _DELIMITER.search(octets, max(0, start - 1))
    return match[1].rstrip(b" \t") if match and octets.find(match[0], match.end()) >= 0 else b""


def _described(header: Header, start: int, id: str, place: str) -> Part:
    """A part by its header, which begins at `start`. What cannot be a type is text when it is that of a whole mail."""
    default = "message/rfc822" if place == "multipart/digest" else "text/plain"
    type, content_type = media_type(header.first("content-type"), default)
    if type == UNKNOWN_TYPE and content_type.value != type and not place:
        type = "text/plain"
    disposition = valued(header.first("content-disposition"))
    return Part(
        id=id,
        type=type,
        place=place,
        parameters=content_type.parameters,
        disposition=(disposition.value.split() or [""])[0],
        file_name=file_name(disposition.parameter("filename")) or file_name(content_type.parameter("name")),
        content_id=raw_text(header.first("content-id")).strip("<> "),
        encoding=raw_text(header.first("content-transfer-encoding")),
        header=start,
        start=header.end,
        end=header.end,
    )
