"""The spool: the content of a large message in a file of its own, written as it arrives and read back in pieces.

It does not know envelopes, nor when a message is accepted; it knows how many records of the journal need each file.
"""

import logging
import os
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from zlib import crc32

from ..errors import Damaged, StorageError, fault
from ..files import Files, append_all
from ..room import Room
from .spool_syncs import SpoolSyncs

log = logging.getLogger("carteiro.storage")

PIECE = 64 * 1024
"""Octets that are read at once."""

UNSYNCED = 1 << 20
"""Octets that are written before they are synced: to sync all at the end would hold up everybody."""

MOST_OCTETS = 2 << 30
"""Octets of all files, those of messages on their way included, beyond which these are refused."""

_ASIDE = b"damaged-"


class SpoolFile:
    """Content on its way into the spool. Every method raises OSError, after which only `remove` makes sense.

    The file is open only while something is written to it: those who send much are to have no descriptors of the others.
    """

    __slots__ = ("_directory", "_error", "_files", "_name", "_spool", "_unsynced", "check", "length")

    def __init__(self, files: Files, spool: "Spool", name: bytes) -> None:
        self._files = files
        self._spool = spool
        self._name = name
        self._directory = spool.directory
        self._unsynced = 0
        self._error: OSError | None = None
        """A sync failed: what was written before may not be on disk, whatever a later one says."""
        self.length = 0
        self.check = 0
        files.close(files.open(name, _FLAGS | os.O_CREAT | os.O_EXCL, spool.directory))

    def write(self, data: bytes) -> None:
        """Takes the next piece. Raises StorageError, too, when there is no room."""
        if self._error:
            raise self._error
        self._spool.take(len(data))
        with self._opened() as file:
            append_all(self._files, file, data)
        self.length += len(data)
        self._spool.coming += len(data)
        self.check = crc32(data, self.check)
        self._unsynced += len(data)
        if self._unsynced >= UNSYNCED:
            self._unsynced = 0
            self._spool.syncs.flush(self)

    def sync(self) -> None:
        """What was written is on disk when this returns, or the next call fails. In any thread."""
        try:
            with self._opened() as file:
                self._files.sync(file)
        except OSError as error:
            self._error = error

    def finish(self) -> None:
        """The content is complete and on disk when this returns; its name is when the spool's `sync_names` returns.

        In any thread.
        """
        self.sync()
        if self._error:
            raise self._error

    @contextmanager
    def _opened(self) -> Iterator[int]:
        file = self._files.open(self._name, _FLAGS, self._spool.directory)
        try:
            yield file
        finally:
            self._files.close(file)

    @property
    def is_there(self) -> bool:
        """Whether the spool is in the same directory as when the file was made."""
        return self._directory == self._spool.directory

    def keep(self) -> None:
        """It was accepted: from now on a record of the journal needs it."""
        self._spool.coming -= self.length

    def remove(self) -> None:
        """Nothing of it is kept."""
        self._spool.coming -= self.length
        with suppress(OSError):  # what stays is removed at the next start
            self._files.remove(self._name, self._spool.directory)


_FLAGS = os.O_WRONLY | os.O_APPEND


