"""The spool: the content of each large message in a file of its own, written as it arrives and read back in pieces.

Knows how many mailboxes need each file, by the journal's records. Knows nothing about envelopes, nor when a message is
accepted.
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
"""Octets that one read returns."""

UNSYNCED = 1 << 20
"""Octets after which a long message is synced before it is complete: one sync of everything at its end would delay others.
"""

MOST_OCTETS = 2 << 30
"""Octets of all files, including those still arriving, beyond which the spool takes no more."""

_ASIDE = b"damaged-"


class SpoolFile:
    """Content on its way into the spool. Making one raises OSError.

    `write` and `finish` raise OSError, also for an earlier failed `sync`; after that only `remove` makes sense. The file is
    open only during a write, so that senders of large messages do not use up the descriptors others need. `length` counts
    its octets, `check` is their CRC-32.
    """

    __slots__ = ("_directory", "_error", "_files", "_name", "_spool", "_unsynced", "check", "length")

    def __init__(self, files: Files, spool: "Spool", name: bytes) -> None:
        self._files = files
        self._spool = spool
        self._name = name
        self._directory = spool.directory
        self._unsynced = 0
        self._error: OSError | None = None
        """Why a sync failed. What was written before may not be on disk, even if a later sync succeeds."""
        self.length = 0
        self.check = 0
        files.close(files.open(name, _FLAGS | os.O_CREAT | os.O_EXCL, spool.directory))

    def write(self, data: bytes) -> None:
        """Appends a piece of content. Raises StorageError, too, if there is no room."""
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
        """Syncs what was written so far. Never raises: the next `write` or `finish` raises the error. May run in any
        thread.
        """
        try:
            with self._opened() as file:
                self._files.sync(file)
        except OSError as error:
            self._error = error

    def finish(self) -> None:
        """Syncs the complete content. The file's name is on disk only after the spool's `sync_names`. May run in any
        thread.
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
        """Whether the spool still uses the directory in which the file was made."""
        return self._directory == self._spool.directory

    def keep(self) -> None:
        """Stops counting the file as arriving: its message was accepted, and a record in the journal needs it."""
        self._spool.coming -= self.length

    def remove(self) -> None:
        """Removes the file. If that fails, the next start removes it."""
        self._spool.coming -= self.length
        with suppress(OSError):  # the next start removes it
            self._files.remove(self._name, self._spool.directory)


_FLAGS = os.O_WRONLY | os.O_APPEND


class Spool:
    """The spool files in an open directory: one for each large message, named by its id.

    Octets are counted in three sums. `coming`: files still arriving. `kept`: files that records in the journal need. `owed`:
    what must still be written to mailboxes from these files, so a file counts once for each mailbox that needs it. `room`
    knows whether the disk has room for more. `where` is the directory's path, used in messages.
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
        """Announces that this many octets are about to be written. Raises StorageError if there is no room for them."""
        if self.kept + self.coming + octets > MOST_OCTETS:
            words = "full of messages that are on their way, or wait for their mailboxes"
            raise StorageError(f"{self.where}: {words}", "no room")
        lack = self.room and self.room.take(octets)
        if lack:
            raise lack

    @property
    def reserve(self) -> int:
        """Octets that must stay free on the disk so that all content can be moved. A file is removed when its last mailbox
        has it.
        """
        return max(0, self.owed - self.kept) + self._longest

    def more(self, length: int, count: int) -> int:
        """Octets by which `reserve` would grow with a file of this length that `count` mailboxes need."""
        return (count - 1) * length + max(0, length - self._longest)

    def begin(self, id: str) -> SpoolFile:
        """Makes a file. Raises OSError."""
        return SpoolFile(self._files, self, id.encode())

    def sync_names(self) -> None:
        """Syncs the names of all files. Raises OSError. May run in any thread."""
        self._files.sync_names(self.directory)

    def read(self, id: str, length: int, check: int) -> Iterator[bytes]:
        """Yields a file's content in pieces. Raises OSError; Damaged if the file is missing or, after the last piece, if the
        content is not what was written.
        """
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
        """Records that `count` more mailboxes need a file of this length."""
        if id not in self._lengths:
            self._lengths[id] = length
            self.kept += length
            self._longest = max(self._longest, length)
        self._needed[id] += count
        self.owed += count * length

    def length(self, id: str) -> int:
        """Octets of a file that some mailbox needs."""
        return self._lengths[id]

    def release(self, id: str, count: int = 1) -> None:
        """Records that `count` mailboxes have a file's content. Removes the file with the last one; if that fails, the next
        start does.
        """
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
        """Renames a file so that the server never reads or removes it. Raises OSError."""
        with suppress(FileNotFoundError):
            self._files.rename(id.encode(), self.directory, _ASIDE + id.encode(), self.directory)

    @property
    def needed(self) -> Collection[str]:
        """The ids of messages whose files some record needs."""
        return self._needed.keys()

    def clean(self, is_kept_aside: bool, spared: Collection[str] = ()) -> None:
        """Removes, or keeps aside, files that no record needs: their messages were not accepted. Leaves the `spared` ids
        alone. Raises OSError.
        """
        for name in self._files.names(self.directory):
            if os.fsdecode(name) in self._needed or os.fsdecode(name) in spared or name.startswith(_ASIDE):
                continue
            if is_kept_aside:
                self.keep_aside(os.fsdecode(name))
            else:
                self._files.remove(name, self.directory)

    def adopt(self, other: "Spool", id: str, length: int, check: int) -> None:
        """Copies a file of another spool and syncs it. Raises OSError and StorageError, and Damaged like `read`."""
        try:
            file = self.begin(id)
        except FileExistsError:  # both spools have the same directory
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
        """Makes every later use of the directory fail, for files that are still arriving."""
        self.directory = -1
