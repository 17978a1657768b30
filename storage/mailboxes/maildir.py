"""Mailboxes as Maildirs, one a name: a file a message, which other programs read without a lock.

It does not know what a user is, nor when a message was accepted. The format is D. J. Bernstein's: a message is written to
tmp/ and moved to new/ when it is complete and on disk; mail programs move it on to cur/.

A name is the time, what is unique, and the host, in this order, with a dot between them. What follows may change: programs
put flags and sizes behind it (`:2,S`, `,S=1234`), and after a crash the host may be called otherwise, as a container is.
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
"""What programs put behind a name."""

_NOT_IN_A_HOST = re.compile(rb"[^!-+\--.0-9;-~]")
"""What would end a name, or begin what programs put behind it, or is not for the eyes."""

_NEW_FILE = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC

UNSYNCED = 1 << 20
"""Octets after which a long message is synced meanwhile."""


class MaildirMailboxes:
    """The Maildirs `<name>/` of an open directory; `where` is its path, for what is said of it."""

    def __init__(self, files: Files, directory: int, where: Path) -> None:
        self._files = files
        self._directory = directory
        self._where = where
        self._host = _host(os.fsencode(os.uname().nodename))

    def check(self, mailbox: str) -> None:
        """Raises OSError when this is no Maildir, or not ours to write to. A missing one, or a missing part, is fine."""
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
        """The Maildir; what is missing of it is made. Raises OSError."""
        opened = [open_directory(self._files, mailbox.encode(), self._directory)]
        try:
            opened.extend(open_directory(self._files, part, opened[0]) for part in _PARTS)
        except BaseException:
            for directory in opened:
                self._files.close(directory)
            raise
        return MaildirMailbox(self._files, opened, self._host)

    def sync(self, mailbox: str) -> None:
        """The names in new/, and its own, are on disk when this returns. Of a Maildir that was removed nothing is left."""
        with suppress(FileNotFoundError):
            top = self._files.open(mailbox.encode(), DIRECTORY, self._directory)
            try:
                self._files.sync_names(top)  # who made new/ was killed, perhaps, before it was on disk
                new = self._files.open(b"new", DIRECTORY, top)
                try:
                    self._files.sync_names(new)
                finally:
                    self._files.close(new)
            finally:
                self._files.close(top)

    def sync_names(self) -> None:
        """The names of mailboxes are on disk when this returns."""
        self._files.sync_names(self._directory)

    def clean(self) -> None:
        """Has nothing to remove: what was left in tmp/ goes when its message is looked for."""

    def close(self) -> None:
        """Has nothing to give back."""

    def path(self, mailbox: str) -> str:
        """The path of the directory."""
        return f"{self._where}/{mailbox}"


class MaildirMailbox:
    """A Maildir of which all parts are open."""

    extent = None
    """What is in it shows by the names of the files."""

    def __init__(self, files: Files, opened: Sequence[int], host: bytes) -> None:
        self._files = files
        self._opened = opened
        self._top, self._tmp, self._new, self._cur = opened
        self._host = host

    def append(self, letters: Iterable[Letter]) -> Generator[int, None, None]:
        """Puts the letters in new/, each complete and synced; what it yields is how many are there."""
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
        """Is never asked for, without an extent."""
        raise NotImplementedError

    def missing(self, letters: Iterable[Letter]) -> Generator[None, None, list[bool]]:
        """For each letter whether it is neither in new/ nor, under whatever flags, in cur/. What is left in tmp/ goes."""
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
        """The names in new/, and its own, are on disk when this returns."""
        self._files.sync_names(self._top)
        self._files.sync_names(self._new)

    def close(self) -> None:
        """Gives back the descriptors."""
        for directory in self._opened:
            self._files.close(directory)


class _Names:
    """Names of files, found by the part that no other message has."""

    def __init__(self, names: Sequence[bytes]) -> None:
        self._names = names
        self._found: dict[int, dict[bytes, bytes]] = {}

    def find(self, letter: Letter) -> bytes | None:
        """The name of a letter, whatever host is in it, and whatever stands behind it."""
        unique = _unique(letter)
        words = unique.count(b".") + 1
        if words not in self._found:
            self._found[words] = {b".".join(_BEHIND.sub(b"", name).split(b".")[:words]): name for name in self._names}
        return self._found[words].get(unique)


def _unique(letter: Letter) -> bytes:
    """What no other message has in its name."""
    return b"%d.%b" % (int(letter.came), letter.id.encode())


def _host(name: bytes) -> bytes:
    """A host's name as it can stand in that of a file, what cannot as `\\057`."""
    return _NOT_IN_A_HOST.sub(lambda match: b"\\%03o" % match[0][0], name) or b"localhost"
