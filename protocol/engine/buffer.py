"""Bytes that came in any pieces become command lines or mail data, with bounded memory.

It does not know commands, nor when which of the two is to be read.
"""

import re
from typing import NamedTuple


class _Ends(NamedTuple):
    """What ends a line, the same with a dot behind it, how most end mail data, what ends it, and what may become its end."""

    line: bytes
    dotted: bytes
    sole: bytes
    data: re.Pattern[bytes]
    maybe: re.Pattern[bytes]


_LF = _Ends(b"\n", b"\n.", b"\n.\r\n", re.compile(rb"\n\.\r?\n"), re.compile(rb"\n(?:\.\r?)?\Z"))
_CRLF = _Ends(b"\r\n", b"\r\n.", b"\r\n.\r\n", re.compile(rb"\r\n\.\r\n"), re.compile(rb"\r(?:\n(?:\.\r?)?)?\Z"))

MAX_COMMAND_LINE = 1000
"""Longest command line in octets, its line end not counted (RFC 5321 section 4.5.3.1.4 asks for 512 at least), where a
dialect does not say otherwise."""

_LONGEST_MAYBE = 4
_NO_CHUNK = -1
(_DOT,) = b"."


class Buffer:
    """What a client has sent and the session has not taken yet.

    A line ends at LF, and a CR before it belongs to the line end; or, where `demand_crlf` was called, at CRLF only, and a CR
    or LF alone is an octet like any other. `max_line` is in octets, without the line end; what a longer line has beyond is
    dropped as it comes; it is given with `max_line + 1` octets, so that its length tells.
    """

    __slots__ = ("_at", "_begins", "_bytes", "_chunk", "_ends", "_is_prefixed", "_max_line", "_overlong", "_skipped")

    def __init__(self, max_line: int = MAX_COMMAND_LINE) -> None:
        self._max_line = max_line
        self._ends = _LF
        self._bytes = b""
        self._at = 0
        self._overlong = b""
        self._begins = self._is_prefixed = False
        self._chunk = _NO_CHUNK
        self._skipped = 0

    def demand_crlf(self, max_line: int) -> None:
        """Lines end as RFC 5321 section 2.3.8 says, and no other way, and may be so long."""
        self._ends = _CRLF
        self._max_line = max_line

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits to be taken, nor is there anything that belongs to what comes."""
        return self._at == len(self._bytes) and not (self._overlong or self._skipped)

    @property
    def has_bare_lf(self) -> bool:
        """Whether a LF that ends no line is among what waits, when no line that has ended does."""
        return b"\n" in self._bytes[self._at :]

    def feed(self, data: bytes) -> None:
        """Adds what came."""
        self._bytes = self._bytes[self._at :] + data if self._at < len(self._bytes) else data
        self._at = 0
        if self._skipped:
            self.skip(self._skipped)

    def clear(self) -> None:
        """Forgets what came."""
        self._bytes, self._at, self._overlong = b"", 0, b""

    def skip(self, octets: int) -> None:
        """The next octets, of which some may be there already, are nothing to anybody."""
        here = min(octets, len(self._bytes) - self._at)
        self._at += here
        self._skipped = octets - here

    @property
    def is_skipping(self) -> bool:
        """Whether some of these have not come yet."""
        return self._skipped > 0

    def line(self) -> bytes | None:
        """Takes the next line, without its line end; None: it has not ended yet."""
        newline = self._ends.line
        end = self._bytes.find(newline, self._at)
        if end < 0:
            if self._at < len(self._bytes):
                self._bound_the_rest()
            else:
                self._bytes, self._at = b"", 0
            return None
        line = self._overlong or self._bytes[self._at : end]
        if newline == b"\n":
            line = line.removesuffix(b"\r")
        self._at, self._overlong = end + len(newline), b""
        return line[: self._max_line + 1]

    def _bound_the_rest(self) -> None:
        self._bytes, self._at = self._bytes[self._at :], 0
        if self._overlong or len(self._bytes) > self._max_line + len(b"\r"):
            self._overlong = self._overlong or self._bytes[: self._max_line + 1]
            self._bytes = b"\r" if self._bytes.endswith(b"\r") else b""

    def begin_content(self) -> None:
        """From here on `content` is called, until it has given the end of the mail data."""
        self._begins = True

    def begin_chunk(self, octets: int) -> None:
        """From here on `content` is called, until it has given so many octets, as they are."""
        self._chunk = octets

    def content(self) -> tuple[bytes, bool]:
        """Takes all mail data that is there, and tells whether its end (a line of one dot) came: then lines follow again.

        Transparency is undone (RFC 5321 section 4.5.2): a line that begins with a dot loses it. Line ends stay as they came.
        """
        if self._chunk != _NO_CHUNK:
            return self._take_chunk()
        if self._begins and self._at < len(self._bytes):
            self._begin()
        piece, is_end = self._cut()
        if self._is_prefixed and piece:
            piece, self._is_prefixed = piece[len(self._ends.line) :], False
        return piece, is_end

    def sole_content(self, data: bytes) -> bytes | None:
        """All of the mail data, when the buffer is empty and `data` is just that; else None, and `data` is to be fed."""
        end = self._ends.sole
        if (
            not self._begins
            or not data.endswith(end)
            or data[0] == _DOT
            or data.find(self._ends.dotted) != len(data) - len(end)
        ):
            return None
        self._begins = False
        return data[:-3]

    def _begin(self) -> None:
        """A line end before a dot that comes first makes "at the start of a line" and "after a line end" the same."""
        self._begins = False
        if self._bytes[self._at] == _DOT:
            self._bytes, self._at, self._is_prefixed = self._ends.line + self._bytes[self._at :], 0, True

    def _take_chunk(self) -> tuple[bytes, bool]:
        piece = self._bytes[self._at : self._at + self._chunk]
        self._at += len(piece)
        self._chunk -= len(piece)
        is_end = self._chunk == 0
        if is_end:
            self._chunk = _NO_CHUNK
        return piece, is_end

    def _cut(self) -> tuple[bytes, bool]:
        data, at = self._bytes, self._at
        newline, dotted, _, end_of_data, maybe_end = self._ends
        dot = data.find(dotted, at)
        # Most messages hold no other line that begins with a dot, so the first one is looked at before all are searched.
        end = end_of_data.match(data, dot) or end_of_data.search(data, dot) if dot >= 0 else None
        if end:
            stop, self._at = end.start() + len(newline), end.end()
            if self._at == len(data):
                self._bytes, self._at = b"", 0  # it may be large, and nothing may come for long
        else:
            maybe = maybe_end.search(data, max(at, len(data) - _LONGEST_MAYBE))
            stop = maybe.start() if maybe else len(data)
            self._bytes, self._at = data[stop:], 0
        piece = data[at:stop]
        return piece.replace(dotted, newline) if 0 <= dot < stop - 1 else piece, end is not None
