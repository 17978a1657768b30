"""A store that keeps nothing: to measure what the other stores cost."""

from collections.abc import Sequence
from pathlib import Path

from ..contract import Answer, Beside, Loop, at_once
from .message import Ids, answer_all


class _Nothing:
    """A message that is thrown away."""

    __slots__ = ("_complete", "_count", "id")

    def __init__(self, id: str, recipients: int, complete: list[tuple[Answer, int]]) -> None:
        self.id = id
        self._count = recipients
        self._complete = complete

    def trace(self, fields: bytes) -> None:
        """Throws header fields away."""

    def write(self, content: bytes) -> None:
        """Throws a piece of content away."""

    def commit(self, answer: Answer) -> None:
        """Completes the message; `settle` calls `answer`."""
        self._complete.append((answer, self._count))

    def abandon(self) -> None:
        """Does nothing: there is nothing to remove."""


class DiscardStore:
    """Answers every message as stored."""

    def __init__(self) -> None:
        self._complete: list[tuple[Answer, int]] = []
        self._ids = Ids()

    def begin(self, reverse_path: bytes, recipients: Sequence[tuple[str, bytes]], is_verbatim: bool = False) -> _Nothing:
        """A new message."""
        return _Nothing(next(self._ids), len(recipients), self._complete)

    def join(self, loop: Loop, beside: Beside = at_once) -> None:
        """From now on answers once a turn, before replies are written."""
        loop.before_write(self.settle)

    def settle(self) -> None:
        """Answers each complete message."""
        complete = self._complete[:]
        self._complete.clear()
        for answer, recipients in complete:
            answer_all(answer, recipients, None)

    def close(self) -> None:
        """Does nothing: there is nothing to give back."""


class DiscardStores:
    """The stores of any number of processes. They share nothing."""

    def __init__(self, directory: Path, count: int) -> None:
        self.first = DiscardStore()

    def of_worker(self, number: int) -> DiscardStore:
        """A store for a worker."""
        return DiscardStore()
