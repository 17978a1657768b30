"""The backlog: what the journal and the spool hold of accepted messages, made ready for a mailbox a letter at a time.

It does not know where letters go.
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
"""Octets of records that are remembered until they are moved; what comes while there are so many is read again."""


class Backlog:
    """What is accepted and not moved yet."""

    def __init__(self, journal: Journal, spool: Spool) -> None:
        self._journal = journal
        self._spool = spool
        self._recent: dict[tuple[int, int], Record] = {}  # by sequence, which no later use of a segment has, and offset
        self._recent_octets = 0

    def put(self, place: Place, record: Record) -> None:
        """This record is in the journal, and needs its spool file."""
        if record.content is None:
            self.need(place.segment, record.id, record.length, len(record.recipients))

    def need(self, segment: Segment, id: str, length: int, count: int) -> None:
        """So many mailboxes are to get what is in a spool file, as a record in a segment says."""
        self._spool.need(id, length, count)
        segment.need(id, count)

    def remember(self, place: Place, record: Record) -> None:
        """The same of a new message: mostly it is moved a moment later, and then it need not be read again."""
        if record.content is None:
            self.put(place, record)
        elif self._recent_octets < RECENT:
            self._recent_octets += place.length
            self._recent[place.segment.sequence, place.offset] = record

    def take(self, place: Place, mailbox: str) -> Letter:
        """The letter for a mailbox. It, and its content later, raise OSError, and Damaged with a place."""
        record = self._record(place)
        content = partial(self._spooled, place, record) if record.content is None else partial(_pieces, record.content)
        envelope = (record.id, record.came / 1e6, record.reverse_path, record.recipients[mailbox], record.trace)
        return Letter(*envelope, content, record.content is None, record.is_verbatim)

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
        """Octets of a spool file that is needed."""
        return self._spool.length(id)

    def has_arrived(self, segment: Segment, id: str) -> None:
        """One of these mailboxes has it, on disk, and the journal says so."""
        if segment.arrived(id):
            self._spool.release(id)

    def copy(self, places: Iterable[Place], mailbox: str) -> list[Place]:
        """The places of copies, for this mailbox only, at the end of the journal. Makes none when it raises as above."""
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
        """The places of copies of what another journal has for a mailbox. What cannot be read is said, and left out.

        Raises OSError and StorageError when nothing can be written here; then it makes none.
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
        """What is damaged is kept in a file that nobody reads or removes. Raises OSError."""
        name = b"damaged-%d-%d" % (place.segment.sequence, place.offset)
        self._journal.keep_aside(name, self._journal.octets(place))
        try:
            record = self._record(place)
        except Damaged:
            return
        self._spool.keep_aside(record.id)

    def forget(self, spooled: Mapping[str, int]) -> Iterator[None]:
        """A segment that was freed needs these spool files no more: all of them, also when this is broken off."""
        left = [(id, count) for id, count in spooled.items() if count]
        try:
            while left:
                self._spool.release(*left.pop())
                yield
        finally:
            for id, count in left:
                self._spool.release(id, count)


def _pieces(content: bytes) -> Iterator[bytes]:
    """Content in pieces of a size that is handled at once."""
    if len(content) <= PIECE:
        yield content
    else:
        for offset in range(0, len(content), PIECE):
            yield content[offset : offset + PIECE]
