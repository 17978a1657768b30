"""A store around a store, which notes the ids of what was stored: so a report on a client names its messages.

Knows nothing about who is told.
"""

from collections.abc import Callable, Sequence

from ..engine.environment import Fault, Message, Store

MOST_STORED = 150
"""Ids of a session's messages: so many are told, and all fit into a datagram."""


class Noting:
    """The store of one session. `ids` gets the id of each message that was stored for anybody, MOST_STORED at most."""

    def __init__(self, store: Store, ids: list[str]) -> None:
        self._store = store
        self._ids = ids

    def begin(self, reverse_path: bytes, recipients: Sequence[tuple[str, bytes]], is_verbatim: bool) -> Message:
        """Starts a message, as the store does."""
        return Noted(self._store.begin(reverse_path, recipients, is_verbatim), self._ids)


class Noted:
    """A message of it."""

    def __init__(self, message: Message, ids: list[str]) -> None:
        self._message = message
        self._ids = ids
        self.id = message.id
        self.trace, self.write, self.abandon = message.trace, message.write, message.abandon

    def commit(self, answer: Callable[[int, Fault | None], None]) -> None:
        """Completes the message, and notes whether it was stored."""

        def answered(number: int, fault: Fault | None) -> None:
            if fault is None and self.id not in self._ids[-1:] and len(self._ids) < MOST_STORED:
                self._ids.append(self.id)
            answer(number, fault)

        self._message.commit(answered)
