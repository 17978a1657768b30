"""What is looked at in mail data while it passes: line ends that are none, how often the message was relayed, its name.

It does not know where mail data comes from, nor where it goes.
"""

import re

MAX_RECEIVED = 100
"""Received fields beyond which a message is taken to be in a loop (RFC 5321 section 6.3)."""

_RECEIVED = re.compile(rb"\nreceived[ \t]{0,6}:", re.IGNORECASE)
_MESSAGE_ID = re.compile(rb"\nmessage-id[ \t]*:[ \t]*(?:\r?\n[ \t]+)?([^ \t\r\n][^\r\n]*)[\r\n]", re.IGNORECASE)
_ENOUGH_OF_A_FIELD = 2048
"""Octets in which a Message-ID field is looked for when it comes in pieces: a line has 998 at most."""

_END_OF_HEADER = re.compile(rb"\n\r?\n")
_ENOUGH_OF_A_LINE = 16
"""Octets by which a line, with the line end before it, is known to be a Received field or none."""


_ENDS = re.compile(rb"(?:\r+\n?|\n)(?:\.(?=\.))?")
"""CRs in a row with the LF behind them, or a LF alone, and of two dots behind that the first."""

_UNDECIDED = re.compile(rb"(?:\r+|(?<!\r)\n)\.?\Z")
"""What may become another one of these when more comes."""

MOST_CRS = 1000
"""CRs in a row that may belong to the LF behind them; of more, the first ones are line ends of their own."""


class Newlines:
    """Finds each CR and LF that is not part of a CRLF (RFC 5321 section 2.3.8), and makes it one if it is to.

    Content `is_stuffed` when its sender has doubled a dot at the beginning of each line.
    """

    __slots__ = ("_held", "_is_mending", "_is_stuffed", "has_bare")

    def __init__(self, is_mending: bool, is_stuffed: bool = True) -> None:
        self._is_mending = is_mending
        self._is_stuffed = is_stuffed
        self._held = b""
        self.has_bare = False

    def passed(self, piece: bytes) -> bytes:
        """The piece; what its end does not decide waits for the next one."""
        if self._held or self._is_mending or piece.endswith(b"\r"):
            piece, self._held = self._cut(self._held + piece)
        if not self.has_bare:
            rest = piece.replace(b"\r\n", b"")  # a third of what it takes to count them
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
        """What waits, when nothing more comes."""
        held, self._held = self._held, b""
        if not held:
            return b""
        self.has_bare = True
        return self._mended(held) if self._is_mending else held

    def _mended(self, text: bytes) -> bytes:
        return _ENDS.sub(self._end, text)

    def _end(self, match: "re.Match[bytes]") -> bytes:
        """CRs before a CRLF belong to it. What else stands alone is a line end itself, and of two dots behind it one goes in
        mail data (RFC 5321 section 4.5.2), as behind each CRLF it has gone before.
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
    """Counts the Received fields of a header that comes in pieces."""

    __slots__ = ("_is_over", "_line", "received")

    def __init__(self) -> None:
        self._line = b"\n"
        self._is_over = False
        self.received = 0

    @property
    def is_loop(self) -> bool:
        """Whether it is time to stop it."""
        return self.received > MAX_RECEIVED

    def look(self, piece: bytes) -> None:
        """More of the message."""
        if self._is_over or not piece:
            return
        text = self._line + piece
        end = _END_OF_HEADER.search(text)
        if end:
            self._is_over = True
            self.received += len(_RECEIVED.findall(text, 0, end.start()))
            return
        self.received += len(_RECEIVED.findall(text))
        # What begins in this piece and ends in the next is to be found, and nothing is to be found twice.
        start = text.rfind(b"\n")
        rest = text[start : start + _ENOUGH_OF_A_LINE]
        self._line = b"x" if _RECEIVED.match(rest) else rest


class MessageId:
    """Finds the Message-ID of a header that comes in pieces (RFC 5322 section 3.6.4)."""

    __slots__ = ("_is_over", "_text", "value")

    def __init__(self) -> None:
        self._text = b"\n"
        self._is_over = False
        self.value = b""

    def look(self, piece: bytes) -> None:
        """More of the message."""
        if self._is_over:
            return
        text = self._text + piece
        end = _END_OF_HEADER.search(text)
        found = _MESSAGE_ID.search(text, 0, end.end() if end else len(text))
        if found:
            self.value = found[1].rstrip(b" \t")
        self._is_over = bool(end or found)
        self._text = b"" if self._is_over else text[-_ENOUGH_OF_A_FIELD:]
