"""Bytes that came in any pieces become command lines or mail data, with bounded memory.

It does not know commands, nor when which of the two is to be read.
"""

import re

_END_OF_DATA = re.compile(rb"\n\.\r?\n")
_MAYBE_END = re.compile(rb"\n(?:\.\r?)?\Z")


class Buffer:
    """What a client has sent and the session has not taken yet.

    A line ends at LF, and a CR before it belongs to the line end. `max_line` is in octets, without the line end; what a
    longer line has beyond is dropped as it comes; it is given with `max_line + 1` octets, so that its length tells.
    """

    __slots__ = ("_at", "_bytes", "_is_first_piece", "_max_line", "_overlong")

    def __init__(self, max_line: int) -> None:
        self._max_line = max_line
        self._bytes = b""
        self._at = 0
        self._overlong = b""
        self._is_first_piece = False

    def feed(self, data: bytes) -> None:
        """Adds what came."""
        self._bytes = self._bytes[self._at :] + data if self._at < len(self._bytes) else data
        self._at = 0

    def clear(self) -> None:
        """Forgets what came."""
        self._bytes, self._at, self._overlong = b"", 0, b""

    def line(self) -> bytes | None:
        """Takes the next line, without its line end; None: it has not ended yet."""
        end = self._bytes.find(b"\n", self._at)
        if end < 0:
            if self._at < len(self._bytes):
                self._bound_the_rest()
            else:
                self._bytes, self._at = b"", 0
            return None
        line = self._overlong or self._bytes[self._at : end].removesuffix(b"\r")
        self._at, self._overlong = end + 1, b""
        return line[: self._max_line + 1]

    def _bound_the_rest(self) -> None:
        self._bytes, self._at = self._bytes[self._at :], 0
        if self._overlong or len(self._bytes) > self._max_line + len(b"\r"):
            self._overlong, self._bytes = self._overlong or self._bytes[: self._max_line + 1], b""

    def begin_content(self) -> None:
        """From here on `content` is called, until it has given the end of the mail data."""
        self._bytes, self._at = b"\n" + self._bytes[self._at :], 0
        self._is_first_piece = True

    def content(self) -> tuple[bytes, bool]:
        """Takes all mail data that is there, and tells whether its end (a line of one dot) came: then lines follow again.

        Transparency is undone (RFC 5321 section 4.5.2): a line that begins with a dot loses it. Line ends stay as they came.
        """
        piece, is_end = self._cut()
        # The LF that begin_content put before the first line made "at the start of a line" and "after an LF" the same.
        if self._is_first_piece and piece:
            piece, self._is_first_piece = piece[1:], False
        return piece, is_end

    def _cut(self) -> tuple[bytes, bool]:
        data, at = self._bytes, self._at
        dot = data.find(b"\n.", at)
        # Most messages hold no other line that begins with a dot, so the first one is looked at before all are searched.
        end = _END_OF_DATA.match(data, dot) or _END_OF_DATA.search(data, dot) if dot >= 0 else None
        if end:
            stop, self._at = end.start() + 1, end.end()
        else:
            maybe = _MAYBE_END.search(data, max(at, len(data) - 3))
            stop = maybe.start() if maybe else len(data)
            self._bytes, self._at = data[stop:], 0
        piece = data[at:stop]
        return piece.replace(b"\n.", b"\n") if 0 <= dot < stop - 1 else piece, end is not None
