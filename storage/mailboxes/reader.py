"""Reading mailboxes without a lock: which messages are in a mailbox, and each message by its place.

Knows nothing about MIME. A mailbox may be half-written while it is read, and messages may move at any moment, so a caller
that keeps places must check what `read` returns. Use it only in a process that does not deliver: when a process closes a
file, it gives up all its locks on it (fcntl(2)).
"""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from ..files import DIRECTORY, Files

BLOCK = 256 * 1024
"""Octets that are searched at a time."""

_START = b"\nFrom "
_PLACE = re.compile(r"(\d{1,19})\+(\d{1,19})")
_UNIQUE = re.compile(r"[^/:,]{1,250}")
"""The part of a Maildir file's name in front of flags and sizes."""


class Entry(NamedTuple):
    """A message in a mailbox: its place there, and its size in octets. The last one in an mbox file may still grow."""

    place: str
    size: int


class Reader(Protocol):
    """The mailboxes of one kind in a directory. Every method raises OSError; a missing mailbox or message is not an
    error.
    """

    def mailboxes(self) -> list[str]:
        """The names of the mailboxes that are there."""

    def entries(self, mailbox: str, newest_first: bool = False) -> Iterator[Entry]:
        """A mailbox's messages, in order; none if it is missing."""

    def read(self, mailbox: str, place: str) -> bytes | None:
        """The octets of a message as the mailbox has them; None if it is not there."""

    def close(self) -> None:
        """Closes the directory."""


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
        pieces = []
        while length > 0 and (piece := self._files.read(self._file, length, offset)):
            pieces.append(piece)
            length, offset = length - len(piece), offset + len(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """Closes the file."""
        self._files.close(self._file)


class MboxReader:
    """The mailbox files `<name>.txt`. A place is an offset and a length, in octets."""

    def __init__(self, directory: Path, files: Files | None = None) -> None:
        self._files = files or Files()
        self._directory = os.open(directory, DIRECTORY | os.O_CLOEXEC)

    def mailboxes(self) -> list[str]:
        """The names of the mailboxes that are there, sorted."""
        found = (name.decode("utf-8", "replace") for name in self._files.names(self._directory) if name.endswith(b".txt"))
        return sorted(name.removesuffix(".txt") for name in found if not name.startswith("."))

    def entries(self, mailbox: str, newest_first: bool = False) -> Iterator[Entry]:
        """A mailbox's messages, each with its `From ` line and the blank line at its end."""
        with suppress(FileNotFoundError), closing(self._open(mailbox)) as file:
            if newest_first:
                end = file.size
                for start in _starts_from_behind(file):
                    yield Entry(f"{start}+{end - start}", end - start)
                    end = start
            else:
                start = 0
                for end in _next(file):
                    yield Entry(f"{start}+{end - start}", end - start)
                    start = end

    def read(self, mailbox: str, place: str) -> bytes | None:
        """The octets of a message, with its `From ` line. None if no `From ` line begins at its place, or the file is
        shorter.
        """
        match = _PLACE.fullmatch(place)
        if not match:
            return None
        offset, length = int(match[1]), int(match[2])
        with suppress(FileNotFoundError), closing(self._open(mailbox)) as file:
            if offset + length <= file.size:
                before = len(_START) - len(b"From ") if offset else 0
                data = file.read(before + length, offset - before)
                if data.startswith(_START[1 - before :]):
                    return data[before:]
        return None

    def close(self) -> None:
        """Closes the directory."""
        self._files.close(self._directory)

    def _open(self, mailbox: str) -> _OpenFile:
        return _OpenFile(self._files, _component(mailbox) + b".txt", self._directory)


def _next(file: _OpenFile) -> Iterator[int]:
    """Yields where each message ends, in order: at the beginning of the next one, or at the end of the file."""
    offset, kept = 0, b""
    if file.size and file.read(5, 0) == b"From ":
        while offset < file.size:
            data = kept + file.read(min(BLOCK, file.size - offset), offset)
            at = data.find(_START)
            while at >= 0:
                yield offset - len(kept) + at + 1
                at = data.find(_START, at + 1)
            offset += len(data) - len(kept)
            kept = data[-len(_START) + 1 :]
            if not data:
                break
        yield file.size


def _starts_from_behind(file: _OpenFile) -> Iterator[int]:
    """Yields where each message begins, the last one first."""
    end, kept = file.size, b""
    while end > 0:
        start = max(0, end - BLOCK)
        data = file.read(end - start, start) + kept
        at = data.rfind(_START)
        while at >= 0:
            yield start + at + 1
            at = data.rfind(_START, 0, at + len(_START) - 1)
        end, kept = start, data[: len(_START) - 1]
    if kept.startswith(b"From "):
        yield 0


class MaildirReader:
    """The Maildirs `<name>/`. A place is the part of a file's name that stays when flags change."""

    def __init__(self, directory: Path, files: Files | None = None) -> None:
        self._files = files or Files()
        self._directory = os.open(directory, DIRECTORY | os.O_CLOEXEC)

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

    def entries(self, mailbox: str, newest_first: bool = False) -> Iterator[Entry]:
        """A mailbox's messages in the order of their files' names, which begin with the time."""
        found = [(name, part) for part in (b"new", b"cur") for name in self._names(mailbox, part)]
        for name, part in sorted(found, reverse=newest_first):
            with suppress(FileNotFoundError), closing(self._open(mailbox, part, name)) as file:
                yield Entry(_unique(name), file.size)

    def read(self, mailbox: str, place: str) -> bytes | None:
        """The content of a message's file, whatever its flags are by now; None if it is not there."""
        if not _UNIQUE.fullmatch(place) or place.startswith("."):
            return None
        for part in (b"new", b"cur"):
            for name in self._names(mailbox, part):
                if _unique(name) == place:
                    with suppress(FileNotFoundError), closing(self._open(mailbox, part, name)) as file:
                        return file.read(file.size, 0)
        return None

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


def _unique(name: bytes) -> str:
    return re.split(r"[:,]", os.fsdecode(name), maxsplit=1)[0]


def _component(mailbox: str) -> bytes:
    """A mailbox's name as a name in the directory. Raises FileNotFoundError for one that could lead elsewhere."""
    if not mailbox or mailbox.startswith(".") or "/" in mailbox or "\0" in mailbox:
        raise FileNotFoundError(mailbox)
    return mailbox.encode("utf-8", "surrogateescape")
