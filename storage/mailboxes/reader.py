"""Reading mailboxes without a lock: which messages are in a mailbox, and each message by its place.

Knows nothing about MIME. A mailbox may be half-written while it is read, and messages may move at any moment, so a caller
that keeps places must check what `read` returns. Use it only in a process that does not deliver: when a process closes a
file, it gives up all its locks on it (fcntl(2)).
"""

import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import pairwise
from pathlib import Path

from ..files import DIRECTORY, SECOND, Files, read_all
from .mbox_entries import FIRST, START, ends, starts_from_behind
from .reading import Entry, News

_PLACE = re.compile(r"(\d{1,19})\+(\d{1,19})")
_TIME = re.compile(rb"\d{1,12}")
_SIZE = re.compile(rb",S=(\d{1,15})")
EARLIER = 120
"""Seconds by which the time in a message's name may be earlier than when the message was put into its Maildir."""

FEW = 100
"""Messages of a Maildir that count as news if nothing was known of it."""

LITTLE = 1 << 20
"""Octets of a file that do."""

PIECE = 128 * 1024
"""Octets of a message that are read at a time."""

_UNIQUE = re.compile(r"[^/:,]{1,250}")
"""The part of a Maildir file's name in front of flags and sizes."""


class _OpenFile:
    """A regular file, open for reading; close it once."""

    def __init__(self, files: Files, name: bytes, at: int) -> None:
        self._files = files
        self._file = files.open(name, os.O_RDONLY, at)
        status = files.status(self._file)
        if not stat.S_ISREG(status.st_mode):
            files.close(self._file)
            raise OSError(0, "not a regular file")
        self.size = status.st_size

    def read(self, length: int, offset: int) -> bytes:
        """Reads `length` octets; fewer only at the end of the file."""
        return read_all(self._files, self._file, length, offset)

    def close(self) -> None:
        """Closes the file."""
        self._files.close(self._file)


class MboxReader:
    """The mailbox files `<name>.txt`. A place is an offset and a length, in octets; a state is inode, size and time."""

    has_names = False

    def __init__(self, directory: Path, files: Files | None = None) -> None:
        self._files = files or Files()
        self._directory = os.open(directory, DIRECTORY | os.O_CLOEXEC)

    def mailboxes(self) -> list[str]:
        """The names of the mailboxes that are there, sorted."""
        found = (name.decode("utf-8", "replace") for name in self._files.names(self._directory) if name.endswith(b".txt"))
        return sorted(name.removesuffix(".txt") for name in found if not name.startswith("."))

    def states(self) -> dict[str, str]:
        """The states of all files."""
        return {name: state for name in self.mailboxes() if (state := self.state(name))}

    def state(self, mailbox: str) -> str | None:
        """The file's inode, size and time of modification."""
        try:
            status = self._files.find(_component(mailbox) + b".txt", self._directory)
        except FileNotFoundError:
            return None
        return f"{status.st_ino}.{status.st_size}.{status.st_mtime_ns}"

    def extent(self, state: str) -> int | None:
        """The file's size in a state."""
        return int(state.split(".")[1])

    def is_still(self, mailbox: str) -> bool:
        """Whether the file was not written to within the last second."""
        try:
            status = self._files.find(_component(mailbox) + b".txt", self._directory)
        except FileNotFoundError:
            return True
        return abs(time.time_ns() - status.st_mtime_ns) > SECOND

    def news(self, mailbox: str, since: str, size: int | None = None) -> News | None:
        """The messages that were appended. None if it is another file by now, or what was there does not end any more where
        it did.
        """
        state = self.state(mailbox)
        if not state:
            return None
        inode, whole, changed = state.split(".")
        end = min(int(whole), size or int(whole))
        if not since and end > LITTLE:
            return None
        before, start, _ = (since or f"{inode}.0.0").split(".")
        if inode == before and end <= int(start) < int(whole):
            return News([], since, True)  # more is being written
        if inode != before or end < int(start) or (end == int(start) and state != since):
            return None
        with closing(self._open(mailbox)) as file:
            if end > int(start) and file.read(len(FIRST), int(start)) != FIRST:
                return None
            found = list(ends(file.read, int(start), end))
        entries = [Entry(f"{start}+{end - start}", end - start) for start, end in pairwise([int(start), *found])]
        return News(entries, f"{inode}.{end}.{changed}", True)

    def entries(self, mailbox: str, newest_first: bool = False, size: int | None = None) -> Iterator[Entry]:
        """A mailbox's messages, each with its `From ` line and the blank line at its end."""
        with suppress(FileNotFoundError), closing(self._open(mailbox)) as file:
            whole = file.size if size is None else min(size, file.size)
            if newest_first:
                end = whole
                for start in starts_from_behind(file.read, whole):
                    yield Entry(f"{start}+{end - start}", end - start)
                    end = start
            else:
                start = 0
                for end in ends(file.read, 0, whole):
                    yield Entry(f"{start}+{end - start}", end - start)
                    start = end

    def read(self, mailbox: str, place: str) -> bytes | None:
        """The octets of a message, with its `From ` line. None if no `From ` line begins at its place, or the file is
        shorter.
        """
        return b"".join(self.pieces(mailbox, place)) or None

    def pieces(self, mailbox: str, place: str) -> Iterator[bytes]:
        """The same, in pieces."""
        match = _PLACE.fullmatch(place)
        if not match:
            return
        at, left = int(match[1]), int(match[2])
        with suppress(FileNotFoundError), closing(self._open(mailbox)) as file:
            before = len(START) - len(FIRST) if at else 0
            if at + left <= file.size and file.read(before + len(FIRST), at - before) == START[1 - before :]:
                while left and (piece := file.read(min(PIECE, left), at)):
                    yield piece
                    at, left = at + len(piece), left - len(piece)

    def hold(self, mailbox: str) -> bool:
        """True."""
        return True

    def close(self) -> None:
        """Closes the directory."""
        self._files.close(self._directory)

    def _open(self, mailbox: str) -> _OpenFile:
        return _OpenFile(self._files, _component(mailbox) + b".txt", self._directory)


