"""What a client has sent and its session has not told of yet: lines, mail data with its dots, chunks. Memory is bounded.

Knows nothing about commands. Unlike `engine.buffer`, it keeps dots and line ends as they came, and counts octets.
"""

from typing import NamedTuple

from ..esmtp.grammar import MAX_LINE

_CRLF = b"\r\n"
_END = b"\r\n.\r\n"


class Line(NamedTuple):
    """A command line without its CRLF; of an overlong one, the first MAX_LINE + 1 octets."""

    octets: bytes
    length: int
    """All its octets, CRLF included."""
    start: int
    """Octets that the client sent before it."""


class Incoming:
    """The octets of a client. `received` counts all, `taken` those that `line`, `text` and `chunk` have taken."""

    __slots__ = ("_bytes", "_chunk", "_dropped", "_skip", "received", "taken")

    def __init__(self) -> None:
        self._bytes = b""
        self._dropped = 0
        self._skip = 0
        self._chunk = 0
        self.received = self.taken = 0

    def feed(self, data: bytes) -> None:
        """Adds octets."""
        self._bytes += data
        self.received += len(data)

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._bytes

    @property
    def has_bare_lf(self) -> bool:
        """Whether an LF waits that ends no line."""
        return b"\n" in self._bytes.replace(_CRLF, b"")

    def clear(self) -> None:
        """Drops what waits."""
        self.taken, self._bytes = self.received, b""

    def line(self) -> Line:
        """Takes the next line, which must be complete."""
        octets, crlf, rest = self._bytes.partition(_CRLF)
        assert crlf, "the session has seen a whole line"
        start, length = self.taken, len(octets) + self._dropped + len(_CRLF)
        self._bytes, self._dropped = rest, 0
        self.taken += length
        return Line(octets[: MAX_LINE + 1], length, start)

    def bound(self) -> None:
        """Cuts an incomplete line that is overlong: its first octets stay, and a CR at its end."""
        if _CRLF not in self._bytes and len(self._bytes) > MAX_LINE + 2:
            kept = self._bytes[: MAX_LINE + 1] + b"\r" * self._bytes.endswith(b"\r")
            self._dropped += len(self._bytes) - len(kept)
            self._bytes = kept

    def begin_text(self) -> None:
        """Mail data follows, to a line with a dot. A CRLF is put in front, so that each of its lines follows one."""
        self._bytes, self._skip = _CRLF + self._bytes, len(_CRLF)

    def begin_chunk(self, octets: int) -> None:
        """A chunk of this size follows."""
        self._chunk = octets

    def text(self, is_whole: bool) -> bytes:
        """Takes mail data as it came, without its end; with `is_whole` also its end, which must have come.

        Otherwise keeps back what may belong to the end.
        """
        end = self._bytes.find(_END)
        if is_whole:
            assert end >= 0, "the session has seen the end"
            piece, self._bytes = self._bytes[: end + len(_CRLF)], self._bytes[end + len(_END) :]
            self.taken += len(_END) - len(_CRLF)
        else:
            stop = end if end >= 0 else max(0, len(self._bytes) - len(_END) + 1)
            piece, self._bytes = self._bytes[:stop], self._bytes[stop:]
        skipped, self._skip = min(self._skip, len(piece)), self._skip - min(self._skip, len(piece))
        self.taken += len(piece) - skipped
        return piece[skipped:]

    def chunk(self) -> bytes:
        """Takes what has come of a chunk."""
        piece, self._bytes = self._bytes[: self._chunk], self._bytes[self._chunk :]
        self._chunk -= len(piece)
        self.taken += len(piece)
        return piece
