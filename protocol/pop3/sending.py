"""What is said in more than one line: a message, or a list. It is made as the client reads it.

Knows nothing about what the lines mean.
"""

from collections.abc import Callable, Iterator
from itertools import islice

from ..engine.actions import Said
from .content import Lines
from .outside import Message

LINES_A_PIECE = 200
"""Lines of a list that are made at a time."""


class Sending:
    """The speech that sends a message: it asks for a piece when the one before has been sent.

    So one piece of it is in memory, however slowly the client reads. With `most` it is TOP: only so many lines of the body.
    """

    __slots__ = ("_come", "_has_asked", "_is_over", "_lines", "_message")

    def __init__(self, message: Message, most: int | None = None) -> None:
        self._message = message
        self._lines = Lines(most)
        self._come: list[bytes | None] = []
        self._has_asked = self._is_over = False

    def piece(self, wake: Callable[[], None]) -> bytes | Said:
        """The next octets, see `Speech`."""
        while not self._is_over:
            if not self._come and not self._has_asked:
                self._has_asked = True
                self._ask(wake)
            if not self._come:
                return b""
            self._has_asked = False
            came = self._come.pop()
            if came is None:
                return Said.CUT
            octets = self._lines.sent(came) if came else b""
            if not came or self._lines.is_over:
                octets += self._lines.rest()
                self._is_over = True
            if octets:
                return octets
        return Said.ALL

    def _ask(self, wake: Callable[[], None]) -> None:
        def take(piece: bytes | None) -> None:
            self._come.append(piece)
            wake()

        self._message.read(take)


class Listing:
    """The speech that sends lines, and a line with a dot at their end."""

    __slots__ = ("_is_over", "_lines")

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self._is_over = False

    def piece(self, _: Callable[[], None]) -> bytes | Said:
        """The next octets, see `Speech`."""
        if self._is_over:
            return Said.ALL
        lines = list(islice(self._lines, LINES_A_PIECE))
        self._is_over = len(lines) < LINES_A_PIECE
        return b"".join(line + b"\r\n" for line in [*lines, *([b"."] if self._is_over else [])])
