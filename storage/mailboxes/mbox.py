"""Mailboxes as mboxrd files, one a name: opened, locked, appended to, and compared with what should be in them.

It does not know what a user is, nor when a message was accepted.
"""

import os
import stat
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from hashlib import blake2b
from pathlib import Path

from ..files import Files, append_all, sync_or_doubt
from . import mboxrd
from .dot_lock import DotLocks
from .letter import Letter
from .mailbox import Extent

BLOCK = 64 * 1024
"""Octets that are written, read or compared in one step."""

UNSYNCED = 1 << 20
"""Octets after which a long delivery is synced meanwhile."""

_FLAGS = os.O_RDWR | os.O_APPEND
_UNSEEN = getattr(os, "O_NOATIME", 0)
"""Where the system has it: what we read was not read, as far as the file's times say. Mail programs tell by these whether
there is new mail."""


class MboxMailboxes:
    """The files `<name>.txt` of an open directory; `where` is its path, for what is said of it."""

    def __init__(self, files: Files, directory: int, where: Path) -> None:
        self._files = files
        self._directory = directory
        self._where = where
        self._dot_locks = DotLocks(files, directory)

    def check(self, mailbox: str) -> None:
        """Raises OSError when this is no mailbox file, or not ours to write to. A missing one is fine."""
        try:
            self._files.close(self._open(mailbox, _FLAGS))
        except FileNotFoundError:
            return

    def open(self, mailbox: str) -> "MboxMailbox":
        """The mailbox, made when it is missing, and locked. Raises OSError and IsLocked.

        It has both locks that mail programs know: some take only a dot lock, and one that replaces the file (as Python's
        `mailbox` does) gives up its fcntl lock before that, and what was appended in between would be gone.
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
            self._files.close(file)  # until it is locked another program may replace it

    def _open(self, mailbox: str, flags: int) -> int:
        try:
            file = self._files.open(_name(mailbox), flags | _UNSEEN, self._directory)
        except PermissionError:  # it is another user's, perhaps
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
        """The mailbox and its name are on disk when this returns. Nothing is left to sync of one that was removed."""
        try:
            file = self._open(mailbox, os.O_RDONLY)
        except FileNotFoundError:
            return
        try:
            sync_or_doubt(self._files, file)
        finally:
            self._files.close(file)

    def sync_names(self) -> None:
        """The names of mailboxes are on disk when this returns."""
        self._files.sync_names(self._directory)

    def clean(self) -> None:
        """Removes what locks of processes that were killed were made of."""
        self._dot_locks.clean()

    def close(self) -> None:
        """Gives back what locks are made of."""
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
        """Puts the letters at its end, a block a step; when that fails, or is given up, the file is as it was."""
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
        """What is appended at `start`."""
        yield mboxrd.gap(self._files.read(self._file, min(2, start), max(0, start - 2)))
        for letter in letters:
            yield from mboxrd.entry(letter)

    def take_back(self, extent: Extent, letters: Iterable[Letter]) -> Generator[None, None, bool]:
        """Cuts off what is after `extent`, if it can be nothing but a beginning of `letters`, torn perhaps; else False.

        Of what was torn by a power cut some octets are missing or zero.
        """
        now = self.extent
        if now.size == extent.size == 0:  # a new file whose name was not on disk, perhaps, and is another one now
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

    def missing(self, letters: Iterable[Letter]) -> Generator[None, None, list[bool]]:
        """For each letter whether no entry is exactly what it would be."""
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
        """What was appended is on disk when this returns, or NotSynced is raised; for its name see the directory."""
        sync_or_doubt(self._files, self._file)

    def close(self) -> None:
        """Gives back the descriptor and the locks."""
        self._dot_locks.give_back(self._name)
        self._files.close(self._file)


def _may_become(data: bytes, piece: bytes) -> bool:
    """Whether octets on disk are what was to be written there, each one or a zero."""
    piece = piece[: len(data)]
    return data == piece or all(octet in (0, due) for octet, due in zip(data, piece, strict=True))


def _hashes(blocks: Iterator[bytes]) -> Iterator[list[bytes]]:
    """For each block the hashes of the entries that end in it, and at last that of the last one.

    Blank lines at the end of an entry are left out: other programs keep more of them, or fewer.
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
    """How much of a text is neither blank lines at its end nor the beginning of a separator."""
    for beginning in (b"", b"F", b"Fr", b"Fro", b"From"):
        if text.endswith(b"\n" + beginning):
            return len(text[: len(text) - len(beginning)].rstrip(b"\n"))
    return len(text)
