"""A message on its way into the database: its envelope, its content as it comes, and its state.

Knows nothing about when it is sent. What it does in which state is in `message_table`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from ...contract import Answer
from ...errors import FaultKind, StorageError
from ..message import MOST_PIECES, Memory, answer_all, grouped
from . import ids
from .large import Content, Room
from .message_table import (
    ARRIVING,
    DOUBT,
    DOUBTED_SUSPECT,
    ENDS,
    FORSAKEN,
    RETRIED,
    SUSPECT,
    TABLE,
    TO_BE_SENT,
    Act,
    Event,
)
from .statements import Row

_AT_ONCE = 64 * 1024  # octets that are collected for one write to the file

OVERHEAD = 1024
"""Octets that a message counts for beside its content."""


class Owner(Protocol):
    """The store, as far as its messages need it."""

    def complete(self, message: "Message") -> None:
        """A message's content has ended. Later, the store says whether there is room for it."""

    def queue(self, message: "Message", is_next: bool) -> None:
        """A message is to be sent."""

    def take_back(self, message: "Message") -> None:
        """A message was refused that may be stored all the same."""

    def answered(self, message: "Message") -> None:
        """The client of a message has its answer."""


class Message:
    """A message for some mailboxes. All its recipients get it, or none."""

    __slots__ = (
        "_answer", "_content", "_count", "_memory", "_owner", "_pieces", "_room", "_table", "binary_id", "fault", "id",
        "is_verbatim", "octets", "recipients", "reverse_path", "since", "state", "weight",
    )  # fmt: skip

    def __init__(
        self,
        now: float,
        reverse_path: bytes,
        recipients: Sequence[tuple[str, bytes]],
        owner: Owner,
        memory: Memory,
        room: Room,
        table: Mapping[object, Mapping[object, object]] | None = None,
        is_verbatim: bool = False,
    ) -> None:
        self.binary_id = ids.new(now)
        self.id = ids.text(self.binary_id)
        self.reverse_path = reverse_path
        self.is_verbatim = is_verbatim
        self.recipients = grouped(recipients)
        self._count = len(recipients)
        self._owner = owner
        self._memory = memory
        self._room = room
        self._content: Content | None = None
        self.fault = ""
        """Why its content could not be kept."""
        self._pieces: list[bytes] = []
        self._answer: Answer | None = None
        self._table = table or TABLE
        self.octets = 0
        self.since = 0.0
        """When it was complete, by the loop's clock."""
        self.weight = 0
        """Octets that it counts for, from its end on."""
        self.state = ARRIVING

    @property
    def is_to_be_sent(self) -> bool:
        """Whether it waits for that."""
        return self.state in TO_BE_SENT

    @property
    def goes_alone(self) -> bool:
        """Whether it is to be sent alone."""
        return self.state in (SUSPECT, DOUBTED_SUSPECT)

    @property
    def is_in_doubt(self) -> bool:
        """Whether it may be stored, though nobody was told so."""
        return self.state in (DOUBT, DOUBTED_SUSPECT, RETRIED)

    def trace(self, fields: bytes) -> None:
        """Takes the header fields that go before the content."""
        self.write(fields)

    def write(self, content: bytes) -> None:
        """Takes the next piece of content. Never fails: a fault is answered after `commit`."""
        self._pieces.append(content)
        if len(self._pieces) == MOST_PIECES:
            self._pieces = [b"".join(self._pieces)]
        self.octets += len(content)
        self._memory.used += len(content)
        if self.octets > (_AT_ONCE if self._content else self._memory.large):
            self._spill()

    def _spill(self) -> None:
        """Puts into a file what is in memory."""
        content = b"".join(self._pieces)
        self._memory.used -= self.octets
        self._pieces, self.octets = [], 0
        if self.fault:
            return
        try:
            self._content = self._content or self._room.open()
            self._content.write(content)
        except OSError as error:
            self.fault = error.strerror or str(error)

    def commit(self, answer: Answer) -> None:
        """Completes the message. Later, `answer` is called for each recipient, with the same outcome for all."""
        self._answer = answer
        if self._content:
            self._spill()
        self.weight = OVERHEAD + self.octets
        self._owner.complete(self)

    def abandon(self) -> None:
        """Drops the message."""
        self.happened(Event.ABANDON)

    def row(self) -> Row:
        """What the database takes."""
        content = self._content
        recipients = [(mailbox.encode(), b", ".join(paths)) for mailbox, paths in self.recipients.items()]
        raw = None if content else b"".join(self._pieces)
        size = content.length if content else self.octets
        return Row(self.binary_id, self.reverse_path, recipients, size, raw, self.is_verbatim)

    def pieces(self) -> Iterator[bytes]:
        """The content of a large message, for the database."""
        return self._content.pieces() if self._content else iter(())

    @property
    def is_large(self) -> bool:
        """Whether its content is in a file."""
        return self._content is not None

    def happened(self, event: Event, words: str = "") -> None:
        """The one place where the state changes. `words` say why, for people."""
        cell = self._table[self.state][event]
        assert isinstance(cell, tuple), f"{event} in {self.state}"
        self.state, act = cell
        if act in (Act.QUEUE, Act.AGAIN):
            self._owner.queue(self, is_next=act is Act.AGAIN)
        elif act in _SAYS:
            kind = _SAYS[act]
            self._conclude(StorageError(f"database: {words or event.value}", kind) if kind else None)
        if act in _TAKES_BACK:
            self._owner.take_back(self)
        if self.state in ENDS or self.state is FORSAKEN:
            self._forget()

    def _conclude(self, fault: StorageError | None) -> None:
        answer, self._answer = self._answer, None
        self._owner.answered(self)
        if answer:
            answer_all(answer, self._count, fault)

    def _forget(self) -> None:
        self._memory.used -= self.octets
        self._pieces, self.octets = [], 0
        if self._content and self._content.is_open:
            self._content.close()


_SAYS: dict[Act, FaultKind | None] = {
    Act.ACCEPT: None,
    Act.TRY_LATER: "for now",
    Act.TRY_LATER_BACK: "for now",
    Act.NO_ROOM: "no room",
    Act.NO_ROOM_BACK: "no room",
    Act.NEVER_TRY: "for good",
    Act.NEVER_TRY_BACK: "for good",
}
_TAKES_BACK = (Act.TAKE_BACK, Act.TRY_LATER_BACK, Act.NO_ROOM_BACK, Act.NEVER_TRY_BACK)
