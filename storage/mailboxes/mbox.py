"""Mailboxes as mboxrd files, one for each name: opened, locked, appended to, and compared with what they should contain.

Knows nothing about users, nor when a message was accepted.
"""

import os
import stat
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from hashlib import blake2b
from pathlib import Path

from ..files import Files, append_all, read_all, sync_or_doubt
from . import mboxrd
from .dot_lock import DotLocks
from .letter import Letter
from .mailbox import Extent
from .mbox_entries import ends

BLOCK = 64 * 1024
"""Octets that one step writes, reads or compares."""

UNSYNCED = 1 << 20
"""Octets after which a long delivery is synced before it is complete."""

_FLAGS = os.O_RDWR | os.O_APPEND
_UNSEEN = getattr(os, "O_NOATIME", 0)
"""Where supported: our reading does not change the file's access time, by which mail programs tell whether there is new
mail."""


class MboxMailboxes:
    """The files `<name>.txt` of an open directory. `where` is its path, used in messages."""

    def __init__(self, files: Files, directory: int, where: Path) -> None:
        self._files = files
        self._directory = directory
        self._where = where
        self._dot_locks = DotLocks(files, directory)

    def check(self, mailbox: str) -> None:
        """Raises OSError if this is not a mailbox file, or we may not write to it. A missing one is fine."""
        try:
            self._files.close(self._open(mailbox, _FLAGS))
        except FileNotFoundError:
            return

    def open(self, mailbox: str) -> "MboxMailbox":
        """Opens and locks the mailbox, and makes it if it is missing. Raises OSError and IsLocked.

        Takes both locks that mail programs know. Some programs take only a dot lock. A program that replaces the file, like
        Python's `mailbox`, gives up its fcntl lock before it does; mail appended in between would be lost.
        """
        name = _name(mailbox)
        while True:
            file = self._open(mailbox, _FLAGS | os.O_CREAT)
            try:
                self._files.lock(file)
                self._dot_locks.take(name)
                try:
                    if self._is_still(name, file):
                        return MboxMailbox(self._files, file, self._dot_locks, name)
                except BaseException:
                    self._dot_locks.give_back(name)
                    raise
                self._dot_locks.give_back(name)
            except BaseException:
                self._files.close(file)
                raise
            self._files.close(file)  # another program replaced it before we had the locks

    def _open(self, mailbox: str, flags: int) -> int:
        try:
            file = self._files.open(_name(mailbox), flags | _UNSEEN, self._directory)
        except PermissionError:  # O_NOATIME fails on another user's file
            file = self._files.open(_name(mailbox), flags, self._directory)
        if stat.S_ISREG(self._files.status(file).st_mode):
            return file
        self._files.close(file)
        raise OSError(0, "not a regular file")

    def _is_still(self, name: bytes, file: int) -> bool:
        try:
            return self._files.find(name, self._directory).st_ino == self._files.status(file).st_ino
        except FileNotFoundError:
            return False

    def sync(self, mailbox: str) -> None:
        """Returns when the file's content is on disk; for its name see `sync_names`. Raises NotSynced. If another program
        removed the file, nothing is left to sync.
        """
        try:
            file = self._open(mailbox, os.O_RDONLY)
        except FileNotFoundError:
            return
        try:
            sync_or_doubt(self._files, file)
        finally:
            self._files.close(file)

    def sync_names(self) -> None:
        """Returns when the names of all mailboxes are on disk."""
        self._files.sync_names(self._directory)

    def clean(self) -> None:
        """Removes the files from which killed processes made their dot locks. Call it only while no process holds one."""
        self._dot_locks.clean()

    def close(self) -> None:
        """Gives back what dot locks are made from."""
        self._dot_locks.close()

    def path(self, mailbox: str) -> str:
        """The path of the file."""
        return f"{self._where}/{mailbox}.txt"


def _name(mailbox: str) -> bytes:
    return mailbox.encode() + b".txt"


