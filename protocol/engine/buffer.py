"""Turns bytes that arrive in arbitrary pieces into command lines or mail data, with bounded memory.

Knows nothing about commands, nor about when which of the two is due: the session decides.
"""

import re
from typing import NamedTuple


class _Ends(NamedTuple):
    """The line end in use, and what follows from it."""

    line: bytes
    """The line end."""
    dotted: bytes
    """A line end, followed by the dot that begins the next line."""
    sole: bytes
    """How most mail data ends; the fast path of `sole_content` knows only this form."""
    data: re.Pattern[bytes]
    """Matches every end of mail data."""
    maybe: re.Pattern[bytes]
    """Matches a tail that the next bytes may turn into the end of mail data, or into a dotted line end."""


_LF = _Ends(b"\n", b"\n.", b"\n.\r\n", re.compile(rb"\n\.\r?\n"), re.compile(rb"\n(?:\.\r?)?\Z"))
_CRLF = _Ends(b"\r\n", b"\r\n.", b"\r\n.\r\n", re.compile(rb"\r\n\.\r\n"), re.compile(rb"\r(?:\n(?:\.\r?)?)?\Z"))

MAX_COMMAND_LINE = 1000
"""Longest command line in octets, without its line end, unless a dialect sets another limit (RFC 5321 section 4.5.3.1.4
requires at least 512)."""

_LONGEST_MAYBE = 4
_NO_CHUNK = -1
(_DOT,) = b"."


class Buffer:
    """Input that the client has sent and the session has not processed yet.

    A line ends with LF, and a CR before it belongs to the line end. After `demand_crlf` only CRLF ends a line, and a bare CR
    or LF is an octet like any other. `max_line` is in octets, without the line end. A longer line is cut to `max_line + 1`
    octets, so that its length shows that it was too long; the rest is dropped as it arrives.
    """

    __slots__ = ("_at", "_begins", "_bytes", "_chunk", "_ends", "_is_prefixed", "_max_line", "_overlong")

    def __init__(self, max_line: int = MAX_COMMAND_LINE) -> None:
        self._max_line = max_line
        self._ends = _LF
        self._bytes = b""
        self._at = 0
        self._overlong = b""
        self._begins = self._is_prefixed = False
        self._chunk = _NO_CHUNK

    def demand_crlf(self, max_line: int) -> None:
        """From now on only CRLF ends a line (RFC 5321 section 2.3.8), and `max_line` is the limit."""
        self._ends = _CRLF
        self._max_line = max_line

    def limit(self, max_line: int) -> None:
        """From now on `max_line` is the limit."""
        self._max_line = max_line

    @property
    def is_empty(self) -> bool:
        """Whether no input is waiting, and no overlong line is still incomplete."""
        return self._at == len(self._bytes) and not self._overlong

    @property
    def has_bare_lf(self) -> bool:
        """Whether the waiting input contains a bare LF. Only meaningful when it contains no complete line."""
        return b"\n" in self._bytes[self._at :]

    def feed(self, data: bytes) -> None:
        """Adds input."""
        self._bytes = self._bytes[self._at :] + data if self._at < len(self._bytes) else data
        self._at = 0

    def clear(self) -> None:
        """Drops the waiting input."""
        self._bytes, self._at, self._overlong = b"", 0, b""

    def line(self) -> bytes | None:
        """Takes the next line, without its line end. None: there is no complete line yet."""
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
        """Switches to mail data: the session calls `content` until that reports the end."""
        self._begins = True

    def begin_chunk(self, octets: int) -> None:
        """Switches to a chunk of this size, taken as it is: the session calls `content` until that reports the end."""
        self._chunk = octets

    def content(self) -> tuple[bytes, bool]:
        """Takes all mail data that has arrived. Returns it, and whether its end (a line with only a dot) was reached.

        Undoes dot-stuffing: removes the first dot of a line that begins with one (RFC 5321 section 4.5.2). Line ends stay as
        they are. After the end, lines follow again.
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
        """Fast path: the mail data, if `data` is all of it with its end, and no other line begins with a dot.

        Only for an empty buffer. None: `data` is something else, and the caller must `feed` it.
        """
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
        """If mail data begins with a dot, puts a line end before it, so that `_cut` only looks for dots after line ends."""
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
        # In most messages no other line begins with a dot, so try the first one before searching for the end.
        end = end_of_data.match(data, dot) or end_of_data.search(data, dot) if dot >= 0 else None
        if end:
            stop, self._at = end.start() + len(newline), end.end()
            if self._at == len(data):
                self._bytes, self._at = b"", 0  # free it now: it may be large, and the client may stay silent for long
        else:
            maybe = maybe_end.search(data, max(at, len(data) - _LONGEST_MAYBE))
            stop = maybe.start() if maybe else len(data)
            self._bytes, self._at = data[stop:], 0
        piece = data[at:stop]
        return piece.replace(dotted, newline) if 0 <= dot < stop - 1 else piece, end is not None
