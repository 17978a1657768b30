"""What a message looks like on the wire: lines that end with CRLF, with dot-stuffing, and a line with a dot at its end.

Knows nothing about where a message comes from.
"""

_LINE_END = b"\n"


class Lines:
    """Turns the octets of a message, in any pieces, into what is sent (RFC 1939 section 3).

    A line of the message ends with LF or CRLF; a CR elsewhere stays. What follows the last line end is a line as well. With
    `most` only the header, the blank line and that many lines of the body are sent (TOP, section 7), and `is_over` says
    when that is done.
    """

    __slots__ = ("_begins_a_line", "_held", "_is_in_header", "_most", "is_over")

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._begins_a_line = self._is_in_header = True
        self._held = b""
        self.is_over = False

    def sent(self, piece: bytes) -> bytes:
        """What is sent for the next piece of the message."""
        piece = self._held + piece
        self._held = b"\r" if piece.endswith(b"\r") else b""  # a LF may follow
        return self._wire(piece[: len(piece) - len(self._held)].replace(b"\r\n", _LINE_END))

    def rest(self) -> bytes:
        """What is sent when there are no more pieces, the line with a dot included."""
        last = self._wire(self._held)
        return last + (b".\r\n" if self._begins_a_line else b"\r\n.\r\n")

    def _wire(self, text: bytes) -> bytes:
        if self._most is not None:
            text = self._cut(text, self._most)
        if not text:
            return b""
        stuffed = text.replace(b"\n.", b"\n..")
        if self._begins_a_line and text.startswith(b"."):
            stuffed = b"." + stuffed
        self._begins_a_line = text.endswith(_LINE_END)
        return stuffed.replace(_LINE_END, b"\r\n")

    def _cut(self, text: bytes, most: int) -> bytes:
        """The part of a text that is still within TOP's limit."""
        at = 0
        if self._is_in_header:
            if self._begins_a_line and text.startswith(_LINE_END):
                at = 1
            elif (blank := text.find(b"\n\n")) >= 0:
                at = blank + 2
            else:
                return text
            self._is_in_header = False
        while most:
            at = text.find(_LINE_END, at) + 1
            if not at:
                self._most = most
                return text
            most -= 1
        self._most, self.is_over = 0, True
        return text[:at]


class Size:
    """Counts the octets that a message has on the wire, without dot-stuffing and its last line (RFC 1939 section 11)."""

    __slots__ = ("_end", "_octets")

    def __init__(self) -> None:
        self._octets = 0
        self._end = b"\n"

    def add(self, piece: bytes) -> None:
        """Takes the next piece of the message, which is not empty."""
        bare = piece.count(_LINE_END) - piece.count(b"\r\n") - (self._end == b"\r" and piece.startswith(_LINE_END))
        self._octets += len(piece) + bare
        self._end = piece[-1:]

    @property
    def octets(self) -> int:
        """The size of what was added so far, if it is all."""
        return self._octets + 2 * (self._end != _LINE_END)
