"""The journal: records are appended in groups, each with one write and one sync, to segments that are reused once freed.

Knows nothing about what records say, except that it writes voids and recognises intents. Their format is in `format`.
"""

import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from ..errors import Damaged, StorageError, fault
from ..errors import words as words_of
from ..files import Files, write_all, write_pieces
from . import format
from .format import OVERHEAD, START
from .records import Payload, Position, Void, encode, is_intent
from .replay import Damage, Source, replay
from .segments import Place, Segment

log = logging.getLogger("carteiro.storage")

SPARES = 4
"""How many freed segments are kept for reuse; the files of any others are removed."""

WRITTEN_AHEAD = 2
"""Segments that a new journal begins with, filled with zeros: overwriting octets on disk syncs faster than growing a file.
"""

_NAME = re.compile(rb"segment-(\d+)")
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL
_PIECE = 1 << 20
_VOID = OVERHEAD + encode(Void(0, 0)).length


class Journal:
    """The journal in an open directory. `where` is its path, used in messages. `synced` hears of the seconds of each sync.

    `open` raises StorageError if a segment cannot be read or made, or has another format.
    """

    def __init__(self, files: Files, directory: int, where: Path, synced: Callable[[float], None] | None = None) -> None:
        self._files = files
        self._synced = synced
        self._directory = directory
        self._where = where
        self._spare: list[Segment] = []
        self._voids: list[Void] = []
        self._group = self._sequence = self._names = 0
        self.segments: list[Segment] = []
        """Those in use, the oldest first. The last one takes records unless it is sealed."""
        self.is_damaged = False  # records that were kept aside may have been acknowledged

    def open(self) -> None:
        """Finds the segments that are there, and makes the first ones."""
        try:
            for name in self._files.names(self._directory):
                match = _NAME.fullmatch(name)
                if match:
                    self._names = max(self._names, int(match[1]))
                    self._find(Segment(name, self._files.open(name, os.O_RDWR, self._directory)))
            while len(self.segments) + len(self._spare) < WRITTEN_AHEAD:
                self._spare.append(self._make(is_written_ahead=True))
        except OSError as error:
            self._do_with_fewer(error)
        self.segments.sort(key=lambda segment: segment.sequence)
        self._sequence = self.segments[-1].sequence if self.segments else 0

    def _do_with_fewer(self, error: OSError) -> None:
        """Accepts fewer segments if the disk has no room for all. With none the journal could take nothing: raises."""
        why, wanted = fault(self._where, error), WRITTEN_AHEAD * format.SIZE >> 20
        have = (len(self.segments) + len(self._spare)) * format.SIZE >> 20
        if why.kind != "no room":
            raise why from error
        if not have:
            advice = "make room, or give another directory with --mail-dir"
            raise StorageError(
                f"{why}: the journal needs {format.SIZE >> 20} MiB, and {wanted} are better: {advice}"
            ) from error
        log.warning("%s: the journal has %d MiB for now, %d are better: make room", why, have, wanted)

    def _find(self, segment: Segment) -> None:
        """Files a segment of an earlier run under those in use or the spare ones, or sets it aside if it is damaged."""
        size = self._files.status(segment.file).st_size
        header = self._files.read(segment.file, START, 0)
        try:
            sequence, salt = format.read_header(header)
        except format.NotASegment as error:
            advice = "nothing was changed; start the version that wrote it, or move it away"
            raise StorageError(f"{self._where}/{os.fsdecode(segment.name)} {error}: {advice}") from error
        except ValueError as error:
            self._set_aside(segment, str(error))
            return
        if size < format.SIZE:
            if not sequence:  # the server died while making it, or it was freed
                self._drop(segment)
                return
            self._lengthen(segment, size)
        if not sequence:  # its freeing may not be on disk
            write_all(self._files, segment.file, header, 0)
            self._files.sync(segment.file)
        segment.find(sequence, salt, format.SIZE)
        (self.segments if sequence else self._spare).append(segment)

    def _lengthen(self, segment: Segment, size: int) -> None:
        """Restores the size of a segment in use that another program has cut. What is left of it counts."""
        words = "%s/%s: cut to %d octets of %d: what is left is recovered, what was cut off may be lost"
        log.critical(words, self._where, os.fsdecode(segment.name), size, format.SIZE)
        self.is_damaged = True
        self._files.allocate(segment.file, format.SIZE)
        self._files.sync(segment.file)

    def _set_aside(self, segment: Segment, why: str) -> None:
        self.is_damaged = True
        log.critical("%s/%s: %s: kept aside", self._where, os.fsdecode(segment.name), why)
        self._files.rename(segment.name, self._directory, b"damaged-%d-%b" % (time.time(), segment.name), self._directory)
        self._files.sync_names(self._directory)
        self._files.close(segment.file)

    # Writing

    def append_all(self, records: Sequence[Payload]) -> list[Place]:
        """Writes and syncs the records, and returns their places. Raises StorageError: then none of them counts, since the
        next group that is written voids those that were.
        """
        try:
            while len(self._spare) * (format.SIZE - START) < 2 * sum(OVERHEAD + record.length for record in records):
                self._spare.append(self._make())
        except OSError as error:
            raise fault(self._where, error) from error
        group, outcomes = self._group, self.append(records)
        places = [outcome for outcome in outcomes if isinstance(outcome, Place)]
        for outcome in outcomes:
            if isinstance(outcome, StorageError):
                for segment in {place.segment for place in places}:
                    segment.seal()
                    self._voids.append(Void(segment.sequence, group + 1))
                raise outcome
        return places

    def append(self, records: Sequence[Payload]) -> list[Place | StorageError]:
        """Writes and syncs the records. For each it returns its place on disk, or why it is not there; a record that failed
        does not count after a crash either, unless the journal could not even write that it is void.
        """
        outcomes: list[Place | StorageError] = []
        while len(outcomes) < len(records):
            rest = records[len(outcomes) :]
            try:
                segment = self._writable(OVERHEAD + rest[0].length)
            except (OSError, StorageError) as error:
                return outcomes + [fault(self._where, error)] * len(rest)
            outcomes += self._commit(segment, self._that_fit(segment, rest))
        if self._voids:
            self._say_what_is_void()
        return outcomes

    def _writable(self, length: int) -> Segment:
        """The segment for the next record, whose frame has `length` octets. Begins a new one if necessary."""
        voids = _VOID * len(self._voids)
        if length + voids > format.SIZE - START:
            raise StorageError(f"{self._where}: a record of {length} octets is too long", "for good")
        if not self.segments or self.segments[-1].is_sealed or self.segments[-1].end + length + voids > format.SIZE:
            # If no new segment can be had, the current one stays open: a shorter record may still fit.
            new = self._spare.pop() if self._spare else self._make()
            self.seal()
            self._begin(new)
        segment = self.segments[-1]
        if not self._files.status(segment.file).st_nlink:
            raise StorageError(f"{self._where}: somebody removed a file of the journal")
        return segment

    def _that_fit(self, segment: Segment, records: Sequence[Payload]) -> list[Payload]:
        payloads = [encode(void) for void in self._voids]
        end = segment.end + sum(OVERHEAD + payload.length for payload in payloads)
        for record in records:
            end += OVERHEAD + record.length
            if end > format.SIZE:
                break
            payloads.append(record)
        return payloads

    def _begin(self, segment: Segment) -> None:
        self._sequence += 1
        segment.begin(self._sequence, os.urandom(8), START)
        self.segments.append(segment)

    def _make(self, is_written_ahead: bool = False) -> Segment:
        """Makes a segment of zeros, which reads as not in use."""
        self._names += 1
        name = b"segment-%d" % self._names
        segment = Segment(name, self._files.open(name, _NEW, self._directory))
        try:
            self._files.allocate(segment.file, format.SIZE)
            for offset in range(0, format.SIZE if is_written_ahead else 0, _PIECE):
                write_all(self._files, segment.file, bytes(min(_PIECE, format.SIZE - offset)), offset)
            self._files.sync(segment.file)
            self._files.sync_names(self._directory)
        except BaseException:
            self._files.close(segment.file)
            with suppress(OSError):  # a file that stays is too short to be used, or all zeros
                self._files.remove(name, self._directory)
            raise
        return segment

    def _commit(self, segment: Segment, payloads: list[Payload]) -> list[Place | StorageError]:
        """Writes the payloads as one group, and syncs. Returns the outcome of each record, those of voids left out."""
        self._group += 1
        records = len(payloads) - len(self._voids)
        start = format.header(segment.sequence, segment.salt).ljust(START, b"\0") if segment.end == START else b""
        frames = format.frames(payloads, segment.salt, self._group)
        try:
            write_pieces(self._files, segment.file, [start, *frames], segment.end - len(start))
            began = time.monotonic()
            self._files.sync(segment.file)
        except OSError as error:
            self._abandon(segment, error)
            return [fault(self._where, error)] * records
        if self._synced:
            self._synced(time.monotonic() - began)
        self._voids.clear()
        places = [segment.take(OVERHEAD + payload.length) for payload in payloads]
        return [*places[len(places) - records :]]

    def _abandon(self, segment: Segment, error: OSError) -> None:
        """Seals a segment after a failed write or sync. Nothing tells any more whether its last group is on disk."""
        where = f"{self._where}/{os.fsdecode(segment.name)}"
        log.critical("%s: %s: what was to be written is refused, and the segment never used again", where, words_of(error))
        segment.distrust()
        self._voids.append(Void(segment.sequence, self._group))

    def _say_what_is_void(self) -> None:
        """Voids refused groups, which may be on disk all the same. If that fails, the next group does it."""
        try:
            segment = self._writable(0)
        except (OSError, StorageError) as error:
            log.critical("%s", fault(self._where, error))
        else:
            self._commit(segment, self._that_fit(segment, []))

    @property
    def end(self) -> Position:
        """The position behind all that was written. There must be a segment in use."""
        return Position(self.segments[-1].sequence, self.segments[-1].end)

    def seal(self) -> None:
        """Seals the last segment: the next record begins another one."""
        if self.segments:
            self.segments[-1].seal()

    # Reading

    def read(self, place: Place) -> bytes:
        """A record's payload. Raises OSError, and Damaged if it is not what was written."""
        frame = format.frame_at(self.octets(place), 0, place.segment.salt, place.offset)
        if frame is None:
            raise Damaged(f"{self._where}/{os.fsdecode(place.segment.name)}: damaged at offset {place.offset}")
        return frame.payload

    def octets(self, place: Place) -> bytes:
        """A frame as it is on disk, not checked. Raises OSError."""
        return self._files.read(place.segment.file, place.length, place.offset)

    def read_back(self) -> Iterator[tuple[Place, bytes]]:
        """Yields each record of earlier runs that counts, with its place, in order. Logs damaged octets, and keeps them
        aside.

        First writes and syncs all segments again: if the last run was killed before its sync, they may be in the page cache
        only. Raises OSError.
        """
        for segment in self.segments:
            write_all(self._files, segment.file, self._data(segment), 0)
            self._files.sync(segment.file)
        sources = [Source(segment.sequence, segment.salt, partial(self._data, segment)) for segment in self.segments]
        self._group, found = replay(sources)
        for number, item in found:
            segment = self.segments[number]
            if isinstance(item, Damage):
                self._report(segment, item)
            else:
                yield Place(segment, item.offset, item.end - item.offset), item.payload

    def _data(self, segment: Segment) -> bytes:
        return b"".join(self._files.read(segment.file, _PIECE, offset) for offset in range(0, format.SIZE, _PIECE))

    def _report(self, segment: Segment, damage: Damage) -> None:
        where = f"{self._where}/{os.fsdecode(segment.name)}"
        data = self._files.read(segment.file, damage.end - damage.offset, damage.offset).rstrip(b"\0")
        if damage.is_torn:
            self._report_torn(segment, damage, data, where)
            return
        self.keep_aside(b"damaged-%d-%d" % (segment.sequence, damage.offset), data)
        self.is_damaged = True
        log.critical("%s: damaged at offset %d: kept aside, the rest is recovered", where, damage.offset)

    def _report_torn(self, segment: Segment, damage: Damage, data: bytes, where: str) -> None:
        """Logs and keeps aside the torn end of a run. It was most likely being written, but may have rotted later."""
        name = b"torn-%d-%d" % (segment.sequence, damage.offset)
        self.is_damaged = self.is_damaged or is_intent(data[OVERHEAD:])  # its mailbox may have been written to
        words = "%s: torn at offset %d: not acknowledged, if it was being written when the server died; kept aside as %s"
        log.warning(words, where, damage.offset, name.decode())
        try:
            self.keep_aside(name, data)
        except OSError as error:  # the server can start without it
            log.error("%s/%s: %s", self._where, name.decode(), words_of(error))

    def keep_misnamed(self, place: Place, why: object) -> None:
        """Logs and keeps aside a whole record that cannot be one of ours. Raises OSError."""
        self.keep_aside(b"damaged-%d-%d" % (place.segment.sequence, place.offset), self.octets(place))
        self.is_damaged = True
        where = f"{self._where}/{os.fsdecode(place.segment.name)}"
        log.critical("%s: at offset %d %s: kept aside, the rest is recovered", where, place.offset, why)

    def keep_aside(self, name: bytes, data: bytes) -> None:
        """Writes and syncs a file beside the segments, which the server never reads or removes. Raises OSError."""
        file = self._files.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, self._directory)
        try:
            write_all(self._files, file, data, 0)
            self._files.sync(file)
        finally:
            self._files.close(file)
        self._files.sync_names(self._directory)

    # Freeing

    def free(self, segment: Segment) -> None:
        """Frees the oldest segment, of which nothing is needed any more: marks it on disk as not in use, then keeps it for
        reuse or removes its file. Raises OSError; then the segment still counts as in use.
        """
        if segment.is_trusted:
            try:
                write_all(self._files, segment.file, format.header(0, segment.salt), 0)
                self._files.sync(segment.file)
            except OSError:
                segment.distrust()
                raise
        if not segment.is_trusted or len(self._spare) >= SPARES:
            self._drop(segment)
        else:
            self._spare.append(segment)
        self.segments.remove(segment)

    def _drop(self, segment: Segment) -> None:
        with suppress(FileNotFoundError):  # an earlier attempt removed it and then failed
            self._files.remove(segment.name, self._directory)
        self._files.sync_names(self._directory)
        self._files.close(segment.file)

    @property
    def is_there(self) -> bool:
        """Whether all files that are or will be written to still have their names. Raises OSError."""
        return all(self._has_name(segment) for segment in (*self.segments, *self._spare) if segment.is_trusted)

    def _has_name(self, segment: Segment) -> bool:
        return self._files.status(segment.file).st_nlink > 0

    def forget_removed(self) -> list[Segment]:
        """Gives up segments whose files another program removed. Returns those in use: they can still be read, but are not
        written.
        """
        for segment in [segment for segment in self._spare if not self._has_name(segment)]:
            self._spare.remove(segment)
            self._files.close(segment.file)
        removed = [segment for segment in self.segments if not self._has_name(segment)]
        for segment in removed:
            segment.distrust()
        return removed

    def remove(self) -> None:
        """Removes the files of a journal that has no segments in use. Raises OSError."""
        for segment in self._spare:
            self._files.remove(segment.name, self._directory)

    def close(self) -> None:
        """Closes the segments' files."""
        for segment in self.segments + self._spare:
            self._files.close(segment.file)
