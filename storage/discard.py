"""A store that keeps nothing: to measure what the others cost.

It does not know what it does not keep.
"""

from .message import Ids, Message


class DiscardStore:
    """Answers every message as stored, and has not looked at it."""

    def __init__(self) -> None:
        self._complete: list[Message] = []
        self._ids = Ids()

    def begin(self, reverse_path: bytes, forward_path: bytes, mailbox: str) -> Message:
        """A new message."""
        return Message(next(self._ids), reverse_path, forward_path, mailbox, lambda _: b"", self._complete.append)

    def settle(self) -> None:
        """Answers each complete message."""
        complete = self._complete[:]
        self._complete.clear()
        for message in complete:
            message.answer(None)
