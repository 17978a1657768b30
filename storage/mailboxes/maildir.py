"""Mailboxes as Maildirs, one for each name: each message is a file, and other programs read it without a lock.

Knows nothing about users, nor when a message was accepted. The format is D. J. Bernstein's: a message is written to tmp/,
synced, and moved to new/ when it is complete; mail programs move it on to cur/.

A file's name consists of the time, a unique part, and the host, in this order, with dots between. What follows may change:
programs append flags and sizes (`:2,S`, `,S=1234`). After a crash the host may have another name, as a container does.
"""

import os
import re
from collections.abc import Generator, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from ..files import DIRECTORY, Files, append_all, open_directory
from .fields import headed, unix_pieces
from .letter import Letter
from .mailbox import Extent

_PARTS = (b"tmp", b"new", b"cur")
_BEHIND = re.compile(rb"[:,].*", re.DOTALL)
"""What programs append to a name."""

_NOT_IN_A_HOST = re.compile(rb"[^!-+\--.0-9;-~]")
"""Octets that would end a name, or begin what programs append to it, or are not printable."""

_NEW_FILE = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC

UNSYNCED = 1 << 20
"""Octets after which a long message is synced before it is complete."""


class MaildirMailboxes:
    """The Maildirs `<name>/` of an open directory. `where` is its path, used in messages."""

    def __init__(self, files: Files, directory: int, where: Path) -> None:
        self._files = files
        self._directory = directory
        self._where = where
        self._host = _host(os.fsencode(os.uname().nodename))

    def check(self, mailbox: str) -> None:
        """Raises OSError if this is not a Maildir, or we may not write to it. A missing Maildir, or a missing part of one,
        is fine.
        """
        with suppress(FileNotFoundError):
            top = self._files.open(mailbox.encode(), DIRECTORY, self._directory)
            try:
                for part in _PARTS[:2]:
                    self._files.close(self._files.open(part, DIRECTORY, top))
                    if not self._files.may_write(part, top):
                        raise PermissionError(0, f"no permission to write in {part.decode()}/")
            finally:
                self._files.close(top)

    def open(self, mailbox: str) -> "MaildirMailbox":
        """Opens the Maildir, and makes what is missing of it. Raises OSError."""
        opened = [open_directory(self._files, mailbox.encode(), self._directory)]
        try:
            opened.extend(open_directory(self._files, part, opened[0]) for part in _PARTS)
        except BaseException:
            for directory in opened:
                self._files.close(directory)
            raise
        return MaildirMailbox(self._files, opened, self._host)

    def sync(self, mailbox: str) -> None:
        """Returns when the names in new/, and that of new/, are on disk. If another program removed the Maildir, nothing is
        left to sync.
        """
        with suppress(FileNotFoundError):
            top = self._files.open(mailbox.encode(), DIRECTORY, self._directory)
            try:
                self._files.sync_names(top)  # the process that made new/ may have been killed before it was on disk
                new = self._files.open(b"new", DIRECTORY, top)
                try:
                    self._files.sync_names(new)
                finally:
                    self._files.close(new)
            finally:
                self._files.close(top)

    def sync_names(self) -> None:
        """Returns when the names of all mailboxes are on disk."""
        self._files.sync_names(self._directory)

    def clean(self) -> None:
        """Removes nothing: `missing` removes the unfinished files in tmp/ of the letters that it looks for."""

    def close(self) -> None:
        """Has nothing to give back."""

    def path(self, mailbox: str) -> str:
        """The path of the Maildir."""
        return f"{self._where}/{mailbox}"


class MaildirMailbox:
    """A Maildir whose parts are all open."""

    extent = None
    """None: the names of the files show what is in it."""

    def __init__(self, files: Files, opened: Sequence[int], host: bytes) -> None:
        self._files = files
        self._opened = opened
        self._top, self._tmp, self._new, self._cur = opened
        self._host = host

    def append(self, letters: Iterable[Letter]) -> Generator[int, None, None]:
        """Puts the letters in new/, each complete and synced. Yields how many are there."""
        for number, letter in enumerate(letters):
            name = self._name(letter)
            try:
                yield from self._write(name, letter, number)
                self._files.rename(name, self._tmp, name, self._new)
            except BaseException:
                with suppress(OSError):
                    self._files.remove(name, self._tmp)
                raise
            yield number + 1

    def _write(self, name: bytes, letter: Letter, number: int) -> Generator[int, None, None]:
        file = self._files.open(name, _NEW_FILE, self._tmp)
        try:
            unsynced = 0
            pieces = letter.content() if letter.is_verbatim else unix_pieces(letter.content())
            for piece in headed(letter, pieces):
                append_all(self._files, file, piece)
                unsynced += len(piece)
                if unsynced >= UNSYNCED:
                    self._files.sync(file)
                    unsynced = 0
                    yield number
            self._files.sync(file)
        finally:
            self._files.close(file)

    def take_back(self, extent: Extent, letters: Iterable[Letter]) -> Generator[None, None, bool]:
        """Never called: a Maildir has no extent."""
        raise NotImplementedError

    def missing(self, letters: Iterable[Letter]) -> Generator[None, None, list[bool]]:
        """For each letter, whether it is neither in new/ nor, under whatever flags, in cur/.

        An unfinished file of one of these letters in tmp/ is removed.
        """
        there = _Names([name for part in (self._new, self._cur) for name in self._files.names(part)])
        yield
        unfinished = _Names(self._files.names(self._tmp))
        answers = []
        for letter in letters:
            left = unfinished.find(letter)
            if left:
                self._files.remove(left, self._tmp)
            answers.append(there.find(letter) is None)
            yield
        return answers

    def _name(self, letter: Letter) -> bytes:
        return b"%b.%b" % (_unique(letter), self._host)

    def sync(self) -> None:
        """Returns when the names in new/, and that of new/, are on disk."""
        self._files.sync_names(self._top)
        self._files.sync_names(self._new)

    def close(self) -> None:
        """Closes the descriptors."""
        for directory in self._opened:
            self._files.close(directory)


class _Names:
    """Names of files, found by their time and unique part."""

    def __init__(self, names: Sequence[bytes]) -> None:
        self._names = names
        self._found: dict[int, dict[bytes, bytes]] = {}

    def find(self, letter: Letter) -> bytes | None:
        """The name of a letter's file, whatever its host and flags; None if it is not there."""
        unique = _unique(letter)
        words = unique.count(b".") + 1
        if words not in self._found:
            self._found[words] = {b".".join(_BEHIND.sub(b"", name).split(b".")[:words]): name for name in self._names}
        return self._found[words].get(unique)


def _unique(letter: Letter) -> bytes:
    """The time and the unique part of a letter's file name. No other message has them."""
    return b"%d.%b" % (int(letter.came), letter.id.encode())


def _host(name: bytes) -> bytes:
    """A host's name as part of a file name; octets that cannot stand there become `\\057` and the like."""
    return _NOT_IN_A_HOST.sub(lambda match: b"\\%03o" % match[0][0], name) or b"localhost"
