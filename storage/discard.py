"""A store that keeps nothing: to measure what the others cost.

It does not know what it does not keep.
"""

from collections.abc import Sequence

from .message import Ids, Memory, Message


class _Nothing(Message):
    """A message that nobody looks at."""

    __slots__ = ()

    def write(self, content: bytes) -> None:
        """Takes the next piece of content nowhere."""


class DiscardStore:
    """Answers every message as stored."""

    def __init__(self) -> None:
        self._complete: list[Message] = []
        self._memory = Memory()
        self._ids = Ids()

    def begin(self, reverse_path: bytes, recipients: Sequence[tuple[str, bytes]], is_verbatim: bool = False) -> Message:
        """A new message."""
        return _Nothing(next(self._ids), reverse_path, (), None, self._memory, self._complete.append)

    def settle(self, is_idle: bool = True) -> bool:
        """Answers each complete message."""
        complete = self._complete[:]
        self._complete.clear()
        for message in complete:
            message.answer(None)
        return False

    def tidy(self, is_idle: bool) -> None:
        """Has nothing to do."""

    def close(self) -> None:
        """Has nothing to give back."""
