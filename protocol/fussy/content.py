"""Examines mail data as it came, with its dots: line ends, long lines, dots, octets beyond ASCII.

Knows nothing about where mail data begins and ends.
"""

import re

LONGEST_TEXT = 998
"""Octets of a line of mail data, without its CRLF and without a dot that was put before it (RFC 5321 section 4.5.3.1.6)."""

_LONG = re.compile(rb"[^\r\n]{%d}" % (LONGEST_TEXT + 1))
_UNSTUFFED = re.compile(rb"(?:\A|\r\n)\.(?!\.|\r\n|\Z)")


class Text:
    """The mail data of a message that comes in pieces. `broken` has the ids of the rules that it breaks.

    With `is_dotted`, dots are doubled at the beginning of lines, as for DATA.
    """

    __slots__ = ("_is_cut", "_is_dotted", "_rest", "broken", "is_eight_bit", "octets")

    def __init__(self, is_dotted: bool) -> None:
        self._is_dotted = is_dotted
        self._rest = b""
        self._is_cut = False
        self.broken: set[str] = set()
        self.is_eight_bit = False
        self.octets = 0
        """The size of the mail data, without dots that were put before lines."""

    def look(self, piece: bytes) -> None:
        """Examines the next piece."""
        self.octets += len(piece)
        self.is_eight_bit = self.is_eight_bit or not piece.isascii()
        text = self._rest + piece
        stop = text.rfind(b"\r\n") + 2
        if stop >= 2:
            self._examine(text[:stop])
            text = text[stop:]
        if len(text) > LONGEST_TEXT + len("..\r"):
            cut = len(text) - text.endswith(b"\r")
            self._examine(text[:cut])
            text, self._is_cut = text[cut:], True
        self._rest = text

    def end(self) -> None:
        """The mail data has ended."""
        self._examine(self._rest)

    def _examine(self, lines: bytes) -> None:
        """Examines lines, or the beginning of one that is long. What follows of that is examined for bare newlines only."""
        rest = lines.replace(b"\r\n", b"")
        if b"\n" in rest:
            self.broken.add("5321-2.3.8-bare-lf-text")
        if b"\r" in rest:
            self.broken.add("5321-2.3.8-bare-cr-text")
        if self._is_cut:
            _, crlf, lines = lines.partition(b"\r\n")
            self._is_cut = not crlf
        if self._is_dotted:
            self.octets -= lines.count(b"\r\n..") + lines.startswith(b"..")
            if _UNSTUFFED.search(lines):
                self.broken.add("5321-4.5.2-dots")
        if _LONG.search(lines) and any(self._is_long(line) for line in lines.split(b"\r\n")):
            self.broken.add("5321-4.5.3.1.6-text-line")

    def _is_long(self, line: bytes) -> bool:
        return len(line) - (self._is_dotted and line.startswith(b"..")) > LONGEST_TEXT
