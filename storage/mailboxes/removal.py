"""Removing messages from mailboxes, while other programs and deliveries are at work.

A message is removed under the locks under which mail is delivered, and only if it is still the one that is meant: the caller
looks at its octets. What another program has put in meanwhile stays. A crash at any moment leaves the mailbox as it was, or
as it should be. Knows nothing about why a message is removed.

For an mbox file the rest is copied into a new file, which takes the place of the old one in one step (rename). If only the
end of the file goes, or all of it, the file is cut instead. Use it only in a process that does not deliver, and that has no
mailbox open meanwhile: closing a file gives up all locks that the process has on it (fcntl(2)).
"""

import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from ..files import DIRECTORY, SECOND, Files, append_all
from .mbox import MboxMailbox, MboxMailboxes
from .reader import MaildirReader, MboxReader

COPIED = 1 << 20
"""Octets that are copied at a time."""

ABANDONED = 600
"""Seconds after which a new file that nobody writes to is one that a killed process has left."""

_PREFIX = b".rewritten-"
"""Names of the new files, until they take the place of the old ones."""

IsMeant = Callable[[bytes], bool]
"""Whether these octets are a message that has to go."""


class Remover(Protocol):
    """Removes messages from the mailboxes of one kind in a directory."""

    def remove(self, mailbox: str, places: Collection[str], is_meant: IsMeant) -> int:
        """Removes what is meant, of the messages that were at these places; returns how many. A message that has moved in an
        mbox file is found by its size. Returns when that is on disk. Raises OSError, and IsLocked if another program has the
        mailbox.
        """

    def complete(self, mailbox: str) -> str | None:
        """The state of a mailbox at a moment when nobody writes to it, so that all its messages are complete. None if it is
        missing. Raises like `remove`.
        """

    def close(self) -> None:
        """Closes the directory."""


class MboxRemover:
    """Removes from the files `<name>.txt`."""

    def __init__(self, directory: Path, files: Files | None = None) -> None:
        self._files = files or Files()
        self._directory = os.open(directory, DIRECTORY | os.O_CLOEXEC)
        self._mailboxes = MboxMailboxes(self._files, self._directory, directory)
        self._reader = MboxReader(directory, self._files)
        self._clean()

    def remove(self, mailbox: str, places: Collection[str], is_meant: IsMeant) -> int:
        """Removes messages; all that have the size of one that is meant are looked at."""
        if self._reader.state(mailbox) is None:
            return 0
        sizes = {int(place.partition("+")[2]) for place in places}
        opened = self._mailboxes.open(mailbox)
        try:
            kept: list[tuple[int, int]] = []
            removed = start = 0
            for end in opened.ends():
                if end - start in sizes and is_meant(opened.read(end - start, start)):
                    removed += 1
                elif kept and kept[-1][1] == start:
                    kept[-1] = kept[-1][0], end
                else:
                    kept.append((start, end))
                start = end
            if start != opened.extent.size:  # a program without a lock has written to it meanwhile
                return 0
            if removed:
                self._keep(mailbox, opened, kept)
            return removed
        finally:
            opened.close()

    def complete(self, mailbox: str) -> str | None:
        """The state of the file while it is locked."""
        if self._reader.state(mailbox) is None:
            return None
        opened = self._mailboxes.open(mailbox)
        try:
            return self._reader.state(mailbox)
        finally:
            opened.close()

    def close(self) -> None:
        """Closes the directory."""
        self._reader.close()
        self._mailboxes.close()
        self._files.close(self._directory)

    def _keep(self, mailbox: str, opened: MboxMailbox, kept: list[tuple[int, int]]) -> None:
        """Leaves only these stretches of a mailbox."""
        if not kept or (len(kept) == 1 and kept[0][0] == 0):
            opened.cut(kept[0][1] if kept else 0)
            return
        name, temporary = mailbox.encode() + b".txt", _PREFIX + mailbox.encode()
        file = self._files.open(temporary, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC, self._directory)
        try:
            for start, end in kept:
                for piece in _pieces(opened, start, end):
                    append_all(self._files, file, piece)
                    opened.refresh()
            opened.make_alike(file)
            self._files.sync(file)
            self._files.rename(temporary, self._directory, name, self._directory)
        except BaseException:
            with suppress(OSError):
                self._files.remove(temporary, self._directory)
            raise
        finally:
            self._files.close(file)
        self._files.sync_names(self._directory)

    def _clean(self) -> None:
        """Removes the files of processes that were killed. Another one may be writing to a younger file."""
        for name in self._files.names(self._directory):
            if name.startswith(_PREFIX):
                with suppress(FileNotFoundError):
                    age = time.time_ns() - self._files.find(name, self._directory).st_mtime_ns
                    if age > ABANDONED * SECOND:
                        self._files.remove(name, self._directory)


def _pieces(opened: MboxMailbox, start: int, end: int) -> Iterator[bytes]:
    while start < end:
        piece = opened.read(min(COPIED, end - start), start)
        if not piece:
            raise OSError(0, "the mailbox has become shorter, though it is locked")
        yield piece
        start += len(piece)


class MaildirRemover:
    """Removes files of the Maildirs `<name>/`."""

    def __init__(self, directory: Path, files: Files | None = None) -> None:
        self._files = files or Files()
        self._reader = MaildirReader(directory, self._files)

    def remove(self, mailbox: str, places: Collection[str], is_meant: IsMeant) -> int:
        """Removes the files, whatever flags they have, and syncs their names."""
        removed = sum(self._remove(mailbox, place, is_meant) for place in places)
        if removed:
            self._reader.sync(mailbox)
        return removed

    def complete(self, mailbox: str) -> str | None:
        """Its state now: a file comes whole into a Maildir."""
        return self._reader.state(mailbox)

    def close(self) -> None:
        """Closes the directory."""
        self._reader.close()

    def _remove(self, mailbox: str, place: str, is_meant: IsMeant) -> bool:
        octets = self._reader.read(mailbox, place)
        return octets is not None and is_meant(octets) and self._reader.unlink(mailbox, place)