class MaildirReader:
    """The Maildirs `<name>/`. A place is the part of a file's name that stays when flags change. A state is the times of
    new/ and cur/.
    """

    has_names = True

    def __init__(self, directory: Path, files: Files | None = None) -> None:
        self._files = files or Files()
        self._directory = os.open(directory, DIRECTORY | os.O_CLOEXEC)
        self._listed = ""
        self._found: dict[str, tuple[bytes, bytes]] = {}

    def mailboxes(self) -> list[str]:
        """The names of the mailboxes that are there, sorted."""
        found = [name for name in self._files.names(self._directory) if not name.startswith(b".")]
        return sorted(name.decode("utf-8", "replace") for name in found if self._is_maildir(name))

    def _is_maildir(self, name: bytes) -> bool:
        with suppress(OSError):
            top = self._files.open(name, DIRECTORY, self._directory)
            try:
                return stat.S_ISDIR(self._files.find(b"new", top).st_mode)
            finally:
                self._files.close(top)
        return False

    def states(self) -> dict[str, str]:
        """The states of all Maildirs."""
        return {name: state for name in self.mailboxes() if (state := self.state(name))}

    def state(self, mailbox: str) -> str | None:
        """When names in new/ and in cur/ have changed."""
        try:
            times = []
            for part in (b"new", b"cur"):
                directory = self._part(mailbox, part)
                try:
                    times.append(self._files.status(directory).st_mtime_ns)
                finally:
                    self._files.close(directory)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return f"{times[0]}.{times[1]}"

    def extent(self, state: str) -> int | None:
        """None: there are many files."""
        return None

    def is_still(self, mailbox: str) -> bool:
        """True: a file comes whole into a Maildir."""
        return True

    def news(self, mailbox: str, since: str, size: int | None = None) -> News | None:
        """The messages in new/ whose names have a time that is not long before that state. Others may be gone meanwhile."""
        state = self.state(mailbox)
        if not state:
            return None
        names = sorted(self._names(mailbox, b"new"))
        if since:
            least = int(since.split(".")[0]) // SECOND - EARLIER
            names = [name for name in names if _seconds(name) >= least]
        elif len(names) > FEW or any(self._names(mailbox, b"cur")):
            return None
        return News([Entry(_unique(name), 0) for name in names], state, state == since or not since)

    def entries(self, mailbox: str, newest_first: bool = False, size: int | None = None) -> Iterator[Entry]:
        """A mailbox's messages in the order of their files' names, which begin with the time."""
        found = [name for part in (b"new", b"cur") for name in self._names(mailbox, part)]
        for name in sorted(found, reverse=newest_first):
            yield Entry(_unique(name), _size(name))

    def read(self, mailbox: str, place: str) -> bytes | None:
        """The content of a message's file, whatever its flags are by now; None if it is not there."""
        file = self._file(mailbox, place)
        if file is None:
            return None
        with closing(file):
            return file.read(file.size, 0)

    def pieces(self, mailbox: str, place: str) -> Iterator[bytes]:
        """The same, in pieces."""
        file = self._file(mailbox, place)
        if file is not None:
            with closing(file):
                at = 0
                while piece := file.read(PIECE, at):
                    yield piece
                    at += len(piece)

    def _file(self, mailbox: str, place: str) -> _OpenFile | None:
        """The file of a message, wherever it is by now."""
        if not _UNIQUE.fullmatch(place) or place.startswith("."):
            return None
        for is_last in (False, True):
            if mailbox != self._listed or is_last:
                self._list(mailbox)
            if place in self._found:
                with suppress(FileNotFoundError):
                    return self._open(mailbox, *self._found[place])
        return None

    def unlink(self, mailbox: str, place: str) -> bool:
        """Removes the file of a message that was read last, whatever its flags are by now; False if it is not there."""
        for is_last in (False, True):
            if mailbox != self._listed or is_last:
                self._list(mailbox)
            if place in self._found:
                part, name = self._found[place]
                with suppress(FileNotFoundError):
                    directory = self._part(mailbox, part)
                    try:
                        self._files.remove(name, directory)
                        return True
                    finally:
                        self._files.close(directory)
        return False

    def sync(self, mailbox: str) -> None:
        """Returns when it is on disk which files there are."""
        for part in (b"new", b"cur"):
            directory = self._part(mailbox, part)
            try:
                self._files.sync_names(directory)
            finally:
                self._files.close(directory)

    def _list(self, mailbox: str) -> None:
        """Remembers where the messages of a mailbox are: looking in new/ and cur/ for each would take long."""
        names = [(part, name) for part in (b"new", b"cur") for name in self._names(mailbox, part)]
        self._listed, self._found = mailbox, {_unique(name): (part, name) for part, name in names}

    def hold(self, mailbox: str) -> bool:
        """True."""
        return True

    def close(self) -> None:
        """Closes the directory."""
        self._files.close(self._directory)

    def _names(self, mailbox: str, part: bytes) -> list[bytes]:
        with suppress(FileNotFoundError, NotADirectoryError):
            directory = self._part(mailbox, part)
            try:
                return [name for name in self._files.names(directory) if not name.startswith(b".")]
            finally:
                self._files.close(directory)
        return []

    def _open(self, mailbox: str, part: bytes, name: bytes) -> _OpenFile:
        directory = self._part(mailbox, part)
        try:
            return _OpenFile(self._files, name, directory)
        finally:
            self._files.close(directory)

    def _part(self, mailbox: str, part: bytes) -> int:
        top = self._files.open(_component(mailbox), DIRECTORY, self._directory)
        try:
            return self._files.open(part, DIRECTORY, top)
        finally:
            self._files.close(top)


def _seconds(name: bytes) -> int:
    """The time that a Maildir file's name begins with."""
    match = _TIME.match(name)
    return int(match[0]) if match else 0


def _size(name: bytes) -> int:
    """The size that some programs write in a Maildir file's name."""
    match = _SIZE.search(name)
    return int(match[1]) if match else 0


def _unique(name: bytes) -> str:
    return re.split(r"[:,]", os.fsdecode(name), maxsplit=1)[0]


def _component(mailbox: str) -> bytes:
    """A mailbox's name as a name in the directory. Raises FileNotFoundError for one that could lead elsewhere."""
    if not mailbox or mailbox.startswith(".") or "/" in mailbox or "\0" in mailbox:
        raise FileNotFoundError(mailbox)
    return mailbox.encode("utf-8", "surrogateescape")
