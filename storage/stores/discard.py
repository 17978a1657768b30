"""A store that keeps nothing: to measure what the others cost.

It does not know what it does not keep.
"""

from collections.abc import Sequence

from .message import Answer, Ids, tell


class _Nothing:
    """A message that nobody looks at."""

    __slots__ = ("_complete", "id")

    def __init__(self, id: str, complete: list[Answer]) -> None:
        self.id = id
        self._complete = complete

    def trace(self, fields: bytes) -> None:
        """Takes header fields nowhere."""

    def write(self, content: bytes) -> None:
        """Takes the next piece of content nowhere."""

    def commit(self, answer: Answer) -> None:
        """`answer` is called, later."""
        self._complete.append(answer)

    def abandon(self) -> None:
        """Has nothing to remove."""


class DiscardStore:
    """Answers every message as stored."""

    def __init__(self) -> None:
        self._complete: list[Answer] = []
        self._ids = Ids()

    def begin(self, reverse_path: bytes, recipients: Sequence[tuple[str, bytes]], is_verbatim: bool = False) -> _Nothing:
        """A new message."""
        return _Nothing(next(self._ids), self._complete)

    def sync_beside(self, beside: object) -> None:
        """Has nothing to sync."""

    def settle(self, is_idle: bool = True) -> bool:
        """Answers each complete message."""
        complete = self._complete[:]
        self._complete.clear()
        for answer in complete:
            tell(answer, None)
        return False

    def tidy(self, is_idle: bool, waited: float = 0.0) -> None:
        """Has nothing to do."""

    def close(self) -> None:
        """Has nothing to give back."""
