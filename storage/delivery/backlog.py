"""The backlog: accepted messages in the journal and the spool, read back as letters, one for each mailbox.

Knows nothing about where letters go.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from ..errors import Damaged
from ..journal.journal import Journal
from ..journal.records import Record, decode, encode
from ..journal.segments import Place, Segment
from ..journal.spool import PIECE, Spool
from ..mailboxes.letter import Letter

log = logging.getLogger("carteiro.storage")

RECENT = 4 << 20
"""Octets of records that are kept in memory until they are moved. Records accepted beyond that are read from the journal
again."""


class Backlog:
    """The messages that were accepted and not moved yet."""

    def __init__(self, journal: Journal, spool: Spool) -> None:
        self._journal = journal
        self._spool = spool
        self._recent: dict[tuple[int, int], Record] = {}  # by sequence, which no other life of a segment has, and offset
        self._recent_octets = 0

    def put(self, place: Place, record: Record) -> None:
        """Records that this record is in the journal. If its content is in the spool, its mailboxes need the file."""
        if record.content is None:
            self.need(place.segment, record.id, record.length, len(record.recipients))

    def need(self, segment: Segment, id: str, length: int, count: int) -> None:
        """Records that `count` more mailboxes need a spool file of this length, by a record in this segment."""
        self._spool.need(id, length, count)
        segment.need(id, count)

    def remember(self, place: Place, record: Record) -> None:
        """Does what `put` does for a new message, and keeps its record in memory if there is room for it: most are moved a
        moment later, and need not be read again.
        """
        if record.content is None:
            self.put(place, record)
        elif self._recent_octets < RECENT:
            self._recent_octets += place.length
            self._recent[place.segment.sequence, place.offset] = record

    def take(self, place: Place, mailbox: str) -> Letter:
        """The letter for a mailbox. This, and reading its content later, raise OSError, and Damaged with `place` set."""
        record = self._record(place)
        id, came, reverse_path, recipients, trace, octets, _, _, is_verbatim = record
        content = partial(self._spooled, place, record) if octets is None else partial(_pieces, octets)
        return Letter(id, came / 1e6, reverse_path, recipients[mailbox], trace, content, octets is None, is_verbatim)

    def _record(self, place: Place) -> Record:
        recent = self._recent.pop((place.segment.sequence, place.offset), None)
        if recent:
            self._recent_octets -= place.length
            return recent
        try:
            record = decode(self._journal.read(place))
        except Damaged as damage:
            damage.place = place
            raise
        assert isinstance(record, Record)
        return record

    def _spooled(self, place: Place, record: Record) -> Iterator[bytes]:
        try:
            yield from self._spool.read(record.id, record.length, record.check)
        except Damaged as damage:
            damage.place = place
            raise

    def size(self, id: str) -> int:
        """Octets of a spool file that some mailbox needs."""
        return self._spool.length(id)

    def has_arrived(self, segment: Segment, id: str) -> None:
        """One more mailbox has this message on disk, and the journal says so. Removes the spool file if it was the last."""
        if segment.arrived(id):
            self._spool.release(id)

    def copy(self, places: Iterable[Place], mailbox: str) -> list[Place]:
        """Copies records, for this mailbox only, to the end of the journal; returns the places of the copies. If it raises
        (OSError, Damaged, StorageError), no copy was made.
        """
        records = []
        olds = list(places)
        for place in olds:
            record = self._record(place)
            records.append(record._replace(recipients={mailbox: record.recipients[mailbox]}))
        copies = self._journal.append_all([encode(record) for record in records])
        for old, place, record in zip(olds, copies, records, strict=True):
            self.put(place, record)
            if record.content is None:
                self.has_arrived(old.segment, record.id)
        return copies

    def adopt(self, other: "Backlog", places: Iterable[Place], mailbox: str) -> list[Place]:
        """Copies another journal's records, for this mailbox only, to this one; returns the places of the copies. Logs and
        leaves out damaged records.

        Raises OSError and StorageError if reading or writing fails; then no copy was made.
        """
        records = []
        for place in places:
            try:
                record = other._record(place)
                if record.content is None:
                    self._spool.adopt(other._spool, record.id, record.length, record.check)
            except Damaged as damage:
                log.critical("%s: %s: a message that was accepted is lost", mailbox, damage)
            else:
                records.append(record._replace(recipients={mailbox: record.recipients[mailbox]}))
        copies = self._journal.append_all([encode(record) for record in records])
        for place, record in zip(copies, records, strict=True):
            self.put(place, record)
        return copies

    def keep_aside(self, place: Place) -> None:
        """Keeps a damaged record, and its spool file, under names that the server never reads or removes. Raises OSError."""
        name = b"damaged-%d-%d" % (place.segment.sequence, place.offset)
        self._journal.keep_aside(name, self._journal.octets(place))
        try:
            record = self._record(place)
        except Damaged:
            return
        self._spool.keep_aside(record.id)

    def forget(self, spooled: Mapping[str, int]) -> Iterator[None]:
        """Releases the spool files of a freed segment: all of them, even if the generator is closed early."""
        left = [(id, count) for id, count in spooled.items() if count]
        try:
            while left:
                self._spool.release(*left.pop())
                yield
        finally:
            for id, count in left:
                self._spool.release(id, count)


def _pieces(content: bytes) -> Iterator[bytes]:
    """Content in pieces of at most `PIECE` octets."""
    if len(content) <= PIECE:
        return iter((content,))
    return (content[offset : offset + PIECE] for offset in range(0, len(content), PIECE))
