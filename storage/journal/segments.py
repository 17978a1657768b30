"""The segments of the journal, and the places of messages in them.

Knows nothing about how they are written or read.
"""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .records import Position

COPIED_AT_ONCE = 1 << 20
"""Octets of the journal that one step copies."""

TOGETHER = 4
"""Segments that are freed together, unless it is urgent or one is old: they share the syncs of mailboxes."""


class Segment:
    """A segment of the journal: a file of fixed size, how far it is written, and what of that is still needed.

    A life of a segment begins with `begin`, which gives it its `sequence` number (0: not in use). The journal writes records
    up to its `end`, until the segment is sealed. It `is_needed` while some of its messages are not in all their mailboxes
    (`waiting`), or are there but perhaps not on disk. It `is_trusted` until a write fails: then the content on disk is
    unknown. Other modules read its fields, and only these methods write them (tests/laws/test_house.py checks that).
    """

    __slots__ = (
        "_unsynced", "end", "file", "is_sealed", "is_trusted", "mailboxes", "name", "owed", "salt", "sequence", "since",
        "spooled", "waiting",
    )  # fmt: skip

    def __init__(self, name: bytes, file: int) -> None:
        self.name = name
        self.file = file
        self.sequence = 0
        """The number of this life; no other life of any segment has it. 0: not in use."""
        self.salt = b""
        """Stands at the head of every frame of this life, so that frames left by an earlier life do not count."""
        self.end = 0
        """Octets that are written, from the beginning of the file."""
        self.since = 0.0
        """When its life began, with its first record (`time.monotonic`); 0 if an earlier run began it."""
        self.waiting = 0
        """How many messages are not in their mailboxes; a message counts once for each mailbox."""
        self.owed = 0
        """Octets of their frames, counted likewise."""
        self._unsynced: set[str] = set()
        self.mailboxes: set[str] = set()
        """All mailboxes that it has messages for, waiting or moved."""
        self.spooled: Counter[str] = Counter()
        """By id of each spooled message: how many of its mailboxes still need the file."""
        self.is_sealed = False
        """Whether it takes no more records."""
        self.is_trusted = True
        """Whether its content on disk is known."""

    # Its life, and writing to it

    def begin(self, sequence: int, salt: bytes, start: int) -> None:
        """Begins a new life, with a header of `start` octets and no records."""
        self.sequence, self.salt = sequence, salt
        self.end, self.since = start, time.monotonic()
        self.waiting = self.owed = 0
        self.mailboxes, self.spooled = set(), Counter()
        self.is_sealed = False

    def find(self, sequence: int, salt: bytes, size: int) -> None:
        """Takes up a segment of an earlier run, with records anywhere in its `size` octets. It takes no more records."""
        self.sequence, self.salt, self.end = sequence, salt, size
        self.is_sealed = True

    def take(self, length: int) -> "Place":
        """Records that a frame of this many octets was written at its end; returns its place."""
        place = Place(self, self.end, length)
        self.end += length
        return place

    def seal(self) -> None:
        """From now on it takes no more records."""
        self.is_sealed = True

    def distrust(self) -> None:
        """Seals it and rules out any further use, after a failed write or when its file was removed."""
        self.is_sealed, self.is_trusted = True, False

    # What is still needed

    @property
    def is_needed(self) -> bool:
        """Whether a message waits, or was moved and is perhaps not on disk."""
        return bool(self.waiting or self._unsynced)

    def name_mailboxes(self, mailboxes: Iterable[str]) -> None:
        """Records that it has messages for these mailboxes, waiting or not."""
        self.mailboxes.update(mailboxes)

    def owe(self, mailbox: str, octets: int) -> None:
        """Records that a message, in a frame of this many octets, waits for this mailbox."""
        self.mailboxes.add(mailbox)
        self.waiting += 1
        self.owed += octets

    def settle(self, octets: int, messages: int = 1) -> None:
        """Records that so many messages, in frames of this many octets together, no longer wait."""
        self.waiting -= messages
        self.owed -= octets

    def await_sync(self, mailbox: str) -> None:
        """Records that a message was moved to this mailbox, and is perhaps not on disk."""
        self._unsynced.add(mailbox)

    def synced(self, mailbox: str) -> None:
        """Records that everything moved to this mailbox is on disk."""
        self._unsynced.discard(mailbox)

    def need(self, id: str, count: int) -> None:
        """Records that this many more mailboxes need a message's spool file."""
        self.spooled[id] += count

    def arrived(self, id: str) -> bool:
        """Records that one more mailbox has a spooled message. Returns False if no mailbox was still waiting for it."""
        if not self.spooled[id]:
            return False
        self.spooled[id] -= 1
        return True


class Place(NamedTuple):
    """The place of a record's frame: offset and length in octets, in a segment."""

    segment: Segment
    offset: int
    length: int

    @property
    def since(self) -> Position:
        """Its position, as an intent states it."""
        return Position(self.segment.sequence, self.offset)


def to_free(segments: Sequence[Segment], now: float, age: float, least: int) -> list[Segment]:
    """The oldest segments of which nothing waits, each sealed or `age` seconds old; none if they are fewer than `least`, and
    the first of them is younger than that.
    """
    found = []
    for segment in segments:
        if segment.waiting or not (segment.is_sealed or now >= segment.since + age):
            break
        found.append(segment)
    return found if len(found) >= least or (found and now >= found[0].since + age) else []


def share_of(waiting: Iterable[Place]) -> list[Place]:
    """The first of these places: as many as one step copies."""
    places, octets = [], 0
    for place in waiting:
        places.append(place)
        octets += place.length
        if octets >= COPIED_AT_ONCE:
            break
    return places
