"""Where accepted messages are while they are in the journal: segments in use, and places in them.

It does not know how they are written or read.
"""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Set
from typing import NamedTuple

from .records import Position

COPIED_AT_ONCE = 1 << 20
"""Octets of a journal that are copied in one step."""


class Segment:
    """A segment of the journal: a file of fixed size, what was written to it, and what of that is still needed.

    A life of a segment begins with `begin`, in which it gets a number in the `sequence` (0: it is not in use). Records are
    written up to its `end`, until it is sealed. It `is_needed` while some of its messages, or of copies of them, are not in
    their mailboxes (`waiting`), or are there and perhaps not on disk. It `is_trusted` until a write to it fails: then nobody
    knows what is on disk.
    """

    __slots__ = (
        "_end", "_is_sealed", "_is_trusted", "_mailboxes", "_owed", "_salt", "_sequence", "_since", "_spooled", "_unsynced",
        "_waiting", "file", "name",
    )  # fmt: skip

    def __init__(self, name: bytes, file: int) -> None:
        self.name = name
        self.file = file
        self._sequence = 0
        self._salt = b""
        self._end = 0
        self._since = 0.0
        self._waiting = 0
        self._owed = 0
        self._unsynced: set[str] = set()
        self._mailboxes: set[str] = set()
        self._spooled: Counter[str] = Counter()
        self._is_sealed = False
        self._is_trusted = True

    # What is written to it

    @property
    def sequence(self) -> int:
        """Its number among the segments in use; no later life has the same. 0: it is not in use."""
        return self._sequence

    @property
    def salt(self) -> bytes:
        """Goes into the checksums of this life, so that what an earlier one left does not count."""
        return self._salt

    @property
    def end(self) -> int:
        """Octets up to which it is written."""
        return self._end

    @property
    def since(self) -> float:
        """When it got its first record (`time.monotonic`)."""
        return self._since

    @property
    def is_sealed(self) -> bool:
        """Whether it takes no more records."""
        return self._is_sealed

    @property
    def is_trusted(self) -> bool:
        """Whether what is on disk is known."""
        return self._is_trusted

    def begin(self, sequence: int, salt: bytes, start: int) -> None:
        """A new life, with nothing in it but a header of `start` octets."""
        self._sequence, self._salt = sequence, salt
        self._end, self._since = start, time.monotonic()
        self._waiting = self._owed = 0
        self._mailboxes, self._spooled = set(), Counter()
        self._is_sealed = False

    def find(self, sequence: int, salt: bytes, size: int) -> None:
        """An earlier run left it like this, with records anywhere in it; nothing more is written to it in this life."""
        self._sequence, self._salt, self._end = sequence, salt, size
        self._is_sealed = True

    def take(self, length: int) -> "Place":
        """A frame of so many octets was written to it."""
        place = Place(self, self._end, length)
        self._end += length
        return place

    def seal(self) -> None:
        """It takes no more records."""
        self._is_sealed = True

    def distrust(self) -> None:
        """A write to it failed, or somebody removed its file: it is sealed, and never used again."""
        self._is_sealed, self._is_trusted = True, False

    # What of that is needed

    @property
    def waiting(self) -> int:
        """How many messages, each for each mailbox, are not in their mailbox."""
        return self._waiting

    @property
    def owed(self) -> int:
        """The octets of these."""
        return self._owed

    @property
    def is_needed(self) -> bool:
        """Whether something is waiting, or was moved and is perhaps not on disk."""
        return bool(self._waiting or self._unsynced)

    @property
    def mailboxes(self) -> Set[str]:
        """Those that it has, or had, messages for."""
        return self._mailboxes

    @property
    def spooled(self) -> Mapping[str, int]:
        """For the id of each message in the spool for how many of its mailboxes the file is needed."""
        return self._spooled

    def name_mailboxes(self, mailboxes: Iterable[str]) -> None:
        """It has messages for these, whether they wait or not."""
        self._mailboxes.update(mailboxes)

    def owe(self, mailbox: str, octets: int) -> None:
        """A message waits for this mailbox."""
        self._mailboxes.add(mailbox)
        self._waiting += 1
        self._owed += octets

    def settle(self, octets: int) -> None:
        """A message waits no more."""
        self._waiting -= 1
        self._owed -= octets

    def await_sync(self, mailbox: str) -> None:
        """A message was moved to this mailbox, and is perhaps not on disk."""
        self._unsynced.add(mailbox)

    def synced(self, mailbox: str) -> None:
        """All that was moved to this mailbox is on disk."""
        self._unsynced.discard(mailbox)

    def need(self, id: str, count: int) -> None:
        """So many more mailboxes are to get what is in a spool file."""
        self._spooled[id] += count

    def arrived(self, id: str) -> bool:
        """One of them has it. False: none was to get it any more."""
        if not self._spooled[id]:
            return False
        self._spooled[id] -= 1
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
