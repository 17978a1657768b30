"""Where accepted messages are while they are in the journal: segments in use, and places in them.

It does not know how they are written or read.
"""

import time
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from .records import Position

COPIED_AT_ONCE = 1 << 20
"""Octets of a journal that are copied in one step."""


class Segment:
    """A segment of the journal: a file of fixed size, what was written to it, and what of that is still needed.

    A life of a segment begins with `begin`, in which it gets a number in the `sequence` (0: it is not in use). Records are
    written up to its `end`, until it is sealed. It `is_needed` while some of its messages, or of copies of them, are not in
    their mailboxes (`waiting`), or are there and perhaps not on disk. It `is_trusted` until a write to it fails: then nobody
    knows what is on disk. Others read its fields, and only these methods write them (a law of the tests sees to that).
    """

    __slots__ = (
        "_unsynced", "end", "file", "is_sealed", "is_trusted", "mailboxes", "name", "owed", "salt", "sequence", "since",
        "spooled", "waiting",
    )  # fmt: skip

    def __init__(self, name: bytes, file: int) -> None:
        self.name = name
        self.file = file
        self.sequence = 0
        """Its number among the segments in use; no later life has the same. 0: it is not in use."""
        self.salt = b""
        """Goes into the checksums of this life, so that what an earlier one left does not count."""
        self.end = 0
        """Octets up to which it is written."""
        self.since = 0.0
        """When it got its first record (`time.monotonic`)."""
        self.waiting = 0
        """How many messages, each for each mailbox, are not in their mailbox."""
        self.owed = 0
        """The octets of these."""
        self._unsynced: set[str] = set()
        self.mailboxes: set[str] = set()
        """Those that it has, or had, messages for."""
        self.spooled: Counter[str] = Counter()
        """For the id of each message in the spool for how many of its mailboxes the file is needed."""
        self.is_sealed = False
        """Whether it takes no more records."""
        self.is_trusted = True
        """Whether what is on disk is known."""

    # What is written to it

    def begin(self, sequence: int, salt: bytes, start: int) -> None:
        """A new life, with nothing in it but a header of `start` octets."""
        self.sequence, self.salt = sequence, salt
        self.end, self.since = start, time.monotonic()
        self.waiting = self.owed = 0
        self.mailboxes, self.spooled = set(), Counter()
        self.is_sealed = False

    def find(self, sequence: int, salt: bytes, size: int) -> None:
        """An earlier run left it like this, with records anywhere in it; nothing more is written to it in this life."""
        self.sequence, self.salt, self.end = sequence, salt, size
        self.is_sealed = True

    def take(self, length: int) -> "Place":
        """A frame of so many octets was written to it."""
        place = Place(self, self.end, length)
        self.end += length
        return place

    def seal(self) -> None:
        """It takes no more records."""
        self.is_sealed = True

    def distrust(self) -> None:
        """A write to it failed, or somebody removed its file: it is sealed, and never used again."""
        self.is_sealed, self.is_trusted = True, False

    # What of that is needed

    @property
    def is_needed(self) -> bool:
        """Whether something is waiting, or was moved and is perhaps not on disk."""
        return bool(self.waiting or self._unsynced)

    def name_mailboxes(self, mailboxes: Iterable[str]) -> None:
        """It has messages for these, whether they wait or not."""
        self.mailboxes.update(mailboxes)

    def owe(self, mailbox: str, octets: int) -> None:
        """A message waits for this mailbox."""
        self.mailboxes.add(mailbox)
        self.waiting += 1
        self.owed += octets

    def settle(self, octets: int) -> None:
        """A message waits no more."""
        self.waiting -= 1
        self.owed -= octets

    def await_sync(self, mailbox: str) -> None:
        """A message was moved to this mailbox, and is perhaps not on disk."""
        self._unsynced.add(mailbox)

    def synced(self, mailbox: str) -> None:
        """All that was moved to this mailbox is on disk."""
        self._unsynced.discard(mailbox)

    def need(self, id: str, count: int) -> None:
        """So many more mailboxes are to get what is in a spool file."""
        self.spooled[id] += count

    def arrived(self, id: str) -> bool:
        """One of them has it. False: none was to get it any more."""
        if not self.spooled[id]:
            return False
        self.spooled[id] -= 1
        return True


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
