"""Where accepted messages are while they are in the journal: segments in use, and places in them.

It does not know how they are written or read.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from .records import Position

COPIED_AT_ONCE = 1 << 20
"""Octets of a journal that are copied in one step."""


class Segment:
    """A segment in use. `since` is when it got its first record (`time.monotonic`).

    It may be freed when nothing is `waiting`: so many of its messages, or copies of them, are not in their mailbox yet; and
    when none of the `unsynced` mailboxes is left. `owed` are the octets of what is waiting. `mailboxes` are those that it
    has messages for; `spooled` says for the id of each message in the spool for how many of them it needs its file.
    """

    __slots__ = (
        "end",
        "file",
        "is_sealed",
        "is_trusted",
        "mailboxes",
        "name",
        "owed",
        "salt",
        "sequence",
        "since",
        "spooled",
        "unsynced",
        "waiting",
    )

    def __init__(self, name: bytes, file: int) -> None:
        self.name = name
        self.file = file
        self.sequence = 0
        self.salt = b""
        self.end = 0
        self.since = 0.0
        self.waiting = 0
        self.owed = 0
        self.unsynced: set[str] = set()
        self.mailboxes: set[str] = set()
        self.spooled: Counter[str] = Counter()
        self.is_sealed = False
        self.is_trusted = True


class Place(NamedTuple):
    """Where a record's frame is."""

    segment: Segment
    offset: int
    length: int

    @property
    def since(self) -> Position:
        """The same, as an intent says it."""
        return Position(self.segment.sequence, self.offset)


def share_of(waiting: Iterable[Place]) -> list[Place]:
    """The first ones, as much as is copied in one step."""
    places, octets = [], 0
    for place in waiting:
        places.append(place)
        octets += place.length
        if octets >= COPIED_AT_ONCE:
            break
    return places