class MboxMailbox:
    """A mailbox file that is open and locked."""

    def __init__(self, files: Files, file: int, dot_locks: DotLocks, name: bytes) -> None:
        self._files = files
        self._file = file
        self._dot_locks = dot_locks
        self._name = name

    @property
    def extent(self) -> Extent:
        """Where it ends now."""
        status = self._files.status(self._file)
        return Extent(status.st_ino, status.st_size)

    def append(self, letters: Iterable[Letter]) -> Generator[int, None, None]:
        """Appends the letters, a block a step. Yields 0: none stays if a later step fails. If a step raises, or the
        generator is closed early, the file is cut back to its former size; it stays longer only if that fails, too.
        """
        start = self.extent.size
        block: list[bytes] = []
        held = unsynced = 0
        try:
            for piece in self._entries(start, letters):
                block.append(piece)
                held += len(piece)
                if held >= BLOCK:
                    append_all(self._files, self._file, b"".join(block))
                    unsynced += held
                    block, held = [], 0
                    if unsynced >= UNSYNCED:
                        self.sync()
                        self._dot_locks.refresh()
                        unsynced = 0
                    yield 0
            append_all(self._files, self._file, b"".join(block))
            self._files.show_as_unread(self._file)
        except BaseException:
            self._files.truncate(self._file, start)
            raise

    def _entries(self, start: int, letters: Iterable[Letter]) -> Iterator[bytes]:
        """The pieces to append at offset `start`."""
        yield mboxrd.gap(self._files.read(self._file, min(2, start), max(0, start - 2)))
        for letter in letters:
            yield from mboxrd.entry(letter)

    def take_back(self, extent: Extent, letters: Iterable[Letter]) -> Generator[None, None, bool]:
        """Cuts off everything behind `extent` if it can only be a beginning of `letters`, perhaps torn; returns whether it
        did.

        Where a power cut tore a write, octets are zero or missing.
        """
        now = self.extent
        if now.size == extent.size == 0:  # both empty: a power cut may have lost the name of the first file
            return True
        if now.size < extent.size or (now.size == extent.size and now.inode != extent.inode):
            return False
        offset = extent.size
        for piece in self._entries(extent.size, letters):
            data = self._files.read(self._file, len(piece), offset)
            if not _may_become(data, piece):
                return False
            offset += len(data)
            if offset >= now.size:
                break
            yield
        if offset < now.size:
            return False
        self._files.truncate(self._file, extent.size)
        return True

    def ends(self) -> Iterator[int]:
        """Where each message ends, in order; nothing if the file does not begin with one."""
        return ends(self.read, 0, self.extent.size)

    def read(self, length: int, offset: int) -> bytes:
        """Reads `length` octets; fewer only at the end of the file."""
        return read_all(self._files, self._file, length, offset)

    def cut(self, size: int) -> None:
        """Cuts off what is beyond `size`, and returns when that is on disk."""
        self._files.truncate(self._file, size)
        self.sync()

    def make_alike(self, file: int) -> None:
        """Gives another file the owner and the mode of this one, so that it can take its place."""
        self._files.make_alike(self._file, file)

    def refresh(self) -> None:
        """Keeps the locks from looking stale."""
        self._dot_locks.refresh()

    def missing(self, letters: Iterable[Letter]) -> Generator[None, None, list[bool]]:
        """For each letter, whether the file has no entry identical to the one it would get.

        If several letters have identical entries, as many entries are needed.
        """
        found: Counter[bytes] = Counter()
        for ended in _hashes(self._blocks()):
            found.update(ended)
            yield
        answers = []
        for letter in letters:
            for ended in _hashes(mboxrd.entry(letter)):
                expected = ended
                yield
            answers.append(found[expected[-1]] <= 0)
            found[expected[-1]] -= 1
        return answers

    def _blocks(self) -> Iterator[bytes]:
        offset = 0
        while block := self._files.read(self._file, BLOCK, offset):
            yield block
            offset += len(block)

    def sync(self) -> None:
        """Returns when all that was appended is on disk; for the file's name see `MboxMailboxes.sync_names`. Raises
        NotSynced.
        """
        sync_or_doubt(self._files, self._file)

    def close(self) -> None:
        """Closes the file, and gives up both locks."""
        self._dot_locks.give_back(self._name)
        self._files.close(self._file)


def _may_become(data: bytes, piece: bytes) -> bool:
    """Whether each octet on disk is zero or the one that was to be written there."""
    piece = piece[: len(data)]
    return data == piece or all(octet in (0, due) for octet, due in zip(data, piece, strict=True))


def _hashes(blocks: Iterable[bytes]) -> Iterator[list[bytes]]:
    """For each block, the hashes of the entries that end in it; at the end, the hash of the last entry.

    Blank lines at the end of an entry are not hashed: other programs add or drop some.
    """
    entry = blake2b(digest_size=16)
    rest = b"\n"
    for block in blocks:
        *ended, last = (rest + block).split(b"\nFrom ")
        hashes = []
        for part in ended:
            entry.update(part.rstrip(b"\n"))
            hashes.append(entry.digest())
            entry = blake2b(b"From ", digest_size=16)
        cut = _decided(last)
        entry.update(last[:cut])
        rest = last[cut:]
        yield hashes
    entry.update(rest.rstrip(b"\n"))
    yield [entry.digest()]


def _decided(text: bytes) -> int:
    """The length of a text without blank lines and the beginning of a separator at its end: the next block decides on
    these.
    """
    for beginning in (b"", b"F", b"Fr", b"Fro", b"From"):
        if text.endswith(b"\n" + beginning):
            return len(text[: len(text) - len(beginning)].rstrip(b"\n"))
    return len(text)
