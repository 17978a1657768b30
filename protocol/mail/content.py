"""Examines mail data as it passes: bare CRs and LFs, the number of Received fields, the Message-ID.

Knows nothing about where mail data comes from or goes to.
"""

import re

MAX_RECEIVED = 100
"""A message with more Received fields than this is taken to be in a loop (RFC 5321 section 6.3)."""

_RECEIVED = re.compile(rb"\nreceived[ \t]{0,6}:", re.IGNORECASE)
_MESSAGE_ID = re.compile(rb"\nmessage-id[ \t]*:[ \t]*(?:\r?\n[ \t]+)?([^ \t\r\n][^\r\n]*)[\r\n]", re.IGNORECASE)
_ENOUGH_OF_A_FIELD = 2048
"""Octets of earlier pieces that are kept to find a Message-ID field across pieces: a line has 998 at most."""

_END_OF_HEADER = re.compile(rb"\n\r?\n")
_ENOUGH_OF_A_LINE = 16
"""Octets that suffice to recognize a Received field, the LF before it included."""


_ENDS = re.compile(rb"(?:\r+\n?|\n)(?:\.(?=\.))?")
"""A run of CRs with the LF after it, or a bare LF; and the first of two dots after that."""

_UNDECIDED = re.compile(rb"(?:\r+|(?<!\r)\n)\.?\Z")
"""A tail that may match `_ENDS` differently when more content follows."""

MOST_CRS = 1000
"""Longest run of CRs that may belong to the LF after it; in a longer run, the first ones are line ends of their own."""


class Newlines:
    """Finds each CR and LF that is not part of a CRLF (RFC 5321 section 2.3.8), and with `is_mending` makes it a CRLF.

    Content is stuffed if the sender doubled the dot at the beginning of each line.
    """

    __slots__ = ("_held", "_is_mending", "_is_stuffed", "has_bare")

    def __init__(self, is_mending: bool, is_stuffed: bool = True) -> None:
        self._is_mending = is_mending
        self._is_stuffed = is_stuffed
        self._held = b""
        self.has_bare = False

    def passed(self, piece: bytes) -> bytes:
        """The piece to pass on. Keeps back an undecided tail until the next piece."""
        if self._held or self._is_mending or piece.endswith(b"\r"):
            piece, self._held = self._cut(self._held + piece)
        if not self.has_bare:
            rest = piece.replace(b"\r\n", b"")  # three times as fast as counting them
            self.has_bare = b"\n" in rest or b"\r" in rest
        return self._mended(piece) if self.has_bare and self._is_mending else piece

    def _cut(self, piece: bytes) -> tuple[bytes, bytes]:
        if not self._is_mending:
            cut = len(piece) - piece.endswith(b"\r")
            return piece[:cut], piece[cut:]
        undecided = _UNDECIDED.search(piece, max(0, len(piece) - MOST_CRS - 1))
        cut = undecided.start() if undecided else len(piece)
        return piece[:cut], piece[cut:]

    def rest(self) -> bytes:
        """The tail that is still kept back, at the end of the content."""
        held, self._held = self._held, b""
        if not held:
            return b""
        self.has_bare = True
        return self._mended(held) if self._is_mending else held

    def _mended(self, text: bytes) -> bytes:
        return _ENDS.sub(self._end, text)

    def _end(self, match: "re.Match[bytes]") -> bytes:
        """Replaces a match of `_ENDS`. CRs before a CRLF belong to it; any other bare CR or LF becomes a CRLF.

        In stuffed content, one of two dots after such a new line end is removed (RFC 5321 section 4.5.2); the buffer has
        already done so after each CRLF.
        """
        found = match[0].removesuffix(b".")
        dot = match[0][len(found) :]
        if found == b"\r\n":
            return match[0]
        crs = len(found) - found.endswith(b"\n")
        if crs and found.endswith(b"\n"):
            return b"\r\n" * max(1, crs - MOST_CRS + 1) + dot
        return b"\r\n" * max(1, crs) + (b"" if self._is_stuffed else dot)


class Hops:
    """Counts the Received fields of a header that arrives in pieces."""

    __slots__ = ("_is_over", "_line", "received")

    def __init__(self) -> None:
        self._line = b"\n"
        self._is_over = False
        self.received = 0

    @property
    def is_loop(self) -> bool:
        """Whether there are more than MAX_RECEIVED."""
        return self.received > MAX_RECEIVED

    def look(self, piece: bytes) -> None:
        """Examines the next piece of the message."""
        if self._is_over or not piece:
            return
        text = self._line + piece
        end = _END_OF_HEADER.search(text)
        if end:
            self._is_over = True
            self.received += len(_RECEIVED.findall(text, 0, end.start()))
            return
        self.received += len(_RECEIVED.findall(text))
        # Keep the last line, to find a field that continues in the next piece; but count no field twice.
        start = text.rfind(b"\n")
        rest = text[start : start + _ENOUGH_OF_A_LINE]
        self._line = b"x" if _RECEIVED.match(rest) else rest


class MessageId:
    """Finds the Message-ID in a header that arrives in pieces (RFC 5322 section 3.6.4)."""

    __slots__ = ("_is_over", "_text", "value")

    def __init__(self) -> None:
        self._text = b"\n"
        self._is_over = False
        self.value = b""

    def look(self, piece: bytes) -> None:
        """Examines the next piece of the message."""
        if self._is_over:
            return
        text = self._text + piece
        end = _END_OF_HEADER.search(text)
        found = _MESSAGE_ID.search(text, 0, end.end() if end else len(text))
        if found:
            self.value = found[1].rstrip(b" \t")
        self._is_over = bool(end or found)
        self._text = b"" if self._is_over else text[-_ENOUGH_OF_A_FIELD:]