class Spool:
    """The spool files in an open directory, a file a message, named by its id.

    `kept` are the octets of files that records of the journal need, `coming` those of messages on their way. `owed` are the
    octets that are to be written to mailboxes before the files are removed, one for each mailbox that needs them. `room`
    says whether there is room on the disk for more.
    """

    def __init__(self, files: Files, directory: int, where: Path) -> None:
        self._files = files
        self.directory = directory
        self.where = where
        self.syncs = SpoolSyncs(self)
        self.room: Room | None = None
        self.coming = self.kept = self.owed = self._longest = 0
        self._needed: Counter[str] = Counter()
        self._lengths: dict[str, int] = {}

    def take(self, octets: int) -> None:
        """So many octets more are about to come. Raises StorageError when they are too many."""
        if self.kept + self.coming + octets > MOST_OCTETS:
            words = "full of messages that are on their way, or wait for their mailboxes"
            raise StorageError(f"{self.where}: {words}", "no room")
        lack = self.room and self.room.take(octets)
        if lack:
            raise lack

    @property
    def reserve(self) -> int:
        """Octets that must be free on the disk so that all can be moved: a file goes when all have it."""
        return max(0, self.owed - self.kept) + self._longest

    def more(self, length: int, count: int) -> int:
        """The same of one more file, which so many mailboxes would need."""
        return (count - 1) * length + max(0, length - self._longest)

    def begin(self, id: str) -> SpoolFile:
        """A new file. Raises OSError."""
        return SpoolFile(self._files, self, id.encode())

    def sync_names(self) -> None:
        """The names of all files are on disk when this returns. Raises OSError."""
        self._files.sync_names(self.directory)

    def read(self, id: str, length: int, check: int) -> Iterator[bytes]:
        """The content in pieces. Raises OSError, and Damaged when it is missing or, at its end, not what was written."""
        try:
            file = self._files.open(id.encode(), os.O_RDONLY, self.directory)
        except FileNotFoundError as error:
            raise Damaged(f"spool file {id}: missing") from error
        found = 0
        try:
            for offset in range(0, length, PIECE):
                data = self._files.read(file, min(PIECE, length - offset), offset)
                found = crc32(data, found)
                yield data
        finally:
            self._files.close(file)
        if found != check:
            raise Damaged(f"spool file {id}: damaged")

    def need(self, id: str, length: int, count: int) -> None:
        """So many mailboxes more need the file."""
        if id not in self._lengths:
            self._lengths[id] = length
            self.kept += length
            self._longest = max(self._longest, length)
        self._needed[id] += count
        self.owed += count * length

    def length(self, id: str) -> int:
        """Octets of a file that somebody needs."""
        return self._lengths[id]

    def release(self, id: str, count: int = 1) -> None:
        """So many mailboxes have what is in the file; with the last one the file goes, or at the next start."""
        self._needed[id] -= count
        self.owed -= count * self._lengths[id]
        if not self._needed[id]:
            del self._needed[id]
            self.kept -= self._lengths.pop(id)
            if not self._lengths:
                self._longest = 0
            try:
                self._files.remove(id.encode(), self.directory)
            except FileNotFoundError:
                pass
            except OSError as error:
                log.warning("%s: not removed before the next start", fault(self.where / id, error))

    def keep_aside(self, id: str) -> None:
        """The file is kept under a name that nobody reads or removes. Raises OSError."""
        with suppress(FileNotFoundError):
            self._files.rename(id.encode(), self.directory, _ASIDE + id.encode(), self.directory)

    @property
    def needed(self) -> Collection[str]:
        """The ids whose files some record needs."""
        return self._needed.keys()

    def clean(self, is_kept_aside: bool, spared: Collection[str] = ()) -> None:
        """Removes, or keeps aside, the files that no record needs: of messages that were not accepted. Raises OSError."""
        for name in self._files.names(self.directory):
            if os.fsdecode(name) in self._needed or os.fsdecode(name) in spared or name.startswith(_ASIDE):
                continue
            if is_kept_aside:
                self.keep_aside(os.fsdecode(name))
            else:
                self._files.remove(name, self.directory)

    def adopt(self, other: "Spool", id: str, length: int, check: int) -> None:
        """Copies a file of another spool, on disk when this returns. Raises OSError, and Damaged as `read`."""
        try:
            file = self.begin(id)
        except FileExistsError:  # both are in the same directory
            return
        try:
            for piece in other.read(id, length, check):
                file.write(piece)
            file.finish()
            self.sync_names()
            file.keep()
        except BaseException:
            file.remove()
            raise

    def close(self) -> None:
        """Whoever has a file of it meets an error from now on."""
        self.directory = -1
